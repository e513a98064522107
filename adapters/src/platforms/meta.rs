//! What Instagram and Facebook have in common: errors, paging, insights, messages.

pub(super) mod error;
pub(super) mod insights;
pub(super) mod notices;
pub(super) mod paging;
pub(super) mod route;
pub(super) mod tokens;

use super::call::Call;
use super::failure::Failure;
use super::reply::Reply;
use super::understood::Understood;
use super::usage::Usage;
use serde_json::Value;

/// Looks for an error first, reads the rest, and notes what the headers say of limits.
pub(super) fn understand(
    call: &Call,
    reply: &Reply,
    read: impl FnOnce(&Call, &Value) -> Result<Understood, Failure>,
) -> Result<Understood, Failure> {
    let usage = Usage::of_meta(reply.headers());
    let found = match error::check(call, reply) {
        Ok(Ok(json)) => read(call, &json),
        Ok(Err(nothing_to_know)) => Ok(nothing_to_know),
        Err(failure) => Err(failure),
    };
    match found {
        Ok(found) => Ok(Understood { usage, ..found }),
        Err(failure) => Err(Failure { usage, ..failure }),
    }
}
