//! What platforms tell us unasked: whom it is about, requests for deletion, notices for a sync.

use super::super::keyring::unavailable;
use super::Credentials;
use commands::ports::VaultError;
use domain::time::DAY_MICROS;
use domain::{AccountId, Platform, Timestamp};
use projections::sql::At;
use sha2::{Digest, Sha256};
use tokio_postgres::Row;
use uuid::Uuid;

/// For how many days notices are kept, and messages known as received: longer than any platform goes
/// on delivering one (TikTok 72 hours, Meta 36).
pub const NOTICES_KEPT_DAYS: i64 = 7;

/// A request for deletion.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deletion {
    /// What the person asks after it with.
    pub code: String,
    /// By which platform it came.
    pub platform: Platform,
    /// What it is about.
    pub accounts: Vec<AccountId>,
    /// When it came.
    pub asked_at: Timestamp,
    /// When everything of it was erased.
    pub done_at: Option<Timestamp>,
}

fn accounts(ids: Vec<Uuid>) -> Vec<AccountId> {
    ids.into_iter().map(AccountId::from_uuid).collect()
}

impl Credentials {
    /// The accounts that a platform's message is about: by their own ids, or by the person's.
    pub async fn named(&self, platform: Platform, id: &str) -> Result<Vec<AccountId>, VaultError> {
        let tag = self.name_tag(platform, id);
        let rows = self
            .client()
            .await?
            .query(
                "select account_id from credentials.names where tag = $1 order by account_id",
                &[&tag.as_slice()],
            )
            .await
            .map_err(unavailable)?;
        Ok(accounts(
            rows.iter().map(|row| row.get("account_id")).collect(),
        ))
    }

    /// Forgets by which names an account is known, as an erasure must.
    pub async fn forget_names(&self, account: AccountId) -> Result<(), VaultError> {
        let client = self.client().await?;
        for table in ["credentials.names", "credentials.notices"] {
            client
                .execute(
                    &format!("delete from {table} where account_id = $1"),
                    &[&account.uuid()],
                )
                .await
                .map_err(unavailable)?;
        }
        Ok(())
    }

    /// Notes a request for deletion before it is carried out. The same again changes nothing.
    pub async fn ask_deletion(&self, deletion: &Deletion) -> Result<(), VaultError> {
        let accounts: Vec<Uuid> = deletion.accounts.iter().map(|it| it.uuid()).collect();
        self.client()
            .await?
            .execute(
                "insert into credentials.deletions (code, platform, accounts, asked_at)
                 values ($1, $2, $3, $4)
                 on conflict do nothing",
                &[
                    &deletion.code,
                    &deletion.platform.name(),
                    &accounts,
                    &At(deletion.asked_at),
                ],
            )
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    /// Everything of it is erased.
    pub async fn deletion_done(&self, code: &str, now: Timestamp) -> Result<(), VaultError> {
        self.client()
            .await?
            .execute(
                "update credentials.deletions set done_at = $2 where code = $1 and done_at is null",
                &[&code, &At(now)],
            )
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    /// A request for deletion by its code.
    pub async fn deletion(&self, code: &str) -> Result<Option<Deletion>, VaultError> {
        let row = self
            .client()
            .await?
            .query_opt(
                "select code, platform, accounts, asked_at, done_at
                 from credentials.deletions
                 where code = $1",
                &[&code],
            )
            .await
            .map_err(unavailable)?;
        row.as_ref().map(read_deletion).transpose()
    }

    /// Requests that were not carried out to their end, at most `limit`.
    pub async fn open_deletions(&self, limit: i64) -> Result<Vec<Deletion>, VaultError> {
        let rows = self
            .client()
            .await?
            .query(
                "select code, platform, accounts, asked_at, done_at
                 from credentials.deletions
                 where done_at is null
                 order by asked_at
                 limit $1",
                &[&limit],
            )
            .await
            .map_err(unavailable)?;
        rows.iter().map(read_deletion).collect()
    }

    /// Keeps what a message said of accounts, and tells whether it is new. `message` is its very
    /// bytes: the same again says nothing new.
    pub async fn note(
        &self,
        message: &[u8],
        said: &[(AccountId, &'static str)],
        now: Timestamp,
    ) -> Result<bool, VaultError> {
        let digest: [u8; 32] = Sha256::digest(message).into();
        let old = now.saturating_add_micros(-NOTICES_KEPT_DAYS * DAY_MICROS);
        let accounts: Vec<Uuid> = said.iter().map(|(account, _)| account.uuid()).collect();
        let what: Vec<&str> = said.iter().map(|(_, what)| *what).collect();
        let client = self.client().await?;
        client
            .execute(
                "delete from credentials.notices where received_at < $1",
                &[&At(old)],
            )
            .await
            .map_err(unavailable)?;
        let noted = client
            .execute(
                "insert into credentials.notices (digest, number, account_id, what, received_at)
                 select $1, said.number, said.account_id, said.what, $4
                 from unnest($2::uuid[], $3::text[])
                     with ordinality said (account_id, what, number)
                 on conflict do nothing",
                &[&digest.as_slice(), &accounts, &what, &At(now)],
            )
            .await
            .map_err(unavailable)?;
        Ok(noted > 0)
    }
}

fn read_deletion(row: &Row) -> Result<Deletion, VaultError> {
    let corrupt = || VaultError::DoesNotOpen("a request for deletion".to_owned());
    let platform: &str = row.get("platform");
    Ok(Deletion {
        code: row.get("code"),
        platform: platform.parse().map_err(|_| corrupt())?,
        accounts: accounts(row.get("accounts")),
        asked_at: row.get::<_, At>("asked_at").0,
        done_at: row.get::<_, Option<At>>("done_at").map(|at| at.0),
    })
}
