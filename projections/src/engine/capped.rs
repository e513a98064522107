//! A log that gives at most so many events a second: what fills a version beside a live one may
//! not take all that the machine has.

use crate::feed::{EventFeed, FeedError, Followed, Follower};
use async_trait::async_trait;
use domain::{Position, RecordedEvent, StreamName};
use std::{num::NonZeroU32, sync::Arc, time::Duration};
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

/// How many batches a second is spread over, so that the load is even.
const BATCHES_A_SECOND: usize = 4;

/// A feed whose followers go no faster than a cap.
pub struct Capped {
    feed: Arc<dyn EventFeed>,
    rate: NonZeroU32,
}

impl Capped {
    /// At most so many events a second.
    pub const fn new(feed: Arc<dyn EventFeed>, rate: NonZeroU32) -> Self {
        Self { feed, rate }
    }
}

#[async_trait]
impl EventFeed for Capped {
    async fn log_id(&self) -> Result<Uuid, FeedError> {
        self.feed.log_id().await
    }

    async fn read_all(
        &self,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, FeedError> {
        self.feed.read_all(after, limit).await
    }

    async fn of_stream(
        &self,
        stream: &StreamName,
        from_revision: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, FeedError> {
        self.feed.of_stream(stream, from_revision, limit).await
    }

    async fn head(&self) -> Result<Option<Position>, FeedError> {
        self.feed.head().await
    }

    fn hints(&self) -> watch::Receiver<u64> {
        self.feed.hints()
    }

    fn follow(self: Arc<Self>, after: Option<Position>) -> Box<dyn Follower> {
        Box::new(Slow {
            inner: Arc::clone(&self.feed).follow(after),
            rate: self.rate.get(),
            free_at: Instant::now(),
        })
    }
}

struct Slow {
    inner: Box<dyn Follower>,
    rate: u32,
    /// When what was given is paid for.
    free_at: Instant,
}

#[async_trait]
impl Follower for Slow {
    async fn next_batch(&mut self, limit: usize) -> Result<Followed, FeedError> {
        tokio::time::sleep_until(self.free_at).await;
        let most = (self.rate as usize / BATCHES_A_SECOND).max(1);
        let followed = self.inner.next_batch(limit.min(most)).await?;
        let events = u32::try_from(followed.events.len()).unwrap_or(u32::MAX);
        // Time in which nothing came is not saved up.
        self.free_at = Instant::now() + Duration::from_secs(1) * events / self.rate;
        Ok(followed)
    }
}
