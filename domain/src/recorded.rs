//! An event as a log holds it: exact bytes, its place in its stream and in the log.

use crate::{AccountId, EventId};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// The name of a stream. An account's is `account-<account id>`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StreamName(String);

impl StreamName {
    /// What the names of all account streams begin with.
    pub const ACCOUNT_PREFIX: &'static str = "account-";

    /// The stream of an account.
    pub fn of_account(account: AccountId) -> Self {
        Self(format!("{}{account}", Self::ACCOUNT_PREFIX))
    }

    /// A stream of any name, as logs and their tests meet it.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The account whose stream this is, if it is one.
    pub fn account(&self) -> Option<AccountId> {
        self.0.strip_prefix(Self::ACCOUNT_PREFIX)?.parse().ok()
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A place in one log: opaque, for waiting and checkpoints only.
///
/// Both halves are kept because EventStoreDB's positions have two; Postgres uses the same number
/// for both. Positions of different logs do not compare.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Position {
    /// The log it belongs to.
    pub log: Uuid,
    /// The commit half.
    pub commit: u64,
    /// The prepare half.
    pub prepare: u64,
}

impl PartialOrd for Position {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        (self.log == other.log)
            .then(|| (self.commit, self.prepare).cmp(&(other.commit, other.prepare)))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.log.simple(), self.commit, self.prepare)
    }
}

/// Text that is not a position token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a position: expected a token taken from an earlier answer")]
pub struct InvalidPosition(String);

impl FromStr for Position {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let mut parts = text.split('.');
            let log = Uuid::try_parse(parts.next()?).ok()?;
            let commit = parts.next()?.parse().ok()?;
            let prepare = parts.next()?.parse().ok()?;
            parts.next().is_none().then_some(Self {
                log,
                commit,
                prepare,
            })
        };
        parse().ok_or_else(|| InvalidPosition(text.chars().take(80).collect()))
    }
}

/// An event that was appended. Type, metadata and data are the bytes exactly as stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordedEvent {
    /// Its stream.
    pub stream: StreamName,
    /// Its place in the stream, from 0 without gaps.
    pub revision: u64,
    /// Its place in the log.
    pub position: Position,
    /// Its id.
    pub event_id: EventId,
    /// The pinned name of its type.
    pub event_type: String,
    /// The envelope's metadata.
    pub metadata: Vec<u8>,
    /// The event's own data.
    pub data: Vec<u8>,
}
