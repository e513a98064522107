//! Destroying keys: the row goes, and every process learns that a key is gone.

use super::crypto::fingerprint_of_key;
use super::keyring::{PostgresVault, as_key, unavailable};
use async_trait::async_trait;
use commands::ports::{KeyShredder, VaultError};
use domain::{AccountId, Fingerprint};
use std::collections::HashSet;
use uuid::Uuid;

#[async_trait]
impl KeyShredder for PostgresVault {
    async fn fingerprint(&self, account: AccountId) -> Result<Option<Fingerprint>, VaultError> {
        let row = self
            .client()
            .await?
            .query_opt(
                "select wrapped_key from vault.accounts where account_id = $1",
                &[&account.uuid()],
            )
            .await
            .map_err(unavailable)?;
        let Some(row) = row else {
            return Ok(None);
        };
        let bound_to = account.uuid().into_bytes();
        let key = self
            .unwrap_key(row.get("wrapped_key"), &bound_to, "an account's key")
            .await?;
        Ok(Some(fingerprint_of_key(&*as_key(&key)?)))
    }

    async fn held(&self, accounts: &[AccountId]) -> Result<HashSet<AccountId>, VaultError> {
        let accounts: Vec<Uuid> = accounts.iter().map(|account| account.uuid()).collect();
        let rows = self
            .client()
            .await?
            .query(
                "select account_id from vault.accounts where account_id = any($1)",
                &[&accounts],
            )
            .await
            .map_err(unavailable)?;
        let rows = rows.iter();
        Ok(rows
            .map(|row| AccountId::from_uuid(row.get("account_id")))
            .collect())
    }

    async fn destroy(&self, account: AccountId) -> Result<(), VaultError> {
        let row = self
            .client()
            .await?
            .query_one(
                "with gone as (
                     delete from vault.accounts where account_id = $1 returning account_id
                 )
                 update vault.master
                 set generation = generation + (select count(*) from gone)
                 returning generation",
                &[&account.uuid()],
            )
            .await
            .map_err(unavailable)?;
        self.memory.forget_all(row.get("generation"));
        Ok(())
    }
}
