//! One read model at work: each batch in one transaction with the checkpoint, tried until it holds.

use super::checkpoint::{self, Held};
use super::reader::Batch;
use super::{Database, EngineError};
use crate::projection::{Applied, Projection, ProjectionError};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

/// A transaction idle for longer is ended by the server: a frozen projector holds nothing. And a
/// commit need not wait for the disk: rows and checkpoint are lost or kept together, and what is
/// lost is projected again.
const SESSION: &str = "set idle_in_transaction_session_timeout = '10s';
    set synchronous_commit = off";
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How often a failure that does not look passing is tried all the same.
const LASTING_ATTEMPTS: u32 = 3;

struct Worker {
    projection: Arc<dyn Projection>,
    database: Arc<dyn Database>,
    client: Option<Client>,
    held: Held,
}

pub(super) async fn run(
    projection: Arc<dyn Projection>,
    database: Arc<dyn Database>,
    held: Held,
    mut batches: mpsc::Receiver<Arc<Batch>>,
    cancel: CancellationToken,
) -> Result<(), EngineError> {
    let name = projection.name();
    let mut worker = Worker {
        projection,
        database,
        client: None,
        held,
    };
    while let Some(batch) = batches.recv().await {
        let (mut pause, mut attempt) = (FIRST_PAUSE, 0);
        while let Err(source) = worker.apply(&batch).await {
            worker.client = None;
            attempt += 1;
            if matches!(source, ProjectionError::WentBack) {
                cancel.cancel();
                return Err(EngineError::WentBack(name));
            }
            if !source.is_passing() && attempt >= LASTING_ATTEMPTS {
                tracing::error!(projection = name, error = %source, "the read model is halted");
                return Err(EngineError::Projection { name, source });
            }
            tracing::warn!(projection = name, attempt, error = %source, "a batch is tried again");
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
    Ok(())
}

impl Worker {
    /// Applies what of a batch lies after the checkpoint. Doing it again does nothing.
    async fn apply(&mut self, batch: &Batch) -> Result<(), ProjectionError> {
        let to = Held::at(batch.end);
        if self.client.is_none() {
            self.connect().await?;
        }
        let Some(client) = &mut self.client else {
            return Ok(());
        };
        if self.held.order() >= to.order() {
            return Ok(());
        }
        let held = self.held.position();
        let is_new = |position| held.is_none_or(|held| position > held);
        let first = batch
            .events
            .partition_point(|applied| !is_new(applied.position));
        let events: &[Applied] = &batch.events[first..];
        let skipped = batch
            .skipped
            .iter()
            .filter(|position| is_new(**position))
            .count();
        let transaction = client.transaction().await?;
        let counts = (events.len() as i64, skipped as i64);
        let projection = &*self.projection;
        // First, so that another projector of this name waits here and not among the rows.
        if checkpoint::advance(&transaction, projection, self.held, to, counts).await? {
            projection.apply(&transaction, events).await?;
            transaction.commit().await?;
            self.held = to;
            return Ok(());
        }
        // Another projector of this name was here first: nothing of ours may stay.
        transaction.rollback().await?;
        self.client = None;
        Box::pin(self.apply(batch)).await
    }

    async fn connect(&mut self) -> Result<(), ProjectionError> {
        let lost = |e: super::DatabaseError| ProjectionError::Unreachable(e.0);
        let client = self.database.connect().await.map_err(lost)?;
        client.batch_execute(SESSION).await?;
        // A commit whose answer was lost has moved the checkpoint: it is read, not remembered.
        let log = self.held.log();
        let found = checkpoint::load(&client, &*self.projection, log).await?;
        // Commits that did not wait for the disk are lost in a crash. The batches since then are
        // gone from here, so the run must begin anew: nothing is skipped.
        self.held = found
            .filter(|found| found.order() >= self.held.order())
            .ok_or(ProjectionError::WentBack)?;
        self.client = Some(client);
        Ok(())
    }
}
