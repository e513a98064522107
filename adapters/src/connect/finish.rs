//! Finishing: what a person's browser brings back is checked, redeemed, stored and told to the log.

use super::{Connections, Outcome, Refusal};
use crate::platforms::client::{Granted, OAuth, Offered};
use crate::platforms::{Callback, Class, Consent as Decision, Failure};
use crate::vault::credentials::{
    Announcement, NewConnection, NewGrant, OpenState, StateError, Tokens,
};
use commands::ports::VaultError;
use commands::text::ProfileText;
use domain::account::Consent;
use domain::{AccountId, CommandId, CreatorId, Platform};
use std::collections::BTreeSet;
use uuid::Uuid;

/// How a callback ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finished {
    /// At which platform.
    pub platform: Platform,
    /// How.
    pub outcome: Outcome,
}

/// What a consent is for, once its state was used up or a choice was made.
pub(super) struct Purpose {
    pub(super) creator: CreatorId,
    pub(super) platform: Platform,
    pub(super) actor: String,
    pub(super) consent: Consent,
}

impl From<VaultError> for Outcome {
    fn from(error: VaultError) -> Self {
        tracing::error!(%error, "a connection was not made");
        Self::Refused(Refusal::Unavailable)
    }
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        // Its code is the platform's, and never a message.
        tracing::warn!(%failure, "the platform did not go along with a connection");
        Self::Refused(match failure.class {
            Class::AuthCodeInvalid => Refusal::CodeInvalid,
            Class::ConfigError => Refusal::PlatformMisconfigured,
            Class::NoChannel | Class::OkNoPages | Class::OkNoChannel => Refusal::NoAccounts,
            class if class.is_passing() => Refusal::PlatformUnavailable,
            _ => Refusal::PlatformRefused,
        })
    }
}

impl From<StateError> for Outcome {
    fn from(error: StateError) -> Self {
        Self::Refused(match error {
            StateError::Unknown => Refusal::StateUnknown,
            StateError::Used => Refusal::StateUsed,
            StateError::Expired => Refusal::StateExpired,
            StateError::Foreign => Refusal::StateForeign,
            StateError::Vault(error) => return error.into(),
        })
    }
}

impl Connections {
    /// Takes the query of a callback. Goes on to its end whatever becomes of the caller: a code can
    /// be redeemed once.
    pub async fn finish(&self, platform: Platform, query: String) -> Finished {
        let this = self.clone();
        let task = tokio::spawn(async move { this.take_callback(platform, &query).await });
        let outcome = match task.await {
            Ok(Ok(outcome) | Err(outcome)) => outcome,
            Err(_) => Refusal::Unavailable.into(),
        };
        tracing::info!(%platform, outcome = outcome.code(), "a consent ended");
        Finished { platform, outcome }
    }

    async fn take_callback(&self, platform: Platform, query: &str) -> Result<Outcome, Outcome> {
        let callback = Callback::parse(query).map_err(|_| Refusal::Malformed)?;
        let client = self.platforms.get(platform).ok_or(Refusal::NotConfigured)?;
        let state = callback.state.ok_or(Refusal::StateMissing)?;
        let now = self.clock.now();
        let state = self.credentials.use_state(&state, platform, now).await?;
        let code = match callback.consent {
            Decision::Given { code, .. } => code,
            Decision::Denied => return Ok(Refusal::Denied.into()),
            Decision::Failed(code) => {
                tracing::warn!(%platform, %code, "the platform did not even ask");
                return Ok(Refusal::PlatformMisconfigured.into());
            }
        };
        let granted = client.redeem(&code, state.verifier.as_ref(), now).await?;
        let is_granted = |scope: &str| granted.scopes.contains(scope);
        if !client.required().iter().all(|scope| is_granted(scope)) {
            return Ok(Refusal::ScopesMissing.into());
        }
        let missing = &state.scopes - &granted.scopes;
        let offered = self.offered(&state, &granted).await?;
        let purpose = Purpose {
            creator: state.creator,
            platform,
            actor: state.actor,
            consent: state.consent,
        };
        match offered.as_slice() {
            [] => Ok(Refusal::NoAccounts.into()),
            [_] => {
                self.connect(&**client, &purpose, &granted, offered, missing)
                    .await
            }
            _ => {
                let choice_id = self.keep_choice(&purpose, &granted, &missing).await?;
                Ok(Outcome::Choose { choice_id, missing })
            }
        }
    }

    /// The accounts that may come of it: all, or the one that is to be connected again.
    async fn offered(&self, state: &OpenState, granted: &Granted) -> Result<Vec<Offered>, Outcome> {
        let Some(expected) = state.account else {
            return Ok(granted.accounts.clone());
        };
        if granted.accounts.is_empty() {
            return Ok(vec![]);
        }
        for offered in &granted.accounts {
            let id = &offered.access.platform_account_id;
            let vault = self.ledger.vault();
            if vault.find(&state.creator, state.platform, id).await? == Some(expected) {
                return Ok(vec![offered.clone()]);
            }
        }
        Err(Refusal::WrongAccount.into())
    }

    /// Stores the grant for these accounts and tells the log.
    pub(super) async fn connect(
        &self,
        client: &dyn OAuth,
        purpose: &Purpose,
        granted: &Granted,
        chosen: Vec<Offered>,
        missing: BTreeSet<String>,
    ) -> Result<Outcome, Outcome> {
        let mut connections = Vec::with_capacity(chosen.len());
        for offered in chosen {
            let profile = profile(client, &granted.tokens, &offered).await?;
            let vault = self.ledger.vault();
            let id = &offered.access.platform_account_id;
            let account = vault
                .find_or_create(&purpose.creator, purpose.platform, id)
                .await?;
            connections.push(NewConnection {
                account,
                access: offered.access,
                announcement: Announcement {
                    command_id: CommandId::from_uuid(Uuid::now_v7()),
                    actor: purpose.actor.clone(),
                    scopes: granted.scopes.clone(),
                    consent: purpose.consent.clone(),
                    observed_at: self.clock.now(),
                    profile,
                },
            });
        }
        let grant = NewGrant {
            creator: purpose.creator.clone(),
            platform: purpose.platform,
            person: granted.person.clone(),
            tokens: granted.tokens.clone(),
            scopes: granted.scopes.clone(),
        };
        let now = self.clock.now();
        self.credentials.store(&grant, &connections, now).await?;
        let accounts: Vec<AccountId> = connections.iter().map(|it| it.account).collect();
        for account in &accounts {
            if let Err(error) = self.announce(*account).await {
                if error.is_refused() {
                    return Ok(Refusal::AnotherCreator.into());
                }
                tracing::warn!(%account, %error, "the log is told of a connection later");
                return Ok(Outcome::Finishing { accounts });
            }
        }
        Ok(Outcome::Connected { accounts, missing })
    }
}

async fn profile(
    client: &dyn OAuth,
    tokens: &Tokens,
    offered: &Offered,
) -> Result<ProfileText, Failure> {
    let found = match &offered.profile {
        Some(found) => found.text.clone(),
        None => client.profile(tokens, &offered.access).await?.text,
    };
    match found.platform_account_id == offered.access.platform_account_id {
        true => Ok(found),
        false => Err(Failure::new(Class::Transient, "another_account")),
    }
}
