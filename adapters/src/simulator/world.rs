//! The simulated world: creators, their accounts and posts, and every number at every moment.
//!
//! A number is a pure function of seed, account and time, so nothing is kept for an account, and
//! what a test is told as truth is what the platform shows. The only memory is [`Edits`]: what
//! somebody ordered, such as a post's deletion.

mod account;
mod audience;
mod cast;
mod counts;
mod demographics;
mod edits;
mod followers;
mod posts;
mod stories;
#[cfg(test)]
mod tests;
mod words;

pub use account::{Account, AccountKey};
pub(super) use audience::DAY;
pub use counts::PostNumbers;
pub use edits::{Edits, TooManyEdits};
pub use posts::{Form, Post, PostKey, Visibility};
pub(super) use stories::Story;

use crate::noise::mix;
use cast::Role;
use domain::{Platform, Timestamp};
use std::sync::{Arc, Mutex, PoisonError};

/// The most creators of a world: their ids have room for no more.
pub const MAX_CREATORS: u32 = 1_000_000;

/// A world, told by its seed.
pub struct World {
    seed: u64,
    creators: u32,
    edits: Mutex<Arc<Edits>>,
}

/// Whole seconds since 1970: as fine as the platforms' own times.
pub(super) fn seconds(at: Timestamp) -> i64 {
    at.micros().div_euclid(1_000_000)
}

impl World {
    /// A world of so many creators, at most [`MAX_CREATORS`].
    pub fn new(seed: u64, creators: u32) -> Self {
        Self {
            seed,
            creators: creators.min(MAX_CREATORS),
            edits: Mutex::default(),
        }
    }

    /// How many creators there are.
    pub fn creators(&self) -> u32 {
        self.creators
    }

    /// Creator and account by key; `None` for what this world does not have.
    pub fn account(&self, key: AccountKey) -> Option<Account> {
        let role = self.role(key.creator)?;
        (key.ordinal < role.accounts(key.platform)).then(|| Account::new(self, key, role))
    }

    /// A creator's accounts on a platform.
    pub fn accounts(&self, creator: u32, platform: Platform) -> Vec<Account> {
        let keys = (0..=AccountKey::MAX_ORDINAL).map(|ordinal| AccountKey {
            creator,
            platform,
            ordinal,
        });
        keys.filter_map(|key| self.account(key)).collect()
    }

    /// A creator's invented name.
    pub fn name(&self, creator: u32) -> Option<String> {
        self.role(creator).map(|role| role.name)
    }

    /// The creator that somebody means by an index or a handle.
    pub fn find(&self, hint: &str) -> Option<u32> {
        let hint = hint.trim().trim_start_matches('@');
        let index = hint
            .parse()
            .ok()
            .or_else(|| cast::find(hint, self.creators))?;
        (index < self.creators).then_some(index)
    }

    /// Orders something that seed and time alone would not bring.
    pub fn edit<T>(
        &self,
        change: impl FnOnce(&mut Edits) -> Result<T, TooManyEdits>,
    ) -> Result<T, TooManyEdits> {
        let mut edits = self.edits.lock().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut edits))
    }

    fn edits(&self) -> Arc<Edits> {
        Arc::clone(&self.edits.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn role(&self, creator: u32) -> Option<Role> {
        (creator < self.creators).then(|| cast::role(self.seed, creator))
    }

    /// The seed of everything about one account.
    fn seed_of(&self, key: AccountKey) -> u64 {
        let platform = key.platform as u64;
        mix(self.seed, key.number(), platform)
    }
}
