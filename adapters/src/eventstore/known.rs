//! What is known of streams without asking: how long they are at least, and which ids they hold.

use commands::ports::ExpectedRevision;
use domain::{EventId, StreamName};
use lru::LruCache;
use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Streams whose length is remembered.
const STREAMS: NonZeroUsize = NonZeroUsize::new(65_536).expect("not zero");
/// Ids remembered in all, of all streams.
const MOST_IDS: usize = 500_000;

/// The revision of the first event of an append.
pub(super) fn first_revision(expected: ExpectedRevision) -> u64 {
    match expected {
        ExpectedRevision::NoStream => 0,
        ExpectedRevision::Exact(revision) => revision.saturating_add(1),
    }
}

/// How many events streams have at least. A stream never gets shorter, so what was true stays so.
pub(super) struct Tips(Mutex<LruCache<StreamName, u64>>);

impl Default for Tips {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(STREAMS)))
    }
}

impl Tips {
    fn tips(&self) -> MutexGuard<'_, LruCache<StreamName, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, stream: &StreamName) -> Option<u64> {
        self.tips().get(stream).copied()
    }

    /// The stream was seen to have so many events.
    pub(super) fn raise(&self, stream: &StreamName, events: u64) {
        let mut tips = self.tips();
        match tips.get_mut(stream) {
            Some(known) => *known = events.max(*known),
            None => {
                tips.put(stream.clone(), events);
            }
        }
    }

    /// An append may or may not have made it longer.
    pub(super) fn forget(&self, stream: &StreamName) {
        self.tips().pop(stream);
    }
}

/// All ids of the first events of a stream.
#[derive(Default)]
pub(super) struct Held {
    pub(super) ids: HashSet<EventId>,
    /// How many events that is: the revision to go on at.
    pub(super) next: u64,
}

#[derive(Default)]
struct Remembered {
    streams: Option<LruCache<StreamName, Held>>,
    ids: usize,
}

/// The ids of streams that were asked for, the least recently asked ones forgotten first.
#[derive(Default)]
pub(super) struct Ids(Mutex<Remembered>);

impl Ids {
    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes out what is known of a stream, to be extended and put back.
    pub(super) fn take(&self, stream: &StreamName) -> Held {
        let mut remembered = self.remembered();
        let streams = remembered.streams.get_or_insert_with(LruCache::unbounded);
        let held = streams.pop(stream).unwrap_or_default();
        remembered.ids -= held.ids.len();
        held
    }

    /// Puts it back, and forgets others if there is too much. A stream with more ids than fit is
    /// not remembered at all.
    pub(super) fn put(&self, stream: &StreamName, held: Held) {
        if held.ids.len() > MOST_IDS {
            return;
        }
        let mut remembered = self.remembered();
        remembered.ids += held.ids.len();
        let streams = remembered.streams.get_or_insert_with(LruCache::unbounded);
        let replaced = streams.put(stream.clone(), held);
        let mut freed = replaced.map_or(0, |held| held.ids.len());
        let total = remembered.ids;
        if let Some(streams) = &mut remembered.streams {
            while total - freed > MOST_IDS {
                let Some((_, oldest)) = streams.pop_lru() else {
                    break;
                };
                freed += oldest.ids.len();
            }
        }
        remembered.ids = total - freed;
    }

    /// Events were appended behind what is known: their ids are known too.
    pub(super) fn extend(
        &self,
        stream: &StreamName,
        first: u64,
        ids: impl ExactSizeIterator<Item = EventId>,
    ) {
        let count = ids.len() as u64;
        let mut remembered = self.remembered();
        let Some(streams) = &mut remembered.streams else {
            return;
        };
        let Some(held) = streams.peek_mut(stream).filter(|held| held.next == first) else {
            return;
        };
        let before = held.ids.len();
        held.ids.extend(ids);
        held.next += count;
        let grown = held.ids.len() - before;
        remembered.ids += grown;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn ids(count: usize) -> HashSet<EventId> {
        let new = || EventId::from_uuid(Uuid::now_v7());
        std::iter::repeat_with(new).take(count).collect()
    }

    fn held(count: usize) -> Held {
        Held {
            ids: ids(count),
            next: count as u64,
        }
    }

    #[test]
    fn a_tip_only_rises_until_it_is_forgotten() {
        let (tips, stream) = (Tips::default(), StreamName::new("a"));
        assert_eq!(tips.get(&stream), None);
        tips.raise(&stream, 3);
        tips.raise(&stream, 2);
        assert_eq!(tips.get(&stream), Some(3));
        tips.forget(&stream);
        assert_eq!(tips.get(&stream), None);
    }

    #[test]
    fn ids_are_bounded_in_all_and_the_oldest_stream_goes_first() {
        let remembered = Ids::default();
        let [a, b, c] = ["a", "b", "c"].map(StreamName::new);
        remembered.put(&a, held(MOST_IDS / 2));
        remembered.put(&b, held(MOST_IDS / 4));
        remembered.put(&c, held(MOST_IDS / 2));
        assert_eq!(remembered.take(&a).next, 0, "forgotten");
        assert_eq!(remembered.take(&b).ids.len(), MOST_IDS / 4);
        assert_eq!(remembered.take(&c).ids.len(), MOST_IDS / 2);
        assert_eq!(remembered.remembered().ids, 0);
        remembered.put(&a, held(MOST_IDS + 1));
        assert_eq!(remembered.take(&a).next, 0, "too many to be remembered");
    }

    #[test]
    fn what_is_appended_behind_what_is_known_is_known() {
        let (remembered, stream) = (Ids::default(), StreamName::new("a"));
        remembered.put(&stream, held(3));
        let more = ids(2);
        remembered.extend(
            &stream,
            3,
            more.iter().copied().collect::<Vec<_>>().into_iter(),
        );
        remembered.extend(
            &stream,
            9,
            ids(2).into_iter().collect::<Vec<_>>().into_iter(),
        );
        let held = remembered.take(&stream);
        assert_eq!((held.ids.len(), held.next), (5, 5));
        assert!(more.is_subset(&held.ids));
    }
}
