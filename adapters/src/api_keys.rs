//! API keys: random secrets that are shown once and stored only as hashes.

use crate::postgres::{Pool, connect::describe_pool, describe};
use data_encoding::BASE64URL_NOPAD;
use deadpool_postgres::Object;
use domain::{CreatorId, Timestamp};
use projections::engine::{CHECKPOINTS, Checkpoint};
use projections::{Scope, sql::At, sql::Connection};
use sha2::{Digest, Sha256};
use std::{collections::BTreeSet, fmt, str::FromStr};
use tokio_postgres::Row;
use uuid::Uuid;
use zeroize::Zeroizing;

/// What every secret begins with, so that a leaked one is recognised by scanners.
const PREFIX: &str = "slk_";
const SECRET_BYTES: usize = 32;
/// The prefix and the base64url text of 32 bytes without padding.
const SECRET_LEN: usize = PREFIX.len() + 43;
/// The longest label, in bytes.
const MAX_LABEL: usize = 200;

/// What a key's holder may do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    /// A person who owns accounts: sees only the creators that the key names.
    Creator,
    /// Watches creators and reports on them.
    Analyst,
    /// Also reads events as they are stored.
    Auditor,
    /// Runs the system.
    Admin,
}

/// A name that is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a role: expected creator, analyst, auditor or admin")]
pub struct UnknownRole(pub String);

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Creator, Self::Analyst, Self::Auditor, Self::Admin];

    /// The name in the database and in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Creator => "creator",
            Self::Analyst => "analyst",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or_else(|| UnknownRole(text.chars().take(80).collect()))
    }
}

/// A secret in the clear. It is wiped when dropped, and neither `Debug` nor `Display` print it.
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// The secret itself, for the one place that shows it to its owner.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

impl fmt::Display for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Who asks: the key, what it may do and whose data it may see.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// The key, for logs.
    pub key_id: Uuid,
    /// What it may do.
    pub role: Role,
    /// Whose data it may see.
    pub scope: Scope,
}

/// A key as a list shows it: everything but its secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyRow {
    /// The key.
    pub key_id: Uuid,
    /// What its maker called it.
    pub label: String,
    /// What it may do.
    pub role: Role,
    /// Whose data it may see.
    pub scope: Scope,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
}

/// Why keys could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    /// The request makes no sense.
    #[error("{0}")]
    Invalid(&'static str),
    /// The database cannot be reached.
    #[error("the API keys are unavailable: {0}")]
    Unavailable(String),
    /// A row that this program cannot have written.
    #[error("the API keys hold nonsense: {0}")]
    Corrupt(String),
    /// The system gave no randomness.
    #[error("no randomness for a new key: {0}")]
    Random(#[from] getrandom::Error),
}

/// The table of API keys.
#[derive(Clone)]
pub struct ApiKeys {
    pool: Pool,
}

impl ApiKeys {
    /// Uses the table of a migrated database.
    pub fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// Makes a key for these creators, or for all of them, and returns its id and its secret.
    ///
    /// Only the secret's hash is kept: who loses the secret needs a new key.
    pub async fn create(
        &self,
        label: &str,
        role: Role,
        creators: Option<BTreeSet<CreatorId>>,
    ) -> Result<(Uuid, SecretText), ApiKeyError> {
        if label.trim().is_empty() || label.len() > MAX_LABEL {
            return Err(ApiKeyError::Invalid(
                "a key needs a label of 1 to 200 bytes",
            ));
        }
        match &creators {
            None if role == Role::Creator => {
                return Err(ApiKeyError::Invalid(
                    "a key with the role creator names the creators that it may see",
                ));
            }
            Some(named) if named.is_empty() => {
                return Err(ApiKeyError::Invalid("the set of creators is empty"));
            }
            _ => {}
        }
        let secret = new_secret()?;
        let key_id = Uuid::now_v7();
        let creators: Option<Vec<&str>> = creators
            .as_ref()
            .map(|named| named.iter().map(CreatorId::as_str).collect());
        self.client()
            .await?
            .execute(
                "insert into api_keys (key_id, secret_hash, label, role, creators)
                 values ($1, $2, $3, $4, $5)",
                &[
                    &key_id,
                    &SecretHash::new(secret.expose()).0.as_slice(),
                    &label,
                    &role.name(),
                    &creators,
                ],
            )
            .await
            .map_err(unavailable)?;
        Ok((key_id, secret))
    }

    /// All keys in the order in which they were made, revoked ones too.
    pub async fn list(&self) -> Result<Vec<KeyRow>, ApiKeyError> {
        let rows = self
            .client()
            .await?
            .query(
                "select key_id, label, role, creators, created_at, revoked_at
                 from api_keys
                 order by created_at, key_id",
                &[],
            )
            .await
            .map_err(unavailable)?;
        let read = |row: &Row| {
            let (key_id, role, scope) = read_caller(row)?;
            Ok(KeyRow {
                key_id,
                label: row.try_get("label").map_err(corrupt)?,
                role,
                scope,
                created_at: row.try_get::<_, At>("created_at").map_err(corrupt)?.0,
                revoked_at: row
                    .try_get::<_, Option<At>>("revoked_at")
                    .map_err(corrupt)?
                    .map(|at| at.0),
            })
        };
        rows.iter().map(read).collect()
    }

    /// Revokes a key. False if there is no such key or it was revoked before.
    pub async fn revoke(&self, key_id: Uuid) -> Result<bool, ApiKeyError> {
        let revoked = self
            .client()
            .await?
            .execute(
                "update api_keys set revoked_at = now() where key_id = $1 and revoked_at is null",
                &[&key_id],
            )
            .await
            .map_err(unavailable)?;
        Ok(revoked == 1)
    }

    async fn client(&self) -> Result<Object, ApiKeyError> {
        self.pool
            .get()
            .await
            .map_err(|e| ApiKeyError::Unavailable(describe_pool(&e)))
    }
}

/// A secret as the table holds it.
///
/// A plain hash is right here: a secret of 256 random bits cannot be guessed, however fast the
/// hash, and needs neither salt nor stretching as a password would. A lookup by hash also gives
/// nothing away by its timing.
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Of a text that a caller gave; nothing if it has not even the form of a secret.
    pub fn of(secret: &str) -> Option<Self> {
        let has_form = secret.len() == SECRET_LEN && secret.starts_with(PREFIX);
        has_form.then(|| Self::new(secret))
    }

    fn new(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }
}

/// Whose secret this is, or nothing if no key that is in force has it; and where the read models
/// stand, which every answer must know before it reads a row.
///
/// One statement and no cache: a revoked key is dead at once.
pub async fn admit(
    client: &impl Connection,
    secret: &SecretHash,
) -> Result<Option<(Caller, Vec<Checkpoint>)>, ApiKeyError> {
    let rows = client
        .query(
            &format!(
                "select k.key_id, k.role, k.creators, c.name, c.version, c.contract, c.log_id,
                     c.commit_position, c.prepare_position, c.events, c.skipped
                 from api_keys k
                 left join ({CHECKPOINTS}) c on true
                 where k.secret_hash = $1 and k.revoked_at is null
                 order by c.name, c.commit_position, c.prepare_position"
            ),
            &[&secret.0.as_slice()],
        )
        .await
        .map_err(unavailable)?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let (key_id, role, scope) = read_caller(first)?;
    let caller = Caller {
        key_id,
        role,
        scope,
    };
    // With no read model there is one row, which has no checkpoint.
    let is_held = first.try_get::<_, Option<&str>>("name").map_err(corrupt)?;
    let held = match is_held {
        Some(_) => Checkpoint::gather(&rows).map_err(corrupt)?,
        None => vec![],
    };
    Ok(Some((caller, held)))
}

fn new_secret() -> Result<SecretText, ApiKeyError> {
    let mut random = Zeroizing::new([0_u8; SECRET_BYTES]);
    getrandom::fill(random.as_mut_slice())?;
    let mut text = Zeroizing::new(String::with_capacity(SECRET_LEN));
    text.push_str(PREFIX);
    BASE64URL_NOPAD.encode_append(random.as_slice(), &mut text);
    Ok(SecretText(text))
}

fn read_caller(row: &Row) -> Result<(Uuid, Role, Scope), ApiKeyError> {
    let role: &str = row.try_get("role").map_err(corrupt)?;
    let role: Role = role
        .parse()
        .map_err(|e: UnknownRole| ApiKeyError::Corrupt(e.to_string()))?;
    let creators: Option<Vec<String>> = row.try_get("creators").map_err(corrupt)?;
    let scope = match creators {
        None => Scope::AllCreators,
        Some(named) => Scope::Creators(
            named
                .into_iter()
                .map(CreatorId::try_from)
                .collect::<Result<_, _>>()
                .map_err(|e| ApiKeyError::Corrupt(e.to_string()))?,
        ),
    };
    Ok((row.try_get("key_id").map_err(corrupt)?, role, scope))
}

#[expect(clippy::needless_pass_by_value, reason = "a function for map_err")]
fn unavailable(error: tokio_postgres::Error) -> ApiKeyError {
    ApiKeyError::Unavailable(describe(&error))
}

#[expect(clippy::needless_pass_by_value, reason = "a function for map_err")]
fn corrupt(error: tokio_postgres::Error) -> ApiKeyError {
    ApiKeyError::Corrupt(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_its_form_and_is_not_printed() {
        let secret = new_secret().unwrap();
        assert!(secret.expose().starts_with(PREFIX));
        assert_eq!(secret.expose().len(), SECRET_LEN);
        assert!(!format!("{secret} {secret:?}").contains(&secret.expose()[4..]));
        assert_ne!(secret.expose(), new_secret().unwrap().expose());
    }

    #[test]
    fn role_names_read_back() {
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(role));
        }
        assert!("root".parse::<Role>().is_err());
    }
}
