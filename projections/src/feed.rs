//! The read side's port to a log: everything in order, and a hint when there is more.

use async_trait::async_trait;
use domain::{Position, RecordedEvent, StreamName};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;
use uuid::Uuid;

/// How long a follower waits for a hint before it looks by itself.
pub const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// The most events of a page.
pub const MOST_EVENTS: usize = 4_000;
/// The fewest to ask for, even if events are huge.
const FEWEST_EVENTS: usize = 16;
/// How many events the first page should have, while nobody knows how large they are.
pub const FIRST_PAGE: usize = MOST_EVENTS / 8;

/// How many events the next page should have, so that it takes about so many bytes: by how large
/// the last ones were, if there were any.
pub fn next_page(events: &[RecordedEvent], target_bytes: usize) -> Option<usize> {
    let bytes: usize = events
        .iter()
        .map(|event| event.data.len() + event.metadata.len())
        .sum();
    let each = bytes.checked_div(events.len())? + 1;
    Some((target_bytes / each).clamp(FEWEST_EVENTS, MOST_EVENTS))
}

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
    async fn log_id(&self) -> Result<Uuid, FeedError>;

    /// At most `limit` events after a position (or from the beginning), in the log's order.
    /// Never skips: an event that becomes visible later lies after all that were visible before.
    async fn read_all(
        &self,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, FeedError>;

    /// At most `limit` events of one stream from a revision on, in order; none if there are none.
    async fn of_stream(
        &self,
        stream: &StreamName,
        from_revision: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, FeedError>;

    /// The position of the last event, if there is one.
    async fn head(&self) -> Result<Option<Position>, FeedError>;

    /// How many events lie after a position (or from the beginning) up to another one, where
    /// positions say so without reading.
    fn distance(&self, after: Option<Position>, to: Position) -> Option<u64> {
        let _gaps = (after, to);
        None
    }

    /// Changes when something may have been appended. A hint: followers poll besides.
    fn hints(&self) -> watch::Receiver<u64>;

    /// Follows the log after a position, or from the beginning.
    fn follow(self: Arc<Self>, after: Option<Position>) -> Box<dyn Follower>;
}

/// The next part of a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Followed {
    /// Events in the log's order; none, if all that came was not for us.
    pub events: Vec<RecordedEvent>,
    /// Everything up to here was seen: where to go on. The last event's position or beyond it.
    pub reached: Position,
}

/// Follows a log.
#[async_trait]
pub trait Follower: Send {
    /// The next part with at most `limit` events, waiting for it if need be.
    ///
    /// Dropping the future loses nothing: a follower moves only when something is returned.
    async fn next_batch(&mut self, limit: usize) -> Result<Followed, FeedError>;
}

/// Follows a feed by asking it, whenever it hints and every now and then.
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
}

#[async_trait]
impl Follower for Subscription {
    async fn next_batch(&mut self, limit: usize) -> Result<Followed, FeedError> {
        loop {
            self.hints.mark_unchanged();
            let events = self.feed.read_all(self.after, limit).await?;
            if let Some(last) = events.last() {
                let reached = last.position;
                self.after = Some(reached);
                return Ok(Followed { events, reached });
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
