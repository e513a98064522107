//! Reads of a stream or of the whole log, once and to their end.

use super::log::Stored;
use super::node::{Counters, Node};
use super::pages::StreamPage;
use super::request::{From, ReadPlan, Source};
use super::wire::streams::read_answer::Content;
use super::wire::streams::read_event::Position;
use super::wire::streams::{ReadAnswer, ReadEvent, Recorded, StreamNotFound};
use super::wire::{Halves, StreamIdentifier, Uuid as WireUuid, uuid as wire_uuid};
use super::{status, subscription};
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

/// Answers made and not yet sent.
const AHEAD: usize = 64;
/// How many events a server looks at in one go.
const SERVER_PAGE: u64 = 32;

pub(super) type Answers = ReceiverStream<Result<ReadAnswer, Status>>;

/// Why a read ends before its end.
pub(super) enum Stop {
    /// Nobody listens any more.
    Gone,
    Failed(Status),
}

impl std::convert::From<Status> for Stop {
    fn from(status: Status) -> Self {
        Self::Failed(status)
    }
}

/// Where a read's answers go.
pub(super) struct Outlet {
    answers: mpsc::Sender<Result<ReadAnswer, Status>>,
    text_ids: bool,
    pause: Option<Duration>,
}

impl Outlet {
    pub(super) async fn send(&self, content: Content) -> Result<(), Stop> {
        let answer = ReadAnswer {
            content: Some(content),
        };
        self.answers.send(Ok(answer)).await.map_err(|_| Stop::Gone)
    }

    pub(super) async fn event(&self, event: &Stored) -> Result<(), Stop> {
        if let Some(pause) = self.pause {
            tokio::time::sleep(pause).await;
        }
        self.send(Content::Event(read_event(event, self.text_ids)))
            .await
    }

    /// Resolves once nobody listens any more.
    pub(super) async fn closed(&self) {
        self.answers.closed().await;
    }
}

/// Begins a read or a subscription; its answers come from a task of their own.
pub(super) fn start(
    node: &Arc<Node>,
    plan: ReadPlan,
    deadline: Option<Duration>,
) -> Result<Answers, Status> {
    let counters = &node.counters;
    Counters::add(if plan.count.is_some() {
        &counters.reads
    } else {
        &counters.subscriptions
    });
    if node.faults.refuse_reads.take().is_some() {
        return Err(status::not_ready());
    }
    let (answers, receiver) = mpsc::channel(AHEAD);
    let outlet = Outlet {
        answers: answers.clone(),
        text_ids: plan.text_ids,
        pause: node.faults.slow_reads.take(),
    };
    let node = Arc::clone(node);
    tokio::spawn(async move {
        let work = async {
            match plan.count {
                Some(count) => once(&node, plan, count, &outlet).await,
                None => subscription::run(&node, plan, &outlet).await,
            }
        };
        let ended = match deadline {
            Some(time) => tokio::time::timeout(time, work).await,
            None => Ok(work.await),
        };
        let late = || Err(Stop::Failed(Status::deadline_exceeded("Deadline Exceeded")));
        if let Err(Stop::Failed(status)) = ended.unwrap_or_else(|_| late()) {
            let _ = answers.send(Err(status)).await;
        }
    });
    Ok(ReceiverStream::new(receiver))
}

/// Sends events until there are enough; may break on the way.
struct Counted<'a> {
    outlet: &'a Outlet,
    node: &'a Node,
    left: u64,
    breaks_after: Option<u64>,
}

impl Counted<'_> {
    async fn event(&mut self, event: &Stored) -> Result<(), Stop> {
        self.check_break()?;
        self.outlet.event(event).await?;
        self.left -= 1;
        self.breaks_after = self.breaks_after.map(|after| after.saturating_sub(1));
        self.check_break()
    }

    fn check_break(&self) -> Result<(), Stop> {
        if self.breaks_after != Some(0) {
            return Ok(());
        }
        self.node.faults.break_reads.count();
        Err(status::not_ready().into())
    }
}

async fn once(node: &Node, plan: ReadPlan, count: u64, outlet: &Outlet) -> Result<(), Stop> {
    let mut counted = Counted {
        outlet,
        node,
        left: count,
        breaks_after: node.faults.break_reads.reserve(),
    };
    match plan.source {
        Source::Stream { name, from } => {
            one_stream(&mut counted, &name, from, plan.backwards, plan.tells_ends).await
        }
        Source::All { from, filter } => {
            let mut place = match from {
                From::Start => 0,
                From::End => u64::MAX,
                From::At(place) => {
                    let (commit, prepare) = (place.commit_position, place.prepare_position);
                    if !node.log.is_place(commit, prepare) {
                        return Err(status::invalid_position().into());
                    }
                    commit
                }
            };
            while counted.left > 0 {
                // Going back, the event at the place itself is not among them.
                let page = if plan.backwards {
                    node.log.backwards(place)
                } else {
                    node.log.forwards(place)
                };
                let Some(last) = page.last() else { break };
                place = if plan.backwards {
                    last.commit
                } else {
                    last.commit + 1
                };
                for event in &page {
                    if counted.left > 0 && filter.as_ref().is_none_or(|it| it.matches(event)) {
                        counted.event(event).await?;
                    }
                }
            }
            Ok(())
        }
    }
}

async fn one_stream(
    counted: &mut Counted<'_>,
    name: &str,
    from: From<u64>,
    backwards: bool,
    tells_ends: bool,
) -> Result<(), Stop> {
    let mut next = match from {
        From::Start => 0,
        From::End => u64::MAX,
        From::At(revision) => revision,
    };
    let mut is_first_page = true;
    loop {
        let page = if backwards {
            counted.node.log.stream_backwards(name, next)
        } else {
            counted.node.log.stream_forwards(name, next)
        };
        let (events, first, last) = match page {
            StreamPage::Missing => {
                let stream_identifier = Some(identifier(name.to_owned().into()));
                let missing = Content::StreamNotFound(StreamNotFound { stream_identifier });
                return counted.outlet.send(missing).await;
            }
            StreamPage::Tombstoned => return Err(status::stream_deleted(name).into()),
            StreamPage::Found {
                events,
                first,
                last,
            } => (events, first, last),
        };
        // Told where a server's first page would hold nothing although there is more further on.
        let page_end = next.saturating_add(counted.left.min(SERVER_PAGE));
        if is_first_page && tells_ends && !backwards && page_end <= first {
            counted
                .outlet
                .send(Content::FirstStreamPosition(first))
                .await?;
        }
        is_first_page = false;
        for event in &events {
            if counted.left > 0 {
                counted.event(event).await?;
            }
        }
        let following = events.last().and_then(|event| {
            if backwards {
                event.revision.checked_sub(1)
            } else {
                event.revision.checked_add(1)
            }
        });
        match following {
            Some(following) if counted.left > 0 => next = following,
            _ if tells_ends => return counted.outlet.send(Content::LastStreamPosition(last)).await,
            _ => return Ok(()),
        }
    }
}

fn identifier(stream_name: Bytes) -> StreamIdentifier {
    StreamIdentifier { stream_name }
}

/// An event as it goes to the client.
fn read_event(event: &Stored, text_ids: bool) -> ReadEvent {
    let content_type = if event.is_json {
        "application/json"
    } else {
        "application/octet-stream"
    };
    let form = if text_ids {
        wire_uuid::Form::Text(event.id.to_string())
    } else {
        let (high, low) = event.id.as_u64_pair();
        wire_uuid::Form::Halves(Halves {
            high: high.cast_signed(),
            low: low.cast_signed(),
        })
    };
    let recorded = Recorded {
        id: Some(WireUuid { form: Some(form) }),
        stream_identifier: Some(identifier(Bytes::copy_from_slice(event.stream.as_bytes()))),
        stream_revision: event.revision,
        prepare_position: event.prepare,
        commit_position: event.commit,
        metadata: HashMap::from([
            ("type".to_owned(), event.event_type.to_string()),
            ("content-type".to_owned(), content_type.to_owned()),
            ("created".to_owned(), event.created.to_string()),
        ]),
        custom_metadata: event.metadata.clone(),
        data: event.data.clone(),
    };
    ReadEvent {
        event: Some(recorded),
        link: None,
        position: Some(Position::CommitPosition(event.commit)),
    }
}
