//! Choosing: which of the accounts that a grant serves are connected.

use super::finish::Purpose;
use super::{Connections, Outcome, Refusal};
use crate::platforms::Secret;
use crate::platforms::client::{Granted, Offered};
use crate::vault::credentials::{AccountAccess, Choice, Tokens};
use commands::ports::VaultError;
use domain::account::Consent;
use domain::{CreatorId, Platform, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;
use uuid::Uuid;
use zeroize::Zeroizing;

/// For how long a choice waits.
const CHOICE_LIFE: Duration = Duration::from_secs(30 * 60);

/// A choice that waits for a person.
pub struct Waiting {
    /// Whose.
    pub creator: CreatorId,
    /// Where.
    pub platform: Platform,
    /// Until when.
    pub expires_at: Timestamp,
    /// What there is: the platform's id of an account, and what the person knows it by.
    pub accounts: Vec<(String, Option<String>)>,
}

/// Why a choice was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChoiceError {
    /// There is no such choice, or no more.
    #[error("there is no such choice")]
    Unknown,
    /// An account that is not among those to choose from.
    #[error("the account is none of those to choose from")]
    NotOffered,
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

#[derive(Serialize, Deserialize)]
struct ChoiceText {
    person: String,
    access: String,
    refresh: Option<String>,
    obtained_at: Timestamp,
    access_expires_at: Option<Timestamp>,
    refresh_expires_at: Option<Timestamp>,
    scopes: BTreeSet<String>,
    missing: BTreeSet<String>,
    consent: Consent,
    actor: String,
    accounts: Vec<OfferedText>,
}

#[derive(Serialize, Deserialize)]
struct OfferedText {
    id: String,
    other_id: Option<String>,
    access: Option<String>,
    name: Option<String>,
}

fn exposed(secret: Option<&Secret>) -> Option<String> {
    secret.map(|it| it.expose().to_owned())
}

impl ChoiceText {
    fn of(purpose: &Purpose, granted: &Granted, missing: &BTreeSet<String>) -> Self {
        let tokens = &granted.tokens;
        let offered = |it: &Offered| OfferedText {
            id: it.access.platform_account_id.clone(),
            other_id: it.access.other_id.clone(),
            access: exposed(it.access.access.as_ref()),
            name: it.name.clone(),
        };
        Self {
            person: granted.person.clone(),
            access: tokens.access.expose().to_owned(),
            refresh: exposed(tokens.refresh.as_ref()),
            obtained_at: tokens.obtained_at,
            access_expires_at: tokens.access_expires_at,
            refresh_expires_at: tokens.refresh_expires_at,
            scopes: granted.scopes.clone(),
            missing: missing.clone(),
            consent: purpose.consent.clone(),
            actor: purpose.actor.clone(),
            accounts: granted.accounts.iter().map(offered).collect(),
        }
    }

    fn read(what: &[u8]) -> Result<Self, VaultError> {
        serde_json::from_slice(what).map_err(|_| VaultError::DoesNotOpen("a choice".to_owned()))
    }

    fn granted(self) -> Granted {
        let offered = |it: OfferedText| Offered {
            access: AccountAccess {
                platform_account_id: it.id,
                other_id: it.other_id,
                access: it.access.map(Secret::new),
            },
            name: it.name,
            profile: None,
        };
        Granted {
            person: self.person,
            tokens: Tokens {
                access: Secret::new(self.access),
                refresh: self.refresh.map(Secret::new),
                obtained_at: self.obtained_at,
                access_expires_at: self.access_expires_at,
                refresh_expires_at: self.refresh_expires_at,
            },
            scopes: self.scopes,
            accounts: self.accounts.into_iter().map(offered).collect(),
        }
    }
}

impl Connections {
    pub(super) async fn keep_choice(
        &self,
        purpose: &Purpose,
        granted: &Granted,
        missing: &BTreeSet<String>,
    ) -> Result<Uuid, VaultError> {
        let choice_id = Uuid::now_v7();
        let text = serde_json::to_vec(&ChoiceText::of(purpose, granted, missing));
        let text = text.map_err(|_| VaultError::Unavailable("a choice is no JSON".to_owned()))?;
        let now = self.clock.now();
        let life = i64::try_from(CHOICE_LIFE.as_micros()).unwrap_or(i64::MAX);
        let choice = Choice {
            choice_id,
            creator: purpose.creator.clone(),
            platform: purpose.platform,
            what: Zeroizing::new(text),
            expires_at: now.saturating_add_micros(life),
        };
        self.credentials.keep_choice(&choice, now).await?;
        Ok(choice_id)
    }

    /// What there is to choose from.
    pub async fn waiting(&self, choice_id: Uuid) -> Result<Waiting, ChoiceError> {
        let choice = self.credentials.choice(choice_id, self.clock.now()).await?;
        let choice = choice.ok_or(ChoiceError::Unknown)?;
        let text = ChoiceText::read(&choice.what)?;
        let accounts = text.accounts.into_iter().map(|it| (it.id, it.name));
        Ok(Waiting {
            creator: choice.creator,
            platform: choice.platform,
            expires_at: choice.expires_at,
            accounts: accounts.collect(),
        })
    }

    /// Connects these of the accounts, by the platform's ids; the others are forgotten. A choice
    /// that could not be carried out can be made again.
    pub async fn choose(
        &self,
        choice_id: Uuid,
        ids: &BTreeSet<String>,
    ) -> Result<Outcome, ChoiceError> {
        let choice = self.credentials.choice(choice_id, self.clock.now()).await?;
        let choice = choice.ok_or(ChoiceError::Unknown)?;
        let text = ChoiceText::read(&choice.what)?;
        let purpose = Purpose {
            creator: choice.creator,
            platform: choice.platform,
            actor: text.actor.clone(),
            consent: text.consent.clone(),
        };
        let missing = text.missing.clone();
        let granted = text.granted();
        let all = granted.accounts.iter();
        let is_chosen = |it: &&Offered| ids.contains(&it.access.platform_account_id);
        let chosen: Vec<Offered> = all.filter(is_chosen).cloned().collect();
        if chosen.is_empty() || chosen.len() < ids.len() {
            return Err(ChoiceError::NotOffered);
        }
        let Some(client) = self.platforms.get(purpose.platform) else {
            return Ok(Refusal::NotConfigured.into());
        };
        let connected = self
            .connect(&**client, &purpose, &granted, chosen, missing)
            .await;
        let outcome = connected.unwrap_or_else(|refused| refused);
        if !matches!(outcome, Outcome::Refused(_)) {
            self.credentials.drop_choice(choice_id).await?;
        }
        Ok(outcome)
    }
}
