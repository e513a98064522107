//! One append: always at an exact revision, within the server's limit, and whose outcome is known
//! or said to be unknown.

use super::EventStoreLog;
use super::failure::Failure;
use super::known::first_revision;
use super::read::{NO_REVISION, page, tip};
use commands::ports::{Append, AppendError, Appended, ExpectedRevision, NewEvent, ReadError};
use domain::Position;
use eventstore::{
    AppendToStreamOptions, CurrentRevision, Error, EventData, StreamState, WriteResult,
};
use serde_json::value::RawValue;
use std::sync::Arc;

/// The largest append: an older server takes 1 MiB of data, metadata and type names.
pub(super) const MAX_APPEND_BYTES: usize = 1_000 * 1024;

/// The bytes as the server counts them against its limit: its type names take two bytes a letter.
fn bytes_of(events: &[NewEvent]) -> usize {
    let of = |e: &NewEvent| e.metadata.len() + e.data.len() + 2 * e.event_type.chars().count();
    events.iter().map(of).sum()
}

/// An event for the client, with the very bytes that are to be stored.
fn event_data(event: &NewEvent) -> EventData {
    // The client writes JSON itself: only what it would leave as it is may go that way.
    let raw = serde_json::from_slice::<&RawValue>(&event.data).ok();
    let data = match raw.filter(|raw| raw.get().len() == event.data.len()) {
        Some(raw) => EventData::json(&*event.event_type, &raw).ok(),
        None => None,
    };
    data.unwrap_or_else(|| EventData::binary(&*event.event_type, event.data.clone().into()))
        .id(event.event_id.uuid())
        .metadata(event.metadata.clone().into())
}

impl EventStoreLog {
    pub(super) async fn append_once(&self, append: Append) -> Result<Appended, AppendError> {
        let bytes = bytes_of(&append.events);
        if append.events.is_empty() {
            return Err(AppendError::Invalid("it holds no event".to_owned()));
        }
        if bytes > MAX_APPEND_BYTES {
            return Err(AppendError::Invalid(format!(
                "it takes {bytes} bytes, expected at most {MAX_APPEND_BYTES}"
            )));
        }
        let log = self.log_id().await.map_err(unavailable)?;
        // How long the stream is at least, before anything is sent: an append that is accepted at
        // an older revision was there already, and the server's answer does not tell.
        let known = match self.tips.get(&append.stream) {
            Some(known) => known,
            None => {
                let known = tip(&self.connection, &append.stream).await;
                let known = known.map_err(unavailable)?;
                self.tips.raise(&append.stream, known);
                known
            }
        };
        let first = first_revision(append.expected);
        let last_revision = first.saturating_add(append.events.len() as u64 - 1);
        match self.send(&append).await {
            Ok(written) => {
                self.tips.raise(&append.stream, last_revision + 1);
                let ids = append.events.iter().map(|event| event.event_id);
                self.ids.extend(&append.stream, first, ids);
                let idempotent = first < known;
                let position = match written.position {
                    at if !idempotent && at != eventstore::Position::start() => Position {
                        log,
                        commit: at.commit,
                        prepare: at.prepare,
                    },
                    _ => self.position_of(&append, last_revision).await?,
                };
                self.hints.send_replace(position.commit);
                Ok(Appended {
                    last_revision,
                    position,
                    idempotent,
                })
            }
            Err(Failure::Answer(Error::WrongExpectedVersion { current, .. })) => {
                let actual = match current {
                    CurrentRevision::Current(revision) => Some(revision),
                    CurrentRevision::NoStream => None,
                };
                self.tips
                    .raise(&append.stream, actual.map_or(0, |revision| revision + 1));
                Err(AppendError::WrongExpectedRevision {
                    stream: append.stream,
                    expected: append.expected,
                    actual,
                })
            }
            Err(Failure::Unknown(reason)) => {
                // The next attempt finds out first whether this one was written.
                self.tips.forget(&append.stream);
                Err(AppendError::OutcomeUnknown(reason))
            }
            Err(Failure::Answer(error @ Error::Grpc { .. })) => Err(AppendError::Invalid(format!(
                "the server refuses it ({bytes} bytes): {error}"
            ))),
            Err(Failure::Answer(Error::ResourceDeleted)) => Err(AppendError::Invalid(format!(
                "{} was deleted for good",
                append.stream
            ))),
            Err(failure) => Err(AppendError::Unavailable(failure.reason())),
        }
    }

    async fn send(&self, append: &Append) -> Result<WriteResult, Failure> {
        let state = match append.expected {
            ExpectedRevision::NoStream => StreamState::NoStream,
            // No stream is ever so long, and the server takes the largest numbers for words.
            ExpectedRevision::Exact(revision) => {
                StreamState::StreamRevision(revision.min(NO_REVISION))
            }
        };
        let options = AppendToStreamOptions::default()
            .stream_state(state)
            .requires_leader(true)
            .deadline(self.connection.deadline());
        let stream: Arc<str> = append.stream.as_str().into();
        let events = Arc::clone(&append.events);
        self.connection
            .call(move |live| {
                let (stream, options) = (Arc::clone(&stream), options.clone());
                let events: Vec<_> = events.iter().map(event_data).collect();
                async move {
                    let client = live.client();
                    client.append_to_stream(&*stream, &options, events).await
                }
            })
            .await
    }

    /// Where an event lies that the server only says it has.
    async fn position_of(&self, append: &Append, revision: u64) -> Result<Position, AppendError> {
        let log = self.log_id().await.map_err(unavailable)?;
        let found = page(&self.connection, log, &append.stream, revision, 1)
            .await
            .map_err(|error| AppendError::OutcomeUnknown(error.to_string()))?;
        let event = found.events.first().filter(|e| e.revision == revision);
        event.map(|event| event.position).ok_or_else(|| {
            let stream = &append.stream;
            AppendError::OutcomeUnknown(format!("{stream} does not show revision {revision} yet"))
        })
    }
}

fn unavailable(error: ReadError) -> AppendError {
    AppendError::Unavailable(match error {
        ReadError::Unavailable(reason) => reason,
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::EventId;
    use uuid::Uuid;

    fn event(event_type: &'static str, metadata: usize, data: usize) -> NewEvent {
        NewEvent {
            event_id: EventId::from_uuid(Uuid::nil()),
            event_type: event_type.into(),
            metadata: vec![b' '; metadata],
            data: vec![b' '; data],
        }
    }

    #[test]
    fn sizes_are_counted_as_the_server_counts_them() {
        let events = [event("Abc", 10, 100), event("Ü", 0, 1)];
        assert_eq!(bytes_of(&events), 110 + 6 + 1 + 2);
    }

    /// What the write side may make is never too large here.
    #[test]
    fn the_write_sides_largest_append_fits() {
        // Its own limit on data and metadata, and the smallest events that it makes.
        let (most, smallest) = (900 * 1024, 400);
        assert!(most + most / smallest * 2 * "ReauthorizationRequired".len() < 1024 * 1024);
        let count = most / smallest;
        let events = vec![event("AccountReconnected", 350, 50); count];
        assert!(
            bytes_of(&events) <= MAX_APPEND_BYTES,
            "{}",
            bytes_of(&events)
        );
    }
}
