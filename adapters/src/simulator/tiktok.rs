//! TikTok for Developers v2: `www.tiktok.com` and `open.tiktokapis.com`.
//!
//! Sources: Login Kit (Web, Desktop), OAuth, Display API, error handling, scopes, rate limits.

mod error;
pub(super) mod ids;
mod oauth;
mod user;
mod videos;

use super::answer::Answer;
use super::grants::{Kind, Refused, Token};
use super::play::{Call, Core, Play};
use super::request::Asked;
use super::world::AccountKey;
use domain::Platform;
use serde_json::{Value, json};

/// TikTok's part.
pub(super) struct Tiktok;

impl Play for Tiktok {
    fn endpoint(&self, asked: &Asked) -> Option<&'static str> {
        let (method, host) = (asked.method.as_str(), asked.host.as_str());
        Some(match (method, host, asked.parts().as_slice()) {
            ("GET" | "POST", "www.tiktok.com", ["v2", "auth", "authorize"]) => "authorize",
            ("POST", "open.tiktokapis.com", ["v2", "oauth", "token"]) => {
                match asked.form("grant_type") {
                    Some("refresh_token") => "refresh",
                    _ => "token",
                }
            }
            ("POST", "open.tiktokapis.com", ["v2", "oauth", "revoke"]) => "revoke",
            ("GET", "open.tiktokapis.com", ["v2", "user", "info"]) => "profile",
            ("POST", "open.tiktokapis.com", ["v2", "video", "list"]) => "posts",
            ("POST", "open.tiktokapis.com", ["v2", "video", "query"]) => "posts_by_ids",
            _ => return None,
        })
    }

    fn token<'a>(&self, asked: &'a Asked) -> Option<&'a str> {
        let presented = asked.bearer.as_deref();
        presented.or_else(|| asked.form("refresh_token").or_else(|| asked.form("token")))
    }

    fn answer(&self, core: &Core, call: &Call<'_>) -> Answer {
        match call.endpoint {
            "authorize" => oauth::authorize(core, call),
            "token" => oauth::token(core, call),
            "refresh" => oauth::refresh(core, call),
            "revoke" => oauth::revoke(core, call),
            _ => api(core, call).unwrap_or_else(|refusal| refusal),
        }
    }

    fn error(&self, name: &str, now: i64, _about: Option<AccountKey>) -> Option<Answer> {
        error::named(name, now)
    }

    fn error_names(&self) -> Vec<&'static str> {
        error::names()
    }

    fn unknown(&self, _asked: &Asked) -> Answer {
        error::answer(404, "invalid_params", "Unsupported path(Janus)", 0)
    }
}

/// A call with an access token.
fn api(core: &Core, call: &Call<'_>) -> Result<Answer, Answer> {
    let presented = call.asked.bearer.as_deref().unwrap_or_default();
    let token = core.grants.check(Platform::Tiktok, presented, call.now);
    let token = token
        .and_then(|token| match token.kind {
            Kind::Access => Ok(token),
            _ => Err(Refused::Unknown),
        })
        .map_err(|_| error::known("access_token_invalid", call.now))?;
    if core.limits.tiktok(call.endpoint, call.now).is_full() {
        return Err(error::known("rate_limit_exceeded", call.now));
    }
    let account = core
        .account_of_token(&token)
        .ok_or_else(|| error::known("access_token_invalid", call.now))?;
    match call.endpoint {
        "profile" => user::info(call, &token, &account),
        "posts" => videos::list(call, &token, &account),
        _ => videos::query(call, &token, &account),
    }
}

/// The fields that were asked for, each granted by a scope.
fn fields<'a>(
    call: &'a Call<'_>,
    token: &Token,
    scope_of: impl Fn(&str) -> Option<&'static str>,
) -> Result<Vec<&'a str>, Answer> {
    let named = call.asked.query("fields").unwrap_or_default();
    let fields: Vec<_> = named
        .split(',')
        .map(str::trim)
        .filter(|it| !it.is_empty())
        .collect();
    if fields.is_empty() {
        let why = "The fields parameter is required.";
        return Err(error::answer(400, "invalid_params", why, call.now));
    }
    for field in &fields {
        match scope_of(field) {
            None => {
                let field: String = field.chars().take(80).collect();
                let why = format!("The field {field} is not supported.");
                return Err(error::answer(400, "invalid_params", &why, call.now));
            }
            // One field without its scope fails the whole call.
            Some(scope) if !token.grant.has(scope) => {
                return Err(error::known("scope_not_authorized", call.now));
            }
            Some(_) => {}
        }
    }
    Ok(fields)
}

/// A good answer in its envelope.
fn enveloped(call: &Call<'_>, data: Value) -> Answer {
    let error = json!({"code": "ok", "message": "", "log_id": error::log_id(call.now)});
    Answer::ok(json!({"data": data, "error": error}))
}

/// The parts of an object that were asked for.
fn picked(mut all: Value, fields: &[&str]) -> Value {
    if let Value::Object(all) = &mut all {
        all.retain(|name, _| fields.contains(&name.as_str()));
    }
    all
}

/// The link to an account.
fn page_of(handle: &str) -> String {
    format!("https://www.tiktok.com/@{handle}")
}
