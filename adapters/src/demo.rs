//! A seeded year of history for a few invented creators, appended through the ordinary commands.
//!
//! Nothing here is a real person's: every observation has the cause `simulated`, and every sync is
//! marked so. The same seed gives the same history, so a second start appends only new days.

mod history;
mod plan;

pub use plan::{ACCOUNTS, DemoAccount};

use commands::ports::EventLog;
use commands::{CommandError, Context, Ledger};
use domain::account::Event;
use domain::codec::decode_recorded;
use domain::{AccountId, StreamName, Timestamp, time::DAY_MICROS};
use history::History;

/// Days of history before the first start.
const DAYS: i64 = 365;
/// Days whose commands go into one append.
const DAYS_AT_ONCE: usize = 12;

/// Why the demonstration could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The write side failed.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] commands::ports::VaultError),
    /// The log failed.
    #[error(transparent)]
    Read(#[from] commands::ports::ReadError),
    /// An invented name is not a valid creator id.
    #[error(transparent)]
    Creator(#[from] domain::ids::InvalidId),
}

/// What seeding did for one account.
#[derive(Clone, Copy, Debug)]
pub struct Seeded {
    /// The account.
    pub account: AccountId,
    /// Events appended now; none if everything was there.
    pub events: usize,
}

/// Appends the history of one demo account up to `now`.
pub async fn seed(
    ledger: &Ledger,
    log: &dyn EventLog,
    demo: &DemoAccount,
    now: Timestamp,
) -> Result<Seeded, DemoError> {
    let creator = demo.creator.parse()?;
    let account = ledger
        .vault()
        .find_or_create(&creator, demo.platform, demo.platform_id)
        .await?;
    let start = match started(log, account).await? {
        Some(start) => start,
        None => midnight(now).saturating_add_micros(-DAYS * DAY_MICROS),
    };
    let context = Context {
        actor: "demo".to_owned(),
        correlation_id: account.uuid(),
        causation_id: None,
    };
    let history = History::new(demo, creator, account, start);
    let mut seeded = Seeded { account, events: 0 };
    let mut intents = vec![history.connection()];
    for (day, in_batch) in history.days(now).zip((1..=DAYS_AT_ONCE).cycle()) {
        intents.extend(history.day(day));
        if in_batch == DAYS_AT_ONCE {
            let outcome = ledger
                .execute_all(account, std::mem::take(&mut intents), &context)
                .await?;
            seeded.events += outcome.events;
        }
    }
    if !intents.is_empty() {
        seeded.events += ledger.execute_all(account, intents, &context).await?.events;
    }
    Ok(seeded)
}

/// When the account's history began, if an earlier start made it.
async fn started(log: &dyn EventLog, account: AccountId) -> Result<Option<Timestamp>, DemoError> {
    let first = log
        .read_stream(&StreamName::of_account(account), 0, 1)
        .await?;
    let event = first
        .first()
        .and_then(|event| decode_recorded(event).ok()?.event);
    Ok(match event {
        Some(Event::AccountConnected(connected)) => Some(connected.observed_at),
        _ => None,
    })
}

fn midnight(at: Timestamp) -> Timestamp {
    at.saturating_add_micros(-at.micros().rem_euclid(DAY_MICROS))
}
