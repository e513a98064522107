//! Several projectors: they share the shards, take over from one that died or was stopped, and one
//! that wakes changes nothing.

use super::{assert_at_head, dump, erase, until_at_head};
use crate::api_ground::PROGRAM;
use anyhow::{bail, ensure};
use domain::{AccountId, Metric, Platform};
use projections::feed::EventFeed;
use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::time::Duration;
use tests::TestLedger;
use tests::server::command;
use tests::signal::signal;
use tokio_postgres::Client;

/// A projector's process, which ends with this.
struct Projector(Child);

impl Projector {
    fn start(ledger: &TestLedger) -> anyhow::Result<Self> {
        let child = command(PROGRAM, &ledger.database.url, &["projector"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self(child))
    }

    fn signal(&self, name: &str) -> anyhow::Result<()> {
        signal(name, self.0.id())
    }
}

impl Drop for Projector {
    fn drop(&mut self) {
        let _killed = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Which projector keeps how many shards.
async fn kept(client: &Client) -> anyhow::Result<BTreeMap<uuid::Uuid, i64>> {
    let rows = client
        .query(
            "select l.projector, count(*) as shards
             from projection_leases l
             join projection_checkpoints using (name, version, shard)
             group by l.projector",
            &[],
        )
        .await?;
    let read = |row: &tokio_postgres::Row| Ok((row.try_get("projector")?, row.try_get("shards")?));
    rows.iter().map(read).collect()
}

/// Waits until so many projectors keep all shards, each about as many as the others.
async fn until_shared(
    client: &Client,
    projectors: usize,
) -> anyhow::Result<BTreeMap<uuid::Uuid, i64>> {
    let row = client
        .query_one("select count(*) as all from projection_checkpoints", &[])
        .await?;
    let all: i64 = row.try_get("all")?;
    for _ in 0..1_200 {
        let kept = kept(client).await?;
        let counts = || kept.values().copied();
        let is_fair = counts().max().unwrap_or(0) - counts().min().unwrap_or(0) <= 1;
        if kept.len() == projectors && counts().sum::<i64>() == all && is_fair {
            return Ok(kept);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!(
        "{projectors} never shared {all} shards: {:?}",
        kept(client).await?
    )
}

async fn accounts(ledger: &TestLedger) -> anyhow::Result<Vec<AccountId>> {
    let mut made = vec![];
    for n in 0..24 {
        let id = n.to_string();
        made.push(ledger.import("creator", Platform::Tiktok, &id).await?);
    }
    Ok(made)
}

async fn observe(ledger: &TestLedger, accounts: &[AccountId], day: i64) -> anyhow::Result<()> {
    for account in accounts {
        let at = format!("2026-01-{day:02}T12:00:00Z");
        let known = [(Metric::Followers, 100 + day)];
        ledger.observe(*account, &at, &known).await?;
    }
    Ok(())
}

/// What the read models show equals what one projector makes of the log from its beginning.
async fn assert_as_by_one(ledger: &TestLedger, client: &Client) -> anyhow::Result<()> {
    assert_at_head(ledger, client).await?;
    let shared = dump(client).await;
    erase(client).await?;
    ledger.catch_up().await?;
    ensure!(dump(client).await? == shared?, "the rows differ");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn projectors_share_the_shards_and_take_over_from_the_dead() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let client = ledger.database.connect().await?;
    let accounts = accounts(&ledger).await?;
    let first = Projector::start(&ledger)?;
    until_shared(&client, 1).await?;
    let second = Projector::start(&ledger)?;
    let third = Projector::start(&ledger)?;
    until_shared(&client, 3).await?;
    observe(&ledger, &accounts, 1).await?;
    until_at_head(&ledger, &client).await?;

    // One dies, and one is asked to end.
    first.signal("-KILL")?;
    observe(&ledger, &accounts, 2).await?;
    until_at_head(&ledger, &client).await?;
    until_shared(&client, 2).await?;
    second.signal("-TERM")?;
    observe(&ledger, &accounts, 3).await?;
    until_at_head(&ledger, &client).await?;
    until_shared(&client, 1).await?;
    drop((first, second, third));
    assert_as_by_one(&ledger, &client).await
}

/// A projector is stopped in the middle of a batch, and wakes after another one took over.
#[tokio::test(flavor = "multi_thread")]
async fn a_projector_that_wakes_after_a_takeover_changes_nothing() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let mut client = ledger.database.connect().await?;
    let accounts = accounts(&ledger).await?;
    let sleeper = Projector::start(&ledger)?;
    until_shared(&client, 1).await?;
    until_at_head(&ledger, &client).await?;

    // It waits for this lock within its transactions, with its checkpoints moved and not committed.
    let lock = client.transaction().await?;
    lock.batch_execute("lock table follower_trends_v1 in share mode")
        .await?;
    observe(&ledger, &accounts, 1).await?;
    let watcher = ledger.database.connect().await?;
    let waiting = "select count(*) as waiting from pg_locks where not granted";
    for round in 0.. {
        let row = watcher.query_one(waiting, &[]).await?;
        if row.try_get::<_, i64>("waiting")? > 0 {
            break;
        }
        ensure!(round < 1_200, "it never came to its batch");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    sleeper.signal("-STOP")?;
    lock.rollback().await?;

    let other = Projector::start(&ledger)?;
    until_at_head(&ledger, &client).await?;
    let keepers = until_shared(&client, 1).await?;
    observe(&ledger, &accounts, 2).await?;
    until_at_head(&ledger, &client).await?;
    let before = dump(&client).await;

    sleeper.signal("-CONT")?;
    // It is back when it has its share again, and not what it had.
    let shared = until_shared(&client, 2).await?;
    ensure!(keepers.keys().all(|keeper| shared.contains_key(keeper)));
    ensure!(dump(&client).await? == before?, "it changed something");
    drop((sleeper, other));
    assert_as_by_one(&ledger, &client).await
}

/// What a projector that lost its lease writes does not count, even if nobody has gone on yet.
#[tokio::test(flavor = "multi_thread")]
async fn who_keeps_a_shard_no_longer_moves_nothing() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let client = ledger.database.connect().await?;
    let accounts = accounts(&ledger).await?;
    let projector = Projector::start(&ledger)?;
    until_shared(&client, 1).await?;
    until_at_head(&ledger, &client).await?;
    // Somebody else who gives signs of life without end keeps everything.
    client
        .batch_execute(
            "insert into projectors (id, keeps, seen_at)
             select '00000000-0000-7000-8000-000000000000',
                 array_agg(distinct name || '@' || version), now() + interval '1 hour'
             from projection_checkpoints;
             update projection_leases set projector = '00000000-0000-7000-8000-000000000000'",
        )
        .await?;
    let head = ledger.log.head().await?;
    observe(&ledger, &accounts, 1).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let held = projections::engine::checkpoints(&client).await?;
    for checkpoint in held {
        ensure!(checkpoint.position == head, "{} has moved", checkpoint.name);
    }
    client
        .batch_execute("delete from projectors where id = '00000000-0000-7000-8000-000000000000'")
        .await?;
    until_at_head(&ledger, &client).await?;
    drop(projector);
    assert_as_by_one(&ledger, &client).await
}
