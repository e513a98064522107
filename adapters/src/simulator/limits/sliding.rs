//! Calls in a window that slides, counted in steps.

use super::Used;
use std::collections::VecDeque;

/// Calls of one window.
pub(super) struct Sliding {
    /// Seconds of a step, and steps of the window.
    step: i64,
    most: i64,
    /// Steps with calls, oldest first: no more than the window has.
    steps: VecDeque<(i64, u64)>,
}

impl Sliding {
    /// A window of so many steps of so many seconds.
    pub(super) fn new(most: i64, step: i64) -> Self {
        Self {
            step,
            most,
            steps: VecDeque::new(),
        }
    }

    /// Counts a call.
    pub(super) fn note(&mut self, now: i64) {
        self.forget(now);
        let step = now.div_euclid(self.step);
        match self.steps.back_mut() {
            Some((last, calls)) if *last >= step => *calls += 1,
            _ => self.steps.push_back((step, 1)),
        }
    }

    /// How much of an allowance the window's calls are.
    pub(super) fn used(&mut self, now: i64, allowed: u64) -> Used {
        self.forget(now);
        let allowed = allowed.max(1);
        let mut calls: u64 = self.steps.iter().map(|(_, calls)| calls).sum();
        let percent = calls.saturating_mul(100) / allowed;
        let mut regain = now;
        // Room comes when enough of the oldest steps have slid out.
        for (step, of_step) in &self.steps {
            if calls < allowed {
                break;
            }
            calls -= of_step;
            regain = (step + self.most) * self.step;
        }
        Used {
            percent,
            regain_minutes: (regain - now + 59).div_euclid(60).max(0),
        }
    }

    fn forget(&mut self, now: i64) {
        let first = now.div_euclid(self.step) - self.most + 1;
        while self.steps.front().is_some_and(|(step, _)| *step < first) {
            self.steps.pop_front();
        }
    }
}
