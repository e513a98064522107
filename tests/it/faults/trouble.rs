//! A server that goes and comes back, that has no connection free, that cancels what takes long.

use super::{AtWork, STEP, database_in};
use anyhow::ensure;
use projections::admin::{Standing, State};
use std::sync::atomic::{AtomicBool, Ordering};
use tests::{Cluster, TestDatabase, TestLedger};
use tokio::task::block_in_place;
use tokio::time::sleep;
use tokio_postgres::Client;

/// A cluster of its own, which may be hurt.
async fn own(connections: &str) -> anyhow::Result<(Cluster, TestLedger)> {
    let settings = [("fsync", "off"), ("max_connections", connections)];
    let cluster = block_in_place(|| Cluster::start_with(&settings))?;
    let database = database_in(&cluster).await?;
    Ok((cluster, TestLedger::over(database).await?))
}

/// Stopped as for maintenance, and killed: both times everything waits until it is back.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_postgres_is_waited_out() -> anyhow::Result<()> {
    let (mut cluster, ledger) = own("200").await?;
    let mut at_work = AtWork::begin(&ledger, &ledger.database.url).await?;
    for signal in ["-INT", "-KILL"] {
        block_in_place(|| cluster.stop(signal))?;
        at_work.until_both_say(&["again"]).await?;
        block_in_place(|| cluster.start_again())?;
        at_work.append(&ledger).await?;
    }
    at_work.goes_on(&ledger).await
}

/// All connections are taken, those of the programs among them, and taken again as they get free.
async fn take_all(database: &TestDatabase, is_over: &AtomicBool) -> anyhow::Result<()> {
    let mut taken: Vec<Client> = vec![];
    let end_others = "select pg_terminate_backend(pid)
        from pg_stat_activity
        where backend_type = 'client backend' and application_name <> 'greedy'";
    while !is_over.load(Ordering::SeqCst) {
        if let Ok(client) = database.connect().await {
            // One that was refused or ended at once is gone again.
            if client
                .batch_execute("set application_name = 'greedy'")
                .await
                .is_ok()
            {
                taken.push(client);
            }
            continue;
        }
        if let Some(client) = taken.last() {
            client.query(end_others, &[]).await?;
        }
        sleep(STEP).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lack_of_connections_is_waited_out() -> anyhow::Result<()> {
    let (_cluster, ledger) = own("60").await?;
    let mut at_work = AtWork::begin(&ledger, &ledger.database.url).await?;
    at_work.append(&ledger).await?;
    let is_over = AtomicBool::new(false);
    let waiting = async {
        let said = at_work.until_both_say(&["53300"]).await;
        is_over.store(true, Ordering::SeqCst);
        said
    };
    let (taken, said) = tokio::join!(take_all(&ledger.database, &is_over), waiting);
    taken?;
    said?;
    at_work.goes_on(&ledger).await
}

/// What both versions of the rebuilt read model say of themselves, once both have a fault.
async fn both_stand_still(ledger: &TestLedger) -> anyhow::Result<Vec<Standing>> {
    let end = std::time::Instant::now() + super::PATIENCE;
    loop {
        let mut listed = ledger.administration().list().await?;
        listed.retain(|one| one.name == super::REBUILT && one.fault.is_some());
        if listed.len() == 2 {
            return Ok(listed);
        }
        ensure!(std::time::Instant::now() < end, "{listed:?}");
        sleep(STEP).await;
    }
}

/// A statement that always takes too long may be tried for ever, but not in silence: both
/// versions are listed as standing still, with the reason, until it passes.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_timeout_is_waited_out_and_shown() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let url = format!("{} options='-c statement_timeout=500'", ledger.database.url);
    let mut at_work = AtWork::begin(&ledger, &url).await?;
    let mut client = ledger.database.connect().await?;
    let lock = client.transaction().await?;
    lock.batch_execute("lock table top_posts_v1, top_posts_v2 in share mode")
        .await?;
    at_work.append(&ledger).await?;
    at_work
        .until_both_say(&["tried again", "top_posts", "57014"])
        .await?;
    for standing in both_stand_still(&ledger).await? {
        let fault = standing.fault.as_deref().unwrap_or("");
        ensure!(standing.state == State::Halted, "{standing:?}");
        ensure!(
            fault.contains("tried again") && fault.contains("57014"),
            "{standing:?}"
        );
    }
    lock.rollback().await?;
    at_work.goes_on(&ledger).await
}
