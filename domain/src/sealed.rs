//! Sealed personal data as events carry it: ciphertext and a keyed fingerprint, never plain text.

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Cow, fmt};

/// A keyed fingerprint (truncated HMAC) of a plain text: equal for equal texts of one account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 16]);

/// A value sealed under its account's key: nonce, then AES-256-GCM ciphertext and tag.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sealed {
    /// Tells whether the plain text changed, without opening anything.
    #[serde(rename = "fp")]
    pub fingerprint: Fingerprint,
    /// 12 bytes of nonce, then ciphertext with its 16-byte tag.
    #[serde(rename = "box", with = "base64url")]
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Sealed({:?}, {} bytes)",
            self.fingerprint,
            self.bytes.len()
        )
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = base64url::deserialize(deserializer)?;
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| de::Error::custom("expected 16 bytes"))
    }
}

mod base64url {
    //! Bytes as base64url text without padding.
    use super::{BASE64URL_NOPAD, Cow, Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64URL_NOPAD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        BASE64URL_NOPAD
            .decode(text.as_bytes())
            .map_err(de::Error::custom)
    }
}
