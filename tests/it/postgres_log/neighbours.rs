//! Appends that are committed together: each has its own outcome.

use super::{HELD, HOLD, TRIGGERS, after, append, held_backend, open, whole};
use adapters::postgres::PostgresLog;
use commands::ports::{Append, AppendError, Appended, EventLog, ExpectedRevision};
use std::collections::HashSet;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use tests::TestDatabase;

type Outcome = Result<Appended, AppendError>;
type Waiting = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Puts an append into the queue of the log without waiting for its outcome.
async fn enqueue(log: &Arc<PostgresLog>, append: Append) -> Waiting {
    let log = Arc::clone(log);
    let mut waiting: Waiting = Box::pin(async move { log.append(append).await });
    let polled = std::future::poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context))).await;
    assert!(polled.is_pending(), "nothing is committed at once");
    // One task may not do everything in one go.
    tokio::task::yield_now().await;
    waiting
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_does_not_fail_its_neighbours() -> anyhow::Result<()> {
    const APPENDS: usize = 64;
    let database = TestDatabase::create().await?;
    let admin = database.connect().await?;
    admin.batch_execute(TRIGGERS).await?;
    let log = open(&database).await?;
    let no_stream = ExpectedRevision::NoStream;
    // There before: what a repetition and two kinds of conflicts will meet.
    let repeated = append("repeated", no_stream, "Quick");
    let first = log.append(repeated.clone()).await?;
    log.append(append("taken", no_stream, "Quick")).await?;

    let holder = database.connect().await?;
    holder
        .execute("select pg_advisory_lock($1)", &[&HOLD])
        .await?;
    let held = enqueue(&log, append("held", no_stream, HELD)).await;
    held_backend(&admin).await?;
    // All of these wait for that commit, and are committed together after it.
    let mut sound = vec![];
    let mut wrong = vec![];
    for n in 0..APPENDS {
        let (good, bad) = (format!("good-{n}"), format!("bad-{n}"));
        sound.push(enqueue(&log, append(&good, no_stream, "Together")).await);
        if n.is_multiple_of(8) {
            let expected = ExpectedRevision::Exact(n as u64);
            wrong.push((
                enqueue(&log, append(&bad, expected, "Together")).await,
                None,
            ));
        }
    }
    wrong.push((
        enqueue(&log, append("taken", no_stream, "Together")).await,
        Some(0),
    ));
    let again = enqueue(&log, repeated).await;
    holder
        .execute("select pg_advisory_unlock($1)", &[&HOLD])
        .await?;

    assert_eq!(held.await?.last_revision, 0);
    let mut positions = HashSet::new();
    for waiting in sound {
        let appended = waiting.await?;
        assert_eq!((appended.last_revision, appended.idempotent), (0, false));
        assert!(positions.insert(appended.position));
    }
    for (waiting, expected) in wrong {
        match waiting.await {
            Err(AppendError::WrongExpectedRevision { actual, .. }) => assert_eq!(actual, expected),
            outcome => panic!("expected a conflict: {outcome:?}"),
        }
    }
    let again = again.await?;
    assert!(again.idempotent);
    assert_eq!(again.position, first.position);

    let written = whole(&*log).await?;
    assert_eq!(written.len(), 3 + APPENDS);
    let together = written
        .iter()
        .filter(|event| event.event_type == "Together");
    let found: HashSet<_> = together.map(|event| event.position).collect();
    assert_eq!(found, positions);
    // They were neighbours indeed: one transaction wrote them all.
    let row = admin
        .query_one(
            "select count(distinct xmin::text) as transactions
             from log_events
             where event_type = 'Together'",
            &[],
        )
        .await?;
    assert_eq!(row.try_get::<_, i64>("transactions")?, 1);
    Ok(())
}

/// Several appends to one stream wait at once: the first wins, the others learn by how much.
#[tokio::test(flavor = "multi_thread")]
async fn appends_to_one_stream_are_settled_in_turn() -> anyhow::Result<()> {
    let database = TestDatabase::create().await?;
    let admin = database.connect().await?;
    admin.batch_execute(TRIGGERS).await?;
    let log = open(&database).await?;
    let holder = database.connect().await?;
    holder
        .execute("select pg_advisory_lock($1)", &[&HOLD])
        .await?;
    let held = enqueue(&log, append("held", after(0), HELD)).await;
    held_backend(&admin).await?;
    let same = append("one", after(0), "Quick");
    let mut waiting = vec![];
    for given in [same.clone(), append("one", after(0), "Quick"), same] {
        waiting.push(enqueue(&log, given).await);
    }
    // A caller that goes away takes nothing with it.
    drop(enqueue(&log, append("gone", after(0), "Quick")).await);
    holder
        .execute("select pg_advisory_unlock($1)", &[&HOLD])
        .await?;
    held.await?;
    let mut outcomes = vec![];
    for waiting in waiting {
        outcomes.push(waiting.await);
    }
    let kinds: Vec<_> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Ok(appended) if appended.idempotent => "idempotent",
            Ok(_) => "written",
            Err(AppendError::WrongExpectedRevision {
                actual: Some(0), ..
            }) => "refused",
            Err(_) => "failed",
        })
        .collect();
    assert_eq!(kinds, ["written", "refused", "idempotent"], "{outcomes:?}");
    // Behind the one that went away: when this is written, that one was too.
    log.append(append("last", after(0), "Quick")).await?;
    let written = whole(&*log).await?;
    let mut streams: Vec<_> = written.iter().map(|event| event.stream.as_str()).collect();
    streams.sort_unstable();
    assert_eq!(streams, ["gone", "held", "last", "one"]);
    Ok(())
}
