//! Looks for the first event of one log that another log does not hold, byte for byte.

use super::run::{Run, runs};
use super::{CopyError, Side, Watched};
use crate::pages::{read_ahead, stream_page};
use commands::ports::EventLog;
use domain::{Position, StreamName};
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

/// The first event up to `head` that `other` does not hold.
pub(super) async fn first_difference(
    side: &Side,
    head: Position,
    other: &dyn EventLog,
    which: Which,
    watched: &Watched,
) -> Result<Option<Difference>, CopyError> {
    let mut pages = read_ahead(Arc::clone(&side.feed), head);
    while let Some(page) = pages.recv().await {
        let mut page = page?;
        let (count, end) = (page.len(), page.last().map(|last| last.position));
        if which == Which::Openings {
            page.retain(|event| event.revision == 0);
        }
        let compared = stream::iter(runs(page, head)).map(|run| difference(run, other));
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

async fn difference(run: Run, other: &dyn EventLog) -> Result<Option<Difference>, CopyError> {
    let held = stream_page(other, &run.stream, run.first, run.events.len()).await?;
    Ok(run.differs_from(&held).map(|revision| Difference {
        is_absent: held.len() as u64 <= revision - run.first,
        stream: run.stream,
        revision,
    }))
}
