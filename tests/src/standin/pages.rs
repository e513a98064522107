//! Pages of the log and of one stream, as readers walk through them.

use super::log::{Log, State, Stored};
use std::sync::Arc;

/// How many events are taken from the log in one go.
pub(super) const PAGE: usize = 256;

/// A part of a stream, or why there is none.
pub(super) enum StreamPage {
    /// There is no such stream, or it is deleted.
    Missing,
    /// It was ended for good.
    Tombstoned,
    Found {
        events: Vec<Arc<Stored>>,
        /// The lowest revision that may be read.
        first: u64,
        /// The highest there is.
        last: u64,
    },
}

impl Log {
    /// The events from this place on, that one included.
    pub(super) fn forwards(&self, from: u64) -> Vec<Arc<Stored>> {
        let state = self.read();
        let start = state.all.partition_point(|event| event.commit < from);
        let page = state.all.iter().skip(start).take(PAGE);
        page.cloned().collect()
    }

    /// The events before this place, that one excluded, the last first.
    pub(super) fn backwards(&self, before: u64) -> Vec<Arc<Stored>> {
        let state = self.read();
        let end = state.all.partition_point(|event| event.commit < before);
        let page = state.all[..end].iter().rev().take(PAGE);
        page.cloned().collect()
    }

    /// Whether the log has a record here. A server refuses places that were made up.
    pub(super) fn is_place(&self, commit: u64, prepare: u64) -> bool {
        let state = self.read();
        let found = state
            .all
            .binary_search_by_key(&commit, |event| event.commit);
        match found {
            Ok(at) => state.all[at].prepare == prepare,
            Err(_) => commit == prepare && (commit == 0 || commit == state.end || state.tampered),
        }
    }

    /// The places of the first and of the last event.
    pub(super) fn ends(&self) -> Option<(u64, u64)> {
        let state = self.read();
        Some((state.all.first()?.commit, state.all.last()?.commit))
    }

    /// The events of a stream from this revision on, that one included.
    pub(super) fn stream_forwards(&self, name: &str, from: u64) -> StreamPage {
        self.read().page(name, |events, first| {
            let start = events.partition_point(|event| event.revision < from.max(first));
            events[start..].iter().take(PAGE).cloned().collect()
        })
    }

    /// The events of a stream from this revision down, that one included, the last first.
    pub(super) fn stream_backwards(&self, name: &str, from: u64) -> StreamPage {
        self.read().page(name, |events, first| {
            let start = events.partition_point(|event| event.revision < first);
            let end = events.partition_point(|event| event.revision <= from);
            let readable = events.get(start..end).unwrap_or_default();
            readable.iter().rev().take(PAGE).cloned().collect()
        })
    }

    /// The highest revision that the stream ever had.
    pub(super) fn last_revision(&self, name: &str) -> Option<u64> {
        self.read().streams.get(name)?.last_revision()
    }
}

impl State {
    fn page(
        &self,
        name: &str,
        cut: impl FnOnce(&[Arc<Stored>], u64) -> Vec<Arc<Stored>>,
    ) -> StreamPage {
        let Some(stream) = self.streams.get(name) else {
            return StreamPage::Missing;
        };
        if stream.tombstoned {
            return StreamPage::Tombstoned;
        }
        match stream.last_revision() {
            Some(last) if !stream.retention.hides_all() => {
                let first = stream.retention.first_readable(&stream.events);
                let events = cut(&stream.events, first);
                StreamPage::Found {
                    events,
                    first,
                    last,
                }
            }
            _ => StreamPage::Missing,
        }
    }
}
