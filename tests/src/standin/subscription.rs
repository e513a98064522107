//! Subscriptions: what is there, then what comes, until somebody ends it with an error.

use super::filter::Filter;
use super::log::{Stored, ticks};
use super::node::Node;
use super::pages::StreamPage;
use super::read::{Outlet, Stop};
use super::request::{From, ReadPlan, Source};
use super::wire::LogPlace;
use super::wire::streams::read_answer::Content;
use super::wire::streams::{CaughtUp, Checkpoint, Confirmation};
use super::{Version, status};
use prost_types::Timestamp;
use std::sync::Arc;
use tonic::{Code, Status};
use uuid::Uuid;

/// A live subscription that is this far behind has fallen out of a server's buffer.
const LIVE_BUFFER: u64 = 32;

/// Where a subscription stands.
enum Cursor {
    /// After this revision of the stream; before its first event if `None`.
    Stream { name: String, after: Option<u64> },
    /// After this place of the log.
    All {
        after: Option<u64>,
        filter: Option<Filter>,
    },
}

/// What the faults have in store for one subscription.
struct Fate {
    drop_after: Option<(u64, Code)>,
    end_after: Option<u64>,
    checkpoint_at_max: bool,
    checkpoint_backwards: bool,
}

/// How a subscription came to its end without an error of its own.
struct EndsWell;

struct Running<'a> {
    node: &'a Node,
    outlet: &'a Outlet,
    cursor: Cursor,
    fate: Fate,
    sent: u64,
    /// Events looked at since the last checkpoint.
    considered: u64,
}

pub(super) async fn run(node: &Node, plan: ReadPlan, outlet: &Outlet) -> Result<(), Stop> {
    let mut breaks = node.faults.watch_breaks();
    breaks.mark_unchanged();
    let cursor = cursor(node, plan)?;
    let faults = &node.faults;
    let mut running = Running {
        node,
        outlet,
        cursor,
        fate: Fate {
            drop_after: faults.drop_subscriptions.reserve(),
            end_after: faults.end_subscriptions.reserve(),
            checkpoint_at_max: faults.checkpoint_at_max.reserve().is_some(),
            checkpoint_backwards: faults.checkpoint_backwards.reserve().is_some(),
        },
        sent: 0,
        considered: 0,
    };
    let confirmation = Confirmation {
        subscription_id: Uuid::new_v4().to_string(),
    };
    outlet.send(Content::Confirmation(confirmation)).await?;
    tokio::select! {
        ended = running.follow() => match ended {
            Ok(EndsWell) => Ok(()),
            Err(stop) => Err(stop),
        },
        Ok(()) = breaks.changed() => {
            let code = breaks.borrow().unwrap_or(Code::Unavailable);
            Err(Status::new(code, "the subscription was dropped").into())
        }
        () = outlet.closed() => Err(Stop::Gone),
    }
}

fn cursor(node: &Node, plan: ReadPlan) -> Result<Cursor, Status> {
    if plan.backwards {
        return Err(Status::invalid_argument(
            "a subscription only goes forwards",
        ));
    }
    Ok(match plan.source {
        Source::Stream { name, from } => {
            let after = match from {
                From::Start => None,
                From::End => node.log.last_revision(&name),
                From::At(revision) => Some(revision),
            };
            Cursor::Stream { name, after }
        }
        Source::All { from, filter } => {
            let after = match from {
                From::Start => None,
                From::End => node.log.ends().map(|(_, last)| last),
                From::At(place) => {
                    let (commit, prepare) = (place.commit_position, place.prepare_position);
                    if !node.log.is_place(commit, prepare) {
                        return Err(status::invalid_position());
                    }
                    Some(commit)
                }
            };
            Cursor::All { after, filter }
        }
    })
}

impl Running<'_> {
    async fn follow(&mut self) -> Result<EndsWell, Stop> {
        let mut end = self.node.log.watch_end();
        let mut is_live = false;
        if let Some(EndsWell) = self.check_fate()? {
            return Ok(EndsWell);
        }
        loop {
            end.mark_unchanged();
            let page = self.next_page()?;
            let before = self.sent;
            for event in &page {
                if let Some(EndsWell) = self.pass(event).await? {
                    return Ok(EndsWell);
                }
            }
            if self.sent - before > LIVE_BUFFER {
                is_live = false;
            }
            if !page.is_empty() {
                continue;
            }
            if !is_live {
                is_live = true;
                self.go_live().await?;
            }
            if end.changed().await.is_err() {
                return Err(status::not_ready().into());
            }
        }
    }

    fn next_page(&self) -> Result<Vec<Arc<Stored>>, Stop> {
        let log = &self.node.log;
        match &self.cursor {
            Cursor::All { after, .. } => Ok(log.forwards(after.map_or(0, |after| after + 1))),
            Cursor::Stream { name, after } => {
                let next = after.map_or(0, |after| after.saturating_add(1));
                match log.stream_forwards(name, next) {
                    StreamPage::Found { events, .. } => Ok(events),
                    StreamPage::Missing => Ok(Vec::new()),
                    StreamPage::Tombstoned => Err(status::stream_deleted(name).into()),
                }
            }
        }
    }

    /// Sends the event if it is wanted, and a checkpoint if one is due.
    async fn pass(&mut self, event: &Stored) -> Result<Option<EndsWell>, Stop> {
        let (wanted, interval) = match &mut self.cursor {
            Cursor::Stream { after, .. } => {
                *after = Some(event.revision);
                (true, None)
            }
            Cursor::All { after, filter } => {
                *after = Some(event.commit);
                let wanted = filter.as_ref().is_none_or(|filter| filter.matches(event));
                (wanted, filter.as_ref().map(|filter| filter.interval))
            }
        };
        if wanted {
            self.outlet.event(event).await?;
            self.sent += 1;
            if self.fate.checkpoint_backwards
                && let Some((first, _)) = self.node.log.ends()
            {
                self.fate.checkpoint_backwards = false;
                self.node.faults.checkpoint_backwards.count();
                self.checkpoint(first).await?;
            }
            if let Some(EndsWell) = self.check_fate()? {
                return Ok(Some(EndsWell));
            }
        }
        if let Some(interval) = interval {
            self.considered += 1;
            if self.considered >= interval {
                self.considered = 0;
                self.checkpoint(event.commit).await?;
            }
        }
        Ok(None)
    }

    fn check_fate(&mut self) -> Result<Option<EndsWell>, Stop> {
        if let Some((after, code)) = self.fate.drop_after
            && self.sent >= after
        {
            self.node.faults.drop_subscriptions.count();
            return Err(Status::new(code, "the subscription was dropped").into());
        }
        let ends = self.fate.end_after.is_some_and(|after| self.sent >= after);
        if ends {
            self.node.faults.end_subscriptions.count();
        }
        Ok(ends.then_some(EndsWell))
    }

    async fn go_live(&mut self) -> Result<(), Stop> {
        if let Cursor::All {
            after: Some(after),
            filter: Some(_),
        } = &self.cursor
        {
            let after = *after;
            self.considered = 0;
            self.checkpoint(after).await?;
        }
        if self.fate.checkpoint_at_max {
            self.fate.checkpoint_at_max = false;
            self.node.faults.checkpoint_at_max.count();
            self.checkpoint(u64::MAX).await?;
        }
        let mut caught_up = CaughtUp::default();
        if self.node.setup.version == Version::V25 {
            caught_up.timestamp = Some(now());
            match &self.cursor {
                Cursor::Stream { after, .. } => {
                    caught_up.stream_revision = after.and_then(|after| i64::try_from(after).ok());
                }
                Cursor::All { after, .. } => caught_up.position = after.map(log_place),
            }
        }
        self.outlet.send(Content::CaughtUp(caught_up)).await
    }

    async fn checkpoint(&self, place: u64) -> Result<(), Stop> {
        let timestamp = (self.node.setup.version == Version::V25).then(now);
        let checkpoint = Checkpoint {
            commit_position: place,
            prepare_position: place,
            timestamp,
        };
        self.outlet.send(Content::Checkpoint(checkpoint)).await
    }
}

fn log_place(place: u64) -> LogPlace {
    LogPlace {
        commit_position: place,
        prepare_position: place,
    }
}

fn now() -> Timestamp {
    const TICKS: u64 = 10_000_000;
    let ticks = ticks();
    Timestamp {
        seconds: i64::try_from(ticks / TICKS).unwrap_or(i64::MAX),
        nanos: i32::try_from(ticks % TICKS * 100).unwrap_or(0),
    }
}
