//! The projection engine: reads the log once, decodes it once, and lets every read model apply it.
//!
//! A read model's rows and its checkpoint move in one transaction, and the checkpoint by compare
//! and swap: two projectors of one name can do no harm, and a kill at any instant loses and
//! doubles nothing. A passing failure is tried again; a lasting one halts that read model alone.

mod checkpoint;
mod reader;
mod worker;

pub use checkpoint::{Checkpoint, checkpoint, checkpoints};

use crate::feed::{EventFeed, FeedError};
use crate::projection::{Projection, ProjectionError};
use async_trait::async_trait;
use domain::Position;
use futures_util::future::join_all;
use std::{sync::Arc, time::Duration};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

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
    /// An event that cannot be read. Nothing after it is applied.
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
    /// A read model stands at a position of another log.
    #[error("{0} was projected from another log than this one")]
    ForeignCheckpoint(&'static str),
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
}

/// Batches that may wait for a read model while it applies another.
const BATCHES_AHEAD: usize = 1;
/// The pause before a log that is not there yet is asked again.
const LOG_PAUSE: Duration = Duration::from_millis(500);

impl Engine {
    /// Puts the engine together.
    pub fn new(
        feed: Arc<dyn EventFeed>,
        database: Arc<dyn Database>,
        projections: Vec<Arc<dyn Projection>>,
    ) -> Self {
        Self {
            feed,
            database,
            projections,
        }
    }

    /// Makes the tables of read models that are not there yet. The log is asked for its id only
    /// if there are any: a program that was installed starts without its log.
    pub async fn install(&self) -> Result<(), EngineError> {
        let mut client = self.database.connect().await?;
        let mut log = None;
        for projection in &self.projections {
            let failed = |source| EngineError::Projection {
                name: projection.name(),
                source,
            };
            let is_installed = checkpoint::is_installed(&client, &**projection).await;
            if is_installed.map_err(failed)? {
                continue;
            }
            let log = match log {
                Some(log) => log,
                None => *log.insert(self.feed.log_id().await?),
            };
            checkpoint::install(&mut client, &**projection, log)
                .await
                .map_err(failed)?;
        }
        Ok(())
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
        self.run_on(Until::Head, cancel, &progress).await
    }

    /// Follows the log until it is cancelled. Ends early only on a lasting failure.
    pub async fn follow(&self, cancel: &CancellationToken) -> Result<(), EngineError> {
        self.run_on(Until::Cancelled, cancel, &|_| {})
            .await
            .map(|_| ())
    }

    /// Begins anew from the checkpoints as they are whenever a crash took the database back.
    async fn run_on(
        &self,
        until: Until,
        cancel: &CancellationToken,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Progress, EngineError> {
        loop {
            match self.run(until, cancel, progress).await {
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

    async fn run(
        &self,
        until: Until,
        cancel: &CancellationToken,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Progress, EngineError> {
        let log = tokio::select! {
            () = cancel.cancelled() => None,
            log = self.log_id(until, cancel) => log?,
        };
        let Some(log) = log else {
            return Ok(Progress::default());
        };
        self.install().await?;
        let client = self.database.connect().await?;
        let mut start = Vec::with_capacity(self.projections.len());
        for projection in &self.projections {
            let held = checkpoint::load(&client, &**projection, log)
                .await
                .map_err(|source| EngineError::Projection {
                    name: projection.name(),
                    source,
                })?
                .ok_or(EngineError::ForeignCheckpoint(projection.name()))?;
            start.push(held);
        }
        drop(client);
        // Cancelled with the caller's, or by a read model that must begin anew.
        let done = cancel.child_token();
        let mut senders = vec![];
        let mut workers = vec![];
        for (projection, held) in self.projections.iter().zip(&start) {
            let (sender, batches) = tokio::sync::mpsc::channel(BATCHES_AHEAD);
            senders.push(sender);
            workers.push(worker::run(
                Arc::clone(projection),
                Arc::clone(&self.database),
                *held,
                batches,
                done.clone(),
            ));
        }
        let slowest = start.into_iter().min_by_key(checkpoint::Held::order);
        let after = slowest.and_then(|held| held.position());
        let reading = reader::run(
            Arc::clone(&self.feed),
            after,
            senders,
            until,
            &done,
            progress,
        );
        let (read, applied) = tokio::join!(reading, join_all(workers));
        applied.into_iter().collect::<Result<Vec<()>, _>>()?;
        read
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
