//! The way of a version: made, filled, live, taken back, dropped; and what is refused on the way.

use super::{
    all_at, both_equal_the_log, live, names, outlast_answers, rebuild, standing, switched,
};
use crate::fold::{assert_read_models_equal_the_log, assert_versions_equal_the_log};
use crate::histories::random_history;
use projections::admin::{AdminError, State};
use projections::feed::EventFeed;
use std::num::NonZeroU32;
use tests::TestLedger;
use tests::rng::{Rng, seed};
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn every_read_model_is_rebuilt_switched_taken_back_and_dropped() -> anyhow::Result<()> {
    let seed = seed(0x4eb);
    eprintln!("seed {seed}");
    let mut rng = Rng::new(seed);
    let ledger = TestLedger::create().await?;
    let client = ledger.database.connect().await?;
    let administration = ledger.administration();
    random_history(&ledger, &mut rng, 300).await?;
    ledger.catch_up().await?;
    for name in names() {
        assert_eq!(rebuild(&ledger, name).await?, 2);
        let beside = standing(&ledger, name, 2).await?;
        assert_eq!((beside.live, beside.state), (false, State::Ready));
        assert_eq!(
            (beside.lag_events, beside.lag_seconds),
            (Some(0), Some(0.0))
        );
        let diff = administration.diff(name, None).await?;
        assert!(diff.same, "{diff:?}");
        assert_eq!((diff.here, diff.there), (1, 2));
        assert!(
            diff.tables.iter().any(|table| table.rows_here > 0),
            "{diff:?}"
        );
    }
    assert_eq!(
        format!("{:?}", live(&client).await?),
        format!("{:?}", all_at(1))
    );
    // Both versions are kept from now on.
    random_history(&ledger, &mut rng, 200).await?;
    ledger.catch_up().await?;
    both_equal_the_log(&client).await?;
    for name in names() {
        assert_eq!(
            administration.switch(name, None).await?,
            switched(name, 1, 2)
        );
        assert_eq!(standing(&ledger, name, 2).await?.replaces, Some(1));
    }
    assert_eq!(
        format!("{:?}", live(&client).await?),
        format!("{:?}", all_at(2))
    );
    random_history(&ledger, &mut rng, 100).await?;
    ledger.catch_up().await?;
    assert_read_models_equal_the_log(&client).await?;
    for name in names() {
        assert_eq!(administration.rollback(name).await?, switched(name, 2, 1));
        // There was nothing before the first version.
        let nothing = administration.rollback(name).await;
        assert!(
            matches!(nothing, Err(AdminError::NothingBefore { .. })),
            "{nothing:?}"
        );
        // It was only taken back: it can be switched to again.
        assert_eq!(
            administration.switch(name, None).await?,
            switched(name, 1, 2)
        );
        let live = administration.drop_version(name, 2).await;
        assert!(
            matches!(live, Err(AdminError::DropsLive { .. })),
            "{live:?}"
        );
        let in_use = administration.drop_version(name, 1).await;
        assert!(
            matches!(in_use, Err(AdminError::InUse { .. })),
            "{in_use:?}"
        );
    }
    outlast_answers(&client).await?;
    for name in names() {
        administration.drop_version(name, 1).await?;
        let gone = administration.drop_version(name, 1).await;
        assert!(
            matches!(gone, Err(AdminError::NoVersion { .. })),
            "{gone:?}"
        );
        // What was live before is gone.
        let nothing = administration.rollback(name).await;
        assert!(
            matches!(nothing, Err(AdminError::NothingBefore { .. })),
            "{nothing:?}"
        );
    }
    let left = "select count(*) from pg_class where relname ~ '_v1(_|$)'";
    assert_eq!(client.query_one(left, &[]).await?.get::<_, i64>(0), 0);
    random_history(&ledger, &mut rng, 100).await?;
    ledger.catch_up().await?;
    assert_read_models_equal_the_log(&client).await?;
    // A number is not used twice.
    assert_eq!(rebuild(&ledger, "accounts").await?, 3);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_lacks_something_does_not_go_live() -> anyhow::Result<()> {
    let seed = seed(0x5a1);
    eprintln!("seed {seed}");
    let mut rng = Rng::new(seed);
    let ledger = TestLedger::create().await?;
    let client = ledger.database.connect().await?;
    let administration = ledger.administration();
    random_history(&ledger, &mut rng, 150).await?;
    ledger.catch_up().await?;
    let nothing = administration.switch("top_posts", None).await;
    assert!(
        matches!(nothing, Err(AdminError::NothingBeside { .. })),
        "{nothing:?}"
    );
    let unknown = administration.switch("top_post", None).await;
    assert!(
        matches!(unknown, Err(AdminError::Unknown { .. })),
        "{unknown:?}"
    );
    // Stopped before it was full: it is there, and not to be switched to.
    let begun = administration.begin_rebuild("top_posts").await?;
    let stopped = CancellationToken::new();
    stopped.cancel();
    assert!(!begun.run(None, &stopped, |_| {}).await?);
    assert_eq!(
        standing(&ledger, "top_posts", 2).await?.state,
        State::Filling
    );
    let twice = administration.begin_rebuild("top_posts").await;
    assert!(matches!(twice, Err(AdminError::BeingRebuilt { .. })));
    let at_work = administration.drop_version("top_posts", 2).await;
    assert!(
        matches!(at_work, Err(AdminError::BeingRebuilt { .. })),
        "{at_work:?}"
    );
    drop(begun);
    let not_full = administration.switch("top_posts", Some(2)).await;
    assert!(
        matches!(not_full, Err(AdminError::NotFilled { .. })),
        "{not_full:?}"
    );
    // Nobody but a rebuild fills it.
    ledger.catch_up().await?;
    let paused = standing(&ledger, "top_posts", 2).await?;
    assert_eq!((paused.state, paused.position), (State::Paused, None));
    // The next rebuild goes on with it.
    assert_eq!(rebuild(&ledger, "top_posts").await?, 2);
    // The live one is given more than the other one has.
    random_history(&ledger, &mut rng, 50).await?;
    ledger.catch_up().await?;
    client
        .batch_execute(
            "update projection_checkpoints
             set commit_position = commit_position - 1
             where name = 'top_posts' and version = 2 and shard = 3",
        )
        .await?;
    let behind = administration.switch("top_posts", None).await;
    assert!(
        matches!(behind, Err(AdminError::Behind { .. })),
        "{behind:?}"
    );
    assert_eq!(standing(&ledger, "top_posts", 2).await?.lag_events, Some(1));
    ledger.catch_up().await?;
    administration.switch("top_posts", None).await?;
    assert_versions_equal_the_log(&client, &live(&client).await?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capped_rebuild_reads_no_faster() -> anyhow::Result<()> {
    let seed = seed(0xca9);
    eprintln!("seed {seed}");
    let ledger = TestLedger::create().await?;
    random_history(&ledger, &mut Rng::new(seed), 300).await?;
    ledger.catch_up().await?;
    let events = ledger.log.head().await?.map_or(0, |head| head.commit);
    let rebuild = ledger.administration().begin_rebuild("accounts").await?;
    let rate = NonZeroU32::new(200).expect("not zero");
    let seen = std::sync::Mutex::new(vec![]);
    let started = std::time::Instant::now();
    let filled = rebuild
        .run(Some(rate), &CancellationToken::new(), |done| {
            seen.lock().expect("nobody panics").push(done);
        })
        .await?;
    assert!(filled);
    // The last batch is not waited for: so much time, at the least, whatever the machine.
    let least = (events.saturating_sub(50)) as f64 / 200.0;
    assert!(started.elapsed().as_secs_f64() >= least * 0.95, "{least} s");
    let seen = seen.into_inner().expect("nobody panics");
    let last = seen.last().expect("something was done");
    assert_eq!((last.events, last.from, last.total), (events, 0, events));
    assert!(seen.len() as u64 >= events / 50, "{} steps", seen.len());
    Ok(())
}
