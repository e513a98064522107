//! The read side's port to a log: everything in order, and a hint when there is more.

use async_trait::async_trait;
use domain::{Position, RecordedEvent};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;
use uuid::Uuid;

/// How long a follower waits for a hint before it looks by itself.
pub const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Why a feed could not answer.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The log cannot be reached, or answered nonsense.
    #[error("the event log is unavailable: {0}")]
    Unavailable(String),
    /// A position of another log.
    #[error("position {0} belongs to another log")]
    ForeignPosition(Position),
}

/// A log as its readers see it.
#[async_trait]
pub trait EventFeed: Send + Sync {
    /// Which log this is; positions name it.
    fn log_id(&self) -> Uuid;

    /// At most `limit` events after a position (or from the beginning), in the log's order.
    /// Never skips: an event that becomes visible later lies after all that were visible before.
    async fn read_all(
        &self,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, FeedError>;

    /// The position of the last event, if there is one.
    async fn head(&self) -> Result<Option<Position>, FeedError>;

    /// Changes when something may have been appended. A hint: followers poll besides.
    fn hints(&self) -> watch::Receiver<u64>;
}

/// Follows a feed from a position on.
pub struct Subscription {
    feed: Arc<dyn EventFeed>,
    hints: watch::Receiver<u64>,
    after: Option<Position>,
}

impl Subscription {
    /// Starts after a position, or at the beginning.
    pub fn new(feed: Arc<dyn EventFeed>, after: Option<Position>) -> Self {
        let hints = feed.hints();
        Self { feed, hints, after }
    }

    /// The next events, at least one, waiting for them if need be.
    ///
    /// Dropping the future loses nothing: the subscription moves only when events are returned.
    pub async fn next_batch(&mut self, limit: usize) -> Result<Vec<RecordedEvent>, FeedError> {
        loop {
            self.hints.mark_unchanged();
            let events = self.feed.read_all(self.after, limit).await?;
            if let Some(last) = events.last() {
                self.after = Some(last.position);
                return Ok(events);
            }
            // A closed channel ends at once: then only the interval is waited for.
            let hint = async {
                if self.hints.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            let _elapsed = tokio::time::timeout(POLL_INTERVAL, hint).await;
        }
    }
}
