//! Reads the source in its order and gives each run to the writer of its stream.

use super::mark::{Key, Tally};
use super::run::{Run, runs};
use super::writer::Writer;
use super::{Copier, CopyError, Step, Watched};
use crate::pages::{is_ours, read_ahead};
use domain::chain::ChainHash;
use domain::{Position, RecordedEvent, StreamName};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{JoinSet, block_in_place};

/// Writers that append at the same time, each with its streams. Both logs gather what comes at once.
const WRITERS: usize = 64;
/// Runs that wait for a writer.
const QUEUE: usize = 16;
/// Bytes of events that may be under way to the target, unless one run alone has more.
const UNDER_WAY: usize = 32 * 1024 * 1024;

type Queue = mpsc::Sender<(Run, OwnedSemaphorePermit)>;

/// What was read of the source.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) tally: Tally,
    pub(super) appended: u64,
    pub(super) left_out: u64,
}

impl Copier {
    /// Reads the source up to `head`, and appends what the target lacks.
    pub(super) async fn send(
        &self,
        head: Option<Position>,
        was_empty: bool,
        key: &Key,
        watched: &Watched,
    ) -> Result<Sent, CopyError> {
        let Some(head) = head else {
            return Ok(Sent::default());
        };
        watched.begin(Step::Copying, head);
        let mut writers = JoinSet::new();
        let mut queues = vec![];
        for _ in 0..WRITERS {
            let (queue, waiting) = mpsc::channel(QUEUE);
            queues.push(queue);
            let writer = Writer::new(Arc::clone(&self.to.log), was_empty);
            writers.spawn(write_all(writer, waiting));
        }
        let reading = self.read(head, &queues, key, watched);
        let mut sent = tokio::select! {
            sent = reading => sent?,
            // No writer ends before the queues do, unless it failed.
            Some(failed) = writers.join_next() => {
                joined(failed)?;
                return Err(CopyError::Internal("a writer ended early".to_owned()));
            }
        };
        drop(queues);
        while let Some(written) = writers.join_next().await {
            sent.appended += joined(written)?;
        }
        Ok(sent)
    }

    async fn read(
        &self,
        head: Position,
        queues: &[Queue],
        key: &Key,
        watched: &Watched,
    ) -> Result<Sent, CopyError> {
        let room = Arc::new(Semaphore::new(UNDER_WAY));
        let mut sent = Sent::default();
        let mut reached = None;
        let mut pages = read_ahead(Arc::clone(&self.from.feed), head);
        while let Some(page) = pages.recv().await {
            let page = page.map_err(CopyError::source)?;
            let (count, end) = (page.len(), page.last().map(|last| last.position));
            // Hashing is work for a processor, not for the tasks that wait.
            let runs = block_in_place(|| {
                sent.count(&page, head, key);
                runs(page, head)
            });
            for run in runs {
                let bytes = u32::try_from(run.bytes.min(UNDER_WAY)).unwrap_or(u32::MAX);
                let room = Arc::clone(&room).acquire_many_owned(bytes).await;
                let room = room.map_err(|e| CopyError::Internal(e.to_string()))?;
                let queue = &queues[writer_of(&run.stream)];
                if queue.send((run, room)).await.is_err() {
                    // The writer failed, and whoever waits for it says why.
                    std::future::pending::<()>().await;
                }
            }
            if let Some(end) = end {
                watched.reach(end, count);
                reached = Some(end);
            }
        }
        if reached.is_none_or(|reached| reached < head) {
            return Err(CopyError::EndMissing(head));
        }
        Ok(sent)
    }
}

impl Sent {
    fn count(&mut self, page: &[RecordedEvent], head: Position, key: &Key) {
        for event in page.iter().filter(|event| event.position <= head) {
            if is_ours(event) {
                let hash = ChainHash::of_recorded(event);
                self.tally.take(key, event, hash);
            } else {
                self.left_out += 1;
            }
        }
    }
}

fn writer_of(stream: &StreamName) -> usize {
    let mut hasher = DefaultHasher::new();
    stream.hash(&mut hasher);
    (hasher.finish() % WRITERS as u64) as usize
}

async fn write_all(
    mut writer: Writer,
    mut waiting: mpsc::Receiver<(Run, OwnedSemaphorePermit)>,
) -> Result<u64, CopyError> {
    let mut appended = 0;
    while let Some((run, room)) = waiting.recv().await {
        appended += writer.write(run).await?;
        drop(room);
    }
    Ok(appended)
}

fn joined(ended: Result<Result<u64, CopyError>, tokio::task::JoinError>) -> Result<u64, CopyError> {
    ended.map_err(|e| CopyError::Internal(e.to_string()))?
}
