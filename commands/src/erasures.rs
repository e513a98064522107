//! Erasing an account: its key is destroyed, and everything that was sealed under it stays closed.
//!
//! The steps, in an order that lets the next start or the next call finish what a kill cut short:
//!
//! 1. a line in the record of erasures, on disk before anything else changes;
//! 2. `AccountErased` in the log, after which every command on the account is refused;
//! 3. the kept state without its marks;
//! 4. the tokens that act for the person, of which the platform is told;
//! 5. the key and the entry in the registry.
//!
//! So an account of the record whose erasure is in the log, whose kept state says so and whose key
//! is gone is done. Any other is begun again at step 2: also one that a restored backup has brought
//! back. A start destroys keys of the record first, since the log may come later than the program.

use crate::ports::{
    CredentialWiper, Erasure, ErasureRecord, ErasureRecordError, EventLog, KeyShredder, ReadError,
    VaultError,
};
use crate::{CommandError, Context, Intent, Ledger};
use domain::account::{Account, EraseAccount, ErasureReason, Rejected, erasure_id};
use domain::codec::{DecodeError, decode_recorded};
use domain::{AccountId, EventId, Position, StreamName, Timestamp};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use std::collections::HashSet;
use std::sync::Arc;

/// Accounts of the record that are looked up in the log at once.
const LOOKUPS: usize = 16;

/// Why an account was not erased, or not wholly. Asking again goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// There is nothing to erase.
    #[error("there is no account {0}")]
    UnknownAccount(AccountId),
    /// The record of erasures failed.
    #[error(transparent)]
    Record(#[from] ErasureRecordError),
    /// The write side failed.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The event of the erasure makes no sense.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// An account that is erased, as the log has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Erased {
    /// What was asked for.
    pub erasure: Erasure,
    /// Who asked.
    pub actor: String,
    /// When the log took it in.
    pub recorded_at: Timestamp,
    /// The event that says so.
    pub event_id: EventId,
    /// Its place in the account's stream.
    pub revision: u64,
    /// Its place in the log.
    pub position: Position,
    /// Whether the vault holds no key of the account any more.
    pub key_destroyed: bool,
}

/// Erases accounts.
pub struct Erasures {
    ledger: Arc<Ledger>,
    log: Arc<dyn EventLog>,
    keys: Arc<dyn KeyShredder>,
    credentials: Arc<dyn CredentialWiper>,
    record: Arc<dyn ErasureRecord>,
}

impl Erasures {
    /// Puts it together.
    pub fn new(
        ledger: Arc<Ledger>,
        log: Arc<dyn EventLog>,
        keys: Arc<dyn KeyShredder>,
        credentials: Arc<dyn CredentialWiper>,
        record: Arc<dyn ErasureRecord>,
    ) -> Self {
        Self {
            ledger,
            log,
            keys,
            credentials,
            record,
        }
    }

    /// Erases an account. One that is erased already stays as it is; what an earlier attempt left
    /// undone is done now. The first call that gets as far as the record says when and why.
    pub async fn erase(
        &self,
        account: AccountId,
        reason: ErasureReason,
        at: Timestamp,
        context: &Context,
    ) -> Result<Erased, EraseError> {
        let erasure = match self.ledger.load(account).await?.account {
            Account::Absent => return Err(EraseError::UnknownAccount(account)),
            // The record may have been lost, or begun anew: the log tells what to write.
            Account::Erased { at, reason, key } => Erasure {
                account,
                at,
                reason,
                key,
            },
            _ => Erasure {
                account,
                at,
                reason,
                key: self.keys.fingerprint(account).await?,
            },
        };
        let erasure = self.record.write(erasure).await?;
        self.carry_out(&erasure, context).await?;
        let erased = self.find(account).await?;
        erased.ok_or(EraseError::UnknownAccount(account))
    }

    /// The erasure of an account, if it is erased.
    pub async fn find(&self, account: AccountId) -> Result<Option<Erased>, EraseError> {
        let folded = self.ledger.load(account).await?;
        let (Account::Erased { at, reason, key }, Some(revision)) =
            (&folded.account, folded.revision)
        else {
            return Ok(None);
        };
        let erasure = Erasure {
            account,
            at: *at,
            reason: *reason,
            key: *key,
        };
        let stream = StreamName::of_account(account);
        let last = self.log.read_stream(&stream, revision, 1).await?;
        let Some(last) = last.first() else {
            return Ok(None);
        };
        let metadata = decode_recorded(last)?.metadata;
        let held = self.keys.held(&[account]).await?;
        Ok(Some(Erased {
            erasure,
            actor: metadata.actor,
            recorded_at: metadata.recorded_at,
            event_id: last.event_id,
            revision,
            position: last.position,
            key_destroyed: held.is_empty(),
        }))
    }

    /// Every erasure in the record.
    pub async fn all(&self) -> Result<Vec<Erasure>, EraseError> {
        Ok(self.record.all().await?)
    }

    /// Destroys every key that is held of an account of the record, without asking the log. Tells
    /// of which accounts. For every start, before anything is served.
    pub async fn destroy_keys(&self) -> Result<HashSet<AccountId>, EraseError> {
        self.destroy_keys_of(&self.record.all().await?).await
    }

    async fn destroy_keys_of(&self, all: &[Erasure]) -> Result<HashSet<AccountId>, EraseError> {
        let accounts: Vec<_> = all.iter().map(|erasure| erasure.account).collect();
        let held = self.keys.held(&accounts).await?;
        for account in &held {
            // A restored backup may have brought both back.
            self.credentials.wipe_credentials(*account).await?;
            self.keys.destroy(*account).await?;
        }
        Ok(held)
    }

    /// Finishes what a kill cut short, and does again what a restored backup has undone. Tells
    /// which accounts that concerned. For every start, before anything is served.
    pub async fn resume(&self, context: &Context) -> Result<Vec<AccountId>, EraseError> {
        let all = self.record.all().await?;
        let held = self.destroy_keys_of(&all).await?;
        let looked_up = stream::iter(all).map(|erasure| async move {
            let stream = StreamName::of_account(erasure.account);
            let id = erasure_id(erasure.account);
            let logged = self.log.recorded(&stream, &[id]).await?.contains(&id);
            // Kept before the key goes, unless a start without the log destroyed that.
            let is_settled = logged && self.ledger.keeps_erased(erasure.account).await?;
            Ok::<_, EraseError>((erasure, is_settled))
        });
        let looked_up: Vec<_> = looked_up.buffered(LOOKUPS).try_collect().await?;
        let mut resumed = vec![];
        for (erasure, is_settled) in looked_up {
            let had_key = held.contains(&erasure.account);
            if (!is_settled || had_key) && self.carry_out(&erasure, context).await? | had_key {
                resumed.push(erasure.account);
            }
        }
        Ok(resumed)
    }

    /// Steps 2 to 5. Tells whether the log lacked the erasure.
    async fn carry_out(&self, erasure: &Erasure, context: &Context) -> Result<bool, EraseError> {
        let Erasure {
            account,
            at,
            reason,
            key,
        } = *erasure;
        let intent = Intent::Erase(EraseAccount { at, reason, key });
        let appended = match self.ledger.execute(account, intent, context).await {
            Ok(outcome) => {
                self.ledger.keep(account).await?;
                outcome.events > 0
            }
            // A log that never heard of it, such as another database's beside the same record,
            // or one from before the account: there is nothing to say, and a key goes all the same.
            Err(CommandError::Rejected(Rejected::UnknownAccount)) => false,
            Err(error) => return Err(error.into()),
        };
        self.credentials.wipe_credentials(account).await?;
        self.keys.destroy(account).await?;
        Ok(appended)
    }
}
