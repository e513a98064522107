//! Disconnecting: noted, told to the log, wiped here, told to the platform. The history stays.

use super::{Connections, TellError};
use crate::vault::credentials::{AfterEnding, Ending, GrantState};
use async_trait::async_trait;
use commands::ports::{CredentialWiper, VaultError};
use commands::{CommandError, Context, Intent};
use domain::account::DisconnectReason;
use domain::{AccountId, CommandId, Platform, Position};
use uuid::Uuid;

/// How a connection ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Disconnected {
    /// Where the log has it.
    pub position: Option<Position>,
    /// Whether there was anything to end.
    pub is_new: bool,
}

impl Connections {
    /// Ends an account's connection. The platform is told if nothing else uses the grant; that it
    /// cannot be told just now fails nothing. Goes on to its end whatever becomes of the caller.
    pub async fn disconnect(
        &self,
        account: AccountId,
        reason: DisconnectReason,
        context: Context,
    ) -> Result<Disconnected, TellError> {
        let this = self.clone();
        let ending = async move {
            let at = this.clock.now();
            let noted = this.credentials.end(account, reason, at).await?;
            let ending = noted.unwrap_or(Ending {
                command_id: CommandId::from_uuid(Uuid::now_v7()),
                reason,
                at,
            });
            this.carry_out(account, ending, &context).await
        };
        match tokio::spawn(ending).await {
            Ok(ended) => ended,
            Err(_) => Err(VaultError::Unavailable("a task ended early".to_owned()).into()),
        }
    }

    /// What follows the note.
    pub(super) async fn carry_out(
        &self,
        account: AccountId,
        ending: Ending,
        context: &Context,
    ) -> Result<Disconnected, TellError> {
        let intent = Intent::Disconnect {
            command_id: ending.command_id,
            reason: ending.reason,
            at: ending.at,
        };
        let told = self.ledger.execute(account, intent, context).await;
        let told = match told {
            // An account that the log never knew, or knows as erased: only the tokens are left.
            Err(CommandError::Rejected(rejected)) => {
                self.wipe(account, Some(ending.command_id)).await?;
                return Err(CommandError::Rejected(rejected).into());
            }
            told => told?,
        };
        self.wipe(account, Some(ending.command_id)).await?;
        Ok(Disconnected {
            position: told.position,
            is_new: told.events > 0,
        })
    }

    /// Wipes an account's credentials, and tells the platform where that is the end of the grant.
    pub(super) async fn wipe(
        &self,
        account: AccountId,
        only: Option<CommandId>,
    ) -> Result<(), VaultError> {
        let can_revoke = |platform: Platform| {
            let client = self.platforms.get(platform);
            client.is_some_and(|client| client.can_revoke())
        };
        match self.credentials.wipe(account, only, can_revoke).await? {
            AfterEnding::Nothing => Ok(()),
            AfterEnding::Revoke(grant_id) => self.revoke(grant_id).await,
        }
    }

    /// Tells the platform that a grant has ended, and wipes it. One that cannot be told just now is
    /// told later, a bounded number of times.
    pub(super) async fn revoke(&self, grant_id: Uuid) -> Result<(), VaultError> {
        let Some(grant) = self.credentials.grant(grant_id).await? else {
            return Ok(());
        };
        if grant.state != GrantState::Revoking {
            return Ok(());
        }
        if let Some(client) = self.platforms.get(grant.platform)
            && let Err(failure) = client.revoke(&grant.tokens).await
        {
            let is_last = self.credentials.revocation_failed(grant_id).await?;
            if failure.class.is_passing() && !is_last {
                tracing::warn!(%failure, platform = %grant.platform, "a grant is revoked later");
                return Ok(());
            }
            tracing::warn!(%failure, platform = %grant.platform, "a grant is wiped, not revoked");
        }
        self.credentials.forget_grant(grant_id).await
    }
}

#[async_trait]
impl CredentialWiper for Connections {
    async fn wipe_credentials(&self, account: AccountId) -> Result<(), VaultError> {
        self.wipe(account, None).await?;
        self.credentials.forget_names(account).await
    }
}
