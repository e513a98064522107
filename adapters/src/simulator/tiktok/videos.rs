//! TikTok's videos: public ones, newest first; times in seconds, cursors in milliseconds.

use super::{enveloped, error, fields, ids, page_of, picked};
use crate::simulator::answer::Answer;
use crate::simulator::grants::Token;
use crate::simulator::play::Call;
use crate::simulator::world::{Account, Post, Visibility};
use serde_json::{Value, json};

/// Videos on a page, if nobody says how many, and at most; also by ids.
const DEFAULT_COUNT: u64 = 10;
const MAX_COUNT: u64 = 20;

/// Characters of a title.
const TITLE: usize = 150;

fn scope_of(field: &str) -> Option<&'static str> {
    let known = [
        "id",
        "create_time",
        "cover_image_url",
        "share_url",
        "video_description",
        "title",
        "duration",
        "height",
        "width",
        "embed_html",
        "embed_link",
        "like_count",
        "comment_count",
        "share_count",
        "view_count",
    ];
    known.contains(&field).then_some("video.list")
}

pub(super) fn list(call: &Call<'_>, token: &Token, account: &Account) -> Result<Answer, Answer> {
    let fields = fields(call, token, scope_of)?;
    let body = call.asked.json.as_ref().unwrap_or(&Value::Null);
    let count = match body.get("max_count") {
        None => DEFAULT_COUNT,
        Some(count) => count
            .as_u64()
            .filter(|count| (1..=MAX_COUNT).contains(count))
            .ok_or_else(|| error::known("invalid_params", call.now))?,
    };
    let before = match body.get("cursor") {
        None => i64::MAX,
        Some(cursor) => cursor.as_i64().ok_or_else(|| {
            error::answer(
                400,
                "invalid_params",
                "Invalid cursor: must be int64",
                call.now,
            )
        })?,
    };
    let mut videos = account
        .posts(call.at)
        .filter(|it| it.published * 1_000 < before);
    let page: Vec<_> = videos.by_ref().take(count as usize).collect();
    let cursor = page
        .last()
        .map_or(before.min(call.now * 1_000), |it| it.published * 1_000);
    let has_more = videos.next().is_some();
    let page: Vec<_> = page
        .iter()
        .map(|post| picked(whole(call, account, post), &fields))
        .collect();
    let data = json!({"videos": page, "cursor": cursor, "has_more": has_more});
    Ok(enveloped(call, data))
}

/// Videos by their ids; those that are gone or somebody else's are silently left out.
pub(super) fn query(call: &Call<'_>, token: &Token, account: &Account) -> Result<Answer, Answer> {
    let fields = fields(call, token, scope_of)?;
    let body = call.asked.json.as_ref().unwrap_or(&Value::Null);
    let ids = body.pointer("/filters/video_ids").and_then(Value::as_array);
    let ids = ids
        .filter(|ids| !ids.is_empty() && ids.len() as u64 <= MAX_COUNT)
        .ok_or_else(|| {
            let why = "Invalid video_ids: between 1 and 20 are expected";
            error::answer(400, "invalid_params", why, call.now)
        })?;
    let videos: Vec<_> = ids
        .iter()
        .filter_map(|id| ids::of_video(id.as_str()?))
        .filter(|key| key.account == account.key)
        .filter_map(|key| account.post(key.slot, call.at))
        .filter(|post| post.visibility == Visibility::Public)
        .map(|post| picked(whole(call, account, &post), &fields))
        .collect();
    Ok(enveloped(call, json!({"videos": videos})))
}

/// All fields of a video. Likes, comments and shares are of 32 bits there.
fn whole(call: &Call<'_>, account: &Account, post: &Post) -> Value {
    let numbers = account.numbers(post, call.at);
    let int32 = |count: i64| count.min(i64::from(i32::MAX));
    let id = ids::video(post.key);
    let handle = account.handle(call.at);
    let text = account.text(post);
    let share = format!("{}/video/{id}?utm_campaign=tt4d_open_api", page_of(&handle));
    let embed = format!("https://www.tiktok.com/player/v1/{id}?utm_campaign=tt4d_open_api");
    // The parameter named like a token belongs to the address, as on the real one.
    let expires = call.now + 6 * 3_600;
    let cover = format!(
        "https://p16.simulated.example/obj/{id}?refresh_token={:x}&x-expires={expires}",
        post.key.number()
    );
    json!({
        "id": id,
        "create_time": post.published,
        "cover_image_url": cover,
        "share_url": share,
        "video_description": text,
        "title": text.chars().take(TITLE).collect::<String>(),
        "duration": post.length,
        "height": 1920,
        "width": 1080,
        "embed_html": format!("<blockquote class=\"tiktok-embed\" data-video-id=\"{id}\"> <section> </section> </blockquote>"),
        "embed_link": embed,
        "like_count": int32(numbers.likes),
        "comment_count": int32(numbers.comments),
        "share_count": int32(numbers.shares),
        "view_count": numbers.views,
    })
}
