//! Commands through the whole path against plain single-row inserts of the same bytes.

use crate::{ROUNDS, table::Table};
use commands::Intent;
use commands::ports::EventLog;
use domain::Timestamp;
use domain::{AccountId, Metric, Platform, StreamName};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tests::ledger::{context, provenance, values};
use tests::{Cluster, TestDatabase, TestLedger};
use tokio::task::JoinSet;

const ACCOUNTS: usize = 1_000;

/// The plainest table that could hold the same events.
const PLAIN: &str = "
    create table plain_events (
        id bigserial primary key,
        stream text not null,
        revision bigint not null,
        event_id uuid not null,
        event_type text not null,
        metadata bytea not null,
        data bytea not null
    )";

pub(crate) async fn run(cluster: &Cluster, size: usize, table: &mut Table) -> anyhow::Result<()> {
    for (callers, goal) in [(32, "1.2"), (128, "2")] {
        let (mut ours, mut raw) = (vec![], vec![]);
        for _ in 0..ROUNDS {
            let ledger = Arc::new(TestLedger::over(fresh(cluster).await?).await?);
            let accounts = accounts(&ledger).await?;
            ours.push(commands(&ledger, &accounts, callers, size).await?);
            raw.push(inserts(&ledger, &accounts, callers, size).await?);
        }
        let what = format!("commands, {callers} callers, {ACCOUNTS} accounts");
        table.add(what, (ours, raw), "events/s", goal);
    }
    Ok(())
}

async fn fresh(cluster: &Cluster) -> anyhow::Result<TestDatabase> {
    let database = TestDatabase::create_in(cluster).await?;
    adapters::postgres::migrate::migrate(&mut database.connect().await?).await?;
    Ok(database)
}

async fn accounts(ledger: &Arc<TestLedger>) -> anyhow::Result<Arc<Vec<AccountId>>> {
    let mut accounts = vec![];
    for n in 0..ACCOUNTS {
        accounts.push(
            ledger
                .import("bench", Platform::Instagram, &format!("bench-{n}"))
                .await?,
        );
    }
    Ok(Arc::new(accounts))
}

/// Runs `work` for every number below `size` on so many tasks and returns how many a second.
async fn rate<F>(
    callers: usize,
    size: usize,
    work: impl Fn(usize, Arc<AtomicUsize>) -> F,
) -> anyhow::Result<f64>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let next = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        tasks.spawn(work(caller, Arc::clone(&next)));
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(size as f64 / start.elapsed().as_secs_f64())
}

async fn commands(
    ledger: &Arc<TestLedger>,
    accounts: &Arc<Vec<AccountId>>,
    callers: usize,
    size: usize,
) -> anyhow::Result<f64> {
    rate(callers, size, |_, next| {
        let (ledger, accounts) = (Arc::clone(ledger), Arc::clone(accounts));
        async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= size {
                    return Ok(());
                }
                let micros = 1_767_225_600_000_000 + n as i64 * 1_000_000;
                let intent = Intent::SnapshotAccount {
                    observed_at: Timestamp::from_micros(micros).unwrap_or(Timestamp::MAX),
                    period: None,
                    values: values(&[
                        (Metric::Followers, n as i64 * 7),
                        (Metric::Following, 120),
                        (Metric::Posts, n as i64 / 50),
                    ]),
                    provenance: provenance(),
                    profile: None,
                };
                let account = accounts[n % accounts.len()];
                ledger.ledger.execute(account, intent, &context()).await?;
            }
        }
    })
    .await
}

async fn inserts(
    ledger: &Arc<TestLedger>,
    accounts: &Arc<Vec<AccountId>>,
    callers: usize,
    size: usize,
) -> anyhow::Result<f64> {
    let database = &ledger.database;
    database.connect().await?.batch_execute(PLAIN).await?;
    let stream = StreamName::of_account(accounts[0]);
    let sample = ledger.log.read_stream(&stream, 1, 1).await?;
    let sample = Arc::new(sample.into_iter().next().expect("an event was appended"));
    let mut clients = vec![];
    for _ in 0..callers {
        let client = database.connect().await?;
        let statement = client
            .prepare(
                "insert into plain_events (stream, revision, event_id, event_type, metadata, data)
                 values ($1, $2, $3, $4, $5, $6)",
            )
            .await?;
        clients.push(Arc::new((client, statement)));
    }
    rate(callers, size, |caller, next| {
        let client = Arc::clone(&clients[caller]);
        let sample = Arc::clone(&sample);
        async move {
            let (client, statement) = &*client;
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= size {
                    return Ok(());
                }
                client
                    .execute(
                        statement,
                        &[
                            &sample.stream.as_str(),
                            &(n as i64),
                            &uuid::Uuid::now_v7(),
                            &sample.event_type,
                            &sample.metadata,
                            &sample.data,
                        ],
                    )
                    .await?;
            }
        }
    })
    .await
}
