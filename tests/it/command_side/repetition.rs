//! A command that is asked again leads to nothing, however much happened in between.

use crate::doubles::{WatchedLog, cold_ledger, ledger_over};
use crate::histories::{
    connect, disconnect, ensure_sound, followers, import, minute, page, stream_of, sync,
};
use commands::ports::EventLog;
use commands::{Intent, IntentOutcome, Ledger, RECENT_EVENTS};
use domain::{AccountId, Metric, Platform};
use std::collections::HashSet;
use std::sync::Arc;
use tests::TestLedger;
use tests::ledger::{context, post, profile};

const WHO: (&str, Platform, &str) = ("creator", Platform::Instagram, "1");

/// One command of each kind, in an order in which all are carried out.
fn one_of_each() -> anyhow::Result<Vec<Intent>> {
    let posts = vec![
        post("p1", "one", &[(Metric::Views, 7)]),
        post("p2", "two", &[(Metric::Views, 8), (Metric::Likes, 1)]),
    ];
    Ok(vec![
        connect(WHO, 1, 10)?,
        sync(20, None),
        followers(30, 100),
        page(minute(40), posts),
        disconnect(1, 50),
    ])
}

async fn assert_unchanged(
    ledger: &Ledger,
    account: AccountId,
    intent: Intent,
) -> anyhow::Result<()> {
    let described = format!("{intent:?}");
    let outcome = ledger.execute(account, intent, &context()).await?;
    assert_eq!(outcome.intents, [IntentOutcome::Unchanged], "{described}");
    assert_eq!(outcome.events, 0, "{described}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_command_twice_leads_to_nothing() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let account = ledger.import(WHO.0, WHO.1, WHO.2).await?;
    for intent in one_of_each()? {
        let described = format!("{intent:?}");
        let first = ledger
            .ledger
            .execute(account, intent.clone(), &context())
            .await?;
        assert_eq!(first.events, 1, "{described}");
        let again = ledger.ledger.execute(account, intent, &context()).await?;
        assert_eq!(again.intents, [IntentOutcome::Unchanged], "{described}");
        assert_eq!(again.position, first.position, "{described}");
    }
    // All of them once more, the connection after its end among them.
    for intent in one_of_each()? {
        assert_unchanged(&ledger.ledger, account, intent).await?;
    }
    let same = profile(minute(0), WHO.2);
    assert_unchanged(&ledger.ledger, account, import(WHO.0, WHO.1, same)?).await?;
    let events = stream_of(&*ledger.log, account).await?;
    assert_eq!(events.len(), 6);
    ensure_sound(&events)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_of_long_ago_is_recognised_by_the_log() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let account = ledger.import(WHO.0, WHO.1, WHO.2).await?;
    let log = Arc::new(WatchedLog::new(Arc::clone(&ledger.log) as Arc<dyn EventLog>));
    let writer = ledger_over(&ledger, Arc::clone(&log) as Arc<dyn EventLog>);
    for intent in one_of_each()? {
        writer.execute(account, intent, &context()).await?;
    }
    for n in 0..=RECENT_EVENTS as i64 {
        let outcome = writer
            .execute(account, followers(1_000 + n, n), &context())
            .await?;
        assert_eq!(outcome.events, 1);
    }
    let before = stream_of(&*ledger.log, account).await?;
    log.take_lookups();
    for intent in one_of_each()? {
        assert_unchanged(&writer, account, intent).await?;
        assert!(log.take_lookups() > 0, "only the log can know this");
    }
    // In another process as well.
    let cold = cold_ledger(&ledger);
    for intent in one_of_each()? {
        assert_unchanged(&cold, account, intent).await?;
    }
    assert_eq!(stream_of(&*ledger.log, account).await?, before);
    Ok(())
}

/// Another value for the same moment is not a repetition, and can itself be repeated.
#[tokio::test(flavor = "multi_thread")]
async fn a_restatement_is_no_repetition() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let account = ledger.import(WHO.0, WHO.1, WHO.2).await?;
    let writer = &ledger.ledger;
    writer
        .execute(account, followers(30, 100), &context())
        .await?;
    let restated = writer
        .execute(account, followers(30, 99), &context())
        .await?;
    assert_eq!(restated.events, 1);
    for count in [100, 99] {
        assert_unchanged(writer, account, followers(30, count)).await?;
    }
    assert_eq!(stream_of(&*ledger.log, account).await?.len(), 3);
    Ok(())
}

/// A file may say the same thing twice, close together or far apart.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_repeated_within_one_append_has_one_effect() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    for apart in [1, RECENT_EVENTS as i64 - 1, RECENT_EVENTS as i64 + 30] {
        let id = format!("{apart}");
        let account = ledger.import(WHO.0, WHO.1, &id).await?;
        let mut intents: Vec<_> = (1..=apart).map(|n| followers(n, n)).collect();
        intents.push(followers(1, 1));
        let outcome = ledger
            .ledger
            .execute_all(account, intents, &context())
            .await?;
        let events = stream_of(&*ledger.log, account).await?;
        let ids: HashSet<_> = events.iter().map(|event| event.event_id).collect();
        assert_eq!(ids.len(), events.len(), "{apart} apart: one id, two events");
        assert_eq!(outcome.events as i64, apart);
        assert_eq!(outcome.intents.last(), Some(&IntentOutcome::Unchanged));
        ensure_sound(&events)?;
    }
    Ok(())
}
