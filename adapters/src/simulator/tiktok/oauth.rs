//! TikTok's tokens: a day, renewed with a token that is replaced each time.

use super::{error, ids};
use crate::simulator::answer::Answer;
use crate::simulator::consent::{self, Wish};
use crate::simulator::grants::{Code, CodeRefused, End, Grant, Kind};
use crate::simulator::play::{Call, Core};
use crate::simulator::scopes::Scopes;
use data_encoding::HEXLOWER;
use domain::Platform;
use serde_json::json;
use sha2::{Digest, Sha256};

const PLATFORM: Platform = Platform::Tiktok;
/// Lives in seconds (OAuth documentation; that of codes is not confirmed).
const CODE_LIFE: i64 = 600;
const ACCESS_LIFE: i64 = 86_400;
const REFRESH_LIFE: i64 = 31_536_000;

pub(super) fn authorize(core: &Core, call: &Call<'_>) -> Answer {
    let denied = [
        ("error", "access_denied"),
        ("error_description", "User denied"),
    ];
    consent::authorize(
        core,
        call,
        PLATFORM,
        wish(core, call),
        &denied,
        |wish, grant| {
            let scopes = grant.scopes.joined(PLATFORM, ",");
            let code = core.grants.code(Code {
                challenge: call.asked.query("code_challenge").map(str::to_owned),
                ..Code::new(grant, &wish.redirect_uri, call.now + CODE_LIFE)
            });
            consent::back(wish, &[("code", &code), ("scopes", &scopes)])
        },
    )
}

/// Whether the app is one for a desktop: its address is this machine, with a port.
fn is_desktop(redirect_uri: &str) -> bool {
    let rest = redirect_uri.strip_prefix("http://").unwrap_or_default();
    let host = rest.split('/').next().unwrap_or_default();
    ["localhost:", "127.0.0.1:"]
        .iter()
        .any(|it| host.starts_with(it))
}

fn wish(core: &Core, call: &Call<'_>) -> Result<Wish, String> {
    let (app, asked) = (core.apps.of(PLATFORM), call.asked);
    if asked.query("client_key") != Some(&app.client_id) {
        return Err("client_key: the client key is invalid".into());
    }
    let redirect_uri = asked.query("redirect_uri").unwrap_or_default();
    let is_static = !redirect_uri.contains(['?', '#']) && redirect_uri.len() < 512;
    let is_web = redirect_uri.starts_with("https://") || is_desktop(redirect_uri);
    if !app.allows(redirect_uri) || !is_static || !is_web {
        return Err(
            "redirect_uri: must be registered, static, and https (or this machine with a port)"
                .into(),
        );
    }
    if asked.query("response_type") != Some("code") {
        return Err("response_type: must be code".into());
    }
    let named = asked.query("scope").unwrap_or_default();
    if named.contains(' ') {
        return Err("scope: separate scopes by commas".into());
    }
    let scopes = Scopes::parse(PLATFORM, named).map_err(|scope| format!("scope: {scope}"))?;
    let challenge = asked.query("code_challenge");
    if is_desktop(redirect_uri) && challenge.is_none() {
        return Err("code_challenge: required for desktop and mobile apps".into());
    }
    if challenge.is_some() && asked.query("code_challenge_method") != Some("S256") {
        return Err("code_challenge_method: must be S256".into());
    }
    Ok(Wish {
        platform: PLATFORM,
        redirect_uri: redirect_uri.to_owned(),
        state: asked.query("state").map(str::to_owned),
        scopes,
        all_or_nothing: false,
    })
}

/// Whether key and secret are the app's; both calls are urlencoded forms.
fn client(core: &Core, call: &Call<'_>) -> Result<(), Answer> {
    let app = core.apps.of(PLATFORM);
    let is_app = call.asked.form("client_key") == Some(&app.client_id)
        && call.asked.form("client_secret") == Some(&app.secret);
    is_app
        .then_some(())
        .ok_or_else(|| error::known("invalid_client", call.now))
}

pub(super) fn token(core: &Core, call: &Call<'_>) -> Answer {
    redeem(core, call).unwrap_or_else(|refusal| refusal)
}

fn redeem(core: &Core, call: &Call<'_>) -> Result<Answer, Answer> {
    client(core, call)?;
    let asked = call.asked;
    let refuse = |name| error::known(name, call.now);
    if asked.form("grant_type") != Some("authorization_code") {
        return Err(refuse("unsupported_grant_type"));
    }
    let code = asked.form("code").unwrap_or_default();
    let code = core
        .grants
        .redeem(PLATFORM, code, asked.form("redirect_uri"), call.now)
        .map_err(|refused| match refused {
            CodeRefused::Unknown | CodeRefused::Expired => refuse("code_expired"),
            CodeRefused::RedirectUri => refuse("redirect_mismatch"),
        })?;
    if let Some(challenge) = &code.challenge {
        // In hex, against RFC 7636 (Login Kit for Desktop).
        let verifier = asked.form("code_verifier").unwrap_or_default();
        if *challenge != HEXLOWER.encode(&Sha256::digest(verifier)) {
            return Err(refuse("wrong_verifier"));
        }
    }
    Ok(tokens(core, call, &code.grant))
}

pub(super) fn refresh(core: &Core, call: &Call<'_>) -> Answer {
    if let Err(refusal) = client(core, call) {
        return refusal;
    }
    let presented = call.asked.form("refresh_token").unwrap_or_default();
    match core.grants.check(PLATFORM, presented, call.now) {
        Ok(token) if token.kind == Kind::Refresh => {
            let rotation = core.grants.rotate(&token.grant);
            let grant = Grant {
                rotation,
                ..token.grant
            };
            tokens(core, call, &grant)
        }
        _ => error::known("invalid_grant", call.now),
    }
}

fn tokens(core: &Core, call: &Call<'_>, grant: &Grant) -> Answer {
    // A year from the first, however often it is replaced.
    let left = grant.since + REFRESH_LIFE - call.now;
    let access = core
        .grants
        .token(grant, Kind::Access, call.now, Some(ACCESS_LIFE));
    let refresh = core
        .grants
        .token(grant, Kind::Refresh, call.now, Some(left));
    Answer::ok(json!({
        "access_token": access,
        "expires_in": ACCESS_LIFE,
        "open_id": grant.accounts().next().map(ids::open),
        "refresh_expires_in": left,
        "refresh_token": refresh,
        "scope": grant.scopes.joined(PLATFORM, ","),
        "token_type": "Bearer",
    }))
}

/// Ends a grant by one of its tokens. A second time it is an error (not confirmed).
pub(super) fn revoke(core: &Core, call: &Call<'_>) -> Answer {
    if let Err(refusal) = client(core, call) {
        return refusal;
    }
    let presented = call.asked.form("token").unwrap_or_default();
    match core.grants.check(PLATFORM, presented, call.now) {
        Ok(token) => {
            core.grants.end(token.grant.id, End::Revoked);
            Answer::ok(json!({}))
        }
        Err(_) => error::known("invalid_grant", call.now),
    }
}
