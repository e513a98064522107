//! Copies to and from a server that goes wrong: nothing is lost, doubled or put out of order.

use super::scene::{Held, copy, events, eventstore, held, postgres, side, wide};
use adapters::copy::Side;
use anyhow::ensure;
use std::time::Duration;
use tests::standin::{Faults, Lost, Written};
use tests::{StandIn, TestDatabase};

/// The copy ends well, and the target holds this and nothing twice.
async fn ensure_copied(from: &Side, to: &Side, expected: &Held, what: &str) -> anyhow::Result<()> {
    let copied = copy(from, to).await?;
    ensure!(copied.events == expected.len() as u64, "{what}: {copied:?}");
    let all = events(&*to.feed).await?;
    ensure!(all.len() == expected.len(), "{what}: {} events", all.len());
    ensure!(held(&*to.feed).await? == *expected, "{what}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn appends_that_go_wrong_are_made_good() -> anyhow::Result<()> {
    let ledger = wide(60, 2).await?;
    let from = side(&ledger.log);
    let expected = held(&*from.feed).await?;
    type Arm = fn(&Faults);
    let faults: [(&str, Arm); 8] = [
        ("refused", |f| f.refuse_appends.after(3, 6, ())),
        ("lost with its connection", |f| {
            f.lose_answers.after(3, 4, Lost::Connection);
        }),
        ("lost in silence", |f| {
            f.lose_answers.after(2, 2, Lost::Silence);
        }),
        ("lost as unavailable", |f| {
            f.lose_answers.after(2, 6, Lost::Unavailable);
        }),
        ("late", |f| {
            f.append_late.after(2, 3, Duration::from_millis(900));
        }),
        ("timed out, written", |f| {
            f.time_out_appends.after(2, 6, Written::Yes);
        }),
        ("timed out, not written", |f| {
            f.time_out_appends.after(2, 6, Written::No);
        }),
        ("spurious conflicts", |f| {
            f.spurious_conflicts.after(2, 3, ());
        }),
    ];
    for (what, arm) in faults {
        let store = StandIn::start().await?;
        let to = side(&eventstore(&store.url())?);
        arm(store.faults());
        ensure_copied(&from, &to, &expected, what).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_that_go_wrong_are_made_good() -> anyhow::Result<()> {
    let (ledger, store) = (wide(60, 2).await?, StandIn::start().await?);
    let origin = side(&ledger.log);
    let expected = held(&*origin.feed).await?;
    let from = side(&eventstore(&store.url())?);
    // While it is verified, too.
    store.faults().break_reads.after(2, 2, 40);
    ensure_copied(&origin, &from, &expected, "read back").await?;
    type Arm = fn(&Faults);
    let faults: [(&str, Arm); 2] = [
        ("refused", |f| f.refuse_reads.after(1, 3, ())),
        ("broken off", |f| f.break_reads.after(1, 3, 20)),
    ];
    for (what, arm) in faults {
        let database = TestDatabase::create().await?;
        let to = side(&postgres(&database).await?);
        arm(store.faults());
        ensure_copied(&from, &to, &expected, what).await?;
    }
    Ok(())
}

/// The server goes away in the middle, for good as it seems; another run goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_is_waited_for() -> anyhow::Result<()> {
    let (ledger, store) = (wide(120, 3).await?, StandIn::start().await?);
    let from = side(&ledger.log);
    let expected = held(&*from.feed).await?;
    let to = side(&eventstore(&store.url())?);
    let pace = Duration::from_millis(4);
    store.faults().hang_appends.until_cleared(Some(pace));
    let shaking = async {
        while store.counts().committed < 10 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        store.stop().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        store.restart().await
    };
    let (copied, shook) = tokio::join!(ensure_copied(&from, &to, &expected, "restart"), shaking);
    shook?;
    copied
}
