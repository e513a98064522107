//! Instagram's tokens: an hour, then sixty days that renew themselves.

use super::ids;
use crate::simulator::answer::Answer;
use crate::simulator::consent::{self, Wish};
use crate::simulator::grants::{Code, CodeRefused, Kind, Token};
use crate::simulator::meta::{self, error};
use crate::simulator::play::{Call, Core};
use crate::simulator::scopes::Scopes;
use domain::Platform;
use serde_json::json;

const PLATFORM: Platform = Platform::Instagram;
/// Lives in seconds (Instagram business login).
const CODE_LIFE: i64 = 3_600;
const SHORT_LIFE: i64 = 3_600;
const LONG_LIFE: i64 = 5_183_944;
/// How old a token must be before it can be refreshed.
const REFRESH_AGE: i64 = 86_400;

pub(super) fn authorize(core: &Core, call: &Call<'_>) -> Answer {
    let denied = [
        ("error", "access_denied"),
        ("error_reason", "user_denied"),
        ("error_description", "The user denied your request"),
    ];
    consent::authorize(
        core,
        call,
        PLATFORM,
        wish(core, call),
        &denied,
        |wish, grant| {
            let code = Code::new(grant, &wish.redirect_uri, call.now + CODE_LIFE);
            let code = core.grants.code(code);
            let mut answer = consent::back(wish, &[("code", &code)]);
            // What Instagram appends, and clients must cut off.
            for (name, value) in &mut answer.headers {
                if *name == "location" {
                    value.push_str("#_");
                }
            }
            answer
        },
    )
}

fn wish(core: &Core, call: &Call<'_>) -> Result<Wish, String> {
    let app = core.apps.of(PLATFORM);
    let asked = call.asked;
    if asked.query("client_id") != Some(&app.client_id) {
        return Err("Invalid Request: Request parameters are invalid: Invalid platform app".into());
    }
    let redirect_uri = asked.query("redirect_uri").unwrap_or_default();
    if !app.allows(redirect_uri) {
        return Err("Invalid Request: Request parameters are invalid: Invalid redirect_uri".into());
    }
    if asked.query("response_type") != Some("code") {
        return Err(
            "Invalid Request: Request parameters are invalid: Invalid response_type".into(),
        );
    }
    let scopes = Scopes::parse(PLATFORM, asked.query("scope").unwrap_or_default())
        .map_err(|scope| format!("Invalid Scopes: {scope}"))?;
    if !scopes.has(PLATFORM, "instagram_business_basic") {
        return Err("Invalid Scopes: instagram_business_basic is required".into());
    }
    Ok(Wish {
        platform: PLATFORM,
        redirect_uri: redirect_uri.to_owned(),
        state: asked.query("state").map(str::to_owned),
        scopes,
        all_or_nothing: false,
    })
}

/// A short token for a code. Only multipart forms and the address are read: those who sent a
/// urlencoded form alone report that it is refused.
pub(super) fn token(core: &Core, call: &Call<'_>) -> Answer {
    let asked = call.asked;
    let field = |name: &str| {
        let found = asked.multipart.iter().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.as_str())
            .or_else(|| asked.query(name))
    };
    let app = core.apps.of(PLATFORM);
    if field("client_id") != Some(&app.client_id) {
        return error::flat(400, "Invalid platform app");
    }
    if field("client_secret") != Some(&app.secret) {
        return error::flat(400, "Error validating client secret.");
    }
    if field("grant_type") != Some("authorization_code") {
        return error::flat(400, "Invalid grant_type");
    }
    let code = field("code").unwrap_or_default();
    let found = core
        .grants
        .redeem(PLATFORM, code, field("redirect_uri"), call.now);
    let code = match found {
        Ok(code) => code,
        Err(CodeRefused::RedirectUri) => {
            return error::flat(
                400,
                "Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the OAuth dialog request",
            );
        }
        Err(CodeRefused::Unknown) => {
            return error::flat(400, "Matching code was not found or was already used");
        }
        Err(CodeRefused::Expired) => {
            return error::flat(400, "This authorization code has expired");
        }
    };
    let token = core
        .grants
        .token(&code.grant, Kind::Access, call.now, Some(SHORT_LIFE));
    let scopes: Vec<_> = code.grant.scopes.names(PLATFORM).collect();
    let account = code.grant.accounts().next();
    Answer::ok(json!({
        "access_token": token,
        "user_id": account.map(ids::professional_number),
        "permissions": scopes,
    }))
}

/// A long token for a short one.
pub(super) fn exchange(core: &Core, call: &Call<'_>) -> Answer {
    if call.asked.param("grant_type") != Some("ig_exchange_token") {
        return error::invalid("Invalid grant_type", call.now);
    }
    if call.asked.param("client_secret") != Some(&core.apps.of(PLATFORM).secret) {
        return named("wrong_secret", call.now);
    }
    match good(core, call) {
        Some(token) if token.kind == Kind::Access => long(core, call, &token),
        _ => named("unsupported_get", call.now),
    }
}

/// A long token for itself.
pub(super) fn refresh(core: &Core, call: &Call<'_>) -> Answer {
    if call.asked.param("grant_type") != Some("ig_refresh_token") {
        return error::invalid("Invalid grant_type", call.now);
    }
    match good(core, call) {
        Some(token) if token.kind == Kind::Long => match call.now - token.issued < REFRESH_AGE {
            true => named("refresh_too_young", call.now),
            false => long(core, call, &token),
        },
        _ => named("unsupported_get", call.now),
    }
}

fn good(core: &Core, call: &Call<'_>) -> Option<Token> {
    let presented = meta::token(call.asked)?;
    core.grants.check(PLATFORM, presented, call.now).ok()
}

fn long(core: &Core, call: &Call<'_>, token: &Token) -> Answer {
    let long = core
        .grants
        .token(&token.grant, Kind::Long, call.now, Some(LONG_LIFE));
    Answer::ok(json!({"access_token": long, "token_type": "bearer", "expires_in": LONG_LIFE}))
}

fn named(name: &'static str, now: i64) -> Answer {
    error::known(PLATFORM, name, now)
}
