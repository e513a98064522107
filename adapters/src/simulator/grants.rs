//! Grants: what people agreed to, the codes and tokens made of it, and how they end.
//!
//! A token carries all that it stands for, under a signature: nothing is kept for one that lives,
//! so a restart with the same seed knows the tokens of the run before. What is kept, within bounds,
//! is what has happened: codes that wait, grants that ended, refresh tokens that were replaced.

mod code;
mod ended;
mod token;

pub(super) use code::{Code, CodeRefused};
pub use ended::End;
pub(super) use token::{Grant, Kind, Token};

use crate::noise::mix;
use code::Codes;
use domain::{Platform, Timestamp};
use ended::Ended;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use token::Signer;

/// Why a token is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refused {
    /// It was never made here, or is of another kind or platform.
    Unknown,
    /// Its time is over, since this Unix second.
    Expired(i64),
    /// Its grant has ended.
    Ended(End),
}

/// All grants of all platforms.
pub(super) struct Grants {
    seed: u64,
    signer: Signer,
    made: AtomicI64,
    state: Mutex<(Codes, Ended)>,
}

impl Grants {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            signer: Signer::new(seed),
            made: AtomicI64::new(0),
            state: Mutex::new((Codes::default(), Ended::default())),
        }
    }

    /// An id that no other grant has, in this run or another.
    pub(super) fn new_id(&self, now: Timestamp) -> u64 {
        let made = self.made.fetch_add(1, Ordering::Relaxed);
        mix(self.seed ^ now.micros().cast_unsigned(), made, 61)
    }

    /// A code for a consent.
    pub(super) fn code(&self, code: Code) -> String {
        let id = mix(self.seed, code.grant.id.cast_signed(), 62);
        self.state().0.make(id, code)
    }

    /// What a code stands for, without using it up: for counting and faults.
    pub(super) fn peek(&self, code: &str) -> Option<Grant> {
        self.state().0.peek(code)
    }

    /// Uses a code up: it is gone, whether or not it was good.
    pub(super) fn redeem(
        &self,
        platform: Platform,
        code: &str,
        redirect_uri: Option<&str>,
        now: i64,
    ) -> Result<Code, CodeRefused> {
        self.state().0.redeem(platform, code, redirect_uri, now)
    }

    /// A token of a grant. `lives` is in seconds; without it the token never expires.
    pub(super) fn token(&self, grant: &Grant, kind: Kind, now: i64, lives: Option<i64>) -> String {
        let grant = Grant {
            generation: self.state().1.generation(grant.platform, grant.creator),
            ..grant.clone()
        };
        self.signer.sign(&Token {
            grant,
            kind,
            issued: now,
            expires: lives.map(|lives| now + lives),
        })
    }

    /// What a token stands for, if it is good.
    pub(super) fn check(
        &self,
        platform: Platform,
        token: &str,
        now: i64,
    ) -> Result<Token, Refused> {
        let found = self.signer.read(token).ok_or(Refused::Unknown)?;
        if found.grant.platform != platform {
            return Err(Refused::Unknown);
        }
        if let Some(end) = self.state().1.end(&found) {
            return Err(Refused::Ended(end));
        }
        match found.expires {
            Some(expires) if expires <= now => Err(Refused::Expired(expires)),
            _ => Ok(found),
        }
    }

    /// What a token stands for, good or not: for counting and faults.
    pub(super) fn read(&self, token: &str) -> Option<Token> {
        self.signer.read(token)
    }

    /// Ends one grant.
    pub(super) fn end(&self, grant: u64, end: End) {
        self.state().1.grant(grant, end);
    }

    /// Ends all grants that a person gave to a platform's app.
    pub(super) fn end_all(&self, platform: Platform, creator: u32, end: End) {
        self.state().1.person(platform, creator, end);
    }

    /// Replaces a refresh token: the one before is taken no more. Gives the number of the new one.
    pub(super) fn rotate(&self, grant: &Grant) -> u32 {
        self.state().1.rotate(grant)
    }

    /// Notes that a refresh token was made for an account, and ends the oldest of too many
    /// (Google: more than 100 per account and client).
    pub(super) fn keep_refresh(&self, grant: &Grant) {
        self.state().1.keep_refresh(grant);
    }

    /// Whether the person has agreed before, and the agreement still holds.
    pub(super) fn has_agreed(&self, grant: &Grant) -> bool {
        self.state().1.has_agreed(grant)
    }

    /// Notes that a grant was used to refresh, and tells when it was the time before.
    pub(super) fn used(&self, grant: u64, now: i64) -> Option<i64> {
        self.state().1.used(grant, now)
    }

    fn state(&self) -> MutexGuard<'_, (Codes, Ended)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
