//! Looks for the first event of one log that another log does not hold, byte for byte.

use super::run::{Run, runs};
use super::{CopyError, Side, Watched};
use crate::pages::{read_ahead, stream_page};
use commands::ports::EventLog;
use domain::{Position, RecordedEvent, StreamName};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::sync::Arc;

/// Streams that are asked for at the same time.
pub(super) const AT_ONCE: usize = 32;

/// Which events are looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// The first of each stream: one question a stream.
    Openings,
    /// Every one.
    All,
}

/// An event that two logs do not have in common.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("revision {revision} of {stream}, {}", if *.is_absent { "which is not in the other log" } else { "which is another event in the other log" })]
pub struct Difference {
    /// The stream.
    pub stream: StreamName,
    /// Its first revision that differs.
    pub revision: u64,
    /// Whether the other log has nothing there.
    pub is_absent: bool,
}

/// What a failure of a log is called.
pub(super) type Blame = fn(String) -> CopyError;

/// The first event of `side` up to `head` that `other` does not hold.
pub(super) async fn first_difference(
    (side, blame_side): (&Side, Blame),
    head: Position,
    (other, blame_other): (&dyn EventLog, Blame),
    which: Which,
    watched: &Watched,
) -> Result<Option<Difference>, CopyError> {
    let mut pages = read_ahead(Arc::clone(&side.feed), head);
    while let Some(page) = pages.recv().await {
        let mut page = page.map_err(|e| blame_side(e.to_string()))?;
        let (count, end) = (page.len(), page.last().map(|last| last.position));
        if which == Which::Openings {
            page.retain(|event| event.revision == 0);
        }
        let compared = stream::iter(runs(page, head)).map(async |run: Run| {
            let held = stream_page(other, &run.stream, run.first, run.events.len()).await;
            let held = held.map_err(|e| blame_other(e.to_string()))?;
            Ok::<_, CopyError>(difference(run, &held))
        });
        let mut found = compared.buffered(AT_ONCE);
        while let Some(difference) = found.try_next().await? {
            if difference.is_some() {
                return Ok(difference);
            }
        }
        if let Some(end) = end {
            watched.reach(end, count);
        }
    }
    Ok(None)
}

fn difference(run: Run, held: &[RecordedEvent]) -> Option<Difference> {
    let revision = run.differs_from(held)?;
    Some(Difference {
        is_absent: held.len() as u64 <= revision - run.first,
        stream: run.stream,
        revision,
    })
}
