//! Projectors that die: between applying and committing, at any other moment, and by their
//! connections. What the next one makes of it equals one undisturbed run.

use super::{Gate, assert_at_head, dump, engine, erase, filled_dump, until_at_head};
use crate::doubles::same_database;
use crate::histories::random_history;
use anyhow::{bail, ensure};
use projections::engine::{EngineError, checkpoints};
use projections::feed::EventFeed;
use projections::registry;
use std::time::Duration;
use tests::TestLedger;
use tests::rng::{Rng, seed};
use tokio::time::{sleep, timeout};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

const MOST_ROUNDS: usize = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_death_before_the_commit_loses_and_doubles_nothing() -> anyhow::Result<()> {
    let seed = seed(0xdead);
    eprintln!("seed {seed}");
    let mut rng = Rng::new(seed);
    let ledger = TestLedger::create().await?;
    random_history(&ledger, &mut rng, 800).await?;
    ledger.catch_up().await?;
    let client = ledger.database.connect().await?;
    let undisturbed = filled_dump(&client).await?;
    erase(&client).await?;
    let cancel = CancellationToken::new();
    let mut deaths = 0;
    for round in 0.. {
        ensure!(round < MOST_ROUNDS, "no progress");
        let gate = Gate::after(1 + rng.below(9) as i64);
        let engine = engine(&ledger, 40, gate.before(registry()));
        let finished = tokio::select! {
            done = engine.catch_up(&cancel, |_| {}) => done.map(|_| true)?,
            // Everything is applied, nothing committed: here the engine is dropped.
            () = gate.reached.notified() => false,
        };
        if finished {
            break;
        }
        deaths += 1;
    }
    eprintln!("{deaths} deaths");
    assert!(deaths > 5);
    assert_eq!(dump(&client).await?, undisturbed);
    assert_at_head(&ledger, &client).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_at_any_moment_loses_and_doubles_nothing() -> anyhow::Result<()> {
    let seed = seed(0xd1e);
    eprintln!("seed {seed}");
    let mut rng = Rng::new(seed);
    let ledger = TestLedger::create().await?;
    random_history(&ledger, &mut rng, 800).await?;
    ledger.catch_up().await?;
    let client = ledger.database.connect().await?;
    let undisturbed = filled_dump(&client).await?;
    erase(&client).await?;
    let head = ledger.log.head().await?;
    let mut deaths = 0;
    for round in 0..MOST_ROUNDS {
        let engine = engine(&ledger, 20, registry());
        let moment = Duration::from_micros(rng.below(80_000));
        let cancel = CancellationToken::new();
        if round.is_multiple_of(3) {
            // Asked to stop: what is at work may be finished.
            let stop = async {
                sleep(moment).await;
                cancel.cancel();
            };
            let (stopped, ()) = tokio::join!(engine.catch_up(&cancel, |_| {}), stop);
            stopped?;
        } else if let Ok(done) = timeout(moment, engine.catch_up(&cancel, |_| {})).await {
            done?;
        }
        let held = checkpoints(&client).await?;
        if held.iter().all(|held| held.position == head) {
            break;
        }
        deaths += 1;
    }
    eprintln!("{deaths} deaths");
    assert!(deaths > 0);
    ledger.catch_up().await?;
    assert_eq!(dump(&client).await?, undisturbed);
    assert_at_head(&ledger, &client).await
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_connections_lose_and_double_nothing() -> anyhow::Result<()> {
    let seed = seed(0xc0);
    eprintln!("seed {seed}");
    let ledger = TestLedger::create().await?;
    random_history(&ledger, &mut Rng::new(seed), 800).await?;
    ledger.catch_up().await?;
    let client = ledger.database.connect().await?;
    let undisturbed = filled_dump(&client).await?;
    erase(&client).await?;
    let storm = async {
        for _ in 0..20 {
            end_all_others(&client).await?;
            sleep(Duration::from_millis(12)).await;
        }
        anyhow::Ok(())
    };
    let (storm, caught_up) = tokio::join!(storm, until_caught_up(&ledger));
    storm?;
    caught_up?;
    assert_eq!(dump(&client).await?, undisturbed);
    // The pool may still hold a connection that the storm ended.
    let calm = TestLedger::over(same_database(&ledger.database)).await?;
    assert_at_head(&calm, &client).await
}

/// A crash of the server may take back commits that did not wait for the disk: rows and
/// checkpoints together. A projector that lives through it goes on from there, not from where it
/// remembers to have been.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_forgot_is_projected_again() -> anyhow::Result<()> {
    let seed = seed(0xf0490);
    eprintln!("seed {seed}");
    let mut rng = Rng::new(seed);
    let ledger = TestLedger::create().await?;
    random_history(&ledger, &mut rng, 200).await?;
    let client = ledger.database.connect().await?;
    let engine = engine(&ledger, 50, registry());
    let cancel = CancellationToken::new();
    let crash = async {
        until_at_head(&ledger, &client).await?;
        erase(&client).await?;
        end_all_others(&client).await?;
        // The pool may still hold a connection that is no more.
        let writer = TestLedger::over(same_database(&ledger.database)).await?;
        random_history(&writer, &mut rng, 100).await?;
        until_at_head(&writer, &client).await
    };
    tokio::select! {
        // To halt is right too, as long as it is told.
        halted = engine.follow(&cancel) => eprintln!("halted: {halted:?}"),
        done = crash => done?,
    }
    drop(engine);
    let calm = TestLedger::over(same_database(&ledger.database)).await?;
    calm.catch_up().await?;
    let found = filled_dump(&client).await?;
    assert_at_head(&calm, &client).await?;
    erase(&client).await?;
    calm.catch_up().await?;
    assert_eq!(dump(&client).await?, found);
    Ok(())
}

/// Starts again whenever a run could not even begin; within a run the engine tries again itself.
async fn until_caught_up(ledger: &TestLedger) -> anyhow::Result<()> {
    let mut last = None;
    for _ in 0..200 {
        let engine = engine(ledger, 15, registry());
        match engine.catch_up(&CancellationToken::new(), |_| {}).await {
            Ok(_) => return Ok(()),
            Err(error @ (EngineError::Undecodable { .. } | EngineError::ForeignCheckpoint(_))) => {
                return Err(error.into());
            }
            Err(error) => last = Some(error),
        }
        sleep(Duration::from_millis(20)).await;
    }
    bail!("the read models were never caught up: {last:?}")
}

/// Ends every connection to the database but this one.
async fn end_all_others(client: &Client) -> anyhow::Result<()> {
    client
        .execute(
            "select pg_terminate_backend(pid)
             from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid()
                 and backend_type = 'client backend'",
            &[],
        )
        .await?;
    Ok(())
}
