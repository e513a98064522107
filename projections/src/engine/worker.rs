//! One shard of a read model at work: each batch in one transaction with the checkpoint, tried
//! until it holds.

use super::checkpoint::{self, Move};
use super::measure;
use super::parking::{self, OnFault, Parked};
use super::reader::Batch;
use super::taken::Taken;
use super::{Database, EngineError, LONGEST_PAUSE, culprit, sharing};
use crate::erasure::erased_in;
use crate::projection::{Projection, ProjectionError};
use crate::sql::Held;
use crate::tables::{Statements, Tables};
use crate::version::Version;
use domain::AccountId;
use std::{ops::Range, sync::Arc, time::Duration, time::Instant};
use tokio::sync::mpsc;
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A transaction idle for longer is ended by the server: a frozen projector holds nothing. And a
/// commit need not wait for the disk: rows and checkpoint are lost or kept together, and what is
/// lost is projected again. Statements are prepared once but planned for each batch: a plan made
/// while a table was empty would read all of it for ever.
const SESSION: &str = "set idle_in_transaction_session_timeout = '5s';
    set synchronous_commit = off;
    set plan_cache_mode = force_custom_plan";
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// How often a failure that does not look passing is tried all the same.
const LASTING_ATTEMPTS: u32 = 3;
/// How often a batch was tried when what looks passing is put on record too, for whoever lists the
/// read models: after some six seconds, more than a restart takes.
const NOTED_ATTEMPTS: u32 = 7;

/// A shard of a read model, and where it stood at the start.
#[derive(Clone)]
pub(super) struct Shard {
    pub(super) version: Version,
    pub(super) number: i32,
    /// The parts of each batch that it takes.
    pub(super) parts: Range<usize>,
    pub(super) held: Held,
    pub(super) parked: Parked,
    /// Who keeps it, if only its keeper may move it.
    pub(super) projector: Option<Uuid>,
}

impl Shard {
    /// The code that keeps it, and the streams of which it takes nothing.
    fn code(&self) -> (&dyn Projection, &Parked) {
        (&*self.version.projection, &self.parked)
    }
}

/// A connection with the statements that it has prepared.
struct Session {
    client: Client,
    statements: Statements,
}

struct Worker {
    shard: Shard,
    on_fault: OnFault,
    database: Arc<dyn Database>,
    session: Option<Session>,
}

pub(super) async fn run(
    shard: Shard,
    on_fault: OnFault,
    database: Arc<dyn Database>,
    mut batches: mpsc::Receiver<Arc<Batch>>,
    cancel: CancellationToken,
) -> Result<(), EngineError> {
    let name = shard.version.name();
    let version = shard.version.number;
    let mut worker = Worker {
        shard,
        on_fault,
        database,
        session: None,
    };
    measure::start(&worker.shard.version);
    while let Some(batch) = batches.recv().await {
        let (mut pause, mut attempt, mut is_noted) = (FIRST_PAUSE, 0, false);
        while let Err(source) = worker.apply(&batch).await {
            worker.session = None;
            attempt += 1;
            match source {
                ProjectionError::WentBack => {
                    measure::restart(&worker.shard.version);
                    cancel.cancel();
                    return Err(EngineError::WentBack(name));
                }
                ProjectionError::KeptElsewhere => return Ok(()),
                _ => {}
            }
            if !source.is_passing() && attempt >= LASTING_ATTEMPTS {
                if worker.parks(&batch, &source).await {
                    attempt = 0;
                    continue;
                }
                measure::halt(&worker.shard.version);
                return Err(EngineError::of(&worker.shard.version, source));
            }
            if attempt >= NOTED_ATTEMPTS && !is_noted {
                is_noted = worker.notes(&batch, &source).await.is_ok();
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
        if self.session.is_none() {
            self.connect().await?;
        }
        let Some(Session { client, statements }) = &mut self.session else {
            return Ok(());
        };
        let shard = &self.shard;
        let from = shard.held;
        if from.order() >= Held::at(batch.end).order() {
            return Ok(());
        }
        let taken = Taken::of(batch, shard.parts.clone(), from, shard.code());
        if taken.end.order() <= from.order() {
            return taken.to_the_end();
        }
        let events = taken.events.iter().map(|events| events.len());
        let step = Move {
            shard: shard.number,
            from,
            to: taken.end,
            parkings: shard.parked.parkings,
            projector: shard.projector,
            events: events.sum::<usize>() + taken.passed,
            skipped: taken.skipped,
        };
        let started = Instant::now();
        let version = &shard.version;
        let moved = if taken.events.is_empty() {
            checkpoint::advance(client, version, &step).await?
        } else {
            let transaction = client.transaction().await?;
            // First, so that another projector of this name waits here and not among the rows.
            let moved = checkpoint::advance(&transaction, version, &step).await?;
            if moved {
                let tables = Tables::new(&transaction, version, statements);
                for events in &taken.events {
                    version.projection.apply(&tables, events).await?;
                    if !shard.parked.accounts.is_empty() {
                        parking::forget(&transaction, version, &erased_in(events)).await?;
                    }
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
            self.shard.held = taken.end;
            return taken.to_the_end();
        }
        self.session = None;
        Box::pin(self.apply(batch)).await
    }

    async fn connect(&mut self) -> Result<(), ProjectionError> {
        let lost = |e: super::DatabaseError| ProjectionError::Unreachable(e.0);
        let client = self.database.connect().await.map_err(lost)?;
        client.batch_execute(SESSION).await?;
        let shard = &mut self.shard;
        let (version, number) = (&shard.version, shard.number);
        if let Some(projector) = shard.projector
            && !sharing::is_kept_by(&client, projector, version, number).await?
        {
            return Err(ProjectionError::KeptElsewhere);
        }
        // A commit whose answer was lost has moved the checkpoint: it is read, not remembered.
        let found = checkpoint::load(&client, version, number, shard.held.log).await?;
        // Commits that did not wait for the disk are lost in a crash. The batches since then are
        // gone from here, so the run must begin anew: nothing is skipped.
        (shard.held, shard.parked) = found
            .filter(|(found, _)| found.order() >= shard.held.order())
            .ok_or(ProjectionError::WentBack)?;
        self.session = Some(Session {
            client,
            statements: Statements::default(),
        });
        Ok(())
    }

    /// Leaves word of what a batch waits for, which the next move takes away. Fails like the batch
    /// where there is no database to leave it in.
    async fn notes(
        &mut self,
        batch: &Batch,
        fault: &ProjectionError,
    ) -> Result<(), ProjectionError> {
        self.connect().await?;
        let shard = &self.shard;
        // It may be applied after all, and its answer lost: then no move comes.
        if let Some(Session { client, .. }) = &self.session
            && shard.held.order() < Held::at(batch.end).order()
        {
            checkpoint::note_waiting(client, &shard.version, shard.number, fault).await?;
        }
        Ok(())
    }

    /// Deals with a fault that trying again does not mend: parks the stream that is to blame, if
    /// that is wanted, or leaves word of why this shard stands still. Says whether it can go on.
    async fn parks(&mut self, batch: &Batch, fault: &ProjectionError) -> bool {
        let outcome = self.settle(batch, fault).await;
        self.session = None;
        let Shard {
            version, number, ..
        } = &self.shard;
        match outcome {
            Ok(Some(account)) => {
                tracing::error!(%version, %account, error = %fault, "a stream is parked");
                true
            }
            Ok(None) => {
                tracing::error!(%version, shard = number, error = %fault, "the read model is halted");
                false
            }
            Err(error) => {
                tracing::error!(%version, shard = number, error = %fault, "the read model is halted");
                tracing::warn!(%error, "the fault is not on record");
                false
            }
        }
    }

    /// The stream that was parked, or nothing, and then the fault is on record.
    async fn settle(
        &mut self,
        batch: &Batch,
        fault: &ProjectionError,
    ) -> Result<Option<AccountId>, ProjectionError> {
        self.connect().await?;
        let Some(Session { client, .. }) = &mut self.session else {
            return Ok(None);
        };
        let shard = &self.shard;
        let version = &shard.version;
        let taken = Taken::of(batch, shard.parts.clone(), shard.held, shard.code());
        let culprit = match taken.culprit() {
            Some(culprit) => Some(culprit),
            None => culprit::find(client, version, &taken).await?,
        };
        let wanted = culprit.as_ref().filter(|culprit| {
            self.on_fault == OnFault::Park && !shard.parked.accounts.contains_key(&culprit.account)
        });
        let reason = fault.to_string();
        if let Some(culprit) = wanted
            && parking::park(client, (version, shard.number), culprit, &reason).await?
        {
            return Ok(Some(culprit.account));
        }
        checkpoint::note_fault(client, version, shard.number, &reason, culprit.as_ref()).await?;
        Ok(None)
    }
}
