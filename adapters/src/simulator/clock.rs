//! Simulated time: it starts where it is told to, runs as fast as it is told to, and can be moved.

use domain::Timestamp;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// The fastest that time may run: two weeks in about a second.
pub const MAX_SPEED: f64 = 1_000_000.0;

/// The farthest that time may be moved at once, in seconds: ten years.
const MAX_ADVANCE_SECONDS: u64 = 10 * 366 * 86_400;

/// A speed or a step that is out of bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTime {
    /// The speed is no number from 0 to [`MAX_SPEED`].
    #[error("speed must be a number from 0 to {MAX_SPEED}")]
    Speed,
    /// The step is longer than ten years.
    #[error("time can be advanced by at most {MAX_ADVANCE_SECONDS} seconds at once")]
    Advance,
}

/// The clock of the simulated world.
pub struct SimulatedClock(Mutex<Running>);

struct Running {
    at: Timestamp,
    since: Instant,
    speed: f64,
}

impl Running {
    fn now(&self) -> Timestamp {
        let passed = self.since.elapsed().as_secs_f64() * self.speed;
        self.at.saturating_add_micros((passed * 1e6) as i64)
    }

    fn restart(&mut self, at: Timestamp) {
        (self.at, self.since) = (at, Instant::now());
    }
}

impl SimulatedClock {
    /// A clock that starts at a moment and runs at a speed; 1 is real time, 0 stands still.
    pub fn new(start: Timestamp, speed: f64) -> Result<Self, InvalidTime> {
        let clock = Self(Mutex::new(Running {
            at: start,
            since: Instant::now(),
            speed: 0.0,
        }));
        clock.set_speed(speed)?;
        Ok(clock)
    }

    /// What time it is there.
    pub fn now(&self) -> Timestamp {
        self.running().now()
    }

    /// How fast it runs.
    pub fn speed(&self) -> f64 {
        self.running().speed
    }

    /// Runs at another speed from now on.
    pub fn set_speed(&self, speed: f64) -> Result<(), InvalidTime> {
        if !(0.0..=MAX_SPEED).contains(&speed) {
            return Err(InvalidTime::Speed);
        }
        let mut running = self.running();
        let now = running.now();
        running.restart(now);
        running.speed = speed;
        Ok(())
    }

    /// Jumps ahead.
    pub fn advance(&self, seconds: u64) -> Result<Timestamp, InvalidTime> {
        let micros = i64::try_from(seconds)
            .ok()
            .filter(|_| seconds <= MAX_ADVANCE_SECONDS)
            .and_then(|seconds| seconds.checked_mul(1_000_000))
            .ok_or(InvalidTime::Advance)?;
        let mut running = self.running();
        let now = running.now().saturating_add_micros(micros);
        running.restart(now);
        Ok(now)
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_stands_still_jumps_and_runs() {
        let start: Timestamp = "2026-03-01T00:00:00Z".parse().expect("a time");
        let clock = SimulatedClock::new(start, 0.0).expect("a clock");
        assert_eq!(clock.now(), start);
        let later = clock.advance(3_600).expect("a step");
        assert_eq!(clock.now(), later);
        assert_eq!(later.micros() - start.micros(), 3_600_000_000);
        clock.set_speed(MAX_SPEED).expect("a speed");
        while clock.now() <= later {
            std::thread::yield_now();
        }
        for speed in [-1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(clock.set_speed(speed), Err(InvalidTime::Speed));
        }
        assert_eq!(clock.advance(u64::MAX), Err(InvalidTime::Advance));
    }
}
