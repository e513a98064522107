//! A calm copy: there and back, again, with nothing, and with more streams than anybody remembers.

use super::scene::{copy, events, eventstore, held, ledger, postgres, side};
use anyhow::ensure;
use commands::ports::{Append, EventLog, ExpectedRevision, NewEvent};
use domain::chain::ChainHash;
use domain::{EventId, Position, RecordedEvent, StreamName};
use projections::feed::EventFeed;
use std::sync::Arc;
use tests::memory_log::MemoryLog;
use tests::{StandIn, TestDatabase};
use uuid::Uuid;

/// More than the copy remembers, on either side.
const MANY_STREAMS: u64 = 70_000;

#[tokio::test(flavor = "multi_thread")]
async fn there_and_back_every_byte_is_the_same() -> anyhow::Result<()> {
    let (ledger, store) = (ledger(3, 900).await?, StandIn::start().await?);
    let other = TestDatabase::create().await?;
    let (first, second) = (side(&ledger.log), side(&eventstore(&store.url())?));
    let third = side(&postgres(&other).await?);
    let expected = held(&*first.feed).await?;
    let there = copy(&first, &second).await?;
    ensure!(held(&*second.feed).await? == expected, "there");
    let back = copy(&second, &third).await?;
    ensure!(held(&*third.feed).await? == expected, "and back");
    for copied in [there, back] {
        ensure!(copied.events == expected.len() as u64, "{copied:?}");
        ensure!(copied.appended == copied.events, "{copied:?}");
        ensure!(copied.streams == 4, "{copied:?}");
    }
    // Again nothing is appended, not even to the log that it came from.
    let before = store.events();
    for (from, to) in [(&first, &second), (&second, &third), (&second, &first)] {
        let again = copy(from, to).await?;
        ensure!(again.appended == 0, "{again:?}");
        ensure!(again.events == expected.len() as u64, "{again:?}");
    }
    ensure!(store.events() == before, "the target was left as it was");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_added_is_copied_behind_what_is_there() -> anyhow::Result<()> {
    let (ledger, store) = (ledger(4, 60).await?, StandIn::start().await?);
    let (from, to) = (side(&ledger.log), side(&eventstore(&store.url())?));
    let mut before = copy(&from, &to).await?.events;
    for round in 0..3 {
        let mut rng = tests::rng::Rng::new(50 + round);
        crate::histories::random_history(&ledger, &mut rng, 60).await?;
        let copied = copy(&from, &to).await?;
        ensure!(copied.appended == copied.events - before, "{copied:?}");
        ensure!(held(&*from.feed).await? == held(&*to.feed).await?);
        before = copied.events;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_log_is_copied_too() -> anyhow::Result<()> {
    let (from, to) = (TestDatabase::create().await?, StandIn::start().await?);
    let (from, to) = (side(&postgres(&from).await?), side(&eventstore(&to.url())?));
    let copied = copy(&from, &to).await?;
    ensure!((copied.events, copied.streams) == (0, 0), "{copied:?}");
    ensure!(copied.to.position().is_none(), "{copied:?}");
    Ok(())
}

/// What else lies in a log is somebody else's.
#[tokio::test(flavor = "multi_thread")]
async fn streams_that_are_no_accounts_are_left_out() -> anyhow::Result<()> {
    let (ledger, store) = (ledger(5, 30).await?, StandIn::start().await?);
    let event = NewEvent {
        event_id: EventId::from_uuid(Uuid::now_v7()),
        event_type: "Theirs".into(),
        metadata: b"{}".to_vec(),
        data: b"{}".to_vec(),
    };
    let theirs = Append {
        stream: StreamName::new("somebody-elses"),
        expected: ExpectedRevision::NoStream,
        events: [event].into(),
    };
    let (from, to) = (side(&ledger.log), side(&eventstore(&store.url())?));
    ledger.log.append(theirs.clone()).await?;
    // The target may hold such ones too.
    let mut other = theirs;
    other.stream = StreamName::new("another-ones");
    to.log.append(other).await?;
    let copied = copy(&from, &to).await?;
    ensure!(copied.left_out == 1, "{copied:?}");
    ensure!(copied.events + 1 == held(&*from.feed).await?.len() as u64);
    ensure!(copied.events == held(&*to.feed).await?.len() as u64);
    Ok(())
}

/// Events of so many streams, one of each by turns, each stream with a sound chain.
fn by_turns(streams: u64, rounds: u64) -> Vec<RecordedEvent> {
    let mut prev = vec![ChainHash::GENESIS; streams as usize];
    let mut events = vec![];
    for revision in 0..rounds {
        for (n, prev) in (0..).zip(&mut prev) {
            let account = Uuid::from_u64_pair(0x0190_0000_0000_7000, 0x8000_0000_0000_0000 + n);
            let event = RecordedEvent {
                stream: StreamName::new(format!("account-{account}")),
                revision,
                position: Position {
                    log: Uuid::nil(),
                    commit: 0,
                    prepare: 0,
                },
                event_id: EventId::from_uuid(Uuid::from_u64_pair(n, revision)),
                event_type: "Tested".to_owned(),
                metadata: format!(r#"{{"prev":"{prev}"}}"#).into_bytes(),
                data: b"{}".to_vec(),
            };
            *prev = ChainHash::of_recorded(&event);
            events.push(event);
        }
    }
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn more_streams_than_are_remembered() -> anyhow::Result<()> {
    let (from, to) = (
        Arc::new(MemoryLog::default()),
        Arc::new(MemoryLog::default()),
    );
    let all = by_turns(MANY_STREAMS, 3);
    from.replace(all.clone());
    // A copy that ended in the middle of the second round.
    let half = MANY_STREAMS as usize * 3 / 2;
    to.replace(all[..half].to_vec());
    let copied = copy(&side(&from), &side(&to)).await?;
    ensure!(copied.streams == MANY_STREAMS, "{copied:?}");
    ensure!(copied.appended == (all.len() - half) as u64, "{copied:?}");
    ensure!(events(&*to).await?.len() == all.len());
    // And into an empty one.
    let to = Arc::new(MemoryLog::default());
    let copied = copy(&side(&from), &side(&to)).await?;
    ensure!(copied.appended == all.len() as u64, "{copied:?}");
    ensure!(to.head().await?.is_some());
    Ok(())
}
