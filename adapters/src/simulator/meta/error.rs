//! The errors of the Graph API, by name.
//!
//! Sources: Graph API "Handling Errors", "Rate Limits"; Pages API error codes; replies that others
//! kept. Wording that is not confirmed is near to it.

use crate::noise::mix;
use crate::simulator::answer::Answer;
use crate::simulator::facebook::ids as facebook_ids;
use crate::simulator::grants::End;
use crate::simulator::instagram::ids as instagram_ids;
use crate::simulator::world::AccountKey;
use chrono::DateTime;
use chrono_tz::America::Los_Angeles;
use data_encoding::BASE64URL_NOPAD;
use domain::Platform;
use serde_json::{Value, json};

/// Minutes until a throttled account is let in again, where the fault was ordered.
const REGAIN_MINUTES: i64 = 19;

/// One error.
struct Named {
    name: &'static str,
    status: u16,
    kind: &'static str,
    code: i64,
    /// 0 where there is none.
    subcode: i64,
    message: &'static str,
}

const fn e(
    name: &'static str,
    status: u16,
    (code, subcode): (i64, i64),
    message: &'static str,
) -> Named {
    Named {
        name,
        status,
        kind: "OAuthException",
        code,
        subcode,
        message,
    }
}

const fn of_kind(kind: &'static str, error: Named) -> Named {
    Named { kind, ..error }
}

/// Errors that both platforms have.
static BOTH: [Named; 26] = [
    e(
        "app_removed",
        400,
        (190, 458),
        "Error validating access token: The user has not authorized application.",
    ),
    e(
        "checkpoint",
        400,
        (190, 459),
        "Error validating access token: You cannot access the app till you log in to www.facebook.com and follow the instructions given.",
    ),
    e(
        "password_changed",
        400,
        (190, 460),
        "Error validating access token: The session has been invalidated because the user changed their password or Facebook has changed the session for security reasons.",
    ),
    e(
        "session_expired",
        400,
        (190, 463),
        "Error validating access token: Session has expired.",
    ),
    e(
        "unconfirmed",
        400,
        (190, 464),
        "Error validating access token: The user is not a confirmed user.",
    ),
    e(
        "session_invalid",
        400,
        (190, 467),
        "Error validating access token: The session is invalid because the user logged out.",
    ),
    e(
        "session_102",
        400,
        (102, 0),
        "Session key invalid or no longer valid",
    ),
    e(
        "permission_3",
        403,
        (3, 0),
        "(#3) Application does not have the capability to make this API call.",
    ),
    of_kind(
        "GraphMethodException",
        e(
            "missing_object",
            400,
            (100, 33),
            "Unsupported get request. Object with ID '1' does not exist, cannot be loaded due to missing permissions, or does not support this operation. Please read the Graph API documentation at https://developers.facebook.com/docs/graph-api",
        ),
    ),
    of_kind(
        "IGApiException",
        e(
            "missing_object_803",
            400,
            (803, 0),
            "Object with ID '1' does not exist, cannot be loaded due to missing permissions, or does not support this operation",
        ),
    ),
    e(
        "rate_app",
        403,
        (4, 1_349_210),
        "(#4) Application request limit reached",
    ),
    e(
        "rate_user",
        400,
        (17, 2_446_079),
        "User request limit reached",
    ),
    e(
        "rate_custom",
        500,
        (613, 1_996),
        "(#613) Calls to this api have exceeded the rate limit.",
    ),
    e("unknown_error", 500, (1, 0), "An unknown error occurred"),
    e(
        "transient",
        500,
        (2, 0),
        "An unexpected error has occurred. Please retry your request later.",
    ),
    e(
        "feature_limit",
        400,
        (341, 0),
        "(#341) Feature temporarily unavailable: the limit of this feature is reached.",
    ),
    e(
        "smaller_page",
        500,
        (1, 0),
        "Please reduce the amount of data you're asking for, then retry your request",
    ),
    e(
        "unsupported_breakdown",
        500,
        (1, 0),
        "An unknown error has occurred.",
    ),
    e(
        "blocked",
        400,
        (368, 1_390_008),
        "The action attempted has been deemed abusive or is otherwise disallowed",
    ),
    e(
        "duplicate_post",
        400,
        (506, 0),
        "(#506) Duplicate status message",
    ),
    e(
        "bad_link",
        400,
        (1_609_005, 0),
        "The link could not be scraped.",
    ),
    e(
        "invalid_field",
        400,
        (100, 0),
        "(#100) Tried accessing nonexisting field (simulated) on node type (Page)",
    ),
    e(
        "invalid_parameter",
        400,
        (100, 0),
        "(#100) Invalid parameter",
    ),
    e(
        "limit_too_large",
        400,
        (100, 0),
        "(#100) The 'limit' parameter should not exceed 100",
    ),
    e(
        "no_metric",
        400,
        (3_001, 1_504_028),
        "(#3001) Invalid query",
    ),
    e(
        "unknown_path",
        400,
        (2_500, 0),
        "Unknown path components: /simulated",
    ),
];

static INSTAGRAM: [Named; 11] = [
    of_kind(
        "IGApiException",
        e(
            "token_invalid",
            400,
            (190, 0),
            "Invalid OAuth 2.0 Access Token",
        ),
    ),
    e(
        "permission_10",
        400,
        (10, 0),
        "(#10) Application does not have permission for this action",
    ),
    e(
        "permission_200",
        403,
        (200, 0),
        "(#200) Requires instagram_business_manage_insights permission to manage the object",
    ),
    e(
        "rate_business",
        400,
        (80_002, 2_446_079),
        "(#80002) There have been too many calls to this Instagram account. Wait a bit and try again. For more info, please refer to https://developers.facebook.com/docs/graph-api/overview/rate-limiting.",
    ),
    e(
        "few_viewers",
        400,
        (10, 0),
        "(#10) Not enough viewers for the media to show insights",
    ),
    e(
        "before_business",
        400,
        (100, 2_108_006),
        "Invalid parameter",
    ),
    e(
        "invalid_metric",
        400,
        (100, 0),
        "(#100) metric[0] must be one of the following values: reach, views, likes, comments, shares, saved, reposts, total_interactions",
    ),
    of_kind(
        "IGApiException",
        e(
            "refresh_too_young",
            400,
            (100, 0),
            "This access token can not be refreshed because it was created less than 24 hours ago",
        ),
    ),
    of_kind(
        "IGApiException",
        e(
            "unsupported_get",
            400,
            (100, 0),
            "Unsupported request - method type: get",
        ),
    ),
    e(
        "code_used",
        400,
        (-1, 0),
        "Matching code was not found or was already used",
    ),
    e(
        "wrong_secret",
        400,
        (-1, 0),
        "Error validating client secret.",
    ),
];

static FACEBOOK: [Named; 13] = [
    e(
        "token_invalid",
        400,
        (190, 0),
        "Invalid OAuth access token - Cannot parse access token",
    ),
    e(
        "page_token_needed",
        400,
        (190, 2_069_032),
        "A Page access token is required for this call for the new Pages experience.",
    ),
    e(
        "role_lost",
        400,
        (190, 492),
        "Error validating access token: Session does not match current stored session. This may be because the user no longer has a role on the Page.",
    ),
    e(
        "permission_10",
        403,
        (10, 0),
        "(#10) This endpoint requires the 'pages_read_engagement' permission or the 'Page Public Content Access' feature. Refer to https://developers.facebook.com/docs/apps/review/login-permissions#manage-pages and https://developers.facebook.com/docs/apps/review/feature#reference-PAGES_ACCESS for details.",
    ),
    e(
        "permission_200",
        403,
        (200, 0),
        "(#200) Provide valid app ID",
    ),
    e(
        "rate_page",
        403,
        (32, 0),
        "(#32) Page request limit reached",
    ),
    e(
        "rate_business",
        400,
        (80_001, 0),
        "(#80001) There have been too many calls to this Page account. Wait a bit and try again. For more info, please refer to https://developers.facebook.com/docs/graph-api/overview/rate-limiting.",
    ),
    e(
        "few_followers",
        400,
        (100, 2_874_008),
        "(#100) Insights not available",
    ),
    e(
        "invalid_metric",
        400,
        (100, 0),
        "(#100) The value must be a valid insights metric",
    ),
    e(
        "code_used",
        400,
        (100, 36_009),
        "This authorization code has been used.",
    ),
    e(
        "code_expired",
        400,
        (100, 36_007),
        "This authorization code has expired.",
    ),
    e(
        "redirect_mismatch",
        400,
        (100, 36_008),
        "Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the OAuth dialog request",
    ),
    e(
        "wrong_secret",
        400,
        (1, 0),
        "Error validating client secret.",
    ),
];

fn all(platform: Platform) -> impl Iterator<Item = &'static Named> {
    let own: &[Named] = match platform {
        Platform::Instagram => &INSTAGRAM,
        _ => &FACEBOOK,
    };
    BOTH.iter().chain(own)
}

/// The names of a platform's errors.
pub(in crate::simulator) fn names(platform: Platform) -> Vec<&'static str> {
    all(platform).map(|it| it.name).collect()
}

/// An error by its name.
pub(in crate::simulator) fn named(
    platform: Platform,
    name: &str,
    now: i64,
    about: Option<AccountKey>,
) -> Option<Answer> {
    let found = all(platform).find(|it| it.name == name)?;
    if found.code == -1 {
        return Some(flat(found.status, found.message));
    }
    let mut body = body(found.kind, (found.code, found.subcode), found.message, now);
    more(found, &mut body);
    let mut answer = Answer::json(found.status, body);
    if matches!(found.code, 190 | 102) && found.subcode != 2_069_032 {
        answer = challenged(answer, found.message);
    }
    Some(match found.name {
        "rate_app" => answer.with("x-app-usage", super::usage::app_usage(100)),
        "rate_business" => {
            let about = about.map_or_else(
                || "0".to_owned(),
                |it| match platform {
                    Platform::Instagram => instagram_ids::professional(it),
                    _ => facebook_ids::page(it),
                },
            );
            let usage = super::usage::business_usage(platform, &about, 100, REGAIN_MINUTES);
            answer.with("x-business-use-case-usage", usage)
        }
        _ => answer,
    })
}

/// Fields that only some errors have.
fn more(found: &Named, body: &mut Value) {
    let Some(Value::Object(error)) = body.get_mut("error") else {
        return;
    };
    let mut user = |title: &str, text: &str| {
        error.insert("error_user_title".to_owned(), json!(title));
        error.insert("error_user_msg".to_owned(), json!(text));
        error.insert("is_transient".to_owned(), json!(false));
    };
    match found.name {
        "before_business" => {
            user(
                "Media posted before business account conversion",
                "The media was posted before the most recent time that the user's account was converted to a business account from a personal account.",
            );
            error.insert(
                "error_data".to_owned(),
                json!({"blame_field_specs": [[""]]}),
            );
        }
        "no_metric" => {
            let text = "No metric was specified to be fetched. Please specify one or more metrics to be fetched and try again.";
            user(text, text);
        }
        "page_token_needed" => user("User access token is not supported", found.message),
        "rate_app" | "transient" => {
            error.insert("is_transient".to_owned(), json!(true));
        }
        _ => {}
    }
}

/// An error's body.
fn body(kind: &str, (code, subcode): (i64, i64), message: &str, now: i64) -> Value {
    let mut error = json!({ "message": message, "type": kind, "code": code });
    if let (Value::Object(fields), true) = (&mut error, subcode != 0) {
        fields.insert("error_subcode".to_owned(), json!(subcode));
    }
    let (one, two) = (mix(1, now, 81), mix(2, now, 82));
    let trace = [one.to_be_bytes(), two.to_be_bytes()].concat();
    if let Value::Object(fields) = &mut error {
        let trace = format!("A{}", BASE64URL_NOPAD.encode(&trace));
        fields.insert("fbtrace_id".to_owned(), json!(trace));
    }
    json!({ "error": error })
}

/// The flat error of Instagram's token endpoint.
pub(in crate::simulator) fn flat(status: u16, message: &str) -> Answer {
    let body = json!({"error_type": "OAuthException", "code": 400, "error_message": message});
    Answer::json(status, body)
}

/// An invalid request that says what is wrong with it.
pub(in crate::simulator) fn invalid(message: &str, now: i64) -> Answer {
    let message = format!("(#100) {message}");
    Answer::json(400, body("OAuthException", (100, 0), &message, now))
}

/// A scope is missing.
pub(in crate::simulator) fn needs(scope: &str, now: i64) -> Answer {
    let message = format!("(#200) Requires {scope} permission to manage the object");
    Answer::json(403, body("OAuthException", (200, 0), &message, now))
}

/// Nothing of this id, or nothing that may be seen.
pub(in crate::simulator) fn missing(id: &str, now: i64) -> Answer {
    let id: String = id.chars().take(80).collect();
    let message = format!(
        "Unsupported get request. Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, or does not support this operation. Please read the Graph API documentation at https://developers.facebook.com/docs/graph-api"
    );
    Answer::json(400, body("GraphMethodException", (100, 33), &message, now))
}

/// Nothing of this path.
pub(in crate::simulator) fn unknown_path(path: &str) -> Answer {
    let path: String = path.chars().take(80).collect();
    let message = format!("Unknown path components: /{path}");
    Answer::json(400, body("OAuthException", (2_500, 0), &message, 0))
}

/// A call without a token.
pub(in crate::simulator) fn no_token(now: i64) -> Answer {
    let message =
        "An active access token must be used to query information about the current user.";
    challenged(
        Answer::json(400, body("OAuthException", (2_500, 0), message, now)),
        message,
    )
}

/// A token whose time is over.
pub(super) fn expired(at: i64, now: i64) -> Answer {
    let pacific = |at: i64| {
        let utc = DateTime::from_timestamp(at, 0).unwrap_or_default();
        utc.with_timezone(&Los_Angeles)
            .format("%A, %d-%b-%y %H:%M:%S %Z")
            .to_string()
    };
    let message = format!(
        "Error validating access token: Session has expired on {}. The current time is {}.",
        pacific(at),
        pacific(now)
    );
    challenged(
        Answer::json(400, body("OAuthException", (190, 463), &message, now)),
        &message,
    )
}

/// A token whose grant is over.
pub(super) fn ended(end: End, app: &str, now: i64) -> Option<Answer> {
    let name = match end {
        End::Revoked => {
            let message = format!(
                "Error validating access token: The user has not authorized application {app}."
            );
            let body = body("OAuthException", (190, 458), &message, now);
            return Some(challenged(Answer::json(400, body), &message));
        }
        End::PasswordChanged => "password_changed",
        End::Checkpoint => "checkpoint",
        End::RoleLost => "role_lost",
        End::Replaced => "session_invalid",
    };
    named(Platform::Facebook, name, now, None)
}

/// With the header that comes with refused tokens.
fn challenged(answer: Answer, message: &str) -> Answer {
    let value = format!("OAuth \"Facebook Platform\" \"invalid_token\" \"{message}\"");
    answer.with("www-authenticate", value)
}
