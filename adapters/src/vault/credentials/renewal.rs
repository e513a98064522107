//! Renewing a grant's tokens: under a lock, after another look, so that no token is renewed twice.
//!
//! The lock is the grant's row. Whoever has it reads the row again: if somebody renewed it
//! meanwhile, there is nothing to do. A process that dies lets go of it with its connection.

use super::super::keyring::unavailable;
use super::{Credentials, GRANT_COLUMNS, Grant, GrantState, Tokens};
use crate::platforms::Failure;
use commands::ports::VaultError;
use domain::Timestamp;
use domain::time::DAY_MICROS;
use projections::sql::At;
use std::time::{Duration, Instant};
use tokio_postgres::{GenericClient, Transaction};
use uuid::Uuid;

/// For how long a grant's lock is waited for: longer than a call to a platform may take.
pub const LOCK_WAIT: Duration = Duration::from_secs(45);
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// How often new tokens are stored, where the database fails just then. The platform may have ended
/// the old ones, so they must not be lost.
const STORE_ATTEMPTS: u32 = 10;
const STORE_PAUSE: Duration = Duration::from_millis(500);

/// Why there are no fresh tokens.
#[derive(Debug, thiserror::Error)]
pub enum RenewError {
    /// The grant is gone.
    #[error("the grant is gone")]
    Gone,
    /// Others held its lock for too long.
    #[error("the grant is being renewed elsewhere")]
    Busy,
    /// The platform refused, or could not be asked.
    #[error("the platform did not renew the tokens: {0}")]
    Platform(Failure),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl Credentials {
    /// Renews a grant's tokens if `is_due` says so of the grant as it is under its lock. `ask` calls
    /// the platform; what it gives is stored as the next version. Of its failures only one that
    /// needs the person changes the grant's state; another is counted, at most once a day.
    ///
    /// Must not be cut short: tokens that were given and not stored may be lost for good.
    pub async fn renew<F>(
        &self,
        grant_id: Uuid,
        is_due: impl Fn(&Grant) -> bool,
        ask: impl FnOnce(Grant) -> F,
        now: Timestamp,
    ) -> Result<Grant, RenewError>
    where
        F: Future<Output = Result<Tokens, Failure>>,
    {
        let started = Instant::now();
        loop {
            let mut client = self.client().await?;
            let transaction = client.transaction().await.map_err(unavailable)?;
            let row = transaction
                .query_opt(
                    &format!(
                        "select {GRANT_COLUMNS}
                         from credentials.grants
                         where grant_id = $1
                         for no key update skip locked"
                    ),
                    &[&grant_id],
                )
                .await
                .map_err(unavailable)?;
            if let Some(row) = row {
                let (grant, _) = self.read_grant(&row).await?;
                if !is_due(&grant) {
                    return Ok(grant);
                }
                return match ask(grant.clone()).await {
                    Ok(tokens) => self.keep(transaction, grant, tokens).await,
                    Err(failure) => {
                        note_failure(&transaction, grant_id, &failure, now).await?;
                        transaction.commit().await.map_err(unavailable)?;
                        Err(RenewError::Platform(failure))
                    }
                };
            }
            drop(transaction);
            drop(client);
            if self.grant(grant_id).await?.is_none() {
                return Err(RenewError::Gone);
            }
            if started.elapsed() > LOCK_WAIT {
                return Err(RenewError::Busy);
            }
            tokio::time::sleep(LOCK_PAUSE).await;
        }
    }

    async fn keep(
        &self,
        transaction: deadpool_postgres::Transaction<'_>,
        grant: Grant,
        tokens: Tokens,
    ) -> Result<Grant, RenewError> {
        let tokens = Tokens {
            refresh_expires_at: tokens.refresh_expires_at.or(match tokens.refresh {
                None => grant.tokens.refresh_expires_at,
                Some(_) => None,
            }),
            refresh: tokens.refresh.or_else(|| grant.tokens.refresh.clone()),
            ..tokens
        };
        let mut stored = match self.put_tokens(&*transaction, &grant, &tokens).await {
            Ok(()) => transaction.commit().await.map_err(unavailable),
            Err(error) => Err(error),
        };
        for _ in 1..STORE_ATTEMPTS {
            let Err(error) = stored else { break };
            tracing::warn!(%error, "renewed tokens are stored again");
            tokio::time::sleep(STORE_PAUSE).await;
            stored = match self.client().await {
                Ok(client) => self.put_tokens(&**client, &grant, &tokens).await,
                Err(error) => Err(error),
            };
        }
        stored?;
        let kept = self.grant(grant.grant_id).await?;
        kept.ok_or(RenewError::Gone)
    }

    /// Stores tokens over those of the version that they came from. Again, it changes nothing.
    async fn put_tokens(
        &self,
        client: &impl GenericClient,
        grant: &Grant,
        tokens: &Tokens,
    ) -> Result<(), VaultError> {
        let row = client
            .query_opt(
                "select wrapped_key from credentials.grants where grant_id = $1",
                &[&grant.grant_id],
            )
            .await
            .map_err(unavailable)?;
        let Some(row) = row else {
            return Ok(());
        };
        let key = self.key_of(grant.grant_id, row.get("wrapped_key")).await?;
        let version = grant.version + 1;
        client
            .execute(
                "update credentials.grants
                 set sealed = $3,
                     version = $4,
                     obtained_at = $5,
                     access_expires_at = $6,
                     refresh_expires_at = $7,
                     state = 'active',
                     failed_days = 0,
                     failed_at = null
                 where grant_id = $1 and version = $2",
                &[
                    &grant.grant_id,
                    &grant.version,
                    &key.seal_tokens(tokens, version)?,
                    &version,
                    &At(tokens.obtained_at),
                    &tokens.access_expires_at.map(At),
                    &tokens.refresh_expires_at.map(At),
                ],
            )
            .await
            .map_err(unavailable)?;
        Ok(())
    }
}

impl Grant {
    /// Whether calls may be made with it.
    pub fn is_active(&self) -> bool {
        self.state == GrantState::Active
    }
}

async fn note_failure(
    transaction: &Transaction<'_>,
    grant_id: Uuid,
    failure: &Failure,
    now: Timestamp,
) -> Result<(), VaultError> {
    let result = if failure.needs_person() {
        transaction
            .execute(
                "update credentials.grants set state = 'needs_person' where grant_id = $1",
                &[&grant_id],
            )
            .await
    } else {
        let a_day_ago = now.saturating_add_micros(-DAY_MICROS);
        transaction
            .execute(
                "update credentials.grants
                 set failed_days = failed_days + 1, failed_at = $2
                 where grant_id = $1 and (failed_at is null or failed_at <= $3)",
                &[&grant_id, &At(now), &At(a_day_ago)],
            )
            .await
    };
    result.map(drop).map_err(unavailable)
}
