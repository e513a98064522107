//! Google's tokens: an hour, renewed with a token that stays.

use super::error;
use crate::simulator::answer::Answer;
use crate::simulator::consent::{self, Wish};
use crate::simulator::grants::{Code, CodeRefused, End, Kind, Token};
use crate::simulator::play::{Call, Core};
use crate::simulator::scopes::Scopes;
use data_encoding::BASE64URL_NOPAD;
use domain::Platform;
use serde_json::json;
use sha2::{Digest, Sha256};

const PLATFORM: Platform = Platform::Youtube;
/// Lives in seconds (that of codes is not confirmed).
const CODE_LIFE: i64 = 600;
const ACCESS_LIFE: i64 = 3_599;
/// A refresh token that is not used for so long dies: six months.
const UNUSED_LIFE: i64 = 183 * 86_400;

pub(super) fn authorize(core: &Core, call: &Call<'_>) -> Answer {
    let denied = [("error", "access_denied")];
    let asked = call.asked;
    consent::authorize(
        core,
        call,
        PLATFORM,
        wish(core, call),
        &denied,
        |wish, grant| {
            let scopes = grant.scopes.joined(PLATFORM, " ");
            let code = core.grants.code(Code {
                challenge: asked.query("code_challenge").map(str::to_owned),
                offline: asked.query("access_type") == Some("offline"),
                anew: asked
                    .query("prompt")
                    .is_some_and(|it| it.contains("consent")),
                ..Code::new(grant, &wish.redirect_uri, call.now + CODE_LIFE)
            });
            consent::back(wish, &[("code", &code), ("scope", &scopes)])
        },
    )
}

fn wish(core: &Core, call: &Call<'_>) -> Result<Wish, String> {
    let (app, asked) = (core.apps.of(PLATFORM), call.asked);
    if asked.query("client_id") != Some(&app.client_id) {
        return Err("Error 401: invalid_client. The OAuth client was not found.".into());
    }
    let redirect_uri = asked.query("redirect_uri").unwrap_or_default();
    if !app.allows(redirect_uri) {
        return Err("Error 400: redirect_uri_mismatch".into());
    }
    if asked.query("response_type") != Some("code") {
        return Err("Error 400: unsupported_response_type".into());
    }
    let scopes = Scopes::parse(PLATFORM, asked.query("scope").unwrap_or_default());
    let scopes = scopes.map_err(|scope| format!("Error 400: invalid_scope: {scope}"))?;
    if scopes == Scopes::default() {
        return Err("Error 400: invalid_request. Missing required parameter: scope".into());
    }
    let method = asked.query("code_challenge_method");
    if asked.query("code_challenge").is_some() && method != Some("S256") {
        return Err("Error 400: invalid_request. code_challenge_method: S256 is played".into());
    }
    Ok(Wish {
        platform: PLATFORM,
        redirect_uri: redirect_uri.to_owned(),
        state: asked.query("state").map(str::to_owned),
        scopes,
        all_or_nothing: false,
    })
}

fn client(core: &Core, call: &Call<'_>) -> Result<(), Answer> {
    let app = core.apps.of(PLATFORM);
    let is_app = call.asked.form("client_id") == Some(&app.client_id)
        && call.asked.form("client_secret") == Some(&app.secret);
    is_app
        .then_some(())
        .ok_or_else(|| error::known("invalid_client"))
}

pub(super) fn token(core: &Core, call: &Call<'_>) -> Answer {
    redeem(core, call).unwrap_or_else(|refusal| refusal)
}

fn redeem(core: &Core, call: &Call<'_>) -> Result<Answer, Answer> {
    client(core, call)?;
    let asked = call.asked;
    if asked.form("grant_type") != Some("authorization_code") {
        return Err(error::known("unsupported_grant_type"));
    }
    let code = asked.form("code").unwrap_or_default();
    let code = core
        .grants
        .redeem(PLATFORM, code, asked.form("redirect_uri"), call.now)
        .map_err(|refused| match refused {
            CodeRefused::Unknown | CodeRefused::Expired => error::known("code_used"),
            CodeRefused::RedirectUri => error::known("redirect_mismatch"),
        })?;
    if let Some(challenge) = &code.challenge {
        let verifier = asked.form("code_verifier").unwrap_or_default();
        if *challenge != BASE64URL_NOPAD.encode(&Sha256::digest(verifier)) {
            return Err(error::known("code_used"));
        }
    }
    let grant = &code.grant;
    let access = core
        .grants
        .token(grant, Kind::Access, call.now, Some(ACCESS_LIFE));
    let mut reply = json!({
        "access_token": access,
        "expires_in": ACCESS_LIFE,
        "scope": grant.scopes.joined(PLATFORM, " "),
        "token_type": "Bearer",
    });
    // Who has agreed before gets no second refresh token, unless asked anew.
    if code.offline && (code.anew || !core.grants.has_agreed(grant)) {
        let refresh = core.grants.token(grant, Kind::Refresh, call.now, None);
        reply["refresh_token"] = json!(refresh);
        core.grants.keep_refresh(grant);
        core.grants.used(grant.id, call.now);
    }
    Ok(Answer::ok(reply))
}

pub(super) fn refresh(core: &Core, call: &Call<'_>) -> Answer {
    if let Err(refusal) = client(core, call) {
        return refusal;
    }
    let presented = call.asked.form("refresh_token").unwrap_or_default();
    let found = core.grants.check(PLATFORM, presented, call.now);
    let Ok(Token {
        grant,
        kind: Kind::Refresh,
        issued,
        ..
    }) = found
    else {
        return error::known("invalid_grant");
    };
    let last = core.grants.used(grant.id, call.now).unwrap_or(issued);
    if call.now - last > UNUSED_LIFE {
        core.grants.end(grant.id, End::Revoked);
        return error::known("invalid_grant");
    }
    let access = core
        .grants
        .token(&grant, Kind::Access, call.now, Some(ACCESS_LIFE));
    // No refresh token: the old one stays.
    Answer::ok(json!({
        "access_token": access,
        "expires_in": ACCESS_LIFE,
        "scope": grant.scopes.joined(PLATFORM, " "),
        "token_type": "Bearer",
    }))
}

/// Ends all that the person has granted to the whole project.
pub(super) fn revoke(core: &Core, call: &Call<'_>) -> Answer {
    let presented = call.asked.param("token").unwrap_or_default();
    match core.grants.check(PLATFORM, presented, call.now) {
        Ok(token) => {
            core.grants
                .end_all(PLATFORM, token.grant.creator, End::Revoked);
            Answer::ok(json!({}))
        }
        Err(_) => error::known("invalid_token"),
    }
}
