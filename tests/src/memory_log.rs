//! A log in memory with the contract of every log: the conformance suite's second subject.

use async_trait::async_trait;
use commands::ports::{Append, AppendError, Appended, EventLog, ExpectedRevision, ReadError};
use domain::{EventId, Position, RecordedEvent, StreamName};
use projections::feed::{EventFeed, FeedError, Follower, Subscription};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use uuid::Uuid;

/// All events in their order, and each stream's places among them.
#[derive(Default)]
struct Events {
    all: Vec<RecordedEvent>,
    streams: HashMap<StreamName, Vec<usize>>,
}

/// A log that is gone with its process.
pub struct MemoryLog {
    log_id: Uuid,
    events: Mutex<Events>,
    head: watch::Sender<u64>,
}

impl Default for MemoryLog {
    fn default() -> Self {
        let head = watch::Sender::new(0);
        Self {
            log_id: Uuid::now_v7(),
            events: Mutex::default(),
            head,
        }
    }
}

impl MemoryLog {
    /// Puts other events in the place of all, as somebody would who may write the log's files:
    /// nothing is checked. Positions are given anew, in the order of the events.
    pub fn replace(&self, events: Vec<RecordedEvent>) {
        let mut held = self.events();
        *held = Events::default();
        for (mut event, commit) in events.into_iter().zip(1..) {
            event.position = Position {
                log: self.log_id,
                commit,
                prepare: commit,
            };
            let places = held.streams.entry(event.stream.clone()).or_default();
            places.push(commit as usize - 1);
            held.all.push(event);
        }
        self.head.send_replace(held.all.len() as u64);
    }

    fn events(&self) -> MutexGuard<'_, Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl EventLog for MemoryLog {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let mut events = self.events();
        let Events { all, streams } = &mut *events;
        if append.events.is_empty() {
            return Err(AppendError::Invalid("it holds no event".to_owned()));
        }
        let places = streams.entry(append.stream.clone()).or_default();
        let first = match append.expected {
            ExpectedRevision::NoStream => 0,
            ExpectedRevision::Exact(revision) => {
                usize::try_from(revision).map_or(usize::MAX, |revision| revision.saturating_add(1))
            }
        };
        let last_revision = first.saturating_add(append.events.len() - 1) as u64;
        let held = places.len();
        if first < held {
            let same = append.events.iter().enumerate().all(|(k, event)| {
                places
                    .get(first + k)
                    .is_some_and(|at| all[*at].event_id == event.event_id)
            });
            if same {
                let position = all[places[last_revision as usize]].position;
                return Ok(Appended {
                    last_revision,
                    position,
                    idempotent: true,
                });
            }
        }
        if first != held {
            return Err(AppendError::WrongExpectedRevision {
                stream: append.stream,
                expected: append.expected,
                actual: (held as u64).checked_sub(1),
            });
        }
        for event in append.events.iter() {
            let commit = all.len() as u64 + 1;
            places.push(all.len());
            all.push(RecordedEvent {
                stream: append.stream.clone(),
                revision: places.len() as u64 - 1,
                position: Position {
                    log: self.log_id,
                    commit,
                    prepare: commit,
                },
                event_id: event.event_id,
                event_type: event.event_type.to_string(),
                metadata: event.metadata.clone(),
                data: event.data.clone(),
            });
        }
        let commit = all.len() as u64;
        self.head.send_replace(commit);
        let position = Position {
            log: self.log_id,
            commit,
            prepare: commit,
        };
        Ok(Appended {
            last_revision,
            position,
            idempotent: false,
        })
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        from_revision: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        let events = self.events();
        let places = events
            .streams
            .get(stream)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let from = usize::try_from(from_revision).unwrap_or(usize::MAX);
        Ok(places
            .iter()
            .skip(from)
            .take(limit)
            .map(|at| events.all[*at].clone())
            .collect())
    }

    async fn recorded(
        &self,
        stream: &StreamName,
        ids: &[EventId],
    ) -> Result<HashSet<EventId>, ReadError> {
        let events = self.events();
        let places = events
            .streams
            .get(stream)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let held = places.iter().map(|at| events.all[*at].event_id);
        Ok(held.filter(|id| ids.contains(id)).collect())
    }
}

#[async_trait]
impl EventFeed for MemoryLog {
    async fn log_id(&self) -> Result<Uuid, FeedError> {
        Ok(self.log_id)
    }

    async fn read_all(
        &self,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, FeedError> {
        let skip = match after {
            Some(position) if position.log != self.log_id => {
                return Err(FeedError::ForeignPosition(position));
            }
            Some(position) => position.commit as usize,
            None => 0,
        };
        Ok(self
            .events()
            .all
            .iter()
            .skip(skip)
            .take(limit)
            .cloned()
            .collect())
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
        Ok(self.events().all.last().map(|event| event.position))
    }

    fn hints(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    fn follow(self: Arc<Self>, after: Option<Position>) -> Box<dyn Follower> {
        Box::new(Subscription::new(self, after))
    }
}
