//! Which ids a stream holds. The server has no look-up by id: streams are read once and
//! remembered, and from then on only what was added is read.

use super::EventStoreLog;
use super::read::page;
use commands::ports::ReadError;
use domain::{EventId, StreamName};
use std::collections::HashSet;

/// Events read at once.
const PAGE: usize = 500;

impl EventStoreLog {
    /// Reads on to the end of the stream each time: another process may have appended.
    pub(super) async fn look_up(
        &self,
        stream: &StreamName,
        ids: &[EventId],
    ) -> Result<HashSet<EventId>, ReadError> {
        if ids.is_empty() {
            return Ok(HashSet::new());
        }
        let log = self.log_id().await?;
        let mut held = self.ids.take(stream);
        let ended = loop {
            match page(&self.connection, log, stream, held.next, PAGE).await {
                Ok(page) => {
                    held.ids
                        .extend(page.events.iter().map(|event| event.event_id));
                    held.next = page.events.last().map_or(held.next, |e| e.revision + 1);
                    self.tips.raise(stream, held.next);
                    if page.events.len() < PAGE {
                        break Ok(());
                    }
                }
                Err(error) => break Err(error),
            }
        };
        let found = ids
            .iter()
            .copied()
            .filter(|id| held.ids.contains(id))
            .collect();
        self.ids.put(stream, held);
        ended.map(|()| found)
    }
}
