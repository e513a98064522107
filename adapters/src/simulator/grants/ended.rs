//! What has happened to grants: ended, taken back, refreshed. Bounded; the oldest is forgotten.

use super::super::world::AccountKey;
use super::token::{Grant, Kind, Token};
use domain::Platform;
use lru::LruCache;
use std::collections::VecDeque;
use std::hash::Hash;

/// The most of each that is kept.
const MAX_KEPT: usize = 200_000;

/// Refresh tokens per account and client that live together (Google OAuth documentation).
const MAX_REFRESH_TOKENS: usize = 100;

/// How a grant ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The person took it back.
    Revoked,
    /// The person changed the password.
    PasswordChanged,
    /// The platform wants the person to prove who it is.
    Checkpoint,
    /// The person no longer has a role on the Page (Facebook).
    RoleLost,
    /// Another refresh token took its place.
    Replaced,
}

/// How grants ended, and how they are refreshed.
pub(super) struct Ended {
    grants: LruCache<u64, End>,
    people: LruCache<(Platform, u32), (u16, End)>,
    rotations: LruCache<u64, u32>,
    refreshing: LruCache<AccountKey, VecDeque<u64>>,
    used: LruCache<u64, i64>,
}

impl Default for Ended {
    fn default() -> Self {
        Self {
            grants: LruCache::unbounded(),
            people: LruCache::unbounded(),
            rotations: LruCache::unbounded(),
            refreshing: LruCache::unbounded(),
            used: LruCache::unbounded(),
        }
    }
}

fn put<K: Hash + Eq, V>(into: &mut LruCache<K, V>, key: K, value: V) -> Option<V> {
    let before = into.put(key, value);
    if into.len() > MAX_KEPT {
        into.pop_lru();
    }
    before
}

impl Ended {
    pub(super) fn grant(&mut self, grant: u64, end: End) {
        put(&mut self.grants, grant, end);
    }

    pub(super) fn person(&mut self, platform: Platform, creator: u32, end: End) {
        let generation = self.generation(platform, creator).saturating_add(1);
        put(&mut self.people, (platform, creator), (generation, end));
        for ordinal in 0..8 {
            self.refreshing.pop(&AccountKey {
                creator,
                platform,
                ordinal,
            });
        }
    }

    pub(super) fn generation(&self, platform: Platform, creator: u32) -> u16 {
        let found = self.people.peek(&(platform, creator));
        found.map_or(0, |(generation, _)| *generation)
    }

    /// Why a token's grant is over, if it is.
    pub(super) fn end(&self, token: &Token) -> Option<End> {
        let grant = &token.grant;
        if let Some(end) = self.grants.peek(&grant.id) {
            return Some(*end);
        }
        let person = self.people.peek(&(grant.platform, grant.creator));
        if let Some((generation, end)) = person
            && grant.generation < *generation
        {
            return Some(*end);
        }
        let newest = self.rotations.peek(&grant.id).copied().unwrap_or(0);
        (token.kind == Kind::Refresh && grant.rotation < newest).then_some(End::Replaced)
    }

    pub(super) fn rotate(&mut self, grant: &Grant) -> u32 {
        let next = grant.rotation.saturating_add(1);
        put(&mut self.rotations, grant.id, next);
        next
    }

    pub(super) fn keep_refresh(&mut self, grant: &Grant) {
        for account in grant.accounts() {
            let mut ids = self.refreshing.pop(&account).unwrap_or_default();
            ids.push_back(grant.id);
            if ids.len() > MAX_REFRESH_TOKENS
                && let Some(oldest) = ids.pop_front()
            {
                put(&mut self.grants, oldest, End::Replaced);
            }
            put(&mut self.refreshing, account, ids);
        }
    }

    pub(super) fn has_agreed(&self, grant: &Grant) -> bool {
        grant.accounts().any(|account| {
            let ids = self.refreshing.peek(&account);
            ids.is_some_and(|ids| ids.iter().any(|id| self.grants.peek(id).is_none()))
        })
    }

    pub(super) fn used(&mut self, grant: u64, now: i64) -> Option<i64> {
        put(&mut self.used, grant, now)
    }
}
