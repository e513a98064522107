//! TikTok accounts, over the Display API.
//!
//! Sources: TikTok for Developers: OAuth, error handling, user info, video list and query, webhooks.

mod error;
mod notices;

use super::Reader;
use super::address::Address;
use super::call::{Call, Endpoint, Grant};
use super::class::Class;
use super::failure::Failure;
use super::json::{Doubts, Why, id, list, owned, text, url, whole};
use super::moment;
use super::notice::{NotANotice, Notice};
use super::posts::{Page, entries};
use super::reading::Reading;
use super::reply::Reply;
use super::tokens::access_token;
use super::understood::{Content, Cursor, Form, PostFound, ProfileFound, Understood};
use commands::PostSnapshot;
use commands::text::{PostText, ProfileText};
use domain::{Metric, Values};
use serde_json::Value;
use std::collections::BTreeSet;

/// Reads TikTok's replies.
pub(super) struct Tiktok;

/// Metrics of the account. All likes it ever received are a lifetime total.
const USER: [(&str, Metric); 4] = [
    ("follower_count", Metric::Followers),
    ("following_count", Metric::Following),
    ("likes_count", Metric::Likes),
    ("video_count", Metric::Posts),
];

/// Metrics of a video, all of them lifetime totals.
const VIDEO: [(&str, Metric); 4] = [
    ("like_count", Metric::Likes),
    ("comment_count", Metric::Comments),
    ("share_count", Metric::Shares),
    ("view_count", Metric::Views),
];

impl Reader for Tiktok {
    fn call(&self, _method: &str, address: &Address) -> Call {
        let endpoint = match (address.before_last(), address.last()) {
            ("oauth", "token") => Endpoint::Token(match address.param("grant_type") {
                Some("authorization_code") => Grant::Code,
                Some("refresh_token") => Grant::Refresh,
                _ => Grant::Unstated,
            }),
            ("oauth", "revoke") => Endpoint::Revoke,
            ("user", "info") => Endpoint::Profile,
            ("video", "list") => Endpoint::Posts,
            ("video", "query") => Endpoint::PostsByIds,
            _ if address.has("publish") => Endpoint::Publishing,
            _ => Endpoint::Other,
        };
        Call::at(endpoint, address)
    }

    fn understand(&self, call: &Call, reply: &Reply) -> Result<Understood, Failure> {
        let json = error::check(call, reply)?;
        let Some(json) = json else {
            return Ok(Understood::bare(Class::OkAlreadyRevoked));
        };
        let data = json.get("data").unwrap_or(&Value::Null);
        match call.endpoint {
            Endpoint::Token(grant) => access_token(call, grant, &json, is_basic),
            Endpoint::Profile => profile(call, data),
            Endpoint::Posts | Endpoint::PostsByIds => videos(call, data),
            Endpoint::Publishing => match text(data, "status") {
                Some("FAILED") => {
                    let reason = text(data, "fail_reason").unwrap_or("FAILED");
                    Err(Failure::new(Class::PublishFailed, reason))
                }
                _ => Ok(Understood::bare(Class::Ok)),
            },
            _ => Ok(Understood::bare(Class::Ok)),
        }
    }

    fn notices(&self, body: &[u8]) -> Result<Vec<Notice>, NotANotice> {
        notices::read(body)
    }
}

/// Whether no more was granted than the name and the picture.
fn is_basic(scopes: &BTreeSet<String>) -> bool {
    scopes.iter().all(|scope| scope == "user.info.basic")
}

fn profile(call: &Call, data: &Value) -> Result<Understood, Failure> {
    let user = data.get("user").unwrap_or(&Value::Null);
    let account = id(user, "open_id").ok_or_else(|| Failure::new(Class::Transient, "no_id"))?;
    let mut doubts = Doubts::default();
    let mut reading = Reading::default();
    reading.counts(&mut doubts, user, |field| call.asked_for(field), &USER);
    let avatars = ["avatar_large_url", "avatar_url", "avatar_url_100"];
    let found = ProfileFound {
        text: ProfileText {
            platform_account_id: account,
            handle: owned(user, "username"),
            name: owned(user, "display_name"),
            bio: owned(user, "bio_description"),
            url: url(user, "profile_web_link").or_else(|| url(user, "profile_deep_link")),
            avatar_url: avatars.iter().find_map(|field| url(user, field)),
        },
        reading,
        other_id: None,
        posts_list: None,
    };
    Ok(Understood::new(Content::Profile(Box::new(found)), doubts))
}

fn videos(call: &Call, data: &Value) -> Result<Understood, Failure> {
    let mut page = Page::default();
    for entry in entries(data, "videos")? {
        video(call, entry, &mut page);
    }
    let by_ids = call.endpoint == Endpoint::PostsByIds;
    // Videos that are gone are silently left out.
    if by_ids && page.len() == 0 && list(data, "videos").is_empty() {
        return Err(Failure::new(Class::NotFound, "no_videos"));
    }
    let is_short = by_ids && call.ids.is_some_and(|asked| page.len() < asked);
    // A page may be empty and not the last: only `has_more` tells.
    let has_more = !by_ids && data.get("has_more") == Some(&Value::Bool(true));
    let cursor = id(data, "cursor").filter(|_| has_more).map(Cursor);
    if has_more && cursor.is_none() {
        page.doubts.add("cursor", Why::NoCursor);
    }
    let found = page.done(cursor);
    Ok(match is_short {
        true => found.classed(Class::Partial),
        false => found,
    })
}

fn video(call: &Call, entry: &Value, page: &mut Page) {
    let Some(post) = id(entry, "id") else {
        page.doubts.add("id", Why::NoId);
        return;
    };
    let mut reading = Reading::default();
    reading.counts(
        &mut page.doubts,
        entry,
        |field| call.asked_for(field),
        &VIDEO,
    );
    // The time of a video is in seconds, the cursor of a page in milliseconds.
    let seconds = page.doubts.count(entry, "create_time");
    let published_at = seconds.and_then(moment::from_seconds);
    if seconds.is_some() && published_at.is_none() {
        page.doubts.add("create_time", Why::NotATime);
    }
    let length = entry
        .get("duration")
        .and_then(|it| whole(it).ok().flatten());
    let snapshot = PostSnapshot {
        text: PostText {
            platform_post_id: post,
            title: owned(entry, "title"),
            caption: owned(entry, "video_description"),
            url: url(entry, "share_url"),
            thumbnail_url: url(entry, "cover_image_url"),
        },
        published_at,
        values: Values::new(),
    };
    let post = PostFound {
        snapshot,
        form: Form::Video,
        length_ms: length.and_then(|seconds| seconds.checked_mul(1_000)),
        is_named_only: false,
    };
    page.push(post, reading);
}
