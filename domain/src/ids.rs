//! Every identifier of the system, each its own type so that mixing two up does not compile.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// Text that does not have the form of the identifier it was given for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{given}' is not a valid {kind}: expected {expected}")]
pub struct InvalidId {
    /// Which identifier was expected.
    pub kind: &'static str,
    /// The text that was given, cut to a bounded length.
    pub given: String,
    /// What its form should have been.
    pub expected: &'static str,
}

fn invalid(kind: &'static str, given: &str, expected: &'static str) -> InvalidId {
    InvalidId {
        kind,
        given: given.chars().take(80).collect(),
        expected,
    }
}

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Takes the identifier from a UUID made or read elsewhere.
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            /// The UUID inside, for the lowest layers.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self).map_err(|_| invalid($kind, text, "a UUID"))
            }
        }
    )*};
}

uuid_ids! {
    /// One creator's account on one platform: random (UUIDv7), found again through the registry.
    AccountId "account id";
    /// One command as a caller meant it; a repeated command carries the same id.
    CommandId "command id";
    /// One event: UUIDv5 of its content, so that the same fact has the same id.
    EventId "event id";
    /// A post as the plain part of events names it: a keyed hash of the platform's own id.
    PostKey "post key";
}

impl PostKey {
    /// Names a post by the first 16 bytes of HMAC(account key, platform post id), as a UUIDv8.
    pub fn from_mac(mac: [u8; 16]) -> Self {
        Self(uuid::Builder::from_custom_bytes(mac).into_uuid())
    }
}

/// The person who owns accounts; the id is given by the host system.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CreatorId(String);

impl CreatorId {
    /// The longest id accepted, in bytes.
    pub const MAX_LEN: usize = 128;

    /// The id as the host system wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for CreatorId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.:@".contains(c);
        if text.is_empty() || text.len() > Self::MAX_LEN || !text.chars().all(allowed) {
            let expected = "1 to 128 letters, digits or any of - _ . : @";
            return Err(invalid("creator id", &text, expected));
        }
        Ok(Self(text))
    }
}

impl From<CreatorId> for String {
    fn from(id: CreatorId) -> Self {
        id.0
    }
}

impl FromStr for CreatorId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

impl fmt::Display for CreatorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CreatorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One run that reads an account from its platform; a ULID, so it sorts by its start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SyncId(ulid::Ulid);

impl SyncId {
    /// Makes the id of a sync that started at `started_at`, with 80 random bits from the caller.
    pub fn new(started_at: crate::Timestamp, random: u128) -> Self {
        let millis = u64::try_from(started_at.micros() / 1000).unwrap_or(0);
        Self(ulid::Ulid::from_parts(millis, random))
    }

    /// The 16 bytes of the ULID.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_bytes()
    }
}

impl fmt::Display for SyncId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for SyncId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse()
            .map(Self)
            .map_err(|_| invalid("sync id", text, "a ULID"))
    }
}
