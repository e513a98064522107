//! What was called how often: by endpoint, account and grant.

use super::world::AccountKey;
use domain::Platform;
use lru::LruCache;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most combinations that are counted; the one that was called longest ago is forgotten.
const MAX_KEPT: usize = 200_000;

/// What is counted together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Counted {
    /// The platform.
    pub platform: Platform,
    /// What was asked for, in the simulator's words.
    pub endpoint: &'static str,
    /// The account that the call was about, where a token or a code told.
    pub account: Option<AccountKey>,
    /// The grant that the call was made with.
    pub grant: Option<u64>,
}

/// All counts since the start.
pub struct Counts(Mutex<Kept>);

struct Kept {
    calls: LruCache<Counted, u64>,
    marks: BTreeMap<&'static str, u64>,
}

impl Default for Counts {
    fn default() -> Self {
        Self(Mutex::new(Kept {
            calls: LruCache::unbounded(),
            marks: BTreeMap::new(),
        }))
    }
}

impl Counts {
    /// Counts a call, and tells the how manieth of its kind it is, from zero.
    pub(super) fn note(&self, counted: Counted) -> u64 {
        let mut kept = self.kept();
        let so_far = kept.calls.get_or_insert_mut(counted, || 0);
        *so_far += 1;
        let before = *so_far - 1;
        if kept.calls.len() > MAX_KEPT {
            kept.calls.pop_lru();
        }
        before
    }

    /// Counts something that is no call to a platform, such as a redirect that was followed.
    pub(super) fn mark(&self, what: &'static str) {
        *self.kept().marks.entry(what).or_default() += 1;
    }

    /// How often something was marked.
    pub fn marked(&self, what: &str) -> u64 {
        self.kept().marks.get(what).copied().unwrap_or(0)
    }

    /// How many calls there were of those that fit.
    pub fn calls(&self, fits: impl Fn(&Counted) -> bool) -> u64 {
        let kept = self.kept();
        let fitting = kept.calls.iter().filter(|(counted, _)| fits(counted));
        fitting.map(|(_, calls)| calls).sum()
    }

    /// Those that fit, each with its calls, at most so many.
    pub fn list(&self, fits: impl Fn(&Counted) -> bool, most: usize) -> Vec<(Counted, u64)> {
        let kept = self.kept();
        let fitting = kept.calls.iter().filter(|(counted, _)| fits(counted));
        let mut list: Vec<_> = fitting
            .take(most)
            .map(|(counted, calls)| (counted.clone(), *calls))
            .collect();
        list.sort();
        list
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let mut kept = self.kept();
        kept.calls.clear();
        kept.marks.clear();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
