//! Two processes that write to one account: neither decides on what the other has changed.

use crate::doubles::{SetClock, cold_ledger, ledger_with, same_database, states};
use crate::histories::{
    connect, decoded, disconnect, ensure_sound, followers, minute, stream_of, sync,
};
use anyhow::bail;
use commands::ports::EventLog;
use commands::{CommandError, IntentOutcome, Ledger};
use domain::account::Event;
use domain::{AccountId, Platform};
use std::collections::HashSet;
use std::sync::Arc;
use tests::TestLedger;
use tests::ledger::{at, context};

const WHO: (&str, Platform, &str) = ("creator", Platform::Facebook, "1");
const OBSERVATIONS: i64 = 100;

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_write_to_one_account() -> anyhow::Result<()> {
    let first = TestLedger::create().await?;
    let second = TestLedger::over(same_database(&first.database)).await?;
    let account = first.import(WHO.0, WHO.1, WHO.2).await?;
    let writers = [&first.ledger, &second.ledger].map(Arc::clone);
    let mut tasks = tokio::task::JoinSet::new();
    for (writer, offset) in writers.into_iter().zip(0..) {
        tasks.spawn(async move {
            for n in 0..OBSERVATIONS {
                observe(&writer, account, 2 * n + offset).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let events = stream_of(&*first.log, account).await?;
    ensure_sound(&events)?;
    let times: Vec<_> = decoded(&events)?
        .into_iter()
        .filter_map(|event| match event {
            Event::MetricsObserved(observed) => Some(observed.observed_at),
            _ => None,
        })
        .collect();
    let found: HashSet<_> = times.iter().copied().collect();
    let expected: HashSet<_> = (0..2 * OBSERVATIONS).map(minute).collect();
    assert_eq!(found, expected);
    assert_eq!(times.len(), found.len(), "an observation was written twice");
    Ok(())
}

/// Observes once more if others kept being first.
async fn observe(writer: &Ledger, account: AccountId, n: i64) -> anyhow::Result<()> {
    for _ in 0..1_000 {
        match writer.execute(account, followers(n, n), &context()).await {
            Ok(outcome) => {
                assert_eq!(outcome.events, 1);
                return Ok(());
            }
            Err(CommandError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    bail!("minute {n} always met other writers")
}

/// A process whose memory is behind must look again before it says no.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_decided_on_the_newest_state() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let account = ledger.import(WHO.0, WHO.1, WHO.2).await?;
    let (behind, ahead) = (cold_ledger(&ledger), cold_ledger(&ledger));
    assert_eq!(behind.load(account).await?.account.phase(), "imported");
    ahead
        .execute(account, connect(WHO, 1, 10)?, &context())
        .await?;
    let outcome = behind.execute(account, sync(20, None), &context()).await?;
    assert_eq!(outcome.events, 1, "the account is connected");

    ahead
        .execute(account, disconnect(1, 30), &context())
        .await?;
    let outcome = behind.execute(account, sync(40, None), &context()).await;
    let refused = matches!(outcome, Err(CommandError::Rejected(_)));
    assert!(refused, "the account is disconnected: {outcome:?}");
    ensure_sound(&stream_of(&*ledger.log, account).await?)
}

/// And before it says that there is nothing to do.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_to_do_is_decided_on_the_newest_state() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let account = ledger.import(WHO.0, WHO.1, WHO.2).await?;
    let (behind, ahead) = (cold_ledger(&ledger), cold_ledger(&ledger));
    assert_eq!(behind.load(account).await?.account.phase(), "imported");
    ahead
        .execute(account, connect(WHO, 1, 10)?, &context())
        .await?;
    let outcome = behind
        .execute(account, disconnect(1, 20), &context())
        .await?;
    let appended = IntentOutcome::Appended {
        events: 1,
        unchanged_posts: 0,
    };
    assert_eq!(outcome.intents, [appended], "the account is connected");
    assert_eq!(
        ledger.ledger.load(account).await?.account.phase(),
        "disconnected"
    );
    Ok(())
}

/// Two processes carry out the same command; only one of them wrote its bytes.
#[tokio::test(flavor = "multi_thread")]
async fn the_second_to_do_the_same_keeps_no_hash_of_its_own() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let account = ledger.import(WHO.0, WHO.1, WHO.2).await?;
    // Far ahead, so that the two write different bytes for certain.
    let clock = Arc::new(SetClock::new(at("2099-01-01T00:00:00Z")));
    let first = cold_ledger(&ledger);
    let log = Arc::clone(&ledger.log) as Arc<dyn EventLog>;
    let second = ledger_with(&ledger, log, clock, states(&ledger));
    for writer in [&first, &second] {
        writer.load(account).await?;
    }
    for writer in [&first, &second] {
        writer
            .execute(account, followers(1, 10), &context())
            .await?;
    }
    // What a process does when it ends, and what the next one starts from.
    second.keep_all().await?;
    let next = cold_ledger(&ledger);
    next.execute(account, followers(2, 11), &context()).await?;
    let events = stream_of(&*ledger.log, account).await?;
    assert_eq!(events.len(), 3);
    ensure_sound(&events)
}
