//! Questions to sync health.

use crate::access::Scope;
use crate::sql::{At, Connection, Reader};
use domain::{AccountId, CreatorId, Timestamp};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// How an account's syncs fare.
#[derive(Clone, Debug)]
pub struct HealthRow {
    /// The account.
    pub account_id: AccountId,
    /// Who owns it.
    pub creator: String,
    /// Where it lives.
    pub platform: String,
    /// Where it stands.
    pub phase: String,
    /// When the last sync began.
    pub last_attempt_at: Option<Timestamp>,
    /// When the last one that brought something ended.
    pub last_success_at: Option<Timestamp>,
    /// How the last one ended.
    pub last_outcome: Option<String>,
    /// What kind of failure it met, if any.
    pub error_class: Option<String>,
    /// The platform's code for it.
    pub error_code: Option<String>,
    /// Since when no sync succeeded, if the last one failed.
    pub failing_since: Option<Timestamp>,
    /// How many failed one after the other.
    pub failures: i64,
    /// When a success last ended a row of failures.
    pub recovered_at: Option<Timestamp>,
    /// When a rate limit starts anew, where the platform says.
    pub rate_limit_reset_at: Option<Timestamp>,
    /// When the next sync is planned.
    pub next_at: Option<Timestamp>,
    /// How many syncs there were.
    pub syncs: i64,
}

impl HealthRow {
    pub(crate) fn read(row: &Row) -> Result<Self, Error> {
        let maybe_at = |column: &str| {
            row.try_get::<_, Option<At>>(column)
                .map(|at| at.map(|at| at.0))
        };
        Ok(Self {
            account_id: AccountId::from_uuid(row.try_get("account_id")?),
            creator: row.try_get("creator_id")?,
            platform: row.try_get("platform")?,
            phase: row.try_get("phase")?,
            last_attempt_at: maybe_at("last_attempt_at")?,
            last_success_at: maybe_at("last_success_at")?,
            last_outcome: row.try_get("last_outcome")?,
            error_class: row.try_get("error_class")?,
            error_code: row.try_get("error_code")?,
            failing_since: maybe_at("failing_since")?,
            failures: row.try_get("failures")?,
            recovered_at: maybe_at("recovered_at")?,
            rate_limit_reset_at: maybe_at("rate_limit_reset_at")?,
            next_at: maybe_at("next_at")?,
            syncs: row.try_get("syncs")?,
        })
    }
}

/// What [`HealthRow::read`] reads.
const COLUMNS: &str = "account_id, creator_id, platform, phase, last_attempt_at, last_success_at,
    last_outcome, error_class, error_code, failing_since, failures, recovered_at,
    rate_limit_reset_at, next_at, syncs";

/// The health of those of these accounts that are known and within the scope, in the order of
/// their ids.
pub async fn find_many(
    client: &Reader<impl Connection>,
    scope: &Scope,
    accounts: &[AccountId],
) -> Result<Vec<HealthRow>, Error> {
    let ids: Vec<Uuid> = accounts.iter().map(|account| account.uuid()).collect();
    let rows = client
        .query(
            &format!(
                "select {COLUMNS}
                 from sync_health_vN
                 where account_id = any($1) and ($2::text[] is null or creator_id = any($2))
                 order by account_id"
            ),
            &[&ids, &scope.creators()],
        )
        .await?;
    rows.iter().map(HealthRow::read).collect()
}

/// The health of all accounts within the scope, or of one creator's, in the order of their ids.
pub async fn list(
    client: &Reader<impl Connection>,
    scope: &Scope,
    creator: Option<&CreatorId>,
    after: Option<AccountId>,
    limit: i64,
) -> Result<Vec<HealthRow>, Error> {
    let within_scope = scope.condition("creator_id", "$1");
    let of_creator = match creator {
        Some(_) => "creator_id = $2",
        None => "$2::text is null",
    };
    let rows = client
        .query(
            &format!(
                "select {COLUMNS}
                 from sync_health_vN
                 where {within_scope} and {of_creator}
                     and ($3::uuid is null or account_id > $3)
                 order by account_id
                 limit $4"
            ),
            &[
                &scope.creators(),
                &creator.map(CreatorId::as_str),
                &after.map(AccountId::uuid),
                &limit,
            ],
        )
        .await?;
    rows.iter().map(HealthRow::read).collect()
}

/// A sync that brought nothing.
#[derive(Clone, Debug)]
pub struct FailedSync {
    /// When it began.
    pub started_at: Timestamp,
    /// The run.
    pub sync_id: String,
    /// What kind of failure it met.
    pub error_class: Option<String>,
    /// The platform's code for it.
    pub error_code: Option<String>,
}

impl FailedSync {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            started_at: row.try_get::<_, At>("started_at")?.0,
            sync_id: row.try_get("sync_id")?,
            error_class: row.try_get("error_class")?,
            error_code: row.try_get("error_code")?,
        })
    }
}

/// The first failed syncs of each window, as the window's place and the sync, oldest first.
///
/// One index descent for each window: a window with many failures takes none from the others.
pub async fn failed_by_window(
    client: &Reader<impl Connection>,
    account: AccountId,
    windows: &[(Timestamp, Timestamp)],
    known_at: Timestamp,
    limit: i64,
) -> Result<Vec<(usize, FailedSync)>, Error> {
    let since: Vec<At> = windows.iter().map(|(since, _)| At(*since)).collect();
    let until: Vec<At> = windows.iter().map(|(_, until)| At(*until)).collect();
    // A sync is recorded when it ends: what ended later was not known yet.
    let rows = client
        .query(
            "select bucket.n, failed.started_at, failed.sync_id, failed.error_class,
                 failed.error_code
             from unnest($2::timestamptz[], $3::timestamptz[])
                 with ordinality as bucket (since, until, n)
             cross join lateral (
                 select started_at, sync_id, error_class, error_code
                 from sync_health_vN_syncs
                 where account_id = $1 and started_at >= bucket.since
                     and started_at < bucket.until and finished_at <= $4
                     and outcome = 'failed'
                 order by started_at, revision
                 limit $5
             ) failed
             order by bucket.n, failed.started_at",
            &[&account.uuid(), &since, &until, &At(known_at), &limit],
        )
        .await?;
    let read = |row: &Row| {
        let place: i64 = row.try_get("n")?;
        let place = usize::try_from(place - 1).unwrap_or(usize::MAX);
        Ok((place, FailedSync::read(row)?))
    };
    rows.iter().map(read).collect()
}
