//! What the suite is run against, and the few words that its cases are written in.

use adapters::eventstore::EventStoreLog;
use adapters::postgres::PostgresLog;
use anyhow::{Context, bail};
use commands::ports::{Append, AppendError, Appended, EventLog, ExpectedRevision, NewEvent};
use domain::{EventId, Position, RecordedEvent, StreamName};
use projections::feed::EventFeed;
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use tests::standin::StandIn;
use tests::{TestDatabase, memory_log::MemoryLog};
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

type Handles = (Arc<dyn EventLog>, Arc<dyn EventFeed>);
type Opening = Pin<Box<dyn Future<Output = anyhow::Result<Handles>> + Send>>;
type Reopen = Box<dyn Fn() -> Opening + Send + Sync>;

/// Events asked for at once when everything is read.
const PAGE: usize = 500;
/// More pages than any case fills.
const MOST_PAGES: usize = 1_000;

/// A log under test, and this test's own place in it.
pub(super) struct Subject {
    /// What failures call it.
    pub(super) name: &'static str,
    /// Its write side.
    pub(super) log: Arc<dyn EventLog>,
    /// Its read side.
    pub(super) feed: Arc<dyn EventFeed>,
    /// Whether positions are 1, 2, 3... and the log is this test's alone.
    pub(super) gapless: bool,
    /// Where the log ended before this test.
    pub(super) origin: Option<Position>,
    prefix: String,
    reopen: Option<Reopen>,
    /// Who uses a log that others use too waits for its turn.
    turn: Option<MutexGuard<'static, ()>>,
}

/// A log that is gone with its handle.
pub(super) async fn memory() -> anyhow::Result<Option<Subject>> {
    let log = Arc::new(MemoryLog::default());
    Subject::over("memory", log, true, None).await.map(Some)
}

/// The log in Postgres.
pub(super) async fn postgres() -> anyhow::Result<Option<Subject>> {
    let database = Arc::new(TestDatabase::create().await?);
    let log = open_postgres(&database).await?;
    let reopen = move || -> Opening {
        let database = Arc::clone(&database);
        Box::pin(async move {
            let log = open_postgres(&database).await?;
            let feed = Arc::clone(&log) as Arc<dyn EventFeed>;
            anyhow::Ok((log as Arc<dyn EventLog>, feed))
        })
    };
    let subject = Subject::over("postgres", log, true, Some(Box::new(reopen))).await?;
    Ok(Some(subject))
}

/// The log in EventStoreDB, with a stand-in for the server.
pub(super) async fn eventstore() -> anyhow::Result<Option<Subject>> {
    let server = Arc::new(StandIn::start().await?);
    let url = server.url();
    let log = Arc::new(EventStoreLog::new(url.parse()?));
    let reopen = move || -> Opening {
        // The server lives as long as this does.
        let url = Arc::clone(&server).url();
        Box::pin(async move { open_eventstore(&url) })
    };
    let subject = Subject::over("eventstore", log, false, Some(Box::new(reopen))).await?;
    Ok(Some(subject))
}

/// The log in the server that TEST_EVENTSTORE_URL names; nothing, if it names none. It is not
/// this test's alone: cases take turns, each with streams of its own.
pub(super) async fn eventstore_server() -> anyhow::Result<Option<Subject>> {
    static TURN: Mutex<()> = Mutex::const_new(());
    let Some(url) = server_url() else {
        eprintln!("skipped: TEST_EVENTSTORE_URL names no server");
        return Ok(None);
    };
    let turn = TURN.lock().await;
    let log = Arc::new(EventStoreLog::new(url.parse()?));
    let reopen = move || -> Opening {
        let url = url.clone();
        Box::pin(async move { open_eventstore(&url) })
    };
    let subject = Subject::over("a server", log, false, Some(Box::new(reopen))).await?;
    eprintln!("ran against the server of TEST_EVENTSTORE_URL");
    Ok(Some(Subject {
        turn: Some(turn),
        ..subject
    }))
}

#[expect(
    clippy::disallowed_methods,
    reason = "which server, only who tests can say"
)]
fn server_url() -> Option<String> {
    let url = std::env::var("TEST_EVENTSTORE_URL").ok();
    url.filter(|url| !url.is_empty())
}

fn open_eventstore(url: &str) -> anyhow::Result<Handles> {
    let log = Arc::new(EventStoreLog::new(url.parse()?));
    Ok((Arc::clone(&log) as Arc<dyn EventLog>, log))
}

async fn open_postgres(database: &TestDatabase) -> anyhow::Result<Arc<PostgresLog>> {
    let pool = database.pool(8)?;
    let log = PostgresLog::open(database.endpoint.clone(), pool).await?;
    Ok(Arc::new(log))
}

impl Subject {
    async fn over<L>(
        name: &'static str,
        log: Arc<L>,
        gapless: bool,
        reopen: Option<Reopen>,
    ) -> anyhow::Result<Self>
    where
        L: EventLog + EventFeed + 'static,
    {
        let origin = log.head().await?;
        // The prefix of accounts' streams: a log may offer its readers nothing else.
        let prefix = format!("{}{}", StreamName::ACCOUNT_PREFIX, Uuid::now_v7().simple());
        Ok(Self {
            name,
            log: Arc::clone(&log) as Arc<dyn EventLog>,
            feed: log,
            gapless,
            origin,
            prefix,
            reopen,
            turn: None,
        })
    }

    /// Lets go of the log and opens it anew, as a restarted program does.
    pub(super) async fn reopened(self) -> anyhow::Result<Self> {
        let Self {
            name,
            log,
            feed,
            gapless,
            origin,
            prefix,
            reopen,
            turn,
        } = self;
        drop((log, feed));
        let reopen = reopen.context("this log does not outlive its handle")?;
        let (log, feed) = reopen().await?;
        Ok(Self {
            name,
            log,
            feed,
            gapless,
            origin,
            prefix,
            reopen: Some(reopen),
            turn,
        })
    }

    /// The name of a stream that no other test uses.
    pub(super) fn stream(&self, name: &str) -> StreamName {
        StreamName::new(format!("{}-{name}", self.prefix))
    }

    /// Whether an event is in one of this test's streams.
    pub(super) fn owns(&self, event: &RecordedEvent) -> bool {
        event.stream.as_str().starts_with(&self.prefix)
    }

    /// Appends small events with these ids.
    pub(super) async fn append(
        &self,
        stream: &StreamName,
        expected: ExpectedRevision,
        ids: &[EventId],
    ) -> Result<Appended, AppendError> {
        let append = Append {
            stream: stream.clone(),
            expected,
            events: events(ids),
        };
        self.log.append(append).await
    }

    /// A whole stream.
    pub(super) async fn whole(&self, stream: &StreamName) -> anyhow::Result<Vec<RecordedEvent>> {
        Ok(self.log.read_stream(stream, 0, 100_000).await?)
    }

    /// The ids of a whole stream.
    pub(super) async fn ids_of(&self, stream: &StreamName) -> anyhow::Result<Vec<EventId>> {
        let events = self.whole(stream).await?;
        Ok(events.iter().map(|event| event.event_id).collect())
    }

    /// Every event of this test, in the log's order.
    pub(super) async fn everything(&self) -> anyhow::Result<Vec<RecordedEvent>> {
        self.everything_by(PAGE).await
    }

    /// Every event of this test, read in pages of so many.
    pub(super) async fn everything_by(&self, page: usize) -> anyhow::Result<Vec<RecordedEvent>> {
        let mut all = vec![];
        let mut after = self.origin;
        for _ in 0..MOST_PAGES {
            let events = self.feed.read_all(after, page).await?;
            assert!(events.len() <= page, "{}: a page too long", self.name);
            let Some(last) = events.last() else {
                return Ok(all);
            };
            after = Some(last.position);
            all.extend(events.into_iter().filter(|event| self.owns(event)));
        }
        bail!("{}: reading all never ends", self.name)
    }

    /// Positions rise, by one where the log is gapless, and revisions are dense in each stream.
    #[track_caller]
    pub(super) fn assert_in_order(&self, events: &[RecordedEvent]) {
        for pair in events.windows(2) {
            let (before, after) = (pair[0].position, pair[1].position);
            assert!(before < after, "{}: {before} then {after}", self.name);
            if self.gapless {
                assert_eq!(before.commit + 1, after.commit, "{}: a gap", self.name);
            }
        }
        let mut next: HashMap<&StreamName, u64> = HashMap::new();
        for event in events {
            let expected = next.entry(&event.stream).or_default();
            assert_eq!(event.revision, *expected, "{} is not dense", event.stream);
            *expected += 1;
        }
    }
}

/// So many new ids.
pub(super) fn new_ids(count: usize) -> Vec<EventId> {
    let new = || EventId::from_uuid(Uuid::now_v7());
    std::iter::repeat_with(new).take(count).collect()
}

/// Small events with these ids.
pub(super) fn events(ids: &[EventId]) -> Arc<[NewEvent]> {
    ids.iter()
        .map(|id| NewEvent {
            event_id: *id,
            event_type: "Tested".into(),
            metadata: b"{}".to_vec(),
            data: id.uuid().as_bytes().to_vec(),
        })
        .collect()
}

/// The append was refused, and the refusal names what was expected and what is there.
#[track_caller]
pub(super) fn assert_refused(
    outcome: Result<Appended, AppendError>,
    stream: &StreamName,
    expected: ExpectedRevision,
    actual: Option<u64>,
) {
    match outcome {
        Err(AppendError::WrongExpectedRevision {
            stream: named,
            expected: asked,
            actual: found,
        }) => {
            assert_eq!(named, *stream);
            assert_eq!((asked, found), (expected, actual));
        }
        other => panic!("{stream} at {actual:?}, expected {expected:?}: {other:?}"),
    }
}
