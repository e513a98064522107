//! Events that are applied again: the rows stay what they are.

use super::{applied, assert_at_head, dump, engine, erase, filled_dump, rewind};
use crate::fold;
use crate::histories::random_history;
use projections::tables::Statements;
use projections::{Tables, Version, registry};
use tests::TestLedger;
use tests::rng::{Rng, seed};
use tokio_util::sync::CancellationToken;

/// Past the checkpoint, which would not let it happen: batches of every size, three times each.
#[tokio::test(flavor = "multi_thread")]
async fn every_batch_thrice_is_every_batch_once() -> anyhow::Result<()> {
    let seed = seed(0x7417ce);
    eprintln!("seed {seed}");
    let ledger = TestLedger::create().await?;
    random_history(&ledger, &mut Rng::new(seed), 150).await?;
    ledger.catch_up().await?;
    let mut client = ledger.database.connect().await?;
    let once = filled_dump(&client).await?;
    let events = applied(&ledger).await?;
    for size in [1, 7, events.len()] {
        erase(&client).await?;
        for batch in events.chunks(size) {
            for projection in registry() {
                let version = Version {
                    projection,
                    number: 1,
                };
                let statements = Statements::default();
                for times in [2, 1] {
                    let transaction = client.transaction().await?;
                    let tables = Tables::new(&transaction, &version, &statements);
                    for _ in 0..times {
                        version.projection.apply(&tables, batch).await?;
                    }
                    transaction.commit().await?;
                }
            }
        }
        assert_eq!(dump(&client).await?, once, "batches of {size}");
    }
    Ok(())
}

/// How a log is cut into batches does not show.
#[tokio::test(flavor = "multi_thread")]
async fn a_replay_from_the_beginning_changes_nothing() -> anyhow::Result<()> {
    let seed = seed(0x4e91a7);
    eprintln!("seed {seed}");
    let ledger = TestLedger::create().await?;
    random_history(&ledger, &mut Rng::new(seed), 1_000).await?;
    ledger.catch_up().await?;
    let client = ledger.database.connect().await?;
    let once = filled_dump(&client).await?;
    assert_at_head(&ledger, &client).await?;
    // Nothing is left to do.
    ledger.catch_up().await?;
    assert_at_head(&ledger, &client).await?;

    rewind(&client).await?;
    ledger.catch_up().await?;
    assert_eq!(dump(&client).await?, once);
    assert_at_head(&ledger, &client).await?;
    for most in [300, 41] {
        erase(&client).await?;
        let engine = engine(&ledger, most, registry());
        let done = engine.catch_up(&CancellationToken::new(), |_| {}).await?;
        assert!(done.events > 0);
        assert_eq!(dump(&client).await?, once, "batches of {most}");
        assert_at_head(&ledger, &client).await?;
    }
    Ok(())
}

/// Read models of different ages are brought to the same place.
#[tokio::test(flavor = "multi_thread")]
async fn read_models_may_stand_at_different_places() -> anyhow::Result<()> {
    let seed = seed(0xd1ff);
    eprintln!("seed {seed}");
    let mut rng = Rng::new(seed);
    let ledger = TestLedger::create().await?;
    let all = registry();
    for ahead in 1..=all.len() {
        random_history(&ledger, &mut rng, 100).await?;
        let some = all.iter().take(ahead).cloned().collect();
        let engine = engine(&ledger, 37, some);
        engine.catch_up(&CancellationToken::new(), |_| {}).await?;
    }
    ledger.catch_up().await?;
    let client = ledger.database.connect().await?;
    assert_at_head(&ledger, &client).await?;
    let once = filled_dump(&client).await?;
    erase(&client).await?;
    ledger.catch_up().await?;
    assert_eq!(dump(&client).await?, once);
    Ok(())
}

/// Random histories against a fold that shares no code with the read models.
#[tokio::test(flavor = "multi_thread")]
async fn read_models_are_the_fold_of_random_histories() -> anyhow::Result<()> {
    for salt in 0..3 {
        let seed = seed(0xf01d) + salt;
        eprintln!("seed {seed}");
        let ledger = TestLedger::create().await?;
        random_history(&ledger, &mut Rng::new(seed), 400).await?;
        ledger.catch_up().await?;
        let client = ledger.database.connect().await?;
        fold::assert_read_models_equal_the_log(&client).await?;
    }
    Ok(())
}
