//! YouTube: Data API v3, Analytics v2 and Google's OAuth.
//!
//! Sources: YouTube Data API reference, quota costs and revision history; YouTube Analytics API;
//! Google Identity, OAuth 2.0 for web server applications.

mod analytics;
mod channels;
mod error;
pub(super) mod ids;
mod oauth;
mod uploads;
mod videos;

use super::answer::Answer;
use super::grants::{Kind, Token};
use super::limits::Bucket;
use super::play::{Call, Core, Play};
use super::request::Asked;
use super::world::AccountKey;
use domain::Platform;
use serde_json::{Map, Value, json};

/// YouTube's part.
pub(super) struct Youtube;

const READ: &str = "https://www.googleapis.com/auth/youtube.readonly";
const READ_AND_WRITE: &str = "https://www.googleapis.com/auth/youtube.force-ssl";

impl Play for Youtube {
    fn endpoint(&self, asked: &Asked) -> Option<&'static str> {
        let (method, host) = (asked.method.as_str(), asked.host.as_str());
        Some(match (method, host, asked.parts().as_slice()) {
            ("GET" | "POST", "accounts.google.com", ["o", "oauth2", "v2", "auth"]) => "authorize",
            ("POST", "oauth2.googleapis.com", ["token"]) => match asked.form("grant_type") {
                Some("refresh_token") => "refresh",
                _ => "token",
            },
            ("POST", "oauth2.googleapis.com", ["revoke"]) => "revoke",
            ("GET", "www.googleapis.com", ["youtube", "v3", "channels"]) => "profile",
            ("GET", "www.googleapis.com", ["youtube", "v3", "playlistItems"]) => "posts",
            ("GET", "www.googleapis.com", ["youtube", "v3", "videos"]) => "posts_by_ids",
            ("GET", "www.googleapis.com", ["youtube", "v3", "videos:batchGetStats"]) => {
                "batch_stats"
            }
            ("GET", "www.googleapis.com", ["youtube", "v3", "search"]) => "search",
            ("GET", "youtubeanalytics.googleapis.com", ["v2", "reports"]) => "account_insights",
            _ => return None,
        })
    }

    fn token<'a>(&self, asked: &'a Asked) -> Option<&'a str> {
        let names = ["access_token", "refresh_token", "token"];
        let presented = asked.bearer.as_deref();
        presented.or_else(|| names.iter().find_map(|name| asked.param(name)))
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

    fn error(&self, name: &str, _now: i64, _about: Option<AccountKey>) -> Option<Answer> {
        error::named(name)
    }

    fn error_names(&self) -> Vec<&'static str> {
        error::names()
    }

    fn unknown(&self, _asked: &Asked) -> Answer {
        error::plain(404, "Not Found", "global", "notFound")
    }
}

/// A call with an access token. The quota is asked first: also what is refused costs.
fn api(core: &Core, call: &Call<'_>) -> Result<Answer, Answer> {
    let token = access(core, call)?;
    let has = |scope: &str| token.grant.has(scope);
    if call.endpoint == "account_insights" {
        return analytics::reports(core, call, &token);
    }
    let bucket = match call.endpoint {
        "search" => Bucket::Search,
        "batch_stats" => Bucket::Batch,
        _ => Bucket::General,
    };
    if !core.limits.youtube(bucket, 1, call.now) {
        return Err(error::known("quota_exceeded"));
    }
    if !has(READ) && !has(READ_AND_WRITE) {
        return Err(error::known("insufficient_permissions"));
    }
    match call.endpoint {
        "profile" => channels::list(core, call, &token),
        "posts" => uploads::list(core, call),
        "posts_by_ids" => videos::list(core, call, &token),
        "batch_stats" => videos::batch(core, call),
        _ => uploads::search(core, call, &token),
    }
}

fn access(core: &Core, call: &Call<'_>) -> Result<Token, Answer> {
    let presented = call.asked.bearer.as_deref();
    let presented = presented.or_else(|| call.asked.query("access_token"));
    let found = core
        .grants
        .check(Platform::Youtube, presented.unwrap_or_default(), call.now);
    found
        .ok()
        .filter(|token| token.kind == Kind::Access)
        .ok_or_else(|| error::known("auth_error"))
}

/// The parts that were asked for; unknown ones are refused.
fn parts<'a>(call: &'a Call<'_>, known: &[&str]) -> Result<Vec<&'a str>, Answer> {
    let named = call.asked.query("part").unwrap_or_default();
    let parts: Vec<_> = named
        .split(',')
        .map(str::trim)
        .filter(|it| !it.is_empty())
        .collect();
    if parts.is_empty() {
        let why = "No filter selected. Expected one of: part";
        return Err(error::plain(
            400,
            why,
            "youtube.parameter",
            "missingRequiredParameter",
        ));
    }
    match parts.iter().find(|part| !known.contains(part)) {
        None => Ok(parts),
        Some(part) => {
            let part: String = part.chars().take(80).collect();
            let why = format!("'{part}' is not a valid part");
            Err(error::plain(400, &why, "youtube.part", "unknownPart"))
        }
    }
}

/// How many entries a page has.
fn max_results(call: &Call<'_>) -> Result<usize, Answer> {
    match call.asked.query("maxResults").map(str::parse::<usize>) {
        None => Ok(5),
        Some(Ok(most)) if most <= 50 => Ok(most),
        Some(_) => {
            let why = "Invalid value for maxResults. Values must be within the range: [0, 50]";
            Err(error::plain(
                400,
                why,
                "youtube.parameter",
                "invalidParameter",
            ))
        }
    }
}

/// A resource: kind, etag, id, and the parts that were asked for.
fn resource(kind: &str, id: &str, parts: &[&str], all: Vec<(&str, Value)>) -> Value {
    let mut resource = Map::new();
    resource.insert("kind".to_owned(), json!(format!("youtube#{kind}")));
    resource.insert("etag".to_owned(), json!(format!("sim{id}")));
    resource.insert("id".to_owned(), json!(id));
    for (part, value) in all {
        if parts.contains(&part) {
            resource.insert(part.to_owned(), value);
        }
    }
    Value::Object(resource)
}

/// A list of resources.
fn listed(kind: &str, items: Vec<Value>, total: usize, per_page: usize) -> Value {
    json!({
        "kind": format!("youtube#{kind}"),
        "etag": "simulatedEtag0000000000000",
        "pageInfo": {"totalResults": total, "resultsPerPage": per_page},
        "items": items,
    })
}

/// Thumbnails of some sizes.
fn thumbnails(url: &str, sizes: &[(&str, u32, u32)]) -> Value {
    let of = |(name, width, height): &(&str, u32, u32)| {
        let size = json!({"url": format!("{url}/{name}.jpg"), "width": width, "height": height});
        ((*name).to_owned(), size)
    };
    Value::Object(sizes.iter().map(of).collect())
}

/// A Unix second as YouTube writes it.
fn time(at: i64) -> String {
    let at = chrono::DateTime::from_timestamp(at, 0).unwrap_or_default();
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
