//! The ids of events, pinned: a log holds them, so the bytes they are made from never change.
//!
//! Each expected id was worked out apart from this program: a UUIDv5 in the account's namespace
//! (`01890000-0000-7000-8000-000000000001`) over the bytes in the comment, where `day n` stands
//! for microseconds as a 64-bit big-endian number and `fp n` for 16 bytes of value n.

use super::spec::*;
use crate::account::{AccountReading, Command, PostReading, event_id};
use crate::observation::{Cause, Period};
use crate::{AccountId, EventId, Metric};
use uuid::Uuid;

#[track_caller]
fn identity_is(command: &Command, expected: &str) {
    let account = AccountId::from_uuid(Uuid::from_u128(0x01890000_0000_7000_8000_000000000001));
    assert_eq!(command.identity(account).to_string(), expected);
}

#[test]
fn an_import_is_its_moment_and_its_profile() {
    // import| day 1, fp 1
    identity_is(
        &Command::ImportAccount(import()),
        "fc909d7f-1d02-5a33-af09-9eeba6c2b0be",
    );
}

#[test]
fn a_connection_and_a_disconnection_are_their_command_ids() {
    // command| and the 16 bytes of the command id, 1 and 2
    identity_is(
        &Command::ConnectAccount(connect()),
        "8b8d8816-bfe0-50ed-8cfc-22bbce534921",
    );
    identity_is(&disconnect(), "3aa327f7-2c40-55c2-b1b2-d75353c51505");
}

#[test]
fn a_sync_is_its_id() {
    // sync| and the 16 bytes of the ULID: day 3 in milliseconds (48 bits), then 7 (80 bits)
    identity_is(
        &Command::RecordSync(sync()),
        "f1aa043c-707f-5fd2-8286-db9fb33316c2",
    );
}

#[test]
fn an_account_reading_is_its_source_moment_span_numbers_and_profile() {
    // metrics| day 3, tiktok:video.list| followers=1107;posts=42;
    identity_is(
        &snapshot(account_reading()),
        "1961a1a2-7672-5fb5-b268-de07c2911746",
    );
    // metrics| day 3, tiktok:video.list| day 2, day 3, followers=1107;likes=?; fp 2
    identity_is(
        &snapshot(AccountReading {
            period: Some(Period {
                from: day(2),
                to: day(3),
            }),
            values: values(&[(Metric::Followers, 1_107)], &[Metric::Likes]),
            profile: Some(sealed(2)),
            ..account_reading()
        }),
        "059c78a7-2645-5c3d-80fd-dc74c5b551ae",
    );
}

#[test]
fn a_page_is_its_source_moment_posts_numbers_and_texts() {
    // posts| day 3, tiktok:video.list| post 1, views=100;| post 2, views=5; fp 1 |
    let page = vec![
        post_reading(1, 100),
        PostReading {
            text_fingerprint: Some(sealed(1).fingerprint),
            ..post_reading(2, 5)
        },
    ];
    identity_is(
        &snapshot_posts(page_of(day(3), page)),
        "e4300a3a-c1a0-5cbc-8c1b-a87e348268ed",
    );
}

#[test]
fn the_first_event_of_a_command_has_its_identity_and_the_next_one_its_own() {
    let identity: EventId = "e4300a3a-c1a0-5cbc-8c1b-a87e348268ed"
        .parse()
        .expect("an event id");
    assert_eq!(event_id(identity, 0), identity);
    // In the namespace of the first: 1 as a 64-bit big-endian number.
    let second = "f87387c5-69af-574b-81eb-f76fcddbbb0f";
    assert_eq!(event_id(identity, 1).to_string(), second);
}

#[test]
fn other_numbers_of_the_same_moment_are_another_fact() {
    let account = AccountId::from_uuid(Uuid::from_u128(1));
    let of = |views| snapshot_posts(page_of(day(3), vec![post_reading(1, views)]));
    assert_ne!(of(1).identity(account), of(2).identity(account));
}

#[test]
fn the_same_fact_of_another_account_is_another_fact() {
    let of = |account| {
        snapshot(account_reading()).identity(AccountId::from_uuid(Uuid::from_u128(account)))
    };
    assert_ne!(of(1), of(2));
}

#[test]
fn its_cause_and_its_sealed_bytes_are_no_part_of_what_is_read() {
    let account = AccountId::from_uuid(Uuid::from_u128(1));
    let page = |cause, text| {
        let mut page = page_of(
            day(3),
            vec![PostReading {
                text,
                ..post_reading(1, 1)
            }],
        );
        page.provenance = provenance(cause);
        snapshot_posts(page).identity(account)
    };
    assert_eq!(
        page(Cause::Observed, None),
        page(Cause::ReParsed, Some(sealed(1)))
    );
}
