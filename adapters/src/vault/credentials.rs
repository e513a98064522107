//! Credentials: what platforms gave us to act for a person, sealed in Postgres.
//!
//! A grant is one consent of one person for one creator; a connection is an account's use of it.
//! Each grant has a random key of its own, which the master key wraps. Its tokens are sealed with
//! AES-256-GCM, bound to the grant and the version of its tokens, so that a row moved or an older
//! one put back does not open. What a connection holds is bound to its account.

mod choices;
mod endings;
mod finding;
mod grants;
mod messages;
mod renewal;
mod sealed;
mod states;

pub use choices::{Choice, MAX_CHOICES};
pub use endings::{AfterEnding, REVOKE_ATTEMPTS};
pub use finding::{ConnectionFacts, Unfinished};
pub use grants::{NewConnection, NewGrant};
pub use messages::{Deletion, NOTICES_KEPT_DAYS};
pub use renewal::{LOCK_WAIT, RenewError};
pub use states::{MAX_OPEN_STATES, OpenState, STATE_LIFE, StateError};

use super::crypto::Box256;
use super::keyring::{PostgresVault, as_key, random_key};
use crate::platforms::Secret;
use commands::ports::VaultError;
use commands::text::ProfileText;
use domain::account::{Consent, DisconnectReason};
use domain::{AccountId, CommandId, CreatorId, Platform, Timestamp};
use projections::sql::At;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use tokio_postgres::Row;
use uuid::Uuid;
use zeroize::Zeroizing;

/// The tokens of a grant.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// For calls.
    pub access: Secret,
    /// For the next access token, where the platform gives one.
    pub refresh: Option<Secret>,
    /// When the access token was given.
    pub obtained_at: Timestamp,
    /// When it ends, where that was said.
    pub access_expires_at: Option<Timestamp>,
    /// When the refresh token ends, where that was said.
    pub refresh_expires_at: Option<Timestamp>,
}

/// Where a grant stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GrantState {
    /// In use.
    Active,
    /// The platform took it back: only the person helps.
    NeedsPerson,
    /// No account uses it, and the platform is still to be told.
    Revoking,
}

impl GrantState {
    fn parse(text: &str) -> Result<Self, VaultError> {
        match text {
            "active" => Ok(Self::Active),
            "needs_person" => Ok(Self::NeedsPerson),
            "revoking" => Ok(Self::Revoking),
            other => Err(VaultError::DoesNotOpen(format!("a grant in state {other}"))),
        }
    }
}

/// A grant as it is kept.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Its id, ours.
    pub grant_id: Uuid,
    /// For whom.
    pub creator: CreatorId,
    /// Where.
    pub platform: Platform,
    /// Moves with every new token.
    pub version: i64,
    /// The tokens.
    pub tokens: Tokens,
    /// What they allow.
    pub scopes: BTreeSet<String>,
    /// Where it stands.
    pub state: GrantState,
}

/// The platform's side of an account: personal data and a token, never printed.
#[derive(Clone)]
pub struct AccountAccess {
    /// The platform's id of the account.
    pub platform_account_id: String,
    /// A second id that its messages may name it by (Instagram's app-scoped id).
    pub other_id: Option<String>,
    /// A token for this account alone (a Page's).
    pub access: Option<Secret>,
}

impl fmt::Debug for AccountAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountAccess(..)")
    }
}

/// An account's use of a grant.
#[derive(Clone, Debug)]
pub struct ConnectedAccount {
    /// Which account.
    pub account: AccountId,
    /// Its side of the platform.
    pub access: AccountAccess,
    /// The grant that it uses.
    pub grant: Grant,
}

/// An AccountConnected that the log may not have yet.
#[derive(Clone, Debug)]
pub struct Announcement {
    /// Makes a repetition recognisable.
    pub command_id: CommandId,
    /// Who asked for the connection.
    pub actor: String,
    /// What was granted.
    pub scopes: BTreeSet<String>,
    /// What the creator agreed to.
    pub consent: Consent,
    /// When the profile was seen.
    pub observed_at: Timestamp,
    /// The profile.
    pub profile: ProfileText,
}

/// An AccountDisconnected that the log may not have yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ending {
    /// Makes a repetition recognisable.
    pub command_id: CommandId,
    /// Why.
    pub reason: DisconnectReason,
    /// When.
    pub at: Timestamp,
}

/// The store of credentials. Copies share one vault.
#[derive(Clone)]
pub struct Credentials {
    vault: Arc<PostgresVault>,
}

/// The columns that [`Credentials::read_grant`] reads.
const GRANT_COLUMNS: &str = "grant_id, creator, platform, wrapped_key, sealed, version, scopes,
    obtained_at, access_expires_at, refresh_expires_at, state";

/// A grant's key at work, and the grant's own name, which everything is bound to.
struct GrantKey {
    cipher: Box256,
    grant_id: Uuid,
}

impl GrantKey {
    fn bound_to(&self, what: &[u8], id: &[u8]) -> Vec<u8> {
        [self.grant_id.as_bytes().as_slice(), what, id].concat()
    }

    fn seal(&self, plain: &[u8], what: &[u8], id: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.cipher.seal(plain, &self.bound_to(what, id))
    }

    fn open(&self, bytes: &[u8], what: &[u8], id: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let bound_to = self.bound_to(what, id);
        self.cipher.open(bytes, &bound_to, "a credential")
    }
}

impl Credentials {
    /// Over a vault.
    pub fn new(vault: Arc<PostgresVault>) -> Self {
        Self { vault }
    }

    /// A new key and its wrapped form. The caller keeps a new master key away until it is stored, by
    /// [`PostgresVault::hold`].
    async fn new_key(&self, grant_id: Uuid) -> Result<(GrantKey, Vec<u8>), VaultError> {
        let key = random_key()?;
        let wrap = self.vault.wrapping.current();
        let wrapped = wrap.cipher.seal(&*key, grant_id.as_bytes())?;
        let cipher = Box256::new(&key);
        Ok((GrantKey { cipher, grant_id }, wrapped))
    }

    async fn key_of(&self, grant_id: Uuid, wrapped: &[u8]) -> Result<GrantKey, VaultError> {
        let bound_to = grant_id.as_bytes();
        let key = self
            .vault
            .unwrap_key(wrapped, bound_to, "a grant's key")
            .await?;
        let cipher = Box256::new(&*as_key(&key)?);
        Ok(GrantKey { cipher, grant_id })
    }

    /// A person as the platform names them, so that the name can be looked up and not read back.
    fn person_tag(&self, platform: Platform, person: &str) -> [u8; 32] {
        let fields: [&[u8]; 3] = [b"person", platform.name().as_bytes(), person.as_bytes()];
        self.vault.credential_tag(&fields)
    }

    /// An account or a person as the platform's messages name them.
    fn name_tag(&self, platform: Platform, id: &str) -> [u8; 32] {
        let fields: [&[u8]; 3] = [b"name", platform.name().as_bytes(), id.as_bytes()];
        self.vault.credential_tag(&fields)
    }

    async fn client(&self) -> Result<deadpool_postgres::Object, VaultError> {
        self.vault.client().await
    }

    async fn read_grant(&self, row: &Row) -> Result<(Grant, GrantKey), VaultError> {
        let grant_id: Uuid = row.get("grant_id");
        let key = self.key_of(grant_id, row.get("wrapped_key")).await?;
        let version: i64 = row.get("version");
        let plain = key.open(row.get("sealed"), b"/tokens/", &version.to_be_bytes())?;
        let (access, refresh) = sealed::read_tokens(&plain)?;
        let corrupt = |what: &str| VaultError::DoesNotOpen(format!("a grant's {what}"));
        let at = |column| row.get::<_, Option<At>>(column).map(|at| at.0);
        let creator: String = row.get("creator");
        let grant = Grant {
            grant_id,
            creator: creator.parse().map_err(|_| corrupt("creator"))?,
            platform: row
                .get::<_, &str>("platform")
                .parse()
                .map_err(|_| corrupt("platform"))?,
            version,
            tokens: Tokens {
                access,
                refresh,
                obtained_at: row.get::<_, At>("obtained_at").0,
                access_expires_at: at("access_expires_at"),
                refresh_expires_at: at("refresh_expires_at"),
            },
            scopes: row.get::<_, Vec<String>>("scopes").into_iter().collect(),
            state: GrantState::parse(row.get("state"))?,
        };
        Ok((grant, key))
    }
}
