//! Runs: consecutive events of one stream, as much as one append takes.

use crate::pages::is_ours;
use commands::ports::NewEvent;
use domain::{Position, RecordedEvent, StreamName};
use std::collections::HashMap;

/// The most events of a run.
const MOST_EVENTS: usize = 500;
/// The most bytes of a run, unless a single event has more: within what either log takes at once.
const MOST_BYTES: usize = 512 * 1024;

/// Consecutive events of one stream.
pub(super) struct Run {
    pub(super) stream: StreamName,
    /// The revision of the first.
    pub(super) first: u64,
    /// The bytes exactly as they are stored.
    pub(super) events: Vec<NewEvent>,
    pub(super) bytes: usize,
}

impl Run {
    /// The revision after its last event.
    pub(super) fn end(&self) -> u64 {
        self.first + self.events.len() as u64
    }

    fn takes(&self, event: &RecordedEvent, bytes: usize) -> bool {
        self.end() == event.revision
            && self.events.len() < MOST_EVENTS
            && self.bytes + bytes <= MOST_BYTES
    }

    fn push(&mut self, event: RecordedEvent, bytes: usize) {
        self.bytes += bytes;
        self.events.push(NewEvent {
            event_id: event.event_id,
            event_type: event.event_type.into(),
            metadata: event.metadata,
            data: event.data,
        });
    }

    /// The first revision at which these, read from the same revision on, are not the run's own
    /// events: other ones, or none.
    pub(super) fn differs_from(&self, others: &[RecordedEvent]) -> Option<u64> {
        let mut others = others.iter();
        (self.first..)
            .zip(&self.events)
            .find_map(|(revision, event)| {
                let is_same = others
                    .next()
                    .is_some_and(|other| is(other, revision, event));
                (!is_same).then_some(revision)
            })
    }
}

/// Whether a log holds exactly this event at this revision.
pub(super) fn is(held: &RecordedEvent, revision: u64, event: &NewEvent) -> bool {
    held.revision == revision
        && held.event_id == event.event_id
        && held.event_type == event.event_type
        && held.metadata == event.metadata
        && held.data == event.data
}

/// The runs of a page up to a position. Of each stream they come in its order.
pub(super) fn runs(page: Vec<RecordedEvent>, head: Position) -> Vec<Run> {
    let mut runs: Vec<Run> = vec![];
    let mut last: HashMap<StreamName, usize> = HashMap::new();
    let ours = |event: &RecordedEvent| is_ours(event) && event.position <= head;
    for event in page.into_iter().filter(ours) {
        let bytes = event.metadata.len() + event.data.len() + 2 * event.event_type.len();
        let open = last.get(&event.stream).copied();
        if let Some(at) = open
            && runs[at].takes(&event, bytes)
        {
            runs[at].push(event, bytes);
            continue;
        }
        last.insert(event.stream.clone(), runs.len());
        let mut run = Run {
            stream: event.stream.clone(),
            first: event.revision,
            events: vec![],
            bytes: 0,
        };
        run.push(event, bytes);
        runs.push(run);
    }
    runs
}
