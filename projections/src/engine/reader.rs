//! Reads the log in pages, decodes each event once and hands it to every read model.

use super::measure;
use super::shard::{self, SHARDS};
use super::{EngineError, Progress, Until};
use crate::feed::{EventFeed, FIRST_PAGE, FeedError, Followed, next_page};
use crate::projection::Applied;
use crate::version::Version;
use domain::codec::decode_recorded;
use domain::{AccountId, Position};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How many bytes of events a batch should have, so that memory stays flat.
const TARGET_BYTES: usize = 32 * 1024 * 1024;
/// How long to wait before the log is asked again after a failure.
pub(super) const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// Decoded events that are applied together.
pub(super) struct Batch {
    /// One part for each shard of the accounts.
    pub(super) parts: [Part; SHARDS],
    /// Up to where the log was read: the last event, applied or skipped, or beyond it.
    pub(super) end: Position,
}

/// The events of one shard, in the log's order.
#[derive(Default)]
pub(super) struct Part {
    pub(super) events: Vec<Applied>,
    /// Positions of events of types that no read model of the run looks at.
    pub(super) passed: Vec<Position>,
    /// Positions of events whose type or schema this program does not know.
    pub(super) skipped: Vec<Position>,
    /// Events that cannot be read.
    pub(super) unreadable: Vec<Unreadable>,
}

/// An event that cannot be read.
pub(super) struct Unreadable {
    pub(super) event_type: String,
    pub(super) account: AccountId,
    pub(super) revision: i64,
    pub(super) position: Position,
    pub(super) reason: String,
}

pub(super) async fn run(
    feed: Arc<dyn EventFeed>,
    (after, versions): (Option<Position>, &[Version]),
    senders: Vec<mpsc::Sender<Arc<Batch>>>,
    until: Until,
    cancel: &CancellationToken,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Progress, EngineError> {
    let head = match until {
        Until::Head => feed.head().await?,
        Until::Cancelled => None,
    };
    let mut done = Progress {
        events: 0,
        position: after,
    };
    let mut follower = feed.follow(after);
    let mut limit = FIRST_PAGE;
    loop {
        if until == Until::Head && head.is_none_or(|head| done.position >= Some(head)) {
            return Ok(done);
        }
        let followed = tokio::select! {
            () = cancel.cancelled() => return Ok(done),
            read = follower.next_batch(limit) => match read {
                Ok(followed) => followed,
                Err(error @ FeedError::ForeignPosition(_)) => return Err(error.into()),
                Err(error) => {
                    measure::read_again();
                    tracing::warn!(%error, "the log is asked again");
                    tokio::time::sleep(RETRY_PAUSE).await;
                    continue;
                }
            },
        };
        limit = next_page(&followed.events, TARGET_BYTES).unwrap_or(limit);
        let count = followed.events.len() as u64;
        measure::read(count);
        // Decoding is work for a processor, not for the tasks that wait.
        let batch = tokio::task::block_in_place(|| decode(&followed, versions));
        done = Progress {
            events: done.events + count,
            position: Some(batch.end),
        };
        let batch = Arc::new(batch);
        for sender in &senders {
            let sent = tokio::select! {
                () = cancel.cancelled() => return Ok(done),
                sent = sender.send(Arc::clone(&batch)) => sent,
            };
            // A read model that halted is left behind; the others go on.
            drop(sent);
        }
        progress(done);
        if senders.iter().all(mpsc::Sender::is_closed) {
            return Ok(done);
        }
    }
}

/// Decodes a page. What cannot be read is for the shard to deal with whose account it is.
fn decode(followed: &Followed, versions: &[Version]) -> Batch {
    let mut parts: [Part; SHARDS] = Default::default();
    for recorded in &followed.events {
        let position = recorded.position;
        // Streams that are not accounts' belong to somebody else.
        let Some(account) = recorded.stream.account() else {
            parts[0].skipped.push(position);
            continue;
        };
        let part = &mut parts[shard::of(account)];
        let event_type = &recorded.event_type;
        if !versions
            .iter()
            .any(|version| version.projection.takes(event_type))
        {
            part.passed.push(position);
            continue;
        }
        let decoded = match decode_recorded(recorded) {
            Ok(decoded) => decoded,
            Err(error) => {
                part.unreadable.push(Unreadable {
                    event_type: event_type.to_string(),
                    account,
                    revision: recorded.revision.cast_signed(),
                    position,
                    reason: error.to_string(),
                });
                continue;
            }
        };
        match decoded.event {
            Some(event) => {
                let applied = Applied::of(account, recorded, decoded.metadata, event);
                part.events.push(applied);
            }
            None => part.skipped.push(position),
        }
    }
    // Beyond the last event lies what the log itself saw was not for us.
    Batch {
        parts,
        end: followed.reached,
    }
}
