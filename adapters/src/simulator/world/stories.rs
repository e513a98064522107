//! Stories: there for a day, and gone.

use super::account::Account;
use super::audience::DAY;
use super::counts::PostNumbers;
use super::followers::scaled;
use super::seconds;
use crate::noise::{between, one_in};
use domain::Timestamp;

/// A story may come every so many seconds.
const GAP: i64 = 7 * 3_600;

const PAUSE: u64 = 51;
const SEEN: u64 = 52;
const FORM: u64 = 53;

/// One story.
#[derive(Clone, Copy, Debug)]
pub(in crate::simulator) struct Story {
    /// Counted from the account's beginning.
    pub(in crate::simulator) slot: u32,
    /// When it was published, in Unix seconds.
    pub(in crate::simulator) published: i64,
    /// Whether it moves.
    pub(in crate::simulator) is_video: bool,
}

impl Account {
    /// The stories of the last day, newest first.
    pub(in crate::simulator) fn stories(&self, at: Timestamp) -> Vec<Story> {
        let now = seconds(at);
        let last = (now - self.born()).div_euclid(GAP);
        let first = (now - DAY - self.born()).div_euclid(GAP);
        let slots = (first.max(0)..=last).rev();
        slots
            .filter_map(|slot| self.story(u32::try_from(slot).ok()?, at))
            .collect()
    }

    /// A story, if it is there at a moment.
    pub(in crate::simulator) fn story(&self, slot: u32, at: Timestamp) -> Option<Story> {
        let now = seconds(at);
        let index = i64::from(slot);
        let published = self.born() + index * GAP;
        let is_there = (published..published + DAY).contains(&now);
        (is_there && !one_in(self.seed, index, PAUSE, 2)).then(|| Story {
            slot,
            published,
            is_video: one_in(self.seed, index, FORM, 3),
        })
    }

    /// A story's numbers at a moment: most who will see it see it within hours.
    pub(in crate::simulator) fn numbers_of_story(
        &self,
        story: &Story,
        at: Timestamp,
    ) -> PostNumbers {
        let age = (seconds(at) - story.published).clamp(0, DAY);
        let index = i64::from(story.slot);
        let whole = scaled(
            self.size(story.published),
            between(self.seed, index, SEEN, 20, 150),
            1_000,
        );
        let reach = scaled(whole, age, age + 4 * 3_600);
        PostNumbers {
            views: reach + reach / 5,
            reach,
            shares: reach / 400,
            comments: reach / 150,
            follows: reach / 900,
            visits: reach / 60,
            reposts: reach / 2_000,
            ..PostNumbers::default()
        }
    }
}
