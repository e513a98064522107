//! Group commit: while one batch is being committed, the next one gathers.

use super::batch::{Batch, STATEMENT, Waiting};
use super::measure;
use crate::postgres::connect::Endpoint;
use commands::ports::{Append, AppendError, Appended};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

/// Appends that may wait; further callers wait for room.
const QUEUE: usize = 4_096;
/// Appends to a stream that is already in the batch being gathered; they open the next one.
const DEFERRED: usize = 1_024;
/// The longest that a batch stays open for callers who are likely to come.
const LONGEST_GATHERING: Duration = Duration::from_micros(500);
/// How long to wait before the next attempt to reach the database.
const RECONNECT_PAUSE: Duration = Duration::from_millis(100);

/// A handle to the task that commits. The task ends when the handle is dropped.
pub(super) struct Batcher {
    queue: mpsc::Sender<Waiting>,
}

impl Batcher {
    pub(super) fn start(endpoint: Endpoint, log_id: Uuid) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(run(endpoint, log_id, waiting));
        Self { queue }
    }

    pub(super) async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        if append.events.is_empty() {
            return Err(AppendError::Invalid("it holds no event".to_owned()));
        }
        let (reply, outcome) = oneshot::channel();
        let ended = || AppendError::Unavailable("the log was closed".to_owned());
        self.queue
            .send(Waiting { append, reply })
            .await
            .map_err(|_| ended())?;
        // Taken from the queue and then lost with its task: it may have been written.
        let lost = || AppendError::OutcomeUnknown("the log was closed".to_owned());
        outcome.await.map_err(|_| lost())?
    }
}

async fn run(endpoint: Endpoint, log_id: Uuid, mut waiting: mpsc::Receiver<Waiting>) {
    let mut connection: Option<(Client, Statement)> = None;
    let mut deferred: Vec<Waiting> = vec![];
    let mut pace = Pace::default();
    loop {
        let mut batch = Batch::default();
        deferred = deferred
            .into_iter()
            .filter_map(|w| batch.try_add(w).err())
            .collect();
        if batch.is_empty() {
            match waiting.recv().await {
                Some(first) => deferred.extend(batch.try_add(first).err()),
                None => return,
            }
        }
        gather(&mut batch, &mut deferred, &mut waiting, &pace).await;
        measure::closed(deferred.len() + waiting.len());
        if connection
            .as_ref()
            .is_none_or(|(client, _)| client.is_closed())
        {
            connection = match prepare(&endpoint).await {
                Ok(made) => Some(made),
                Err(error) => {
                    let reason = crate::postgres::describe(&error);
                    batch.fail(|| AppendError::Unavailable(reason.clone()));
                    tokio::time::sleep(RECONNECT_PAUSE).await;
                    continue;
                }
            };
        }
        if let Some((client, statement)) = &connection {
            let (appends, start) = (batch.len(), Instant::now());
            batch.write(client, statement, log_id).await;
            let commit = start.elapsed();
            measure::committed(appends, commit);
            pace = Pace { appends, commit };
        }
    }
}

/// How the last batch went.
#[derive(Default)]
struct Pace {
    appends: usize,
    commit: Duration,
}

/// Takes in what waits. Callers that were answered together come back together, but not at the
/// same instant: a batch that closed at the first of them would leave the others a whole commit
/// behind. So it stays open until as many have come as last time, for a small part of the time
/// that the commit will take anyway. A lone caller never waits.
async fn gather(
    batch: &mut Batch,
    deferred: &mut Vec<Waiting>,
    waiting: &mut mpsc::Receiver<Waiting>,
    pace: &Pace,
) {
    let patience = (pace.commit / 4).min(LONGEST_GATHERING);
    let start = Instant::now();
    loop {
        while deferred.len() < DEFERRED
            && let Ok(next) = waiting.try_recv()
        {
            deferred.extend(batch.try_add(next).err());
        }
        if batch.len() + deferred.len() >= pace.appends || start.elapsed() >= patience {
            return;
        }
        // Timers are too coarse for this; the other tasks run meanwhile.
        tokio::task::yield_now().await;
    }
}

async fn prepare(endpoint: &Endpoint) -> Result<(Client, Statement), tokio_postgres::Error> {
    let client = endpoint.connect().await?;
    let statement = client.prepare(STATEMENT).await?;
    Ok((client, statement))
}
