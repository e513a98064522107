//! Appends and deletes, with what may happen to them on the way.

use super::append::{Done, Expected, Refusal};
use super::faults::{Lost, Written};
use super::line::Cutter;
use super::log::NewEvent;
use super::node::{Counters, Node};
use super::request::{event_id, missing, requires_leader, target};
use super::status;
use super::wire::LogPlace;
use super::wire::streams::append_part::Content;
use super::wire::streams::appended::{CurrentRevisionOption, PositionOption};
use super::wire::streams::conflict::{Current, Expected as WireExpected, OldCurrent, OldExpected};
use super::wire::streams::{
    AppendAnswer, AppendPart, Appended, Conflict, DeleteAnswer, DeleteRequest, Proposed,
    append_answer, delete_answer,
};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tonic::{Request, Status, Streaming};

/// An append that has come in completely.
struct Incoming {
    stream: String,
    expected: Expected,
    events: Vec<NewEvent>,
    requires_leader: bool,
}

pub(super) async fn append(
    node: &Arc<Node>,
    request: Request<Streaming<AppendPart>>,
) -> Result<AppendAnswer, Status> {
    let faults = &node.faults;
    let cutter = request.extensions().get::<Cutter>().cloned();
    let requires_leader = requires_leader(request.metadata());
    let answered = node.members.may_answer(node.index, true, requires_leader);
    let mut parts = request.into_inner();
    answered?;
    if let Some(leader) = faults.not_leader.take() {
        return Err(status::not_leader(&leader));
    }
    if faults.refuse_appends.take().is_some() {
        return Err(status::not_ready());
    }
    let incoming = receive(node, &mut parts, requires_leader).await?;
    match faults.hang_appends.take() {
        Some(Some(time)) => tokio::time::sleep(time).await,
        Some(None) => pending().await,
        None => {}
    }
    if faults.spurious_conflicts.take().is_some() {
        let current = node.log.last_revision(&incoming.stream);
        return Ok(conflict(incoming.expected, current));
    }
    let times_out = faults.time_out_appends.take();
    let dies = faults.die_on_append.take();
    if dies == Some(Written::No) {
        node.die();
        return pending().await;
    }
    if times_out == Some(Written::No) {
        return Err(status::timed_out());
    }
    let (expected, stream) = (incoming.expected, incoming.stream.clone());
    let outcome = match faults.append_late.take() {
        Some(time) => commit_late(node, incoming, time).await?,
        None => commit(node, incoming)?,
    };
    if dies == Some(Written::Yes) {
        node.die();
        return pending().await;
    }
    if times_out == Some(Written::Yes) {
        return Err(status::timed_out());
    }
    if outcome.is_ok() {
        match faults.lose_answers.take() {
            Some(Lost::Connection) => {
                if let Some(cutter) = cutter {
                    cutter.cut();
                }
                return pending().await;
            }
            Some(Lost::Silence) => return pending().await,
            Some(Lost::Unavailable) => return Err(status::not_ready()),
            None => {}
        }
    }
    match outcome {
        Ok(done) => Ok(success(done)),
        Err(Refusal::WrongExpectedRevision { current }) => Ok(conflict(expected, current)),
        Err(Refusal::StreamDeleted) => Err(status::stream_deleted(&stream)),
    }
}

/// Takes in all parts, up to the limit on their size.
async fn receive(
    node: &Node,
    parts: &mut Streaming<AppendPart>,
    requires_leader: bool,
) -> Result<Incoming, Status> {
    let first = parts.message().await?.and_then(|part| part.content);
    let Some(Content::Options(options)) = first else {
        return Err(missing("options as its first part"));
    };
    let (stream, expected) = target(Some(options))?;
    let limit = node.faults.max_append_size();
    let mut size = 0;
    let mut events = Vec::new();
    while let Some(part) = parts.message().await? {
        let Some(Content::ProposedMessage(proposed)) = part.content else {
            return Err(missing("an event in one of its parts"));
        };
        let event = new_event(proposed)?;
        // A server keeps the type in two bytes a character.
        size += event.data.len() + event.metadata.len() + 2 * event.event_type.len();
        if size as u64 > limit {
            return Err(status::append_too_large(limit));
        }
        events.push(event);
    }
    Ok(Incoming {
        stream,
        expected,
        events,
        requires_leader,
    })
}

fn new_event(proposed: Proposed) -> Result<NewEvent, Status> {
    let property = |name: &str| {
        let value = proposed.metadata.get(name);
        value.ok_or_else(|| status::missing_metadata(name))
    };
    let event_type = property("type")?.as_str().into();
    let is_json = property("content-type")? == "application/json";
    Ok(NewEvent {
        id: event_id(proposed.id)?,
        event_type,
        is_json,
        data: proposed.data,
        metadata: proposed.custom_metadata,
    })
}

/// Writes, if this node may still write now.
fn commit(node: &Node, incoming: Incoming) -> Result<Result<Done, Refusal>, Status> {
    let members = &node.members;
    members.may_answer(node.index, true, incoming.requires_leader)?;
    if !members.is_alive(node.index) {
        return Err(status::not_ready());
    }
    let outcome = node
        .log
        .append(&incoming.stream, incoming.expected, incoming.events);
    if outcome.is_ok() {
        Counters::add(&node.counters.committed);
    }
    Ok(outcome)
}

/// Writes later, even if the caller has given up by then.
async fn commit_late(
    node: &Arc<Node>,
    incoming: Incoming,
    time: Duration,
) -> Result<Result<Done, Refusal>, Status> {
    let (answer, answered) = oneshot::channel();
    let (node, life) = (Arc::clone(node), node.present_life());
    tokio::spawn(async move {
        // What a server has in hand dies with it.
        if life
            .run_until_cancelled(tokio::time::sleep(time))
            .await
            .is_none()
        {
            return;
        }
        // Nobody may be there to hear it: that is the point.
        let _ = answer.send(commit(&node, incoming));
    });
    answered.await.unwrap_or_else(|_| Err(status::not_ready()))
}

fn success(done: Done) -> AppendAnswer {
    let revision = done.revision;
    let appended = Appended {
        current_revision_option: Some(revision.map_or(
            CurrentRevisionOption::NoStream(()),
            CurrentRevisionOption::CurrentRevision,
        )),
        position_option: Some(
            done.position
                .map_or(PositionOption::NoPosition(()), |place| {
                    PositionOption::Position(LogPlace {
                        commit_position: place,
                        prepare_position: place,
                    })
                }),
        ),
    };
    AppendAnswer {
        result: Some(append_answer::Result::Success(appended)),
    }
}

fn conflict(expected: Expected, current: Option<u64>) -> AppendAnswer {
    let (old_expected, expected) = match expected {
        Expected::Revision(revision) => (
            Some(OldExpected::OldExpectedRevision(revision)),
            WireExpected::ExpectedRevision(revision),
        ),
        Expected::NoStream => (None, WireExpected::ExpectedNoStream(())),
        Expected::Any => (Some(OldExpected::OldAny(())), WireExpected::ExpectedAny(())),
        Expected::StreamExists => (
            Some(OldExpected::OldStreamExists(())),
            WireExpected::ExpectedStreamExists(()),
        ),
    };
    let (old_current, current) = match current {
        Some(current) => (
            OldCurrent::OldCurrentRevision(current),
            Current::CurrentRevision(current),
        ),
        None => (OldCurrent::OldNoStream(()), Current::CurrentNoStream(())),
    };
    AppendAnswer {
        result: Some(append_answer::Result::WrongExpectedVersion(Conflict {
            old_current: Some(old_current),
            old_expected,
            current: Some(current),
            expected: Some(expected),
        })),
    }
}

pub(super) fn delete(
    node: &Node,
    request: Request<DeleteRequest>,
    for_good: bool,
) -> Result<DeleteAnswer, Status> {
    Counters::add(&node.counters.deletes);
    let required = requires_leader(request.metadata());
    node.members.may_answer(node.index, true, required)?;
    if let Some(leader) = node.faults.not_leader.take() {
        return Err(status::not_leader(&leader));
    }
    let (stream, expected) = target(request.into_inner().options)?;
    match node.log.delete(&stream, expected, for_good) {
        Ok(place) => Ok(DeleteAnswer {
            position_option: Some(delete_answer::PositionOption::Position(LogPlace {
                commit_position: place,
                prepare_position: place,
            })),
        }),
        Err(Refusal::StreamDeleted) => Err(status::stream_deleted(&stream)),
        Err(Refusal::WrongExpectedRevision { current }) => {
            let expected = match expected {
                Expected::Revision(revision) => revision.into(),
                Expected::NoStream => -1,
                Expected::Any => -2,
                Expected::StreamExists => -4,
            };
            let operation = if for_good { "Tombstone" } else { "Delete" };
            Err(status::wrong_expected_version(
                operation, &stream, expected, current,
            ))
        }
    }
}
