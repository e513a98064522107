//! Authorisation codes: good once, for a while, for the address that they were sent to.

use super::token::Grant;
use crate::noise::mix;
use domain::Platform;
use lru::LruCache;

/// The most codes that wait; older ones are forgotten.
const MAX_CODES: usize = 10_000;

/// What a code stands for.
#[derive(Clone)]
pub(in crate::simulator) struct Code {
    pub(in crate::simulator) grant: Grant,
    pub(in crate::simulator) redirect_uri: String,
    /// The PKCE challenge that came with the request, as it came.
    pub(in crate::simulator) challenge: Option<String>,
    /// Whether a refresh token was asked for, and asked for anew (Google).
    pub(in crate::simulator) offline: bool,
    pub(in crate::simulator) anew: bool,
    /// Unix second.
    pub(in crate::simulator) expires: i64,
}

impl Code {
    /// A code for a grant, good until a Unix second.
    pub(in crate::simulator) fn new(grant: Grant, redirect_uri: &str, expires: i64) -> Self {
        Self {
            grant,
            redirect_uri: redirect_uri.to_owned(),
            challenge: None,
            offline: false,
            anew: false,
            expires,
        }
    }
}

/// Why a code is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::simulator) enum CodeRefused {
    /// Never made, of another platform, or used already.
    Unknown,
    /// Too late.
    Expired,
    /// Not the address that it was sent to.
    RedirectUri,
}

/// Codes that wait to be redeemed.
pub(super) struct Codes(LruCache<String, Code>);

impl Default for Codes {
    fn default() -> Self {
        Self(LruCache::unbounded())
    }
}

impl Codes {
    pub(super) fn make(&mut self, id: u64, code: Code) -> String {
        let more = mix(id, 1, 63);
        let text = match code.grant.platform {
            Platform::Facebook => format!("AQD{id:016x}{more:016x}"),
            Platform::Instagram => format!("AQBx-{id:016x}{more:016x}"),
            // With the signs that a careless client loses.
            Platform::Tiktok => format!("{id:016x}*0!{more:016x}"),
            Platform::Youtube => format!("4/0A{id:016x}{more:016x}"),
        };
        self.0.put(text.clone(), code);
        while self.0.len() > MAX_CODES {
            self.0.pop_lru();
        }
        text
    }

    pub(super) fn peek(&self, code: &str) -> Option<Grant> {
        self.0.peek(code).map(|code| code.grant.clone())
    }

    pub(super) fn redeem(
        &mut self,
        platform: Platform,
        code: &str,
        redirect_uri: Option<&str>,
        now: i64,
    ) -> Result<Code, CodeRefused> {
        let is_of = |it: &Code| it.grant.platform == platform;
        if !self.0.peek(code).is_some_and(is_of) {
            return Err(CodeRefused::Unknown);
        }
        let found = self.0.pop(code).ok_or(CodeRefused::Unknown)?;
        if found.expires <= now {
            return Err(CodeRefused::Expired);
        }
        if redirect_uri != Some(found.redirect_uri.as_str()) {
            return Err(CodeRefused::RedirectUri);
        }
        Ok(found)
    }
}
