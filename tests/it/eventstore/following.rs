//! Subscriptions that are dropped, end well, or say where they stand wrongly: a follower sees
//! every event once and in order, and goes on from the last place that it may believe.

use super::scene::{append, ids, new_stream, next, open, until_acknowledged, until_reached};
use anyhow::Context;
use commands::ports::{Append, EventLog, ExpectedRevision};
use domain::{EventId, RecordedEvent, StreamName};
use projections::feed::{EventFeed, FeedError, Follower};
use std::sync::Arc;
use std::time::Duration;
use tests::rng::{Rng, seed};
use tests::standin::{StandIn, StandInCluster};
use tokio::time::timeout;
use tonic::Code;
use uuid::Uuid;

fn ids_in(events: &[RecordedEvent]) -> Vec<EventId> {
    events.iter().map(|event| event.event_id).collect()
}

/// Events that are not an account's, which a server has to look through.
async fn noise(log: &dyn EventLog, count: usize) -> anyhow::Result<()> {
    let stream = StreamName::new(format!("noise-{}", Uuid::now_v7()));
    log.append(append(&stream, None, count)).await?;
    Ok(())
}

/// Writes so many events one after the other and gives their ids.
async fn write(
    log: &dyn EventLog,
    stream: &StreamName,
    from: usize,
    count: usize,
) -> anyhow::Result<Vec<EventId>> {
    let mut written = vec![];
    for n in from..from + count {
        let append = append(stream, (n as u64).checked_sub(1), 1);
        until_acknowledged(log, &append).await?;
        written.extend(ids(&append));
    }
    Ok(written)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_accounts_events_come() -> anyhow::Result<()> {
    let server = StandIn::start().await?;
    let log = open(&server.url())?;
    let stream = new_stream();
    let mut follower = Arc::clone(&log).follow(None);
    noise(&*log, 40).await?;
    let written = write(&*log, &stream, 0, 3).await?;
    noise(&*log, 40).await?;
    assert_eq!(ids_in(&next(&mut follower, 3).await?), written);
    assert_eq!(ids_in(&log.read_all(None, 100).await?), written);
    let head = log.head().await?.context("a head")?;
    assert_eq!(log.read_all(Some(head), 100).await?, vec![]);
    Ok(())
}

/// What lies beyond the last account's event is not looked through again: a follower gets to know
/// how far the server has looked, and each time in one step, not every 32 events.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_looked_through_is_told_in_large_steps() -> anyhow::Result<()> {
    let server = StandIn::start().await?;
    let log = open(&server.url())?;
    write(&*log, &new_stream(), 0, 1).await?;
    for _ in 0..10 {
        noise(&*log, 100).await?;
    }
    let mut follower = Arc::clone(&log).follow(None);
    let event = next(&mut follower, 1).await?.remove(0);
    // One at a time, so that none is hidden in another.
    let reached = timeout(super::scene::PATIENCE, follower.next_batch(1)).await??;
    assert!(reached.events.is_empty());
    assert!(reached.reached > event.position);
    let all = server.events();
    let last = all.last().context("events")?;
    assert_eq!(
        reached.reached.commit, last.commit,
        "in one step to the end"
    );
    Ok(())
}

async fn survives(
    break_it: impl Fn(&StandIn, u64),
    fired: impl Fn(&StandIn) -> u64,
) -> anyhow::Result<()> {
    let server = StandIn::start().await?;
    let log = open(&server.url())?;
    let stream = new_stream();
    let seed = seed(0x5ab5);
    eprintln!("seed {seed}");
    let mut rng = Rng::new(seed);
    break_it(&server, rng.below(5));
    let mut follower = Arc::clone(&log).follow(None);
    let mut written = write(&*log, &stream, 0, 5).await?;
    let mut found = next(&mut follower, 5).await?;
    for round in 0..10 {
        break_it(&server, rng.below(3));
        let before = written.len();
        let (more, came) = tokio::join!(write(&*log, &stream, before, 6), next(&mut follower, 6));
        written.extend(more?);
        found.extend(came.with_context(|| format!("round {round}"))?);
    }
    assert_eq!(ids_in(&found), written);
    assert!(fired(&server) > 0, "nothing broke");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_subscription_is_taken_up() -> anyhow::Result<()> {
    for code in [
        Code::Unavailable,
        Code::Aborted,
        Code::Cancelled,
        Code::Internal,
    ] {
        survives(
            |server, after| {
                server.faults().drop_subscriptions.next(1, (after, code));
                server.faults().break_subscriptions(code);
            },
            |server| server.faults().drop_subscriptions.fired(),
        )
        .await
        .with_context(|| format!("{code:?}"))?;
    }
    Ok(())
}

/// The client would ask the ended stream again, at once and for ever, on a thread that it never
/// gives back: without the tripwire this test does not end.
#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_ends_well_is_taken_up() -> anyhow::Result<()> {
    survives(
        |server, after| {
            server.faults().end_subscriptions.next(1, after);
            server.faults().break_subscriptions(Code::Unavailable);
        },
        |server| server.faults().end_subscriptions.fired(),
    )
    .await
}

/// It ends well again and again: each time after a pause, not in a loop.
#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_keeps_ending_is_not_a_loop() -> anyhow::Result<()> {
    let server = StandIn::start().await?;
    let log = open(&server.url())?;
    log.log_id().await?;
    server.faults().end_subscriptions.until_cleared(0);
    let mut follower = Arc::clone(&log).follow(None);
    server.faults().end_subscriptions.wait_fired(3).await;
    let written = write(&*log, &new_stream(), 0, 1).await?;
    server.faults().end_subscriptions.clear();
    assert_eq!(ids_in(&next(&mut follower, 1).await?), written);
    // Twenty milliseconds and more lie between two attempts.
    assert!(server.counts().subscriptions < 500);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_at_the_maximum_is_not_believed() -> anyhow::Result<()> {
    let server = StandIn::start().await?;
    let log = open(&server.url())?;
    let stream = new_stream();
    server.faults().checkpoint_at_max.until_cleared(());
    let mut follower = Arc::clone(&log).follow(None);
    let mut written = write(&*log, &stream, 0, 2).await?;
    let mut found = next(&mut follower, 2).await?;
    server.faults().checkpoint_at_max.wait_fired(1).await;
    // Gone on from there it would see nothing any more.
    server.faults().break_subscriptions(Code::Unavailable);
    written.extend(write(&*log, &stream, 2, 2).await?);
    found.extend(next(&mut follower, 2).await?);
    assert_eq!(ids_in(&found), written);
    let none = timeout(Duration::from_millis(300), follower.next_batch(10)).await;
    if let Ok(followed) = none {
        assert_ne!(followed?.reached.commit, u64::MAX);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_goes_back_is_not_believed() -> anyhow::Result<()> {
    let server = StandIn::start().await?;
    let log = open(&server.url())?;
    let stream = new_stream();
    noise(&*log, 5).await?;
    let mut written = write(&*log, &stream, 0, 3).await?;
    let faults = server.faults();
    faults.checkpoint_backwards.next(1, ());
    // Dropped just after it, with nothing behind it that would outweigh it.
    faults.drop_subscriptions.next(1, (1, Code::Unavailable));
    let mut follower = Arc::clone(&log).follow(None);
    // Gone on from there it would see the first event again.
    let mut found = next(&mut follower, 3).await?;
    assert_eq!(faults.checkpoint_backwards.fired(), 1);
    assert_eq!(faults.drop_subscriptions.fired(), 1);
    written.extend(write(&*log, &stream, 3, 3).await?);
    found.extend(next(&mut follower, 3).await?);
    assert_eq!(ids_in(&found), written);
    let mut reached = None;
    while let Ok(followed) = timeout(Duration::from_millis(200), follower.next_batch(9)).await {
        let followed = followed?;
        assert!(Some(followed.reached) > reached && followed.events.is_empty());
        reached = Some(followed.reached);
    }
    Ok(())
}

/// Taken up at the last event, the server would look through everything since then once more. What
/// it would find there is put there behind its back.
#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_at_the_checkpoint_and_not_at_the_last_event() -> anyhow::Result<()> {
    let server = StandIn::start().await?;
    let log = open(&server.url())?;
    let stream = new_stream();
    let first = write(&*log, &stream, 0, 1).await?;
    noise(&*log, 20).await?;
    let end = server.events().last().context("events")?.commit;
    let mut follower = Arc::clone(&log).follow(None);
    let event = next(&mut follower, 1).await?.remove(0);
    assert_eq!(event.event_id, first[0]);
    let end = domain::Position {
        commit: end,
        prepare: end,
        ..event.position
    };
    assert!(until_reached(&mut follower, end).await?.is_empty());
    let other = new_stream();
    server.tamper(|events| {
        for event in events.iter_mut().filter(|e| e.stream.starts_with("noise-")) {
            event.stream = other.as_str().into();
        }
    });
    server.faults().break_subscriptions(Code::Unavailable);
    let second = write(&*log, &stream, 1, 1).await?;
    assert_eq!(ids_in(&next(&mut follower, 1).await?), second);
    Ok(())
}

/// Both halves of a position go out as they came in: a server refuses a place with other halves.
#[tokio::test(flavor = "multi_thread")]
async fn both_halves_of_a_position_are_kept() -> anyhow::Result<()> {
    let server = StandIn::start().await?;
    let log = open(&server.url())?;
    write(&*log, &new_stream(), 0, 4).await?;
    // As in a transaction: what was written first is committed later.
    server.tamper(|events| {
        for event in events
            .iter_mut()
            .filter(|e| e.stream.starts_with("account-"))
        {
            event.prepare = event.commit - 1;
        }
    });
    let all = log.read_all(None, 10).await?;
    assert_eq!(all.len(), 4);
    for (n, event) in all.iter().enumerate() {
        assert_eq!(event.position.prepare + 1, event.position.commit);
        let rest = log.read_all(Some(event.position), 10).await?;
        assert_eq!(rest, all[n + 1..], "after event {n}");
        let mut follower = Arc::clone(&log).follow(Some(event.position));
        let came = next(&mut follower, all.len() - n - 1).await?;
        assert_eq!(came, all[n + 1..], "following after event {n}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_of_another_logs_position_is_told() -> anyhow::Result<()> {
    let (here, there) = (StandIn::start().await?, StandIn::start().await?);
    let (log, other) = (open(&here.url())?, open(&there.url())?);
    write(&*other, &new_stream(), 0, 1).await?;
    let foreign = other.head().await?;
    let mut follower: Box<dyn Follower> = Arc::clone(&log).follow(foreign);
    let outcome = follower.next_batch(10).await;
    assert!(
        matches!(&outcome, Err(FeedError::ForeignPosition(named)) if Some(*named) == foreign),
        "{outcome:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_is_followed_on() -> anyhow::Result<()> {
    let server = StandIn::start().await?;
    let log = open(&server.url())?;
    let stream = new_stream();
    server.stop().await;
    // Before there is a server at all.
    let mut follower = Arc::clone(&log).follow(None);
    let mut written = vec![];
    let mut found = vec![];
    for _ in 0..4 {
        server.restart().await?;
        let before = written.len();
        let (more, came) = tokio::join!(write(&*log, &stream, before, 5), next(&mut follower, 5));
        written.extend(more?);
        found.extend(came?);
        server.stop().await;
    }
    assert_eq!(ids_in(&found), written);
    Ok(())
}

/// A machine that is gone says nothing: the connection's own heartbeat finds out.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_falls_silent_is_left() -> anyhow::Result<()> {
    let cluster = StandInCluster::start(3).await?;
    let log = open(&cluster.url())?;
    let stream = new_stream();
    let mut written = write(&*log, &stream, 0, 3).await?;
    let mut follower = Arc::clone(&log).follow(None);
    let mut found = next(&mut follower, 3).await?;
    cluster.kill_hard(0);
    cluster.elect(1);
    written.extend(write(&*log, &stream, 3, 3).await?);
    found.extend(next(&mut follower, 3).await?);
    assert_eq!(ids_in(&found), written);
    Ok(())
}

/// Whoever reads slowly holds the subscription up, and loses nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_holds_up_what_it_cannot_take() -> anyhow::Result<()> {
    const APPENDS: usize = 80;
    let server = StandIn::start().await?;
    let log = open(&server.url())?;
    let stream = new_stream();
    let mut follower = Arc::clone(&log).follow(None);
    let mut written = vec![];
    let mut expected = ExpectedRevision::NoStream;
    // More bytes than may wait.
    for _ in 0..APPENDS {
        let append = Append {
            stream: stream.clone(),
            expected,
            events: super::scene::sized_events(1, 800 * 1_024),
        };
        let (appended, _) = until_acknowledged(&*log, &append).await?;
        expected = ExpectedRevision::Exact(appended.last_revision);
        written.extend(ids(&append));
    }
    assert_eq!(ids_in(&next(&mut follower, APPENDS).await?), written);
    Ok(())
}
