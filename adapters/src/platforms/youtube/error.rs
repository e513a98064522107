//! Google's errors: a string from OAuth, an object with reasons from the APIs.
//!
//! Sources: YouTube Data API "Errors", Google API error model, OAuth 2 for web servers.

use crate::platforms::call::{Call, Endpoint};
use crate::platforms::class::Class;
use crate::platforms::failure::{Failure, Fault, Wait};
use crate::platforms::json::{list, text};
use crate::platforms::reply::Reply;
use crate::platforms::tokens::oauth_failure;
use serde_json::Value;

/// The reply's JSON, or `None` where a revocation met a grant that was gone already.
pub(super) fn check(call: &Call, reply: &Reply) -> Result<Option<Value>, Failure> {
    let json = reply.json()?;
    let mut failure = match json.get("error") {
        Some(Value::String(error)) => {
            let description = text(&json, "error_description").unwrap_or_default();
            oauth_failure(call, error, description, reply.status())
        }
        Some(error @ Value::Object(_)) => of_error(error, reply),
        _ if reply.is_success() => return Ok(Some(json)),
        _ => reply.failure(!json.is_null()),
    };
    if call.endpoint == Endpoint::Revoke && failure.class == Class::AuthExpired {
        return Ok(None);
    }
    failure.wait = match failure.class {
        Class::QuotaUntilMidnightPacific => Some(Wait::UntilMidnightPacific),
        Class::RateLimited => reply.headers().retry_after().map(Wait::For),
        _ => None,
    };
    Err(failure)
}

/// By the reasons that are given, the details first, which tell more; by the status where there are none.
fn of_error(error: &Value, reply: &Reply) -> Failure {
    let details = list(error, "details");
    let reasons = details.iter().chain(list(error, "errors")).take(16);
    let status = text(error, "status");
    let mut reasons = reasons.filter_map(|it| text(it, "reason")).chain(status);
    let found = reasons
        .clone()
        .find_map(|reason| Some((class_of(reason)?, reason)));
    let http = error.get("code").and_then(Value::as_u64);
    let http = http
        .and_then(|it| u16::try_from(it).ok())
        .unwrap_or(reply.status());
    let (class, code) = found.unwrap_or_else(|| {
        let code = reasons.next().unwrap_or("no_reason");
        (by_status(http), code)
    });
    let by_day = details.iter().any(|it| {
        let limit = it.get("metadata").and_then(|it| text(it, "quota_limit"));
        limit.is_some_and(|it| it.to_ascii_lowercase().contains("perday"))
    });
    let class = match class {
        Class::RateLimited if by_day => Class::QuotaUntilMidnightPacific,
        class => class,
    };
    let mut failure = Failure::new(class, code);
    // Access tokens live for an hour: only a refresh that fails means that the grant is gone.
    failure.refresh_first = class == Class::AuthExpired;
    failure.fault = (class == Class::InvalidRequest).then_some(Fault::Query);
    failure
}

fn class_of(reason: &str) -> Option<Class> {
    Some(match reason {
        "quotaExceeded" | "dailyLimitExceeded" | "dailyLimitExceededUnreg" => {
            Class::QuotaUntilMidnightPacific
        }
        "rateLimitExceeded"
        | "userRateLimitExceeded"
        | "RATE_LIMIT_EXCEEDED"
        | "RESOURCE_EXHAUSTED"
        | "uploadLimitExceeded" => Class::RateLimited,
        "authError" | "UNAUTHENTICATED" | "ACCESS_TOKEN_EXPIRED" => Class::AuthExpired,
        "youtubeSignupRequired" => Class::NoChannel,
        "accessNotConfigured"
        | "SERVICE_DISABLED"
        | "keyInvalid"
        | "API_KEY_INVALID"
        | "ipRefererBlocked" => Class::ConfigError,
        "authenticatedUserAccountClosed"
        | "authenticatedUserAccountSuspended"
        | "accountClosed"
        | "accountSuspended"
        | "channelClosed"
        | "channelSuspended" => Class::AccountGone,
        "insufficientPermissions"
        | "accountDelegationForbidden"
        | "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
        | "forbidden"
        | "PERMISSION_DENIED" => Class::Permission,
        "backendError" | "internalError" | "INTERNAL" | "UNAVAILABLE" | "DEADLINE_EXCEEDED"
        | "processingFailure" => Class::Transient,
        "commentsDisabled" => Class::Policy,
        "badRequest" | "INVALID_ARGUMENT" | "FAILED_PRECONDITION" => Class::InvalidRequest,
        "notFound" | "NOT_FOUND" => Class::NotFound,
        _ if reason.ends_with("NotFound") => Class::NotFound,
        _ if reason.starts_with("invalid") || reason.starts_with("missing") => {
            Class::InvalidRequest
        }
        _ => return None,
    })
}

fn by_status(status: u16) -> Class {
    match status {
        401 => Class::AuthExpired,
        403 => Class::Permission,
        404 | 410 => Class::NotFound,
        408 => Class::Transient,
        429 => Class::RateLimited,
        status if status >= 500 => Class::Transient,
        _ => Class::InvalidRequest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platforms::reply::Headers;
    use serde_json::json;

    fn found(status: u16, error: Value) -> Failure {
        let body = json!({ "error": error }).to_string();
        let reply = Reply::new(status, Headers::default(), body.into_bytes());
        check(&Call::to(Endpoint::Posts), &reply).expect_err("a failure")
    }

    #[test]
    fn reasons_decide() {
        for (status, reason, class) in [
            (403, "quotaExceeded", Class::QuotaUntilMidnightPacific),
            (403, "userRateLimitExceeded", Class::RateLimited),
            (401, "youtubeSignupRequired", Class::NoChannel),
            (403, "authenticatedUserAccountClosed", Class::AccountGone),
            (404, "playlistNotFound", Class::NotFound),
            (403, "accessNotConfigured", Class::ConfigError),
            (418, "somethingNew", Class::InvalidRequest),
        ] {
            let error = json!({"code": status, "errors": [{"reason": reason}]});
            let failure = found(status, error);
            assert_eq!((failure.class, failure.code.as_str()), (class, reason));
        }
    }

    #[test]
    fn an_hour_old_token_is_refreshed_first() {
        let failure = found(401, json!({"code": 401, "message": "Invalid Credentials"}));
        assert_eq!(failure.class, Class::AuthExpired);
        assert!(failure.refresh_first && !failure.needs_person());
    }

    #[test]
    fn a_limit_by_the_day_lasts_until_midnight() {
        let detail = json!({"reason": "RATE_LIMIT_EXCEEDED",
            "metadata": {"quota_limit": "defaultPerDayPerProject"}});
        let failure = found(
            429,
            json!({"status": "RESOURCE_EXHAUSTED", "details": [detail]}),
        );
        assert_eq!(failure.class, Class::QuotaUntilMidnightPacific);
        assert_eq!(failure.wait, Some(Wait::UntilMidnightPacific));
    }
}
