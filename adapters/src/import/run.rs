//! Runs an import: one thread reads, a bounded number of tasks carry out the commands.

use super::assemble::{Assembler, Group};
use super::report::{RejectFile, Report};
use super::source::{AccountRef, ImportError, Item, Progress, Refusal, Source, TableInfo};
use super::write::{Writer, WriterError};
use commands::Ledger;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Tasks that carry out commands; an account always has the same one, which keeps its order.
const WRITERS: usize = 32;
/// Groups that may wait for each of them.
const QUEUE: usize = 4;
/// Refused rows that may wait to be written.
const QUEUED_REFUSALS: usize = 1_024;

/// Why an import ended early. What was appended stays; running it again goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The files cannot be read.
    #[error(transparent)]
    Read(#[from] ImportError),
    /// The commands cannot be carried out.
    #[error(transparent)]
    Write(#[from] WriterError),
    /// The file of refused rows cannot be written.
    #[error("the file of refused rows cannot be written: {0}")]
    Rejects(#[from] std::io::Error),
    /// A task ended by itself.
    #[error("a task of the import ended: {0}")]
    Task(String),
}

/// How far an import is, for whoever watches it.
#[derive(Default, Debug)]
pub struct Watch {
    /// Bytes read so far.
    pub bytes: AtomicU64,
    /// Rows read so far.
    pub rows: AtomicU64,
    /// Rows whose outcome is settled.
    pub settled: AtomicU64,
    /// Events appended so far.
    pub events: AtomicU64,
}

/// Imports a source. `rejects` is where refused rows go.
pub async fn run(
    ledger: Arc<Ledger>,
    source: Source,
    rejects: &Path,
    watch: Arc<Watch>,
) -> Result<Report, RunError> {
    // A place that cannot be written to is found out before anything is appended.
    let mut rejects = RejectFile::new(rejects)?;
    let tables: Arc<[TableInfo]> = source.tables().into();
    let name = source.mapping().name().to_owned();
    let mut writers = JoinSet::new();
    let mut queues = vec![];
    let (refuse, mut refused) = mpsc::channel(QUEUED_REFUSALS);
    for _ in 0..WRITERS {
        let (queue, groups) = mpsc::channel::<Group>(QUEUE);
        queues.push(queue);
        let writer = Writer::new(
            Arc::clone(&ledger),
            Arc::clone(&tables),
            name.clone(),
            refuse.clone(),
            Arc::clone(&watch),
        );
        writers.spawn(writer.run(groups));
    }
    let reading = {
        let watch = Arc::clone(&watch);
        tokio::task::spawn_blocking(move || read(&source, &queues, &refuse, &watch))
    };
    let mut report = Report::default();
    // Ends when the reader and every writer have ended.
    while let Some(refusal) = refused.recv().await {
        rejects.add(&refusal)?;
    }
    let read = reading.await.map_err(|e| RunError::Task(e.to_string()))?;
    while let Some(written) = writers.join_next().await {
        report.add(written.map_err(|e| RunError::Task(e.to_string()))??);
    }
    rejects.finish()?;
    report.rows_read = watch.rows.load(Ordering::Relaxed);
    report.rows_refused = rejects.rows();
    report.accounts = read?;
    Ok(report)
}

/// Reads everything, and hands every group to its account's writer. Returns how many accounts.
fn read(
    source: &Source,
    queues: &[mpsc::Sender<Group>],
    refuse: &mpsc::Sender<Refusal>,
    watch: &Watch,
) -> Result<u64, ImportError> {
    let mut assembler = Assembler::default();
    let mut accounts = HashSet::new();
    let mut hand_over = |groups: Vec<Group>| {
        for group in groups {
            accounts.insert(digest(&group.account));
            let queue = &queues[(digest(&group.account) % queues.len() as u64) as usize];
            // A writer that ended early has its own error to tell.
            if queue.blocking_send(group).is_err() {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    };
    source.read(&mut |item: Item, progress: Progress| {
        watch.bytes.store(progress.bytes, Ordering::Relaxed);
        watch.rows.store(progress.rows, Ordering::Relaxed);
        match item {
            Item::Reading(reading) => hand_over(assembler.add(reading)),
            Item::Refused(refusal) => match refuse.blocking_send(refusal) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            },
        }
    })?;
    let _flow = hand_over(assembler.flush());
    Ok(accounts.len() as u64)
}

fn digest(account: &AccountRef) -> u64 {
    let mut hasher = DefaultHasher::new();
    account.hash(&mut hasher);
    hasher.finish()
}
