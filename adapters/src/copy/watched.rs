//! How far a copy has come, for whoever shows it.

use domain::Position;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// What a copy is at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Looks whether what the target holds is the source's.
    Looking,
    /// Reads the source and appends to the target.
    Copying,
    /// Reads the target back.
    Verifying,
    /// Looks for the event that differs.
    Searching,
}

impl Step {
    const ALL: [Self; 4] = [
        Self::Looking,
        Self::Copying,
        Self::Verifying,
        Self::Searching,
    ];
}

/// The step that a copy is at, and how far that has come.
#[derive(Debug, Default)]
pub struct Watched {
    /// How many steps were begun.
    begun: AtomicU64,
    step: AtomicU8,
    total: AtomicU64,
    at: AtomicU64,
    events: AtomicU64,
}

/// One look at it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shown {
    /// The number of the step, from 1; zero before the first.
    pub number: u64,
    /// What it does.
    pub step: Step,
    /// The commit half of the position that it goes up to.
    pub total: u64,
    /// The commit half of where it is.
    pub at: u64,
    /// Events of this step.
    pub events: u64,
}

impl Watched {
    pub(super) fn begin(&self, step: Step, head: Position) {
        self.step.store(step as u8, Ordering::Relaxed);
        self.total.store(head.commit, Ordering::Relaxed);
        self.at.store(0, Ordering::Relaxed);
        self.events.store(0, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Release);
    }

    pub(super) fn reach(&self, position: Position, events: usize) {
        self.at.store(position.commit, Ordering::Relaxed);
        self.events.fetch_add(events as u64, Ordering::Relaxed);
    }

    /// Where it is now.
    pub fn show(&self) -> Shown {
        let number = self.begun.load(Ordering::Acquire);
        let step = usize::from(self.step.load(Ordering::Relaxed));
        Shown {
            number,
            step: *Step::ALL.get(step).unwrap_or(&Step::Looking),
            total: self.total.load(Ordering::Relaxed),
            at: self.at.load(Ordering::Relaxed),
            events: self.events.load(Ordering::Relaxed),
        }
    }
}
