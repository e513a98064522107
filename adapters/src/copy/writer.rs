//! One of the writers: appends runs of its streams, each in its order.

use super::CopyError;
use super::compare::Difference;
use super::run::{Run, is};
use crate::pages::stream_page;
use commands::append_surely;
use commands::ports::{Append, AppendError, EventLog, ExpectedRevision, NewEvent};
use domain::StreamName;
use lru::LruCache;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// Streams that each writer knows the target's end of. Of others it asks again.
const STREAMS: NonZeroUsize = NonZeroUsize::new(1_024).expect("not zero");
/// How often a run is looked at anew that does not fit to what the target was seen to hold.
const ATTEMPTS: u32 = 5;

pub(super) struct Writer {
    log: Arc<dyn EventLog>,
    /// Whether the target held nothing at the start: then it holds what we appended.
    was_empty: bool,
    /// Where streams end in the target.
    ends: LruCache<StreamName, u64>,
}

impl Writer {
    pub(super) fn new(log: Arc<dyn EventLog>, was_empty: bool) -> Self {
        Self {
            log,
            was_empty,
            ends: LruCache::new(STREAMS),
        }
    }

    /// Appends what the target lacks of a run. How many events that were.
    pub(super) async fn write(&mut self, mut run: Run) -> Result<u64, CopyError> {
        let events: Arc<[NewEvent]> = std::mem::take(&mut run.events).into();
        let (stream, first) = (run.stream, run.first);
        let end = first + events.len() as u64;
        let mut is_sure = self.was_empty;
        for attempt in 1.. {
            let held = match self.ends.get(&stream) {
                Some(held) => *held,
                None if is_sure => first,
                None => self.compare(&stream, first, &events).await?,
            };
            if held >= end {
                return Ok(0);
            }
            let missing = held.saturating_sub(first);
            let append = Append {
                stream: stream.clone(),
                expected: match first + missing {
                    0 => ExpectedRevision::NoStream,
                    next => ExpectedRevision::Exact(next - 1),
                },
                events: match missing {
                    0 => Arc::clone(&events),
                    missing => events[missing as usize..].into(),
                },
            };
            match append_surely(&*self.log, append).await {
                Ok(appended) => {
                    self.ends.put(stream, end);
                    let is_new = !appended.idempotent;
                    return Ok(if is_new { end - first - missing } else { 0 });
                }
                // Not as it was seen: perhaps another copy runs, or an answer was lost.
                Err(AppendError::WrongExpectedRevision { .. }) if attempt < ATTEMPTS => {
                    self.ends.pop(&stream);
                    is_sure = false;
                }
                Err(AppendError::WrongExpectedRevision { actual, .. }) => {
                    return Err(CopyError::DoesNotFollow {
                        stream,
                        revision: first + missing,
                        held: actual.map_or(0, |revision| revision + 1),
                    });
                }
                Err(source) => {
                    return Err(CopyError::Append {
                        stream,
                        revision: first + missing,
                        source,
                    });
                }
            }
        }
        unreachable!("the loop returns at its last attempt")
    }

    /// How far the target holds these events. Whatever it holds must be exactly they.
    async fn compare(
        &mut self,
        stream: &StreamName,
        first: u64,
        events: &[NewEvent],
    ) -> Result<u64, CopyError> {
        let held = stream_page(&*self.log, stream, first, events.len()).await;
        let held = held.map_err(CopyError::target)?;
        for ((held, event), revision) in held.iter().zip(events).zip(first..) {
            if !is(held, revision, event) {
                return Err(CopyError::Foreign(Difference {
                    stream: stream.clone(),
                    revision,
                    is_absent: false,
                }));
            }
        }
        let end = first + held.len() as u64;
        if held.len() < events.len() {
            // It ends here: nothing of this stream needs to be asked for again.
            self.ends.put(stream.clone(), end);
        }
        Ok(end)
    }
}
