//! Insights of an Instagram account: totals of a span, reach by day, and who follows.

use super::ids;
use super::media::time;
use super::media_insights::told_until;
use crate::simulator::answer::Answer;
use crate::simulator::limits::{midnight_after, pacific_day};
use crate::simulator::meta::{error, insights};
use crate::simulator::play::Call;
use crate::simulator::world::{Account, DAY, PostNumbers, seconds};
use domain::{Platform, Timestamp};
use serde_json::{Value, json};

const TOTALS: [&str; 12] = [
    "accounts_engaged",
    "comments",
    "likes",
    "replies",
    "reposts",
    "saves",
    "shares",
    "total_interactions",
    "profile_links_taps",
    "reach",
    "views",
    "follows_and_unfollows",
];
const DEMOGRAPHICS: [&str; 2] = ["follower_demographics", "engaged_audience_demographics"];

/// Fewer followers have no demographics.
const FEWEST_FOLLOWERS: i64 = 100;
/// The longest span of one query, in days (not confirmed).
const LONGEST_SPAN_DAYS: i64 = 30;
/// The most parts of a breakdown.
const TOP: usize = 45;

pub(super) fn insights(call: &Call<'_>, account: &Account) -> Result<Answer, Answer> {
    let metrics = insights::metrics(call);
    if metrics.is_empty() {
        return Err(error::invalid("The parameter metric is required", call.now));
    }
    let known = |metric: &&str| TOTALS.contains(metric) || DEMOGRAPHICS.contains(metric);
    if let Some(at) = metrics.iter().position(|it| !known(it)) {
        let all: Vec<_> = TOTALS.into_iter().chain(DEMOGRAPHICS).collect();
        let why = format!(
            "metric[{at}] must be one of the following values: {}",
            all.join(", ")
        );
        return Err(error::invalid(&why, call.now));
    }
    let is_demographic = |metric: &&str| DEMOGRAPHICS.contains(metric);
    if metrics.iter().any(is_demographic) {
        return demographics(call, account, &metrics);
    }
    if call.asked.param("period") != Some("day") {
        return Err(error::invalid(
            "The parameter period must be day for these metrics",
            call.now,
        ));
    }
    let (since, until) = span(call)?;
    let node = ids::professional(account.key);
    let is_series = call.asked.param("metric_type") == Some("time_series");
    if is_series && metrics != ["reach"] {
        let why = "metric_type time_series is available for reach only";
        return Err(error::invalid(why, call.now));
    }
    let data: Vec<_> = if is_series {
        vec![series(account, &node, call.at, since, until)]
    } else {
        let span = Span::of(account, call.at, since, until);
        let entries = metrics
            .iter()
            .map(|metric| total(call, &span, &node, metric));
        entries.collect::<Result<_, _>>()?
    };
    Ok(Answer::ok(
        json!({"data": data, "paging": walk(call, since, until)}),
    ))
}

/// The span that is asked for: the last day, if none is.
fn span(call: &Call<'_>) -> Result<(i64, i64), Answer> {
    let bound = |name: &str| match call.asked.param(name).map(str::parse::<i64>) {
        None => Ok(None),
        Some(Ok(at)) => Ok(Some(at)),
        Some(Err(_)) => {
            let why = format!("Param {name} must be a Unix timestamp");
            Err(error::invalid(&why, call.now))
        }
    };
    let until = bound("until")?.unwrap_or(call.now);
    let since = bound("since")?.unwrap_or(until - DAY);
    if since >= until || until - since > LONGEST_SPAN_DAYS * DAY {
        let why = "There cannot be more than 30 days (2592000 s) between since and until";
        return Err(error::invalid(why, call.now));
    }
    Ok((since, until))
}

/// Links to the spans before and after: always there, so nobody may follow them to an end.
fn walk(call: &Call<'_>, since: i64, until: i64) -> Value {
    let link = |since: i64, until: i64| {
        let (since, until) = (since.to_string(), until.to_string());
        call.asked.link(&[("since", &since), ("until", &until)])
    };
    let length = until - since;
    json!({
        "previous": link(since - length, since),
        "next": link(until, until + length),
    })
}

fn moment(at: i64) -> Timestamp {
    Timestamp::from_micros(at.saturating_mul(1_000_000)).unwrap_or(Timestamp::MAX)
}

/// What happened in a span, as far as it is told.
struct Span {
    numbers: PostNumbers,
    gained: i64,
    lost: i64,
    has_many: bool,
}

impl Span {
    fn of(account: &Account, at: Timestamp, since: i64, until: i64) -> Self {
        let told = seconds(told_until(account, at));
        let (from, to) = (moment(since.min(told)), moment(until.min(told)));
        let numbers = account.all_numbers(to).since(&account.all_numbers(from));
        Self {
            numbers,
            gained: account.gained(to) - account.gained(from),
            lost: account.lost(to) - account.lost(from),
            has_many: account.followers(at) >= FEWEST_FOLLOWERS,
        }
    }
}

fn total(call: &Call<'_>, span: &Span, node: &str, metric: &str) -> Result<Value, Answer> {
    let numbers = &span.numbers;
    let value = match metric {
        "accounts_engaged" => numbers.interactions() * 3 / 4,
        "comments" => numbers.comments,
        "likes" => numbers.likes,
        "replies" => numbers.comments / 6,
        "reposts" => numbers.reposts,
        "saves" => numbers.saves,
        "shares" => numbers.shares,
        "total_interactions" => numbers.interactions(),
        "profile_links_taps" => numbers.visits / 7,
        "reach" => numbers.reach,
        "views" => numbers.views,
        _ => span.gained - span.lost,
    };
    let (by, parts): (&str, Vec<(&str, i64)>) = match (metric, call.asked.param("breakdown")) {
        ("follows_and_unfollows", Some("follow_type")) => (
            "follow_type",
            vec![("FOLLOWER", span.gained), ("NON_FOLLOWER", span.lost)],
        ),
        ("reach" | "views", Some("media_product_type")) => {
            let reels = value * 6 / 10;
            (
                "media_product_type",
                vec![("POST", value - reels), ("REEL", reels)],
            )
        }
        ("reach", Some("follow_type")) | ("views", Some("follower_type")) => {
            let followers = value * 7 / 10;
            let by = if metric == "reach" {
                "follow_type"
            } else {
                "follower_type"
            };
            (
                by,
                vec![("FOLLOWER", followers), ("NON_FOLLOWER", value - followers)],
            )
        }
        (_, None) => ("", Vec::new()),
        _ => {
            return Err(error::known(
                Platform::Instagram,
                "unsupported_breakdown",
                call.now,
            ));
        }
    };
    if metric == "follows_and_unfollows" && !span.has_many {
        return Ok(insights::total(node, metric, "day", json!({})));
    }
    let mut whole = json!({ "value": value });
    if !parts.is_empty() {
        let parts: Vec<_> = parts
            .into_iter()
            .map(|(name, value)| (vec![name.to_owned()], value))
            .collect();
        whole["breakdowns"] = insights::breakdown(&[by], &parts);
    }
    Ok(insights::total(node, metric, "day", whole))
}

/// Reach by days of California; each is labelled with its end.
fn series(account: &Account, node: &str, at: Timestamp, since: i64, until: i64) -> Value {
    let told = seconds(told_until(account, at));
    let mut values = Vec::new();
    let mut end = midnight_after(pacific_day(since));
    while end <= until && end <= told {
        let numbers = account.all_numbers(moment(end));
        let of_day = numbers.since(&account.all_numbers(moment(end - DAY)));
        values.push(json!({"value": of_day.reach, "end_time": time(end)}));
        end = midnight_after(pacific_day(end));
    }
    insights::values(node, "reach", "day", json!(values))
}

fn demographics(call: &Call<'_>, account: &Account, metrics: &[&str]) -> Result<Answer, Answer> {
    if call.asked.param("period") != Some("lifetime") {
        let why = "The parameter period must be lifetime for demographics";
        return Err(error::invalid(why, call.now));
    }
    let timeframe = call.asked.param("timeframe").unwrap_or("this_month");
    if !["this_week", "this_month"].contains(&timeframe) {
        let why = "timeframe must be one of the following values: this_week, this_month";
        return Err(error::invalid(why, call.now));
    }
    let followers = account.followers(call.at);
    if followers < FEWEST_FOLLOWERS {
        return Ok(Answer::ok(json!({"data": []})));
    }
    let by = call.asked.param("breakdown").unwrap_or("country");
    let keys: Vec<_> = by.split(',').collect();
    let parts = account.audience_by(&keys, call.at);
    if parts.is_empty() {
        let why = "breakdown must be one of the following values: age, city, country, gender";
        return Err(error::invalid(why, call.now));
    }
    let node = ids::professional(account.key);
    let data = metrics.iter().map(|metric| {
        let engaged = *metric == "engaged_audience_demographics";
        let top: Vec<_> = parts
            .iter()
            .take(TOP)
            .map(|(names, count)| (names.clone(), if engaged { count / 5 } else { *count }))
            .collect();
        let total = json!({"breakdowns": insights::breakdown(&keys, &top)});
        insights::total(&node, metric, "lifetime", total)
    });
    Ok(Answer::ok(json!({"data": data.collect::<Vec<_>>()})))
}
