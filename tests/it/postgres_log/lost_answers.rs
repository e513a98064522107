//! Appends whose outcome their caller does not learn: the retry makes one copy, whatever happened.

use super::{HELD, HOLD, TRIGGERS, after, append, held_backend, open, until_acknowledged, whole};
use crate::doubles::{LostAnswer, cold_ledger, ledger_over};
use crate::histories::{ensure_sound, followers, stream_of};
use commands::Outcome;
use commands::ports::{AppendError, EventLog, ExpectedRevision};
use domain::Platform;
use std::sync::Arc;
use tests::ledger::context;
use tests::{TestDatabase, TestLedger};

/// The server drops the connection while it commits: nothing was written, and nobody says so.
#[tokio::test(flavor = "multi_thread")]
async fn an_append_killed_in_its_commit_is_written_by_its_retry() -> anyhow::Result<()> {
    let database = TestDatabase::create().await?;
    let admin = database.connect().await?;
    admin.batch_execute(TRIGGERS).await?;
    let log = open(&database).await?;
    let mut revision = 0;
    for round in 0..5 {
        let holder = database.connect().await?;
        holder
            .execute("select pg_advisory_lock($1)", &[&HOLD])
            .await?;
        let held = append("held", after(revision), HELD);
        let attempt = tokio::spawn({
            let (log, held) = (Arc::clone(&log), held.clone());
            async move { log.append(held).await }
        });
        let victim = held_backend(&admin).await?;
        // Others wait behind it; they neither fail for good nor overtake it half done.
        let other = append(
            &format!("other-{round}"),
            ExpectedRevision::NoStream,
            "Quick",
        );
        let waiting = tokio::spawn({
            let (log, other) = (Arc::clone(&log), other.clone());
            async move { until_acknowledged(&*log, &other).await }
        });
        assert_eq!(whole(&*log).await?.len() as u64, revision + round);
        let ended: bool = admin
            .query_one("select pg_terminate_backend($1) as ended", &[&victim])
            .await?
            .try_get("ended")?;
        assert!(ended);
        let outcome = attempt.await?;
        let unclear = matches!(
            outcome,
            Err(AppendError::OutcomeUnknown(_) | AppendError::Unavailable(_))
        );
        assert!(unclear, "{outcome:?}");
        holder
            .execute("select pg_advisory_unlock($1)", &[&HOLD])
            .await?;
        let appended = until_acknowledged(&*log, &held).await?;
        assert_eq!(appended.last_revision, revision);
        let appended = waiting.await??;
        assert_eq!(appended.last_revision, 0);
        // And once more, as a caller does that lost this answer too.
        let again = log.append(held.clone()).await?;
        assert!(again.idempotent);
        revision += 1;
        let events = whole(&*log).await?;
        let id = held.events[0].event_id;
        let copies = events.iter().filter(|event| event.event_id == id).count();
        assert_eq!(copies, 1);
        assert_eq!(events.len() as u64, revision + round + 1);
    }
    Ok(())
}

/// The commit took effect and only its answer was lost, to the whole write side.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_asked_for_with_the_same_bytes() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let account = ledger.import("creator", Platform::Tiktok, "1").await?;
    let log = Arc::clone(&ledger.log) as Arc<dyn EventLog>;
    let lost = Arc::new(LostAnswer::new(log, Box::pin(async {})));
    let writer = ledger_over(&ledger, Arc::clone(&lost) as Arc<dyn EventLog>);
    let outcome = writer
        .execute(account, followers(1, 10), &context())
        .await?;
    assert_eq!(outcome.events, 1);
    let appends = lost.appends();
    assert_eq!(appends.len(), 2, "one append and its retry");
    assert!(appends[0] == appends[1], "{appends:?}");

    let next = writer
        .execute(account, followers(2, 11), &context())
        .await?;
    assert_eq!(next.events, 1);
    let events = stream_of(&*ledger.log, account).await?;
    assert_eq!(events.len(), 3);
    assert_eq!(outcome.position, Some(events[1].position));
    ensure_sound(&events)
}

/// The same, and another process appends before the retry comes.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_recognised_behind_other_appends() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let account = ledger.import("creator", Platform::Tiktok, "1").await?;
    let other = cold_ledger(&ledger);
    let meanwhile = async move {
        for n in 2..5 {
            let outcome = other.execute(account, followers(n, 20), &context()).await;
            let written = matches!(outcome, Ok(Outcome { events: 1, .. }));
            assert!(written, "{outcome:?}");
        }
    };
    let log = Arc::clone(&ledger.log) as Arc<dyn EventLog>;
    let lost = Arc::new(LostAnswer::new(log, Box::pin(meanwhile)));
    let writer = ledger_over(&ledger, Arc::clone(&lost) as Arc<dyn EventLog>);
    let outcome = writer
        .execute(account, followers(1, 10), &context())
        .await?;
    assert_eq!(outcome.events, 1);
    let appends = lost.appends();
    assert_eq!(appends.len(), 2, "one append and its retry");
    assert!(appends[0] == appends[1], "{appends:?}");

    // What came in between is known to the next command.
    let next = writer
        .execute(account, followers(6, 11), &context())
        .await?;
    assert_eq!(next.events, 1);
    assert_eq!(lost.appends().len(), 3, "no conflict");
    let events = stream_of(&*ledger.log, account).await?;
    assert_eq!(events.len(), 6);
    assert_eq!(outcome.position, Some(events[1].position));
    assert_eq!(next.position, Some(events[5].position));
    ensure_sound(&events)
}
