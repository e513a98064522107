//! Reports of YouTube Analytics: days of California, two or three days late.

use super::{READ, error, ids};
use crate::simulator::answer::Answer;
use crate::simulator::grants::Token;
use crate::simulator::limits::{midnight_after, pacific_day};
use crate::simulator::play::{Call, Core};
use crate::simulator::world::{Account, Post, PostNumbers};
use chrono::NaiveDate;
use domain::Timestamp;
use serde_json::{Value, json};

const SCOPE: &str = "https://www.googleapis.com/auth/yt-analytics.readonly";
const MONEY_SCOPE: &str = "https://www.googleapis.com/auth/yt-analytics-monetary.readonly";

const METRICS: [&str; 11] = [
    "views",
    "engagedViews",
    "estimatedMinutesWatched",
    "averageViewDuration",
    "averageViewPercentage",
    "likes",
    "comments",
    "shares",
    "subscribersGained",
    "subscribersLost",
    "redViews",
];
const MONEY: [&str; 3] = ["estimatedRevenue", "grossRevenue", "cpm"];

/// The longest span of a report, in days.
const MAX_DAYS: i64 = 366;

/// What a report is about.
struct Report<'a> {
    account: Account,
    from: NaiveDate,
    to: NaiveDate,
    metrics: Vec<&'a str>,
    /// Only these videos, if any are named.
    videos: Vec<Post>,
    /// The moment up to which it tells.
    told: i64,
    at: Timestamp,
}

pub(super) fn reports(core: &Core, call: &Call<'_>, token: &Token) -> Result<Answer, Answer> {
    if !token.grant.has(SCOPE) || !token.grant.has(READ) {
        return Err(error::known("insufficient_permissions"));
    }
    let report = report(core, call, token)?;
    let dimensions = call.asked.query("dimensions").unwrap_or_default();
    if report.metrics == ["viewerPercentage"] {
        return match dimensions {
            "ageGroup,gender" => Ok(demographics(call, &report)),
            _ => Err(error::known("query_not_supported")),
        };
    }
    if report.metrics.iter().any(|it| MONEY.contains(it)) {
        // No channel here earns anything.
        return Err(match token.grant.has(MONEY_SCOPE) {
            true => error::known("forbidden"),
            false => error::known("insufficient_permissions"),
        });
    }
    if report.metrics.is_empty() || report.metrics.iter().any(|it| !METRICS.contains(it)) {
        return Err(error::known("query_not_supported"));
    }
    let rows = match dimensions {
        "" => whole(&report),
        "day" => by_day(&report),
        "video" => by_video(call, &report),
        "insightTrafficSourceType" => by_share(&report, &TRAFFIC),
        "country" => by_share(&report, &COUNTRIES),
        _ => return Err(error::known("query_not_supported")),
    };
    Ok(table(dimensions, &report.metrics, rows))
}

const TRAFFIC: [(&str, i64); 4] = [
    ("SHORTS", 46),
    ("RELATED_VIDEO", 28),
    ("YT_SEARCH", 19),
    ("EXT_URL", 7),
];
const COUNTRIES: [(&str, i64); 4] = [("US", 41), ("BR", 25), ("DE", 20), ("IL", 14)];

fn report<'a>(core: &Core, call: &'a Call<'_>, token: &Token) -> Result<Report<'a>, Answer> {
    let bad = || error::known("bad_request");
    let asked = call.asked;
    let own = core
        .account_of_token(token)
        .ok_or_else(|| error::known("forbidden"))?;
    let mine = format!("channel=={}", ids::channel(own.key));
    match asked.query("ids") {
        Some("channel==MINE") => {}
        Some(channel) if channel == mine => {}
        Some(_) => return Err(error::known("forbidden")),
        None => return Err(bad()),
    }
    let day = |name| {
        let text = asked.query(name)?;
        NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
    };
    let (from, to) = (
        day("startDate").ok_or_else(bad)?,
        day("endDate").ok_or_else(bad)?,
    );
    if to < from || (to - from).num_days() >= MAX_DAYS {
        return Err(bad());
    }
    let metrics = asked.query("metrics").ok_or_else(bad)?;
    let videos = match asked.query("filters") {
        None => Vec::new(),
        Some(filter) => filter
            .strip_prefix("video==")
            .ok_or_else(|| error::known("query_not_supported"))?
            .split(',')
            .filter_map(ids::of_video)
            .filter(|key| key.account == own.key)
            .filter_map(|key| own.post(key.slot, call.at))
            .collect(),
    };
    Ok(Report {
        told: call.now - own.delay(),
        account: own,
        from,
        to,
        metrics: metrics.split(',').map(str::trim).collect(),
        videos,
        at: call.at,
    })
}

fn moment(at: i64) -> Timestamp {
    Timestamp::from_micros(at.saturating_mul(1_000_000)).unwrap_or(Timestamp::MAX)
}

/// When a day in California begins.
fn begins(day: NaiveDate) -> i64 {
    day.pred_opt().map_or(0, midnight_after)
}

impl Report<'_> {
    /// What had come by a moment.
    fn numbers(&self, at: i64) -> PostNumbers {
        let at = moment(at);
        match self.videos.as_slice() {
            [] => self.account.all_numbers(at),
            videos => videos.iter().fold(PostNumbers::default(), |sum, post| {
                sum.plus(&self.account.numbers(post, at))
            }),
        }
    }

    /// The metrics of a span.
    fn values(&self, numbers: &PostNumbers, from: i64, to: i64) -> Vec<Value> {
        let gained = |of: fn(&Account, Timestamp) -> i64| {
            // Of single videos nobody says who subscribed through them.
            let known = self.videos.is_empty();
            let change = of(&self.account, moment(to)) - of(&self.account, moment(from));
            if known { change } else { 0 }
        };
        let value = |metric: &&str| match *metric {
            "views" => json!(numbers.views),
            "engagedViews" => json!(numbers.views * 8 / 10),
            "estimatedMinutesWatched" => json!(numbers.watched_ms / 60_000),
            "averageViewDuration" => json!(numbers.watched_ms / 1_000 / numbers.views.max(1)),
            "averageViewPercentage" => json!(55.5),
            "likes" => json!(numbers.likes),
            "comments" => json!(numbers.comments),
            "shares" => json!(numbers.shares),
            "subscribersGained" => json!(gained(Account::gained)),
            "subscribersLost" => json!(gained(Account::lost)),
            _ => json!(numbers.views / 20),
        };
        self.metrics.iter().map(value).collect()
    }

    /// The span that is asked for, as far as it is told.
    fn span(&self) -> Option<(i64, i64)> {
        let from = begins(self.from).max(self.account.born());
        let to = midnight_after(self.to).min(self.told);
        (from < to).then_some((from, to))
    }
}

fn whole(report: &Report<'_>) -> Vec<Vec<Value>> {
    let Some((from, to)) = report.span() else {
        return Vec::new();
    };
    let numbers = report.numbers(to).since(&report.numbers(from));
    vec![report.values(&numbers, from, to)]
}

/// Whole days only: the newest is missing until all of it is told.
fn by_day(report: &Report<'_>) -> Vec<Vec<Value>> {
    let mut rows = Vec::new();
    let mut day = report.from.max(pacific_day(report.account.born()));
    let mut before = report.numbers(begins(day));
    while day <= report.to && midnight_after(day) <= report.told {
        let (from, to) = (begins(day), midnight_after(day));
        let now = report.numbers(to);
        let mut row = vec![json!(day.format("%Y-%m-%d").to_string())];
        row.extend(report.values(&now.since(&before), from, to));
        rows.push(row);
        before = now;
        let Some(next) = day.succ_opt() else { break };
        day = next;
    }
    rows
}

fn by_video(call: &Call<'_>, report: &Report<'_>) -> Vec<Vec<Value>> {
    let Some((from, to)) = report.span() else {
        return Vec::new();
    };
    let all: Vec<Post> = match report.videos.is_empty() {
        true => report.account.posts(report.at).collect(),
        false => report.videos.clone(),
    };
    let of = |post: &Post| {
        let account = &report.account;
        let (late, early) = (moment(to), moment(from));
        account
            .numbers(post, late)
            .since(&account.numbers(post, early))
    };
    let mut numbers: Vec<_> = all.iter().map(|post| (post.key, of(post))).collect();
    numbers.sort_by_key(|(_, numbers)| -numbers.views);
    let most = call
        .asked
        .query("maxResults")
        .and_then(|it| it.parse().ok());
    let rows = numbers.into_iter().take(most.unwrap_or(10).min(200));
    rows.map(|(key, numbers)| {
        let mut row = vec![json!(ids::video(key))];
        row.extend(report.values(&numbers, from, to));
        row
    })
    .collect()
}

fn by_share(report: &Report<'_>, shares: &[(&str, i64)]) -> Vec<Vec<Value>> {
    let whole = whole(report).into_iter().next().unwrap_or_default();
    if whole.is_empty() {
        return Vec::new();
    }
    let part = |value: &Value, percent: i64| match value.as_i64() {
        Some(count) => json!(count * percent / 100),
        None => value.clone(),
    };
    let row = |(name, percent): &(&str, i64)| {
        let parts = whole.iter().map(|value| part(value, *percent));
        [json!(name)].into_iter().chain(parts).collect()
    };
    shares.iter().map(row).collect()
}

fn demographics(call: &Call<'_>, report: &Report<'_>) -> Answer {
    let account = &report.account;
    let parts = account.audience_by(&["age", "gender"], call.at);
    let all: i64 = parts.iter().map(|(_, count)| count).sum();
    let rows = parts.iter().map(|(names, count)| {
        let age = names.first().map_or("", String::as_str).replace('+', "-");
        let gender = match names.get(1).map(String::as_str) {
            Some("F") => "female",
            Some("M") => "male",
            _ => "user_specified",
        };
        let tenths = count * 1_000 / all.max(1);
        vec![
            json!(format!("age{age}")),
            json!(gender),
            json!(tenths as f64 / 10.0),
        ]
    });
    // Too few viewers are told of nobody.
    let rows = match account.followers(call.at) < 100 || report.span().is_none() {
        true => Vec::new(),
        false => rows.collect(),
    };
    table("ageGroup,gender", &["viewerPercentage"], rows)
}

fn table(dimensions: &str, metrics: &[&str], rows: Vec<Vec<Value>>) -> Answer {
    let dimensions = dimensions.split(',').filter(|it| !it.is_empty());
    let header = |name: &str, column: &str, data: &str| json!({"name": name, "columnType": column, "dataType": data});
    let of_metric = |metric: &&str| match *metric {
        "viewerPercentage" | "averageViewPercentage" => header(metric, "METRIC", "FLOAT"),
        _ => header(metric, "METRIC", "INTEGER"),
    };
    let headers: Vec<_> = dimensions
        .map(|name| header(name, "DIMENSION", "STRING"))
        .chain(metrics.iter().map(of_metric))
        .collect();
    Answer::ok(json!({
        "kind": "youtubeAnalytics#resultTable",
        "columnHeaders": headers,
        "rows": rows,
    }))
}
