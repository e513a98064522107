//! `log copy`, which also reads everything back, against the slower of reading the source alone and
//! appending the same to the target alone.

use crate::{ROUNDS, apart::Apart, audit::fill, table::Table};
use adapters::copy::{Copier, Side, Watched};
use adapters::eventstore::EventStoreLog;
use adapters::postgres::PostgresLog;
use anyhow::{Context, ensure};
use commands::ports::{Append, EventLog, ExpectedRevision, NewEvent};
use domain::{RecordedEvent, StreamName};
use projections::feed::EventFeed;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;
use tests::{Cluster, TestDatabase, TestLedger};
use tokio::task::JoinSet;

/// Events of a page.
const PAGE: usize = 4_000;
/// Who appends at the same time.
const WRITERS: usize = 64;

pub(crate) async fn run(cluster: &Cluster, size: usize, table: &mut Table) -> anyhow::Result<()> {
    let ledger = TestLedger::over(fresh(cluster).await?).await?;
    let events = fill(&ledger, size).await?;
    let postgres = side(&ledger.log);
    let full = Apart::start()?;
    let eventstore = open(&full)?;
    copy(&postgres, &eventstore, events).await?;
    let (mut there, mut there_raw) = (vec![], vec![]);
    let (mut back, mut back_raw) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        let (for_raw, for_ours) = (Apart::start()?, Apart::start()?);
        there_raw.push(raw(&postgres, &open(&for_raw)?, events).await?);
        there.push(copy(&postgres, &open(&for_ours)?, events).await?);
        drop((for_raw, for_ours));
        let (for_raw, for_ours) = (fresh(cluster).await?, fresh(cluster).await?);
        back_raw.push(raw(&eventstore, &opened(&for_raw).await?, events).await?);
        back.push(copy(&eventstore, &opened(&for_ours).await?, events).await?);
    }
    let what = |way| format!("log copy, {events} events, {way}, verified");
    let way = what("Postgres to EventStoreDB (stand-in)");
    table.add(way, (there, there_raw), "events/s", "0.5");
    let way = what("EventStoreDB (stand-in) to Postgres");
    table.add(way, (back, back_raw), "events/s", "0.5");
    Ok(())
}

async fn fresh(cluster: &Cluster) -> anyhow::Result<TestDatabase> {
    let database = TestDatabase::create_in(cluster).await?;
    adapters::postgres::migrate::migrate(&mut database.connect().await?).await?;
    Ok(database)
}

fn side<L: EventLog + EventFeed + 'static>(log: &Arc<L>) -> Side {
    Side {
        log: Arc::clone(log) as Arc<dyn EventLog>,
        feed: Arc::clone(log) as Arc<dyn EventFeed>,
    }
}

fn open(server: &Apart) -> anyhow::Result<Side> {
    Ok(side(&Arc::new(EventStoreLog::new(server.url().parse()?))))
}

async fn opened(database: &TestDatabase) -> anyhow::Result<Side> {
    let pool = database.pool(8)?;
    let log = PostgresLog::open(database.endpoint.clone(), pool).await?;
    Ok(side(&Arc::new(log)))
}

async fn copy(from: &Side, to: &Side, events: u64) -> anyhow::Result<f64> {
    let (from, to) = (from.clone(), to.clone());
    let start = Instant::now();
    let copied = Copier { from, to }.run(&Watched::default()).await?;
    ensure!(copied.appended == events, "{copied:?} of {events}");
    Ok(events as f64 / start.elapsed().as_secs_f64())
}

/// The slower of reading the source and appending what was read to the target.
async fn raw(from: &Side, to: &Side, events: u64) -> anyhow::Result<f64> {
    let start = Instant::now();
    let (mut after, mut all) = (None, vec![]);
    loop {
        let page = from.feed.read_all(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.position);
        all.push(page);
    }
    let reading = start.elapsed();
    let mut writers: Vec<Vec<Append>> = vec![vec![]; WRITERS];
    let mut writer_of: HashMap<StreamName, usize> = HashMap::new();
    for page in all {
        for append in appends(page)? {
            let next = writer_of.len() % WRITERS;
            let writer = *writer_of.entry(append.stream.clone()).or_insert(next);
            writers[writer].push(append);
        }
    }
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for writer in writers {
        let log = Arc::clone(&to.log);
        tasks.spawn(async move {
            for append in writer {
                log.append(append).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let slower = reading.max(start.elapsed());
    Ok(events as f64 / slower.as_secs_f64())
}

/// A page's events as one append for each of its streams.
fn appends(page: Vec<RecordedEvent>) -> anyhow::Result<Vec<Append>> {
    let mut streams: Vec<(StreamName, Vec<RecordedEvent>)> = vec![];
    let mut places: HashMap<StreamName, usize> = HashMap::new();
    for event in page {
        let next = streams.len();
        let place = *places.entry(event.stream.clone()).or_insert(next);
        if place == next {
            streams.push((event.stream.clone(), vec![]));
        }
        streams[place].1.push(event);
    }
    let append = |(stream, events): (StreamName, Vec<RecordedEvent>)| {
        let first = events.first().context("an event")?.revision;
        let new = events.into_iter().map(|event| NewEvent {
            event_id: event.event_id,
            event_type: event.event_type.into(),
            metadata: event.metadata,
            data: event.data,
        });
        Ok(Append {
            stream,
            expected: match first {
                0 => ExpectedRevision::NoStream,
                first => ExpectedRevision::Exact(first - 1),
            },
            events: new.collect(),
        })
    };
    streams.into_iter().map(append).collect()
}
