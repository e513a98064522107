//! What a token is good for: `debug_token` and the list of permissions.

use super::ids;
use crate::simulator::answer::Answer;
use crate::simulator::grants::{End, Kind, Refused, Token};
use crate::simulator::meta::error;
use crate::simulator::play::{Call, Core};
use domain::Platform;
use serde_json::{Value, json};

const PLATFORM: Platform = Platform::Facebook;
/// Data can be read for so long after a consent, in seconds: 90 days.
const DATA_ACCESS: i64 = 90 * 86_400;

/// Facts of a token. One that is bad is described with HTTP 200.
pub(super) fn debug(core: &Core, call: &Call<'_>) -> Answer {
    let app = core.apps.of(PLATFORM);
    let app_token = format!("{}|{}", app.client_id, app.secret);
    if call.asked.param("access_token") != Some(&app_token) {
        return error::known(PLATFORM, "token_invalid", call.now);
    }
    let Some(input) = call.asked.param("input_token") else {
        return error::invalid("The parameter input_token is required", call.now);
    };
    let bad = |code: i64, subcode: i64, message: &str| {
        let error = json!({"code": code, "message": message, "subcode": subcode});
        json!({"error": error, "is_valid": false, "scopes": []})
    };
    let data = match core.grants.check(PLATFORM, input, call.now) {
        Ok(token) => facts(&app.client_id, &token),
        Err(Refused::Unknown) => bad(190, 0, "Invalid OAuth access token."),
        Err(Refused::Expired(_)) => bad(
            190,
            463,
            "Error validating access token: Session has expired.",
        ),
        Err(Refused::Ended(End::PasswordChanged)) => bad(
            190,
            460,
            "Error validating access token: The session has been invalidated.",
        ),
        Err(Refused::Ended(_)) => bad(
            190,
            458,
            "Error validating access token: The user has not authorized application.",
        ),
    };
    Answer::ok(json!({ "data": data }))
}

fn facts(app: &str, token: &Token) -> Value {
    let grant = &token.grant;
    let pages: Vec<_> = grant.accounts().map(ids::page).collect();
    let scopes: Vec<_> = grant.scopes.names(PLATFORM).collect();
    let granular = scopes
        .iter()
        .map(|scope| match scope.starts_with("pages_") {
            true => json!({"scope": scope, "target_ids": pages}),
            false => json!({"scope": scope}),
        });
    let mut data = json!({
        "app_id": app,
        "type": if token.kind == Kind::Page { "PAGE" } else { "USER" },
        "application": "Simulated App",
        "data_access_expires_at": grant.since + DATA_ACCESS,
        "expires_at": token.expires.unwrap_or(0),
        "is_valid": true,
        "issued_at": token.issued,
        "scopes": scopes,
        "granular_scopes": granular.collect::<Vec<_>>(),
        "user_id": ids::user(grant.creator),
    });
    if token.kind == Kind::Page {
        data["profile_id"] = json!(pages.first());
    }
    data
}

/// What was granted, and what was asked for and declined.
pub(super) fn permissions(token: &Token) -> Answer {
    let grant = &token.grant;
    let status = |scope: &str, status: &str| json!({"permission": scope, "status": status});
    let granted = grant.scopes.names(PLATFORM).map(|it| status(it, "granted"));
    let declined = grant.asked.without(grant.scopes);
    let declined = declined.names(PLATFORM).map(|it| status(it, "declined"));
    Answer::ok(json!({"data": granted.chain(declined).collect::<Vec<_>>()}))
}
