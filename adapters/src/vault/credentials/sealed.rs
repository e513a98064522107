//! What is sealed, as bytes: JSON that is wiped after use.

use super::{AccountAccess, Announcement, Tokens};
use crate::platforms::Secret;
use commands::ports::VaultError;
use commands::text::ProfileText;
use domain::account::Consent;
use domain::{CommandId, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeSet;
use zeroize::Zeroizing;

#[derive(Serialize)]
struct TokensOut<'a> {
    access: &'a str,
    refresh: Option<&'a str>,
}

#[derive(Deserialize)]
struct TokensIn {
    access: String,
    refresh: Option<String>,
}

#[derive(Serialize)]
struct AccessOut<'a> {
    id: &'a str,
    other_id: Option<&'a str>,
    access: Option<&'a str>,
}

#[derive(Deserialize)]
struct AccessIn {
    id: String,
    other_id: Option<String>,
    access: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct AnnouncementText {
    command_id: CommandId,
    actor: String,
    scopes: BTreeSet<String>,
    consent: Consent,
    observed_at: Timestamp,
    profile: ProfileText,
}

/// JSON that is wiped when dropped.
pub(super) fn write(value: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let bytes = serde_json::to_vec(value);
    // The cause is left out: it may quote what it failed on.
    bytes
        .map(Zeroizing::new)
        .map_err(|_| VaultError::Unavailable("a credential is no JSON".to_owned()))
}

/// What [`write`] wrote.
pub(super) fn read<T: DeserializeOwned>(plain: &[u8]) -> Result<T, VaultError> {
    serde_json::from_slice(plain).map_err(|_| VaultError::DoesNotOpen("a credential".to_owned()))
}

pub(super) fn write_tokens(tokens: &Tokens) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    write(&TokensOut {
        access: tokens.access.expose(),
        refresh: tokens.refresh.as_ref().map(Secret::expose),
    })
}

pub(super) fn read_tokens(plain: &[u8]) -> Result<(Secret, Option<Secret>), VaultError> {
    let found: TokensIn = read(plain)?;
    Ok((Secret::new(found.access), found.refresh.map(Secret::new)))
}

pub(super) fn write_access(access: &AccountAccess) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    write(&AccessOut {
        id: &access.platform_account_id,
        other_id: access.other_id.as_deref(),
        access: access.access.as_ref().map(Secret::expose),
    })
}

pub(super) fn read_access(plain: &[u8]) -> Result<AccountAccess, VaultError> {
    let found: AccessIn = read(plain)?;
    Ok(AccountAccess {
        platform_account_id: found.id,
        other_id: found.other_id,
        access: found.access.map(Secret::new),
    })
}

pub(super) fn write_announcement(said: &Announcement) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    write(&AnnouncementText {
        command_id: said.command_id,
        actor: said.actor.clone(),
        scopes: said.scopes.clone(),
        consent: said.consent.clone(),
        observed_at: said.observed_at,
        profile: said.profile.clone(),
    })
}

pub(super) fn read_announcement(plain: &[u8]) -> Result<Announcement, VaultError> {
    let found: AnnouncementText = read(plain)?;
    Ok(Announcement {
        command_id: found.command_id,
        actor: found.actor,
        scopes: found.scopes,
        consent: found.consent,
        observed_at: found.observed_at,
        profile: found.profile,
    })
}
