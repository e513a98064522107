//! Which version is live: changed in one short transaction, which no query waits for.
//!
//! A request learns which versions are live in the statement that tells it where they stand, and
//! asks those until its end. So it sees one version or the other and never both.

use super::parking::ensure_none_missing;
use super::{AdminError, Administration, numbered};
use crate::engine::catalogue::Entry;
use crate::sql::Held;
use domain::Position;
use std::time::Duration;
use tokio::time::Instant;
use tokio_postgres::Transaction;
use tokio_postgres::error::SqlState;

/// How long a lock is waited for: a projector holds them for a batch.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the live version is held back until the other one is where it is.
const CATCH_UP_WAIT: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(5);
/// How often a version that is behind is asked again, and the pause in between.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(300);

/// A switch that was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Switched {
    /// The read model.
    pub name: String,
    /// The version that was live.
    pub from: i32,
    /// The version that is live now.
    pub to: i32,
}

/// Where the switch leads.
#[derive(Clone, Copy)]
enum Target {
    /// The newest filled version, or the one with this number.
    Forward(Option<i32>),
    /// The one that the live one replaced.
    Back,
}

impl Administration {
    /// Makes another version live: the newest that was filled, or the one with this number. It must
    /// have all that the live one has.
    pub async fn switch(&self, name: &str, to: Option<i32>) -> Result<Switched, AdminError> {
        self.change(name, Target::Forward(to)).await
    }

    /// Makes the version live that the live one replaced. It was kept all the time, so what it
    /// shows is as new.
    pub async fn rollback(&self, name: &str) -> Result<Switched, AdminError> {
        self.change(name, Target::Back).await
    }

    async fn change(&self, name: &str, target: Target) -> Result<Switched, AdminError> {
        let mut client = self.connect().await?;
        let mut attempt = 1;
        let changed = loop {
            let transaction = client.transaction().await?;
            let changed = self.change_within(&transaction, name, target).await;
            match changed.map_err(|error| busy(error, name)) {
                Ok(changed) => {
                    transaction.commit().await?;
                    break changed;
                }
                // Both follow the same reader, which may have been waiting for the live one.
                Err(AdminError::Behind { .. }) if attempt < ATTEMPTS => {
                    transaction.rollback().await?;
                    tokio::time::sleep(PAUSE).await;
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        };
        tracing::info!(
            name,
            from = changed.from,
            to = changed.to,
            "another version is live"
        );
        Ok(changed)
    }

    async fn change_within(
        &self,
        transaction: &Transaction<'_>,
        name: &str,
        target: Target,
    ) -> Result<Switched, AdminError> {
        lock_versions(transaction, name).await?;
        let entries = self.entries(transaction, name).await?;
        let live = entries.iter().find(|entry| entry.is_live);
        let nothing_beside = || AdminError::NothingBeside {
            name: name.to_owned(),
        };
        let live = live.ok_or_else(nothing_beside)?;
        let other = match target {
            Target::Back => live
                .replaces
                .and_then(|number| numbered(&entries, name, number).ok())
                .ok_or_else(|| AdminError::NothingBefore {
                    name: name.to_owned(),
                })?,
            Target::Forward(None) => newest_beside(&entries).ok_or_else(nothing_beside)?,
            Target::Forward(Some(number)) => numbered(&entries, name, number)?,
        };
        let (name, version) = (name.to_owned(), other.number);
        if other.is_live {
            return Err(AdminError::IsLive { name, version });
        }
        if !other.is_filled {
            return Err(AdminError::NotFilled { name, version });
        }
        ensure_none_missing(transaction, &name, (version, live.number)).await?;
        // Nobody who has seen something may miss it afterwards. Where the live version has looked
        // beyond the last event, there is nothing to miss.
        let seen = hold(transaction, &name, live.number).await?;
        let head = self.feed.head().await?;
        let needed = if head.is_some() && head < seen {
            head
        } else {
            seen
        };
        if !comes_to(transaction, (&name, version), needed).await? {
            return Err(AdminError::Behind { name, version });
        }
        transaction
            .execute(
                "update projection_versions
                 set is_live = false, retired_at = now()
                 where name = $1 and version = $2",
                &[&name, &live.number],
            )
            .await?;
        let replaces = match target {
            Target::Forward(_) => Some(live.number),
            Target::Back => other.replaces,
        };
        transaction
            .execute(
                "update projection_versions
                 set is_live = true, replaces = $3
                 where name = $1 and version = $2",
                &[&name, &version, &replaces],
            )
            .await?;
        Ok(Switched {
            name,
            from: live.number,
            to: version,
        })
    }
}

/// The newest filled version that is not live and newer than the live one.
pub(super) fn newest_beside(entries: &[Entry]) -> Option<Entry> {
    let live = entries.iter().find(|entry| entry.is_live)?;
    let newer = |entry: &&Entry| entry.is_filled && entry.number > live.number;
    entries.iter().rev().find(newer).cloned()
}

/// Holds the live version where it is, and says where that is: of its shards the farthest counts.
async fn hold(
    transaction: &Transaction<'_>,
    name: &str,
    live: i32,
) -> Result<Option<Position>, tokio_postgres::Error> {
    // Whoever would move the live version waits now; whoever asks it does not.
    let rows = transaction
        .query(
            "select log_id, commit_position, prepare_position
             from projection_checkpoints
             where name = $1 and version = $2
             order by shard
             for update",
            &[&name, &live],
        )
        .await?;
    let mut farthest = None;
    for row in &rows {
        let held = Held::read(row.try_get("log_id")?, row)?.position();
        if farthest < held {
            farthest = held;
        }
    }
    Ok(farthest)
}

/// Whether every shard of a version comes to a position, if it is waited for a moment.
async fn comes_to(
    transaction: &Transaction<'_>,
    (name, version): (&str, i32),
    position: Option<Position>,
) -> Result<bool, tokio_postgres::Error> {
    let deadline = Instant::now() + CATCH_UP_WAIT;
    loop {
        let row = transaction
            .query_one(
                "select log_id, commit_position, prepare_position
                 from projection_checkpoints
                 where name = $1 and version = $2
                 order by commit_position, prepare_position
                 limit 1",
                &[&name, &version],
            )
            .await?;
        let held = Held::read(row.try_get("log_id")?, &row)?;
        let is_of_log = position.is_none_or(|position| position.log == held.log);
        if is_of_log && held.position() >= position {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        tokio::time::sleep(STEP).await;
    }
}

/// From here on no lock is waited for longer than [`LOCK_TIMEOUT`].
pub(super) async fn set_lock_timeout(
    transaction: &Transaction<'_>,
) -> Result<(), tokio_postgres::Error> {
    let millis = LOCK_TIMEOUT.as_millis();
    transaction
        .batch_execute(&format!("set local lock_timeout = '{millis}ms'"))
        .await
}

/// Locks the versions of a read model: two changes come one after the other, and the second sees
/// what the first has done.
pub(super) async fn lock_versions(
    transaction: &Transaction<'_>,
    name: &str,
) -> Result<(), tokio_postgres::Error> {
    set_lock_timeout(transaction).await?;
    transaction
        .execute(
            "select from projection_versions where name = $1 order by version for update",
            &[&name],
        )
        .await?;
    Ok(())
}

/// Says of a lock that was not had that somebody else is at work.
pub(super) fn busy(error: AdminError, name: &str) -> AdminError {
    match error {
        AdminError::Database(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {
            AdminError::Busy {
                name: name.to_owned(),
                seconds: LOCK_TIMEOUT.as_secs(),
            }
        }
        other => other,
    }
}
