//! What the write side needs from outside: a log, a vault, a clock, a store of folded states.

use crate::{Folded, PostMark};
use async_trait::async_trait;
use domain::account::ErasureReason;
use domain::{
    AccountId, CreatorId, EventId, Fingerprint, Platform, Position, PostKey, RecordedEvent, Sealed,
    StreamName, Timestamp,
};
use std::{borrow::Cow, collections::HashMap, collections::HashSet, sync::Arc};

/// An event ready to be appended: bytes that will be stored exactly so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewEvent {
    /// Its id.
    pub event_id: EventId,
    /// The name of its type: pinned for ours, whatever it is for what is copied.
    pub event_type: Cow<'static, str>,
    /// The envelope's metadata.
    pub metadata: Vec<u8>,
    /// The event's own data.
    pub data: Vec<u8>,
}

/// What a stream must look like for an append to be accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExpectedRevision {
    /// The stream has no event.
    NoStream,
    /// The stream's last event has this revision.
    Exact(u64),
}

/// An append: all of its events or none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Append {
    /// Where to.
    pub stream: StreamName,
    /// What the stream must look like.
    pub expected: ExpectedRevision,
    /// The events, at least one.
    pub events: Arc<[NewEvent]>,
}

/// An acknowledged append.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Appended {
    /// The revision of its last event.
    pub last_revision: u64,
    /// The position of its last event.
    pub position: Position,
    /// Whether the very same append had been made before and nothing was written now.
    pub idempotent: bool,
}

/// Why an append was not acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The stream is not as expected; nothing was written.
    #[error("{stream} is at {actual:?}, expected {expected:?}")]
    WrongExpectedRevision {
        /// The stream.
        stream: StreamName,
        /// What was expected.
        expected: ExpectedRevision,
        /// The revision of its last event, if it has one.
        actual: Option<u64>,
    },
    /// The append may or may not have been written. Retry it with the same bytes and revision.
    #[error("the outcome of the append is unknown: {0}")]
    OutcomeUnknown(String),
    /// The log cannot be reached; nothing was written.
    #[error("the event log is unavailable: {0}")]
    Unavailable(String),
    /// The append can never be accepted.
    #[error("the append is invalid: {0}")]
    Invalid(String),
}

/// Why a read failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The log cannot be reached.
    #[error("the event log is unavailable: {0}")]
    Unavailable(String),
    /// What it answered makes no sense.
    #[error("the event log answered nonsense: {0}")]
    Corrupt(String),
}

/// The event log's write side and its streams. One conformance suite tests every implementation.
///
/// Rules of idempotency, the same as EventStoreDB's: an append whose expected revision is the
/// stream's current one is always written; one with an older revision is acknowledged as
/// idempotent if the events that follow that revision have exactly its ids, and refused otherwise.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// Appends and returns when the events are durable.
    async fn append(&self, append: Append) -> Result<Appended, AppendError>;

    /// At most `limit` events of a stream from `from_revision` on, in order; none if there are none.
    async fn read_stream(
        &self,
        stream: &StreamName,
        from_revision: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError>;

    /// Which of these ids the stream holds.
    async fn recorded(
        &self,
        stream: &StreamName,
        ids: &[EventId],
    ) -> Result<HashSet<EventId>, ReadError>;

    /// Whether `idempotent` is right even if another process appends the same ids at the same
    /// moment. If not, an append that was acknowledged as new may have been that other one, with
    /// other bytes: who builds on the bytes must read them back first.
    fn tells_repetitions(&self) -> bool {
        true
    }
}

/// Why the vault could not help.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// Its storage cannot be reached.
    #[error("the vault is unavailable: {0}")]
    Unavailable(String),
    /// There is no key for this account.
    #[error("the vault holds no key for account {0}")]
    NoKey(AccountId),
    /// A sealed value or a wrapped key does not open.
    #[error("{0} does not open: the key is another one or the bytes were changed")]
    DoesNotOpen(String),
    /// The master key is missing or another one than the vault was made with.
    #[error("the master key is not usable: {0}")]
    MasterKey(String),
}

/// What a sealed value speaks of. It is bound to it: moved elsewhere, it does not open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subject {
    /// The account's profile.
    Profile,
    /// One of its posts.
    Post(PostKey),
}

/// An account's key at work. The key itself never leaves the implementation.
pub trait AccountKey: Send + Sync {
    /// Names a post by a keyed hash of the platform's id.
    fn post_key(&self, platform_post_id: &str) -> PostKey;

    /// A keyed fingerprint of a plain text.
    fn fingerprint(&self, subject: Subject, plain: &[u8]) -> Fingerprint;

    /// Seals a plain text for a subject; twice the same text gives two different sealings.
    fn seal(&self, subject: Subject, plain: &[u8]) -> Result<Sealed, VaultError>;

    /// Opens what was sealed for this subject.
    fn open(&self, subject: Subject, sealed: &[u8]) -> Result<Vec<u8>, VaultError>;
}

/// The registry of accounts and their keys.
#[async_trait]
pub trait Vault: Send + Sync {
    /// The account with this platform id, if it is known.
    async fn find(
        &self,
        creator: &CreatorId,
        platform: Platform,
        platform_account_id: &str,
    ) -> Result<Option<AccountId>, VaultError>;

    /// The account with this platform id; made, with a key of its own, if it is not known yet.
    async fn find_or_create(
        &self,
        creator: &CreatorId,
        platform: Platform,
        platform_account_id: &str,
    ) -> Result<AccountId, VaultError>;

    /// The key of an account.
    async fn key(&self, account: AccountId) -> Result<Arc<dyn AccountKey>, VaultError>;
}

/// Destroys keys, where [`Vault`] hands them out.
#[async_trait]
pub trait KeyShredder: Send + Sync {
    /// Names the key of an account by a hash of it, if there is a key.
    async fn fingerprint(&self, account: AccountId) -> Result<Option<Fingerprint>, VaultError>;

    /// Which of these accounts have a key.
    async fn held(&self, accounts: &[AccountId]) -> Result<HashSet<AccountId>, VaultError>;

    /// Destroys an account's key and its entry in the registry for good. What this process holds
    /// of it in memory is gone when this returns. Doing it again changes nothing.
    async fn destroy(&self, account: AccountId) -> Result<(), VaultError>;
}

/// Wipes what acts for a person at a platform.
#[async_trait]
pub trait CredentialWiper: Send + Sync {
    /// Wipes an account's tokens; the platform is told where nothing else uses the grant. Doing it
    /// again changes nothing.
    async fn wipe_credentials(&self, account: AccountId) -> Result<(), VaultError>;
}

/// An erasure as the record of erasures has it. It holds nothing of the person.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Erasure {
    /// Which account.
    pub account: AccountId,
    /// When it was asked for.
    pub at: Timestamp,
    /// On whose request.
    pub reason: ErasureReason,
    /// Names the destroyed key, unless there was none any more.
    pub key: Option<Fingerprint>,
}

/// Why the record of erasures could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the record of erasures: {0}")]
pub struct ErasureRecordError(pub String);

/// The record of erasures: outside every database, so that no backup brings a destroyed key back.
#[async_trait]
pub trait ErasureRecord: Send + Sync {
    /// Adds an erasure and returns when it will survive a crash. If the account is in the record
    /// already, nothing is added and what stands there is returned.
    async fn write(&self, erasure: Erasure) -> Result<Erasure, ErasureRecordError>;

    /// Every erasure in it, oldest first.
    async fn all(&self) -> Result<Vec<Erasure>, ErasureRecordError>;
}

/// The wall clock.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Why stored states could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the store of folded states is unavailable: {0}")]
pub struct StateStoreError(pub String);

/// A folded state to keep, with the marks of the posts that changed since it was last kept.
#[derive(Clone, Debug)]
pub struct StateToKeep {
    /// Whose.
    pub account: AccountId,
    /// The state and the revision it stands at.
    pub folded: Arc<Folded>,
    /// Marks as they are at that revision.
    pub marks: Vec<(PostKey, PostMark)>,
}

/// Disposable memory of folded states, so that a cold start reads only the tail of a stream.
///
/// Losing it costs time, never truth: every state in it can be folded again from the log.
#[async_trait]
pub trait StateStore: Send + Sync {
    /// The last kept state of an account.
    async fn load(&self, account: AccountId) -> Result<Option<Folded>, StateStoreError>;

    /// The kept marks of these posts.
    async fn load_marks(
        &self,
        account: AccountId,
        posts: &[PostKey],
    ) -> Result<HashMap<PostKey, PostMark>, StateStoreError>;

    /// Keeps states and marks, all in one transaction; an older state never replaces a newer one.
    /// With the state of an erased account all its marks go.
    async fn keep(&self, states: &[StateToKeep]) -> Result<(), StateStoreError>;
}
