//! The projection engine: reads the log once, decodes it once, and lets every read model apply it.
//!
//! A read model's rows and its checkpoint move in one transaction, and the checkpoint by compare
//! and swap: two projectors of one name can do no harm, and a kill at any instant loses and
//! doubles nothing. A passing failure is tried again; a lasting one halts that shard of that read
//! model alone. Large read models are applied in shards of the accounts, side by side.
//!
//! Every version that was filled is kept, live or not, until it is dropped: so whichever is
//! switched to, or back to, is never stale.

mod capped;
pub(crate) mod catalogue;
mod check;
pub(crate) mod checkpoint;
mod culprit;
mod follow;
mod hand_over;
pub mod measure;
pub(crate) mod parking;
mod reader;
mod shard;
mod sharing;
mod taken;
mod versions;
mod worker;

pub use capped::Capped;
pub use check::Disagreement;
pub use checkpoint::{CHECKPOINTS, Checkpoint, checkpoints};
pub use hand_over::{HandedOver, hand_over};
pub use parking::{MOST_PARKED, OnFault};
pub(crate) use shard::shard_of;
pub use sharing::LEASE;

use crate::feed::{EventFeed, FeedError};
use crate::projection::{Projection, ProjectionError};
use crate::sql::Held;
use crate::version::Version;
use async_trait::async_trait;
use domain::Position;
use futures_util::future::{join, join_all};
use sharing::Sharing;
use std::{sync::Arc, time::Duration};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use versions::Work;

/// Why no connection was made.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the database is unavailable: {0}")]
pub struct DatabaseError(pub String);

/// Makes connections that drive themselves.
#[async_trait]
pub trait Database: Send + Sync {
    /// A new connection.
    async fn connect(&self) -> Result<Client, DatabaseError>;
}

/// Why the engine stopped.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No connection.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// No events.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// A read model cannot go on.
    #[error("{name}: {source}")]
    Projection {
        /// Which.
        name: &'static str,
        /// Why.
        source: ProjectionError,
    },
    /// An event that cannot be read. Nothing after it is applied to its shard.
    #[error("the event at {position} cannot be read: {reason}")]
    Undecodable {
        /// Where it lies.
        position: Position,
        /// What is wrong with it.
        reason: String,
    },
    /// The database lost a read model's newest commits in a crash.
    #[error("{0} went back to before its checkpoint")]
    WentBack(&'static str),
    /// The live version is not what this program keeps.
    #[error(transparent)]
    Disagreement(#[from] Disagreement),
    /// A read model stands at a position of another log.
    #[error(
        "{0} was projected from another log than this one: set EVENT_LOG to the log that it \
         belongs to, move that with `social-ledger log copy`, or use a database of its own"
    )]
    ForeignCheckpoint(&'static str),
}

impl EngineError {
    pub(crate) fn of(version: &Version, source: impl Into<ProjectionError>) -> Self {
        match source.into() {
            ProjectionError::Unreadable { position, reason } => {
                Self::Undecodable { position, reason }
            }
            source => Self::Projection {
                name: version.name(),
                source,
            },
        }
    }

    /// Whether the log or the database may be there again soon.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Database(_) | Self::Feed(FeedError::Unavailable(_)) => true,
            Self::Projection { source, .. } => source.is_passing(),
            _ => false,
        }
    }

    /// Whether it halts one shard, and the others go on.
    fn is_of_a_shard(&self) -> bool {
        matches!(self, Self::Projection { .. } | Self::Undecodable { .. })
    }
}

/// How far a run has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// Events read and handed to the read models in this run.
    pub events: u64,
    /// The position of the last of them.
    pub position: Option<Position>,
}

/// What to do when the head is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Until {
    Head,
    Cancelled,
}

/// The engine with the read models that it keeps.
pub struct Engine {
    feed: Arc<dyn EventFeed>,
    database: Arc<dyn Database>,
    projections: Vec<Arc<dyn Projection>>,
    /// The one version that is kept, if not all are.
    only: Option<i32>,
    on_fault: OnFault,
}

/// Batches that may wait for a read model while it applies another.
const BATCHES_AHEAD: usize = 1;
/// The longest pause before what found no database is tried again.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The pause before a log that is not there yet is asked again.
const LOG_PAUSE: Duration = Duration::from_millis(500);

impl Engine {
    /// Puts the engine together: it keeps the live version of each read model, and every other one
    /// that was filled.
    pub fn new(
        feed: Arc<dyn EventFeed>,
        database: Arc<dyn Database>,
        projections: Vec<Arc<dyn Projection>>,
    ) -> Self {
        Self {
            feed,
            database,
            projections,
            only: None,
            on_fault: OnFault::default(),
        }
    }

    /// The same engine with another rule for what it cannot apply.
    #[must_use]
    pub fn on_fault(mut self, on_fault: OnFault) -> Self {
        self.on_fault = on_fault;
        self
    }

    /// An engine that keeps one version, filled or not.
    pub fn of_version(
        feed: Arc<dyn EventFeed>,
        database: Arc<dyn Database>,
        version: &Version,
    ) -> Self {
        Self {
            feed,
            database,
            projections: vec![Arc::clone(&version.projection)],
            only: Some(version.number),
            on_fault: OnFault::default(),
        }
    }

    /// The log's id, once it is there. Whoever follows waits for it; whoever wants to get
    /// somewhere is told.
    async fn log_id(
        &self,
        until: Until,
        cancel: &CancellationToken,
    ) -> Result<Option<Uuid>, EngineError> {
        loop {
            match self.feed.log_id().await {
                Ok(log) => return Ok(Some(log)),
                Err(error) if until == Until::Head => return Err(error.into()),
                Err(error) => tracing::warn!(%error, "the log is not there yet"),
            }
            tokio::select! {
                () = cancel.cancelled() => return Ok(None),
                () = tokio::time::sleep(LOG_PAUSE) => {}
            }
        }
    }

    /// Applies everything up to where the log's head is now, and returns.
    pub async fn catch_up(
        &self,
        cancel: &CancellationToken,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Result<Progress, EngineError> {
        let reached = self.run_on(None, cancel, &progress).await?;
        if !cancel.is_cancelled() {
            self.finish().await?;
        }
        Ok(reached)
    }

    /// Makes the indexes that wait for the first arrival at the head.
    async fn finish(&self) -> Result<(), EngineError> {
        let mut client = self.database.connect().await?;
        for version in self.versions().await? {
            if let Err(fault) = catalogue::finish(&mut client, &version).await {
                if fault.is_passing() {
                    // To make indexes takes longest: if it takes too long, that shall be seen.
                    let _noted = checkpoint::note_waiting(&client, &version, 0, &fault).await;
                }
                return Err(EngineError::of(&version, fault));
            }
        }
        Ok(())
    }

    /// Begins anew from the checkpoints as they are whenever a crash took the database back.
    async fn run_on(
        &self,
        mut sharing: Option<&mut Sharing>,
        cancel: &CancellationToken,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Progress, EngineError> {
        loop {
            match self.run(sharing.as_deref_mut(), cancel, progress).await {
                Err(EngineError::WentBack(name)) => {
                    tracing::warn!(
                        projection = name,
                        "it is projected again from its checkpoint"
                    );
                }
                settled => return settled,
            }
        }
    }

    /// One run: to the head of the log, or with those who share the work, until there is other
    /// work to do.
    async fn run(
        &self,
        mut sharing: Option<&mut Sharing>,
        cancel: &CancellationToken,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Progress, EngineError> {
        let until = match sharing {
            None => Until::Head,
            Some(_) => Until::Cancelled,
        };
        let log = tokio::select! {
            () = cancel.cancelled() => None,
            log = self.log_id(until, cancel) => log?,
        };
        let Some(log) = log else {
            return Ok(Progress::default());
        };
        self.install().await?;
        let versions = self.versions().await?;
        let work = self.work(versions, sharing.as_deref_mut()).await?;
        let shards = self.shards(&work, log).await?;
        if shards.is_empty() && until == Until::Head {
            return Ok(Progress::default());
        }
        // Cancelled with the caller's, or by a read model that must begin anew.
        let done = cancel.child_token();
        let slowest = shards.iter().map(|shard| shard.held);
        let slowest = slowest.min_by_key(Held::order);
        let mut senders = vec![];
        let mut workers = vec![];
        for shard in shards {
            let (sender, batches) = tokio::sync::mpsc::channel(BATCHES_AHEAD);
            senders.push(sender);
            let database = Arc::clone(&self.database);
            workers.push(worker::run(
                shard,
                self.on_fault,
                database,
                batches,
                done.clone(),
            ));
        }
        let reading = async {
            if senders.is_empty() {
                // Others keep everything.
                done.cancelled().await;
                return Ok(Progress::default());
            }
            let after = slowest.and_then(|held| held.position());
            let (feed, of) = (Arc::clone(&self.feed), (after, work.versions.as_slice()));
            reader::run(feed, of, senders, until, &done, progress).await
        };
        let working = join(reading, join_all(workers));
        let (read, applied) = match sharing {
            None => working.await,
            Some(sharing) => tokio::select! {
                done = working => done,
                never = self.watch(&work, sharing, &done) => match never {},
            },
        };
        let was_asked = done.is_cancelled() && until == Until::Cancelled;
        for outcome in applied {
            match outcome {
                // It stands still, and is tried again in the next run.
                Err(error) if was_asked && error.is_of_a_shard() => {}
                outcome => outcome?,
            }
        }
        read
    }

    /// All shards that this run keeps, and where they stand.
    async fn shards(&self, work: &Work, log: Uuid) -> Result<Vec<worker::Shard>, EngineError> {
        let client = self.database.connect().await?;
        let mut shards = vec![];
        for version in &work.versions {
            for (number, parts) in (0..).zip(shard::parts(version.projection.is_sharded())) {
                let (held, parked) = checkpoint::load(&client, version, number, log)
                    .await
                    .map_err(|e| EngineError::of(version, e))?
                    .ok_or(EngineError::ForeignCheckpoint(version.name()))?;
                if work.is_ours(version, number) {
                    shards.push(worker::Shard {
                        version: version.clone(),
                        number,
                        parts,
                        held,
                        parked,
                        projector: work.projector,
                    });
                }
            }
        }
        Ok(shards)
    }
}

/// A database error with its cause, since the outer text alone says little.
pub fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} ({})", db.message(), db.code().code()),
        None => match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}
