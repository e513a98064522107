//! A Page's posts: ranked, so not quite in the order of time.

use super::{ids, reads_content};
use crate::noise::mix;
use crate::simulator::answer::Answer;
use crate::simulator::grants::Token;
use crate::simulator::instagram::time;
use crate::simulator::meta::{error, fields, paging};
use crate::simulator::play::Call;
use crate::simulator::world::{Account, Form, Post, Visibility};
use domain::Platform;
use serde_json::{Map, Value, json};

const KNOWN: [&str; 12] = [
    "id",
    "message",
    "story",
    "created_time",
    "updated_time",
    "permalink_url",
    "full_picture",
    "status_type",
    "attachments",
    "shares",
    "reactions",
    "comments",
];

/// Posts that change places among each other.
const BLOCK: u32 = 8;

/// The slot at a place of the ranking: blocks are in the order of time, what is in them is not.
fn slot_at(account: &Account, place: u32) -> u32 {
    let block = place / BLOCK;
    let page = account.key.number();
    let mut order: Vec<u32> = (0..BLOCK).collect();
    order.sort_by_key(|it| mix(u64::from(block * BLOCK + it), page, 84));
    let within = usize::try_from(place % BLOCK).unwrap_or(0);
    block * BLOCK + order.get(within).copied().unwrap_or(0)
}

pub(super) fn list(call: &Call<'_>, token: &Token, page: &Account) -> Result<Answer, Answer> {
    reads_content(call, token)?;
    let limit = paging::limit(call)?;
    if limit > paging::MAX_LIMIT {
        return Err(error::known(
            Platform::Facebook,
            "limit_too_large",
            call.now,
        ));
    }
    let below = paging::after(call)?;
    let blocks = page.slots(call.now).div_ceil(BLOCK);
    let places = (0..below.unwrap_or(u32::MAX).min(blocks * BLOCK)).rev();
    let bound = |name| call.asked.param(name).and_then(|it| it.parse::<i64>().ok());
    let (since, until) = (bound("since"), bound("until"));
    let mut posts = places
        .filter_map(|place| Some((place, page.post(slot_at(page, place), call.at)?)))
        .filter(|(_, post)| post.visibility == Visibility::Public)
        .filter(|(_, post)| since.is_none_or(|since| post.published >= since))
        .filter(|(_, post)| until.is_none_or(|until| post.published <= until));
    let mut entries = Vec::new();
    for (place, post) in posts.by_ref().take(limit) {
        entries.push((place, selected(call, page, &post)?));
    }
    let more = posts.next().is_some();
    Ok(Answer::ok(paging::page(call, entries, more)))
}

/// One post.
pub(super) fn one(
    call: &Call<'_>,
    token: &Token,
    page: &Account,
    id: &str,
) -> Result<Answer, Answer> {
    reads_content(call, token)?;
    let post = public(call, page, id)?;
    selected(call, page, &post).map(Answer::ok)
}

/// A post that everybody can see.
pub(super) fn public(call: &Call<'_>, page: &Account, id: &str) -> Result<Post, Answer> {
    let key = ids::of_post(id).filter(|key| key.account == page.key);
    let post = key.and_then(|key| page.post(key.slot, call.at));
    post.filter(|post| post.visibility == Visibility::Public)
        .ok_or_else(|| error::missing(id, call.now))
}

fn selected(call: &Call<'_>, page: &Account, post: &Post) -> Result<Value, Answer> {
    let default = "created_time,message,id";
    fields::select(call, whole(call, page, post), &KNOWN, "Post", default)
}

/// All fields of a post. Shares of zero are not there, nor messages that are empty.
fn whole(call: &Call<'_>, page: &Account, post: &Post) -> Map<String, Value> {
    let numbers = page.numbers(post, call.at);
    let id = ids::post(post.key);
    let (_, own) = id.split_once('_').unwrap_or_default();
    let page_id = ids::page(page.key);
    let message = page.text(post);
    let link = match post.form {
        Form::Short => format!("https://www.facebook.com/reel/{own}/"),
        _ => format!("https://www.facebook.com/{page_id}/posts/{own}"),
    };
    let picture = format!("https://scontent.simulated.example/v/{own}.jpg");
    let mut all = Map::new();
    let mut put = |name: &str, value: Value| all.insert(name.to_owned(), value);
    put("id", json!(id));
    if message.is_empty() {
        put(
            "story",
            json!(format!("{} updated their cover photo.", page.name())),
        );
    } else {
        put("message", json!(message));
    }
    put("created_time", json!(time(post.published)));
    put("updated_time", json!(time(post.published)));
    put("permalink_url", json!(link));
    if post.form != Form::Text {
        put("full_picture", json!(picture));
        put("attachments", attachment(post, own, &link, &picture));
    }
    let status = match post.form {
        Form::Short | Form::Video | Form::Upcoming => "added_video",
        Form::Image | Form::Carousel => "added_photos",
        Form::Text => "mobile_status_update",
    };
    put("status_type", json!(status));
    if numbers.shares > 0 {
        put("shares", json!({"count": numbers.shares}));
    }
    put(
        "reactions",
        json!({"data": [], "summary": {"total_count": numbers.likes}}),
    );
    let summary = json!({"order": "ranked", "total_count": numbers.comments, "can_comment": true});
    put("comments", json!({"data": [], "summary": summary}));
    all
}

fn attachment(post: &Post, own: &str, link: &str, picture: &str) -> Value {
    let image = json!({"height": 720, "src": picture, "width": 405});
    let (kind, name, media) = match post.is_video() {
        true => {
            let source = format!("https://video.simulated.example/v/{own}.mp4");
            (
                "video",
                "video_inline",
                json!({"image": image, "source": source}),
            )
        }
        false => ("photo", "photo", json!({ "image": image })),
    };
    let target = json!({"id": own, "url": link});
    json!({"data": [{
        "media_type": kind,
        "media": media,
        "target": target,
        "type": name,
        "url": link,
    }]})
}
