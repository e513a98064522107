//! Starting: a state is opened, and the person is sent to the platform's consent page.

use super::Connections;
use crate::platforms::Secret;
use crate::vault::credentials::OpenState;
use commands::CommandError;
use commands::ports::VaultError;
use data_encoding::BASE64URL_NOPAD;
use domain::account::{Consent, Facts};
use domain::{AccountId, CreatorId, Platform, Timestamp};
use zeroize::Zeroizing;

/// The random bytes of a PKCE verifier: 43 characters, the fewest that RFC 7636 takes.
const VERIFIER_BYTES: usize = 32;

/// A consent on its way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Started {
    /// Where the person consents: to be opened in their browser.
    pub authorize_url: String,
    /// Until when they can come back.
    pub expires_at: Timestamp,
}

/// Why a connection was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no app of ours at this platform.
    #[error("{0} is not set up here")]
    NotConfigured(Platform),
    /// The account that is to be connected again is none of this creator's on this platform.
    #[error("the account is none of this creator's on this platform")]
    NotTheirs,
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The account could not be looked up.
    #[error(transparent)]
    Command(#[from] CommandError),
}

impl Connections {
    /// Opens a state for a creator. With `account` only that one can come of it.
    pub async fn start(
        &self,
        creator: CreatorId,
        platform: Platform,
        consent_version: String,
        account: Option<AccountId>,
        actor: String,
    ) -> Result<Started, StartError> {
        let client = self.platforms.get(platform);
        let client = client.ok_or(StartError::NotConfigured(platform))?;
        if let Some(account) = account {
            let known = self.ledger.load(account).await?.account;
            let is_theirs = |it: &Facts| it.creator == creator && it.platform == platform;
            if !known.facts().is_some_and(is_theirs) {
                return Err(StartError::NotTheirs);
            }
        }
        let now = self.clock.now();
        let verifier = match client.takes_pkce() {
            true => Some(new_verifier()?),
            false => None,
        };
        let state = OpenState {
            creator,
            platform,
            actor,
            consent: Consent {
                text_version: consent_version,
                given_at: now,
            },
            scopes: client.scopes().iter().map(|&it| it.to_owned()).collect(),
            verifier,
            account,
        };
        let (text, expires_at) = self.credentials.open_state(&state, now).await?;
        Ok(Started {
            authorize_url: client.authorize_url(&text, state.verifier.as_ref()),
            expires_at,
        })
    }
}

fn new_verifier() -> Result<Secret, VaultError> {
    let mut random = Zeroizing::new([0; VERIFIER_BYTES]);
    getrandom::fill(&mut *random).map_err(|e| VaultError::Unavailable(e.to_string()))?;
    Ok(Secret::new(BASE64URL_NOPAD.encode(&*random)))
}
