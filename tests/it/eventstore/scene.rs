//! What these tests share: a log with short deadlines, appends that are tried until they hold, and
//! a write and a read side over both.

use crate::doubles::SetClock;
use adapters::eventstore::EventStoreLog;
use adapters::postgres::{Pool, states::PostgresStates};
use adapters::vault::{MasterKey, PostgresVault};
use anyhow::{Context, bail};
use commands::Ledger;
use commands::ports::{
    Append, AppendError, Appended, Clock, EventLog, ExpectedRevision, NewEvent, Vault,
};
use domain::{EventId, Position, RecordedEvent, StreamName};
use projections::feed::{EventFeed, Follower};
use std::sync::Arc;
use std::time::Duration;
use tests::TestDatabase;
use tests::ledger::{MASTER_KEY, at};
use tokio::time::timeout;
use uuid::Uuid;

/// Long enough for everything that will ever come.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// Quick enough for tests: what the server is given, and what the client waits between attempts.
const QUICK: &str = "&defaultDeadline=700&discoveryInterval=20&gossipTimeout=400";

/// A log that gives up on a call early.
pub(super) fn open(url: &str) -> anyhow::Result<Arc<EventStoreLog>> {
    Ok(Arc::new(EventStoreLog::new(quick(url).parse()?)))
}

/// The connection string with short deadlines.
pub(super) fn quick(url: &str) -> String {
    format!("{url}{QUICK}")
}

/// The stream of an account that nobody knows.
pub(super) fn new_stream() -> StreamName {
    StreamName::new(format!("{}{}", StreamName::ACCOUNT_PREFIX, Uuid::now_v7()))
}

/// So many small events.
pub(super) fn events(count: usize) -> Arc<[NewEvent]> {
    sized_events(count, 2)
}

/// So many events with so many bytes of data each.
pub(super) fn sized_events(count: usize, bytes: usize) -> Arc<[NewEvent]> {
    let event = || NewEvent {
        event_id: EventId::from_uuid(Uuid::now_v7()),
        event_type: "Tested".into(),
        metadata: b"{}".to_vec(),
        data: vec![b' '; bytes],
    };
    std::iter::repeat_with(event).take(count).collect()
}

/// An append of so many small events.
pub(super) fn append(stream: &StreamName, after: Option<u64>, count: usize) -> Append {
    Append {
        stream: stream.clone(),
        expected: after.map_or(ExpectedRevision::NoStream, ExpectedRevision::Exact),
        events: events(count),
    }
}

/// The very same append until it is acknowledged, and how often its outcome was unknown.
pub(super) async fn until_acknowledged(
    log: &dyn EventLog,
    append: &Append,
) -> anyhow::Result<(Appended, usize)> {
    let mut unknown = 0;
    let trying = async {
        loop {
            match log.append(append.clone()).await {
                Ok(appended) => return anyhow::Ok((appended, unknown)),
                Err(AppendError::OutcomeUnknown(_)) => unknown += 1,
                Err(AppendError::Unavailable(_)) => {}
                Err(error) => bail!(error),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, trying)
        .await
        .context("never acknowledged")?
}

/// The ids of a whole stream.
pub(super) async fn ids_of(
    log: &dyn EventLog,
    stream: &StreamName,
) -> anyhow::Result<Vec<EventId>> {
    let events = log.read_stream(stream, 0, 1_000_000).await?;
    Ok(events.iter().map(|event| event.event_id).collect())
}

/// The ids that an append brings.
pub(super) fn ids(append: &Append) -> Vec<EventId> {
    append.events.iter().map(|event| event.event_id).collect()
}

/// The next events of a follower, until there are so many.
pub(super) async fn next(
    follower: &mut Box<dyn Follower>,
    count: usize,
) -> anyhow::Result<Vec<RecordedEvent>> {
    let mut found = vec![];
    while found.len() < count {
        let followed = timeout(PATIENCE, follower.next_batch(count - found.len()))
            .await
            .with_context(|| format!("{} of {count} came", found.len()))??;
        found.extend(followed.events);
    }
    Ok(found)
}

/// Follows until everything up to a position was seen, and gives what came.
pub(super) async fn until_reached(
    follower: &mut Box<dyn Follower>,
    position: Position,
) -> anyhow::Result<Vec<RecordedEvent>> {
    let mut found = vec![];
    loop {
        let followed = timeout(PATIENCE, follower.next_batch(1_000))
            .await
            .with_context(|| format!("{position} was not reached"))??;
        found.extend(followed.events);
        if followed.reached >= position {
            return Ok(found);
        }
    }
}

/// A write and a read side over a database and an event store.
pub(super) struct Scene {
    pub(super) database: TestDatabase,
    pub(super) vault: Arc<PostgresVault>,
    pool: Pool,
}

impl Scene {
    pub(super) async fn new() -> anyhow::Result<Self> {
        let database = TestDatabase::create().await?;
        let pool = database.pool(8)?;
        let master = MasterKey::parse(MASTER_KEY, "a test")?;
        let clock = Arc::new(SetClock::new(at("2026-03-01T00:00:00Z")));
        let vault = Arc::new(PostgresVault::open(pool.clone(), clock, &master).await?);
        Ok(Self {
            database,
            vault,
            pool,
        })
    }

    /// A write side with nothing in memory, as a process of its own has it.
    pub(super) fn ledger(&self, log: Arc<dyn EventLog>, now: &str) -> Ledger {
        let clock: Arc<dyn Clock> = Arc::new(SetClock::new(at(now)));
        let vault = Arc::clone(&self.vault) as Arc<dyn Vault>;
        let states = Arc::new(PostgresStates::new(self.pool.clone()));
        Ledger::new(log, vault, clock, states)
    }

    /// The read side.
    pub(super) fn engine(&self, feed: Arc<dyn EventFeed>) -> projections::Engine {
        projections::Engine::new(
            feed,
            Arc::new(self.database.endpoint.clone()),
            projections::registry(),
        )
    }
}
