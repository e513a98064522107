//! The list of a channel's uploads, with the stones of what is gone; and searches.

use super::{error, ids, listed, max_results, parts, resource, thumbnails, time};
use crate::simulator::answer::Answer;
use crate::simulator::grants::Token;
use crate::simulator::play::{Call, Core};
use crate::simulator::world::{Account, DAY, Post, Visibility};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

const PARTS: [&str; 4] = ["id", "snippet", "contentDetails", "status"];

/// For how long a deleted video leaves a stone, in seconds (not confirmed).
const STONE_LIFE: i64 = 7 * DAY;

/// Where a page begins: below this slot. `None` is the beginning.
fn below(call: &Call<'_>) -> Result<Option<u32>, Answer> {
    let Some(token) = call.asked.query("pageToken") else {
        return Ok(None);
    };
    if token.starts_with("endless") {
        return Ok(None);
    }
    let slot = BASE64URL_NOPAD.decode(token.as_bytes()).ok();
    let slot = slot.and_then(|bytes| {
        String::from_utf8(bytes)
            .ok()?
            .strip_prefix("PT:")?
            .parse()
            .ok()
    });
    slot.map(Some)
        .ok_or_else(|| error::known("invalid_page_token"))
}

/// All that the list shows, newest first: also private videos, and for a while deleted ones.
fn shown<'a>(call: &'a Call<'_>, account: &'a Account) -> impl Iterator<Item = Post> + 'a {
    let slots = (0..account.slots(call.now)).rev();
    slots
        .filter_map(|slot| account.post(slot, call.at))
        .filter(|post| match post.visibility {
            Visibility::Deleted(since) => call.now - since < STONE_LIFE,
            Visibility::Public | Visibility::Private => true,
        })
}

pub(super) fn list(core: &Core, call: &Call<'_>) -> Result<Answer, Answer> {
    let parts = parts(call, &PARTS)?;
    let most = max_results(call)?;
    let list = call.asked.query("playlistId").unwrap_or_default();
    let account = ids::of_channel(list)
        .filter(|key| ids::uploads(*key) == list)
        .and_then(|key| core.world.account(key))
        .ok_or_else(|| error::known("playlist_not_found"))?;
    let below = below(call)?;
    let total = shown(call, &account).count();
    let all = (0_usize..).zip(shown(call, &account));
    let mut rest = all.filter(|(_, post)| below.is_none_or(|below| post.key.slot < below));
    let page: Vec<_> = rest.by_ref().take(most).collect();
    let last = page.last().map(|(_, post)| post.key.slot);
    let items: Vec<_> = page
        .iter()
        .map(|(position, post)| item(&account, *position, post, &parts))
        .collect();
    let mut body = listed("playlistItemListResponse", items, total, most);
    if let (Some(last), Some(_)) = (last, rest.next()) {
        let token = BASE64URL_NOPAD.encode(format!("PT:{last}").as_bytes());
        body["nextPageToken"] = json!(token);
    }
    Ok(Answer::ok(body))
}

fn item(account: &Account, position: usize, post: &Post, parts: &[&str]) -> Value {
    let (id, channel) = (ids::video(post.key), ids::channel(account.key));
    let sizes = [("default", 120, 90), ("high", 480, 360)];
    let mut snippet = json!({
        // When it was added to the list, a few seconds before anybody could see it.
        "publishedAt": time(post.published - 10),
        "channelId": channel,
        "title": super::videos::title(account, post),
        "description": "",
        "thumbnails": thumbnails(&format!("https://i.simulated.example/vi/{id}"), &sizes),
        "channelTitle": account.name(),
        "playlistId": ids::uploads(account.key),
        "position": position,
        "resourceId": {"kind": "youtube#video", "videoId": id},
    });
    let mut details = json!({ "videoId": id });
    let (privacy, stone) = match post.visibility {
        Visibility::Public => ("public", None),
        Visibility::Private => ("private", Some("Private video")),
        Visibility::Deleted(_) => ("privacyStatusUnspecified", Some("Deleted video")),
    };
    match stone {
        Some(title) => {
            snippet["title"] = json!(title);
            snippet["description"] =
                json!(format!("This {} is unavailable.", title.to_lowercase()));
            snippet["thumbnails"] = json!({});
        }
        None => {
            snippet["videoOwnerChannelTitle"] = json!(account.name());
            snippet["videoOwnerChannelId"] = json!(channel);
            details["videoPublishedAt"] = json!(time(post.published));
        }
    }
    let all = vec![
        ("snippet", snippet),
        ("contentDetails", details),
        ("status", json!({"privacyStatus": privacy})),
    ];
    let mut item = resource("playlistItem", &id, parts, all);
    item["id"] = json!(BASE64URL_NOPAD.encode(format!("{channel}.{id}").as_bytes()));
    item
}

/// The person's own newest videos; nothing else can be searched for here.
pub(super) fn search(core: &Core, call: &Call<'_>, token: &Token) -> Result<Answer, Answer> {
    let parts = parts(call, &["id", "snippet"])?;
    let most = max_results(call)?;
    if call.asked.query("forMine") != Some("true") {
        return Err(error::known("bad_request"));
    }
    let account = core
        .account_of_token(token)
        .ok_or_else(|| error::known("signup_required"))?;
    let items = account.posts(call.at).take(most).map(|post| {
        let id = ids::video(post.key);
        let snippet = json!({
            "publishedAt": time(post.published),
            "channelId": ids::channel(account.key),
            "title": super::videos::title(&account, &post),
            "channelTitle": account.name(),
        });
        let mut item = resource("searchResult", &id, &parts, vec![("snippet", snippet)]);
        item["id"] = json!({"kind": "youtube#video", "videoId": id});
        item
    });
    let items: Vec<_> = items.collect();
    let total = items.len();
    Ok(Answer::ok(listed("searchListResponse", items, total, most)))
}
