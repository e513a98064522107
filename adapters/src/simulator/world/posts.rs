//! An account's posts: a slot of time for each, most of them used.
//!
//! Slot and time tell each other without counting, so the newest page of an old account costs what
//! the newest page of a young one does.

use super::account::{Account, AccountKey};
use super::audience::DAY;
use super::{seconds, words};
use crate::noise::{between, mix, one_in};
use domain::{Platform, Timestamp};

/// The first slot.
pub(super) const FIRST_SLOT: u32 = 0;
/// Slots that an id has room for.
pub(in crate::simulator) const MAX_SLOTS: u32 = 100_000;

const JITTER: u64 = 31;
const PAUSE: u64 = 32;
const VIRAL: u64 = 33;
const DELETED: u64 = 34;
const FORM: u64 = 35;
const PRIVATE: u64 = 36;
const LENGTH: u64 = 37;
const TEXT: u64 = 38;

/// Which post of an account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PostKey {
    /// The account.
    pub account: AccountKey,
    /// The slot, counted from zero.
    pub slot: u32,
}

impl PostKey {
    /// One number for all posts of a platform, which their ids are made of.
    pub(in crate::simulator) fn number(self) -> i64 {
        self.account.number() * i64::from(MAX_SLOTS) + i64::from(self.slot)
    }

    /// The post that a number stands for.
    pub(in crate::simulator) fn of_number(platform: Platform, number: i64) -> Option<Self> {
        let slots = i64::from(MAX_SLOTS);
        Some(Self {
            account: AccountKey::of_number(platform, number.div_euclid(slots))?,
            slot: u32::try_from(number.rem_euclid(slots)).ok()?,
        })
    }
}

/// What a post is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// One picture.
    Image,
    /// Several pictures.
    Carousel,
    /// A short upright video: a reel, a Short, a TikTok.
    Short,
    /// A longer video.
    Video,
    /// A broadcast that is announced, and has no length yet (YouTube).
    Upcoming,
    /// Words alone (Facebook).
    Text,
}

/// Whether a post can be seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Visibility {
    /// By everybody.
    Public,
    /// By its owner alone (YouTube).
    Private,
    /// By nobody, since this Unix second.
    Deleted(i64),
}

/// A post as it is at a moment.
#[derive(Clone)]
pub struct Post {
    /// Which.
    pub key: PostKey,
    /// When it was published, in Unix seconds.
    pub published: i64,
    /// What it is made of.
    pub form: Form,
    /// Whether it can be seen.
    pub visibility: Visibility,
    /// Length in seconds, of a video.
    pub length: i64,
}

impl Account {
    /// How many slots have begun by a moment.
    pub(in crate::simulator) fn slots(&self, at: i64) -> u32 {
        let begun = (at - self.born()).div_euclid(self.gap()) + 1;
        u32::try_from(begun.clamp(0, i64::from(MAX_SLOTS))).unwrap_or(0)
    }

    /// The post of a slot, if it is used and published by then. Also one that is gone.
    pub fn post(&self, slot: u32, at: Timestamp) -> Option<Post> {
        let now = seconds(at);
        let index = i64::from(slot);
        let published = self.published(slot);
        if slot >= self.slots(now) || published > now || !self.is_used(slot) {
            return None;
        }
        let form = match self.form(slot) {
            // Announced for two days, and then it has been broadcast.
            Form::Upcoming if published + 2 * DAY < now => Form::Video,
            form => form,
        };
        let length = match form {
            Form::Short => between(self.seed, index, LENGTH, 7, 58),
            Form::Video => between(self.seed, index, LENGTH, 65, 4_000),
            Form::Image | Form::Carousel | Form::Text | Form::Upcoming => 0,
        };
        Some(Post {
            key: PostKey {
                account: self.key,
                slot,
            },
            published,
            form,
            visibility: self.visibility(slot, published, at),
            length,
        })
    }

    /// The posts that can be seen at a moment, newest first.
    pub fn posts(&self, at: Timestamp) -> impl Iterator<Item = Post> + '_ {
        let slots = FIRST_SLOT..self.slots(seconds(at));
        slots
            .rev()
            .filter_map(move |slot| self.post(slot, at))
            .filter(|post| post.visibility == Visibility::Public)
    }

    /// What a post says, which may be nothing.
    pub fn text(&self, post: &Post) -> &'static str {
        words::caption(mix(self.seed, post.key.number(), TEXT))
    }

    /// When the post of a slot is published, in Unix seconds: later slots never come before.
    pub(super) fn published(&self, slot: u32) -> i64 {
        let jitter = mix(self.seed, i64::from(slot), JITTER) % (self.gap() as u64 * 4 / 5);
        self.born() + i64::from(slot) * self.gap() + jitter as i64
    }

    /// Whether the post of a slot is one that strangers pass on.
    pub(super) fn is_viral(&self, slot: u32) -> bool {
        one_in(self.seed, i64::from(slot), VIRAL, 18)
            && self.is_used(slot)
            && self.role.followers >= super::account::FEW_FOLLOWERS
    }

    fn is_used(&self, slot: u32) -> bool {
        !one_in(self.seed, i64::from(slot), PAUSE, 9)
    }

    fn visibility(&self, slot: u32, published: i64, at: Timestamp) -> Visibility {
        let now = seconds(at);
        let index = i64::from(slot);
        let key = PostKey {
            account: self.key,
            slot,
        };
        if let Some(deleted) = self.edits.deleted(key, at) {
            return Visibility::Deleted(seconds(deleted));
        }
        if one_in(self.seed, index, DELETED, 40) {
            let after = between(self.seed, index, DELETED + 100, 2, 220) * DAY;
            if published + after <= now {
                return Visibility::Deleted(published + after);
            }
        }
        match self.key.platform == Platform::Youtube && one_in(self.seed, index, PRIVATE, 45) {
            true => Visibility::Private,
            false => Visibility::Public,
        }
    }

    fn form(&self, slot: u32) -> Form {
        let of_ten = between(self.seed, i64::from(slot), FORM, 0, 9);
        match (self.key.platform, of_ten) {
            (Platform::Instagram, 0..=2) => Form::Image,
            (Platform::Instagram, 3..=4) => Form::Carousel,
            (Platform::Instagram, _) | (Platform::Facebook, 0..=2) | (Platform::Tiktok, _) => {
                Form::Short
            }
            (Platform::Facebook, 3..=6) => Form::Image,
            (Platform::Facebook, 7) => Form::Video,
            (Platform::Facebook, _) => Form::Text,
            (Platform::Youtube, 0..=3) => Form::Short,
            (Platform::Youtube, 4) => Form::Upcoming,
            (Platform::Youtube, _) => Form::Video,
        }
    }
}

impl Post {
    /// Whether it moves.
    pub fn is_video(&self) -> bool {
        matches!(self.form, Form::Short | Form::Video | Form::Upcoming)
    }
}
