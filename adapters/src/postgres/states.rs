//! Folded states in Postgres: disposable, so that a cold start reads only the tail of a stream.

use super::{Pool, connect::describe_pool, describe};
use async_trait::async_trait;
use commands::ports::{StateStore, StateStoreError, StateToKeep};
use commands::{Folded, PostMark};
use domain::account::Account;
use domain::{AccountId, Fingerprint, PostKey, Timestamp};
use std::collections::HashMap;
use uuid::Uuid;

/// The tables `account_states` and `post_marks`.
pub struct PostgresStates {
    pool: Pool,
}

impl PostgresStates {
    /// Uses the tables of a migrated database.
    pub fn new(pool: Pool) -> Self {
        Self { pool }
    }

    async fn client(&self) -> Result<deadpool_postgres::Object, StateStoreError> {
        self.pool
            .get()
            .await
            .map_err(|e| StateStoreError(describe_pool(&e)))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "a function for map_err")]
fn unavailable(error: tokio_postgres::Error) -> StateStoreError {
    StateStoreError(describe(&error))
}

#[async_trait]
impl StateStore for PostgresStates {
    async fn load(&self, account: AccountId) -> Result<Option<Folded>, StateStoreError> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached("select folded from account_states where account_id = $1")
            .await
            .map_err(unavailable)?;
        let row = client
            .query_opt(&statement, &[&account.uuid()])
            .await
            .map_err(unavailable)?;
        let folded = row.and_then(|row| {
            // A state that an older program wrote in another shape is simply folded again.
            let bytes: &[u8] = row.get("folded");
            serde_json::from_slice(bytes)
                .inspect_err(|error| tracing::warn!(%account, %error, "a kept state is not read"))
                .ok()
        });
        Ok(folded)
    }

    async fn load_marks(
        &self,
        account: AccountId,
        posts: &[PostKey],
    ) -> Result<HashMap<PostKey, PostMark>, StateStoreError> {
        let posts: Vec<Uuid> = posts.iter().map(|post| post.uuid()).collect();
        let client = self.client().await?;
        let statement = client
            .prepare_cached(
                "select post, observed_at, digest, text_fingerprint
                 from post_marks
                 where account_id = $1 and post = any($2)",
            )
            .await
            .map_err(unavailable)?;
        let rows = client
            .query(&statement, &[&account.uuid(), &posts])
            .await
            .map_err(unavailable)?;
        let mark = |row: &tokio_postgres::Row| {
            let observed_at = Timestamp::from_micros(row.get("observed_at"))?;
            let text = row.get::<_, Option<Uuid>>("text_fingerprint");
            Some((
                PostKey::from_uuid(row.get("post")),
                PostMark {
                    observed_at,
                    values: row.get::<_, i64>("digest").cast_unsigned(),
                    text: text.map(|id| Fingerprint(id.into_bytes())),
                },
            ))
        };
        Ok(rows.iter().filter_map(mark).collect())
    }

    async fn keep(&self, states: &[StateToKeep]) -> Result<(), StateStoreError> {
        if states.is_empty() {
            return Ok(());
        }
        let mut kept = Columns::default();
        for state in states {
            kept.add(state)?;
        }
        let client = self.client().await?;
        let statement = client.prepare_cached(KEEP).await.map_err(unavailable)?;
        client
            .execute(
                &statement,
                &[
                    &kept.accounts,
                    &kept.revisions,
                    &kept.states,
                    &kept.owners,
                    &kept.posts,
                    &kept.observed_at,
                    &kept.digests,
                    &kept.texts,
                    &kept.erased,
                ],
            )
            .await
            .map_err(unavailable)?;
        Ok(())
    }
}

/// Marks follow their state: neither replaces what was kept at a later revision. Those of an
/// erased account go, and the state that stays keeps out any that comes late.
const KEEP: &str = "
    with kept as (
        insert into account_states (account_id, revision, folded)
        select account_id, revision, folded
        from unnest($1::uuid[], $2::bigint[], $3::bytea[]) as given (account_id, revision, folded)
        order by account_id
        on conflict (account_id) do update
            set revision = excluded.revision, folded = excluded.folded
            where account_states.revision < excluded.revision
        returning account_id
    ), forgotten as (
        delete from post_marks
        where account_id = any($9::uuid[])
    )
    insert into post_marks (account_id, post, observed_at, digest, text_fingerprint)
    select given.account_id, given.post, given.observed_at, given.digest, given.text_fingerprint
    from unnest($4::uuid[], $5::uuid[], $6::bigint[], $7::bigint[], $8::uuid[])
        as given (account_id, post, observed_at, digest, text_fingerprint)
    join kept on kept.account_id = given.account_id
    order by given.account_id, given.post
    on conflict (account_id, post) do update
        set observed_at = excluded.observed_at,
            digest = excluded.digest,
            text_fingerprint = excluded.text_fingerprint";

#[derive(Default)]
struct Columns {
    accounts: Vec<Uuid>,
    revisions: Vec<i64>,
    states: Vec<Vec<u8>>,
    owners: Vec<Uuid>,
    posts: Vec<Uuid>,
    observed_at: Vec<i64>,
    digests: Vec<i64>,
    texts: Vec<Option<Uuid>>,
    erased: Vec<Uuid>,
}

impl Columns {
    fn add(&mut self, state: &StateToKeep) -> Result<(), StateStoreError> {
        let account = state.account.uuid();
        let folded =
            serde_json::to_vec(&*state.folded).map_err(|e| StateStoreError(e.to_string()))?;
        self.accounts.push(account);
        self.revisions
            .push(state.folded.revision.map_or(-1, u64::cast_signed));
        self.states.push(folded);
        if matches!(state.folded.account, Account::Erased { .. }) {
            self.erased.push(account);
        }
        for (post, mark) in &state.marks {
            self.owners.push(account);
            self.posts.push(post.uuid());
            self.observed_at.push(mark.observed_at.micros());
            self.digests.push(mark.values.cast_signed());
            self.texts
                .push(mark.text.map(|text| Uuid::from_bytes(text.0)));
        }
        Ok(())
    }
}
