//! Whichever step it is that finds no database: it is taken again.

use super::{PATIENCE, STEP, until};
use crate::fold::assert_all_versions_equal_the_log;
use crate::histories::random_history;
use anyhow::{Context, bail, ensure};
use async_trait::async_trait;
use projections::engine::{Database, DatabaseError, checkpoints};
use projections::feed::EventFeed;
use projections::{Administration, Engine, registry};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tests::TestLedger;
use tests::rng::Rng;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

/// A database that gives some connections and then fails a few times.
struct Failing {
    inner: Arc<dyn Database>,
    /// How many connections it has given, counted from minus so many that are good.
    given: AtomicI64,
}

/// How often it fails in a row.
const FAILURES: i64 = 2;

#[async_trait]
impl Database for Failing {
    async fn connect(&self) -> Result<Client, DatabaseError> {
        let given = self.given.fetch_add(1, Ordering::SeqCst);
        if (0..FAILURES).contains(&given) {
            return Err(DatabaseError("for a test".to_owned()));
        }
        self.inner.connect().await
    }
}

fn failing(ledger: &TestLedger, after: i64) -> Arc<Failing> {
    Arc::new(Failing {
        inner: Arc::new(ledger.database.endpoint.clone()),
        given: AtomicI64::new(-after),
    })
}

/// The locks of rebuilds.
const HELD: &str = "from pg_locks l
    join pg_database d on d.oid = l.database and d.datname = current_database()
    where l.locktype = 'advisory' and l.granted and l.objsubid = 2";

/// The steps of a run, and some more.
const STEPS: i64 = 28;
/// How many run at a time.
const AT_ONCE: usize = 7;

/// Follows from an empty database to the head, whatever step fails.
async fn follow_failing(after: i64) -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    random_history(&ledger, &mut Rng::new(1), 40).await?;
    let database = failing(&ledger, after);
    let feed = Arc::clone(&ledger.log) as Arc<dyn EventFeed>;
    let engine = Engine::new(feed, Arc::clone(&database) as Arc<_>, registry());
    let cancel = CancellationToken::new();
    let client = ledger.database.connect().await?;
    let head = ledger.log.head().await?;
    let filled = "select count(*) = 4 from projection_versions where filled_at is not null";
    let there = async {
        until(&client, filled).await?;
        loop {
            let held = checkpoints(&client).await?;
            let has_failed = database.given.load(Ordering::SeqCst) >= FAILURES;
            if has_failed && held.iter().all(|held| held.position == head) {
                return anyhow::Ok(());
            }
            sleep(STEP).await;
        }
    };
    tokio::select! {
        there = timeout(PATIENCE, there) => there.context("it does not come there")??,
        ended = engine.follow(&cancel) => bail!("it ended: {ended:?}"),
    }
    ensure!(assert_all_versions_equal_the_log(&client).await? == 4);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_waits_at_every_step() -> anyhow::Result<()> {
    for first in (0..STEPS).step_by(AT_ONCE) {
        let mut running = JoinSet::new();
        for after in (first..).take(AT_ONCE) {
            running.spawn(async move {
                let followed = follow_failing(after).await;
                followed.with_context(|| format!("after {after} connections"))
            });
        }
        while let Some(followed) = running.join_next().await {
            followed??;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_waits_at_every_step() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    random_history(&ledger, &mut Rng::new(2), 40).await?;
    ledger.catch_up().await?;
    let client = ledger.database.connect().await?;
    // The first connection is the one that holds the lock: who gets none is told.
    for after in 1..STEPS {
        // The server needs a moment to see that the one before let go of it.
        until(&client, &format!("select not exists (select {HELD})")).await?;
        let database = failing(&ledger, after);
        let feed = Arc::clone(&ledger.log) as Arc<dyn EventFeed>;
        let administration = Administration::new(feed, database, registry());
        let rebuild = administration.begin_rebuild("top_posts").await?;
        let cancel = CancellationToken::new();
        let filled = timeout(PATIENCE, rebuild.run(None, &cancel, |_| {})).await?;
        let filled = filled.with_context(|| format!("after {after} connections"))?;
        ensure!(filled, "after {after} connections");
    }
    ensure!(assert_all_versions_equal_the_log(&client).await? == 4 + (STEPS - 1) as usize);
    Ok(())
}

/// The lock of a rebuild goes with its connection, and is taken again.
#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_takes_its_lost_lock_again() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    random_history(&ledger, &mut Rng::new(3), 40).await?;
    ledger.catch_up().await?;
    let rebuild = ledger.administration().begin_rebuild("accounts").await?;
    let cancel = CancellationToken::new();
    // It does not come to its end by itself.
    let slowly = NonZeroU32::new(1);
    let client = ledger.database.connect().await?;
    let losing = async {
        let sql = format!("select l.pid, pg_terminate_backend(l.pid) {HELD}");
        let holder: i32 = client.query_one(&sql, &[]).await?.try_get("pid")?;
        let again = format!("select exists (select {HELD} and l.pid <> {holder})");
        let taken = until(&client, &again).await;
        cancel.cancel();
        taken
    };
    let (filled, taken) = tokio::join!(rebuild.run(slowly, &cancel, |_| {}), losing);
    taken?;
    ensure!(!filled?, "it came to an end");
    Ok(())
}
