//! Keeping credentials fresh: renewed ahead of their end, by one process at a time. Nothing that may
//! pass ever disconnects anybody.

use super::{ACTOR, Connections, context};
use crate::platforms::{Class, Failure};
use crate::vault::credentials::{ConnectedAccount, Grant, RenewError};
use commands::ports::VaultError;
use commands::{CommandError, Intent};
use domain::account::{Account, SyncItems, SyncKind, SyncOutcome, SyncRecorded};
use domain::{AccountId, SyncId, Timestamp};
use uuid::Uuid;

/// Why an account cannot be called for now.
#[derive(Debug, thiserror::Error)]
pub enum FreshError {
    /// It has no connection.
    #[error("the account is not connected")]
    NotConnected,
    /// There is no app of ours at its platform.
    #[error("the platform is not set up here")]
    NotConfigured,
    /// Only the person helps; the log knows.
    #[error("the platform wants the person to connect again")]
    NeedsPerson,
    /// The tokens have ended and could not be renewed just now.
    #[error("the tokens were not renewed: {0}")]
    Passing(Failure),
    /// Others are renewing them.
    #[error("the tokens are being renewed elsewhere")]
    Busy,
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The log was not told that only the person helps.
    #[error(transparent)]
    Command(#[from] CommandError),
}

impl Connections {
    /// An account's credentials, renewed if their end is near. Tokens that could not be renewed and
    /// still hold are given as they are.
    pub async fn fresh(&self, account: AccountId) -> Result<ConnectedAccount, FreshError> {
        self.fresh_if(account, None).await
    }

    /// The same after a call with these credentials was refused as expired: renewed, unless somebody
    /// renewed them since.
    pub async fn renewed(
        &self,
        refused: &ConnectedAccount,
    ) -> Result<ConnectedAccount, FreshError> {
        let version = refused.grant.version;
        self.fresh_if(refused.account, Some(version)).await
    }

    async fn fresh_if(
        &self,
        account: AccountId,
        refused: Option<i64>,
    ) -> Result<ConnectedAccount, FreshError> {
        let connected = self.credentials.connection(account).await?;
        let connected = connected.ok_or(FreshError::NotConnected)?;
        let client = self.platforms.get(connected.grant.platform);
        let client = client.ok_or(FreshError::NotConfigured)?;
        let now = self.clock.now();
        if !connected.grant.is_active() {
            self.tell(
                account,
                &Failure::new(Class::AuthExpired, "grant_ended"),
                now,
            )
            .await?;
            return Err(FreshError::NeedsPerson);
        }
        let asked = client.clone();
        let is_due = move |grant: &Grant| {
            let was_refused = refused == Some(grant.version);
            grant.is_active()
                && asked.can_renew(&grant.tokens)
                && (was_refused || asked.is_due(&grant.tokens, now))
        };
        if !is_due(&connected.grant) {
            return Ok(connected);
        }
        let (credentials, client) = (self.credentials.clone(), client.clone());
        let grant_id = connected.grant.grant_id;
        // A task of its own: what a platform gave must be stored, whoever hangs up meanwhile.
        let renewing = tokio::spawn(async move {
            let ask = async |grant: Grant| client.renew(&grant.tokens, now).await;
            credentials.renew(grant_id, is_due, ask, now).await
        });
        let gone = || VaultError::Unavailable("a task ended early".to_owned());
        match renewing.await.map_err(|_| gone())? {
            Ok(grant) if grant.is_active() => Ok(ConnectedAccount { grant, ..connected }),
            Ok(_) => Err(FreshError::NeedsPerson),
            Err(RenewError::Platform(failure)) if failure.needs_person() => {
                for account in self.credentials.accounts_of(grant_id).await? {
                    self.tell(account, &failure, now).await?;
                }
                Err(FreshError::NeedsPerson)
            }
            Err(RenewError::Platform(failure)) => {
                let end = connected.grant.tokens.access_expires_at;
                let still_holds = refused.is_none() && end.is_none_or(|end| now < end);
                tracing::warn!(%failure, %account, still_holds, "tokens were not renewed");
                match still_holds {
                    true => Ok(connected),
                    false => Err(FreshError::Passing(failure)),
                }
            }
            Err(RenewError::Gone) => Err(FreshError::NotConnected),
            Err(RenewError::Busy) => Err(FreshError::Busy),
            Err(RenewError::Vault(error)) => Err(error.into()),
        }
    }

    /// Tells the log that only the person helps, unless it knows: as a sync that failed.
    async fn tell(
        &self,
        account: AccountId,
        failure: &Failure,
        now: Timestamp,
    ) -> Result<(), CommandError> {
        let known = self.ledger.load(account).await?.account;
        if !matches!(known, Account::Connected { .. }) {
            return Ok(());
        }
        let sync = SyncRecorded {
            sync_id: SyncId::new(now, Uuid::new_v4().as_u128()),
            kind: SyncKind::Full,
            outcome: SyncOutcome::Failed,
            started_at: now,
            finished_at: now,
            items: SyncItems::default(),
            error: Some(failure.sync_error()),
            rate_limit: None,
            calls: 1,
            quota_units: 0,
            token_renewed: false,
            next_at: None,
            simulated: self.platforms.is_simulated,
        };
        let told = self
            .ledger
            .execute(account, Intent::RecordSync(sync), &context(ACTOR))
            .await;
        told.map(drop)
    }
}
