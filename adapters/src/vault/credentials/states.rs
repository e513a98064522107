//! Consents on their way: each `state` is used once, within ten minutes, by its own platform.
//!
//! The table has a hash of the state, so a dump of it gives nobody a state to use; and what belongs
//! to it, the PKCE verifier above all, is sealed under a key that only the state itself gives.

use super::super::crypto::{Box256, derive};
use super::super::keyring::{random_key, unavailable};
use super::{Credentials, sealed};
use crate::platforms::Secret;
use commands::ports::VaultError;
use data_encoding::BASE64URL_NOPAD;
use domain::account::Consent;
use domain::time::DAY_MICROS;
use domain::{AccountId, CreatorId, Platform, Timestamp};
use projections::sql::At;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::time::Duration;
use zeroize::Zeroizing;

/// For how long a state can be used.
pub const STATE_LIFE: Duration = Duration::from_secs(10 * 60);

/// The most states of one creator that can be open at once; a newer one closes the oldest.
pub const MAX_OPEN_STATES: i64 = 20;

/// For how long a used or expired state is remembered, so that it is told from a forged one.
const REMEMBERED_MICROS: i64 = DAY_MICROS;

/// What a state stands for.
#[derive(Clone, Debug)]
pub struct OpenState {
    /// For whom.
    pub creator: CreatorId,
    /// Where.
    pub platform: Platform,
    /// Who asked for the connection.
    pub actor: String,
    /// What the creator agreed to.
    pub consent: Consent,
    /// The scopes that were asked for.
    pub scopes: BTreeSet<String>,
    /// The PKCE verifier, where the platform takes one.
    pub verifier: Option<Secret>,
    /// The account that is to be connected again, where one was named.
    pub account: Option<AccountId>,
}

/// Why a state is not taken.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// We never gave it, or so long ago that it is forgotten.
    #[error("the state is none of ours")]
    Unknown,
    /// It was used before.
    #[error("the state was used before")]
    Used,
    /// It is older than [`STATE_LIFE`].
    #[error("the state has expired")]
    Expired,
    /// It was given for another platform.
    #[error("the state is another platform's")]
    Foreign,
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

#[derive(Serialize, Deserialize)]
struct StateText {
    actor: String,
    consent: Consent,
    scopes: BTreeSet<String>,
    verifier: Option<String>,
    account: Option<AccountId>,
}

fn hash(state: &str) -> [u8; 32] {
    Sha256::digest(state.as_bytes()).into()
}

/// The key of what belongs to a state, from the state itself.
fn key_of(state: &str) -> Box256 {
    let digest: [u8; 32] =
        Sha256::digest([b"social-ledger/state/1", state.as_bytes()].concat()).into();
    Box256::new(&derive(&digest, "social-ledger/oauth-state/seal/1"))
}

impl Credentials {
    /// Opens a state and returns its text, 256 random bits.
    pub async fn open_state(
        &self,
        state: &OpenState,
        now: Timestamp,
    ) -> Result<(Secret, Timestamp), VaultError> {
        let random = random_key()?;
        let text = Zeroizing::new(BASE64URL_NOPAD.encode(&*random));
        let verifier = state.verifier.as_ref().map(|it| it.expose().to_owned());
        let plain = sealed::write(&StateText {
            actor: state.actor.clone(),
            consent: state.consent.clone(),
            scopes: state.scopes.clone(),
            verifier,
            account: state.account,
        })?;
        let sealed = key_of(&text).seal(&plain, state.creator.as_str().as_bytes())?;
        let life = i64::try_from(STATE_LIFE.as_micros()).unwrap_or(i64::MAX);
        let expires_at = now.saturating_add_micros(life);
        let forgotten = now.saturating_add_micros(-REMEMBERED_MICROS);
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(unavailable)?;
        transaction
            .execute(
                "delete from credentials.oauth_states where expires_at < $1",
                &[&At(forgotten)],
            )
            .await
            .map_err(unavailable)?;
        transaction
            .execute(
                "delete from credentials.oauth_states
                 where state_hash in (
                     select state_hash
                     from credentials.oauth_states
                     where creator = $1 and used_at is null
                     order by expires_at desc
                     offset $2
                 )",
                &[&state.creator.as_str(), &(MAX_OPEN_STATES - 1)],
            )
            .await
            .map_err(unavailable)?;
        transaction
            .execute(
                "insert into credentials.oauth_states
                     (state_hash, creator, platform, sealed, expires_at)
                 values ($1, $2, $3, $4, $5)",
                &[
                    &hash(&text).as_slice(),
                    &state.creator.as_str(),
                    &state.platform.name(),
                    &sealed,
                    &At(expires_at),
                ],
            )
            .await
            .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        Ok((Secret::new(text.as_str()), expires_at))
    }

    /// Uses a state up. Of many who try at once, one has it.
    pub async fn use_state(
        &self,
        state: &Secret,
        platform: Platform,
        now: Timestamp,
    ) -> Result<OpenState, StateError> {
        let hash = hash(state.expose());
        let client = self.client().await?;
        let used = client
            .query_opt(
                "update credentials.oauth_states
                 set used_at = $3
                 where state_hash = $1 and platform = $2 and used_at is null and expires_at > $3
                 returning creator, sealed",
                &[&hash.as_slice(), &platform.name(), &At(now)],
            )
            .await
            .map_err(unavailable)?;
        let Some(row) = used else {
            let row = client
                .query_opt(
                    "select platform, used_at is not null as used
                     from credentials.oauth_states
                     where state_hash = $1",
                    &[&hash.as_slice()],
                )
                .await
                .map_err(unavailable)?;
            return Err(match row {
                None => StateError::Unknown,
                Some(row) if row.get::<_, &str>("platform") != platform.name() => {
                    StateError::Foreign
                }
                Some(row) if row.get("used") => StateError::Used,
                Some(_) => StateError::Expired,
            });
        };
        let creator: &str = row.get("creator");
        let plain =
            key_of(state.expose()).open(row.get("sealed"), creator.as_bytes(), "a state")?;
        let found: StateText = sealed::read(&plain)?;
        let corrupt = || VaultError::DoesNotOpen("a state's creator".to_owned());
        Ok(OpenState {
            creator: creator.parse().map_err(|_| corrupt())?,
            platform,
            actor: found.actor,
            consent: found.consent,
            scopes: found.scopes,
            verifier: found.verifier.map(Secret::new),
            account: found.account,
        })
    }
}
