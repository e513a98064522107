//! A rebuild that is killed goes on where it was, as often as it is killed.

use super::{all_at, names, rebuild};
use crate::api_ground::PROGRAM;
use crate::fold::assert_versions_equal_the_log;
use crate::histories::random_history;
use anyhow::ensure;
use projections::feed::EventFeed;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use tests::TestLedger;
use tests::rng::{Rng, seed};
use tests::server::command;
use tokio_postgres::Client;

/// So slow that there is much time to be killed in.
const EVENTS_PER_SECOND: &str = "400";
/// What a kill may come after the start of the program, in milliseconds.
const LONGEST_LIFE: u64 = 500;
const MOST_ROUNDS: usize = 400;

fn start(ledger: &TestLedger, name: &str) -> anyhow::Result<Child> {
    let arguments = [
        "projections",
        "rebuild",
        name,
        "--max-rate",
        EVENTS_PER_SECOND,
    ];
    Ok(command(PROGRAM, &ledger.database.url, &arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?)
}

/// The events that each shard of the second version has.
async fn held(client: &Client, name: &str) -> anyhow::Result<Vec<i64>> {
    let rows = client
        .query(
            "select commit_position
             from projection_checkpoints
             where name = $1 and version = 2
             order by shard",
            &[&name],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get("commit_position")).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_rebuild_goes_on_where_it_was() -> anyhow::Result<()> {
    let seed = seed(0x4111);
    eprintln!("seed {seed}");
    let mut rng = Rng::new(seed);
    let ledger = TestLedger::create().await?;
    let client = ledger.database.connect().await?;
    random_history(&ledger, &mut rng, 500).await?;
    ledger.catch_up().await?;
    let (mut kills, mut within) = (0, 0);
    for name in ["top_posts", "follower_trends"] {
        let mut before = vec![];
        for round in 0.. {
            ensure!(round < MOST_ROUNDS, "no end");
            let mut program = start(&ledger, name)?;
            let life = Instant::now() + Duration::from_millis(rng.below(LONGEST_LIFE));
            let ended = loop {
                if let Some(status) = program.try_wait()? {
                    break Some(status);
                }
                if Instant::now() >= life {
                    program.kill()?;
                    program.wait()?;
                    break None;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            };
            if ended.is_some_and(|status| status.success()) {
                break;
            }
            // Its lock may outlive it by a moment, and then the next one is refused.
            kills += usize::from(ended.is_none());
            let now = held(&client, name).await?;
            let went_back = before.iter().zip(&now).any(|(before, now)| now < before);
            ensure!(!went_back, "{name}: {before:?}, then {now:?}");
            within += usize::from(now != before && !before.is_empty());
            before = now;
        }
    }
    eprintln!("{kills} kills, {within} times something had been done in between");
    ensure!(
        kills > 5 && within > 2,
        "{kills} kills, {within} with progress"
    );
    for name in names() {
        // The others, and what was appended since.
        if name == "accounts" || name == "sync_health" {
            rebuild(&ledger, name).await?;
        }
        let diff = ledger.administration().diff(name, None).await?;
        ensure!(diff.same && diff.accounts_in_motion == 0, "{diff:?}");
    }
    // Each event was counted once, so nothing was done twice.
    let row = client
        .query_one(
            "select count(distinct done) as counts, min(done) as done
             from (
                 select sum(events + skipped)::bigint as done
                 from projection_checkpoints
                 group by name, version
             ) versions",
            &[],
        )
        .await?;
    let events = ledger.log.head().await?.map_or(0, |head| head.commit);
    assert_eq!(row.get::<_, i64>("counts"), 1);
    assert_eq!(row.get::<_, i64>("done"), events.cast_signed());
    assert_versions_equal_the_log(&client, &all_at(2)).await
}
