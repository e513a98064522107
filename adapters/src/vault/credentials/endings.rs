//! Ending a connection: noted first, then told to the log and the platform, then wiped.

use super::super::keyring::unavailable;
use super::{Credentials, Ending};
use commands::ports::VaultError;
use domain::account::DisconnectReason;
use domain::{AccountId, CommandId, Platform, Timestamp};
use projections::sql::At;
use tokio_postgres::Row;
use uuid::Uuid;

/// How often a platform is told that a grant has ended, before it is wiped without.
pub const REVOKE_ATTEMPTS: i32 = 10;

/// What is left of a grant after a connection ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AfterEnding {
    /// Other accounts use it, or it was wiped.
    Nothing,
    /// The platform is to be told: this grant has no other use.
    Revoke(Uuid),
}

const REASONS: [DisconnectReason; 4] = [
    DisconnectReason::Requested,
    DisconnectReason::RevokedAtPlatform,
    DisconnectReason::Deauthorized,
    DisconnectReason::AccountGone,
];

pub(super) fn read_ending(row: &Row) -> Result<Option<Ending>, VaultError> {
    let Some(name) = row.get::<_, Option<&str>>("ending") else {
        return Ok(None);
    };
    let known = REASONS.into_iter().find(|reason| reason.name() == name);
    let reason = known.ok_or_else(|| VaultError::DoesNotOpen("an ending's reason".to_owned()))?;
    Ok(Some(Ending {
        command_id: CommandId::from_uuid(row.get("ending_command")),
        reason,
        at: row.get::<_, At>("ending_at").0,
    }))
}

impl Credentials {
    /// Notes that a connection ends; from now on nobody uses it. One that ends already goes on as it
    /// was noted first. `None` where the account has no connection.
    pub async fn end(
        &self,
        account: AccountId,
        reason: DisconnectReason,
        at: Timestamp,
    ) -> Result<Option<Ending>, VaultError> {
        let row = self
            .client()
            .await?
            .query_opt(
                "update credentials.connections
                 set ending = coalesce(ending, $2),
                     ending_command = coalesce(ending_command, $3),
                     ending_at = coalesce(ending_at, $4)
                 where account_id = $1
                 returning ending, ending_command, ending_at",
                &[&account.uuid(), &reason.name(), &Uuid::now_v7(), &At(at)],
            )
            .await
            .map_err(unavailable)?;
        match row {
            Some(row) => read_ending(&row),
            None => Ok(None),
        }
    }

    /// Wipes a connection, and its grant unless others use it or the platform is to be told first.
    /// With `only` nothing is done if the connection has another ending, or none, by now.
    ///
    /// A platform is told only of the last grant of a person: it ends all of them together. YouTube
    /// does not name the person, so there all grants of a creator count as one person's.
    pub async fn wipe(
        &self,
        account: AccountId,
        only: Option<CommandId>,
        can_revoke: impl Fn(Platform) -> bool,
    ) -> Result<AfterEnding, VaultError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(unavailable)?;
        let row = transaction
            .query_opt(
                "delete from credentials.connections
                 where account_id = $1 and ($2::uuid is null or ending_command = $2)
                 returning grant_id",
                &[&account.uuid(), &only.map(CommandId::uuid)],
            )
            .await
            .map_err(unavailable)?;
        let Some(row) = row else {
            return Ok(AfterEnding::Nothing);
        };
        let grant_id: Uuid = row.get("grant_id");
        let row = transaction
            .query_one(
                "select g.platform,
                     exists (
                         select from credentials.connections c where c.grant_id = g.grant_id
                     ) as used,
                     exists (
                         select
                         from credentials.grants o
                         where o.platform = g.platform and o.grant_id <> g.grant_id
                             and o.state <> 'revoking'
                             and (o.person_tag = g.person_tag
                                 or (g.platform = 'youtube' and o.creator = g.creator))
                     ) as shared
                 from credentials.grants g
                 where g.grant_id = $1
                 for update",
                &[&grant_id],
            )
            .await
            .map_err(unavailable)?;
        let platform: &str = row.get("platform");
        let is_revocable = platform.parse().is_ok_and(can_revoke);
        let after = if row.get("used") {
            AfterEnding::Nothing
        } else if row.get("shared") || !is_revocable {
            transaction
                .execute(
                    "delete from credentials.grants where grant_id = $1",
                    &[&grant_id],
                )
                .await
                .map_err(unavailable)?;
            AfterEnding::Nothing
        } else {
            transaction
                .execute(
                    "update credentials.grants set state = 'revoking' where grant_id = $1",
                    &[&grant_id],
                )
                .await
                .map_err(unavailable)?;
            AfterEnding::Revoke(grant_id)
        };
        transaction.commit().await.map_err(unavailable)?;
        Ok(after)
    }

    /// The platform knows, or will never: wipes a grant that is to be revoked.
    pub async fn forget_grant(&self, grant_id: Uuid) -> Result<(), VaultError> {
        self.client()
            .await?
            .execute(
                "delete from credentials.grants where grant_id = $1 and state = 'revoking'",
                &[&grant_id],
            )
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    /// The platform could not be told. Says whether it was for the last time.
    pub async fn revocation_failed(&self, grant_id: Uuid) -> Result<bool, VaultError> {
        let row = self
            .client()
            .await?
            .query_opt(
                "update credentials.grants
                 set revoke_attempts = revoke_attempts + 1
                 where grant_id = $1 and state = 'revoking'
                 returning revoke_attempts",
                &[&grant_id],
            )
            .await
            .map_err(unavailable)?;
        Ok(row.is_some_and(|row| row.get::<_, i32>("revoke_attempts") >= REVOKE_ATTEMPTS))
    }
}
