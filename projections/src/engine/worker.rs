//! One shard of a read model at work: each batch in one transaction with the checkpoint, tried
//! until it holds.

use super::checkpoint::{self, Move};
use super::measure;
use super::reader::Batch;
use super::{Database, EngineError};
use crate::projection::{Applied, ProjectionError};
use crate::sql::Held;
use crate::tables::{Statements, Tables};
use crate::version::Version;
use std::{ops::Range, sync::Arc, time::Duration, time::Instant};
use tokio::sync::mpsc;
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

/// A transaction idle for longer is ended by the server: a frozen projector holds nothing. And a
/// commit need not wait for the disk: rows and checkpoint are lost or kept together, and what is
/// lost is projected again. Statements are prepared once but planned for each batch: a plan made
/// while a table was empty would read all of it for ever.
const SESSION: &str = "set idle_in_transaction_session_timeout = '10s';
    set synchronous_commit = off;
    set plan_cache_mode = force_custom_plan";
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How often a failure that does not look passing is tried all the same.
const LASTING_ATTEMPTS: u32 = 3;

/// A shard of a read model, and where it stood at the start.
#[derive(Clone)]
pub(super) struct Shard {
    pub(super) version: Version,
    pub(super) number: i32,
    /// The parts of each batch that it takes.
    pub(super) parts: Range<usize>,
    pub(super) held: Held,
}

/// A connection with the statements that it has prepared.
struct Session {
    client: Client,
    statements: Statements,
}

struct Worker {
    shard: Shard,
    database: Arc<dyn Database>,
    session: Option<Session>,
}

pub(super) async fn run(
    shard: Shard,
    database: Arc<dyn Database>,
    mut batches: mpsc::Receiver<Arc<Batch>>,
    cancel: CancellationToken,
) -> Result<(), EngineError> {
    let name = shard.version.name();
    let version = shard.version.number;
    let mut worker = Worker {
        shard,
        database,
        session: None,
    };
    measure::start(&worker.shard.version);
    while let Some(batch) = batches.recv().await {
        let (mut pause, mut attempt) = (FIRST_PAUSE, 0);
        while let Err(source) = worker.apply(&batch).await {
            worker.session = None;
            attempt += 1;
            if matches!(source, ProjectionError::WentBack) {
                measure::restart(&worker.shard.version);
                cancel.cancel();
                return Err(EngineError::WentBack(name));
            }
            if !source.is_passing() && attempt >= LASTING_ATTEMPTS {
                measure::halt(&worker.shard.version);
                tracing::error!(projection = name, version, error = %source, "the read model is halted");
                worker.note_fault(&source).await;
                return Err(EngineError::Projection { name, source });
            }
            measure::retry(&worker.shard.version);
            tracing::warn!(projection = name, version, attempt, error = %source, "a batch is tried again");
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
        if self.session.is_none() {
            self.connect().await?;
        }
        let Some(Session { client, statements }) = &mut self.session else {
            return Ok(());
        };
        let from = self.shard.held;
        if from.order() >= to.order() {
            return Ok(());
        }
        let held = from.position();
        let is_new = |position| held.is_none_or(|held| position > held);
        let parts = || batch.parts[self.shard.parts.clone()].iter();
        let new: Vec<&[Applied]> = parts()
            .map(|part| &part.events[part.events.partition_point(|e| !is_new(e.position))..])
            .filter(|events| !events.is_empty())
            .collect();
        let skipped = parts().flat_map(|part| &part.skipped);
        let passed = parts().flat_map(|part| &part.passed);
        let passed = passed.filter(|position| is_new(**position)).count();
        let step = Move {
            shard: self.shard.number,
            from,
            to,
            events: new.iter().map(|events| events.len()).sum::<usize>() + passed,
            skipped: skipped.filter(|position| is_new(**position)).count(),
        };
        let started = Instant::now();
        let version = &self.shard.version;
        let moved = if new.is_empty() {
            checkpoint::advance(client, version, &step).await?
        } else {
            let transaction = client.transaction().await?;
            // First, so that another projector of this name waits here and not among the rows.
            let moved = checkpoint::advance(&transaction, version, &step).await?;
            if moved {
                let tables = Tables::new(&transaction, version, statements);
                for events in new {
                    version.projection.apply(&tables, events).await?;
                }
                transaction.commit().await?;
            } else {
                // Another one was here first: nothing of ours may stay.
                transaction.rollback().await?;
            }
            moved
        };
        if moved {
            measure::applied(version, step.events, started.elapsed());
            self.shard.held = to;
            return Ok(());
        }
        self.session = None;
        Box::pin(self.apply(batch)).await
    }

    async fn connect(&mut self) -> Result<(), ProjectionError> {
        let lost = |e: super::DatabaseError| ProjectionError::Unreachable(e.0);
        let client = self.database.connect().await.map_err(lost)?;
        client.batch_execute(SESSION).await?;
        // A commit whose answer was lost has moved the checkpoint: it is read, not remembered.
        let Shard {
            version,
            number,
            held,
            ..
        } = &self.shard;
        let found = checkpoint::load(&client, version, *number, held.log).await?;
        // Commits that did not wait for the disk are lost in a crash. The batches since then are
        // gone from here, so the run must begin anew: nothing is skipped.
        self.shard.held = found
            .filter(|found| found.order() >= held.order())
            .ok_or(ProjectionError::WentBack)?;
        self.session = Some(Session {
            client,
            statements: Statements::default(),
        });
        Ok(())
    }

    /// Leaves word in the database of why this shard stands still, if that can be reached.
    async fn note_fault(&self, fault: &ProjectionError) {
        let Shard {
            version, number, ..
        } = &self.shard;
        let Ok(client) = self.database.connect().await else {
            return;
        };
        let noted = checkpoint::note_fault(&client, version, *number, &fault.to_string()).await;
        if let Err(error) = noted {
            tracing::warn!(
                error = super::describe(&error),
                "the fault is not on record"
            );
        }
    }
}
