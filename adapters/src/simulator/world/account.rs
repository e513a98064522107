//! One account: what sets its numbers apart from all others.

use super::cast::Role;
use super::edits::Edits;
use super::{DAY, World, words};
use crate::noise::between;
use domain::{Platform, Timestamp};
use std::sync::Arc;

/// When the world begins: 2023-01-01T00:00:00Z. No account is older.
const BEGINNING: i64 = 1_672_531_200;

const AGE: u64 = 11;
const GROWTH: u64 = 12;
const CHURN: u64 = 13;
const GAP: u64 = 14;
const FOLLOWING: u64 = 15;
const DELAY: u64 = 16;

/// Below this many followers an account grows hardly at all, and platforms withhold insights.
pub(in crate::simulator) const FEW_FOLLOWERS: i64 = 100;

/// Which account: whose, where, and the how manieth there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AccountKey {
    /// The creator's index.
    pub creator: u32,
    /// The platform.
    pub platform: Platform,
    /// Counted from zero among the creator's accounts there.
    pub ordinal: u8,
}

impl AccountKey {
    /// The largest ordinal that ids have room for.
    pub(super) const MAX_ORDINAL: u8 = 7;

    /// One number for all accounts of a platform, which their ids are made of.
    pub(in crate::simulator) fn number(self) -> i64 {
        i64::from(self.creator) * 8 + i64::from(self.ordinal)
    }

    /// The account that a number stands for.
    pub(in crate::simulator) fn of_number(platform: Platform, number: i64) -> Option<Self> {
        Some(Self {
            creator: u32::try_from(number.div_euclid(8)).ok()?,
            platform,
            ordinal: u8::try_from(number.rem_euclid(8)).ok()?,
        })
    }
}

/// An account of the world.
#[derive(Clone)]
pub struct Account {
    /// Which.
    pub key: AccountKey,
    pub(super) role: Role,
    pub(super) seed: u64,
    pub(super) edits: Arc<Edits>,
}

impl Account {
    pub(super) fn new(world: &World, key: AccountKey, role: Role) -> Self {
        Self {
            key,
            role,
            seed: world.seed_of(key),
            edits: world.edits(),
        }
    }

    /// When its history begins, in Unix seconds.
    pub(in crate::simulator) fn born(&self) -> i64 {
        BEGINNING + between(self.seed, 0, AGE, 0, 600) * DAY + between(self.seed, 1, AGE, 0, DAY)
    }

    /// Followers when its history begins.
    pub(super) fn first_followers(&self) -> i64 {
        // The same person is not equally known everywhere.
        match self.role.followers < FEW_FOLLOWERS {
            true => self.role.followers,
            false => self.role.followers * between(self.seed, 0, GROWTH, 60, 140) / 100,
        }
    }

    /// Followers gained on an average day, in ten thousandths of the first followers.
    pub(super) fn growth(&self) -> i64 {
        match self.role.followers < FEW_FOLLOWERS {
            true => 2,
            false => between(self.seed, 1, GROWTH, 6, 34),
        }
    }

    /// How many of a hundred gained followers leave again.
    pub(super) fn churn(&self) -> i64 {
        between(self.seed, 0, CHURN, 20, 45)
    }

    /// Seconds between posts, on average.
    pub(super) fn gap(&self) -> i64 {
        between(self.seed, 0, GAP, 22, 84) * 3_600
    }

    /// Seconds by which insights are late: 24 to 48 hours, and a day more on YouTube (Instagram
    /// and YouTube Analytics documentation).
    pub(in crate::simulator) fn delay(&self) -> i64 {
        let more = match self.key.platform {
            Platform::Youtube => DAY,
            _ => 0,
        };
        between(self.seed, 0, DELAY, 24, 48) * 3_600 + more
    }

    /// The creator's name.
    pub fn name(&self) -> String {
        match self.key.ordinal {
            0 => self.role.name.clone(),
            _ => format!("{} Studio", self.role.name),
        }
    }

    /// The handle at a moment, renamed where somebody ordered it.
    pub fn handle(&self, at: Timestamp) -> String {
        if let Some(handle) = self.edits.handle(self.key, at) {
            return handle.to_owned();
        }
        let more = match self.key.ordinal {
            0 => "",
            _ => ".studio",
        };
        let handle = format!("{}{more}", self.role.handle);
        match self.key.platform {
            Platform::Youtube => handle.replace('.', ""),
            _ => handle,
        }
    }

    /// A few words about itself.
    pub fn bio(&self) -> &'static str {
        words::bio(self.seed)
    }

    /// How many accounts it follows.
    pub fn following(&self, at: Timestamp) -> i64 {
        let days = (super::seconds(at) - self.born()).max(0) / DAY;
        between(self.seed, 0, FOLLOWING, 0, 900) + days / 5
    }

    /// Whether it hides its likes (Instagram).
    pub fn hides_likes(&self) -> bool {
        self.key.platform == Platform::Instagram && self.role.hides_likes
    }

    /// Whether it hides how many follow it (YouTube).
    pub fn hides_followers(&self) -> bool {
        self.key.platform == Platform::Youtube && self.role.hides_followers
    }

    /// Whether replies to its stories are withheld, as in the EU.
    pub fn is_in_eu(&self) -> bool {
        self.role.in_eu
    }

    /// Since when it is a business's account: older media have no insights.
    pub fn converted_at(&self) -> Timestamp {
        let days = match self.role.converted_late {
            true => 200,
            false => 0,
        };
        Timestamp::from_micros((self.born() + days * DAY) * 1_000_000).unwrap_or(Timestamp::MIN)
    }
}
