//! A new master key: every key that the old one wraps is wrapped anew, in one transaction.
//!
//! What is sealed under those keys stays as it is. Other processes go on: keys in their memory hold,
//! and what they read next, and cannot open, makes them look for the new master key.

use super::keyring::{PostgresVault, REGISTRY, ROOT, unavailable};
use super::master_key::{MasterKey, MasterKeyError};
use super::wrapping::Wrap;
use commands::ports::VaultError;
use std::path::{Path, PathBuf};
use tokio_postgres::Transaction;
use uuid::Uuid;

/// Keys that are wrapped anew with one statement.
const BATCH: i64 = 1_000;

/// How much was wrapped anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rotated {
    /// Keys of accounts.
    pub accounts: u64,
    /// Keys of grants and of choices that wait.
    pub credentials: u64,
}

impl PostgresVault {
    /// Whether the vault has this master key by now.
    pub async fn has(&self, master: &MasterKey) -> Result<bool, VaultError> {
        self.reload().await?;
        Ok(self.wrapping.current().fingerprint == master.fingerprint())
    }

    /// Gives the vault a new master key, which must be where every process finds it. Nothing is
    /// written while it lasts that would need one.
    pub async fn rotate(&self, new: &MasterKey) -> Result<Rotated, VaultError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(unavailable)?;
        let row = transaction
            .query_one(
                "select fingerprint, registry_key, root from vault.master for update",
                &[],
            )
            .await
            .map_err(unavailable)?;
        let (old, new) = (self.wrapping.current(), Wrap::of(new));
        if row.get::<_, &[u8]>("fingerprint") != old.fingerprint {
            let changed = "the vault was given another one just now; run it again";
            return Err(VaultError::MasterKey(changed.to_owned()));
        }
        let again = Again {
            old: &old,
            new: &new,
            transaction: &transaction,
        };
        let registry = again.wrap(row.get("registry_key"), REGISTRY)?;
        let root = new.cipher.seal(self.root().bytes(), ROOT)?;
        let accounts = again.table("vault.accounts", "account_id").await?;
        let grants = again.table("credentials.grants", "grant_id").await?;
        let choices = again.table("credentials.choices", "choice_id").await?;
        transaction
            .execute(
                "update vault.master set fingerprint = $1, registry_key = $2, root = $3",
                &[&new.fingerprint.as_slice(), &registry, &root],
            )
            .await
            .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        drop(client);
        self.reload().await?;
        Ok(Rotated {
            accounts,
            credentials: grants + choices,
        })
    }
}

struct Again<'a> {
    old: &'a Wrap,
    new: &'a Wrap,
    transaction: &'a Transaction<'a>,
}

impl Again<'_> {
    fn wrap(&self, wrapped: &[u8], bound_to: &[u8]) -> Result<Vec<u8>, VaultError> {
        let key = self.old.cipher.open(wrapped, bound_to, "a wrapped key")?;
        self.new.cipher.seal(&key, bound_to)
    }

    /// Every row of a table whose keys are bound to their own ids.
    async fn table(&self, table: &str, id: &str) -> Result<u64, VaultError> {
        let mut done = 0;
        let mut after = Uuid::nil();
        let select = format!(
            "select {id} as id, wrapped_key from {table} where {id} > $1 order by {id} limit $2"
        );
        let update = format!(
            "update {table} t
             set wrapped_key = again.wrapped_key
             from unnest($1::uuid[], $2::bytea[]) again (id, wrapped_key)
             where t.{id} = again.id"
        );
        loop {
            let rows = self.transaction.query(&select, &[&after, &BATCH]).await;
            let rows = rows.map_err(unavailable)?;
            let Some(last) = rows.last() else {
                return Ok(done);
            };
            after = last.get("id");
            let mut ids = Vec::with_capacity(rows.len());
            let mut keys = Vec::with_capacity(rows.len());
            for row in &rows {
                let id: Uuid = row.get("id");
                keys.push(self.wrap(row.get("wrapped_key"), id.as_bytes())?);
                ids.push(id);
            }
            let updated = self.transaction.execute(&update, &[&ids, &keys]).await;
            done += updated.map_err(unavailable)?;
        }
    }
}

impl MasterKey {
    /// Where the next key of a file is, until it takes its place.
    pub fn next_file(path: &Path) -> PathBuf {
        with_ending(path, ".next")
    }

    /// Where the key of before is, once another has taken its place.
    pub fn previous_file(path: &Path) -> PathBuf {
        with_ending(path, ".previous")
    }

    /// Puts the next key in the place of the one in use, which is kept: older backups need it.
    pub fn promote(path: &Path) -> Result<(), MasterKeyError> {
        let failed = |source| MasterKeyError::File {
            path: path.to_owned(),
            source,
        };
        let previous = Self::previous_file(path);
        // Never without a file in its place: the copy is a second name of the old one.
        match std::fs::remove_file(&previous) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(error));
            }
            _ => {}
        }
        std::fs::hard_link(path, &previous).map_err(failed)?;
        std::fs::rename(Self::next_file(path), path).map_err(failed)
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
