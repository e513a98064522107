//! `audit verify --all` against reading the same log alone.

use crate::{ROUNDS, table::Table};
use anyhow::ensure;
use commands::Intent;
use domain::{Metric, Platform, Timestamp};
use projections::feed::EventFeed;
use std::sync::Arc;
use std::time::Instant;
use tests::ledger::{context, post, provenance, values};
use tests::{Cluster, TestDatabase, TestLedger};

const ACCOUNTS: usize = 1_000;
/// Commands of an account that are appended at once.
const AT_ONCE: usize = 50;
/// Events of a page when the log is read alone.
const PAGE: usize = 4_000;

pub(crate) async fn run(cluster: &Cluster, size: usize, table: &mut Table) -> anyhow::Result<()> {
    let database = TestDatabase::create_in(cluster).await?;
    adapters::postgres::migrate::migrate(&mut database.connect().await?).await?;
    let ledger = TestLedger::over(database).await?;
    let events = fill(&ledger, size).await?;
    let auditor = ledger.auditor()?;
    // Once beforehand, so that neither has the cold pages to itself.
    read(&ledger, events).await?;
    let (mut ours, mut raw) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        raw.push(read(&ledger, events).await?);
        let start = Instant::now();
        let report = auditor.verify_all(None, Arc::default()).await?;
        ensure!(
            report.holds && report.events == events,
            "{}",
            report.sentence
        );
        ours.push(events as f64 / start.elapsed().as_secs_f64());
    }
    let what = format!("audit verify --all, {events} events, {ACCOUNTS} accounts, against reading");
    table.add(what, (ours, raw), "events/s", "0.5");
    Ok(())
}

/// Appends about so many events: of ten, one a page of twenty posts.
pub(crate) async fn fill(ledger: &TestLedger, size: usize) -> anyhow::Result<u64> {
    let mut accounts = vec![];
    for n in 0..ACCOUNTS {
        let id = format!("bench-{n}");
        accounts.push(ledger.import("bench", Platform::Instagram, &id).await?);
    }
    let intent = |n: usize| {
        let micros = 1_767_225_600_000_000 + n as i64 * 1_000_000;
        let observed_at = Timestamp::from_micros(micros).unwrap_or(Timestamp::MAX);
        if n.is_multiple_of(10) {
            let views = |id: usize| [(Metric::Views, (n + id) as i64)];
            let seen = |id: usize| post(&format!("post-{id}"), "A title", &views(id));
            return Intent::SnapshotPosts {
                observed_at,
                provenance: provenance(),
                posts: (0..20).map(seen).collect(),
            };
        }
        Intent::SnapshotAccount {
            observed_at,
            period: None,
            values: values(&[(Metric::Followers, n as i64 * 7), (Metric::Posts, 20)]),
            provenance: provenance(),
            profile: None,
        }
    };
    let mut done = 0;
    while done < size {
        let account = accounts[done / AT_ONCE % ACCOUNTS];
        let intents = (done..done + AT_ONCE).map(intent).collect();
        ledger
            .ledger
            .execute_all(account, intents, &context())
            .await?;
        done += AT_ONCE;
    }
    let head = ledger.log.head().await?;
    Ok(head.map_or(0, |head| head.commit))
}

/// Reads everything and does nothing with it. How many events a second.
async fn read(ledger: &TestLedger, events: u64) -> anyhow::Result<f64> {
    let start = Instant::now();
    let (mut after, mut count) = (None, 0);
    loop {
        let page = ledger.log.read_all(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.position);
        count += page.len() as u64;
    }
    ensure!(count == events, "{count} of {events}");
    Ok(events as f64 / start.elapsed().as_secs_f64())
}
