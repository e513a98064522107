//! Every connection ends again and again while two processes write: callers ask again, and each
//! command has one effect.

use crate::doubles::same_database;
use crate::histories::{decoded, ensure_sound, followers, stream_of};
use anyhow::bail;
use commands::{CommandError, Ledger};
use domain::account::Event;
use domain::{AccountId, Platform, Timestamp};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tests::TestLedger;
use tests::ledger::context;
use tokio::task::JoinSet;
use tokio_postgres::Client;

const ACCOUNTS: usize = 4;
const OBSERVATIONS: i64 = 120;
const KILLS: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn every_command_has_one_effect_in_a_storm() -> anyhow::Result<()> {
    let first = TestLedger::create().await?;
    let second = TestLedger::over(same_database(&first.database)).await?;
    let mut accounts = vec![];
    for n in 0..ACCOUNTS {
        let id = format!("account-{n}");
        accounts.push(first.import("creator", Platform::Youtube, &id).await?);
    }
    let mut writers = JoinSet::new();
    for account in &accounts {
        writers.spawn(write(Arc::clone(&first.ledger), *account, 0));
        writers.spawn(write(Arc::clone(&second.ledger), *account, 1));
    }
    let admin = first.database.connect().await?;
    let mut ended = 0;
    for _ in 0..KILLS {
        if writers.is_empty() {
            break;
        }
        ended += end_all_others(&admin).await?;
        tokio::time::sleep(Duration::from_millis(30)).await;
        while let Some(done) = writers.try_join_next() {
            done??;
        }
    }
    while let Some(done) = writers.join_next().await {
        done??;
    }
    assert!(ended > 0, "there was no storm");

    // A connection that the storm killed last may still be in the pool.
    let calm = TestLedger::over(same_database(&first.database)).await?;
    for account in accounts {
        let events = stream_of(&*calm.log, account).await?;
        ensure_sound(&events)?;
        let mut times: HashMap<Timestamp, usize> = HashMap::new();
        for event in decoded(&events)? {
            if let Event::MetricsObserved(observed) = event {
                *times.entry(observed.observed_at).or_default() += 1;
            }
        }
        assert_eq!(times.len() as i64, 2 * OBSERVATIONS);
        assert!(times.values().all(|copies| *copies == 1), "{times:?}");
        assert_eq!(events.len() as i64, 1 + 2 * OBSERVATIONS);
    }
    Ok(())
}

/// One process' observations: every second minute is its own.
async fn write(ledger: Arc<Ledger>, account: AccountId, offset: i64) -> anyhow::Result<()> {
    for n in 0..OBSERVATIONS {
        acknowledged(&ledger, account, 2 * n + offset).await?;
    }
    Ok(())
}

/// Asks until the command is carried out. A refusal would be wrong: the account is known.
async fn acknowledged(ledger: &Ledger, account: AccountId, minute: i64) -> anyhow::Result<()> {
    let mut last = None;
    for _ in 0..200 {
        let intent = followers(minute, 1_000 + minute);
        match ledger.execute(account, intent, &context()).await {
            Ok(_) => return Ok(()),
            Err(refused @ CommandError::Rejected(_)) => return Err(refused.into()),
            Err(error) => last = Some(error),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!("minute {minute} was never acknowledged: {last:?}")
}

/// Ends every connection to the database but this one, and says how many there were.
async fn end_all_others(admin: &Client) -> anyhow::Result<u64> {
    let ended = admin
        .execute(
            "select pg_terminate_backend(pid)
             from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid()
                 and backend_type = 'client backend'",
            &[],
        )
        .await?;
    Ok(ended)
}
