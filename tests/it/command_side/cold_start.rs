//! What a process reads before its first command on an account: a short tail, however long the
//! stream; and everything, without any other difference, if what was kept is gone.

use crate::doubles::{WatchedLog, ledger_over};
use crate::histories::{ensure_sound, followers, minute, page, stream_of, sync};
use commands::ports::EventLog;
use commands::{CommandError, IntentOutcome, Ledger, PostSnapshot};
use domain::{AccountId, Metric, Platform};
use std::sync::Arc;
use tests::TestLedger;
use tests::ledger::{context, post};

/// A state is kept every 64 events; a tail may be one append longer than that.
const LONGEST_TAIL: u64 = 64 + 8;

/// A process that was started just now, and its view of the log.
fn started(ledger: &TestLedger) -> (Arc<WatchedLog>, Ledger) {
    let log = Arc::new(WatchedLog::new(Arc::clone(&ledger.log) as Arc<dyn EventLog>));
    let writer = ledger_over(ledger, Arc::clone(&log) as Arc<dyn EventLog>);
    (log, writer)
}

/// Observes every minute of a span, one command for each.
async fn grow(ledger: &Ledger, account: AccountId, from: i64, to: i64) -> anyhow::Result<()> {
    for n in from..to {
        ledger.execute(account, followers(n, n), &context()).await?;
    }
    Ok(())
}

/// How many events a process reads for its first command, and how many for its second.
async fn events_read(
    ledger: &TestLedger,
    account: AccountId,
    n: i64,
) -> anyhow::Result<(u64, u64)> {
    let (log, writer) = started(ledger);
    writer.execute(account, followers(n, 1), &context()).await?;
    let cold = log.take_events_read();
    writer
        .execute(account, followers(n + 1, 2), &context())
        .await?;
    assert_eq!(log.take_lookups(), 0, "nobody doubts what is new");
    Ok((cold, log.take_events_read()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cold_start_reads_a_short_tail_however_long_the_stream() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let account = ledger.import("creator", Platform::Tiktok, "1").await?;
    grow(&ledger.ledger, account, 1, 98).await?;
    let (cold_100, warm_100) = events_read(&ledger, account, 98).await?;

    let mut n = 100;
    while n < 9_950 {
        let intents = (n..n + 50).map(|n| followers(n, n)).collect();
        ledger
            .ledger
            .execute_all(account, intents, &context())
            .await?;
        n += 50;
    }
    grow(&ledger.ledger, account, n, n + 48).await?;
    let (cold_10000, warm_10000) = events_read(&ledger, account, n + 48).await?;

    eprintln!("read on a cold start: {cold_100} of 98 events, {cold_10000} of 9,998");
    assert!(cold_100 <= LONGEST_TAIL, "{cold_100} of 98 events");
    assert!(cold_10000 <= LONGEST_TAIL, "{cold_10000} of 9,998 events");
    assert_eq!((warm_100, warm_10000), (0, 0));
    let events = stream_of(&*ledger.log, account).await?;
    assert_eq!(events.len(), 10_000);
    ensure_sound(&events)
}

fn posts() -> Vec<PostSnapshot> {
    (0..5)
        .map(|n| post(&format!("p{n}"), "title", &[(Metric::Views, n)]))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_can_be_emptied() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let account = ledger.import("creator", Platform::Tiktok, "1").await?;
    let first = page(minute(1), posts());
    let writer = &ledger.ledger;
    writer.execute(account, first.clone(), &context()).await?;
    grow(writer, account, 2, 150).await?;
    writer.keep_all().await?;
    let client = ledger.database.connect().await?;

    let mut outcomes = vec![];
    let mut read = vec![];
    let emptied = [
        "",
        "truncate account_states, post_marks",
        "truncate account_states",
    ];
    for (n, empty) in (200..).step_by(10).zip(emptied) {
        client.batch_execute(empty).await?;
        let (log, process) = started(&ledger);
        let refused = process.execute(account, sync(n, None), &context()).await;
        let is_refused = matches!(refused, Err(CommandError::Rejected(_)));
        assert!(is_refused, "not connected: {refused:?}");
        // A page as before, the first one again, and one more page.
        let mut changed = posts();
        changed.truncate(2);
        changed[0] = post("p0", "title", &[(Metric::Views, n)]);
        let intents = vec![
            page(minute(n), posts()),
            first.clone(),
            page(minute(n + 1), changed),
            page(minute(n + 2), posts()),
        ];
        let outcome = process.execute_all(account, intents, &context()).await?;
        outcomes.push(outcome.intents);
        read.push(log.take_events_read());
        process.keep_all().await?;
    }
    let changed_back = IntentOutcome::Appended {
        events: 1,
        unchanged_posts: 4,
    };
    let expected = vec![
        IntentOutcome::Appended {
            events: 1,
            unchanged_posts: 5,
        },
        IntentOutcome::Unchanged,
        IntentOutcome::Appended {
            events: 1,
            unchanged_posts: 1,
        },
        changed_back,
    ];
    for outcome in &outcomes {
        assert_eq!(*outcome, expected);
    }
    // Only the reading differs: nothing, then all that there was.
    assert_eq!(read, [0, 153, 156]);
    ensure_sound(&stream_of(&*ledger.log, account).await?)
}
