//! The errors of a server: a code, a sentence, and trailers that say the same to a program.

use super::cluster::Endpoint;
use tonic::metadata::MetadataValue;
use tonic::{Code, Status};

fn with_trailers(code: Code, message: String, trailers: &[(&'static str, String)]) -> Status {
    let mut status = Status::new(code, message);
    for (name, value) in trailers {
        // A stream's name may hold what a trailer cannot: then that trailer is left out.
        if let Ok(value) = MetadataValue::try_from(value.as_str()) {
            status.metadata_mut().insert(*name, value);
        }
    }
    status
}

pub(super) fn stream_deleted(stream: &str) -> Status {
    with_trailers(
        Code::FailedPrecondition,
        format!("Event stream '{stream}' is deleted."),
        &[
            ("exception", "stream-deleted".to_owned()),
            ("stream-name", stream.to_owned()),
        ],
    )
}

pub(super) fn wrong_expected_version(
    operation: &str,
    stream: &str,
    expected: i128,
    actual: Option<u64>,
) -> Status {
    let actual = actual.map_or("-1".to_owned(), |actual| actual.to_string());
    with_trailers(
        Code::FailedPrecondition,
        format!(
            "{operation} failed due to WrongExpectedVersion. Stream: {stream}, \
             Expected version: {expected}, Actual version: {actual}"
        ),
        &[
            ("exception", "wrong-expected-version".to_owned()),
            ("stream-name", stream.to_owned()),
            ("expected-version", expected.to_string()),
            ("actual-version", actual),
        ],
    )
}

pub(super) fn not_leader(leader: &Endpoint) -> Status {
    with_trailers(
        Code::NotFound,
        "Leader info available".to_owned(),
        &[
            ("exception", "not-leader".to_owned()),
            ("leader-endpoint-host", leader.host.clone()),
            ("leader-endpoint-port", leader.port.to_string()),
        ],
    )
}

pub(super) fn append_too_large(limit: u64) -> Status {
    with_trailers(
        Code::InvalidArgument,
        format!("Maximum Append Size of {limit} Exceeded."),
        &[
            ("exception", "maximum-append-size-exceeded".to_owned()),
            ("maximum-append-size", limit.to_string()),
        ],
    )
}

pub(super) fn missing_metadata(property: &str) -> Status {
    with_trailers(
        Code::InvalidArgument,
        format!("Required Metadata Property '{property}' is missing"),
        &[
            ("exception", "missing-required-metadata-property".to_owned()),
            (
                "required-metadata-properties",
                "type,content-type".to_owned(),
            ),
        ],
    )
}

pub(super) fn access_denied() -> Status {
    with_trailers(
        Code::PermissionDenied,
        "Access Denied".to_owned(),
        &[("exception", "access-denied".to_owned())],
    )
}

pub(super) fn invalid_position() -> Status {
    Status::invalid_argument("Trying to read from an invalid position.")
}

pub(super) fn not_ready() -> Status {
    Status::unavailable("Server Is Not Ready")
}

pub(super) fn timed_out() -> Status {
    Status::aborted("Operation timed out: the stand-in was told so")
}
