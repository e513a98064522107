//! Token replies in the form of OAuth 2 (RFC 6749), and its errors, which Google and TikTok share.

use super::call::{Call, Endpoint, Grant};
use super::class::Class;
use super::failure::Failure;
use super::json::{Doubts, id, text, whole};
use super::secret::Secret;
use super::understood::{Content, Token, Understood};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

/// The longest life of a token that is believed, in seconds: ten years.
const LONGEST_LIFE_SECONDS: i64 = 10 * 365 * 24 * 60 * 60;

/// A token with its lives. A reply without an access token is none.
pub(super) fn token(flat: &Value) -> Result<Token, Failure> {
    let missing = || Failure::new(Class::Transient, "no_token");
    let life = |field: &str| {
        let seconds = whole(flat.get(field)?).ok().flatten()?;
        let seconds = seconds.min(LONGEST_LIFE_SECONDS);
        u64::try_from(seconds).ok().map(Duration::from_secs)
    };
    Ok(Token {
        access: text(flat, "access_token")
            .map(Secret::new)
            .ok_or_else(missing)?,
        refresh: text(flat, "refresh_token").map(Secret::new),
        expires_in: life("expires_in"),
        refresh_expires_in: life("refresh_expires_in").or_else(|| life("refresh_token_expires_in")),
        scopes: granted(flat.get("scope")),
        account_id: id(flat, "open_id"),
    })
}

/// A token reply: with fewer scopes than were asked for, or without a new refresh token, it says
/// so by its class. Where it is not known what was asked for, `lacks` tells by the scopes alone.
pub(super) fn access_token(
    call: &Call,
    grant: Grant,
    json: &Value,
    lacks: fn(&BTreeSet<String>) -> bool,
) -> Result<Understood, Failure> {
    let found = token(json)?;
    let scopes = found.scopes.as_ref();
    let less = scopes.is_some_and(|scopes| call.granted_less(scopes, lacks));
    let keeps = found.refresh.is_none() && grant != Grant::Unstated;
    let understood = Understood::new(Content::Token(found), Doubts::default());
    Ok(match (less, keeps) {
        (true, _) => understood.classed(Class::OkReducedScope),
        (_, true) => understood.classed(Class::OkKeepOldRefreshToken),
        _ => understood,
    })
}

/// Scopes as a list, or as text with commas or spaces between them.
pub(super) fn granted(value: Option<&Value>) -> Option<BTreeSet<String>> {
    let words: Vec<&str> = match value? {
        Value::String(text) => text.split([',', ' ']).collect(),
        Value::Array(entries) => entries.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let scopes = words.into_iter().map(str::trim).filter(|it| !it.is_empty());
    Some(scopes.map(str::to_owned).collect())
}

/// What an error of a token call or a revocation means. Google says to match on `error` alone;
/// the description decides only between a dead code and a dead grant, and only where the call
/// does not say which of them it sent.
pub(super) fn oauth_failure(call: &Call, error: &str, description: &str, status: u16) -> Failure {
    let description = description.to_ascii_lowercase();
    let says = |words: &str| description.contains(words);
    let class = match error {
        "invalid_grant" => match call.endpoint {
            Endpoint::Token(Grant::Code) => Class::AuthCodeInvalid,
            Endpoint::Token(Grant::Unstated) if says("authorization code") || says("auth code") => {
                Class::AuthCodeInvalid
            }
            _ => Class::AuthExpired,
        },
        "invalid_token" => Class::AuthExpired,
        "invalid_request" if says("redirect_uri") || says("redirect uri") || says("client_key") => {
            Class::ConfigError
        }
        "invalid_request" if says("code is") || says("authorization code") => {
            Class::AuthCodeInvalid
        }
        "invalid_client"
        | "unauthorized_client"
        | "deleted_client"
        | "disabled_client"
        | "invalid_scope"
        | "redirect_uri_mismatch"
        | "org_internal"
        | "unsupported_grant_type"
        | "unsupported_response_type" => Class::ConfigError,
        "access_denied" => Class::Permission,
        "admin_policy_enforced" => Class::Policy,
        "server_error" | "temporarily_unavailable" | "internal_failure" | "internal_error" => {
            Class::Transient
        }
        "rate_limit_exceeded" | "slow_down" => Class::RateLimited,
        _ if status == 429 => Class::RateLimited,
        _ if status >= 500 => Class::Transient,
        _ => Class::InvalidRequest,
    };
    Failure::new(class, error)
}
