//! An account's state at any time, on both axes, at the cost of a bounded tail.
//!
//! `known_at` cuts the stream: only events that were recorded by then count. Of these, `as_of`
//! leaves out those that took effect later (see `domain::account::AsOf`). An erased account is
//! erased at every moment, as known at every moment. A question begins with
//! the last stored state before which nothing is left out, goes on over the kept events of the
//! segments after it, and reads from the log only what no stored state covers yet.

use super::facts::{self, Facts};
use super::segments::{Segment, Small};
use super::{AuditError, Auditor};
use domain::account::{AsOf, Event};
use domain::{AccountId, Timestamp};

/// An account's state at a time.
#[derive(Clone, Debug)]
pub struct StateAt {
    /// The state as named facts.
    pub facts: Facts,
    /// The last revision that was known; nothing if there was none yet.
    pub revision: Option<u64>,
    /// The last revision that the stream has.
    pub newest_revision: u64,
}

impl Auditor {
    /// The state as of a moment, with what was known at another.
    pub async fn state(
        &self,
        account: AccountId,
        as_of: Timestamp,
        known_at: Timestamp,
    ) -> Result<StateAt, AuditError> {
        let (segments, tail) = self.segments_and_tail(account).await?;
        let newest = tail.last().map(|small| small.tip);
        let Some(newest) = newest.or_else(|| segments.last().map(|segment| segment.last)) else {
            let reason = format!("there is no account {account} in this log");
            return Err(AuditError::NothingThere(reason));
        };
        // An erased account has one state, whatever was known of it before.
        let known_at = match self.is_erased(account, &segments, &tail).await? {
            true => Timestamp::MAX,
            false => known_at,
        };
        let known = segments.partition_point(|segment| segment.recorded_at <= known_at);
        let mut revision = segments[..known]
            .last()
            .map(|segment| segment.last.revision);
        let mut fold = self.fold(account, &segments[..known], as_of).await?;
        match segments.get(known) {
            // Known in part.
            Some(cut) => {
                for kept in self.events_of(account, cut).await? {
                    if kept.recorded_at > known_at {
                        break;
                    }
                    fold.push(&kept.event);
                    revision = Some(kept.revision);
                }
            }
            None => {
                for small in tail
                    .iter()
                    .take_while(|small| small.recorded_at <= known_at)
                {
                    small.event.iter().for_each(|event| {
                        fold.push(event);
                    });
                    revision = Some(small.tip.revision);
                }
            }
        }
        Ok(StateAt {
            facts: facts::of(fold.account()),
            revision,
            newest_revision: newest.revision,
        })
    }

    /// Whether the stream ends with an erasure; nothing comes after one.
    async fn is_erased(
        &self,
        account: AccountId,
        segments: &[Segment],
        tail: &[Small],
    ) -> Result<bool, AuditError> {
        let last = match (tail.last(), segments.last()) {
            (Some(small), _) => small.event.clone(),
            (None, Some(segment)) => {
                let mut kept = self.events_of(account, segment).await?;
                kept.pop().map(|kept| kept.event)
            }
            (None, None) => None,
        };
        Ok(matches!(last, Some(Event::AccountErased(_))))
    }

    /// The fold of whole segments.
    async fn fold(
        &self,
        account: AccountId,
        segments: &[Segment],
        as_of: Timestamp,
    ) -> Result<AsOf, AuditError> {
        // Up to here nothing took effect later.
        let whole = segments.partition_point(|segment| segment.latest <= as_of);
        let mut fold = match segments[..whole].last() {
            Some(segment) => self.state_after(account, segment).await?.from_here(as_of),
            None => AsOf::new(as_of),
        };
        for (n, segment) in segments.iter().enumerate().skip(whole) {
            // The first one tells whose account it is, whatever else of it counts.
            if segment.earliest <= as_of || n == 0 {
                for kept in self.events_of(account, segment).await? {
                    fold.push(&kept.event);
                }
            }
        }
        Ok(fold)
    }

    /// The whole state just before a revision.
    pub(super) async fn state_before(
        &self,
        account: AccountId,
        revision: u64,
    ) -> Result<AsOf, AuditError> {
        let (segments, _) = self.segments_and_tail(account).await?;
        let before = segments.partition_point(|segment| segment.last.revision < revision);
        let (mut fold, mut next) = match segments[..before].last() {
            Some(segment) => (
                self.state_after(account, segment).await?,
                segment.last.revision + 1,
            ),
            None => (AsOf::new(Timestamp::MAX), 0),
        };
        while next < revision {
            let page = self.small_events(account, next).await?;
            let Some(last) = page.last() else { break };
            next = last.tip.revision + 1;
            for small in page.iter().filter(|small| small.tip.revision < revision) {
                small.event.iter().for_each(|event| {
                    fold.push(event);
                });
            }
        }
        Ok(fold)
    }
}
