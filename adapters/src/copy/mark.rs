//! A fingerprint of a set of events, whatever their order: how two logs are compared in flat memory.
//!
//! Two logs hold the same streams in different orders, and to sort them would take memory or disk
//! for every event. Instead each event's chain hash, which covers stream, revision, id, type and
//! all bytes, goes through SHA-256 with a key drawn for this run, and the results are added up. Two
//! sets that differ have the same sum by chance alone: nobody can prepare events for a key that
//! is not drawn yet.

use super::CopyError;
use domain::RecordedEvent;
use domain::chain::ChainHash;
use sha2::{Digest, Sha256};

/// The key of one run.
pub(super) struct Key([u8; 32]);

impl Key {
    pub(super) fn draw() -> Result<Self, CopyError> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|e| CopyError::Random(e.to_string()))?;
        Ok(Self(key))
    }
}

/// What was seen of a history, the same in whatever order it was seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Tally {
    pub(super) streams: u64,
    pub(super) events: u64,
    pub(super) bytes: u64,
    sum: [u64; 4],
}

impl Tally {
    /// Takes an event in, with its hash.
    pub(super) fn take(&mut self, key: &Key, event: &RecordedEvent, hash: ChainHash) {
        // Each stream has one first event.
        self.streams += u64::from(event.revision == 0);
        self.events += 1;
        self.bytes += (event.metadata.len() + event.data.len()) as u64;
        let keyed = Sha256::new()
            .chain_update(key.0)
            .chain_update(hash.0)
            .finalize();
        let (words, _) = keyed.as_chunks::<8>();
        for (sum, word) in self.sum.iter_mut().zip(words) {
            *sum = sum.wrapping_add(u64::from_be_bytes(*word));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{EventId, Position, StreamName};
    use uuid::Uuid;

    fn event(stream: &str, revision: u64, data: &[u8]) -> RecordedEvent {
        RecordedEvent {
            stream: StreamName::new(stream),
            revision,
            position: Position {
                log: Uuid::nil(),
                commit: 1,
                prepare: 1,
            },
            event_id: EventId::from_uuid(Uuid::nil()),
            event_type: "Tested".to_owned(),
            metadata: b"{}".to_vec(),
            data: data.to_vec(),
        }
    }

    fn tally(key: &Key, events: &[RecordedEvent]) -> Tally {
        let mut tally = Tally::default();
        for event in events {
            tally.take(key, event, ChainHash::of_recorded(event));
        }
        tally
    }

    #[test]
    fn order_does_not_count_and_everything_else_does() {
        let key = Key::draw().expect("randomness");
        let events = [
            event("a", 0, b"x"),
            event("a", 1, b"y"),
            event("b", 0, b"z"),
        ];
        let whole = tally(&key, &events);
        assert_eq!((whole.streams, whole.events, whole.bytes), (2, 3, 9));
        let [first, second, third] = events.clone();
        assert_eq!(tally(&key, &[third, first, second]), whole);
        // The same counts and lengths, and yet another history.
        let mut swapped = events.clone();
        swapped[0].data = b"y".to_vec();
        swapped[1].data = b"x".to_vec();
        assert_ne!(tally(&key, &swapped), whole);
        // One event twice does not make up for another.
        let doubled = [events[0].clone(), events[2].clone(), events[2].clone()];
        assert_ne!(tally(&key, &doubled).sum, whole.sum);
        assert_ne!(tally(&Key::draw().expect("randomness"), &events), whole);
    }
}
