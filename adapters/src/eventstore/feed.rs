//! The log as projections see it: accounts' events alone, picked by the server.

use super::connection::Connection;
use super::failure::Failure;
use super::follower::EventStoreFollower;
use super::read::{read_error, recorded, within};
use super::{EventStoreLog, LogId};
use async_trait::async_trait;
use commands::ports::EventLog;
use commands::ports::ReadError;
use domain::{Position, RecordedEvent, StreamName};
use eventstore::{ReadAllOptions, StreamPosition, SubscriptionFilter};
use projections::feed::{EventFeed, FeedError, Follower};
use std::sync::Arc;
use tokio::sync::watch;
use uuid::Uuid;

/// Events that the server looks through before it says where it stands. It would say so every 32
/// events if it were not asked for more.
const WINDOW: u32 = 5_000;

/// Only accounts' streams.
pub(super) fn accounts_only() -> SubscriptionFilter {
    SubscriptionFilter::on_stream_name()
        .add_prefix(StreamName::ACCOUNT_PREFIX)
        .max(WINDOW)
}

/// A position for the client.
pub(super) fn wire(position: Position) -> eventstore::Position {
    eventstore::Position {
        commit: position.commit,
        prepare: position.prepare,
    }
}

pub(super) fn feed_error(error: ReadError) -> FeedError {
    FeedError::Unavailable(match error {
        ReadError::Unavailable(reason) => reason,
        ReadError::Corrupt(reason) => format!("its answer makes no sense: {reason}"),
    })
}

/// The id of the log, and that a position is one of it.
pub(super) async fn checked(
    log_id: &LogId,
    connection: &Connection,
    after: Option<Position>,
) -> Result<Uuid, FeedError> {
    let log = log_id.get(connection).await.map_err(feed_error)?;
    match after {
        Some(position) if position.log != log => Err(FeedError::ForeignPosition(position)),
        _ => Ok(log),
    }
}

impl EventStoreLog {
    async fn read_page(
        &self,
        options: ReadAllOptions,
        log: Uuid,
    ) -> Result<Vec<RecordedEvent>, FeedError> {
        let patience = self.connection.limit();
        let asked = self.connection.ask(|live| {
            let options = options.clone();
            async move {
                let mut reading = live.client().read_all(&options).await?;
                let mut events = vec![];
                while let Some(resolved) = within(patience, reading.next()).await? {
                    events.extend(resolved.event);
                }
                Ok(events)
            }
        });
        let events = asked
            .await
            .map_err(|failure: Failure| feed_error(read_error(&failure)))?;
        let read = events.iter().map(|event| recorded(log, event));
        read.collect::<Result<_, _>>()
            .map_err(|reason| feed_error(ReadError::Corrupt(reason)))
    }
}

#[async_trait]
impl EventFeed for EventStoreLog {
    async fn log_id(&self) -> Result<Uuid, FeedError> {
        checked(&self.log_id, &self.connection, None).await
    }

    async fn read_all(
        &self,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, FeedError> {
        let log = checked(&self.log_id, &self.connection, after).await?;
        let options = ReadAllOptions::default().filter(accounts_only());
        // A read begins at its position, and not after it: that one event is asked for besides.
        let options = match after {
            Some(after) => options
                .position(StreamPosition::Position(wire(after)))
                .max_count(limit.saturating_add(1)),
            None => options.position(StreamPosition::Start).max_count(limit),
        };
        let mut events = self.read_page(options, log).await?;
        events.retain(|event| after.is_none_or(|after| event.position > after));
        events.truncate(limit);
        Ok(events)
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
        let log = checked(&self.log_id, &self.connection, None).await?;
        let options = ReadAllOptions::default()
            .filter(accounts_only())
            .position(StreamPosition::End)
            .max_count(1);
        let last = self.read_page(options, log).await?;
        Ok(last.first().map(|event| event.position))
    }

    fn hints(&self) -> watch::Receiver<u64> {
        self.hints.subscribe()
    }

    fn follow(self: Arc<Self>, after: Option<Position>) -> Box<dyn Follower> {
        let connection = Arc::clone(&self.connection);
        let log_id = Arc::clone(&self.log_id);
        Box::new(EventStoreFollower::start(connection, log_id, after))
    }
}
