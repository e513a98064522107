//! Facebook Pages: `www.facebook.com` and `graph.facebook.com`.
//!
//! Sources: Facebook Login, access tokens, Pages API (posts, insights, changelog).

pub(super) mod ids;
mod oauth;
mod page_insights;
mod pages;
mod post_insights;
mod posts;
mod token_facts;

use super::answer::Answer;
use super::grants::Kind;
use super::meta::{self, Admitted, error};
use super::play::{Call, Core, Play};
use super::request::Asked;
use super::world::{Account, AccountKey};
use domain::Platform;
use serde_json::json;

/// Facebook's part.
pub(super) struct Facebook;

impl Play for Facebook {
    fn endpoint(&self, asked: &Asked) -> Option<&'static str> {
        let (method, host) = (asked.method.as_str(), asked.host.as_str());
        let is_post = |id: &str| id.contains('_');
        Some(
            match (method, host, meta::without_version(asked).as_slice()) {
                ("GET" | "POST", "www.facebook.com", ["dialog", "oauth"]) => "authorize",
                ("GET" | "POST", "graph.facebook.com", ["oauth", "access_token"]) => {
                    match asked.param("grant_type") {
                        Some("fb_exchange_token") => "exchange",
                        _ => "token",
                    }
                }
                ("GET", "graph.facebook.com", ["debug_token"]) => "debug_token",
                ("GET", "graph.facebook.com", [_, "permissions"]) => "permissions",
                ("DELETE", "graph.facebook.com", [_, "permissions"]) => "revoke",
                ("GET", "graph.facebook.com", [_, "accounts"]) => "pages",
                ("POST", "graph.facebook.com", [_, "subscribed_apps"]) => "subscribe",
                ("GET", "graph.facebook.com", [_, "published_posts" | "feed" | "posts"]) => "posts",
                ("GET", "graph.facebook.com", [id, "insights"]) if is_post(id) => "post_insights",
                ("GET", "graph.facebook.com", [_, "insights"]) => "account_insights",
                ("GET", "graph.facebook.com", [id]) if is_post(id) => "post",
                ("GET", "graph.facebook.com", [_]) => "profile",
                _ => return None,
            },
        )
    }

    fn token<'a>(&self, asked: &'a Asked) -> Option<&'a str> {
        let exchanged = asked.param("fb_exchange_token");
        exchanged
            .or_else(|| asked.param("input_token"))
            .or_else(|| meta::token(asked))
    }

    fn answer(&self, core: &Core, call: &Call<'_>) -> Answer {
        match call.endpoint {
            "authorize" => oauth::authorize(core, call),
            "token" => oauth::token(core, call),
            "exchange" => oauth::exchange(core, call),
            "debug_token" => token_facts::debug(core, call),
            _ => graph(core, call),
        }
    }

    fn error(&self, name: &str, now: i64, about: Option<AccountKey>) -> Option<Answer> {
        error::named(Platform::Facebook, name, now, about)
    }

    fn error_names(&self) -> Vec<&'static str> {
        error::names(Platform::Facebook)
    }

    fn unknown(&self, asked: &Asked) -> Answer {
        error::unknown_path(&asked.path.join("/"))
    }
}

fn graph(core: &Core, call: &Call<'_>) -> Answer {
    let admitted = match meta::admit(core, call, Platform::Facebook) {
        Ok(admitted) => admitted,
        Err(refusal) => return refusal,
    };
    let answer = look(core, call, &admitted).unwrap_or_else(|refusal| refusal);
    admitted.usage.on(answer)
}

fn look(core: &Core, call: &Call<'_>, admitted: &Admitted) -> Result<Answer, Answer> {
    let parts = meta::without_version(call.asked);
    let id = parts.first().copied().unwrap_or_default();
    let token = &admitted.token;
    let creator = token.grant.creator;
    let is_person = id == ids::user(creator) || (id == "me" && token.kind != Kind::Page);
    match call.endpoint {
        "permissions" if is_person => return Ok(token_facts::permissions(token)),
        "revoke" if is_person => {
            oauth::revoke(core, token);
            return Ok(Answer::ok(json!({"success": true})));
        }
        "pages" if is_person => return pages::list(core, call, token),
        "profile" if is_person => return pages::person(core, call, token),
        _ => {}
    }
    let page = page(core, call, admitted, id)?;
    match call.endpoint {
        "profile" => pages::profile(core, call, &page),
        "posts" => posts::list(call, token, &page),
        "post" => posts::one(call, token, &page, id),
        "account_insights" => page_insights::insights(call, token, &page),
        "post_insights" => post_insights::insights(call, token, &page, id),
        "subscribe" => Ok(Answer::ok(json!({"success": true}))),
        _ => Err(error::missing(id, call.now)),
    }
}

/// The Page that an id is, or belongs to: asked for with its own token.
fn page(core: &Core, call: &Call<'_>, admitted: &Admitted, id: &str) -> Result<Account, Answer> {
    let missing = || error::missing(id, call.now);
    let token = &admitted.token;
    let own = token.grant.accounts().next();
    let key = match (id, token.kind) {
        ("me", Kind::Page) => own,
        _ => ids::of_page(id.split('_').next().unwrap_or_default()),
    };
    let key = key
        .filter(|key| token.grant.is_for(*key))
        .ok_or_else(missing)?;
    if token.kind != Kind::Page && call.endpoint != "profile" {
        return Err(error::known(
            Platform::Facebook,
            "page_token_needed",
            call.now,
        ));
    }
    core.world.account(key).ok_or_else(missing)
}

/// Whether a scope was granted, or the refusal that is Facebook's for content.
fn reads_content(call: &Call<'_>, token: &super::grants::Token) -> Result<(), Answer> {
    if token.grant.has("pages_read_engagement") {
        return Ok(());
    }
    Err(error::known(Platform::Facebook, "permission_10", call.now))
}

/// The metrics that were asked for, if all of them are known: a dead one fails the call.
fn metrics<'a>(call: &'a Call<'_>, known: &[&str]) -> Result<Vec<&'a str>, Answer> {
    let refuse = |name| Err(error::known(Platform::Facebook, name, call.now));
    let metrics = meta::insights::metrics(call);
    match metrics.iter().any(|metric| !known.contains(metric)) {
        _ if metrics.is_empty() => refuse("no_metric"),
        true => refuse("invalid_metric"),
        false => Ok(metrics),
    }
}
