//! Media and stories of an Instagram account.

use super::ids;
use crate::simulator::answer::Answer;
use crate::simulator::meta::{error, fields, paging};
use crate::simulator::play::Call;
use crate::simulator::world::{Account, Form, Post, PostKey, Story, Visibility};
use chrono::DateTime;
use serde_json::{Map, Value, json};

const KNOWN: [&str; 18] = [
    "id",
    "caption",
    "media_type",
    "media_product_type",
    "media_url",
    "thumbnail_url",
    "permalink",
    "shortcode",
    "timestamp",
    "username",
    "owner",
    "like_count",
    "comments_count",
    "is_comment_enabled",
    "is_shared_to_feed",
    "alt_text",
    "media_audio_type",
    "children",
];

/// Children of a carousel.
const CHILDREN: u8 = 3;

/// A Unix second as the Graph API writes it: with an offset that has no colon.
pub(in crate::simulator) fn time(at: i64) -> String {
    let at = DateTime::from_timestamp(at, 0).unwrap_or_default();
    at.format("%Y-%m-%dT%H:%M:%S+0000").to_string()
}

/// Media, newest first. `since` and `until` are Unix seconds.
pub(super) fn list(call: &Call<'_>, account: &Account) -> Result<Answer, Answer> {
    let limit = paging::limit(call)?.min(paging::MAX_LIMIT);
    let below = paging::after(call)?;
    let bound = |name| call.asked.param(name).and_then(|it| it.parse::<i64>().ok());
    let (since, until) = (bound("since"), bound("until"));
    let mut posts = account
        .posts(call.at)
        .filter(|post| below.is_none_or(|below| post.key.slot < below))
        .filter(|post| since.is_none_or(|since| post.published >= since))
        .filter(|post| until.is_none_or(|until| post.published <= until));
    let mut entries = Vec::new();
    for post in posts.by_ref().take(limit) {
        entries.push((post.key.slot, selected(call, account, &post)?));
    }
    let more = posts.next().is_some();
    Ok(Answer::ok(paging::page(call, entries, more)))
}

/// The stories of the last day, on one page.
pub(super) fn stories(call: &Call<'_>, account: &Account) -> Result<Answer, Answer> {
    let stories = account.stories(call.at);
    let entries = stories
        .iter()
        .map(|story| select(call, of_story(call, account, story)));
    let data: Vec<_> = entries.collect::<Result<_, _>>()?;
    Ok(Answer::ok(json!({ "data": data })))
}

/// One of the media, or a child of it.
pub(super) fn one(
    call: &Call<'_>,
    account: &Account,
    key: PostKey,
    child: u8,
) -> Result<Answer, Answer> {
    let post = public(call, account, key)?;
    if child == 0 {
        return selected(call, account, &post).map(Answer::ok);
    }
    if post.form != Form::Carousel || child > CHILDREN {
        return Err(error::missing(&ids::media(key, child), call.now));
    }
    let mut all = child_of(&post, child);
    all.insert("timestamp".to_owned(), json!(time(post.published)));
    all.insert("username".to_owned(), json!(account.handle(call.at)));
    all.insert(
        "owner".to_owned(),
        json!({"id": ids::professional(account.key)}),
    );
    select(call, all).map(Answer::ok)
}

/// One story.
pub(super) fn story(call: &Call<'_>, account: &Account, slot: u32) -> Result<Answer, Answer> {
    let story = account
        .story(slot, call.at)
        .ok_or_else(|| error::missing(&ids::story(account.key, slot), call.now))?;
    select(call, of_story(call, account, &story)).map(Answer::ok)
}

/// A post that everybody can see.
pub(super) fn public(call: &Call<'_>, account: &Account, key: PostKey) -> Result<Post, Answer> {
    let post = account.post(key.slot, call.at);
    post.filter(|post| post.visibility == Visibility::Public)
        .ok_or_else(|| error::missing(&ids::media(key, 0), call.now))
}

fn select(call: &Call<'_>, all: Map<String, Value>) -> Result<Value, Answer> {
    fields::select(call, all, &KNOWN, "IGMedia", "id")
}

fn selected(call: &Call<'_>, account: &Account, post: &Post) -> Result<Value, Answer> {
    select(call, whole(call, account, post))
}

/// All fields of a post. Likes that are hidden are not there, nor captions that are empty.
fn whole(call: &Call<'_>, account: &Account, post: &Post) -> Map<String, Value> {
    let numbers = account.numbers(post, call.at);
    let (id, code) = (ids::media(post.key, 0), ids::shortcode(post.key));
    let caption = account.text(post);
    let (kind, product, link) = match post.form {
        Form::Carousel => ("CAROUSEL_ALBUM", "FEED", "p"),
        Form::Short => ("VIDEO", "REELS", "reel"),
        Form::Video | Form::Upcoming => ("VIDEO", "FEED", "p"),
        Form::Image | Form::Text => ("IMAGE", "FEED", "p"),
    };
    let mut all = Map::new();
    let mut put = |name: &str, value: Value| all.insert(name.to_owned(), value);
    put("id", json!(id));
    if !caption.is_empty() {
        put("caption", json!(caption));
    }
    put("media_type", json!(kind));
    put("media_product_type", json!(product));
    // Left out for media that a rights holder has flagged.
    if post.key.slot % 37 != 5 {
        let ending = if post.is_video() { "mp4" } else { "jpg" };
        put(
            "media_url",
            json!(format!(
                "https://scontent.simulated.example/v/{id}.{ending}"
            )),
        );
    }
    if post.is_video() {
        put(
            "thumbnail_url",
            json!(format!("https://scontent.simulated.example/v/{id}.jpg")),
        );
        put("media_audio_type", json!("ORIGINAL_SOUND"));
        put("is_shared_to_feed", json!(true));
    }
    put(
        "permalink",
        json!(format!("https://www.instagram.com/{link}/{code}/")),
    );
    put("shortcode", json!(code));
    put("timestamp", json!(time(post.published)));
    put("username", json!(account.handle(call.at)));
    put("owner", json!({"id": ids::professional(account.key)}));
    if !account.hides_likes_of(post) {
        put("like_count", json!(numbers.likes));
    }
    put("comments_count", json!(numbers.comments));
    put("is_comment_enabled", json!(true));
    if post.form == Form::Carousel {
        put("children", children(call, post));
    }
    all
}

/// The children of a carousel, with the fields that were asked for.
fn children(call: &Call<'_>, post: &Post) -> Value {
    let asked = call.asked.param("fields").unwrap_or_default();
    let wanted = fields::within(asked, "children").unwrap_or("id");
    let wanted = fields::names(wanted);
    let data: Vec<_> = (1..=CHILDREN)
        .map(|child| {
            let mut all = child_of(post, child);
            all.retain(|name, _| name == "id" || wanted.contains(&name.as_str()));
            Value::Object(all)
        })
        .collect();
    json!({ "data": data })
}

/// A child has no caption, link or likes.
fn child_of(post: &Post, child: u8) -> Map<String, Value> {
    let id = ids::media(post.key, child);
    let is_video = child == CHILDREN;
    let mut all = Map::new();
    all.insert("id".to_owned(), json!(id));
    let kind = if is_video { "VIDEO" } else { "IMAGE" };
    all.insert("media_type".to_owned(), json!(kind));
    let url = format!("https://scontent.simulated.example/v/{id}");
    let ending = if is_video { "mp4" } else { "jpg" };
    all.insert("media_url".to_owned(), json!(format!("{url}.{ending}")));
    if is_video {
        all.insert("thumbnail_url".to_owned(), json!(format!("{url}.jpg")));
    }
    all
}

fn of_story(call: &Call<'_>, account: &Account, story: &Story) -> Map<String, Value> {
    let id = ids::story(account.key, story.slot);
    let handle = account.handle(call.at);
    let mut all = Map::new();
    let mut put = |name: &str, value: Value| all.insert(name.to_owned(), value);
    put("id", json!(id));
    put(
        "media_type",
        json!(if story.is_video { "VIDEO" } else { "IMAGE" }),
    );
    put("media_product_type", json!("STORY"));
    put(
        "permalink",
        json!(format!("https://www.instagram.com/stories/{handle}/{id}")),
    );
    if story.is_video {
        put(
            "thumbnail_url",
            json!(format!("https://scontent.simulated.example/v/{id}.jpg")),
        );
    }
    put(
        "media_url",
        json!(format!("https://scontent.simulated.example/v/{id}")),
    );
    put("timestamp", json!(time(story.published)));
    put("username", json!(handle));
    all
}
