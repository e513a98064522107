//! Every fault fires as it says, as often as it was told to.

use super::{
    Sent, append, append_in_haste, client, contents, named, next, read_all, read_stream, until_live,
};
use anyhow::Result;
use eventstore::{
    Error, Position, ReadAllOptions, ReadStreamOptions, StreamPosition, StreamState,
    SubscribeToAllOptions,
};
use std::time::Duration;
use tests::StandIn;
use tests::standin::{Lost, Written};
use tonic::Code;

use StreamState::{NoStream, StreamRevision};

fn from_start() -> SubscribeToAllOptions {
    SubscribeToAllOptions::default().position(StreamPosition::Start)
}

fn is_unavailable<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error::ServerError(_)))
}

#[tokio::test]
async fn appends_are_refused_as_often_as_told() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    let refuse = &stand_in.faults().refuse_appends;
    refuse.after(1, 2, ());
    append(&client, "s", NoStream, &["a"]).await?;
    for _ in 0..2 {
        let refused = append(&client, "s", StreamRevision(0), &["b"]).await;
        assert!(is_unavailable(&refused), "{refused:?}");
    }
    append(&client, "s", StreamRevision(0), &["b"]).await?;
    assert_eq!((refuse.fired(), stand_in.events().len()), (2, 2));

    refuse.until_cleared(());
    for _ in 0..3 {
        let refused = append(&client, "t", NoStream, &["c"]).await;
        assert!(is_unavailable(&refused), "{refused:?}");
    }
    refuse.clear();
    append(&client, "t", NoStream, &["c"]).await?;
    assert_eq!((refuse.fired(), stand_in.events().len()), (5, 3));
    Ok(())
}

#[tokio::test]
async fn a_hanging_append_ends_with_its_deadline_and_writes_nothing() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    let hang = &stand_in.faults().hang_appends;
    hang.next(1, None);
    let answer = append_in_haste(&client, "s", "a").await;
    assert!(matches!(answer, Err(Error::DeadlineExceeded)), "{answer:?}");
    assert_eq!((hang.fired(), stand_in.events().len()), (1, 0));
    hang.next(1, Some(Duration::from_millis(20)));
    append(&client, "s", NoStream, &["a"]).await?;
    hang.wait_fired(2).await;
    assert_eq!(stand_in.events().len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_late_append_is_written_when_nobody_waits_any_more() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    let late = &stand_in.faults().append_late;
    late.next(1, Duration::from_millis(700));
    let answer = append_in_haste(&client, "s", "a").await;
    assert!(matches!(answer, Err(Error::DeadlineExceeded)), "{answer:?}");
    while stand_in.events().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The same again is the same.
    append(&client, "s", NoStream, &["a"]).await?;
    assert_eq!((late.fired(), stand_in.events().len()), (1, 1));
    Ok(())
}

#[tokio::test]
async fn a_lost_answer_leaves_the_append_in_the_log() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let lose = &stand_in.faults().lose_answers;
    for (how, stream) in [
        (Lost::Connection, "s"),
        (Lost::Silence, "t"),
        (Lost::Unavailable, "u"),
    ] {
        let client = client(&stand_in.url())?;
        lose.next(1, how);
        let answer = append_in_haste(&client, stream, "a").await;
        match how {
            Lost::Silence => {
                assert!(matches!(answer, Err(Error::DeadlineExceeded)), "{answer:?}");
            }
            _ => assert!(is_unavailable(&answer), "{how:?}: {answer:?}"),
        }
        append(&client, stream, NoStream, &["a"]).await?;
    }
    assert_eq!((lose.fired(), stand_in.events().len()), (3, 3));
    assert_eq!(stand_in.counts().committed, 6);
    Ok(())
}

#[tokio::test]
async fn a_server_may_time_out_before_or_after_it_wrote() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    let time_out = &stand_in.faults().time_out_appends;
    for (written, stream, events) in [(Written::No, "s", 0), (Written::Yes, "t", 1)] {
        time_out.next(1, written);
        let answer = append(&client, stream, NoStream, &["a"]).await;
        let aborted = matches!(&answer, Err(Error::Grpc { code, .. }) if *code == Code::Aborted);
        assert!(aborted, "{answer:?}");
        assert_eq!(stand_in.events().len(), events);
    }
    assert_eq!(time_out.fired(), 2);
    Ok(())
}

#[tokio::test]
async fn a_conflict_may_be_told_where_there_is_none() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    stand_in.faults().spurious_conflicts.next(1, ());
    let answer = append(&client, "s", NoStream, &["a"]).await;
    assert!(
        matches!(answer, Err(Error::WrongExpectedVersion { .. })),
        "{answer:?}"
    );
    assert_eq!(stand_in.faults().spurious_conflicts.fired(), 1);
    append(&client, "s", NoStream, &["a"]).await?;
    assert_eq!(stand_in.events().len(), 1);
    Ok(())
}

#[tokio::test]
async fn another_server_may_be_named_as_the_leader() -> Result<()> {
    let (one, two) = (StandIn::start().await?, StandIn::start().await?);
    let client = client(&one.url())?;
    one.faults().not_leader.next(1, two.endpoint());
    match append(&client, "s", NoStream, &["a"]).await {
        Err(Error::NotLeaderException(leader)) => {
            assert_eq!(leader.port, u32::from(two.endpoint().port));
        }
        other => panic!("{other:?}"),
    }
    append(&client, "s", NoStream, &["a"]).await?;
    assert_eq!((one.events().len(), two.events().len()), (0, 1));
    assert_eq!(one.faults().not_leader.fired(), 1);
    Ok(())
}

#[tokio::test]
async fn a_server_may_die_before_or_after_it_wrote() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let die = &stand_in.faults().die_on_append;
    for (written, stream, events) in [(Written::No, "s", 0), (Written::Yes, "t", 1)] {
        let client = client(&stand_in.url())?;
        die.next(1, written);
        let answer = append(&client, stream, NoStream, &["a"]).await;
        assert!(is_unavailable(&answer), "{answer:?}");
        assert_eq!(stand_in.events().len(), events);
        // For good: nobody answers until it is started again.
        let dead = super::client(&stand_in.url())?;
        let refused = append(&dead, stream, NoStream, &["a"]).await;
        assert!(
            matches!(refused, Err(Error::GrpcConnectionError(_))),
            "{refused:?}"
        );
        stand_in.restart().await?;
    }
    assert_eq!(die.fired(), 2);
    Ok(())
}

#[tokio::test]
async fn reads_are_refused_broken_and_slow() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    append(&client, "s", NoStream, &["a", "b", "c"]).await?;
    let faults = stand_in.faults();
    faults.refuse_reads.next(1, ());
    let refused = read_all(&client, ReadAllOptions::default()).await;
    assert!(is_unavailable(&refused));

    faults.break_reads.next(1, 2);
    let mut read = client
        .read_stream("s", &ReadStreamOptions::default())
        .await?;
    for _ in 0..2 {
        assert!(read.next().await?.is_some());
    }
    assert!(is_unavailable(&read.next().await));

    faults.slow_reads.next(1, Duration::from_millis(5));
    let slow = read_stream(&client, "s", ReadStreamOptions::default()).await?;
    assert_eq!(contents(&slow), ["a", "b", "c"]);
    let fired = [
        faults.refuse_reads.fired(),
        faults.break_reads.fired(),
        faults.slow_reads.fired(),
    ];
    assert_eq!(fired, [1, 1, 1]);
    Ok(())
}

#[tokio::test]
async fn a_subscription_is_dropped_after_some_events() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    append(&client, "s", NoStream, &["a", "b", "c"]).await?;
    let drop = &stand_in.faults().drop_subscriptions;
    drop.next(1, (2, Code::Aborted));
    let mut subscription = client.subscribe_to_all(&from_start()).await;
    assert_eq!(next(&mut subscription).await?, Sent::Confirmed);
    assert_eq!(next(&mut subscription).await?, named("a"));
    assert_eq!(next(&mut subscription).await?, named("b"));
    let dropped = next(&mut subscription).await;
    let aborted = matches!(&dropped, Err(Error::Grpc { code, .. }) if *code == Code::Aborted);
    assert!(aborted, "{dropped:?}");
    assert_eq!(drop.fired(), 1);
    // The next one lives, until all that run are broken.
    let mut subscription = client.subscribe_to_all(&from_start()).await;
    until_live(&mut subscription).await?;
    stand_in.faults().break_subscriptions(Code::Unavailable);
    let broken = next(&mut subscription).await;
    assert!(is_unavailable(&broken), "{broken:?}");
    assert_eq!(stand_in.counts().subscriptions, 2);
    Ok(())
}

#[tokio::test]
async fn checkpoints_may_be_nonsense() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    let faults = stand_in.faults();
    append(&client, "s", NoStream, &["a", "b"]).await?;
    let places: Vec<Position> = stand_in
        .events()
        .iter()
        .map(|event| Position {
            commit: event.commit,
            prepare: event.prepare,
        })
        .collect();
    faults.checkpoint_at_max.next(1, ());
    faults.checkpoint_backwards.next(1, ());
    let after = SubscribeToAllOptions::default().position(StreamPosition::Position(places[0]));
    let mut subscription = client.subscribe_to_all(&after).await;
    let highest = Position {
        commit: u64::MAX,
        prepare: u64::MAX,
    };
    let wanted = [
        Sent::Confirmed,
        named("b"),
        Sent::Checkpoint(places[0]),
        Sent::Checkpoint(highest),
        Sent::CaughtUp,
    ];
    assert_eq!(until_live(&mut subscription).await?, wanted);
    assert_eq!(faults.checkpoint_at_max.fired(), 1);
    assert_eq!(faults.checkpoint_backwards.fired(), 1);
    Ok(())
}

#[tokio::test]
async fn connections_are_refused_until_cleared() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let refuse = &stand_in.faults().refuse_connections;
    refuse.until_cleared(());
    let refused = append(&client(&stand_in.url())?, "s", NoStream, &["a"]).await;
    assert!(
        matches!(refused, Err(Error::GrpcConnectionError(_))),
        "{refused:?}"
    );
    assert!(refuse.fired() >= 1);
    refuse.clear();
    append(&client(&stand_in.url())?, "s", NoStream, &["a"]).await?;
    assert_eq!(stand_in.events().len(), 1);
    Ok(())
}
