//! Google's errors: objects in the APIs, flat where tokens are asked for.

use crate::simulator::answer::Answer;
use serde_json::{Value, json};

/// Name, status, message, domain, reason, and the status in words where there is one.
type Named = (
    &'static str,
    u16,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const QUOTA: &str = "The request cannot be completed because you have exceeded your <a href=\"/youtube/v3/getting-started#quota\">quota</a>.";
const PER_MINUTE: &str = "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of service 'youtube.googleapis.com' for consumer 'project_number:123456789012'.";
const UNSUPPORTED: &str = "The query is not supported. Check the documentation at https://developers.google.com/youtube/analytics/v2/available_reports for supported queries.";
const CREDENTIALS: &str = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.";

const OBJECTS: [Named; 22] = [
    (
        "quota_exceeded",
        403,
        QUOTA,
        "youtube.quota",
        "quotaExceeded",
        "",
    ),
    (
        "rate_limit_exceeded",
        403,
        "Rate Limit Exceeded",
        "usageLimits",
        "rateLimitExceeded",
        "",
    ),
    (
        "user_rate_limit_exceeded",
        403,
        "User Rate Limit Exceeded",
        "usageLimits",
        "userRateLimitExceeded",
        "",
    ),
    (
        "resource_exhausted",
        429,
        PER_MINUTE,
        "global",
        "rateLimitExceeded",
        "RESOURCE_EXHAUSTED",
    ),
    (
        "auth_error",
        401,
        CREDENTIALS,
        "global",
        "authError",
        "UNAUTHENTICATED",
    ),
    (
        "insufficient_permissions",
        403,
        "Request had insufficient authentication scopes.",
        "global",
        "insufficientPermissions",
        "PERMISSION_DENIED",
    ),
    (
        "signup_required",
        401,
        "Unauthorized",
        "youtube.header",
        "youtubeSignupRequired",
        "",
    ),
    (
        "access_not_configured",
        403,
        "YouTube Data API v3 has not been used in project 123456789012 before or it is disabled.",
        "usageLimits",
        "accessNotConfigured",
        "PERMISSION_DENIED",
    ),
    (
        "account_closed",
        403,
        "The YouTube account of the authenticated user is closed.",
        "youtube.common",
        "authenticatedUserAccountClosed",
        "",
    ),
    (
        "account_suspended",
        403,
        "The YouTube account of the authenticated user is suspended.",
        "youtube.common",
        "authenticatedUserAccountSuspended",
        "",
    ),
    (
        "backend_error",
        500,
        "Backend Error",
        "global",
        "backendError",
        "INTERNAL",
    ),
    (
        "service_unavailable",
        503,
        "The service is currently unavailable.",
        "global",
        "backendError",
        "UNAVAILABLE",
    ),
    (
        "playlist_not_found",
        404,
        "The playlist identified with the request's <code>playlistId</code> parameter cannot be found.",
        "youtube.playlistItem",
        "playlistNotFound",
        "",
    ),
    (
        "video_not_found",
        404,
        "The video that you are trying to retrieve cannot be found.",
        "youtube.video",
        "videoNotFound",
        "",
    ),
    (
        "comments_disabled",
        403,
        "The video has disabled comments.",
        "youtube.commentThread",
        "commentsDisabled",
        "",
    ),
    (
        "upload_limit_exceeded",
        400,
        "The user has exceeded the number of videos they may upload.",
        "youtube.video",
        "uploadLimitExceeded",
        "",
    ),
    (
        "forbidden",
        403,
        "Forbidden",
        "global",
        "forbidden",
        "PERMISSION_DENIED",
    ),
    (
        "query_not_supported",
        400,
        UNSUPPORTED,
        "global",
        "badRequest",
        "",
    ),
    (
        "invalid_page_token",
        400,
        "The request specifies an invalid page token.",
        "youtube.parameter",
        "invalidPageToken",
        "",
    ),
    (
        "unknown_part",
        400,
        "'simulated' is not a valid part",
        "youtube.part",
        "unknownPart",
        "",
    ),
    (
        "bad_request",
        400,
        "Bad Request",
        "global",
        "badRequest",
        "",
    ),
    (
        "channel_not_found",
        404,
        "Channel not found.",
        "youtube.channel",
        "channelNotFound",
        "",
    ),
];

/// Name, status, error, description (none if empty).
const FLAT: [(&str, u16, &str, &str); 10] = [
    (
        "invalid_grant",
        400,
        "invalid_grant",
        "Token has been expired or revoked.",
    ),
    (
        "invalid_grant_bad_request",
        400,
        "invalid_grant",
        "Bad Request",
    ),
    (
        "invalid_rapt",
        400,
        "invalid_grant",
        "reauth related error (invalid_rapt)",
    ),
    ("code_used", 400, "invalid_grant", "Malformed auth code."),
    (
        "invalid_client",
        401,
        "invalid_client",
        "The provided client secret is invalid.",
    ),
    (
        "redirect_mismatch",
        400,
        "redirect_uri_mismatch",
        "Bad Request",
    ),
    (
        "unsupported_grant_type",
        400,
        "unsupported_grant_type",
        "Invalid grant_type",
    ),
    (
        "invalid_token",
        400,
        "invalid_token",
        "Token expired or revoked",
    ),
    (
        "admin_policy_enforced",
        400,
        "admin_policy_enforced",
        "Access is restricted by the administrator of the organization.",
    ),
    ("internal_failure", 500, "internal_failure", ""),
];

/// The error without its list, as Analytics answers at times.
const BARE: &str = "permission_denied_bare";

/// The names of all errors.
pub(super) fn names() -> Vec<&'static str> {
    let objects = OBJECTS.iter().map(|it| it.0);
    let flat = FLAT.iter().map(|it| it.0);
    objects.chain(flat).chain([BARE]).collect()
}

/// An error by its name.
pub(super) fn named(name: &str) -> Option<Answer> {
    if name == BARE {
        let message = "The caller does not have permission";
        let error = json!({"code": 403, "message": message, "status": "PERMISSION_DENIED"});
        return Some(Answer::json(403, json!({ "error": error })));
    }
    if let Some(found) = OBJECTS.iter().find(|it| it.0 == name) {
        return Some(object(found));
    }
    let (_, status, error, description) = FLAT.iter().find(|it| it.0 == name)?;
    let mut body = json!({ "error": error });
    if !description.is_empty() {
        body["error_description"] = json!(description);
    }
    if name == "invalid_rapt" {
        body["error_subtype"] = json!("invalid_rapt");
        body["error_uri"] = json!("https://support.google.com/a/answer/9368756");
    }
    Some(Answer::json(*status, body))
}

/// One of ours, whose name is in the tables.
pub(super) fn known(name: &'static str) -> Answer {
    named(name).unwrap_or_else(|| plain(500, name, "global", "backendError"))
}

/// An error with a message of its own.
pub(super) fn plain(status: u16, message: &str, domain: &str, reason: &str) -> Answer {
    let one = json!({"message": message, "domain": domain, "reason": reason});
    let error = json!({"code": status, "message": message, "errors": [one]});
    Answer::json(status, json!({ "error": error }))
}

fn object((name, status, message, domain, reason, word): &Named) -> Answer {
    let mut answer = plain(*status, message, domain, reason);
    if let super::super::answer::Body::Json(body) = &mut answer.body {
        let error = &mut body["error"];
        if !word.is_empty() {
            error["status"] = json!(word);
        }
        if let Some(details) = details(name) {
            error["details"] = details;
        }
        if *name == "signup_required" || *name == "auth_error" {
            error["errors"][0]["location"] = json!("Authorization");
            error["errors"][0]["locationType"] = json!("header");
        }
    }
    match *status {
        401 => answer.with(
            "www-authenticate",
            "Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\"".to_owned(),
        ),
        _ => answer,
    }
}

fn details(name: &str) -> Option<Value> {
    let (reason, metadata) = match name {
        "insufficient_permissions" => (
            "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            json!({
                "service": "youtube.googleapis.com",
                "method": "youtube.api.v3.V3DataChannelService.List",
            }),
        ),
        "resource_exhausted" => (
            "RATE_LIMIT_EXCEEDED",
            json!({
                "service": "youtube.googleapis.com",
                "quota_metric": "youtube.googleapis.com/default",
                "quota_limit": "defaultPerMinutePerProject",
                "quota_limit_value": "1800000",
                "consumer": "projects/123456789012",
            }),
        ),
        _ => return None,
    };
    Some(json!([{
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": metadata,
    }]))
}
