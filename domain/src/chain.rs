//! The hash chain of a stream: every event names the hash of the one before it.
//!
//! The hash is SHA-256 over seven fields, each preceded by its length as a 64-bit big-endian
//! number: the format's name `social-ledger/chain/1`, the stream's name, the revision as a 64-bit
//! big-endian number, the 16 bytes of the event id, the type, the metadata and the data, all
//! exactly as stored. The first event of a stream names [`ChainHash::GENESIS`].

pub mod root;
pub mod verify;

pub use verify::Tip;

use crate::{EventId, RecordedEvent};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};
use std::{borrow::Cow, fmt};

/// The name of the format, the first field of every hash.
pub const FORMAT: &str = "social-ledger/chain/1";

/// The hash of one event of a stream.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainHash(pub [u8; 32]);

impl ChainHash {
    /// What the first event of a stream names as its predecessor: 32 zero bytes.
    pub const GENESIS: Self = Self([0; 32]);

    /// The hash of an event about to be appended, from the bytes that will be stored.
    pub fn of(
        stream: &str,
        revision: u64,
        event_id: EventId,
        event_type: &str,
        metadata: &[u8],
        data: &[u8],
    ) -> Self {
        let mut hash = Sha256::new();
        let mut field = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        field(FORMAT.as_bytes());
        field(stream.as_bytes());
        field(&revision.to_be_bytes());
        field(event_id.uuid().as_bytes());
        field(event_type.as_bytes());
        field(metadata);
        field(data);
        Self(hash.finalize().into())
    }

    /// The hash of an event as a log holds it.
    pub fn of_recorded(event: &RecordedEvent) -> Self {
        Self::of(
            event.stream.as_str(),
            event.revision,
            event.event_id,
            &event.event_type,
            &event.metadata,
            &event.data,
        )
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for ChainHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&HEXLOWER.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for ChainHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let bytes = HEXLOWER
            .decode(text.as_bytes())
            .map_err(de::Error::custom)?;
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| de::Error::custom("expected 32 bytes"))
    }
}

#[cfg(test)]
mod tests;
