//! The hash chain against values that were worked out apart from this program.

use super::{ChainHash, FORMAT};
use crate::{EventId, Position, RecordedEvent, StreamName};
use uuid::Uuid;

fn third_event() -> RecordedEvent {
    RecordedEvent {
        stream: StreamName::new("account-01890000-0000-7000-8000-000000000001"),
        revision: 2,
        position: Position {
            log: Uuid::nil(),
            commit: 40,
            prepare: 40,
        },
        event_id: EventId::from_uuid(Uuid::from_u128(0x0b5f6a52_6f5c_5f0e_9d43_2f3c3a0c4b11)),
        event_type: "AccountDisconnected".to_owned(),
        metadata: br#"{"schema":1}"#.to_vec(),
        data: br#"{"reason":"requested","at":"2026-01-06T00:00:00.000000Z"}"#.to_vec(),
    }
}

#[test]
fn the_hash_is_the_one_that_the_documented_format_gives() {
    // SHA-256, with Python's hashlib, over 233 bytes; each line a length and as many bytes:
    //
    // 0000000000000015 736f6369616c2d6c65646765722f636861696e2f31     social-ledger/chain/1
    // 000000000000002c 6163636f756e742d30313839303030302d303030302d
    //                  373030302d383030302d303030303030303030303031   account-0189…0001
    // 0000000000000008 0000000000000002                               revision 2
    // 0000000000000010 0b5f6a526f5c5f0e9d432f3c3a0c4b11               the event id
    // 0000000000000013 4163636f756e74446973636f6e6e6563746564         AccountDisconnected
    // 000000000000000c 7b22736368656d61223a317d                       {"schema":1}
    // 0000000000000039 7b22726561736f6e223a22726571756573746564222c
    //                  226174223a22323032362d30312d30365430303a3030
    //                  3a30302e3030303030305a227d                     {"reason":…,"at":…}
    assert_eq!(
        ChainHash::of_recorded(&third_event()).to_string(),
        "c219172a9341aa72c6e0d5b72d0595a1b939d6c7f53f94e814037151dc2ec264"
    );
}

#[test]
fn empty_fields_still_count_with_their_lengths() {
    // The name of the format, revision 0 and an event id of zeros; the rest is empty.
    let nothing = ChainHash::of("", 0, EventId::from_uuid(Uuid::nil()), "", b"", b"");
    assert_eq!(
        nothing.to_string(),
        "3c325316244e6fefb12c18ff0ed67c0be8f67d0f1aace4c7cbb5bd61a385eb6e"
    );
}

#[test]
fn the_format_has_the_name_that_stored_hashes_begin_with() {
    assert_eq!(FORMAT, "social-ledger/chain/1");
}

#[test]
fn any_one_field_changes_the_hash() {
    let original = third_event();
    let changed = [
        RecordedEvent {
            stream: StreamName::new("account-01890000-0000-7000-8000-000000000002"),
            ..original.clone()
        },
        RecordedEvent {
            revision: 3,
            ..original.clone()
        },
        RecordedEvent {
            event_id: EventId::from_uuid(Uuid::from_u128(1)),
            ..original.clone()
        },
        RecordedEvent {
            event_type: "AccountDisconnecteD".to_owned(),
            ..original.clone()
        },
        RecordedEvent {
            metadata: br#"{"schema":2}"#.to_vec(),
            ..original.clone()
        },
        RecordedEvent {
            data: br#"{"reason":"requested","at":"2026-01-07T00:00:00.000000Z"}"#.to_vec(),
            ..original.clone()
        },
    ];

    let mut hashes = vec![ChainHash::of_recorded(&original)];
    hashes.extend(changed.iter().map(ChainHash::of_recorded));
    for (index, hash) in hashes.iter().enumerate() {
        assert!(
            !hashes[..index].contains(hash),
            "change {index} is not seen"
        );
    }
}

#[test]
fn bytes_that_move_from_one_field_to_the_next_change_the_hash() {
    let id = EventId::from_uuid(Uuid::nil());
    let of = |event_type: &str, metadata: &[u8], data: &[u8]| {
        ChainHash::of("stream", 0, id, event_type, metadata, data)
    };
    assert_ne!(of("Type", b"ab", b"c"), of("Type", b"a", b"bc"));
    assert_ne!(of("Typea", b"b", b"c"), of("Type", b"ab", b"c"));
}

#[test]
fn its_place_in_the_log_is_no_part_of_the_hash() {
    let mut moved = third_event();
    moved.position.commit += 1;
    assert_eq!(
        ChainHash::of_recorded(&moved),
        ChainHash::of_recorded(&third_event())
    );
}

#[test]
fn the_first_event_names_64_zeros() {
    assert_eq!(ChainHash::GENESIS.to_string(), "0".repeat(64));
}

#[test]
fn a_hash_is_written_in_lower_case_hex_and_read_back() {
    let hash = ChainHash::of_recorded(&third_event());
    let text = serde_json::to_string(&hash).expect("a hash can be written");
    assert_eq!(text, format!("\"{hash}\""));
    let back: ChainHash = serde_json::from_str(&text).expect("what was written can be read");
    assert_eq!(back, hash);
}

#[test]
fn what_is_no_hash_is_refused() {
    let upper = "C219172A9341AA72C6E0D5B72D0595A1B939D6C7F53F94E814037151DC2EC264";
    for text in [upper, "c219", ""] {
        let read = serde_json::from_value::<ChainHash>(text.into());
        assert!(read.is_err(), "'{text}' was read as a hash");
    }
}
