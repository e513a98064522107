//! What Instagram and Facebook share: the Graph API's errors, usage headers, fields and pages.

pub(super) mod error;
pub(super) mod fields;
pub(super) mod insights;
pub(super) mod paging;
pub(super) mod usage;

use super::answer::Answer;
use super::grants::{Refused, Token};
use super::play::{Call, Core};
use super::request::Asked;
use super::signed;
use domain::Platform;
use usage::Usage;

/// The versions that still answer (Graph API changelog; v20.0 ended on 2026-09-24).
const VERSIONS: [&str; 6] = ["v21.0", "v22.0", "v23.0", "v24.0", "v25.0", "v26.0"];

/// The path without its version. Some paths have none.
pub(super) fn without_version(asked: &Asked) -> Vec<&str> {
    let mut parts = asked.parts();
    if parts.first().is_some_and(|part| VERSIONS.contains(part)) {
        parts.remove(0);
    }
    parts
}

/// The token, which stands in the address, a form or the header.
pub(super) fn token(asked: &Asked) -> Option<&str> {
    asked.param("access_token").or(asked.bearer.as_deref())
}

/// A call that was let in: with a good token, and below the limits.
pub(super) struct Admitted {
    pub(super) token: Token,
    pub(super) usage: Usage,
}

/// Looks at token and limits.
pub(super) fn admit(core: &Core, call: &Call<'_>, platform: Platform) -> Result<Admitted, Answer> {
    let presented = token(call.asked).ok_or_else(|| error::no_token(call.now))?;
    let token = core
        .grants
        .check(platform, presented, call.now)
        .map_err(|refused| refuse(core, platform, refused, call.now))?;
    // Required only of apps that ask for it; a wrong one is refused anyway.
    if let Some(proof) = call.asked.param("appsecret_proof") {
        let secret = &core.apps.of(platform).secret;
        if proof != signed::sha256(secret, &[presented.as_bytes()]) {
            let why = "Invalid appsecret_proof provided in the API argument";
            return Err(error::invalid(why, call.now));
        }
    }
    let usage = usage::note(core, call, &token);
    match usage.error(platform, call.now) {
        Some(error) => Err(usage.on(error)),
        None => Ok(Admitted { token, usage }),
    }
}

/// What a token that is not taken is answered with.
pub(super) fn refuse(core: &Core, platform: Platform, refused: Refused, now: i64) -> Answer {
    match refused {
        Refused::Unknown => Some(error::known(platform, "token_invalid", now)),
        Refused::Expired(at) => Some(error::expired(at, now)),
        Refused::Ended(end) => error::ended(end, &core.apps.of(platform).client_id, now),
    }
    .unwrap_or_else(|| error::no_token(now))
}
