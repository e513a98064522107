//! The log in memory that one stand-in, or all nodes of a cluster, writes and reads.

use super::append::{Done, Expected, Refusal, Verdict};
use super::retention::Retention;
use adapters::clock::SystemClock;
use bytes::Bytes;
use commands::ports::Clock;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::watch;
use uuid::Uuid;

/// Where the first event goes: a server's log opens with records of its own.
const FIRST_POSITION: u64 = 1024;
/// What a record holds besides names and contents.
const RECORD_OVERHEAD: u64 = 90;
/// How many recently written identifiers are remembered for appends without an exact revision.
const RECENT_IDS: usize = 50_000;
/// The revision of the event that ends a stream for good.
const TOMBSTONE_REVISION: u64 = i64::MAX as u64;

/// One event as it lies in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The stream's name.
    pub stream: Arc<str>,
    /// Its place in the stream.
    pub revision: u64,
    /// Its place in the log, a byte offset.
    pub commit: u64,
    /// The same place again, unless a test changed it.
    pub prepare: u64,
    /// Its identifier.
    pub id: Uuid,
    /// Its type.
    pub event_type: Arc<str>,
    /// Whether its content type is JSON.
    pub is_json: bool,
    /// Its contents.
    pub data: Bytes,
    /// What its writer put beside the contents.
    pub metadata: Bytes,
    /// When it was written, in 100-nanosecond ticks since 1970.
    pub created: u64,
}

/// An event before it has a place.
pub(super) struct NewEvent {
    pub(super) id: Uuid,
    pub(super) event_type: Arc<str>,
    pub(super) is_json: bool,
    pub(super) data: Bytes,
    pub(super) metadata: Bytes,
}

/// A stream's events in their order, and which of them may be read.
#[derive(Default)]
pub(super) struct Stream {
    pub(super) events: Vec<Arc<Stored>>,
    pub(super) retention: Retention,
    pub(super) tombstoned: bool,
}

impl Stream {
    pub(super) fn last_revision(&self) -> Option<u64> {
        self.events.last().map(|event| event.revision)
    }

    pub(super) fn event_at(&self, revision: u64) -> Option<&Arc<Stored>> {
        let found = self
            .events
            .binary_search_by_key(&revision, |event| event.revision);
        found.ok().map(|at| &self.events[at])
    }
}

/// The identifiers written lately and where they went; a restart forgets them.
#[derive(Default)]
pub(super) struct Recent {
    places: HashMap<Uuid, (Arc<str>, u64)>,
    order: VecDeque<Uuid>,
}

impl Recent {
    fn remember(&mut self, event: &Stored) {
        let place = (Arc::clone(&event.stream), event.revision);
        if self.places.insert(event.id, place).is_none() {
            self.order.push_back(event.id);
        }
        if self.order.len() > RECENT_IDS
            && let Some(oldest) = self.order.pop_front()
        {
            self.places.remove(&oldest);
        }
    }

    pub(super) fn revision_in(&self, stream: &str, id: Uuid) -> Option<u64> {
        let (home, revision) = self.places.get(&id)?;
        (**home == *stream).then_some(*revision)
    }
}

/// Everything that has been written.
pub(super) struct State {
    pub(super) all: Vec<Arc<Stored>>,
    pub(super) streams: HashMap<Arc<str>, Stream>,
    pub(super) recent: Recent,
    /// Where the next event goes.
    pub(super) end: u64,
    /// Whether somebody changed history behind the server's back.
    pub(super) tampered: bool,
}

/// The log; whoever waits for more watches its end.
pub(super) struct Log {
    state: RwLock<State>,
    end: watch::Sender<u64>,
}

impl Default for Log {
    fn default() -> Self {
        let state = State {
            all: Vec::new(),
            streams: HashMap::new(),
            recent: Recent::default(),
            end: FIRST_POSITION,
            tampered: false,
        };
        Self {
            state: RwLock::new(state),
            end: watch::Sender::new(FIRST_POSITION),
        }
    }
}

impl Log {
    pub(super) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes with every append.
    pub(super) fn watch_end(&self) -> watch::Receiver<u64> {
        self.end.subscribe()
    }

    pub(super) fn append(
        &self,
        stream: &str,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Done, Refusal> {
        let mut state = self.write();
        let verdict = state.check(stream, expected, events.iter().map(|event| event.id))?;
        let undelete = match verdict {
            Verdict::AlreadyThere(done) => return Ok(done),
            Verdict::Append { undelete } => undelete,
        };
        if undelete {
            state.undelete(stream);
        }
        let mut position = None;
        for event in events {
            position = Some(state.push(stream, event));
        }
        let revision = state.streams.get(stream).and_then(Stream::last_revision);
        self.end.send_replace(state.end);
        Ok(Done { revision, position })
    }

    /// Hides a stream's events until the next append, or ends it for good.
    pub(super) fn delete(
        &self,
        stream: &str,
        expected: Expected,
        for_good: bool,
    ) -> Result<u64, Refusal> {
        let mut state = self.write();
        state.check(stream, expected, [Uuid::new_v4()].into_iter())?;
        let position = if for_good {
            let position = state.push_at(
                stream,
                TOMBSTONE_REVISION,
                system_event("$streamDeleted", Bytes::new()),
            );
            state.stream_mut(stream).1.tombstoned = true;
            position
        } else {
            state.truncate(stream, Retention::ALL_BEFORE)
        };
        self.end.send_replace(state.end);
        Ok(position)
    }

    /// Lets a test change history; identifiers, revisions and places stay as it leaves them.
    pub(super) fn tamper(&self, change: impl FnOnce(&mut Vec<Stored>)) {
        let mut state = self.write();
        let mut events = state.all.iter().map(|event| (**event).clone()).collect();
        change(&mut events);
        state.all.clear();
        for stream in state.streams.values_mut() {
            stream.events.clear();
        }
        for event in events {
            let event = Arc::new(event);
            state.all.push(Arc::clone(&event));
            let stream = Arc::clone(&event.stream);
            state.stream_mut(&stream).1.events.push(event);
        }
        state.all.sort_by_key(|event| event.commit);
        for stream in state.streams.values_mut() {
            stream.events.sort_by_key(|event| event.revision);
        }
        state.tampered = true;
    }

    /// Forgets what only lives in a server's memory.
    pub(super) fn forget_recent(&self) {
        self.write().recent = Recent::default();
    }
}

fn system_event(event_type: &str, data: Bytes) -> NewEvent {
    NewEvent {
        id: Uuid::new_v4(),
        event_type: event_type.into(),
        is_json: true,
        data,
        metadata: Bytes::new(),
    }
}

impl State {
    /// The stream with its name as the map holds it; made where there is none.
    fn stream_mut(&mut self, name: &str) -> (Arc<str>, &mut Stream) {
        let held = match self.streams.get_key_value(name) {
            Some((held, _)) => Arc::clone(held),
            None => name.into(),
        };
        let stream = self.streams.entry(Arc::clone(&held)).or_default();
        (held, stream)
    }

    fn push(&mut self, stream: &str, event: NewEvent) -> u64 {
        let last = self.streams.get(stream).and_then(Stream::last_revision);
        self.push_at(stream, last.map_or(0, |last| last + 1), event)
    }

    fn push_at(&mut self, stream: &str, revision: u64, event: NewEvent) -> u64 {
        let position = self.end;
        let size = stream.len() + event.event_type.len() + event.data.len() + event.metadata.len();
        self.end += size as u64 + RECORD_OVERHEAD;
        let (name, held) = self.stream_mut(stream);
        let stored = Arc::new(Stored {
            stream: name,
            revision,
            commit: position,
            prepare: position,
            id: event.id,
            event_type: event.event_type,
            is_json: event.is_json,
            data: event.data,
            metadata: event.metadata,
            created: ticks(),
        });
        held.events.push(Arc::clone(&stored));
        self.recent.remember(&stored);
        if let Some(original) = stream.strip_prefix("$$") {
            self.stream_mut(original).1.retention = Retention::parse(&stored.data);
        }
        self.all.push(stored);
        position
    }

    /// Writes metadata that hides what lies before a revision, and keeps all else that it says.
    fn truncate(&mut self, stream: &str, before: u64) -> u64 {
        let kept = self.streams.get(stream).map(|stream| &stream.retention);
        let data = kept
            .map_or_else(Retention::default, Clone::clone)
            .truncated(before);
        self.push(&format!("$${stream}"), system_event("$metadata", data))
    }

    fn undelete(&mut self, stream: &str) {
        let last = self.streams.get(stream).and_then(Stream::last_revision);
        self.truncate(stream, last.map_or(0, |last| last + 1));
    }
}

/// Now, in 100-nanosecond ticks since 1970.
pub(super) fn ticks() -> u64 {
    u64::try_from(SystemClock.now().micros()).unwrap_or_default() * 10
}
