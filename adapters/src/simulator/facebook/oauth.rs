//! Facebook's tokens: of a person for an hour or two, then for sixty days; of a Page without end.

use crate::simulator::answer::Answer;
use crate::simulator::consent::{self, Wish};
use crate::simulator::grants::{Code, CodeRefused, End, Grant, Kind, Token};
use crate::simulator::meta::{self, error};
use crate::simulator::play::{Call, Core};
use crate::simulator::scopes::Scopes;
use domain::Platform;
use serde_json::json;

const PLATFORM: Platform = Platform::Facebook;
/// Lives in seconds (Facebook Login, access tokens; that of codes is not confirmed).
const CODE_LIFE: i64 = 600;
const SHORT_LIFE: i64 = 2 * 3_600;
const LONG_LIFE: i64 = 5_183_944;

pub(super) fn authorize(core: &Core, call: &Call<'_>) -> Answer {
    let denied = [
        ("error", "access_denied"),
        ("error_code", "200"),
        ("error_description", "Permissions error"),
        ("error_reason", "user_denied"),
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
            consent::back(wish, &[("code", &code)])
        },
    )
}

fn wish(core: &Core, call: &Call<'_>) -> Result<Wish, String> {
    let (app, asked) = (core.apps.of(PLATFORM), call.asked);
    if asked.query("client_id") != Some(&app.client_id) {
        return Err(
            "Invalid App ID: The provided app ID does not look like a valid app ID.".into(),
        );
    }
    let redirect_uri = asked.query("redirect_uri").unwrap_or_default();
    if !app.allows(redirect_uri) {
        return Err("URL blocked: This redirect failed because the redirect URI is not white-listed in the app's client OAuth settings.".into());
    }
    if asked.query("response_type").is_some_and(|it| it != "code") {
        return Err("Invalid response_type: code is played".into());
    }
    let config = asked.query("config_id");
    // A configuration takes the place of scopes: here it has all that reads.
    let scopes = match config {
        Some(_) => "pages_show_list,pages_read_engagement,pages_read_user_content,read_insights",
        None => asked.query("scope").unwrap_or_default(),
    };
    let scopes = Scopes::parse(PLATFORM, scopes).map_err(|scope| {
        format!("Invalid Scopes: {scope}. This message is only shown to developers.")
    })?;
    Ok(Wish {
        platform: PLATFORM,
        redirect_uri: redirect_uri.to_owned(),
        state: asked.query("state").map(str::to_owned),
        scopes: scopes.or(Scopes::required(PLATFORM)),
        all_or_nothing: config.is_some(),
    })
}

fn named(name: &'static str, now: i64) -> Answer {
    error::known(PLATFORM, name, now)
}

fn client(core: &Core, call: &Call<'_>) -> Result<(), Answer> {
    let app = core.apps.of(PLATFORM);
    if call.asked.param("client_id") != Some(&app.client_id) {
        let why = "Error validating application. Cannot get application info due to a system error: client_id";
        return Err(error::invalid(why, call.now));
    }
    if call.asked.param("client_secret") != Some(&app.secret) {
        return Err(named("wrong_secret", call.now));
    }
    Ok(())
}

/// A person's token for a code.
pub(super) fn token(core: &Core, call: &Call<'_>) -> Answer {
    if let Err(refusal) = client(core, call) {
        return refusal;
    }
    let code = call.asked.param("code").unwrap_or_default();
    let redirect_uri = call.asked.param("redirect_uri");
    match core.grants.redeem(PLATFORM, code, redirect_uri, call.now) {
        Ok(code) => reply(core, call, &code.grant, Kind::Access, SHORT_LIFE),
        Err(CodeRefused::Unknown) => named("code_used", call.now),
        Err(CodeRefused::Expired) => named("code_expired", call.now),
        Err(CodeRefused::RedirectUri) => named("redirect_mismatch", call.now),
    }
}

/// A long token for a short one.
pub(super) fn exchange(core: &Core, call: &Call<'_>) -> Answer {
    if let Err(refusal) = client(core, call) {
        return refusal;
    }
    let presented = call.asked.param("fb_exchange_token").unwrap_or_default();
    match core.grants.check(PLATFORM, presented, call.now) {
        Ok(token) if token.kind != Kind::Page => {
            reply(core, call, &token.grant, Kind::Long, LONG_LIFE)
        }
        Ok(_) => named("token_invalid", call.now),
        Err(refused) => meta::refuse(core, PLATFORM, refused, call.now),
    }
}

fn reply(core: &Core, call: &Call<'_>, grant: &Grant, kind: Kind, life: i64) -> Answer {
    let token = core.grants.token(grant, kind, call.now, Some(life));
    let mut body = json!({"access_token": token, "token_type": "bearer"});
    // Now and then the reply does not say how long.
    if kind == Kind::Access || !grant.creator.is_multiple_of(4) {
        body["expires_in"] = json!(life);
    }
    Answer::ok(body)
}

/// Ends all that the person has granted to the app.
pub(super) fn revoke(core: &Core, token: &Token) {
    core.grants
        .end_all(PLATFORM, token.grant.creator, End::Revoked);
}
