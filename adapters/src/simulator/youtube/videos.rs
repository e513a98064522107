//! Videos by their ids: what is gone or private is just not there.

use super::{ids, listed, parts, resource, thumbnails, time};
use crate::simulator::answer::Answer;
use crate::simulator::grants::Token;
use crate::simulator::play::{Call, Core};
use crate::simulator::world::{Account, Form, Post, Visibility};
use serde_json::{Value, json};

const PARTS: [&str; 5] = ["id", "snippet", "contentDetails", "statistics", "status"];

/// The most ids of one call.
const MAX_IDS: usize = 50;

/// A video's title: a video always has one.
pub(super) fn title(account: &Account, post: &Post) -> String {
    match account.text(post).lines().next() {
        Some(text) if !text.is_empty() => text.to_owned(),
        _ => format!("Video {}", post.key.slot),
    }
}

/// The videos of a call that can be seen: public ones, and the person's own private ones.
fn found(core: &Core, call: &Call<'_>, token: Option<&Token>) -> Vec<(Account, Post)> {
    let named = call.asked.query("id").unwrap_or_default();
    let keys = named.split(',').take(MAX_IDS).filter_map(ids::of_video);
    keys.filter_map(|key| {
        let account = core.world.account(key.account)?;
        let post = account.post(key.slot, call.at)?;
        let is_own = token.is_some_and(|it| it.grant.is_for(key.account));
        let is_seen = match post.visibility {
            Visibility::Public => true,
            Visibility::Private => is_own,
            Visibility::Deleted(_) => false,
        };
        is_seen.then_some((account, post))
    })
    .collect()
}

pub(super) fn list(core: &Core, call: &Call<'_>, token: &Token) -> Result<Answer, Answer> {
    let parts = parts(call, &PARTS)?;
    let found = found(core, call, Some(token));
    let items: Vec<_> = found
        .iter()
        .map(|(account, post)| video(call, account, post, &parts))
        .collect();
    let total = items.len();
    Ok(Answer::ok(listed("videoListResponse", items, total, total)))
}

/// Numbers of many videos; those that cannot be had are named.
pub(super) fn batch(core: &Core, call: &Call<'_>) -> Result<Answer, Answer> {
    let parts = parts(call, &["id", "snippet", "statistics", "contentDetails"])?;
    let asked: Vec<_> = call
        .asked
        .query("id")
        .unwrap_or_default()
        .split(',')
        .filter(|it| !it.is_empty())
        .take(MAX_IDS)
        .collect();
    let found = found(core, call, None);
    let items: Vec<_> = found
        .iter()
        .map(|(account, post)| {
            let all = vec![
                ("snippet", json!({"publishTime": time(post.published)})),
                ("statistics", statistics(call, account, post)),
                (
                    "contentDetails",
                    json!({"duration": duration(post.length), "durationMillis": post.length * 1_000}),
                ),
            ];
            resource("videoStats", &ids::video(post.key), &parts, all)
        })
        .collect();
    let is_there = |id: &&str| found.iter().any(|(_, post)| ids::video(post.key) == **id);
    let failed: Vec<_> = asked.iter().filter(|id| !is_there(id)).collect();
    Ok(Answer::ok(json!({
        "kind": "youtube#batchGetStatsResponse",
        "etag": "simulatedEtag0000000000000",
        "items": items,
        "summary": {
            "requestedVideoCount": asked.len(),
            "succeededVideoCount": items.len(),
            "failedVideoCount": failed.len(),
            "failedVideoIds": failed,
        },
    })))
}

fn video(call: &Call<'_>, account: &Account, post: &Post, parts: &[&str]) -> Value {
    let id = ids::video(post.key);
    let (title, text) = (title(account, post), account.text(post));
    let url = format!("https://i.simulated.example/vi/{id}");
    let live = match post.form {
        Form::Upcoming => "upcoming",
        _ => "none",
    };
    let snippet = json!({
        "publishedAt": time(post.published),
        "channelId": ids::channel(account.key),
        "title": title,
        "description": text,
        "thumbnails": thumbnails(&url, &[("default", 120, 90), ("high", 480, 360)]),
        "channelTitle": account.name(),
        "categoryId": "28",
        "liveBroadcastContent": live,
        "localized": {"title": title, "description": text},
    });
    let details = json!({
        "duration": duration(post.length),
        "dimension": "2d",
        "definition": "hd",
        "caption": "false",
        "licensedContent": false,
        "contentRating": {},
        "projection": "rectangular",
    });
    let privacy = match post.visibility {
        Visibility::Private => "private",
        Visibility::Public | Visibility::Deleted(_) => "public",
    };
    let status = json!({
        "uploadStatus": "processed",
        "privacyStatus": privacy,
        "license": "youtube",
        "embeddable": true,
        "publicStatsViewable": true,
        "madeForKids": account.has_no_comments(post),
    });
    let all = vec![
        ("snippet", snippet),
        ("contentDetails", details),
        ("status", status),
        ("statistics", statistics(call, account, post)),
    ];
    resource("video", &id, parts, all)
}

/// Counts as text; likes that are hidden and comments that are off are not there.
fn statistics(call: &Call<'_>, account: &Account, post: &Post) -> Value {
    let numbers = account.numbers(post, call.at);
    let mut statistics = json!({"viewCount": numbers.views.to_string(), "favoriteCount": "0"});
    if !account.hides_likes_of(post) {
        statistics["likeCount"] = json!(numbers.likes.to_string());
    }
    if !account.has_no_comments(post) {
        statistics["commentCount"] = json!(numbers.comments.to_string());
    }
    statistics
}

/// Seconds as ISO 8601; what has no length yet has `P0D`.
fn duration(seconds: i64) -> String {
    if seconds == 0 {
        return "P0D".to_owned();
    }
    let parts = [
        (seconds / 3_600, 'H'),
        (seconds / 60 % 60, 'M'),
        (seconds % 60, 'S'),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let text: String = parts
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    format!("PT{text}")
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn lengths_are_written_as_youtube_does() {
        for (seconds, text) in [
            (0, "P0D"),
            (58, "PT58S"),
            (3_600, "PT1H"),
            (3_725, "PT1H2M5S"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
