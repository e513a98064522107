//! Every way to spoil a chain, and what the check names.

use super::{Break, Chain, Fault, Tip, follow, prev_of};
use crate::chain::ChainHash;
use crate::{EventId, Position, RecordedEvent, StreamName};
use uuid::Uuid;

const LENGTH: u64 = 8;

fn linked(revision: u64, prev: ChainHash, data: &str) -> RecordedEvent {
    RecordedEvent {
        stream: StreamName::new("account-one"),
        revision,
        position: Position {
            log: Uuid::nil(),
            commit: revision + 1,
            prepare: revision + 1,
        },
        event_id: EventId::from_uuid(Uuid::from_u128(revision.into())),
        event_type: "Tested".to_owned(),
        metadata: format!(r#"{{"schema":1,"prev":"{prev}","actor":"test"}}"#).into_bytes(),
        data: data.as_bytes().to_vec(),
    }
}

fn stream() -> Vec<RecordedEvent> {
    let mut prev = ChainHash::GENESIS;
    let event = |revision| {
        let event = linked(revision, prev, &format!("{{\"n\":{revision}}}"));
        prev = ChainHash::of_recorded(&event);
        event
    };
    (0..LENGTH).map(event).collect()
}

fn check(events: &[RecordedEvent]) -> Option<Break> {
    let mut chain = Chain::new();
    let found = events.iter().find_map(|event| chain.push(event));
    found.or_else(|| chain.finish())
}

#[test]
fn a_sound_stream_holds_and_ends_at_its_tip() {
    let events = stream();
    let mut chain = Chain::new();
    for event in &events {
        assert_eq!(chain.push(event), None);
    }
    let last = events.last().expect("events");
    let tip = Tip {
        revision: LENGTH - 1,
        hash: ChainHash::of_recorded(last),
    };
    assert_eq!(chain.tip(), Some(tip));
    assert_eq!(chain.finish(), None);
    assert_eq!(Chain::new().finish(), None);
}

#[test]
fn any_changed_byte_of_any_field_is_named() {
    for revision in 0..LENGTH - 1 {
        let at = revision as usize;
        let original = stream();
        let mut spoilt = vec![];
        for byte in 0..original[at].metadata.len() {
            let mut events = original.clone();
            events[at].metadata[byte] ^= 1;
            spoilt.push(events);
        }
        for byte in 0..original[at].data.len() {
            let mut events = original.clone();
            events[at].data[byte] ^= 1;
            spoilt.push(events);
        }
        let mut events = original.clone();
        events[at].event_type = "Teste`".to_owned();
        spoilt.push(events);
        let mut events = original;
        events[at].event_id = EventId::from_uuid(Uuid::from_u128(99));
        spoilt.push(events);
        for events in spoilt {
            let found = check(&events).expect("a break");
            assert!(
                found.revision == revision || found.either && found.seen_at == LENGTH - 1,
                "{revision}: {found:?}"
            );
        }
    }
}

#[test]
fn the_last_event_is_covered_by_its_own_link_alone() {
    let mut events = stream();
    events.last_mut().expect("events").data[0] ^= 1;
    assert_eq!(check(&events), None, "only a hash kept elsewhere shows it");
    let mut events = stream();
    events.last_mut().expect("events").metadata = linked(0, ChainHash([7; 32]), "").metadata;
    let found = check(&events).expect("a break");
    assert!(found.either, "{found:?}");
    assert_eq!((found.revision, found.seen_at), (LENGTH - 2, LENGTH - 1));
}

#[test]
fn events_that_are_missing_doubled_or_swapped_are_named() {
    let mut events = stream();
    events.remove(3);
    let found = check(&events).expect("a break");
    assert_eq!((found.revision, found.seen_at), (3, 4));
    assert!(matches!(found.fault, Fault::Missing { .. }), "{found:?}");

    let mut events = stream();
    events.remove(0);
    assert_eq!(check(&events).expect("a break").revision, 0);

    let mut events = stream();
    let again = events[2].clone();
    events.insert(4, again);
    let found = check(&events).expect("a break");
    assert_eq!(found.revision, 2);
    assert!(matches!(found.fault, Fault::OutOfOrder { .. }), "{found:?}");

    let mut events = stream();
    events.swap(3, 4);
    assert_eq!(check(&events).expect("a break").revision, 3);
    // With their revisions as they should be, only the links show it.
    (events[3].revision, events[4].revision) = (3, 4);
    let found = check(&events).expect("a break");
    assert_eq!(found.revision, 3);
    assert!(matches!(found.fault, Fault::Unlinked { .. }), "{found:?}");
}

#[test]
fn a_deleted_event_shows_even_if_the_rest_moves_up() {
    let mut events = stream();
    events.remove(3);
    for (event, revision) in events.iter_mut().zip(0..) {
        event.revision = revision;
    }
    assert_eq!(check(&events).expect("a break").revision, 3);
}

#[test]
fn a_first_event_that_names_a_predecessor_is_named_at_once() {
    let event = linked(0, ChainHash([1; 32]), "{}");
    let found = Chain::new().push(&event).expect("a break");
    assert_eq!((found.revision, found.either), (0, false));
}

#[test]
fn a_check_goes_on_from_a_tip() {
    let events = stream();
    let (tip, _) = follow(None, &events[0]);
    let mut chain = Chain::after(Some(tip));
    assert!(events[1..].iter().all(|event| chain.push(event).is_none()));
    let wrong = Tip {
        hash: ChainHash([9; 32]),
        ..tip
    };
    let (_, fault) = follow(Some(wrong), &events[1]);
    assert!(matches!(fault, Some(Fault::Unlinked { .. })), "{fault:?}");
}

#[test]
fn only_a_hash_is_taken_for_a_hash() {
    let hash = ChainHash([0xab; 32]);
    let read = |text: String| prev_of(text.as_bytes());
    assert_eq!(read(format!(r#"{{"a":[1],"prev":"{hash}"}}"#)), Ok(hash));
    for wrong in [
        r#"{"prev":"ab"}"#.to_owned(),
        r#"{"prev":7}"#.to_owned(),
        "{}".to_owned(),
        "".to_owned(),
        format!(r#"{{"prev":"{}"}}"#, hash.to_string().to_uppercase()),
        format!(r#"{{"prev":"{hash}"}}x"#),
    ] {
        assert!(read(wrong.clone()).is_err(), "{wrong}");
    }
}
