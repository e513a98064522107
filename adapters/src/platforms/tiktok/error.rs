//! TikTok's errors: four shapes, and success is where the code says `ok`, whatever the status.

use crate::platforms::call::{Call, Endpoint};
use crate::platforms::class::Class;
use crate::platforms::failure::{Failure, Fault, Wait};
use crate::platforms::json::text;
use crate::platforms::reply::Reply;
use crate::platforms::tokens::oauth_failure;
use serde_json::Value;

/// The reply's JSON, or `None` where a revocation met a grant that was gone already.
pub(super) fn check(call: &Call, reply: &Reply) -> Result<Option<Value>, Failure> {
    let json = reply.json()?;
    let failure = match json.get("error") {
        // OAuth: flat, on any status.
        Some(Value::String(error)) => {
            let description = text(&json, "error_description").unwrap_or_default();
            Some(oauth_failure(call, error, description, reply.status()))
        }
        Some(error @ Value::Object(_)) => match text(error, "code") {
            Some("ok") => None,
            Some(code) => Some(of_code(code, reply.status())),
            None => Some(reply.failure(true)),
        },
        _ => unwrapped(call, reply, &json),
    };
    let Some(mut failure) = failure else {
        return Ok(Some(json));
    };
    if call.endpoint == Endpoint::Revoke && failure.class == Class::AuthExpired {
        return Ok(None);
    }
    if failure.class == Class::RateLimited {
        failure.wait = reply.headers().retry_after().map(Wait::For);
    }
    Err(failure)
}

/// Replies without `error`: tokens and revocations that went well, and two shapes of the documents:
/// the error alone, and the older `data.error_code`.
fn unwrapped(call: &Call, reply: &Reply, json: &Value) -> Option<Failure> {
    if let (Some(code), true) = (text(json, "code"), json.get("log_id").is_some()) {
        return Some(of_code(code, reply.status()));
    }
    let older = json.get("data").and_then(|it| it.get("error_code"));
    if older.is_some_and(|code| code.as_i64() != Some(0)) {
        return Some(Failure::new(Class::AuthCodeInvalid, "error_code"));
    }
    // The envelope of an answer has always a code. Without one nothing is believed.
    let is_enveloped = matches!(
        call.endpoint,
        Endpoint::Profile | Endpoint::Posts | Endpoint::PostsByIds | Endpoint::Publishing
    );
    match reply.is_success() {
        true if is_enveloped => Some(Failure::new(Class::Transient, "no_code")),
        true => None,
        false => Some(reply.failure(!json.is_null())),
    }
}

fn of_code(code: &str, status: u16) -> Failure {
    let class = match code {
        "access_token_invalid" | "access_token_expired" => Class::AuthExpired,
        // The same status 401, and no token would help.
        "scope_not_authorized" | "scope_permission_missed" => Class::Permission,
        "rate_limit_exceeded" => Class::RateLimited,
        "internal_error" | "timeout" | "server_error" | "temporarily_unavailable" => {
            Class::Transient
        }
        "url_ownership_unverified" => Class::ConfigError,
        "reached_active_user_cap" | "unaudited_client_can_only_post_to_private_accounts" => {
            Class::Policy
        }
        _ if code.starts_with("spam_risk") => Class::Policy,
        _ if code.starts_with("invalid") || code == "privacy_level_option_mismatch" => {
            Class::InvalidRequest
        }
        _ if status == 429 => Class::RateLimited,
        _ if status >= 500 => Class::Transient,
        _ => Class::InvalidRequest,
    };
    let mut failure = Failure::new(class, code);
    // Access tokens live for a day, and the refresh token for a year: the person is asked last.
    failure.refresh_first = class == Class::AuthExpired;
    failure.fault = (code == "invalid_params").then_some(Fault::Query);
    failure
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platforms::call::Grant;
    use crate::platforms::reply::Headers;

    fn found(endpoint: Endpoint, status: u16, body: &str) -> Result<Option<Value>, Failure> {
        let reply = Reply::new(status, Headers::default(), body.as_bytes().to_vec());
        check(&Call::to(endpoint), &reply)
    }

    fn class(endpoint: Endpoint, status: u16, body: &str) -> Class {
        found(endpoint, status, body).expect_err("a failure").class
    }

    #[test]
    fn success_is_where_the_code_says_so() {
        let spam = r#"{"data":{},"error":{"code":"spam_risk_too_many_posts"}}"#;
        assert_eq!(class(Endpoint::Publishing, 200, spam), Class::Policy);
        assert_eq!(
            class(Endpoint::Posts, 200, r#"{"data":{"videos":[]}}"#),
            Class::Transient
        );
        assert!(found(Endpoint::Revoke, 200, "{}").is_ok());
        assert!(found(Endpoint::Revoke, 200, "").is_ok());
    }

    #[test]
    fn two_replies_with_401_differ() {
        let token = r#"{"error":{"code":"access_token_invalid"}}"#;
        let failure = found(Endpoint::Posts, 401, token).expect_err("a failure");
        assert_eq!(
            (failure.class, failure.needs_person()),
            (Class::AuthExpired, false)
        );
        let scope = r#"{"error":{"code":"scope_not_authorized"}}"#;
        assert_eq!(class(Endpoint::Posts, 401, scope), Class::Permission);
    }

    #[test]
    fn a_dead_code_is_not_a_dead_grant() {
        let invalid = r#"{"error":"invalid_grant","error_description":"x"}"#;
        let of = |grant| class(Endpoint::Token(grant), 400, invalid);
        assert_eq!(of(Grant::Code), Class::AuthCodeInvalid);
        assert_eq!(of(Grant::Refresh), Class::AuthExpired);
        let refresh = found(Endpoint::Token(Grant::Refresh), 400, invalid).expect_err("a failure");
        assert!(refresh.needs_person());
        assert_eq!(found(Endpoint::Revoke, 400, invalid), Ok(None));
    }
}
