//! The vault's tables: wrapped keys, and the registry from a platform's id to an account.

use super::crypto::{AccountCipher, HmacKey, mac};
use super::master_key::MasterKey;
use super::memory::KeysInMemory;
use super::wrapping::{MasterKeys, Wrap, Wrapping};
use crate::postgres::connect::{Pool, describe_pool};
use crate::postgres::describe;
use async_trait::async_trait;
use commands::ports::{AccountKey, Clock, Vault, VaultError};
use domain::{AccountId, CreatorId, Platform};
use std::sync::Arc;
use zeroize::Zeroizing;

pub(super) const REGISTRY: &[u8] = b"registry";
/// How often an account is made, where others get in between: the same one, or a new master key.
const CREATE_ATTEMPTS: u32 = 3;
pub(super) const ROOT: &[u8] = b"root";

/// The vault in a migrated database.
pub struct PostgresVault {
    pub(super) pool: Pool,
    clock: Arc<dyn Clock>,
    pub(super) wrapping: Wrapping,
    root: MasterKey,
    registry: HmacKey,
    pub(super) memory: KeysInMemory,
}

#[expect(clippy::needless_pass_by_value, reason = "a function for map_err")]
pub(super) fn unavailable(error: tokio_postgres::Error) -> VaultError {
    VaultError::Unavailable(describe(&error))
}

pub(super) fn random_key() -> Result<Zeroizing<[u8; 32]>, VaultError> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *key).map_err(|e| VaultError::Unavailable(e.to_string()))?;
    Ok(key)
}

pub(super) fn as_key(bytes: &[u8]) -> Result<Zeroizing<[u8; 32]>, VaultError> {
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
        let keys = MasterKeys::Given {
            current: master.clone(),
            next: None,
        };
        Self::open_with(pool, clock, keys).await
    }

    /// The same with whichever of these keys it was made with, or was given since.
    pub async fn open_with(
        pool: Pool,
        clock: Arc<dyn Clock>,
        keys: MasterKeys,
    ) -> Result<Self, VaultError> {
        let candidates = keys.candidates()?;
        let first = candidates
            .first()
            .ok_or_else(|| VaultError::MasterKey("there is none".to_owned()))?;
        let wrap = Wrap::of(first);
        let client = pool
            .get()
            .await
            .map_err(|e| VaultError::Unavailable(describe_pool(&e)))?;
        let made = wrap.cipher.seal(&*random_key()?, REGISTRY)?;
        client
            .execute(
                "insert into vault.master (fingerprint, registry_key)
                 values ($1, $2)
                 on conflict do nothing",
                &[&wrap.fingerprint.as_slice(), &made],
            )
            .await
            .map_err(unavailable)?;
        let row = client
            .query_one(
                "select fingerprint, registry_key, root from vault.master",
                &[],
            )
            .await
            .map_err(unavailable)?;
        let fingerprint: &[u8] = row.get("fingerprint");
        let known = candidates
            .iter()
            .find(|key| key.fingerprint() == fingerprint);
        let master = known.ok_or_else(|| {
            let other = "this vault was made with another master key; give that one";
            VaultError::MasterKey(other.to_owned())
        })?;
        let wrap = Wrap::of(master);
        let registry = row.get("registry_key");
        let registry = wrap.cipher.open(registry, REGISTRY, "the registry's key")?;
        let registry = HmacKey::new(&*as_key(&registry)?);
        let root = match row.get::<_, Option<&[u8]>>("root") {
            None => master.clone(),
            Some(root) => {
                let root = wrap.cipher.open(root, ROOT, "the first master key")?;
                MasterKey::of_bytes(*as_key(&root)?)
            }
        };
        drop(client);
        Ok(Self {
            pool,
            clock,
            wrapping: Wrapping::new(keys, wrap),
            root,
            registry,
            memory: KeysInMemory::default(),
        })
    }

    /// The first master key of this vault: signatures and the record of erasures hang on it.
    pub fn root(&self) -> &MasterKey {
        &self.root
    }

    /// A keyed hash over a name of the platform's. It has one field more than the tags of accounts,
    /// so none of them can be one of these.
    pub(super) fn credential_tag(&self, fields: &[&[u8]; 3]) -> [u8; 32] {
        let [kind, platform, name] = fields;
        mac(&self.registry, &[b"credentials", kind, platform, name])
    }

    fn tag(&self, creator: &CreatorId, platform: Platform, id: &str) -> [u8; 32] {
        let creator = creator.as_str().as_bytes();
        mac(
            &self.registry,
            &[creator, platform.name().as_bytes(), id.as_bytes()],
        )
    }

    pub(super) async fn client(&self) -> Result<deadpool_postgres::Object, VaultError> {
        self.pool
            .get()
            .await
            .map_err(|e| VaultError::Unavailable(describe_pool(&e)))
    }

    /// How many keys were ever destroyed, as the database has it now.
    async fn generation(&self) -> Result<i64, VaultError> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached("select generation from vault.master")
            .await
            .map_err(unavailable)?;
        let row = client
            .query_one(&statement, &[])
            .await
            .map_err(unavailable)?;
        Ok(row.get("generation"))
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
        let tag = self.tag(creator, platform, platform_account_id);
        for _ in 0..CREATE_ATTEMPTS {
            let account = self.new_id()?;
            let key = random_key()?;
            let wrap = self.wrapping.current();
            let wrapped = wrap.cipher.seal(&*key, account.uuid().as_bytes())?;
            // Locked against a new master key, under which this one would not open.
            let made = self
                .client()
                .await?
                .query_opt(
                    "insert into vault.accounts (account_id, tag, wrapped_key)
                     select $1, $2, $3
                     from vault.master
                     where fingerprint = $4
                     for key share
                     on conflict (tag) do nothing
                     returning (select generation from vault.master) as generation",
                    &[
                        &account.uuid(),
                        &tag.as_slice(),
                        &wrapped,
                        &wrap.fingerprint.as_slice(),
                    ],
                )
                .await
                .map_err(unavailable)?;
            if let Some(row) = made {
                let cipher = Arc::new(AccountCipher::new(account, &key));
                self.memory.remember(account, cipher, row.get("generation"));
                return Ok(account);
            }
            // Another process was first: its key counts.
            if let Some(found) = self.find(creator, platform, platform_account_id).await? {
                return Ok(found);
            }
            self.reload().await?;
        }
        Err(VaultError::Unavailable(
            "an account's entry vanished".to_owned(),
        ))
    }

    async fn key(&self, account: AccountId) -> Result<Arc<dyn AccountKey>, VaultError> {
        self.memory.check(|| self.generation()).await?;
        if let Some(cipher) = self.memory.get(account) {
            return Ok(cipher);
        }
        // One statement: the key is remembered under the generation that it was found in.
        let row = self
            .client()
            .await?
            .query_opt(
                "select wrapped_key, generation
                 from vault.accounts cross join vault.master
                 where account_id = $1",
                &[&account.uuid()],
            )
            .await
            .map_err(unavailable)?
            .ok_or(VaultError::NoKey(account))?;
        let bound_to = account.uuid().into_bytes();
        let key = self
            .unwrap_key(row.get("wrapped_key"), &bound_to, "an account's key")
            .await?;
        let cipher = Arc::new(AccountCipher::new(account, &*as_key(&key)?));
        let generation = row.get("generation");
        self.memory
            .remember(account, Arc::clone(&cipher), generation);
        Ok(cipher)
    }
}
