//! How many follow an account: gained, lost, fallen in a storm, purged by the platform.
//!
//! Gains and losses are two sums that only grow, so that what insights say of a day is exactly
//! what followers moved by.

use super::account::Account;
use super::audience::{AUDIENCE_DAY, DAY, audience};
use super::posts::FIRST_SLOT;
use super::seconds;
use crate::noise::{between, mix, one_in};
use domain::Timestamp;

/// A purge comes every so many days, for all accounts of a platform at once.
const DAYS_BETWEEN_PURGES: i64 = 213;
/// How long a purge takes.
const PURGE_SECONDS: i64 = 3_600;
/// In every so many days an account may fall out of favour.
const DAYS_BETWEEN_FALLS: i64 = 150;
/// How long a fall takes.
const FALL_SECONDS: i64 = 4 * DAY;
/// Views of a viral post that bring one follower.
const VIEWS_FOR_A_FOLLOWER: i64 = 350;

const PURGE: u64 = 21;
const FALL: u64 = 22;

/// Something that takes followers away.
struct Loss {
    at: i64,
    lasts: i64,
    /// Of a thousand followers.
    permille: i64,
}

/// `of` times `factor` by `divisor`, without overflow, rounded down.
pub(super) fn scaled(of: i64, factor: i64, divisor: i64) -> i64 {
    let exact = i128::from(of) * i128::from(factor) / i128::from(divisor.max(1));
    i64::try_from(exact).unwrap_or(i64::MAX)
}

impl Account {
    /// How many follow it at a moment.
    pub fn followers(&self, at: Timestamp) -> i64 {
        self.first_followers() + self.gained(at) - self.lost(at)
    }

    /// How many it has gained since its history began.
    pub fn gained(&self, at: Timestamp) -> i64 {
        self.gained_by(seconds(at))
    }

    /// How many it has lost since its history began.
    pub fn lost(&self, at: Timestamp) -> i64 {
        let at = seconds(at);
        let mut gone = 0;
        let mut shown = self.churned(at);
        for loss in self.losses(at) {
            let before = self.first_followers() + self.gained_by(loss.at) - self.churned(loss.at);
            let all = scaled(before - gone, loss.permille, 1_000);
            gone += all;
            shown += scaled(all, (at - loss.at).min(loss.lasts), loss.lasts);
        }
        shown
    }

    /// Followers without storms and luck: what posts reach goes by it.
    pub(super) fn size(&self, at: i64) -> i64 {
        let grown = self.organic(at);
        self.first_followers() + grown - scaled(grown, self.churn(), 100)
    }

    /// Purges that the account has been through by a moment.
    pub(super) fn purges(&self, at: i64) -> impl Iterator<Item = i64> + use<> {
        let born = self.born();
        let platform = self.key.platform as u64;
        let last = at.div_euclid(DAYS_BETWEEN_PURGES * DAY);
        let first = born.div_euclid(DAYS_BETWEEN_PURGES * DAY);
        (first..=last)
            .map(move |round| {
                let within = between(platform, round, PURGE, 0, DAYS_BETWEEN_PURGES - 1);
                (round * DAYS_BETWEEN_PURGES + within) * DAY + 10 * 3_600
            })
            .filter(move |purge| (born..=at).contains(purge))
    }

    fn organic(&self, at: i64) -> i64 {
        let passed = (audience(at) - audience(self.born())).max(0);
        let daily = self.first_followers() * self.growth();
        scaled(passed, daily, AUDIENCE_DAY * 10_000)
    }

    fn gained_by(&self, at: i64) -> i64 {
        let viral: i64 = self
            .viral_slots(at)
            .map(|slot| self.viral_views(slot, at) / VIEWS_FOR_A_FOLLOWER)
            .sum();
        self.organic(at) + viral
    }

    fn churned(&self, at: i64) -> i64 {
        scaled(self.gained_by(at), self.churn(), 100)
    }

    /// What has begun by a moment, in the order of time.
    fn losses(&self, at: i64) -> Vec<Loss> {
        let seed = self.seed;
        let purges = self.purges(at).map(|at| Loss {
            at,
            lasts: PURGE_SECONDS,
            permille: between(seed, at, PURGE, 4, 28),
        });
        let born = self.born();
        let rounds = (at - born).max(0) / (DAYS_BETWEEN_FALLS * DAY);
        let falls = (0..=rounds)
            .filter(|round| one_in(seed, *round, FALL, 3))
            .map(|round| {
                let within = mix(seed, round, FALL + 100) % (DAYS_BETWEEN_FALLS as u64 - 5);
                Loss {
                    at: born + (round * DAYS_BETWEEN_FALLS + within as i64) * DAY,
                    lasts: FALL_SECONDS,
                    permille: between(seed, round, FALL + 200, 25, 90),
                }
            })
            .filter(|fall| fall.at <= at);
        let mut losses: Vec<_> = purges.chain(falls).collect();
        losses.sort_by_key(|it| it.at);
        losses
    }

    /// The posts that went viral, of those published by a moment.
    fn viral_slots(&self, at: i64) -> impl Iterator<Item = u32> + '_ {
        (FIRST_SLOT..self.slots(at)).filter(|slot| self.is_viral(*slot))
    }
}
