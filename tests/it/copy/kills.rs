//! `kill -9` in the middle of copies at random instants: the next run ends as if there had been
//! only one.

use super::scene::{Held, events, held, quick, side, wide};
use crate::api_ground::PROGRAM;
use adapters::eventstore::EventStoreLog;
use anyhow::{Context, ensure};
use projections::feed::EventFeed;
use serde_json::Value;
use std::process::{Child, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tests::rng::{Rng, seed};
use tests::server::command;
use tests::{StandIn, TestDatabase};

const KILLS: u64 = 8;

fn start(database: &TestDatabase, from: &str, to: &str) -> anyhow::Result<Child> {
    let arguments = ["log", "copy", "--json", "--from", from, "--to", to];
    command(PROGRAM, &database.url, &arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("the program starts")
}

/// Each event takes its time.
const SLOW: &str = "
    create function slow() returns trigger language plpgsql as $$
    begin
        perform pg_sleep(0.002);
        return new;
    end $$;
    create trigger slow before insert on log_events for each row execute function slow()";

/// Kills copies when the target holds so much, each time a little more, and lets the last one end.
async fn ensure_whole(
    database: &TestDatabase,
    (from, to): (&str, &str),
    target: &dyn EventFeed,
    expected: &Held,
    rng: &mut Rng,
) -> anyhow::Result<()> {
    let total = expected.len() as u64;
    let mut in_the_middle = 0;
    for round in 0..KILLS {
        let step = total / KILLS;
        let limit = round * step + rng.below(step);
        let mut child = start(database, from, to)?;
        while child.try_wait()?.is_none() {
            if events(target).await?.len() as u64 >= limit {
                // An instant later, whatever it is at then.
                tokio::time::sleep(Duration::from_micros(rng.below(20_000))).await;
                child.kill()?;
                break;
            }
        }
        child.wait()?;
        in_the_middle += u64::from(!held(target).await?.eq(expected));
    }
    eprintln!("copy: {in_the_middle} of {KILLS} kills in the middle");
    ensure!(in_the_middle * 2 > KILLS, "most kills land in the middle");
    let Output {
        status,
        stdout,
        stderr,
    } = start(database, from, to)?.wait_with_output()?;
    ensure!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    let printed: Value = serde_json::from_slice(&stdout)?;
    ensure!(printed["events"] == total, "{printed}");
    ensure!(held(target).await? == *expected, "every byte");
    ensure!(events(target).await?.len() as u64 == total, "nothing twice");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_that_are_killed_are_finished_by_the_next() -> anyhow::Result<()> {
    let seed = seed(20_261_122);
    eprintln!("copy kills: TEST_SEED={seed}");
    let mut rng = Rng::new(seed);
    let (ledger, store) = (wide(120, 4).await?, StandIn::start().await?);
    let other = TestDatabase::create().await?;
    let expected = held(&*ledger.log).await?;
    let url = quick(&store.url());
    let second = Arc::new(EventStoreLog::new(url.parse()?));
    // So slow that there is a middle to be killed in.
    let pace = Duration::from_millis(80);
    store.faults().hang_appends.until_cleared(Some(pace));
    ensure_whole(
        &ledger.database,
        ("postgres", &url),
        &*second,
        &expected,
        &mut rng,
    )
    .await?;
    store.faults().hang_appends.clear();
    other.connect().await?.batch_execute(SLOW).await?;
    let third = super::scene::postgres(&other).await?;
    ensure_whole(
        &other,
        (&url, "postgres"),
        &*side(&third).feed,
        &expected,
        &mut rng,
    )
    .await?;
    // Both are one history to the audit, too.
    let verified = command(PROGRAM, &other.url, &["audit", "verify", "--all", "--json"])
        .env("AUDIT_DIR", "/nonexistent")
        .output()?;
    let verified: Value = serde_json::from_slice(&verified.stdout)?;
    ensure!(verified["holds"] == true, "{verified}");
    Ok(())
}
