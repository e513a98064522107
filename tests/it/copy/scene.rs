//! What these tests share: the two sides of a copy, and what a log holds whatever its order.

use crate::histories::{followers, random_history};
use adapters::copy::{Copied, Copier, CopyError, Side, Watched};
use adapters::eventstore::EventStoreLog;
use adapters::postgres::PostgresLog;
use commands::ports::EventLog;
use domain::{Platform, RecordedEvent};
use projections::feed::EventFeed;
use std::collections::BTreeMap;
use std::sync::Arc;
use tests::ledger::context;
use tests::rng::Rng;
use tests::{TestDatabase, TestLedger};
use uuid::Uuid;

/// Quick enough for tests: what the server is given, and what the client waits between attempts.
const QUICK: &str = "&defaultDeadline=700&discoveryInterval=20&gossipTimeout=400";

/// Stream and revision, and what lies there.
pub(super) type Held = BTreeMap<(String, u64), (Uuid, String, Vec<u8>, Vec<u8>)>;

pub(super) fn side<L: EventLog + EventFeed + 'static>(log: &Arc<L>) -> Side {
    Side {
        log: Arc::clone(log) as Arc<dyn EventLog>,
        feed: Arc::clone(log) as Arc<dyn EventFeed>,
    }
}

/// A connection string with short deadlines.
pub(super) fn quick(url: &str) -> String {
    format!("{url}{QUICK}")
}

pub(super) fn eventstore(url: &str) -> anyhow::Result<Arc<EventStoreLog>> {
    Ok(Arc::new(EventStoreLog::new(quick(url).parse()?)))
}

pub(super) async fn postgres(database: &TestDatabase) -> anyhow::Result<Arc<PostgresLog>> {
    let pool = database.pool(8)?;
    let log = PostgresLog::open(database.endpoint.clone(), pool).await?;
    Ok(Arc::new(log))
}

/// A ledger with so many random intents behind it.
pub(super) async fn ledger(seed: u64, intents: usize) -> anyhow::Result<TestLedger> {
    let ledger = TestLedger::create().await?;
    random_history(&ledger, &mut Rng::new(seed), intents).await?;
    Ok(ledger)
}

/// A ledger with so many accounts that took turns.
pub(super) async fn wide(accounts: usize, rounds: i64) -> anyhow::Result<TestLedger> {
    let ledger = TestLedger::create().await?;
    let mut known = vec![];
    for n in 0..accounts {
        let id = format!("account-{n}");
        known.push(ledger.import("wide", Platform::Instagram, &id).await?);
    }
    for round in 0..rounds {
        for account in &known {
            let intents = (1..4).map(|n| followers(4 * round + n, round * n));
            ledger
                .ledger
                .execute_all(*account, intents.collect(), &context())
                .await?;
        }
    }
    Ok(ledger)
}

pub(super) async fn copy(from: &Side, to: &Side) -> Result<Copied, CopyError> {
    let (from, to) = (from.clone(), to.clone());
    Copier { from, to }.run(&Watched::default()).await
}

pub(super) async fn events(feed: &dyn EventFeed) -> anyhow::Result<Vec<RecordedEvent>> {
    let (mut all, mut after) = (vec![], None);
    loop {
        let page = feed.read_all(after, 500).await?;
        let Some(last) = page.last() else {
            return Ok(all);
        };
        after = Some(last.position);
        all.extend(page);
    }
}

/// Everything a log holds, without where it lies.
pub(super) async fn held(feed: &dyn EventFeed) -> anyhow::Result<Held> {
    let place = |event: RecordedEvent| {
        let RecordedEvent {
            stream,
            revision,
            event_id,
            event_type,
            metadata,
            data,
            ..
        } = event;
        let place = (stream.to_string(), revision);
        (place, (event_id.uuid(), event_type, metadata, data))
    };
    Ok(events(feed).await?.into_iter().map(place).collect())
}
