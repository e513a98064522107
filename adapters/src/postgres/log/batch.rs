//! One batch of appends: its arguments to `log_append`, and each item's outcome from the answer.

use commands::ports::{Append, AppendError, Appended, ExpectedRevision};
use domain::Position;
use std::collections::HashSet;
use tokio::sync::oneshot;
use tokio_postgres::{Client, Row, Statement};
use uuid::Uuid;

/// The most appends of one commit.
const MAX_ITEMS: usize = 1_024;
/// The most bytes of one commit, unless a single append is larger.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// The statement that [`Batch::write`] runs.
pub(super) const STATEMENT: &str =
    "select head, outcomes, currents from log_append($1, $2, $3, $4, $5, $6, $7, $8, $9)";

/// An append and where its caller waits.
pub(super) struct Waiting {
    pub(super) append: Append,
    pub(super) reply: oneshot::Sender<Result<Appended, AppendError>>,
}

impl Waiting {
    fn bytes(&self) -> usize {
        self.append
            .events
            .iter()
            .map(|e| e.metadata.len() + e.data.len() + 128)
            .sum()
    }
}

/// Appends that are committed together. No two name the same stream.
#[derive(Default)]
pub(super) struct Batch {
    items: Vec<Waiting>,
    streams: HashSet<String>,
    bytes: usize,
}

impl Batch {
    /// Takes an append in, or gives it back: the batch is full or already holds its stream.
    pub(super) fn try_add(&mut self, waiting: Waiting) -> Result<(), Waiting> {
        let bytes = waiting.bytes();
        let full = self.items.len() >= MAX_ITEMS || self.bytes + bytes > MAX_BYTES;
        if (full && !self.items.is_empty())
            || !self
                .streams
                .insert(waiting.append.stream.as_str().to_owned())
        {
            return Err(waiting);
        }
        self.bytes += bytes;
        self.items.push(waiting);
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Commits the batch and tells every caller its own outcome.
    pub(super) async fn write(self, client: &Client, statement: &Statement, log_id: Uuid) {
        match run(&self.items, client, statement).await {
            Ok(answer) => self.settle(&answer, client, log_id).await,
            // The server said no before it committed anything.
            Err(error) if error.as_db_error().is_some() => {
                let reason = crate::postgres::describe(&error);
                self.fail(|| AppendError::Unavailable(reason.clone()));
            }
            Err(error) => {
                let reason = crate::postgres::describe(&error);
                self.fail(|| AppendError::OutcomeUnknown(reason.clone()));
            }
        }
    }

    /// Tells every caller the same failure.
    pub(super) fn fail(self, error: impl Fn() -> AppendError) {
        for item in self.items {
            let _gone = item.reply.send(Err(error()));
        }
    }

    async fn settle(self, answer: &Answer, client: &Client, log_id: Uuid) {
        let mut position = answer.head;
        for (n, item) in self.items.into_iter().enumerate() {
            let outcome = answer.outcomes.get(n).copied().unwrap_or_default();
            let last_revision = last_revision(&item.append);
            let at = |commit: u64| Position {
                log: log_id,
                commit,
                prepare: commit,
            };
            let result = match outcome {
                1 => {
                    position += item.append.events.len() as u64;
                    Ok(Appended {
                        last_revision,
                        position: at(position),
                        idempotent: false,
                    })
                }
                2 => position_of(&item.append, last_revision, client)
                    .await
                    .map(|commit| Appended {
                        last_revision,
                        position: at(commit),
                        idempotent: true,
                    }),
                _ => Err(AppendError::WrongExpectedRevision {
                    stream: item.append.stream,
                    expected: item.append.expected,
                    actual: answer
                        .currents
                        .get(n)
                        .copied()
                        .flatten()
                        .map(i64::cast_unsigned),
                }),
            };
            let _gone = item.reply.send(result);
        }
    }
}

struct Answer {
    head: u64,
    outcomes: Vec<i32>,
    currents: Vec<Option<i64>>,
}

fn next_revision(append: &Append) -> i64 {
    match append.expected {
        ExpectedRevision::NoStream => 0,
        // No stream is ever so long; clamped, additions stay within an i64.
        ExpectedRevision::Exact(revision) => {
            i64::try_from(revision).unwrap_or(i64::MAX).min(1 << 62) + 1
        }
    }
}

fn last_revision(append: &Append) -> u64 {
    (next_revision(append) + append.events.len() as i64 - 1).cast_unsigned()
}

async fn run(
    items: &[Waiting],
    client: &Client,
    statement: &Statement,
) -> Result<Answer, tokio_postgres::Error> {
    let mut item_streams = Vec::with_capacity(items.len());
    let mut item_expected = Vec::with_capacity(items.len());
    let mut event_items = vec![];
    let mut event_streams = vec![];
    let mut event_revisions = vec![];
    let mut event_ids = vec![];
    let mut event_types = vec![];
    let mut event_metadata = vec![];
    let mut event_data = vec![];
    for (n, item) in (1..).zip(items) {
        let append = &item.append;
        let first = next_revision(append);
        item_streams.push(append.stream.as_str());
        item_expected.push(first - 1);
        for (revision, event) in (first..).zip(append.events.iter()) {
            event_items.push(n);
            event_streams.push(append.stream.as_str());
            event_revisions.push(revision);
            event_ids.push(event.event_id.uuid());
            event_types.push(&*event.event_type);
            event_metadata.push(event.metadata.as_slice());
            event_data.push(event.data.as_slice());
        }
    }
    let row: Row = client
        .query_one(
            statement,
            &[
                &item_streams,
                &item_expected,
                &event_items as &Vec<i32>,
                &event_streams,
                &event_revisions,
                &event_ids,
                &event_types,
                &event_metadata,
                &event_data,
            ],
        )
        .await?;
    Ok(Answer {
        head: row.try_get::<_, i64>("head")?.cast_unsigned(),
        outcomes: row.try_get("outcomes")?,
        currents: row.try_get("currents")?,
    })
}

async fn position_of(append: &Append, revision: u64, client: &Client) -> Result<u64, AppendError> {
    let row = client
        .query_one(
            "select position from log_events where stream = $1 and revision = $2",
            &[&append.stream.as_str(), &revision.cast_signed()],
        )
        .await
        .map_err(|e| AppendError::OutcomeUnknown(crate::postgres::describe(&e)))?;
    Ok(row.get::<_, i64>("position").cast_unsigned())
}
