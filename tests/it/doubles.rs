//! Stand-ins that tests put between the write side and its ports.

use adapters::clock::SystemClock;
use adapters::postgres::states::PostgresStates;
use async_trait::async_trait;
use commands::ports::{
    Append, AppendError, Appended, Clock, EventLog, ReadError, StateStore, StateStoreError,
    StateToKeep, Vault,
};
use commands::{Folded, Ledger, PostMark};
use domain::{AccountId, EventId, PostKey, RecordedEvent, StreamName, Timestamp};
use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tests::{TestDatabase, TestLedger};

/// The write side of another process: the same log and vault, nothing in memory yet.
pub(crate) fn cold_ledger(ledger: &TestLedger) -> Ledger {
    ledger_over(ledger, Arc::clone(&ledger.log) as Arc<dyn EventLog>)
}

/// A write side with this log in the place of the test's own.
pub(crate) fn ledger_over(ledger: &TestLedger, log: Arc<dyn EventLog>) -> Ledger {
    ledger_with(ledger, log, Arc::new(SystemClock), states(ledger))
}

/// A write side with everything but the vault replaced.
pub(crate) fn ledger_with(
    ledger: &TestLedger,
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
    states: Arc<dyn StateStore>,
) -> Ledger {
    let vault = Arc::clone(&ledger.vault) as Arc<dyn Vault>;
    Ledger::new(log, vault, clock, states)
}

/// The store of folded states that a test's ledger uses.
pub(crate) fn states(ledger: &TestLedger) -> Arc<dyn StateStore> {
    Arc::new(PostgresStates::new(ledger.pool.clone()))
}

/// The same database once more, as another process would name it.
pub(crate) fn same_database(database: &TestDatabase) -> TestDatabase {
    TestDatabase {
        endpoint: database.endpoint.clone(),
        url: database.url.clone(),
    }
}

/// A log that counts what is read of it, and fails to be read when it is told to.
pub(crate) struct WatchedLog {
    log: Arc<dyn EventLog>,
    events_read: AtomicU64,
    lookups: AtomicU64,
    fails_next_read: AtomicBool,
}

impl WatchedLog {
    pub(crate) fn new(log: Arc<dyn EventLog>) -> Self {
        Self {
            log,
            events_read: AtomicU64::new(0),
            lookups: AtomicU64::new(0),
            fails_next_read: AtomicBool::new(false),
        }
    }

    /// How many events were read of streams since this was last asked.
    pub(crate) fn take_events_read(&self) -> u64 {
        self.events_read.swap(0, Ordering::SeqCst)
    }

    /// How often ids were looked up since this was last asked.
    pub(crate) fn take_lookups(&self) -> u64 {
        self.lookups.swap(0, Ordering::SeqCst)
    }

    /// Lets the next read of a stream fail.
    pub(crate) fn fail_next_read(&self) {
        self.fails_next_read.store(true, Ordering::SeqCst);
    }
}

#[async_trait]
impl EventLog for WatchedLog {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.log.append(append).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        from_revision: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        if self.fails_next_read.swap(false, Ordering::SeqCst) {
            return Err(ReadError::Unavailable("for a test".to_owned()));
        }
        let events = self.log.read_stream(stream, from_revision, limit).await?;
        self.events_read
            .fetch_add(events.len() as u64, Ordering::SeqCst);
        Ok(events)
    }

    async fn recorded(
        &self,
        stream: &StreamName,
        ids: &[EventId],
    ) -> Result<HashSet<EventId>, ReadError> {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        self.log.recorded(stream, ids).await
    }
}

/// What happens between an append and the loss of its answer.
pub(crate) type Meanwhile = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A log that carries out its first append and then says that it does not know.
pub(crate) struct LostAnswer {
    log: Arc<dyn EventLog>,
    meanwhile: Mutex<Option<Meanwhile>>,
    appends: Mutex<Vec<Append>>,
}

impl LostAnswer {
    pub(crate) fn new(log: Arc<dyn EventLog>, meanwhile: Meanwhile) -> Self {
        Self {
            log,
            meanwhile: Mutex::new(Some(meanwhile)),
            appends: Mutex::default(),
        }
    }

    /// Every append that was asked for, in order.
    pub(crate) fn appends(&self) -> Vec<Append> {
        let appends = self.appends.lock().unwrap_or_else(PoisonError::into_inner);
        appends.clone()
    }

    fn note(&self, append: &Append) {
        let mut appends = self.appends.lock().unwrap_or_else(PoisonError::into_inner);
        appends.push(append.clone());
    }

    fn take_meanwhile(&self) -> Option<Meanwhile> {
        let mut meanwhile = self
            .meanwhile
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        meanwhile.take()
    }
}

#[async_trait]
impl EventLog for LostAnswer {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.note(&append);
        let appended = self.log.append(append).await?;
        match self.take_meanwhile() {
            None => Ok(appended),
            Some(meanwhile) => {
                meanwhile.await;
                Err(AppendError::OutcomeUnknown("for a test".to_owned()))
            }
        }
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        from_revision: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        self.log.read_stream(stream, from_revision, limit).await
    }

    async fn recorded(
        &self,
        stream: &StreamName,
        ids: &[EventId],
    ) -> Result<HashSet<EventId>, ReadError> {
        self.log.recorded(stream, ids).await
    }
}

/// A clock that stands where a test puts it.
pub(crate) struct SetClock(AtomicI64);

impl SetClock {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.micros()))
    }

    pub(crate) fn set(&self, now: Timestamp) {
        self.0.store(now.micros(), Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        let micros = self.0.load(Ordering::SeqCst);
        Timestamp::from_micros(micros).expect("a moment that was one before")
    }
}

/// A store of states that can be read and not written.
pub(crate) struct KeepsNothing {
    states: Arc<dyn StateStore>,
    refused: AtomicU64,
}

impl KeepsNothing {
    pub(crate) fn new(states: Arc<dyn StateStore>) -> Self {
        Self {
            states,
            refused: AtomicU64::new(0),
        }
    }

    /// How often it was asked to keep something.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl StateStore for KeepsNothing {
    async fn load(&self, account: AccountId) -> Result<Option<Folded>, StateStoreError> {
        self.states.load(account).await
    }

    async fn load_marks(
        &self,
        account: AccountId,
        posts: &[PostKey],
    ) -> Result<HashMap<PostKey, PostMark>, StateStoreError> {
        self.states.load_marks(account, posts).await
    }

    async fn keep(&self, _: &[StateToKeep]) -> Result<(), StateStoreError> {
        self.refused.fetch_add(1, Ordering::SeqCst);
        Err(StateStoreError("for a test".to_owned()))
    }
}
