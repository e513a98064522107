//! Addresses that Instagram and Facebook share.

use crate::platforms::address::Address;
use crate::platforms::call::{Endpoint, Grant};

/// The question that an address asks, if it is one that both platforms have.
pub(in crate::platforms) fn common(method: &str, address: &Address) -> Option<Endpoint> {
    Some(match (method, address.last()) {
        (_, "access_token") => Endpoint::Token(grant(address)),
        (_, "refresh_access_token") => Endpoint::Token(Grant::Refresh),
        ("DELETE", "permissions") => Endpoint::Revoke,
        (_, _) if method == "DELETE" && address.before_last() == "permissions" => Endpoint::Revoke,
        (_, "permissions") => Endpoint::Scopes,
        (_, "debug_token") => Endpoint::TokenFacts,
        (_, "accounts") => Endpoint::Accounts,
        _ => return None,
    })
}

fn grant(address: &Address) -> Grant {
    match address.param("grant_type") {
        Some("ig_exchange_token" | "fb_exchange_token") => Grant::Exchange,
        Some("ig_refresh_token") => Grant::Refresh,
        Some("authorization_code") => Grant::Code,
        _ if address.param("code").is_some() => Grant::Code,
        // Instagram's own token endpoint takes nothing but codes.
        _ if address.host() == "api.instagram.com" => Grant::Code,
        _ => Grant::Unstated,
    }
}

/// Whether the node before `insights` is a post: `<page>_<post>`, or a placeholder that says so.
pub(in crate::platforms) fn names_post(node: &str) -> bool {
    let mut parts = node.split('_');
    let is_number = |part: Option<&str>| {
        part.is_some_and(|it| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let is_pair = is_number(parts.next()) && is_number(parts.next());
    is_pair || node.contains("post") || node.contains("media")
}
