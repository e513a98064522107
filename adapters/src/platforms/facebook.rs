//! Facebook Pages.
//!
//! Sources: Pages API (posts, insights, changelog, deprecated metrics), access tokens, rate limits.

use super::address::Address;
use super::call::{Call, Endpoint};
use super::class::Class;
use super::failure::Failure;
use super::json::{Doubts, Why, id, list, owned, text, url};
use super::meta::insights::{self, Object, Rule, ours, theirs};
use super::meta::{MetaReader, paging, route, tokens};
use super::posts::{Page, entries};
use super::reading::Reading;
use super::understood::{Content, FigureUnit, Form, PostFound, ProfileFound, Understood};
use commands::PostSnapshot;
use commands::text::{PostText, ProfileText};
use domain::{Metric, Values};
use serde_json::Value;

/// Reads the replies about Facebook Pages.
pub(super) static READER: MetaReader = MetaReader { endpoint, read };

/// Metrics of a Page: who follows it and who likes it are two numbers.
const PAGE: [(&str, Metric); 2] = [
    ("followers_count", Metric::Followers),
    ("fan_count", Metric::PageLikes),
];

/// Insights of posts. `post_video_view_time` is left out: its unit is not confirmed.
static OF_POST: [Rule; 6] = [
    ours("post_media_view", Metric::Views),
    ours("post_total_media_view_unique", Metric::Reach),
    // All reactions are likes here, as in a list of posts.
    ours("post_reactions_by_type_total", Metric::Likes),
    theirs("post_clicks", FigureUnit::Count),
    theirs("post_clicks_by_type", FigureUnit::Count),
    theirs("post_video_views", FigureUnit::Count),
];

/// Insights of the Page, by day. Only `page_follows` is a running total.
static OF_PAGE: [Rule; 11] = [
    ours("page_follows", Metric::Followers),
    theirs("page_daily_follows", FigureUnit::Count),
    theirs("page_daily_follows_unique", FigureUnit::Count),
    theirs("page_daily_unfollows_unique", FigureUnit::Count),
    theirs("page_media_view", FigureUnit::Count),
    theirs("page_total_media_view_unique", FigureUnit::Count),
    theirs("page_post_engagements", FigureUnit::Count),
    theirs("page_views_total", FigureUnit::Count),
    theirs("page_total_actions", FigureUnit::Count),
    Rule {
        object: Object::Parts("country"),
        ..theirs("page_follows_country", FigureUnit::Count)
    },
    Rule {
        object: Object::Parts("city"),
        ..theirs("page_follows_city", FigureUnit::Count)
    },
];

fn endpoint(method: &str, address: &Address) -> Endpoint {
    if let Some(node) = address.before("insights") {
        let names_post = |metrics: &str| metrics.starts_with("post_");
        let of_post = route::names_post(node) || address.param("metric").is_some_and(names_post);
        return match of_post {
            true => Endpoint::PostInsights,
            false => Endpoint::AccountInsights,
        };
    }
    match (method, address.last()) {
        (_, "video_reels" | "photos") | ("POST", "feed") => Endpoint::Publishing,
        (_, "published_posts" | "feed" | "posts") => Endpoint::Posts,
        (_, node) if node.contains("video") => Endpoint::Publishing,
        (_, node) if address.ends_in_id() && route::names_post(node) => Endpoint::PostsByIds,
        _ if address.ends_in_id() => Endpoint::Profile,
        _ => Endpoint::Other,
    }
}

fn read(call: &Call, json: &Value) -> Result<Understood, Failure> {
    match call.endpoint {
        Endpoint::Token(_) => tokens::access_token(call, json, |_| false),
        Endpoint::Scopes => tokens::scopes(call, json),
        Endpoint::TokenFacts => tokens::token_facts(json),
        Endpoint::Accounts => tokens::accounts(json),
        Endpoint::Profile => profile(call, json),
        Endpoint::Posts => posts(call, json),
        Endpoint::PostsByIds => {
            let mut page = Page::default();
            post(call, json, &mut page);
            Ok(page.done(None))
        }
        // Photos and videos are no post nodes: they answer with nothing at all.
        Endpoint::PostInsights => insights::read(call, json, &OF_POST, (true, Class::OkNoData)),
        // A missing `read_insights` is answered with nothing at all, and no error.
        Endpoint::AccountInsights => {
            insights::read(call, json, &OF_PAGE, (false, Class::PermissionSuspected))
        }
        Endpoint::Publishing => publishing(json),
        Endpoint::Stories | Endpoint::Revoke | Endpoint::Other => Ok(Understood::bare(Class::Ok)),
    }
}

fn profile(call: &Call, json: &Value) -> Result<Understood, Failure> {
    let page = id(json, "id").ok_or_else(|| Failure::new(Class::Transient, "no_id"))?;
    let mut doubts = Doubts::default();
    let mut reading = Reading::default();
    reading.counts(&mut doubts, json, |field| call.asked_for(field), &PAGE);
    let picture = json.get("picture").and_then(|it| it.get("data"));
    let found = ProfileFound {
        text: ProfileText {
            platform_account_id: page,
            handle: owned(json, "username"),
            name: owned(json, "name"),
            bio: owned(json, "about"),
            url: url(json, "link"),
            avatar_url: picture.and_then(|it| url(it, "url")),
        },
        reading,
        other_id: None,
        posts_list: None,
    };
    Ok(Understood::new(Content::Profile(Box::new(found)), doubts))
}

/// Ranked, not in the order of time: the oldest of a page says nothing of the next.
fn posts(call: &Call, json: &Value) -> Result<Understood, Failure> {
    let mut page = Page::default();
    for entry in entries(json, "data")? {
        post(call, entry, &mut page);
    }
    let next = paging::next(json, &mut page.doubts);
    Ok(page.done(next))
}

fn post(call: &Call, entry: &Value, page: &mut Page) {
    let Some(post) = id(entry, "id") else {
        page.doubts.add("id", Why::NoId);
        return;
    };
    let mut reading = Reading::default();
    for (field, metric) in [("reactions", Metric::Likes), ("comments", Metric::Comments)] {
        let summary = entry.get(field).and_then(|it| it.get("summary"));
        match summary.and_then(|it| page.doubts.count(it, "total_count")) {
            Some(count) => reading.known(metric, field, count),
            None if summary.is_none() && call.asked_for(field) == Some(true) => {
                reading.hidden((entry, field), metric);
            }
            None => {}
        }
    }
    // Facebook leaves out shares that are zero (Pages API); only of a field that was asked for is
    // that known.
    match entry.get("shares") {
        Some(shares) => {
            if let Some(count) = page.doubts.count(shares, "count") {
                reading.known(Metric::Shares, "shares", count);
            }
        }
        None if call.asked_for("shares") == Some(true) => {
            reading.known(Metric::Shares, "shares", 0);
        }
        None => {}
    }
    let attachments = entry.get("attachments").unwrap_or(&Value::Null);
    let is_video = list(attachments, "data")
        .first()
        .and_then(|it| text(it, "media_type"));
    let snapshot = PostSnapshot {
        text: PostText {
            platform_post_id: post,
            title: None,
            caption: owned(entry, "message").or_else(|| owned(entry, "story")),
            url: url(entry, "permalink_url"),
            thumbnail_url: url(entry, "full_picture"),
        },
        published_at: page.doubts.time(entry, "created_time"),
        values: Values::new(),
    };
    let link = snapshot.text.url.as_deref().unwrap_or_default();
    let form = match is_video {
        _ if link.contains("/reel/") => Form::Reel,
        Some("video") => Form::Video,
        _ => Form::Feed,
    };
    let post = PostFound {
        snapshot,
        form,
        length_ms: None,
        is_named_only: false,
    };
    page.push(post, reading);
}

fn publishing(json: &Value) -> Result<Understood, Failure> {
    let status = json.get("status").unwrap_or(&Value::Null);
    match text(status, "video_status") {
        Some(status @ ("error" | "expired" | "upload_failed")) => {
            Err(Failure::new(Class::PublishFailed, status))
        }
        _ => Ok(Understood::bare(Class::Ok)),
    }
}
