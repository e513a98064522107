//! The end of an account: its key is destroyed, and with it everything that was sealed under it.

use super::command::EraseAccount;
use super::decide::Rejected;
use super::event::Event;
use super::state::Account;
use crate::{Fingerprint, Timestamp};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// On whose request an account was erased.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErasureReason {
    /// The creator or the host system asked for it.
    Requested,
    /// The platform passed on the person's wish to have the data deleted.
    DataDeletionCallback,
    /// The time for which the data may be kept has ended.
    RetentionEnded,
}

/// A name that is no reason of an erasure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a reason: expected requested, data_deletion_callback or retention_ended")]
pub struct UnknownReason(String);

impl ErasureReason {
    /// Every reason.
    pub const ALL: [Self; 3] = [
        Self::Requested,
        Self::DataDeletionCallback,
        Self::RetentionEnded,
    ];

    /// The name in events, read models and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::DataDeletionCallback => "data_deletion_callback",
            Self::RetentionEnded => "retention_ended",
        }
    }
}

impl FromStr for ErasureReason {
    type Err = UnknownReason;

    fn from_str(text: &str) -> Result<Self, UnknownReason> {
        let mut reasons = Self::ALL.into_iter();
        reasons
            .find(|reason| reason.name() == text)
            .ok_or_else(|| UnknownReason(text.chars().take(80).collect()))
    }
}

/// See [`Event::AccountErased`]. It holds nothing of the person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AccountErased {
    /// When it was asked for.
    pub at: Timestamp,
    /// On whose request.
    pub reason: ErasureReason,
    /// Names the destroyed key, for the receipt; left out if there was none any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Fingerprint>,
}

/// Erases once; asking for it again changes nothing.
pub(super) fn erase_account(
    account: &Account,
    erase: &EraseAccount,
) -> Result<Vec<Event>, Rejected> {
    match account {
        Account::Absent => Err(Rejected::UnknownAccount),
        Account::Erased { .. } => Ok(vec![]),
        Account::Imported { .. }
        | Account::Connected { .. }
        | Account::NeedsReauthorization { .. }
        | Account::Disconnected { .. } => Ok(vec![Event::AccountErased(AccountErased {
            at: erase.at,
            reason: erase.reason,
            key: erase.key,
        })]),
    }
}
