//! Insights of media and stories: a day or two late, and all or nothing if one metric is wrong.

use super::{ids, media};
use crate::simulator::answer::Answer;
use crate::simulator::meta::{error, insights};
use crate::simulator::play::Call;
use crate::simulator::world::{Account, Form, PostKey, PostNumbers};
use domain::{Platform, Timestamp};
use serde_json::{Value, json};

const FEED: [&str; 11] = [
    "views",
    "reach",
    "likes",
    "comments",
    "saved",
    "shares",
    "reposts",
    "total_interactions",
    "follows",
    "profile_visits",
    "profile_activity",
];
const REELS: [&str; 11] = [
    "views",
    "reach",
    "likes",
    "comments",
    "saved",
    "shares",
    "reposts",
    "total_interactions",
    "ig_reels_avg_watch_time",
    "ig_reels_video_view_total_time",
    "reels_skip_rate",
];
const STORY: [&str; 10] = [
    "views",
    "reach",
    "shares",
    "replies",
    "reposts",
    "total_interactions",
    "follows",
    "profile_visits",
    "profile_activity",
    "navigation",
];

/// Stories that fewer have seen say nothing.
const FEWEST_VIEWERS: i64 = 5;

/// The metrics that were asked for, if the medium has all of them.
fn metrics<'a>(call: &'a Call<'_>, known: &[&str]) -> Result<Vec<&'a str>, Answer> {
    let metrics = insights::metrics(call);
    if metrics.is_empty() {
        return Err(error::invalid("The parameter metric is required", call.now));
    }
    match metrics.iter().position(|metric| !known.contains(metric)) {
        None => Ok(metrics),
        Some(at) => {
            let all = known.join(", ");
            let why = format!("metric[{at}] must be one of the following values: {all}");
            Err(error::invalid(&why, call.now))
        }
    }
}

pub(super) fn of_post(call: &Call<'_>, account: &Account, key: PostKey) -> Result<Answer, Answer> {
    let post = media::public(call, account, key)?;
    let is_reel = post.form == Form::Short;
    let metrics = metrics(call, if is_reel { &REELS } else { &FEED })?;
    let refuse = |name| Err(error::known(Platform::Instagram, name, call.now));
    if let Some(breakdown) = call.asked.param("breakdown")
        && (metrics != ["profile_activity"] || breakdown != "action_type")
    {
        return refuse("unsupported_breakdown");
    }
    if post.published < crate::simulator::world::seconds(account.converted_at()) {
        return refuse("before_business");
    }
    let late = call.at.saturating_add_micros(-account.delay() * 1_000_000);
    // Unknown so far, which is not zero.
    if account.post(key.slot, late).is_none() {
        return Ok(Answer::ok(json!({"data": []})));
    }
    let numbers = account.numbers(&post, late);
    let node = ids::media(key, 0);
    let entries = metrics.iter().map(|metric| {
        let value = value(metric, &numbers, post.length);
        entry(call, &node, metric, value)
    });
    Ok(Answer::ok(json!({"data": entries.collect::<Vec<_>>()})))
}

pub(super) fn of_story(call: &Call<'_>, account: &Account, slot: u32) -> Result<Answer, Answer> {
    let node = ids::story(account.key, slot);
    let story = account
        .story(slot, call.at)
        .ok_or_else(|| error::missing(&node, call.now))?;
    let metrics = metrics(call, &STORY)?;
    let numbers = account.numbers_of_story(&story, call.at);
    if numbers.reach < FEWEST_VIEWERS {
        return Err(error::known(Platform::Instagram, "few_viewers", call.now));
    }
    let replies = match account.is_in_eu() {
        true => 0,
        false => numbers.comments,
    };
    let entries = metrics.iter().map(|metric| {
        let value = match *metric {
            "replies" => replies,
            "total_interactions" => replies + numbers.shares,
            "navigation" => numbers.views,
            metric => value(metric, &numbers, 0),
        };
        entry(call, &node, metric, value)
    });
    Ok(Answer::ok(json!({"data": entries.collect::<Vec<_>>()})))
}

/// A metric's value. The skip rate is played as a whole number of percent.
fn value(metric: &str, numbers: &PostNumbers, length: i64) -> i64 {
    match metric {
        "views" => numbers.views,
        "reach" => numbers.reach,
        "likes" => numbers.likes,
        "comments" => numbers.comments,
        "saved" => numbers.saves,
        "shares" => numbers.shares,
        "reposts" => numbers.reposts,
        "total_interactions" => numbers.interactions(),
        "follows" => numbers.follows,
        "profile_visits" => numbers.visits,
        "profile_activity" => numbers.visits / 9,
        "ig_reels_video_view_total_time" => numbers.watched_ms,
        "ig_reels_avg_watch_time" => numbers.watched_ms / numbers.views.max(1),
        "reels_skip_rate" => {
            let average = numbers.watched_ms / numbers.views.max(1);
            100 - (average / 10 / length.max(1)).min(100)
        }
        _ => 0,
    }
}

fn entry(call: &Call<'_>, node: &str, metric: &str, value: i64) -> Value {
    let parts: &[(&str, i64)] = match metric {
        "profile_activity" => &[("bio_link_clicked", 50), ("direction", 20), ("email", 30)],
        "navigation" => &[
            ("tap_forward", 70),
            ("tap_back", 15),
            ("tap_exit", 10),
            ("swipe_forward", 5),
        ],
        _ => &[],
    };
    let by = call.asked.param("breakdown");
    let is_total = call.asked.param("metric_type") == Some("total_value") || by.is_some();
    let mut total = json!({ "value": value });
    if let (Some(by), false) = (by, parts.is_empty()) {
        let mut rest = value;
        let mut shares = Vec::new();
        for (name, percent) in parts {
            let part = (value * percent / 100).min(rest);
            rest -= part;
            shares.push((vec![(*name).to_owned()], part));
        }
        // The parts are the whole.
        if let Some((_, first)) = shares.first_mut() {
            *first += rest;
        }
        total["breakdowns"] = insights::breakdown(&[by], &shares);
    }
    match is_total || matches!(metric, "profile_activity" | "navigation") {
        true => insights::total(node, metric, "lifetime", total),
        false => insights::values(node, metric, "lifetime", json!([{ "value": value }])),
    }
}

/// The moment up to which insights of an account tell.
pub(super) fn told_until(account: &Account, at: Timestamp) -> Timestamp {
    at.saturating_add_micros(-account.delay() * 1_000_000)
}
