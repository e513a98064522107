//! The errors of the Graph API, by name.
//!
//! Sources: Graph API "Handling Errors", "Rate Limits"; Pages API error codes; replies that others
//! kept. Wording that is not confirmed is near to it.

mod table;

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
use table::{BOTH, FACEBOOK, INSTAGRAM, Named};

/// Minutes until a throttled account is let in again, where the fault was ordered.
const REGAIN_MINUTES: i64 = 19;

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
    if found.code == table::FLAT {
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

/// One of ours, whose name is in the table.
pub(in crate::simulator) fn known(platform: Platform, name: &'static str, now: i64) -> Answer {
    named(platform, name, now, None).unwrap_or_else(|| no_token(now))
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
