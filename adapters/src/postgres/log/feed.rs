//! The log as projections see it: everything in order, and a hint when there is more.

use super::{PostgresLog, recorded};
use crate::postgres::connect::describe_pool;
use async_trait::async_trait;
use commands::ports::EventLog;
use domain::{Position, RecordedEvent, StreamName};
use projections::feed::{EventFeed, FeedError, Follower, Subscription};
use std::sync::Arc;
use tokio::sync::watch;
use uuid::Uuid;

#[async_trait]
impl EventFeed for PostgresLog {
    async fn log_id(&self) -> Result<Uuid, FeedError> {
        Ok(self.log_id)
    }

    async fn read_all(
        &self,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, FeedError> {
        let after = match after {
            Some(position) if position.log != self.log_id => {
                return Err(FeedError::ForeignPosition(position));
            }
            Some(position) => i64::try_from(position.commit).unwrap_or(i64::MAX),
            None => 0,
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let unavailable =
            |e: tokio_postgres::Error| FeedError::Unavailable(crate::postgres::describe(&e));
        let client = self
            .pool
            .get()
            .await
            .map_err(|e| FeedError::Unavailable(describe_pool(&e)))?;
        let statement = client
            .prepare_cached(
                "select position, stream, revision, event_id, event_type, metadata, data
                 from log_events
                 where position > $1
                 order by position
                 limit $2",
            )
            .await
            .map_err(unavailable)?;
        let rows = client
            .query(&statement, &[&after, &limit])
            .await
            .map_err(unavailable)?;
        rows.iter()
            .map(|row| recorded(self.log_id, row))
            .collect::<Result<_, _>>()
            .map_err(|e| FeedError::Unavailable(e.to_string()))
    }

    async fn of_stream(
        &self,
        stream: &StreamName,
        from_revision: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, FeedError> {
        let read = self.read_stream(stream, from_revision, limit).await;
        read.map_err(|error| FeedError::Unavailable(error.to_string()))
    }

    async fn head(&self) -> Result<Option<Position>, FeedError> {
        let client = self
            .pool
            .get()
            .await
            .map_err(|e| FeedError::Unavailable(describe_pool(&e)))?;
        let row = client
            .query_one("select position from log_head", &[])
            .await
            .map_err(|e| FeedError::Unavailable(crate::postgres::describe(&e)))?;
        let commit = row.get::<_, i64>("position").cast_unsigned();
        Ok((commit > 0).then_some(Position {
            log: self.log_id,
            commit,
            prepare: commit,
        }))
    }

    fn distance(&self, after: Option<Position>, to: Position) -> Option<u64> {
        // Positions of this log have no gaps.
        let after = after.map_or(0, |after| after.commit);
        Some(to.commit.saturating_sub(after))
    }

    fn hints(&self) -> watch::Receiver<u64> {
        self.heads.clone()
    }

    fn follow(self: Arc<Self>, after: Option<Position>) -> Box<dyn Follower> {
        Box::new(Subscription::new(self, after))
    }
}
