//! The storage format, pinned by files: what was ever written must be readable for ever.
//!
//! `golden/events/<type>.v<schema>[.<what it shows>].json` holds an event's data as it is stored.
//! The files and the lists below are added to, never edited.

use domain::account::{DisconnectReason, ErasureReason, ErrorClass, Event};
use domain::codec::{self, Metadata};
use domain::observation::Cause;
use domain::{EventId, Metric, Platform, Position, RecordedEvent, StreamName};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Every type and schema that was ever written.
const EVER_WRITTEN: [(&str, u16); 10] = [
    ("AccountImported", 1),
    ("AccountConnected", 1),
    ("AccountReconnected", 1),
    ("ProfileChanged", 1),
    ("SyncRecorded", 1),
    ("ReauthorizationRequired", 1),
    ("MetricsObserved", 1),
    ("PostsObserved", 1),
    ("AccountDisconnected", 1),
    ("AccountErased", 1),
];

/// An event's data as a file holds it.
struct Golden {
    file: String,
    event_type: String,
    schema: u16,
    data: Vec<u8>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The content of a file without its final newline.
fn stored(path: &Path) -> Vec<u8> {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.strip_suffix('\n').unwrap_or(&text).into()
}

fn golden_events() -> Vec<Golden> {
    let folder = folder().join("events");
    let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut events: Vec<_> = entries
        .map(|entry| {
            let path = entry.unwrap_or_else(|e| panic!("{e}")).path();
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            let (event_type, schema) = type_and_schema(&file)
                .unwrap_or_else(|| panic!("{file}: expected <type>.v<schema>[.<what>].json"));
            Golden {
                file: file.into_owned(),
                event_type,
                schema,
                data: stored(&path),
            }
        })
        .collect();
    events.sort_by(|one, other| one.file.cmp(&other.file));
    events
}

fn type_and_schema(file: &str) -> Option<(String, u16)> {
    let mut parts = file.strip_suffix(".json")?.split('.');
    let event_type = parts.next()?.to_owned();
    let schema = parts.next()?.strip_prefix('v')?.parse().ok()?;
    Some((event_type, schema))
}

fn decode(golden: &Golden) -> Event {
    codec::decode(&golden.event_type, golden.schema, &golden.data)
        .unwrap_or_else(|e| panic!("{}: {e}", golden.file))
        .unwrap_or_else(|| panic!("{}: type or schema is not known", golden.file))
}

#[test]
fn types_that_are_written_are_among_those_ever_written() {
    for written in Event::TYPES {
        assert!(
            EVER_WRITTEN.contains(written),
            "{written:?} is not in the list"
        );
    }
}

#[test]
fn every_type_ever_written_has_a_golden_file_and_every_file_such_a_type() {
    let files = golden_events();
    let of_files: BTreeSet<_> = files
        .iter()
        .map(|golden| (golden.event_type.as_str(), golden.schema))
        .collect();
    assert_eq!(of_files, BTreeSet::from(EVER_WRITTEN));
}

#[test]
fn every_golden_event_is_read_as_an_event_of_its_type() {
    for golden in golden_events() {
        assert_eq!(
            decode(&golden).type_name(),
            golden.event_type,
            "{}",
            golden.file
        );
    }
}

#[test]
fn an_event_of_todays_schema_is_written_as_its_golden_file_has_it() {
    for golden in golden_events() {
        let event = decode(&golden);
        if event.schema() == golden.schema {
            let written = codec::encode(&event).expect("an event that was read can be written");
            assert_eq!(
                String::from_utf8_lossy(&written),
                String::from_utf8_lossy(&golden.data),
                "{}",
                golden.file
            );
        }
    }
}

#[test]
fn golden_metadata_is_read_and_written_again_as_it_was() {
    for file in ["metadata.v1.json", "metadata.v1.first_event.json"] {
        let stored = stored(&folder().join(file));
        let metadata: Metadata = serde_json::from_slice(&stored).expect("metadata");
        let written = serde_json::to_vec(&metadata).expect("metadata can be written");
        assert_eq!(
            String::from_utf8_lossy(&written),
            String::from_utf8_lossy(&stored),
            "{file}"
        );
    }
}

fn recorded(event_type: &str, metadata: &str, data: &str) -> RecordedEvent {
    let id = "01890000-0000-7000-8000-000000000001";
    RecordedEvent {
        stream: StreamName::new(format!("account-{id}")),
        revision: 0,
        position: Position {
            log: uuid::Uuid::nil(),
            commit: 0,
            prepare: 0,
        },
        event_id: EventId::from_uuid(uuid::Uuid::nil()),
        event_type: event_type.to_owned(),
        metadata: metadata.into(),
        data: data.into(),
    }
}

fn metadata_of_schema(schema: u16) -> String {
    let stored = stored(&folder().join("metadata.v1.json"));
    let text = String::from_utf8_lossy(&stored);
    text.replacen("\"schema\":1", &format!("\"schema\":{schema}"), 1)
}

#[test]
fn a_type_or_a_schema_from_the_future_is_passed_over() {
    let unknown = recorded("AccountAdored", &metadata_of_schema(1), "{\"by\":\"all\"}");
    let decoded = codec::decode_recorded(&unknown).expect("no error");
    assert_eq!(decoded.event, None);
    let newer = recorded("SyncRecorded", &metadata_of_schema(2), "[]");
    let decoded = codec::decode_recorded(&newer).expect("no error");
    assert_eq!(decoded.event, None);
    assert_eq!(decoded.metadata.schema, 2);
}

#[test]
fn data_that_does_not_fit_its_type_is_an_error_that_names_it() {
    let torn = recorded("AccountDisconnected", &metadata_of_schema(1), "{\"reason\"");
    let error = codec::decode_recorded(&torn).expect_err("torn data");
    let says = error.to_string();
    let expected = "the data of AccountDisconnected (schema 1) cannot be read: ";
    assert!(says.starts_with(expected), "{says}");

    let torn = recorded("AccountDisconnected", "{}", "{}");
    let error = codec::decode_recorded(&torn).expect_err("torn metadata");
    let says = error.to_string();
    assert!(says.starts_with("the metadata cannot be read: "), "{says}");
}

#[test]
fn names_of_metrics_are_those_ever_written() {
    let pinned = [
        "comments",
        "followers",
        "following",
        "likes",
        "page_likes",
        "posts",
        "reach",
        "saves",
        "shares",
        "views",
        "watch_time",
    ];
    let written: Vec<_> = Metric::ALL.iter().map(written_as).collect();
    assert_eq!(written, pinned);
    let names: Vec<_> = Metric::ALL.iter().map(|metric| metric.name()).collect();
    assert_eq!(names, pinned);
}

#[test]
fn names_of_platforms_are_those_ever_written() {
    let pinned = ["facebook", "instagram", "tiktok", "youtube"];
    assert_eq!(Platform::ALL.map(Platform::name), pinned);
    assert_eq!(Platform::ALL.each_ref().map(written_as), pinned);
}

#[test]
fn names_of_causes_are_those_ever_written() {
    let causes = [
        (Cause::Observed, "observed"),
        (Cause::Imported, "imported"),
        (Cause::Restated, "restated"),
        (Cause::ReParsed, "re-parsed"),
        (Cause::Simulated, "simulated"),
    ];
    for (cause, pinned) in causes {
        assert_eq!(cause.name(), pinned);
        assert_eq!(written_as(&cause), pinned);
    }
}

#[test]
fn names_of_failures_are_those_ever_written() {
    let classes = [
        (ErrorClass::AuthExpired, "auth_expired"),
        (ErrorClass::Permission, "permission"),
        (ErrorClass::RateLimited, "rate_limited"),
        (ErrorClass::Transient, "transient"),
        (ErrorClass::NoData, "no_data"),
        (ErrorClass::AccountGone, "account_gone"),
        (ErrorClass::ConfigError, "config_error"),
        (ErrorClass::InvalidRequest, "invalid_request"),
        (ErrorClass::Policy, "policy"),
    ];
    for (class, pinned) in classes {
        assert_eq!(class.name(), pinned);
        assert_eq!(written_as(&class), pinned);
    }
}

#[test]
fn names_of_reasons_are_those_ever_written() {
    let reasons = [
        (DisconnectReason::Requested, "requested"),
        (DisconnectReason::RevokedAtPlatform, "revoked_at_platform"),
        (DisconnectReason::Deauthorized, "deauthorized"),
        (DisconnectReason::AccountGone, "account_gone"),
    ];
    for (reason, pinned) in reasons {
        assert_eq!(reason.name(), pinned);
        assert_eq!(written_as(&reason), pinned);
    }
}

#[test]
fn names_of_reasons_for_an_erasure_are_those_ever_written() {
    let pinned = ["requested", "data_deletion_callback", "retention_ended"];
    assert_eq!(ErasureReason::ALL.map(ErasureReason::name), pinned);
    assert_eq!(ErasureReason::ALL.each_ref().map(written_as), pinned);
    for (reason, name) in ErasureReason::ALL.into_iter().zip(pinned) {
        assert_eq!(name.parse(), Ok(reason));
    }
    let wrong = "bored".parse::<ErasureReason>().expect_err("no reason");
    assert!(
        wrong
            .to_string()
            .starts_with("'bored' is not a reason: expected ")
    );
}

/// The text that stands for a value in stored JSON.
fn written_as<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        other => panic!("expected a text, got {other:?}"),
    }
}
