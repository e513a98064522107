//! The vault's tables: wrapped keys, and the registry from a platform's id to an account.

use super::crypto::{AccountCipher, Box256, HmacKey, derive, mac};
use super::master_key::MasterKey;
use crate::postgres::connect::{Pool, describe_pool};
use crate::postgres::describe;
use async_trait::async_trait;
use commands::ports::{AccountKey, Clock, Vault, VaultError};
use domain::{AccountId, CreatorId, Platform};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// Keys kept unwrapped in memory; beyond that all are forgotten and unwrapped anew.
const KEYS_IN_MEMORY: usize = 16_384;
const REGISTRY: &[u8] = b"registry";

/// The vault in a migrated database.
pub struct PostgresVault {
    pool: Pool,
    clock: Arc<dyn Clock>,
    wrap: Box256,
    registry: HmacKey,
    keys: Mutex<HashMap<AccountId, Arc<AccountCipher>>>,
}

#[expect(clippy::needless_pass_by_value, reason = "a function for map_err")]
fn unavailable(error: tokio_postgres::Error) -> VaultError {
    VaultError::Unavailable(describe(&error))
}

fn random_key() -> Result<Zeroizing<[u8; 32]>, VaultError> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *key).map_err(|e| VaultError::Unavailable(e.to_string()))?;
    Ok(key)
}

fn as_key(bytes: &[u8]) -> Result<Zeroizing<[u8; 32]>, VaultError> {
    let key = bytes
        .try_into()
        .map_err(|_| VaultError::DoesNotOpen("a wrapped key".to_owned()))?;
    Ok(Zeroizing::new(key))
}

impl PostgresVault {
    /// Whether a vault was made in this database, with some master key.
    pub async fn is_made(pool: &Pool) -> Result<bool, VaultError> {
        let client = pool
            .get()
            .await
            .map_err(|e| VaultError::Unavailable(describe_pool(&e)))?;
        let row = client
            .query_one("select exists (select from vault.master) as made", &[])
            .await
            .map_err(unavailable)?;
        Ok(row.get("made"))
    }

    /// Opens the vault, or makes a new one, with this master key. A vault that was made with
    /// another one is refused.
    pub async fn open(
        pool: Pool,
        clock: Arc<dyn Clock>,
        master: &MasterKey,
    ) -> Result<Self, VaultError> {
        let wrap = Box256::new(&derive(master.bytes(), "social-ledger/master/wrap/1"));
        let fingerprint = master.fingerprint();
        let client = pool
            .get()
            .await
            .map_err(|e| VaultError::Unavailable(describe_pool(&e)))?;
        let made = wrap.seal(&*random_key()?, REGISTRY)?;
        client
            .execute(
                "insert into vault.master (fingerprint, registry_key)
                 values ($1, $2)
                 on conflict do nothing",
                &[&fingerprint.as_slice(), &made],
            )
            .await
            .map_err(unavailable)?;
        let row = client
            .query_one("select fingerprint, registry_key from vault.master", &[])
            .await
            .map_err(unavailable)?;
        if row.get::<_, &[u8]>("fingerprint") != fingerprint {
            return Err(VaultError::MasterKey(
                "this vault was made with another master key; give that one".to_owned(),
            ));
        }
        let registry = wrap.open(row.get("registry_key"), REGISTRY, "the registry's key")?;
        let registry = HmacKey::new(&*as_key(&registry)?);
        drop(client);
        Ok(Self {
            pool,
            clock,
            wrap,
            registry,
            keys: Mutex::default(),
        })
    }

    fn tag(&self, creator: &CreatorId, platform: Platform, id: &str) -> [u8; 32] {
        let creator = creator.as_str().as_bytes();
        mac(
            &self.registry,
            &[creator, platform.name().as_bytes(), id.as_bytes()],
        )
    }

    async fn client(&self) -> Result<deadpool_postgres::Object, VaultError> {
        self.pool
            .get()
            .await
            .map_err(|e| VaultError::Unavailable(describe_pool(&e)))
    }

    fn remember(&self, account: AccountId, cipher: Arc<AccountCipher>) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= KEYS_IN_MEMORY {
            keys.clear();
        }
        keys.insert(account, cipher);
    }

    /// A UUIDv7: ids made later sort later, and say nothing of whose they are.
    fn new_id(&self) -> Result<AccountId, VaultError> {
        let millis = u64::try_from(self.clock.now().micros() / 1_000).unwrap_or(0);
        let mut random = [0; 10];
        getrandom::fill(&mut random).map_err(|e| VaultError::Unavailable(e.to_string()))?;
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
        Ok(AccountId::from_uuid(id))
    }
}

#[async_trait]
impl Vault for PostgresVault {
    async fn find(
        &self,
        creator: &CreatorId,
        platform: Platform,
        platform_account_id: &str,
    ) -> Result<Option<AccountId>, VaultError> {
        let tag = self.tag(creator, platform, platform_account_id);
        let row = self
            .client()
            .await?
            .query_opt(
                "select account_id from vault.accounts where tag = $1",
                &[&tag.as_slice()],
            )
            .await
            .map_err(unavailable)?;
        Ok(row.map(|row| AccountId::from_uuid(row.get("account_id"))))
    }

    async fn find_or_create(
        &self,
        creator: &CreatorId,
        platform: Platform,
        platform_account_id: &str,
    ) -> Result<AccountId, VaultError> {
        if let Some(account) = self.find(creator, platform, platform_account_id).await? {
            return Ok(account);
        }
        let account = self.new_id()?;
        let key = random_key()?;
        let wrapped = self.wrap.seal(&*key, account.uuid().as_bytes())?;
        let tag = self.tag(creator, platform, platform_account_id);
        let made = self
            .client()
            .await?
            .execute(
                "insert into vault.accounts (account_id, tag, wrapped_key)
                 values ($1, $2, $3)
                 on conflict (tag) do nothing",
                &[&account.uuid(), &tag.as_slice(), &wrapped],
            )
            .await
            .map_err(unavailable)?;
        if made == 1 {
            self.remember(account, Arc::new(AccountCipher::new(account, &key)));
            return Ok(account);
        }
        // Another process was first: its key counts.
        let found = self.find(creator, platform, platform_account_id).await?;
        found.ok_or_else(|| VaultError::Unavailable("an account's entry vanished".to_owned()))
    }

    async fn key(&self, account: AccountId) -> Result<Arc<dyn AccountKey>, VaultError> {
        let held = self
            .keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&account)
            .cloned();
        if let Some(cipher) = held {
            return Ok(cipher);
        }
        let row = self
            .client()
            .await?
            .query_opt(
                "select wrapped_key from vault.accounts where account_id = $1",
                &[&account.uuid()],
            )
            .await
            .map_err(unavailable)?
            .ok_or(VaultError::NoKey(account))?;
        let bound_to = account.uuid().into_bytes();
        let key = self
            .wrap
            .open(row.get("wrapped_key"), &bound_to, "an account's key")?;
        let cipher = Arc::new(AccountCipher::new(account, &*as_key(&key)?));
        self.remember(account, Arc::clone(&cipher));
        Ok(cipher)
    }
}
