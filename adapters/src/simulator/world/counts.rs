//! A post's numbers: they rise fast, then slowly, sometimes a second time, and now and then fall.

use super::account::Account;
use super::audience::{AUDIENCE_HOUR, audience};
use super::followers::scaled;
use super::posts::{Form, Post};
use super::seconds;
use crate::noise::{between, one_in};
use domain::{Platform, Timestamp};

const REACH: u64 = 41;
const SPEED: u64 = 42;
const WAVE: u64 = 43;
const RATE: u64 = 44;
const HIDDEN: u64 = 45;

/// Of a thousand likes, so many go with each purge.
const LIKES_PURGED: i64 = 12;

/// All that a post has gathered by a moment. Which of it is shown, the platform decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct PostNumbers {
    /// How often it was seen.
    pub views: i64,
    /// By how many.
    pub reach: i64,
    /// Likes, or reactions.
    pub likes: i64,
    /// Comments.
    pub comments: i64,
    /// How often it was sent on.
    pub shares: i64,
    /// How often it was kept.
    pub saves: i64,
    /// How often it was posted again.
    pub reposts: i64,
    /// Follows that it led to.
    pub follows: i64,
    /// Visits of the profile that it led to.
    pub visits: i64,
    /// For how long it was watched, in milliseconds.
    pub watched_ms: i64,
}

impl PostNumbers {
    /// Likes, comments, shares and saves together.
    pub fn interactions(&self) -> i64 {
        self.likes + self.comments + self.shares + self.saves
    }

    /// This and that together.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        self.with(other, i64::saturating_add)
    }

    /// What has come since `before`; what fell counts as nothing.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        self.with(before, |now, then| now.saturating_sub(then).max(0))
    }

    fn with(&self, other: &Self, of: impl Fn(i64, i64) -> i64) -> Self {
        Self {
            views: of(self.views, other.views),
            reach: of(self.reach, other.reach),
            likes: of(self.likes, other.likes),
            comments: of(self.comments, other.comments),
            shares: of(self.shares, other.shares),
            saves: of(self.saves, other.saves),
            reposts: of(self.reposts, other.reposts),
            follows: of(self.follows, other.follows),
            visits: of(self.visits, other.visits),
            watched_ms: of(self.watched_ms, other.watched_ms),
        }
    }
}

/// What of a whole has come after so much of the audience's time; all of it comes never.
fn risen(whole: i64, passed: i64, half: i64) -> i64 {
    match passed {
        ..=0 => 0,
        passed => scaled(whole, passed, passed.saturating_add(half)),
    }
}

impl Account {
    /// A post's numbers at a moment.
    pub fn numbers(&self, post: &Post, at: Timestamp) -> PostNumbers {
        let now = seconds(at);
        let index = i64::from(post.key.slot);
        if post.form == Form::Upcoming {
            return PostNumbers::default();
        }
        let views = self.calm_views(post.key.slot, now) + self.viral_views(post.key.slot, now);
        let permille = |usage, low, high| {
            scaled(
                views,
                between(self.seed, index, RATE + usage, low, high),
                1_000,
            )
        };
        let liked = permille(0, 15, 110);
        let purges = self
            .purges(now)
            .filter(|purge| *purge > post.published)
            .count();
        let kept = (1_000 - LIKES_PURGED * purges as i64).max(500);
        // Some watch to the end, most do not.
        let watched = scaled(views, between(self.seed, index, RATE + 8, 250, 900), 1_000);
        PostNumbers {
            views,
            reach: permille(1, 600, 850),
            likes: scaled(liked, kept, 1_000),
            comments: permille(2, 1, 9),
            shares: permille(3, 1, 14),
            saves: permille(4, 2, 20),
            reposts: permille(5, 0, 4),
            follows: permille(6, 0, 2),
            visits: permille(7, 3, 20),
            watched_ms: watched.saturating_mul(post.length * 1_000),
        }
    }

    /// All posts together, those that are gone included: what an account was given, it keeps.
    pub fn all_numbers(&self, at: Timestamp) -> PostNumbers {
        let slots = 0..self.slots(seconds(at));
        let posts = slots.filter_map(|slot| self.post(slot, at));
        posts.fold(PostNumbers::default(), |sum, post| {
            sum.plus(&self.numbers(&post, at))
        })
    }

    /// Whether the owner hides this post's likes.
    pub fn hides_likes_of(&self, post: &Post) -> bool {
        let one = one_in(self.seed, i64::from(post.key.slot), HIDDEN, 14);
        self.hides_likes() || (one && self.key.platform != Platform::Tiktok)
    }

    /// Whether the owner has switched this post's comments off.
    pub fn has_no_comments(&self, post: &Post) -> bool {
        let one = one_in(self.seed, i64::from(post.key.slot), HIDDEN + 100, 25);
        one && self.key.platform == Platform::Youtube
    }

    fn calm_views(&self, slot: u32, now: i64) -> i64 {
        let index = i64::from(slot);
        let published = self.published(slot);
        let size = self.size(published);
        let whole = scaled(size, between(self.seed, index, REACH, 60, 700), 1_000) + 3;
        let half = between(self.seed, index, SPEED, 8, 40) * AUDIENCE_HOUR;
        risen(whole, audience(now) - audience(published), half)
    }

    /// Views that strangers brought.
    pub(super) fn viral_views(&self, slot: u32, now: i64) -> i64 {
        if !self.is_viral(slot) {
            return 0;
        }
        let index = i64::from(slot);
        let wave = self.published(slot) + between(self.seed, index, WAVE, 6, 140) * 3_600;
        let whole = self.size(self.published(slot)) * between(self.seed, index, REACH + 100, 3, 40);
        let half = between(self.seed, index, SPEED + 100, 10, 60) * AUDIENCE_HOUR;
        risen(whole, audience(now) - audience(wave), half)
    }
}
