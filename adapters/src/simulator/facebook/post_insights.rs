//! Insights of a post. The trap is part of it: a second row of a metric, by day, that says zero.

use super::{ids, metrics, posts, reads_content};
use crate::simulator::answer::Answer;
use crate::simulator::grants::Token;
use crate::simulator::play::Call;
use crate::simulator::world::{Account, Post, PostNumbers};
use serde_json::{Map, Value, json};

const METRICS: [&str; 15] = [
    "post_media_view",
    "post_total_media_view_unique",
    "post_clicks",
    "post_clicks_by_type",
    "post_reactions_by_type_total",
    "post_reactions_like_total",
    "post_reactions_love_total",
    "post_reactions_wow_total",
    "post_reactions_haha_total",
    "post_reactions_sorry_total",
    "post_reactions_anger_total",
    "post_video_views",
    "post_video_views_unique",
    "post_video_view_time",
    "post_video_avg_time_watched",
];

/// Metrics that come a second time, by day, with nothing in them.
const REPEATED: [&str; 2] = ["post_video_views", "post_total_media_view_unique"];

/// Reactions by kind, in percent of all.
const REACTIONS: [(&str, i64); 6] = [
    ("like", 74),
    ("love", 14),
    ("wow", 4),
    ("haha", 5),
    ("sorry", 2),
    ("anger", 1),
];

pub(super) fn insights(
    call: &Call<'_>,
    token: &Token,
    page: &Account,
    id: &str,
) -> Result<Answer, Answer> {
    reads_content(call, token)?;
    let post = posts::public(call, page, id)?;
    let metrics = metrics(call, &METRICS)?;
    let late = call.at.saturating_add_micros(-page.delay() * 1_000_000);
    let is_told = page.post(post.key.slot, late).is_some();
    if !is_told || !token.grant.has("read_insights") {
        return Ok(Answer::ok(json!({"data": []})));
    }
    let numbers = page.numbers(&post, late);
    let node = ids::post(post.key);
    let entry = |metric: &str, period: &str, value: Value| {
        json!({
            "name": metric,
            "period": period,
            "values": [{ "value": value }],
            "title": null,
            "description": null,
            "id": format!("{node}/insights/{metric}/{period}"),
        })
    };
    let mut data: Vec<_> = metrics
        .iter()
        .map(|metric| entry(metric, "lifetime", value(metric, &post, &numbers)))
        .collect();
    let again = metrics.iter().filter(|metric| REPEATED.contains(metric));
    data.extend(again.map(|metric| entry(metric, "day", json!(0))));
    Ok(Answer::ok(json!({ "data": data })))
}

fn value(metric: &str, post: &Post, numbers: &PostNumbers) -> Value {
    let watched = if post.is_video() { numbers.views } else { 0 };
    let reactions = |name: &str| {
        let found = REACTIONS.iter().find(|(kind, _)| *kind == name);
        // Likes are the rest, so that the kinds are the whole.
        match found {
            Some(("like", _)) => {
                let others = REACTIONS.iter().filter(|(kind, _)| *kind != "like");
                let others: i64 = others
                    .map(|(_, percent)| numbers.likes * percent / 100)
                    .sum();
                numbers.likes - others
            }
            Some((_, percent)) => numbers.likes * percent / 100,
            None => 0,
        }
    };
    match metric {
        "post_media_view" => json!(numbers.views),
        "post_total_media_view_unique" => json!(numbers.reach),
        "post_clicks" => json!(numbers.visits),
        "post_clicks_by_type" => {
            let links = numbers.visits / 3;
            json!({"link clicks": links, "other clicks": numbers.visits - links})
        }
        "post_reactions_by_type_total" => {
            let kinds = REACTIONS.iter().map(|(kind, _)| (*kind, reactions(kind)));
            let kinds = kinds.filter(|(_, count)| *count > 0);
            let kinds: Map<_, _> = kinds
                .map(|(kind, count)| (kind.to_owned(), json!(count)))
                .collect();
            Value::Object(kinds)
        }
        "post_video_views" => json!(watched),
        "post_video_views_unique" => json!(watched * 7 / 10),
        "post_video_view_time" => json!(numbers.watched_ms),
        "post_video_avg_time_watched" => json!(numbers.watched_ms / numbers.views.max(1)),
        _ => {
            let kind = metric.split('_').nth(2).unwrap_or_default();
            json!(reactions(kind))
        }
    }
}
