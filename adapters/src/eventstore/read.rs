//! Reading streams: pages of events as the port knows them, and how long a stream is.

use super::connection::Connection;
use super::failure::Failure;
use super::{EventStoreLog, LogId};
use commands::ports::ReadError;
use domain::{EventId, Position, RecordedEvent, StreamName};
use eventstore::{Error, ReadEvent, ReadStreamOptions, StreamPosition};
use std::time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

/// A revision that no stream reaches. The server takes still larger numbers for words.
pub(super) const NO_REVISION: u64 = 1 << 62;

/// Events of a stream, and how long it is at least.
pub(super) struct Page {
    pub(super) events: Vec<RecordedEvent>,
    pub(super) length: Option<u64>,
}

/// An event as the port knows it.
pub(super) fn recorded(
    log: Uuid,
    event: &eventstore::RecordedEvent,
) -> Result<RecordedEvent, String> {
    let stream = std::str::from_utf8(event.stream_id().as_bytes())
        .map_err(|_| "a stream's name is not UTF-8".to_owned())?;
    if event.position == eventstore::Position::end() {
        return Err(format!(
            "it does not say where revision {} of {stream} lies: expected a newer server",
            event.revision
        ));
    }
    Ok(RecordedEvent {
        stream: StreamName::new(stream),
        revision: event.revision,
        position: Position {
            log,
            // Both halves: what they mean is the server's to know.
            commit: event.position.commit,
            prepare: event.position.prepare,
        },
        event_id: EventId::from_uuid(event.id),
        event_type: event.event_type.clone(),
        metadata: event.custom_metadata.to_vec(),
        data: event.data.to_vec(),
    })
}

/// At most so many events of a stream from a revision on. A stream that is not there has none.
pub(super) async fn page(
    connection: &Connection,
    log: Uuid,
    stream: &StreamName,
    from: u64,
    limit: usize,
) -> Result<Page, ReadError> {
    let options = ReadStreamOptions::default()
        .position(StreamPosition::Position(from))
        .max_count(limit)
        .requires_leader(true);
    let patience = connection.limit();
    let name = stream.as_str();
    let asked = connection.ask(|live| {
        let (options, name) = (options.clone(), name.to_owned());
        async move {
            let mut reading = live.client().read_stream(name, &options).await?;
            let (mut events, mut last) = (vec![], None);
            while let Some(next) = within(patience, reading.next_read_event()).await? {
                match next {
                    ReadEvent::Event(resolved) => events.extend(resolved.event),
                    ReadEvent::LastStreamPosition(revision) => last = Some(revision),
                    _ => {}
                }
            }
            Ok((events, last))
        }
    });
    let (events, last) = match asked.await {
        Ok(read) => read,
        Err(Failure::Answer(Error::ResourceNotFound)) => (vec![], None),
        Err(failure) => return Err(read_error(&failure)),
    };
    let events = events
        .iter()
        .map(|event| recorded(log, event))
        .collect::<Result<Vec<_>, _>>()
        .map_err(ReadError::Corrupt)?;
    let seen = events.last().map(|event| event.revision);
    let length = seen.max(last).map(|revision| revision + 1);
    Ok(Page { events, length })
}

/// How many events a stream has.
pub(super) async fn tip(connection: &Connection, stream: &StreamName) -> Result<u64, ReadError> {
    let options = ReadStreamOptions::default()
        .position(StreamPosition::End)
        .max_count(1)
        .requires_leader(true);
    let patience = connection.limit();
    let name = stream.as_str();
    let asked = connection.ask(|live| {
        let (options, name) = (options.clone(), name.to_owned());
        async move {
            let mut reading = live.client().read_stream(name, &options).await?;
            within(patience, reading.next()).await
        }
    });
    match asked.await {
        Ok(last) => Ok(last
            .and_then(|last| last.event)
            .map_or(0, |e| e.revision + 1)),
        Err(Failure::Answer(Error::ResourceNotFound)) => Ok(0),
        Err(failure) => Err(read_error(&failure)),
    }
}

/// Waits for the next part of an answer, but not for ever.
pub(super) async fn within<T>(
    patience: Duration,
    next: impl Future<Output = eventstore::Result<T>>,
) -> eventstore::Result<T> {
    match timeout(patience, next).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Error::DeadlineExceeded),
    }
}

pub(super) fn read_error(failure: &Failure) -> ReadError {
    match failure {
        Failure::Answer(Error::ResourceDeleted) => {
            ReadError::Corrupt("the stream was deleted for good".to_owned())
        }
        failure => ReadError::Unavailable(failure.reason()),
    }
}

impl EventStoreLog {
    /// Which log this is, asked once.
    pub(super) async fn log_id(&self) -> Result<Uuid, ReadError> {
        LogId::get(&self.log_id, &self.connection).await
    }

    /// A page of a stream; what it shows of the stream's length is remembered.
    pub(super) async fn page(
        &self,
        stream: &StreamName,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        if from > NO_REVISION || limit == 0 {
            return Ok(vec![]);
        }
        let log = self.log_id().await?;
        let page = page(&self.connection, log, stream, from, limit).await?;
        match page.length {
            Some(length) => self.tips.raise(stream, length),
            None if from == 0 => self.tips.raise(stream, 0),
            None => {}
        }
        Ok(page.events)
    }
}
