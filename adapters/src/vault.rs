//! The vault: account keys wrapped by a master key, and the registry that finds accounts.
//!
//! The master key is kept outside the database and the data folder; the database holds only
//! wrapped keys and keyed hashes, so a dump of it opens nothing.

pub mod credentials;
mod crypto;
mod erasure_file;
mod keyring;
mod master_key;
mod memory;
mod rotate;
mod shred;
mod signer;
mod wrapping;

pub use erasure_file::ErasureFile;
pub use keyring::PostgresVault;
pub use master_key::{MasterKey, MasterKeyError};
pub use rotate::Rotated;
pub use signer::{InvalidPublicKey, PublicKey, Signer};
pub use wrapping::MasterKeys;
