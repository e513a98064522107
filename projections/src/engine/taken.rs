//! What one shard of a read model takes of a batch.

use super::parking::{Culprit, Parked};
use super::reader::{Batch, Part, Unreadable};
use crate::projection::{Applied, Projection, ProjectionError};
use crate::sql::Held;
use domain::Position;
use std::borrow::Cow;
use std::ops::Range;

/// The part of a batch that is new to a shard, up to the first event that cannot be read.
pub(super) struct Taken<'a> {
    /// Events to apply, in the log's order for each account.
    pub(super) events: Vec<Cow<'a, [Applied]>>,
    /// Events that count as given without being applied: no read model looks at them.
    pub(super) passed: usize,
    /// Events that this program does not know.
    pub(super) skipped: usize,
    /// Where the shard stands once all that is applied.
    pub(super) end: Held,
    /// What it cannot go beyond.
    stop: Option<&'a Unreadable>,
}

impl<'a> Taken<'a> {
    pub(super) fn of(
        batch: &'a Batch,
        parts: Range<usize>,
        held: Held,
        (projection, parked): (&dyn Projection, &Parked),
    ) -> Self {
        let parts = || batch.parts[parts.clone()].iter();
        let at = held.position();
        let is_new = |position: Position| at.is_none_or(|at| position > at);
        // What another read model of the run would have looked at is nothing to this one.
        let (lost, spared): (Vec<_>, Vec<_>) = parts()
            .flat_map(|part| &part.unreadable)
            .partition(|it| projection.takes(&it.event_type));
        let stop = lost
            .into_iter()
            .filter(|it| is_new(it.position) && !parked.waits(it.account, it.revision))
            .min_by_key(|it| Held::at(it.position).order());
        let is_taken =
            |position: Position| is_new(position) && stop.is_none_or(|it| position < it.position);
        let events = parts().map(|part| take_events(part, is_new, is_taken, parked));
        let count = |positions: &Vec<Position>| {
            let positions = positions.iter();
            positions.filter(|position| is_taken(**position)).count()
        };
        let end = match stop {
            None => Held::at(batch.end),
            Some(_) => {
                let before = parts().flat_map(positions).filter(|it| is_taken(*it));
                before.map(Held::at).max_by_key(Held::order).unwrap_or(held)
            }
        };
        Self {
            events: events.filter(|events| !events.is_empty()).collect(),
            passed: parts().map(|part| count(&part.passed)).sum::<usize>()
                + spared.iter().filter(|it| is_taken(it.position)).count(),
            skipped: parts().map(|part| count(&part.skipped)).sum(),
            end,
            stop,
        }
    }

    /// Fails if there is an event that cannot be read: all before it is applied by now.
    pub(super) fn to_the_end(&self) -> Result<(), ProjectionError> {
        match self.stop {
            None => Ok(()),
            Some(stop) => Err(ProjectionError::Unreadable {
                position: stop.position,
                reason: stop.reason.clone(),
            }),
        }
    }

    /// The event that cannot be read, as the one to blame.
    pub(super) fn culprit(&self) -> Option<Culprit> {
        self.stop.map(|stop| Culprit {
            account: stop.account,
            revision: stop.revision,
        })
    }
}

fn take_events<'a>(
    part: &'a Part,
    is_new: impl Fn(Position) -> bool,
    is_taken: impl Fn(Position) -> bool,
    parked: &Parked,
) -> Cow<'a, [Applied]> {
    let from = part.events.partition_point(|it| !is_new(it.position));
    let new = &part.events[from..];
    let taken = &new[..new.partition_point(|it| is_taken(it.position))];
    if parked.accounts.is_empty() {
        return Cow::Borrowed(taken);
    }
    let free = taken.iter().filter(|event| !parked.holds(event));
    Cow::Owned(free.cloned().collect())
}

/// Where the events of a part lie, whatever they are.
fn positions(part: &Part) -> impl Iterator<Item = Position> {
    let of_events = part.events.iter().map(|it| it.position);
    let others = part.passed.iter().chain(&part.skipped).copied();
    let unreadable = part.unreadable.iter().map(|it| it.position);
    of_events.chain(others).chain(unreadable)
}
