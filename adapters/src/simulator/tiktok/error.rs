//! TikTok's errors: in an envelope, and flat where tokens are asked for.
//!
//! The HTTP statuses of the flat ones are not documented; 400 and 503 are played.

use crate::noise::mix;
use crate::simulator::answer::Answer;
use chrono::DateTime;
use serde_json::json;

/// Name and code, status, message.
const ENVELOPED: [(&str, u16, &str); 11] = [
    (
        "access_token_invalid",
        401,
        "The access token is invalid or not found in the request.",
    ),
    (
        "scope_not_authorized",
        401,
        "The user did not authorize the scope required for completing this request.",
    ),
    (
        "scope_permission_missed",
        400,
        "The scope permission is missed for this request.",
    ),
    (
        "rate_limit_exceeded",
        429,
        "The API rate limit was exceeded. Please try again later.",
    ),
    (
        "invalid_params",
        400,
        "Invalid max_count: must be between 1 and 20",
    ),
    (
        "invalid_file_upload",
        400,
        "The uploaded file does not meet API specifications.",
    ),
    (
        "internal_error",
        500,
        "Something went wrong on our end. Please try again later.",
    ),
    (
        "spam_risk_too_many_posts",
        200,
        "The daily post cap from the API is reached for the current user.",
    ),
    (
        "spam_risk_user_banned_from_posting",
        403,
        "The user is banned from making new posts.",
    ),
    (
        "reached_active_user_cap",
        403,
        "The daily quota for active publishing users from your client is reached.",
    ),
    (
        "unaudited_client_can_only_post_to_private_accounts",
        403,
        "Please review our integration guidelines at https://developers.tiktok.com/doc/content-sharing-guidelines/",
    ),
];

/// Name, status, error, description.
const FLAT: [(&str, u16, &str, &str); 12] = [
    (
        "access_denied",
        400,
        "access_denied",
        "The user denied the request.",
    ),
    (
        "invalid_client",
        400,
        "invalid_client",
        "Client key or secret is incorrect.",
    ),
    (
        "invalid_grant",
        400,
        "invalid_grant",
        "Refresh token is invalid or expired.",
    ),
    (
        "code_expired",
        400,
        "invalid_grant",
        "Authorization code is expired.",
    ),
    (
        "code_expired_http200",
        200,
        "invalid_grant",
        "Authorization code is expired.",
    ),
    (
        "redirect_mismatch",
        400,
        "invalid_request",
        "Redirect_uri is not matched with the uri when requesting code.",
    ),
    (
        "wrong_verifier",
        400,
        "invalid_request",
        "Code verifier or code challenge is invalid.",
    ),
    (
        "invalid_scope",
        400,
        "invalid_scope",
        "The requested scope is invalid.",
    ),
    (
        "unauthorized_client",
        400,
        "unauthorized_client",
        "The client is not authorized.",
    ),
    (
        "unsupported_grant_type",
        400,
        "unsupported_grant_type",
        "The grant type is not supported.",
    ),
    (
        "server_error",
        500,
        "server_error",
        "The server encountered an unexpected condition.",
    ),
    (
        "temporarily_unavailable",
        503,
        "temporarily_unavailable",
        "Service is temporarily unavailable.",
    ),
];

/// The error alone, as an example of the documentation has it.
const BARE: &str = "bare_access_token_invalid";

/// The names of all errors.
pub(super) fn names() -> Vec<&'static str> {
    let enveloped = ENVELOPED.iter().map(|(name, ..)| *name);
    let flat = FLAT.iter().map(|(name, ..)| *name);
    enveloped.chain(flat).chain([BARE]).collect()
}

/// An error by its name.
pub(super) fn named(name: &str, now: i64) -> Option<Answer> {
    if let Some((code, status, message)) = ENVELOPED.iter().find(|(it, ..)| *it == name) {
        return Some(answer(*status, code, message, now));
    }
    if name == BARE {
        let message = "Access token is invalid, please refresh token and retry";
        let body =
            json!({"code": "access_token_invalid", "message": message, "log_id": log_id(now)});
        return Some(Answer::json(401, body));
    }
    let found = FLAT.iter().find(|(it, ..)| *it == name);
    found.map(|(_, status, error, description)| {
        let body = json!({
            "error": error,
            "error_description": description,
            "log_id": log_id(now),
        });
        Answer::json(*status, body)
    })
}

/// One of ours, whose name is in the tables.
pub(super) fn known(name: &'static str, now: i64) -> Answer {
    named(name, now).unwrap_or_else(|| answer(500, "internal_error", name, now))
}

/// An error in its envelope.
pub(super) fn answer(status: u16, code: &str, message: &str, now: i64) -> Answer {
    let error = json!({"code": code, "message": message, "log_id": log_id(now)});
    Answer::json(status, json!({"data": {}, "error": error}))
}

/// An id as TikTok's logs have it: the time, and digits.
pub(super) fn log_id(now: i64) -> String {
    let at = DateTime::from_timestamp(now, 0).unwrap_or_default();
    format!("{}{:016X}AA", at.format("%Y%m%d%H%M%S"), mix(7, now, 83))
}
