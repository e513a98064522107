//! Checks a stream's chain event by event and names the first event that does not hold, and why.
//!
//! Nothing here needs a key. A chain shows a change through its successor: the event after a
//! changed one names a hash that the changed one no longer has. Which of the two was changed
//! tells the link after them, so a [`Chain`] waits one event before it names one.

use super::ChainHash;
use crate::RecordedEvent;
use data_encoding::HEXLOWER;
use serde::Deserialize;
use std::{borrow::Cow, fmt};

/// The last event of a stream: all that is needed to check the one after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tip {
    /// Its revision.
    pub revision: u64,
    /// Its hash.
    pub hash: ChainHash,
}

/// Why an event does not continue the stream as it was before it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Fault {
    /// Events before this one are not there.
    #[error("revision {expected} is not there: the next event has revision {found}")]
    Missing {
        /// The revision that should have come.
        expected: u64,
        /// The one that came.
        found: u64,
    },
    /// A revision that the stream had passed already.
    #[error("revision {found} comes where revision {expected} should")]
    OutOfOrder {
        /// The revision that should have come.
        expected: u64,
        /// The one that came.
        found: u64,
    },
    /// The event names another predecessor than the event before it.
    #[error("it names {named} as the hash of the event before it, which is {actual}")]
    Unlinked {
        /// The hash in its metadata.
        named: ChainHash,
        /// The hash of the event before it, as it is stored.
        actual: ChainHash,
    },
    /// Its metadata cannot be read.
    #[error("its metadata cannot be read: {0}")]
    Unreadable(String),
}

/// The first event of a stream that does not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Break {
    /// The revision that does not hold: changed, missing or out of its place.
    pub revision: u64,
    /// The revision at which it showed, if that is another one.
    pub seen_at: u64,
    /// Whether the event at `seen_at` may be the changed one just as well: no event after it
    /// could tell.
    pub either: bool,
    /// What showed.
    pub fault: Fault,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            revision, seen_at, ..
        } = self;
        match &self.fault {
            Fault::Unlinked { named, actual } if self.either => write!(
                f,
                "revision {revision} or {seen_at} was changed: {seen_at} names {named} as the \
                 hash of {revision}, which is {actual}"
            ),
            Fault::Unlinked { named, actual } if revision != seen_at => write!(
                f,
                "revision {revision} was changed: {seen_at} names {named} as its hash, which is \
                 {actual}"
            ),
            fault @ (Fault::Missing { .. } | Fault::OutOfOrder { .. }) => fault.fmt(f),
            fault => write!(f, "revision {revision} does not hold: {fault}"),
        }
    }
}

/// Reads only the hash of the event before from an event's metadata, without an allocation.
pub fn prev_of(metadata: &[u8]) -> Result<ChainHash, String> {
    #[derive(Deserialize)]
    struct Link<'a> {
        #[serde(borrow)]
        prev: Cow<'a, str>,
    }
    let link: Link<'_> = serde_json::from_slice(metadata).map_err(|e| e.to_string())?;
    let mut hash = [0; 32];
    let is_hash = link.prev.len() == 2 * hash.len()
        && HEXLOWER.decode_mut(link.prev.as_bytes(), &mut hash).is_ok();
    if is_hash {
        Ok(ChainHash(hash))
    } else {
        Err("prev is not a hash of 64 digits".to_owned())
    }
}

/// Whether an event continues a stream that ends with `before`, and the tip that it makes.
pub fn follow(before: Option<Tip>, event: &RecordedEvent) -> (Tip, Option<Fault>) {
    let expected = before.map_or(0, |tip| tip.revision + 1);
    let found = event.revision;
    let tip = Tip {
        revision: found,
        hash: ChainHash::of_recorded(event),
    };
    let actual = before.map_or(ChainHash::GENESIS, |tip| tip.hash);
    let fault = match prev_of(&event.metadata) {
        _ if found > expected => Some(Fault::Missing { expected, found }),
        _ if found < expected => Some(Fault::OutOfOrder { expected, found }),
        Err(reason) => Some(Fault::Unreadable(reason)),
        Ok(named) if named != actual => Some(Fault::Unlinked { named, actual }),
        Ok(_) => None,
    };
    (tip, fault)
}

/// The check of one stream, from its first event on or from a tip that is known to hold.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Chain {
    tip: Option<Tip>,
    doubt: Option<Box<Fault>>,
}

impl Chain {
    /// A stream before its first event.
    pub fn new() -> Self {
        Self::default()
    }

    /// A stream that ends with this event.
    pub fn after(tip: Option<Tip>) -> Self {
        Self { tip, doubt: None }
    }

    /// The last event that was taken.
    pub fn tip(&self) -> Option<Tip> {
        self.tip
    }

    /// Takes the stream's next event. Once it names a break, that was the first of the stream.
    pub fn push(&mut self, event: &RecordedEvent) -> Option<Break> {
        let (tip, fault) = follow(self.tip, event);
        let before = self.tip.replace(tip);
        let seen_at = tip.revision;
        if let Some(doubt) = self.doubt.take() {
            let doubted = before.map_or(0, |tip| tip.revision);
            return Some(match fault {
                // The later one of the doubted link holds, so the earlier one was changed.
                None => broken(doubted.saturating_sub(1), doubted, false, *doubt),
                Some(Fault::Unlinked { .. }) => broken(doubted, doubted, false, *doubt),
                Some(_) => broken(doubted.saturating_sub(1), doubted, true, *doubt),
            });
        }
        match fault? {
            fault @ Fault::Unlinked { .. } if before.is_some() => {
                self.doubt = Some(Box::new(fault));
                None
            }
            fault => {
                let revision = match fault {
                    Fault::Missing { expected, .. } => expected,
                    _ => seen_at,
                };
                Some(broken(revision, seen_at, false, fault))
            }
        }
    }

    /// The end of the stream: what is still in doubt.
    pub fn finish(self) -> Option<Break> {
        let seen_at = self.tip?.revision;
        let doubt = *self.doubt?;
        Some(broken(seen_at.saturating_sub(1), seen_at, true, doubt))
    }
}

fn broken(revision: u64, seen_at: u64, either: bool, fault: Fault) -> Break {
    Break {
        revision,
        seen_at,
        either,
        fault,
    }
}

#[cfg(test)]
mod tests;
