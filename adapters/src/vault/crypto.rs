//! Sealing and naming: AES-256-GCM, HMAC-SHA256 and HKDF from the RustCrypto crates.
//!
//! From an account's 32-byte key two keys are derived with HKDF-SHA256: `seal` for AES-256-GCM
//! and `name` for HMAC. A sealed value is a random 12-byte nonce, then ciphertext and tag; its
//! associated data are the account id and the subject, so that it opens nowhere else.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use commands::ports::{AccountKey, Subject, VaultError};
use domain::{AccountId, Fingerprint, PostKey, Sealed};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

type HmacSha256 = Hmac<Sha256>;

const NONCE_BYTES: usize = 12;

/// Wraps and unwraps 32-byte keys, or seals values: one AES-256-GCM key.
pub(super) struct Box256(Aes256Gcm);

impl Box256 {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self(Aes256Gcm::new(key.into()))
    }

    pub(super) fn seal(&self, plain: &[u8], bound_to: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce)
            .map_err(|e| VaultError::Unavailable(format!("no random bytes: {e}")))?;
        let payload = Payload {
            msg: plain,
            aad: bound_to,
        };
        let sealed = self
            .0
            .encrypt(&nonce.into(), payload)
            .map_err(|_| VaultError::Unavailable("sealing failed".to_owned()))?;
        let mut bytes = Vec::with_capacity(NONCE_BYTES + sealed.len());
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Ok(bytes)
    }

    pub(super) fn open(
        &self,
        bytes: &[u8],
        bound_to: &[u8],
        what: &str,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let closed = || VaultError::DoesNotOpen(what.to_owned());
        let (nonce, sealed) = bytes
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or_else(closed)?;
        let payload = Payload {
            msg: sealed,
            aad: bound_to,
        };
        self.0
            .decrypt(&(*nonce).into(), payload)
            .map(Zeroizing::new)
            .map_err(|_| closed())
    }
}

/// Derives a key for one use from a key of 32 random bytes.
pub(super) fn derive(key: &[u8; 32], usage: &str) -> Zeroizing<[u8; 32]> {
    let mut derived = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, key)
        .expand(usage.as_bytes(), &mut *derived)
        .expect("32 bytes are within what HKDF-SHA256 gives");
    derived
}

/// Names an account's key without telling it: the first 16 bytes of a hash. The key is random,
/// so there is nothing to guess.
pub(super) fn fingerprint_of_key(key: &[u8; 32]) -> Fingerprint {
    let mut hash = Sha256::new();
    hash.update(b"social-ledger/account-key/1");
    hash.update(key);
    Fingerprint(first_half(hash.finalize().into()))
}

/// HMAC-SHA256 over length-prefixed fields.
pub(super) fn mac(key: &HmacKey, fields: &[&[u8]]) -> [u8; 32] {
    let mut mac = key.0.clone();
    for field in fields {
        mac.update(&(field.len() as u64).to_be_bytes());
        mac.update(field);
    }
    mac.finalize().into_bytes().into()
}

/// An HMAC key whose schedule is worked out once.
#[derive(Clone)]
pub(super) struct HmacKey(HmacSha256);

impl HmacKey {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self(HmacSha256::new_from_slice(key).expect("HMAC takes keys of any length"))
    }
}

/// An account's key at work.
pub(super) struct AccountCipher {
    account: AccountId,
    seal: Box256,
    name: HmacKey,
}

impl AccountCipher {
    pub(super) fn new(account: AccountId, key: &[u8; 32]) -> Self {
        let seal = Box256::new(&derive(key, "social-ledger/account/seal/1"));
        let name = HmacKey::new(&derive(key, "social-ledger/account/name/1"));
        Self {
            account,
            seal,
            name,
        }
    }

    fn bound_to(&self, subject: Subject) -> Vec<u8> {
        let mut bytes = self.account.uuid().as_bytes().to_vec();
        match subject {
            Subject::Profile => bytes.extend_from_slice(b"/profile"),
            Subject::Post(post) => {
                bytes.extend_from_slice(b"/post/");
                bytes.extend_from_slice(post.uuid().as_bytes());
            }
        }
        bytes
    }
}

fn first_half(mac: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&mac[..16]);
    half
}

impl AccountKey for AccountCipher {
    fn post_key(&self, platform_post_id: &str) -> PostKey {
        let mac = mac(&self.name, &[b"post", platform_post_id.as_bytes()]);
        PostKey::from_mac(first_half(mac))
    }

    fn fingerprint(&self, subject: Subject, plain: &[u8]) -> Fingerprint {
        let mac = mac(&self.name, &[b"text", &self.bound_to(subject), plain]);
        Fingerprint(first_half(mac))
    }

    fn seal(&self, subject: Subject, plain: &[u8]) -> Result<Sealed, VaultError> {
        let bytes = self.seal.seal(plain, &self.bound_to(subject))?;
        Ok(Sealed {
            fingerprint: self.fingerprint(subject, plain),
            bytes,
        })
    }

    fn open(&self, subject: Subject, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let what = match subject {
            Subject::Profile => "the profile",
            Subject::Post(_) => "the post's text",
        };
        let plain = self.seal.open(sealed, &self.bound_to(subject), what)?;
        Ok(plain.to_vec())
    }
}
