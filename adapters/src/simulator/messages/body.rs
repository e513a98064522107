//! What the messages say.

use super::{Message, Order, Outgoing};
use crate::simulator::names;
use crate::simulator::world::{Account, seconds};
use chrono::{DateTime, SecondsFormat};
use domain::{Platform, Timestamp};
use serde_json::{Value, json};
use std::fmt::Write;

/// For how long a callback of Meta's holds, in seconds.
const CALLBACK_LIFE: i64 = 3_600;
/// For how long a WebSub subscription holds, in seconds.
const LEASE: i64 = 432_000;

/// The payload of Meta's callbacks; only that of a deletion has an end.
pub(super) fn callback(order: &Order, account: &Account, now: i64) -> String {
    let mut payload = json!({
        "algorithm": "HMAC-SHA256",
        "issued_at": now,
        "user_id": names::person(account.key),
    });
    if order.message == Message::DataDeletion {
        payload["expires"] = json!(now + CALLBACK_LIFE);
    }
    payload.to_string()
}

/// A comment on the newest post.
pub(super) fn comment(order: &Order, account: &Account, at: Timestamp) -> Option<String> {
    let post = account.posts(at).next()?;
    let (id, post) = (names::account(account.key), names::post(post.key));
    let now = seconds(at);
    let text = "So good 😍 äöå /link";
    let body = match (order.platform, order.message) {
        (Platform::Facebook, Message::Comment) => {
            let value = json!({
                "from": {"id": "900000000000001", "name": "Sam Simulated"},
                "item": "comment",
                "verb": "add",
                "post_id": post,
                "comment_id": format!("{post}_777"),
                "parent_id": post,
                "created_time": now,
                "message": text,
            });
            let changes = json!([{"field": "feed", "value": value}]);
            json!({"object": "page", "entry": [{"id": id, "time": now, "changes": changes}]})
        }
        (Platform::Instagram, message) => {
            let value = json!({
                "from": {"id": "1234567890123456", "username": "fan_one"},
                "media": {"id": post, "media_product_type": "FEED"},
                "id": "18064840000000000",
                "text": text,
            });
            let entry = match message {
                Message::CommentFlat => {
                    json!({"id": id, "time": now, "field": "comments", "value": value})
                }
                _ => {
                    let changes = json!([{"field": "comments", "value": value}]);
                    json!({"id": id, "time": now, "changes": changes})
                }
            };
            let object = json!({"object": "instagram", "entry": [entry]});
            match message {
                Message::CommentFlat => json!([object]),
                _ => object,
            }
        }
        _ => return None,
    };
    Some(escaped(&body))
}

/// JSON as Meta writes it: nothing but ASCII, and every stroke escaped.
fn escaped(json: &Value) -> String {
    let mut text = String::new();
    for at in json.to_string().chars() {
        match at {
            '/' => text.push_str("\\/"),
            at if at.is_ascii() => text.push(at),
            at => {
                for unit in at.encode_utf16(&mut [0; 2]) {
                    let _written = write!(text, "\\u{unit:04x}");
                }
            }
        }
    }
    text
}

/// TikTok: the person has removed the app (reason 1).
pub(super) fn removed(client_key: &str, account: &Account, now: i64) -> String {
    let body = json!({
        "client_key": client_key,
        "event": "authorization.removed",
        "create_time": now,
        "user_openid": names::account(account.key),
        "content": "{\"reason\": 1 }",
    });
    body.to_string()
}

/// YouTube: the newest video, uploaded or deleted.
pub(super) fn feed(order: &Order, account: &Account, at: Timestamp) -> Option<String> {
    let post = account.posts(at).next()?;
    let (channel, video) = (names::account(account.key), names::post(post.key));
    let written = |at: i64| {
        let at = DateTime::from_timestamp(at, 0).unwrap_or_default();
        at.to_rfc3339_opts(SecondsFormat::Secs, false)
    };
    let (published, updated) = (written(post.published), written(seconds(at)));
    let topic = format!("https://www.youtube.com/xml/feeds/videos.xml?channel_id={channel}");
    let entry = match order.message {
        Message::Deleted => format!(
            "<at:deleted-entry ref=\"yt:video:{video}\" when=\"{updated}\">\
             <link href=\"https://www.youtube.com/watch?v={video}\"/>\
             <at:by><name>Simulated</name><uri>https://www.youtube.com/channel/{channel}</uri></at:by>\
             </at:deleted-entry>"
        ),
        _ => format!(
            "<entry><id>yt:video:{video}</id><yt:videoId>{video}</yt:videoId>\
             <yt:channelId>{channel}</yt:channelId><title>Simulated video</title>\
             <link rel=\"alternate\" href=\"https://www.youtube.com/watch?v={video}\"/>\
             <author><name>Simulated</name><uri>https://www.youtube.com/channel/{channel}</uri></author>\
             <published>{published}</published><updated>{updated}</updated></entry>"
        ),
    };
    Some(format!(
        "<feed xmlns:yt=\"http://www.youtube.com/xml/schemas/2015\" \
         xmlns:at=\"http://purl.org/atompub/tombstones/1.0\" \
         xmlns=\"http://www.w3.org/2005/Atom\">\
         <link rel=\"hub\" href=\"https://pubsubhubbub.appspot.com\"/>\
         <link rel=\"self\" href=\"{topic}\"/><title>YouTube video feed</title>\
         <updated>{updated}</updated>{entry}</feed>"
    ))
}

/// The question whether an address is ours.
pub(super) fn question(order: &Order, account: &Account) -> Outgoing {
    let mut query = vec![
        ("hub.mode", "subscribe".to_owned()),
        ("hub.challenge", "1158201444".to_owned()),
        ("hub.verify_token", order.secret.clone()),
    ];
    if order.platform == Platform::Youtube {
        let channel = names::account(account.key);
        let topic = format!("https://www.youtube.com/xml/feeds/videos.xml?channel_id={channel}");
        query.push(("hub.topic", topic));
        query.push(("hub.lease_seconds", LEASE.to_string()));
    }
    Outgoing {
        method: reqwest::Method::GET,
        query,
        headers: Vec::new(),
        body: Vec::new(),
    }
}
