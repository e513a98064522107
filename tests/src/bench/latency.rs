//! How long an acknowledged append takes until it can be read, at a steady rate, alone and with a
//! rebuild beside; and how long a switch holds queries back.

use crate::{ROUNDS, api::Api, audit::fill, table::Table};
use anyhow::{Context, ensure};
use commands::Intent;
use domain::{AccountId, Metric, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tests::ledger::{context, provenance, values};
use tests::{Cluster, TestDatabase, TestLedger};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

/// Appends a second.
const RATE: u64 = 1_000;
/// How long each figure is taken.
const SECONDS: u64 = 10;
/// Appends under way at a time, at the most.
const UNDER_WAY: usize = 256;
/// How often a switch is made while queries are asked.
const SWITCHES: usize = 20;
/// The read model whose rows are waited for.
const MODEL: &str = "follower_trends";

/// An append that was acknowledged: its position, and when.
type Acknowledged = (u64, Instant);

pub(crate) async fn run(cluster: &Cluster, size: usize, table: &mut Table) -> anyhow::Result<()> {
    let database = TestDatabase::create_in(cluster).await?;
    adapters::postgres::migrate::migrate(&mut database.connect().await?).await?;
    let ledger = Arc::new(TestLedger::over(database).await?);
    fill(&ledger, size).await?;
    ledger.catch_up().await?;
    let accounts = accounts(&ledger).await?;
    let stop = CancellationToken::new();
    let following = {
        let (ledger, stop) = (Arc::clone(&ledger), stop.clone());
        tokio::spawn(async move { ledger.engine.follow(&stop).await })
    };
    let (mut alone, mut beside, mut bare) = (vec![], vec![], vec![]);
    for round in 0..ROUNDS {
        bare.push(bare_append(&ledger, round).await?);
        alone.push(visible(&ledger, &accounts, 2 * round).await?);
        beside.push(with_rebuild(&ledger, &accounts, 2 * round + 1).await?);
    }
    let what = format!("append to visible row at {RATE} a second, p99, over a bare append's");
    table.add(what, (alone.clone(), bare), "us", "at most 5");
    let what = "the same with a rebuild beside, over without";
    table.add(what, (beside, alone), "us", "at most 4");
    switches(&ledger, &accounts, table).await?;
    stop.cancel();
    following.await??;
    Ok(())
}

async fn accounts(ledger: &TestLedger) -> anyhow::Result<Arc<Vec<AccountId>>> {
    let mut accounts = vec![];
    for n in 0..1_000 {
        let id = format!("latency-{n}");
        let platform = domain::Platform::Instagram;
        accounts.push(ledger.import("latency", platform, &id).await?);
    }
    Ok(Arc::new(accounts))
}

fn p99(micros: &mut [f64]) -> f64 {
    micros.sort_by(f64::total_cmp);
    micros[micros.len() * 99 / 100]
}

/// Starts `work` at a steady rate, whatever the earlier ones do, and waits for all of it.
async fn steadily<F>(work: impl Fn(u64) -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let mut ticks = tokio::time::interval(Duration::from_micros(1_000_000 / RATE));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let free = Arc::new(Semaphore::new(UNDER_WAY));
    let mut tasks = JoinSet::new();
    for n in 0..RATE * SECONDS {
        ticks.tick().await;
        let permit = Arc::clone(&free).acquire_owned().await?;
        let work = work(n);
        tasks.spawn(async move {
            let done = work.await;
            drop(permit);
            done
        });
        while let Some(done) = tasks.try_join_next() {
            done??;
        }
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

/// The p99 of a durable insert of one row about as large, at the same rate.
async fn bare_append(ledger: &TestLedger, round: usize) -> anyhow::Result<f64> {
    let client = ledger.database.connect().await?;
    let name = format!("latency_plain_{round}");
    client
        .batch_execute(&format!(
            "create table {name} (id bigserial primary key, metadata bytea not null,
                 data bytea not null)"
        ))
        .await?;
    let sql = Arc::new(format!(
        "insert into {name} (metadata, data) values ($1, $2)"
    ));
    let (sender, mut taken) = mpsc::unbounded_channel();
    let pool = ledger.pool.clone();
    steadily(move |_| {
        let (pool, sql, sender) = (pool.clone(), Arc::clone(&sql), sender.clone());
        async move {
            let client = pool.get().await?;
            let statement = client.prepare_cached(&sql).await?;
            let start = Instant::now();
            let (metadata, data) = (vec![7_u8; 330], vec![7_u8; 160]);
            client.execute(&statement, &[&metadata, &data]).await?;
            sender.send(start.elapsed().as_secs_f64() * 1e6)?;
            Ok(())
        }
    })
    .await?;
    let mut micros = vec![];
    while let Some(one) = taken.recv().await {
        micros.push(one);
    }
    Ok(p99(&mut micros))
}

/// The p99 of the time from an acknowledgement until the row is there.
async fn visible(
    ledger: &Arc<TestLedger>,
    accounts: &Arc<Vec<AccountId>>,
    round: usize,
) -> anyhow::Result<f64> {
    let (sender, acknowledged) = mpsc::unbounded_channel();
    let watching = tokio::spawn(watch(ledger.database.connect().await?, acknowledged));
    let (ledger, accounts) = (Arc::clone(ledger), Arc::clone(accounts));
    steadily(move |n| {
        let (ledger, sender) = (Arc::clone(&ledger), sender.clone());
        let account = accounts[n as usize % accounts.len()];
        async move {
            let second = 86_400 * round as i64 + n.cast_signed();
            let micros = 1_767_225_600_000_000 + second * 1_000_000;
            let intent = Intent::SnapshotAccount {
                observed_at: Timestamp::from_micros(micros).context("a time")?,
                period: None,
                values: values(&[(Metric::Followers, second)]),
                provenance: provenance(),
                profile: None,
            };
            let context = context();
            let done = ledger.ledger.execute_all(account, vec![intent], &context);
            let position = done.await?.position.context("an event was appended")?;
            sender.send((position.commit, Instant::now()))?;
            Ok(())
        }
    })
    .await?;
    let mut micros = watching.await??;
    ensure!(micros.len() as u64 == RATE * SECONDS, "{}", micros.len());
    Ok(p99(&mut micros))
}

/// Looks again and again where the read model stands, and notes for each acknowledged append how
/// long it took to get there.
async fn watch(
    client: Client,
    mut acknowledged: mpsc::UnboundedReceiver<Acknowledged>,
) -> anyhow::Result<Vec<f64>> {
    let statement = client
        .prepare(
            "select min(c.commit_position) as position
             from projection_checkpoints c
             join projection_versions v on v.name = c.name and v.version = c.version
             where v.is_live and c.name = $1",
        )
        .await?;
    let mut waiting: BTreeMap<u64, Instant> = BTreeMap::new();
    let (mut micros, mut is_open) = (vec![], true);
    while is_open || !waiting.is_empty() {
        let row = client.query_one(&statement, &[&MODEL]).await?;
        let now = Instant::now();
        let held = row.try_get::<_, i64>("position")?.cast_unsigned();
        loop {
            match acknowledged.try_recv() {
                Ok((position, at)) => {
                    waiting.insert(position, at);
                }
                Err(mpsc::error::TryRecvError::Empty) => break,
                Err(mpsc::error::TryRecvError::Disconnected) => {
                    is_open = false;
                    break;
                }
            }
        }
        let later = waiting.split_off(&(held + 1));
        let here = waiting.values();
        micros.extend(here.map(|at| now.saturating_duration_since(*at).as_secs_f64() * 1e6));
        waiting = later;
        tokio::time::sleep(Duration::from_micros(300)).await;
    }
    Ok(micros)
}

/// The same while a rebuild runs, begun anew as often as it ends.
async fn with_rebuild(
    ledger: &Arc<TestLedger>,
    accounts: &Arc<Vec<AccountId>>,
    round: usize,
) -> anyhow::Result<f64> {
    let stop = CancellationToken::new();
    let rebuilding = {
        let (ledger, stop) = (Arc::clone(ledger), stop.clone());
        tokio::spawn(async move {
            let mut rebuilds = 0;
            while !stop.is_cancelled() {
                let administration = ledger.administration();
                let rebuild = administration.begin_rebuild(MODEL).await?;
                let number = rebuild.version.number;
                rebuild.run(None, &stop, |_| {}).await?;
                drop(rebuild);
                administration.drop_version(MODEL, number).await?;
                rebuilds += 1;
            }
            anyhow::Ok(rebuilds)
        })
    };
    let p99 = visible(ledger, accounts, round).await?;
    stop.cancel();
    let rebuilds = rebuilding.await??;
    eprintln!("latency: {rebuilds} rebuilds beside");
    Ok(p99)
}

/// The longest that a query took which was under way during a switch, beyond what a query usually
/// takes, over the p99 of queries without a switch.
async fn switches(
    ledger: &Arc<TestLedger>,
    accounts: &[AccountId],
    table: &mut Table,
) -> anyhow::Result<()> {
    let administration = ledger.administration();
    let cancel = CancellationToken::new();
    let rebuild = administration.begin_rebuild(MODEL).await?;
    ensure!(rebuild.run(None, &cancel, |_| {}).await?);
    drop(rebuild);
    let api = Api::start(ledger).await?;
    let mut client = api.plain()?;
    let stop = Arc::new(AtomicBool::new(false));
    let asking = {
        let (stop, accounts) = (Arc::clone(&stop), accounts.to_vec());
        tokio::task::spawn_blocking(move || {
            let mut asked = vec![];
            for account in accounts.iter().cycle() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let start = Instant::now();
                client.ask(&format!("/v1/accounts/{account}/metrics/followers"))?;
                asked.push((start, Instant::now()));
            }
            anyhow::Ok(asked)
        })
    };
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut made = vec![];
    for n in 0..SWITCHES {
        let start = Instant::now();
        match n % 2 {
            0 => administration.switch(MODEL, None).await?,
            _ => administration.rollback(MODEL).await?,
        };
        made.push((start, Instant::now()));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    stop.store(true, Ordering::Relaxed);
    let asked = asking.await??;
    api.stop().await?;
    let is_during = |(start, end): &(Instant, Instant)| {
        let mut switches = made.iter();
        switches.any(|(begun, done)| start <= done && end >= begun)
    };
    let micros = |(start, end): &(Instant, Instant)| (*end - *start).as_secs_f64() * 1e6;
    let (during, ordinary): (Vec<_>, Vec<_>) = asked.iter().partition(|asked| is_during(asked));
    let mut ordinary: Vec<f64> = ordinary.into_iter().map(micros).collect();
    let during: Vec<f64> = during.into_iter().map(micros).collect();
    let p99 = p99(&mut ordinary);
    let median = ordinary[ordinary.len() / 2];
    let mut longest: Vec<f64> = during;
    longest.sort_by(f64::total_cmp);
    let held_back = longest.last().context("a query during a switch")? - median;
    eprintln!(
        "latency: {} queries during {SWITCHES} switches, {} besides",
        longest.len(),
        ordinary.len()
    );
    let what = "a query held back by a switch, the worst of all, over a query's p99";
    table.add(what, (vec![held_back.max(0.0)], vec![p99]), "us", "below 1");
    Ok(())
}
