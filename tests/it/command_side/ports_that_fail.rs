//! Clocks that step back, stores that keep nothing, reads that fail: commands stay right.

use crate::doubles::{KeepsNothing, SetClock, WatchedLog, ledger_over, ledger_with, states};
use crate::histories::{ensure_sound, followers, import, minute, stream_of};
use commands::CommandError;
use commands::ports::{Clock, EventLog, Vault};
use domain::codec::decode_recorded;
use domain::{CreatorId, Platform, Timestamp};
use std::sync::Arc;
use tests::TestLedger;
use tests::ledger::{at, context, profile};

#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_recording_never_falls() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let creator: CreatorId = "creator".parse()?;
    let platform = Platform::Youtube;
    let account = ledger.vault.find_or_create(&creator, platform, "1").await?;
    let times: Vec<Timestamp> = ["10:00", "11:00", "09:30", "11:30", "08:00", "11:45"]
        .iter()
        .map(|time| at(&format!("2026-03-01T{time}:00Z")))
        .collect();
    let clock = Arc::new(SetClock::new(times[0]));
    let started = || {
        let log = Arc::clone(&ledger.log) as Arc<dyn EventLog>;
        ledger_with(
            &ledger,
            log,
            Arc::clone(&clock) as Arc<dyn Clock>,
            states(&ledger),
        )
    };
    let mut writer = started();
    let first = import("creator", platform, profile(minute(0), "1"))?;
    writer.execute(account, first, &context()).await?;
    for (time, n) in times.iter().skip(1).zip(1..) {
        clock.set(*time);
        // A process that was started while the clock was wrong, too.
        if n == 4 {
            writer = started();
        }
        writer.execute(account, followers(n, n), &context()).await?;
    }
    let events = stream_of(&*ledger.log, account).await?;
    ensure_sound(&events)?;
    let recorded = events
        .iter()
        .map(|event| Ok(decode_recorded(event)?.metadata.recorded_at))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let expected = [times[0], times[1], times[1], times[3], times[3], times[5]];
    assert_eq!(recorded, expected);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_keeps_nothing_fails_no_command() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let account = ledger.import("creator", Platform::Youtube, "1").await?;
    let log = Arc::new(WatchedLog::new(Arc::clone(&ledger.log) as Arc<dyn EventLog>));
    let store = Arc::new(KeepsNothing::new(states(&ledger)));
    let clock = Arc::new(SetClock::new(at("2099-01-01T00:00:00Z")));
    let writer = ledger_with(
        &ledger,
        Arc::clone(&log) as Arc<dyn EventLog>,
        clock,
        Arc::clone(&store) as Arc<dyn commands::ports::StateStore>,
    );
    for n in 1..=200 {
        let outcome = writer.execute(account, followers(n, n), &context()).await?;
        assert_eq!(outcome.events, 1);
    }
    assert!(store.refused() > 0, "it was never asked to keep anything");
    assert_eq!(log.take_events_read(), 1, "memory is enough");
    // A caller that asks for it learns that nothing is kept.
    assert!(writer.keep_all().await.is_err());

    let (after, cold) = (
        ledger.ledger.load(account).await?,
        writer.load(account).await?,
    );
    assert_eq!(after, cold);
    assert_eq!(after.revision, Some(200));
    ensure_sound(&stream_of(&*ledger.log, account).await?)
}

/// A process that could not read an account at first does not take it for unknown later.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_read_is_not_remembered() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let account = ledger.import("creator", Platform::Youtube, "1").await?;
    let log = Arc::new(WatchedLog::new(Arc::clone(&ledger.log) as Arc<dyn EventLog>));
    let writer = ledger_over(&ledger, Arc::clone(&log) as Arc<dyn EventLog>);
    log.fail_next_read();
    let outcome = writer.execute(account, followers(1, 1), &context()).await;
    assert!(matches!(outcome, Err(CommandError::Read(_))), "{outcome:?}");
    let outcome = writer.execute(account, followers(1, 1), &context()).await?;
    assert_eq!(outcome.events, 1);
    ensure_sound(&stream_of(&*ledger.log, account).await?)
}
