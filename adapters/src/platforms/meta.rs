//! What Instagram and Facebook have in common: errors, paging, insights, messages.

pub(super) mod error;
pub(super) mod insights;
pub(super) mod notices;
pub(super) mod paging;
pub(super) mod route;
pub(super) mod tokens;

use super::Reader;
use super::address::Address;
use super::call::{Call, Endpoint};
use super::failure::Failure;
use super::notice::{NotANotice, Notice};
use super::reply::Reply;
use super::understood::Understood;
use super::usage::Usage;
use serde_json::Value;

/// Reads the replies of one of the two. They differ in what an address asks for and in what an
/// answer holds.
pub(super) struct MetaReader {
    /// What an address asks for that is not the same for both.
    pub(super) endpoint: fn(&str, &Address) -> Endpoint,
    /// What an answer without an error says.
    pub(super) read: fn(&Call, &Value) -> Result<Understood, Failure>,
}

impl Reader for MetaReader {
    fn call(&self, method: &str, address: &Address) -> Call {
        let common = route::common(method, address);
        Call::at(
            common.unwrap_or_else(|| (self.endpoint)(method, address)),
            address,
        )
    }

    /// Looks for an error first, reads the rest, and notes what the headers say of limits.
    fn understand(&self, call: &Call, reply: &Reply) -> Result<Understood, Failure> {
        let usage = Usage::of_meta(reply.headers());
        let found = match error::check(call, reply) {
            Ok(Ok(json)) => (self.read)(call, &json),
            Ok(Err(nothing_to_know)) => Ok(nothing_to_know),
            Err(failure) => Err(failure),
        };
        match found {
            Ok(found) => Ok(Understood { usage, ..found }),
            Err(failure) => Err(Failure { usage, ..failure }),
        }
    }

    fn notices(&self, body: &[u8]) -> Result<Vec<Notice>, NotANotice> {
        notices::read(body)
    }
}
