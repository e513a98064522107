//! YouTube channels, over the Data API v3, the Analytics API v2 and Google's OAuth.
//!
//! Sources: YouTube Data API reference (channels, playlistItems, videos, batchGetStats), Analytics
//! API reports, Google's OAuth 2 for web servers, WebSub push notifications.

mod analytics;
mod error;
mod notices;
mod videos;

use super::Reader;
use super::address::Address;
use super::call::{Call, Endpoint, Grant};
use super::class::Class;
use super::failure::Failure;
use super::json::{Doubts, id, list, owned, text, url};
use super::moment;
use super::notice::{NotANotice, Notice};
use super::posts::entries;
use super::reading::Reading;
use super::reply::Reply;
use super::tokens::access_token;
use super::understood::{Content, ProfileFound, SecretId, Understood};
use commands::text::ProfileText;
use domain::Metric;
use domain::observation::{Period, Precision};
use serde_json::Value;
use std::collections::BTreeSet;

/// Reads YouTube's replies.
pub(super) struct Youtube;

/// Subscribers are rounded down to so many digits (Data API, `statistics.subscriberCount`).
const SUBSCRIBER_DIGITS: u8 = 3;

const READONLY: &str = "https://www.googleapis.com/auth/youtube.readonly";
const ANALYTICS: &str = "https://www.googleapis.com/auth/yt-analytics.readonly";

impl Reader for Youtube {
    fn call(&self, method: &str, address: &Address) -> Call {
        let endpoint = match (method, address.last()) {
            (_, "token") => Endpoint::Token(match address.param("grant_type") {
                Some("authorization_code") => Grant::Code,
                Some("refresh_token") => Grant::Refresh,
                _ => Grant::Unstated,
            }),
            (_, "revoke") => Endpoint::Revoke,
            (_, "reports") => match address
                .param("filters")
                .is_some_and(|it| it.contains("video"))
            {
                true => Endpoint::PostInsights,
                false => Endpoint::AccountInsights,
            },
            (_, "channels") => Endpoint::Profile,
            (_, "playlistItems") => Endpoint::Posts,
            _ if address.has("upload") => Endpoint::Publishing,
            ("GET", "videos" | "videos:batchGetStats") => Endpoint::PostsByIds,
            _ => Endpoint::Other,
        };
        Call {
            span: days(address).or_else(|| address.span()),
            ..Call::at(endpoint, address)
        }
    }

    fn understand(&self, call: &Call, reply: &Reply) -> Result<Understood, Failure> {
        let Some(json) = error::check(call, reply)? else {
            return Ok(Understood::bare(Class::OkAlreadyRevoked));
        };
        match call.endpoint {
            Endpoint::Token(grant) => access_token(call, grant, &json, lacks),
            Endpoint::Profile => channel(call, &json),
            Endpoint::Posts => videos::uploads(&json),
            Endpoint::PostsByIds => videos::by_ids(call, &json),
            Endpoint::AccountInsights | Endpoint::PostInsights => analytics::report(call, &json),
            _ => Ok(Understood::bare(Class::Ok)),
        }
    }

    fn notices(&self, body: &[u8]) -> Result<Vec<Notice>, NotANotice> {
        notices::read(body)
    }
}

/// `startDate` and `endDate` of a report: days of California, the last included.
fn days(address: &Address) -> Option<Period> {
    let day = |name| moment::pacific_day(address.param(name)?);
    let (first, last) = (day("startDate")?, day("endDate")?);
    (first.from < last.to).then_some(Period {
        from: first.from,
        to: last.to,
    })
}

/// Whether a scope is missing: people can untick them one by one.
fn lacks(scopes: &BTreeSet<String>) -> bool {
    !scopes.contains(READONLY) || !scopes.contains(ANALYTICS)
}

fn channel(call: &Call, json: &Value) -> Result<Understood, Failure> {
    // An answer without a body says nothing of channels.
    if json.is_null() {
        return Err(Failure::new(Class::Transient, "empty"));
    }
    let items = match json.get("items") {
        // Left out or empty where the person has no channel: both were seen.
        None | Some(Value::Null) => &[],
        Some(_) => entries(json, "items")?,
    };
    let Some(item) = items.first() else {
        return match call.ids {
            Some(_) => Err(Failure::new(Class::NotFound, "no_channel")),
            None => Ok(Understood::bare(Class::OkNoChannel)),
        };
    };
    let account = id(item, "id").ok_or_else(|| Failure::new(Class::Transient, "no_id"))?;
    let mut doubts = Doubts::default();
    let mut reading = Reading::default();
    if let Some(statistics) = item.get("statistics") {
        numbers(statistics, &mut reading, &mut doubts);
    }
    let snippet = item.get("snippet").unwrap_or(&Value::Null);
    let handle = owned(snippet, "customUrl");
    let lists = item
        .get("contentDetails")
        .and_then(|it| it.get("relatedPlaylists"));
    let found = ProfileFound {
        text: ProfileText {
            url: is_id(&account).then(|| format!("https://www.youtube.com/channel/{account}")),
            platform_account_id: account,
            handle: handle.map(|it| it.trim_start_matches('@').to_owned()),
            name: owned(snippet, "title"),
            bio: owned(snippet, "description"),
            avatar_url: thumbnail(snippet),
        },
        reading,
        other_id: None,
        posts_list: lists.and_then(|it| id(it, "uploads")).map(SecretId),
    };
    Ok(Understood::new(Content::Profile(Box::new(found)), doubts))
}

/// Counts as strings. Whatever stands beside `hiddenSubscriberCount` means nothing.
fn numbers(statistics: &Value, reading: &mut Reading, doubts: &mut Doubts) {
    let subscribers = (statistics, "subscriberCount");
    if statistics.get("hiddenSubscriberCount") == Some(&Value::Bool(true)) {
        reading.hidden((&Value::Null, subscribers.1), Metric::Followers);
    } else if reading.count(doubts, subscribers, Metric::Followers) {
        let digits = Precision::SignificantDigits(SUBSCRIBER_DIGITS);
        reading.precision.insert(Metric::Followers, digits);
    }
    reading.count(doubts, (statistics, "viewCount"), Metric::Views);
    reading.count(doubts, (statistics, "videoCount"), Metric::Posts);
}

/// The largest of the pictures that have been there for years; newer keys come and go.
fn thumbnail(snippet: &Value) -> Option<String> {
    let pictures = snippet.get("thumbnails")?;
    let names = ["high", "medium", "default"];
    names
        .iter()
        .find_map(|name| url(pictures.get(name)?, "url"))
}

/// Whether an id can stand in an address as it is.
fn is_id(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    text.bytes().all(fits)
}

/// Where the next page begins.
fn next(json: &Value) -> Option<super::understood::Cursor> {
    text(json, "nextPageToken").map(|it| super::understood::Cursor(it.to_owned()))
}

/// The items of a list; one that is left out is empty.
fn items(json: &Value) -> Result<&[Value], Failure> {
    match json.get("items") {
        None => Ok(list(json, "items")),
        Some(_) => entries(json, "items"),
    }
}
