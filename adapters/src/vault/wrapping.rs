//! The key that wraps keys, in memory: replaced while the process runs, where the vault was given a
//! new master key.

use super::crypto::{Box256, derive};
use super::keyring::{PostgresVault, unavailable};
use super::master_key::{MasterKey, MasterKeyError};
use commands::ports::VaultError;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use tokio_postgres::Transaction;
use zeroize::Zeroizing;

/// Where the master key comes from, also the next one.
#[derive(Clone)]
pub enum MasterKeys {
    /// Given directly.
    Given {
        /// The one in use.
        current: MasterKey,
        /// The one that will be, where a rotation is under way.
        next: Option<MasterKey>,
    },
    /// In a file, read again when it is needed; the next one beside it, with `.next` at its end.
    File(PathBuf),
}

impl MasterKeys {
    /// Every key there is, the one in use first.
    pub(super) fn candidates(&self) -> Result<Vec<MasterKey>, VaultError> {
        let failed = |error: MasterKeyError| VaultError::MasterKey(error.to_string());
        match self {
            Self::Given { current, next } => Ok([Some(current), next.as_ref()]
                .into_iter()
                .flatten()
                .cloned()
                .collect()),
            Self::File(path) => {
                let next = MasterKey::next_file(path);
                let mut found = vec![MasterKey::read(path).map_err(failed)?];
                if next.exists() {
                    found.push(MasterKey::read(&next).map_err(failed)?);
                }
                Ok(found)
            }
        }
    }
}

/// What a master key gives for wrapping, and its name.
pub(super) struct Wrap {
    pub(super) cipher: Box256,
    pub(super) fingerprint: [u8; 16],
}

impl Wrap {
    pub(super) fn of(master: &MasterKey) -> Self {
        Self {
            cipher: Box256::new(&derive(master.bytes(), "social-ledger/master/wrap/1")),
            fingerprint: master.fingerprint(),
        }
    }
}

/// The wrap in use.
pub(super) struct Wrapping {
    keys: MasterKeys,
    current: RwLock<Arc<Wrap>>,
}

impl Wrapping {
    pub(super) fn new(keys: MasterKeys, wrap: Wrap) -> Self {
        Self {
            keys,
            current: RwLock::new(Arc::new(wrap)),
        }
    }

    pub(super) fn current(&self) -> Arc<Wrap> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    /// Takes the key with this name into use; tells whether it is another one than before.
    fn take(&self, fingerprint: &[u8]) -> Result<bool, VaultError> {
        if self.current().fingerprint == fingerprint {
            return Ok(false);
        }
        let candidates = self.keys.candidates()?;
        let found = candidates
            .iter()
            .find(|key| key.fingerprint() == fingerprint);
        let master = found.ok_or_else(|| {
            let missing = "the vault was given a new one that this process does not have";
            VaultError::MasterKey(missing.to_owned())
        })?;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(Wrap::of(master));
        tracing::info!("a new master key was taken into use");
        Ok(true)
    }
}

impl PostgresVault {
    /// Looks which master key the vault has by now; tells whether it is a new one.
    pub(super) async fn reload(&self) -> Result<bool, VaultError> {
        let row = self
            .client()
            .await?
            .query_one("select fingerprint from vault.master", &[])
            .await
            .map_err(unavailable)?;
        self.wrapping.take(row.get("fingerprint"))
    }

    /// Keeps a new master key away until the transaction ends, and takes the one that there is.
    pub(super) async fn hold(&self, transaction: &Transaction<'_>) -> Result<(), VaultError> {
        let row = transaction
            .query_one("select fingerprint from vault.master for key share", &[])
            .await
            .map_err(unavailable)?;
        self.wrapping.take(row.get("fingerprint")).map(drop)
    }

    /// Unwraps a key. One that does not open may have been wrapped by a new master key since.
    pub(super) async fn unwrap_key(
        &self,
        wrapped: &[u8],
        bound_to: &[u8],
        what: &str,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let wrap = self.wrapping.current();
        match wrap.cipher.open(wrapped, bound_to, what) {
            Err(closed @ VaultError::DoesNotOpen(_)) => match self.reload().await? {
                true => self.wrapping.current().cipher.open(wrapped, bound_to, what),
                false => Err(closed),
            },
            opened => opened,
        }
    }
}
