//! The key that signs checkpoints and exports: Ed25519, derived from the master key.
//!
//! Whoever verifies must have got the public key, or its fingerprint, before: a file that names
//! its own key proves only that it was not changed since somebody signed it.

use super::crypto::derive;
use super::master_key::MasterKey;
use data_encoding::HEXLOWER;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};

/// Signs. The private half never leaves it and is not printed.
pub struct Signer(SigningKey);

/// A public key, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// Text that is no public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a public key: expected the 64 hexadecimal digits that `audit key` prints")]
pub struct InvalidPublicKey(String);

impl Signer {
    /// The signing key that belongs to a master key.
    pub fn of(master: &MasterKey) -> Self {
        let seed = derive(master.bytes(), "social-ledger/checkpoint/sign/1");
        Self(SigningKey::from_bytes(&seed))
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// The same bytes always have the same signature.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.public_key())
    }
}

impl PublicKey {
    /// The key's 32 bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// A short name of the key, to be compared by people: the first 16 bytes of its SHA-256.
    pub fn fingerprint(&self) -> String {
        HEXLOWER.encode(&Sha256::digest(self.0.as_bytes())[..16])
    }

    /// Whether the signature is this key's over exactly these bytes.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = Signature::from_bytes(signature);
        self.0.verify_strict(message, &signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(self.0.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = InvalidPublicKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidPublicKey(text.chars().take(80).collect());
        let bytes = HEXLOWER
            .decode(text.as_bytes())
            .map_err(|_| invalid())?
            .try_into()
            .map_err(|_| invalid())?;
        VerifyingKey::from_bytes(&bytes)
            .map(Self)
            .map_err(|_| invalid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(byte: u8) -> Signer {
        let text = data_encoding::BASE64.encode(&[byte; 32]);
        Signer::of(&MasterKey::parse(&text, "a test").expect("32 bytes in base64"))
    }

    #[test]
    fn a_signature_holds_for_its_bytes_and_its_key_alone() {
        let (one, other) = (signer(1), signer(2));
        let signature = one.sign(b"bytes");
        assert_eq!(signature, one.sign(b"bytes"));
        assert!(one.public_key().verify(b"bytes", &signature));
        assert!(!one.public_key().verify(b"bytez", &signature));
        assert!(!other.public_key().verify(b"bytes", &signature));
        let mut changed = signature;
        changed[3] ^= 1;
        assert!(!one.public_key().verify(b"bytes", &changed));
    }

    #[test]
    fn a_public_key_reads_back_and_what_is_none_is_refused() {
        let key = signer(1).public_key();
        assert_eq!(key.to_string().parse(), Ok(key));
        assert_eq!(key.fingerprint().len(), 32);
        for wrong in ["", "ab", &"zz".repeat(32), &key.to_string().to_uppercase()] {
            assert!(wrong.parse::<PublicKey>().is_err(), "{wrong}");
        }
    }
}
