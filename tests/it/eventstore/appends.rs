//! Appends whose answer does not come as it should: whatever happened, a retry of the same bytes
//! ends with every event exactly once.

use super::scene::{
    append, events, ids, ids_of, new_stream, open, sized_events, until_acknowledged,
};
use commands::ports::{Append, AppendError, EventLog, ExpectedRevision};
use std::time::Duration;
use tests::standin::{Lost, StandIn, Written};

/// A stream with one event, so that what follows is at an exact revision too.
async fn begun(log: &dyn EventLog) -> anyhow::Result<domain::StreamName> {
    let stream = new_stream();
    log.append(append(&stream, None, 1)).await?;
    Ok(stream)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_unknown_and_a_retry_is_recognised() -> anyhow::Result<()> {
    for lost in [Lost::Connection, Lost::Silence, Lost::Unavailable] {
        let server = StandIn::start().await?;
        let log = open(&server.url())?;
        let stream = begun(&*log).await?;
        server.faults().lose_answers.next(1, lost);
        let append = append(&stream, Some(0), 3);
        let first = log.append(append.clone()).await;
        assert!(
            matches!(first, Err(AppendError::OutcomeUnknown(_))),
            "{lost:?}: {first:?}"
        );
        let (again, _) = until_acknowledged(&*log, &append).await?;
        assert_eq!(
            (again.last_revision, again.idempotent),
            (3, true),
            "{lost:?}"
        );
        assert_eq!(ids_of(&*log, &stream).await?[1..], ids(&append));
        let events = log.read_stream(&stream, 3, 1).await?;
        assert_eq!(events[0].position, again.position, "{lost:?}");
    }
    Ok(())
}

/// The client sends its deadline along and leaves it at that: without a deadline of our own this
/// append would never come back.
#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_hangs_is_given_up_and_tried_again() -> anyhow::Result<()> {
    let server = StandIn::start().await?;
    let log = open(&server.url())?;
    let stream = begun(&*log).await?;
    server.fall_silent();
    let append = append(&stream, Some(0), 2);
    let outcome = log.append(append.clone()).await;
    assert!(
        matches!(outcome, Err(AppendError::OutcomeUnknown(_))),
        "{outcome:?}"
    );
    server.restart().await?;
    let (appended, _) = until_acknowledged(&*log, &append).await?;
    assert_eq!((appended.last_revision, appended.idempotent), (2, false));
    assert_eq!(ids_of(&*log, &stream).await?[1..], ids(&append));
    Ok(())
}

/// It is written after all, while the retry is on its way: still once.
#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_comes_late_is_written_once() -> anyhow::Result<()> {
    let server = StandIn::start().await?;
    let log = open(&server.url())?;
    let stream = begun(&*log).await?;
    let late = Duration::from_millis(1_500);
    server.faults().append_late.next(1, late);
    let first = append(&stream, Some(0), 2);
    let (appended, unknown) = until_acknowledged(&*log, &first).await?;
    assert_eq!(appended.last_revision, 2);
    assert!(unknown > 0, "the deadline was before it");
    let second = append(&stream, Some(2), 1);
    log.append(second.clone()).await?;
    tokio::time::sleep(2 * late).await;
    let expected = [ids(&first), ids(&second)].concat();
    assert_eq!(ids_of(&*log, &stream).await?[1..], expected);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_servers_own_timeout_is_unknown_whether_it_wrote_or_not() -> anyhow::Result<()> {
    for written in [Written::Yes, Written::No] {
        let server = StandIn::start().await?;
        let log = open(&server.url())?;
        let stream = begun(&*log).await?;
        server.faults().time_out_appends.next(1, written);
        let append = append(&stream, Some(0), 2);
        let first = log.append(append.clone()).await;
        assert!(
            matches!(first, Err(AppendError::OutcomeUnknown(_))),
            "{written:?}: {first:?}"
        );
        let (again, _) = until_acknowledged(&*log, &append).await?;
        assert_eq!(again.idempotent, written == Written::Yes, "{written:?}");
        assert_eq!(ids_of(&*log, &stream).await?[1..], ids(&append));
        // The connection was good all the time.
        assert_eq!(log.connections_built(), 1);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_with_its_size() -> anyhow::Result<()> {
    let server = StandIn::start().await?;
    let log = open(&server.url())?;
    let stream = new_stream();
    let large = Append {
        stream: stream.clone(),
        expected: ExpectedRevision::NoStream,
        events: sized_events(11, 100 * 1_024),
    };
    let before = server.counts().appends;
    match log.append(large).await {
        Err(AppendError::Invalid(reason)) => assert!(reason.contains("1126"), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(server.counts().appends, before, "nothing was sent");
    // A server may be set to take less.
    server.faults().set_max_append_size(1_000);
    let large = Append {
        stream: stream.clone(),
        expected: ExpectedRevision::NoStream,
        events: sized_events(2, 600),
    };
    match log.append(large).await {
        Err(AppendError::Invalid(reason)) => assert!(reason.contains("1228"), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert!(ids_of(&*log, &stream).await?.is_empty());
    log.append(append(&stream, None, 2)).await?;
    Ok(())
}

/// Numbers that are beyond every stream mean something else to a server: they are never sent.
#[tokio::test(flavor = "multi_thread")]
async fn the_largest_revision_is_not_taken_for_a_word() -> anyhow::Result<()> {
    let server = StandIn::start().await?;
    let log = open(&server.url())?;
    let stream = new_stream();
    for revision in [u64::MAX, u64::MAX - 1, u64::MAX - 2, 1 << 63] {
        let append = Append {
            stream: stream.clone(),
            expected: ExpectedRevision::Exact(revision),
            events: events(1),
        };
        let outcome = log.append(append).await;
        let refused = matches!(
            outcome,
            Err(AppendError::WrongExpectedRevision { actual: None, .. })
        );
        assert!(refused, "{revision}: {outcome:?}");
    }
    Ok(())
}
