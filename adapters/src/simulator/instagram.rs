//! Instagram API with Instagram Login: `www.`, `api.` and `graph.instagram.com`.
//!
//! Sources: Instagram Platform documentation (business login, IG User, IG Media, insights).

mod account_insights;
pub(super) mod ids;
mod media;
mod media_insights;
mod oauth;
mod profile;

pub(super) use media::time;

use super::answer::Answer;
use super::meta::{self, error};
use super::play::{Call, Core, Play};
use super::request::Asked;
use super::world::AccountKey;
use domain::Platform;
use serde_json::json;

/// Instagram's part.
pub(super) struct Instagram;

/// What a node of the graph is.
enum Node {
    Account,
    Media(super::world::PostKey, u8),
    Story(u32),
}

impl Play for Instagram {
    fn endpoint(&self, asked: &Asked) -> Option<&'static str> {
        let (method, host) = (asked.method.as_str(), asked.host.as_str());
        let is_medium = |id: &str| id.starts_with("18");
        Some(
            match (method, host, meta::without_version(asked).as_slice()) {
                ("GET" | "POST", "www.instagram.com", ["oauth", "authorize"]) => "authorize",
                ("POST", "api.instagram.com", ["oauth", "access_token"]) => "token",
                ("GET", "graph.instagram.com", ["access_token"]) => "exchange",
                ("GET", "graph.instagram.com", ["refresh_access_token"]) => "refresh",
                ("POST", "graph.instagram.com", [_, "subscribed_apps"]) => "subscribe",
                ("GET", "graph.instagram.com", [_, "media"]) => "posts",
                ("GET", "graph.instagram.com", [_, "stories"]) => "stories",
                ("GET", "graph.instagram.com", [id, "insights"]) if is_medium(id) => {
                    "post_insights"
                }
                ("GET", "graph.instagram.com", [_, "insights"]) => "account_insights",
                ("GET", "graph.instagram.com", [id]) if is_medium(id) => "post",
                ("GET", "graph.instagram.com", [_]) => "profile",
                _ => return None,
            },
        )
    }

    fn token<'a>(&self, asked: &'a Asked) -> Option<&'a str> {
        meta::token(asked)
    }

    fn answer(&self, core: &Core, call: &Call<'_>) -> Answer {
        match call.endpoint {
            "authorize" => oauth::authorize(core, call),
            "token" => oauth::token(core, call),
            "exchange" => oauth::exchange(core, call),
            "refresh" => oauth::refresh(core, call),
            _ => graph(core, call),
        }
    }

    fn error(&self, name: &str, now: i64, about: Option<AccountKey>) -> Option<Answer> {
        error::named(Platform::Instagram, name, now, about)
    }

    fn error_names(&self) -> Vec<&'static str> {
        error::names(Platform::Instagram)
    }

    fn unknown(&self, asked: &Asked) -> Answer {
        error::unknown_path(&asked.path.join("/"))
    }
}

fn graph(core: &Core, call: &Call<'_>) -> Answer {
    let admitted = match meta::admit(core, call, Platform::Instagram) {
        Ok(admitted) => admitted,
        Err(refusal) => return refusal,
    };
    let answer = look(core, call, &admitted).unwrap_or_else(|refusal| refusal);
    admitted.usage.on(answer)
}

fn look(core: &Core, call: &Call<'_>, admitted: &meta::Admitted) -> Result<Answer, Answer> {
    let parts = meta::without_version(call.asked);
    let id = parts.first().copied().unwrap_or_default();
    let missing = || error::missing(id, call.now);
    let account = core.account_of_token(&admitted.token).ok_or_else(missing)?;
    let node = ids::node(id, account.key).ok_or_else(missing)?;
    let grant = &admitted.token.grant;
    if call.endpoint.ends_with("insights") && !grant.has("instagram_business_manage_insights") {
        return Err(error::needs("instagram_business_manage_insights", call.now));
    }
    match (node, call.endpoint) {
        (Node::Account, "profile") => profile::profile(call, &account),
        (Node::Account, "posts") => media::list(call, &account),
        (Node::Account, "stories") => media::stories(call, &account),
        (Node::Account, "account_insights") => account_insights::insights(call, &account),
        (Node::Account, "subscribe") => Ok(Answer::ok(json!({"success": true}))),
        (Node::Media(key, child), "post") => media::one(call, &account, key, child),
        (Node::Media(key, 0), "post_insights") => media_insights::of_post(call, &account, key),
        (Node::Story(slot), "post") => media::story(call, &account, slot),
        (Node::Story(slot), "post_insights") => media_insights::of_story(call, &account, slot),
        _ => Err(missing()),
    }
}
