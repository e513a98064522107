//! Instagram professional accounts, over Instagram Login (and the same nodes over Facebook Login).
//!
//! Sources: Instagram Platform documentation: business login, IG User, IG Media, insights.

use super::address::Address;
use super::call::{Call, Endpoint};
use super::class::Class;
use super::failure::Failure;
use super::json::{Doubts, Why, id, list, owned, text, url};
use super::meta::insights::{self, Rule, ours, theirs};
use super::meta::{MetaReader, paging, route, tokens};
use super::posts::{Page, entries};
use super::reading::Reading;
use super::understood::{Content, FigureUnit, Form, PostFound, ProfileFound, SecretId, Understood};
use commands::PostSnapshot;
use commands::text::{PostText, ProfileText};
use domain::{Metric, Values};
use serde_json::Value;
use std::collections::BTreeSet;

/// Reads Instagram's replies.
pub(super) static READER: MetaReader = MetaReader { endpoint, read };

/// The scope without which nothing works.
const BASIC_SCOPES: [&str; 2] = ["instagram_business_basic", "instagram_basic"];

/// Metrics of the profile.
const PROFILE: [(&str, Metric); 3] = [
    ("followers_count", Metric::Followers),
    ("follows_count", Metric::Following),
    ("media_count", Metric::Posts),
];

/// Metrics in a list of media.
const MEDIA: [(&str, Metric); 2] = [
    ("like_count", Metric::Likes),
    ("comments_count", Metric::Comments),
];

/// Insights of media. Names of before 2025 (`plays`, `impressions`...) measured other things and
/// are passed over.
static OF_MEDIA: [Rule; 14] = [
    ours("views", Metric::Views),
    ours("reach", Metric::Reach),
    ours("likes", Metric::Likes),
    ours("comments", Metric::Comments),
    ours("saved", Metric::Saves),
    ours("shares", Metric::Shares),
    ours("ig_reels_video_view_total_time", Metric::WatchTime),
    theirs("ig_reels_avg_watch_time", FigureUnit::Milliseconds),
    theirs("reposts", FigureUnit::Count),
    theirs("total_interactions", FigureUnit::Count),
    theirs("follows", FigureUnit::Count),
    theirs("profile_visits", FigureUnit::Count),
    theirs("profile_activity", FigureUnit::Count),
    theirs("navigation", FigureUnit::Count),
];

/// Insights of the account: amounts within a span, none of which is a total of the ledger.
static OF_ACCOUNT: [Rule; 14] = [
    theirs("accounts_engaged", FigureUnit::Count),
    theirs("comments", FigureUnit::Count),
    theirs("follows_and_unfollows", FigureUnit::Count),
    theirs("likes", FigureUnit::Count),
    theirs("profile_links_taps", FigureUnit::Count),
    theirs("reach", FigureUnit::Count),
    theirs("replies", FigureUnit::Count),
    theirs("reposts", FigureUnit::Count),
    theirs("saves", FigureUnit::Count),
    theirs("shares", FigureUnit::Count),
    theirs("total_interactions", FigureUnit::Count),
    theirs("views", FigureUnit::Count),
    theirs("follower_demographics", FigureUnit::Count),
    theirs("engaged_audience_demographics", FigureUnit::Count),
];

fn endpoint(method: &str, address: &Address) -> Endpoint {
    if let Some(node) = address.before("insights") {
        return of_insights(node, address);
    }
    let fields = address.list("fields").unwrap_or_default();
    let is_container = fields.contains("status_code") || address.last().contains("container");
    match (method, address.last()) {
        (_, "media_publish" | "content_publishing_limit") | ("POST", "media") => {
            Endpoint::Publishing
        }
        (_, "media") => Endpoint::Posts,
        (_, "stories") => Endpoint::Stories,
        (_, "me") => Endpoint::Profile,
        _ if !address.ends_in_id() => Endpoint::Other,
        _ if is_container => Endpoint::Publishing,
        (_, node) if fields.contains("followers_count") || is_account(node) => Endpoint::Profile,
        _ => Endpoint::PostsByIds,
    }
}

/// A placeholder for an account's id.
fn is_account(node: &str) -> bool {
    ["<ig_id>", "<ig-id>", "<user_id>", "me"].contains(&node)
}

fn of_insights(node: &str, address: &Address) -> Endpoint {
    let spans = ["since", "until", "timeframe"];
    let of_account = is_account(node)
        || address.param("period") == Some("day")
        || address
            .param("metric")
            .is_some_and(|it| it.contains("demographics"))
        || spans.iter().any(|it| address.param(it).is_some());
    match of_account && !route::names_post(node) {
        true => Endpoint::AccountInsights,
        false => Endpoint::PostInsights,
    }
}

fn read(call: &Call, json: &Value) -> Result<Understood, Failure> {
    match call.endpoint {
        Endpoint::Token(_) => tokens::access_token(call, json, only_basic),
        Endpoint::Scopes => tokens::scopes(call, json),
        Endpoint::TokenFacts => tokens::token_facts(json),
        Endpoint::Accounts => tokens::accounts(json),
        Endpoint::Profile => profile(call, json),
        Endpoint::Posts | Endpoint::Stories => media_list(call, json),
        Endpoint::PostsByIds => {
            let mut page = Page::default();
            media(call, json, &mut page);
            Ok(page.done(None))
        }
        Endpoint::PostInsights => insights::read(call, json, &OF_MEDIA, (true, Class::OkNoData)),
        Endpoint::AccountInsights => {
            insights::read(call, json, &OF_ACCOUNT, (false, Class::OkNoData))
        }
        Endpoint::Publishing => publishing(json),
        Endpoint::Revoke | Endpoint::Other => Ok(Understood::bare(Class::Ok)),
    }
}

/// Nothing but what signing in needs: no app asks for so little in order to read numbers.
fn only_basic(scopes: &BTreeSet<String>) -> bool {
    scopes
        .iter()
        .all(|scope| BASIC_SCOPES.contains(&scope.as_str()))
}

/// The account. Documented as the one entry of `data`, in practice flat. `user_id` names the
/// account for everyone, `id` for our app alone; where the former was asked for and is missing, the
/// latter must not take its place.
fn profile(call: &Call, json: &Value) -> Result<Understood, Failure> {
    let flat = list(json, "data").first().unwrap_or(json);
    let app_scoped = id(flat, "id");
    let account = match (id(flat, "user_id"), call.asked_for("user_id")) {
        (None, Some(true)) => None,
        (None, _) => app_scoped.clone(),
        (account, _) => account,
    };
    let account = account.ok_or_else(|| Failure::new(Class::Transient, "no_id"))?;
    let mut doubts = Doubts::default();
    let mut reading = Reading::default();
    reading.counts(&mut doubts, flat, |field| call.asked_for(field), &PROFILE);
    let handle = owned(flat, "username");
    let found = ProfileFound {
        other_id: app_scoped.filter(|id| *id != account).map(SecretId),
        text: ProfileText {
            platform_account_id: account,
            url: handle.as_deref().and_then(link),
            handle,
            name: owned(flat, "name"),
            bio: owned(flat, "biography"),
            avatar_url: url(flat, "profile_picture_url"),
        },
        reading,
        posts_list: None,
    };
    Ok(Understood::new(Content::Profile(Box::new(found)), doubts))
}

/// Where an account can be looked at; names have no other characters.
fn link(handle: &str) -> Option<String> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_';
    let fits = handle.bytes().all(is_name);
    fits.then(|| format!("https://www.instagram.com/{handle}/"))
}

fn media_list(call: &Call, json: &Value) -> Result<Understood, Failure> {
    let mut page = Page::default();
    for entry in entries(json, "data")? {
        media(call, entry, &mut page);
    }
    let next = paging::next(json, &mut page.doubts);
    Ok(page.done(next))
}

fn media(call: &Call, entry: &Value, page: &mut Page) {
    let Some(post) = id(entry, "id") else {
        page.doubts.add("id", Why::NoId);
        return;
    };
    let form = match text(entry, "media_product_type") {
        _ if call.endpoint == Endpoint::Stories => Form::Story,
        Some("STORY") => Form::Story,
        Some("REELS") => Form::Reel,
        Some("AD") => Form::Ad,
        _ => Form::Feed,
    };
    let mut reading = Reading::default();
    // Stories have no counts here, whatever was asked for: that hides nothing. A like count that
    // is missing elsewhere is hidden by the owner.
    let asked_for = |field: &str| match form {
        Form::Story => Some(false),
        _ => call.asked_for(field),
    };
    reading.counts(&mut page.doubts, entry, asked_for, &MEDIA);
    // A video's own address is no picture.
    let picture = url(entry, "thumbnail_url").or_else(|| match text(entry, "media_type") {
        Some("VIDEO") | None => None,
        Some(_) => url(entry, "media_url"),
    });
    let snapshot = PostSnapshot {
        text: PostText {
            platform_post_id: post,
            title: None,
            caption: owned(entry, "caption"),
            url: url(entry, "permalink"),
            thumbnail_url: picture,
        },
        published_at: page.doubts.time(entry, "timestamp"),
        values: Values::new(),
    };
    let post = PostFound {
        snapshot,
        form,
        length_ms: None,
        is_named_only: false,
    };
    page.push(post, reading);
}

/// A container: what is being made ready to be published.
fn publishing(json: &Value) -> Result<Understood, Failure> {
    match text(json, "status_code") {
        Some(status @ ("ERROR" | "EXPIRED")) => Err(Failure::new(Class::PublishFailed, status)),
        _ => Ok(Understood::bare(Class::Ok)),
    }
}
