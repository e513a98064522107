//! Rate limits and quotas: who has called how often, and who must wait.
//!
//! Meta counts calls of an app in an hour and of an app with an account in a day, TikTok calls of
//! an endpoint in a sliding minute, YouTube units of a project until midnight in California.

mod sliding;
mod units;

pub use units::Bucket;
pub(super) use units::{midnight_after, pacific_day};

use super::world::AccountKey;
use domain::Platform;
use lru::LruCache;
use serde::{Deserialize, Serialize};
use sliding::Sliding;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use units::Units;

/// The most accounts whose calls are counted; the one that called longest ago is forgotten.
const MAX_ACCOUNTS: usize = 200_000;

/// Meta's hour of an app and day of an app with an account, and TikTok's minute: how many steps of
/// how many seconds they are counted in.
const APP_WINDOW: (i64, i64) = (60, 60);
const ACCOUNT_WINDOW: (i64, i64) = (12, 7_200);
const TIKTOK_WINDOW: (i64, i64) = (60, 1);

/// How much is allowed. The defaults are the platforms' own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Allowances {
    /// Meta: calls of an app in an hour. It is 200 for each daily user.
    pub meta_app_an_hour: u64,
    /// Meta: calls of an app with an account in a day, for each 100 followers. It is 4,800 for
    /// each impression, of which there are about as many.
    pub meta_account_a_day_for_100_followers: u64,
    /// TikTok: calls of an endpoint in a minute.
    pub tiktok_a_minute: u64,
    /// YouTube: units of the general pool in a day.
    pub youtube_units_a_day: u64,
    /// YouTube: searches in a day.
    pub youtube_searches_a_day: u64,
    /// YouTube: calls of `batchGetStats` in a day.
    pub youtube_batches_a_day: u64,
}

impl Default for Allowances {
    fn default() -> Self {
        Self {
            meta_app_an_hour: 200 * 1_000,
            meta_account_a_day_for_100_followers: 4_800 * 100,
            tiktok_a_minute: 600,
            youtube_units_a_day: 10_000,
            youtube_searches_a_day: 100,
            youtube_batches_a_day: 10_000,
        }
    }
}

/// How much of an allowance is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Used {
    pub(super) percent: u64,
    /// Minutes until there is room again.
    pub(super) regain_minutes: i64,
}

impl Used {
    /// Whether there is no room.
    pub(super) fn is_full(self) -> bool {
        self.percent >= 100
    }
}

/// All counters.
pub struct Limits(Mutex<Counters>);

struct Counters {
    allowances: Allowances,
    apps: BTreeMap<Platform, Sliding>,
    accounts: LruCache<AccountKey, Sliding>,
    endpoints: BTreeMap<&'static str, Sliding>,
    units: Units,
}

impl Default for Limits {
    fn default() -> Self {
        Self(Mutex::new(Counters {
            allowances: Allowances::default(),
            apps: BTreeMap::new(),
            accounts: LruCache::unbounded(),
            endpoints: BTreeMap::new(),
            units: Units::default(),
        }))
    }
}

impl Limits {
    /// What is allowed.
    pub fn allowances(&self) -> Allowances {
        self.counters().allowances
    }

    /// Allows more or less from now on.
    pub fn allow(&self, allowances: Allowances) {
        self.counters().allowances = allowances;
    }

    /// Counts a call of Meta's app.
    pub(super) fn meta_app(&self, platform: Platform, now: i64) -> Used {
        let mut counters = self.counters();
        let allowed = counters.allowances.meta_app_an_hour;
        let calls = counters
            .apps
            .entry(platform)
            .or_insert_with(|| Sliding::new(APP_WINDOW.0, APP_WINDOW.1));
        calls.note(now);
        calls.used(now, allowed)
    }

    /// Counts a call of Meta's app with an account. Calls while throttled count too, so that they
    /// lengthen the block.
    pub(super) fn meta_account(&self, account: AccountKey, followers: i64, now: i64) -> Used {
        let mut counters = self.counters();
        let each = counters.allowances.meta_account_a_day_for_100_followers;
        let hundreds = u64::try_from(followers / 100).unwrap_or(0).max(1);
        let calls = counters
            .accounts
            .get_or_insert_mut(account, || Sliding::new(ACCOUNT_WINDOW.0, ACCOUNT_WINDOW.1));
        calls.note(now);
        let used = calls.used(now, each.saturating_mul(hundreds));
        if counters.accounts.len() > MAX_ACCOUNTS {
            counters.accounts.pop_lru();
        }
        used
    }

    /// Counts a call of one of TikTok's endpoints.
    pub(super) fn tiktok(&self, endpoint: &'static str, now: i64) -> Used {
        let mut counters = self.counters();
        let allowed = counters.allowances.tiktok_a_minute;
        let calls = counters
            .endpoints
            .entry(endpoint)
            .or_insert_with(|| Sliding::new(TIKTOK_WINDOW.0, TIKTOK_WINDOW.1));
        let used = calls.used(now, allowed);
        // Whether refused calls count is not documented: here they do not.
        if !used.is_full() {
            calls.note(now);
        }
        used
    }

    /// Takes units of YouTube's project; `false` where not enough are left today.
    pub(super) fn youtube(&self, bucket: Bucket, units: u64, now: i64) -> bool {
        let mut counters = self.counters();
        let allowed = match bucket {
            Bucket::General => counters.allowances.youtube_units_a_day,
            Bucket::Search => counters.allowances.youtube_searches_a_day,
            Bucket::Batch => counters.allowances.youtube_batches_a_day,
        };
        counters.units.take(bucket, units, allowed, now)
    }

    /// Units taken today.
    pub fn youtube_used(&self, bucket: Bucket, now: domain::Timestamp) -> u64 {
        self.counters()
            .units
            .taken(bucket, super::world::seconds(now))
    }

    fn counters(&self) -> MutexGuard<'_, Counters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn few() -> Limits {
        let limits = Limits::default();
        limits.allow(Allowances {
            meta_app_an_hour: 10,
            meta_account_a_day_for_100_followers: 4,
            tiktok_a_minute: 3,
            ..Allowances::default()
        });
        limits
    }

    #[test]
    fn meta_throttles_at_a_hundred_percent_and_longer_for_who_goes_on() {
        let limits = few();
        let account = AccountKey {
            creator: 1,
            platform: Platform::Instagram,
            ordinal: 0,
        };
        let percents: Vec<_> = (0..5)
            .map(|minute| limits.meta_account(account, 150, minute * 60).percent)
            .collect();
        assert_eq!(percents, [25, 50, 75, 100, 125]);
        let full = limits.meta_account(account, 150, 7_200);
        assert!(full.is_full() && full.regain_minutes > 1_000, "{full:?}");
        // A day later there is room; more followers have more of it.
        assert!(!limits.meta_account(account, 150, 2 * 86_400).is_full());
        assert!(!limits.meta_account(account, 100_000, 2 * 86_400).is_full());
        let app: Vec<_> = (0..11)
            .map(|call| limits.meta_app(Platform::Facebook, call).is_full())
            .collect();
        assert_eq!(app.iter().filter(|it| **it).count(), 2);
        assert!(!limits.meta_app(Platform::Instagram, 11).is_full());
    }

    #[test]
    fn tiktoks_minute_slides() {
        let limits = few();
        let full = |at| limits.tiktok("posts", at).is_full();
        assert_eq!(
            [0, 20, 40, 41, 59].map(full),
            [false, false, false, true, true]
        );
        // The first of them is a minute ago.
        assert_eq!([60, 61].map(full), [false, true]);
        assert!(!limits.tiktok("profile", 61).is_full());
    }
}
