//! Two projectors of one name: they get into each other's way, and the rows do not show it.

use super::{Gate, assert_at_head, dump, engine, erase, filled_dump, until_at_head};
use crate::histories::random_history;
use projections::registry;
use tests::TestLedger;
use tests::rng::{Rng, seed};
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn two_projectors_of_one_name_do_no_harm() -> anyhow::Result<()> {
    let seed = seed(0x41ba1);
    eprintln!("seed {seed}");
    let ledger = TestLedger::create().await?;
    random_history(&ledger, &mut Rng::new(seed), 600).await?;
    ledger.catch_up().await?;
    let client = ledger.database.connect().await?;
    let alone = filled_dump(&client).await?;
    // The same batches, overlapping ones, and one that takes all at once.
    for (one, other) in [(60, 60), (60, 45), (50, 4_000), (35, 80)] {
        erase(&client).await?;
        let (one, other) = (
            engine(&ledger, one, registry()),
            engine(&ledger, other, registry()),
        );
        let cancel = CancellationToken::new();
        let (first, second) = tokio::join!(
            one.catch_up(&cancel, |_| {}),
            other.catch_up(&cancel, |_| {}),
        );
        first?;
        second?;
        assert_eq!(dump(&client).await?, alone);
        // Each event was counted by one of them only.
        assert_at_head(&ledger, &client).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_followers_keep_up_with_a_writer() -> anyhow::Result<()> {
    let seed = seed(0xf0110);
    eprintln!("seed {seed}");
    let mut rng = Rng::new(seed);
    let ledger = TestLedger::create().await?;
    let client = ledger.database.connect().await?;
    let (one, other) = (
        engine(&ledger, 30, registry()),
        engine(&ledger, 50, registry()),
    );
    let cancel = CancellationToken::new();
    let writing = async {
        let written = async {
            random_history(&ledger, &mut rng, 400).await?;
            until_at_head(&ledger, &client).await
        };
        let written = written.await;
        cancel.cancel();
        written
    };
    let (first, second, written) =
        tokio::join!(one.follow(&cancel), other.follow(&cancel), writing);
    written?;
    first?;
    second?;
    assert_at_head(&ledger, &client).await?;
    let followed = filled_dump(&client).await?;
    erase(&client).await?;
    ledger.catch_up().await?;
    assert_eq!(dump(&client).await?, followed);
    Ok(())
}

/// A projector stops within its transaction. The server ends that after ten seconds, another
/// projector goes on, and the one that wakes finds its work done.
#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_projector_holds_nothing_for_long() -> anyhow::Result<()> {
    let seed = seed(0xf402e);
    eprintln!("seed {seed}");
    let ledger = TestLedger::create().await?;
    random_history(&ledger, &mut Rng::new(seed), 300).await?;
    ledger.catch_up().await?;
    let client = ledger.database.connect().await?;
    let alone = filled_dump(&client).await?;
    erase(&client).await?;

    // It freezes in the third batch that it applies; what came before may be committed.
    let gate = Gate::after(3);
    let frozen = engine(&ledger, 40, gate.before(registry()));
    let other = engine(&ledger, 40, registry());
    let cancel = CancellationToken::new();
    let going_on = async {
        gate.reached.notified().await;
        let done = other.catch_up(&cancel, |_| {}).await;
        gate.released.notify_one();
        done
    };
    let (frozen, other) = tokio::join!(frozen.catch_up(&cancel, |_| {}), going_on);
    frozen?;
    other?;
    assert_eq!(dump(&client).await?, alone);
    assert_at_head(&ledger, &client).await
}
