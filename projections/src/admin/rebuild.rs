//! Filling the next version of a read model beside the live one.

use super::{AdminError, Administration};
use crate::engine::{Capped, Database, Engine, EngineError, LONGEST_PAUSE, catalogue};
use crate::feed::EventFeed;
use crate::version::Version;
use std::convert::Infallible;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

/// The first half of the advisory lock of whoever fills a version; the second is of the name.
pub(super) const REBUILD_LOCK: i32 = 0x50c1_a1eb;

/// The first pause before a rebuild that found no database is tried again.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// How often a rebuild looks whether it still holds its lock.
const HOLD_INTERVAL: Duration = Duration::from_secs(1);

/// How far a rebuild has come.
#[derive(Clone, Copy, Debug)]
pub struct Filling {
    /// Events that the version has now.
    pub events: u64,
    /// Events that it had when this run began.
    pub from: u64,
    /// Events that the live version has, which it must have too.
    pub total: u64,
}

/// A rebuild that has begun: the version is there, and nobody else fills it.
pub struct Rebuild {
    /// The version that is filled.
    pub version: Version,
    feed: Arc<dyn EventFeed>,
    database: Arc<dyn Database>,
    /// The connection that holds the lock: if this process dies, another one may go on.
    holder: Client,
    from: u64,
    total: u64,
}

impl Administration {
    /// Makes the next version of a read model by the newest code, or finds the one that an earlier
    /// rebuild did not get to fill.
    pub async fn begin_rebuild(&self, name: &str) -> Result<Rebuild, AdminError> {
        let projection = self.newest(name)?;
        let mut holder = self.connect().await?;
        if !take_lock(&holder, name).await? {
            let name = name.to_owned();
            return Err(AdminError::BeingRebuilt { name });
        }
        let log = self.feed.log_id().await?;
        let transaction = holder.transaction().await?;
        catalogue::lock(&transaction).await?;
        let entries = self.entries(&transaction, name).await?;
        let begun = entries
            .iter()
            .find(|entry| !entry.is_filled && !entry.is_live);
        let number = match begun {
            Some(begun) if begun.is_of(&**projection) => begun.number,
            Some(begun) => {
                return Err(AdminError::BegunByOthers {
                    name: name.to_owned(),
                    version: begun.number,
                });
            }
            None => catalogue::next_number(&transaction, name).await?,
        };
        let version = Version {
            projection: Arc::clone(projection),
            number,
        };
        if begun.is_none() {
            catalogue::make(&transaction, &version, log).await?;
        }
        let row = transaction
            .query_one(
                "select coalesce(sum(c.events + c.skipped) filter (where v.is_live), 0)::bigint
                     as total,
                     coalesce(sum(c.events + c.skipped) filter (where v.version = $2), 0)::bigint
                     as done
                 from projection_checkpoints c
                 join projection_versions v on v.name = c.name and v.version = c.version
                 where c.name = $1",
                &[&name, &number],
            )
            .await?;
        let count = |column: &str| row.try_get::<_, i64>(column).map(i64::cast_unsigned);
        let (from, total) = (count("done")?, count("total")?);
        transaction.commit().await?;
        Ok(Rebuild {
            version,
            feed: Arc::clone(&self.feed),
            database: Arc::clone(&self.database),
            holder,
            from,
            total,
        })
    }
}

impl Rebuild {
    /// Fills the version up to the head of the log, at most so many events a second, makes its
    /// indexes, and hands it over: from then on every projector keeps it, as it does the live one.
    /// Log or database away, or short of something, are waited for.
    ///
    /// Cancelled or killed, it goes on another time from where it was. Says whether it came to an
    /// end.
    pub async fn run(
        &self,
        max_rate: Option<NonZeroU32>,
        cancel: &CancellationToken,
        progress: impl Fn(Filling) + Send + Sync,
    ) -> Result<bool, AdminError> {
        let feed = match max_rate {
            None => Arc::clone(&self.feed),
            Some(rate) => Arc::new(Capped::new(Arc::clone(&self.feed), rate)),
        };
        let engine = Engine::of_version(feed, Arc::clone(&self.database), &self.version);
        tokio::select! {
            filled = self.fill_waiting(&engine, cancel, &progress) => filled,
            never = self.hold() => match never {},
        }
    }

    async fn fill_waiting(
        &self,
        engine: &Engine,
        cancel: &CancellationToken,
        progress: &(dyn Fn(Filling) + Send + Sync),
    ) -> Result<bool, AdminError> {
        let mut pause = FIRST_PAUSE;
        loop {
            let version = &self.version;
            match self.fill(engine, cancel, progress).await {
                Err(error) if error.is_passing() => {
                    tracing::warn!(%version, %error, "the rebuild is tried again");
                }
                Err(error) => return Err(error.into()),
                Ok(Some(is_filled)) => return Ok(is_filled),
                Ok(None) => {
                    return Err(AdminError::Dropped {
                        name: version.name().to_owned(),
                        version: version.number,
                    });
                }
            }
            tokio::select! {
                () = cancel.cancelled() => return Ok(false),
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Whether the version is full now; nothing, if it is gone.
    async fn fill(
        &self,
        engine: &Engine,
        cancel: &CancellationToken,
        progress: &(dyn Fn(Filling) + Send + Sync),
    ) -> Result<Option<bool>, EngineError> {
        let done = engine
            .catch_up(cancel, |done| {
                progress(Filling {
                    events: self.from + done.events,
                    from: self.from,
                    total: self.total.max(self.from + done.events),
                });
            })
            .await?;
        tracing::info!(version = %self.version, events = done.events, "filled");
        if !cancel.is_cancelled() {
            // What was appended while the indexes were made.
            engine.catch_up(cancel, |_| {}).await?;
        }
        let held = engine.held().await?;
        let mut ours = held.iter().filter(|entry| {
            entry.name == self.version.name() && entry.number == self.version.number
        });
        Ok(ours.next().map(|entry| entry.is_filled))
    }

    /// Takes the lock again when the connection that held it is lost. Whoever came in between does
    /// no harm: of two who fill a version, each move is one's alone.
    async fn hold(&self) -> Infallible {
        let mut again = None;
        loop {
            tokio::time::sleep(HOLD_INTERVAL).await;
            if !again.as_ref().unwrap_or(&self.holder).is_closed() {
                continue;
            }
            match self.database.connect().await {
                Ok(client) => {
                    if matches!(take_lock(&client, self.version.name()).await, Ok(true)) {
                        again = Some(client);
                    }
                }
                Err(error) => tracing::warn!(%error, "the lock of the rebuild is not held"),
            }
        }
    }
}

/// Tries to become the one that fills versions of a read model, for as long as the connection lasts.
async fn take_lock(client: &Client, name: &str) -> Result<bool, tokio_postgres::Error> {
    let row = client
        .query_one(
            "select pg_try_advisory_lock($1, hashtext($2)) as is_ours",
            &[&REBUILD_LOCK, &name],
        )
        .await?;
    row.try_get("is_ours")
}
