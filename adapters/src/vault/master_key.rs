//! The master key: read from a file or a variable, never printed, its fingerprint checked.

use data_encoding::BASE64;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// 32 random bytes that wrap every account's key. They are wiped from memory when dropped.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

/// Why there is no usable master key. Messages never hold key material.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The text is not a key.
    #[error("the master key in {0} is not valid: expected 32 bytes in base64 (44 characters)")]
    Malformed(String),
    /// The file cannot be read or written.
    #[error("the master key file {path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        source: std::io::Error,
    },
    /// Others may read the file.
    #[error("the master key file {0} may be read by others: run `chmod 600` on it")]
    Exposed(PathBuf),
    /// No randomness.
    #[error("the system gives no random bytes: {0}")]
    Random(String),
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

impl MasterKey {
    /// Takes a key in base64; `origin` names where it came from in an error.
    pub fn parse(text: &str, origin: &str) -> Result<Self, MasterKeyError> {
        let malformed = || MasterKeyError::Malformed(origin.to_owned());
        let bytes = Zeroizing::new(
            BASE64
                .decode(text.trim().as_bytes())
                .map_err(|_| malformed())?,
        );
        let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| malformed())?;
        Ok(Self(Zeroizing::new(bytes)))
    }

    /// Reads the key file, which nobody else may read.
    pub fn read(path: &Path) -> Result<Self, MasterKeyError> {
        let failed = |source| MasterKeyError::File {
            path: path.to_owned(),
            source,
        };
        let mode = std::fs::metadata(path)
            .map_err(failed)?
            .permissions()
            .mode();
        if mode & 0o077 != 0 {
            return Err(MasterKeyError::Exposed(path.to_owned()));
        }
        let text = Zeroizing::new(std::fs::read_to_string(path).map_err(failed)?);
        Self::parse(&text, &path.display().to_string())
    }

    /// Reads the key file, or makes it with a new random key. True if it was made.
    pub fn read_or_create(path: &Path) -> Result<(Self, bool), MasterKeyError> {
        if path.exists() {
            return Ok((Self::read(path)?, false));
        }
        let failed = |source| MasterKeyError::File {
            path: path.to_owned(),
            source,
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let key = Self::random()?;
        let text = Zeroizing::new(BASE64.encode(&*key.0));
        // Written beside and linked in whole: a kill leaves no half key, and of two processes
        // that start at once, the second finds the first one's key.
        let beside = path.with_extension(format!("new.{}", std::process::id()));
        let mut options = std::fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)
            .map_err(failed)?;
        file.write_all(text.as_bytes())
            .and_then(|()| file.write_all(b"\n"))
            .and_then(|()| file.sync_all())
            .map_err(failed)?;
        let linked = std::fs::hard_link(&beside, path);
        std::fs::remove_file(&beside).map_err(failed)?;
        match linked {
            Ok(()) => Ok((key, true)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                Ok((Self::read(path)?, false))
            }
            Err(error) => Err(failed(error)),
        }
    }

    pub(super) fn of_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A new random key.
    pub fn random() -> Result<Self, MasterKeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *bytes).map_err(|e| MasterKeyError::Random(e.to_string()))?;
        Ok(Self(bytes))
    }

    /// Names the key without telling it: the first 16 bytes of a hash.
    pub fn fingerprint(&self) -> [u8; 16] {
        let mut hash = Sha256::new();
        hash.update(b"social-ledger/master-key/1");
        hash.update(*self.0);
        let hash: [u8; 32] = hash.finalize().into();
        let mut fingerprint = [0; 16];
        fingerprint.copy_from_slice(&hash[..16]);
        fingerprint
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}
