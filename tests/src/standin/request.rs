//! What a request asks for, read from its messages and headers.

use super::append::Expected;
use super::filter::Filter;
use super::wire::streams::one_stream::RevisionOption;
use super::wire::streams::read_options::{CountOption, FilterOption, StreamOption};
use super::wire::streams::target::ExpectedStreamRevision;
use super::wire::streams::whole_log::AllOption;
use super::wire::streams::{Direction, ReadRequest, Target, uuid_form};
use super::wire::{LogPlace, StreamIdentifier, Uuid as WireUuid, uuid as wire_uuid};
use std::time::Duration;
use tonic::Status;
use tonic::metadata::MetadataMap;
use uuid::Uuid;

/// Where to begin.
pub(super) enum From<T> {
    Start,
    End,
    At(T),
}

/// What to read.
pub(super) enum Source {
    Stream {
        name: String,
        from: From<u64>,
    },
    All {
        from: From<LogPlace>,
        filter: Option<Filter>,
    },
}

/// A read or a subscription.
pub(super) struct ReadPlan {
    pub(super) source: Source,
    pub(super) backwards: bool,
    /// At most this many events; a subscription if `None`.
    pub(super) count: Option<u64>,
    /// Identifiers are answered as text.
    pub(super) text_ids: bool,
    /// A stream's first and last revision are told.
    pub(super) tells_ends: bool,
}

impl ReadPlan {
    pub(super) fn parse(request: ReadRequest) -> Result<Self, Status> {
        let options = request.options.ok_or_else(|| missing("options"))?;
        let filter = match options.filter_option {
            Some(FilterOption::Filter(filter)) => Some(Filter::parse(filter)?),
            Some(FilterOption::NoFilter(())) => None,
            None => return Err(missing("filter_option")),
        };
        let source = match options.stream_option {
            Some(StreamOption::Stream(stream)) => Source::Stream {
                name: stream_name(stream.stream_identifier)?,
                from: match stream.revision_option {
                    // The highest number stands for the end.
                    Some(RevisionOption::Revision(u64::MAX)) => From::End,
                    Some(RevisionOption::Revision(revision)) => From::At(revision),
                    Some(RevisionOption::Start(())) => From::Start,
                    Some(RevisionOption::End(())) => From::End,
                    None => return Err(missing("revision_option")),
                },
            },
            Some(StreamOption::All(all)) => Source::All {
                from: match all.all_option {
                    Some(AllOption::Position(place)) if place.commit_position == u64::MAX => {
                        From::End
                    }
                    Some(AllOption::Position(place)) => From::At(place),
                    Some(AllOption::Start(())) => From::Start,
                    Some(AllOption::End(())) => From::End,
                    None => return Err(missing("all_option")),
                },
                filter,
            },
            None => return Err(missing("stream_option")),
        };
        let uuid_form = options.uuid_option.and_then(|form| form.content);
        Ok(Self {
            source,
            backwards: options.read_direction == Direction::Backwards as i32,
            count: match options.count_option {
                Some(CountOption::Count(count)) => Some(count),
                Some(CountOption::Subscription(_)) => None,
                None => return Err(missing("count_option")),
            },
            text_ids: matches!(uuid_form, Some(uuid_form::Content::String(()))),
            tells_ends: options
                .control_option
                .is_some_and(|it| it.compatibility >= 1),
        })
    }
}

pub(super) fn missing(field: &str) -> Status {
    Status::invalid_argument(format!("the request lacks {field}"))
}

pub(super) fn stream_name(identifier: Option<StreamIdentifier>) -> Result<String, Status> {
    let name = identifier
        .ok_or_else(|| missing("stream_identifier"))?
        .stream_name;
    let name = String::from_utf8(name.into())
        .map_err(|_| Status::invalid_argument("the stream's name is not UTF-8"))?;
    if name.is_empty() {
        return Err(Status::invalid_argument("the stream's name is empty"));
    }
    Ok(name)
}

pub(super) fn target(target: Option<Target>) -> Result<(String, Expected), Status> {
    let target = target.ok_or_else(|| missing("options"))?;
    let expected = match target.expected_stream_revision {
        // Minus one, as a server reads it, and that is its word for a stream that is not there.
        Some(ExpectedStreamRevision::Revision(u64::MAX)) => Expected::NoStream,
        Some(ExpectedStreamRevision::Revision(beyond)) if i64::try_from(beyond).is_err() => {
            return Err(Status::unknown("Exception was thrown by handler."));
        }
        Some(ExpectedStreamRevision::Revision(revision)) => Expected::Revision(revision),
        Some(ExpectedStreamRevision::NoStream(())) => Expected::NoStream,
        Some(ExpectedStreamRevision::Any(())) => Expected::Any,
        Some(ExpectedStreamRevision::StreamExists(())) => Expected::StreamExists,
        None => return Err(missing("expected_stream_revision")),
    };
    Ok((stream_name(target.stream_identifier)?, expected))
}

pub(super) fn event_id(id: Option<WireUuid>) -> Result<Uuid, Status> {
    match id.and_then(|id| id.form) {
        Some(wire_uuid::Form::Halves(halves)) => Ok(Uuid::from_u64_pair(
            halves.high.cast_unsigned(),
            halves.low.cast_unsigned(),
        )),
        Some(wire_uuid::Form::Text(text)) => text
            .parse()
            .map_err(|_| Status::invalid_argument("an event's id is not a UUID")),
        None => Err(missing("an event's id")),
    }
}

/// Whether the caller only wants the leader's answer.
pub(super) fn requires_leader(metadata: &MetadataMap) -> bool {
    let header = metadata.get("requires-leader");
    header.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
}

/// How long the caller waits for the whole answer.
pub(super) fn deadline(metadata: &MetadataMap) -> Option<Duration> {
    let header = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (number, unit) = header.split_at_checked(header.len().checked_sub(1)?)?;
    let number: u64 = number.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number.saturating_mul(3600)),
        "M" => Duration::from_secs(number.saturating_mul(60)),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}
