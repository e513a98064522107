//! Many writers at once, and a reader that follows them: nothing missing, nothing twice.

use super::subject::{Subject, events, new_ids};
use anyhow::{Context, bail, ensure};
use commands::ports::{Append, AppendError, EventLog, ExpectedRevision};
use domain::{EventId, Position, RecordedEvent, StreamName};

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::timeout;

const WRITERS: usize = 16;
/// Appends of each writer to its own stream, and to the one that all share.
const OWN: usize = 50;
const SHARED: usize = 10;
const MOST_CONFLICTS: usize = 10_000;
/// A reader that waits for so long has lost something.
const PATIENCE: Duration = Duration::from_secs(60);

type Written = Vec<(EventId, Position)>;

pub(super) async fn many_writers_are_followed(subject: Subject) -> anyhow::Result<()> {
    let shared = subject.stream("shared");
    let mut writers = JoinSet::new();
    for n in 0..WRITERS {
        let own = subject.stream(&format!("own-{n}"));
        writers.spawn(write(Arc::clone(&subject.log), own, shared.clone()));
    }
    let total = WRITERS * (OWN + SHARED);
    let mut subscription = Arc::clone(&subject.feed).follow(subject.origin);
    let mut seen: Vec<RecordedEvent> = vec![];
    while seen.len() < total {
        let batch = timeout(PATIENCE, subscription.next_batch(37))
            .await
            .with_context(|| format!("nothing more after {} events", seen.len()))??;
        assert!(batch.events.len() <= 37);
        seen.extend(batch.events.into_iter().filter(|e| subject.owns(e)));
    }
    let mut acknowledged = HashMap::new();
    while let Some(written) = writers.join_next().await {
        acknowledged.extend(written??);
    }
    assert_eq!(acknowledged.len(), total);
    assert_eq!(seen.len(), total);
    subject.assert_in_order(&seen);
    for event in &seen {
        let position = acknowledged.remove(&event.event_id);
        assert_eq!(position, Some(event.position), "{}", event.event_id);
    }
    assert!(acknowledged.is_empty());
    assert_eq!(subject.everything().await?, seen);
    assert_eq!(subject.whole(&shared).await?.len(), WRITERS * SHARED);
    Ok(())
}

async fn write(
    log: Arc<dyn EventLog>,
    own: StreamName,
    shared: StreamName,
) -> anyhow::Result<Written> {
    let mut written = vec![];
    for n in 0..OWN {
        let expected = match n {
            0 => ExpectedRevision::NoStream,
            _ => ExpectedRevision::Exact(n as u64 - 1),
        };
        let id = new_ids(1)[0];
        let append = Append {
            stream: own.clone(),
            expected,
            events: events(&[id]),
        };
        let appended = log.append(append).await?;
        ensure!(!appended.idempotent && appended.last_revision == n as u64);
        written.push((id, appended.position));
        if n.is_multiple_of(OWN / SHARED) {
            written.push(append_contended(&*log, &shared).await?);
        }
    }
    Ok(written)
}

/// Appends to a stream that others append to: after a conflict, behind what it names.
async fn append_contended(
    log: &dyn EventLog,
    stream: &StreamName,
) -> anyhow::Result<(EventId, Position)> {
    let id = new_ids(1)[0];
    let mut expected = ExpectedRevision::NoStream;
    for _ in 0..MOST_CONFLICTS {
        let append = Append {
            stream: stream.clone(),
            expected,
            events: events(&[id]),
        };
        match log.append(append).await {
            Ok(appended) => {
                ensure!(!appended.idempotent, "{id} was written by nobody else");
                return Ok((id, appended.position));
            }
            Err(AppendError::WrongExpectedRevision { actual, .. }) => {
                expected = actual.map_or(ExpectedRevision::NoStream, ExpectedRevision::Exact);
            }
            Err(error) => return Err(error.into()),
        }
    }
    bail!("{MOST_CONFLICTS} conflicts in a row")
}
