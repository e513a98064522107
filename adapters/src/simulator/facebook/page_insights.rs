//! Insights of a Page, by days of California; each is labelled with the moment of its end.

use super::{ids, metrics};
use crate::simulator::answer::Answer;
use crate::simulator::grants::Token;
use crate::simulator::instagram::time;
use crate::simulator::limits::{midnight_after, pacific_day};
use crate::simulator::meta::{error, insights};
use crate::simulator::play::Call;
use crate::simulator::world::{Account, DAY, PostNumbers};
use domain::{Platform, Timestamp};
use serde_json::{Value, json};

const METRICS: [&str; 11] = [
    "page_follows",
    "page_daily_follows",
    "page_daily_follows_unique",
    "page_daily_unfollows_unique",
    "page_media_view",
    "page_total_media_view_unique",
    "page_post_engagements",
    "page_views_total",
    "page_total_actions",
    "page_follows_country",
    "page_follows_city",
];

/// The longest span of one query, in days.
const LONGEST_SPAN_DAYS: i64 = 90;
/// Pages with fewer followers have no insights.
const FEWEST_FOLLOWERS: i64 = 100;

pub(super) fn insights(call: &Call<'_>, token: &Token, page: &Account) -> Result<Answer, Answer> {
    let metrics = metrics(call, &METRICS)?;
    if call.asked.param("period").is_some_and(|it| it != "day") {
        return Err(error::invalid("period must be day", call.now));
    }
    if page.followers(call.at) < FEWEST_FOLLOWERS {
        return Err(error::known(Platform::Facebook, "few_followers", call.now));
    }
    let (since, until) = span(call)?;
    let walk = |since: i64, until: i64| {
        let (since, until) = (since.to_string(), until.to_string());
        call.asked.link(&[("since", &since), ("until", &until)])
    };
    let length = until - since;
    let paging = json!({
        "previous": walk(since - length, since),
        "next": walk(until, until + length),
    });
    // A missing scope is answered with nothing at all, and no error.
    let data: Vec<_> = match token.grant.has("read_insights") {
        false => Vec::new(),
        true => {
            let days = days(page, since, until.min(call.now - page.delay()));
            let entries = metrics
                .iter()
                .map(|metric| entry(call, page, metric, &days));
            entries.collect()
        }
    };
    Ok(Answer::ok(json!({"data": data, "paging": paging})))
}

/// The span that is asked for: two days, if none is.
fn span(call: &Call<'_>) -> Result<(i64, i64), Answer> {
    let bound = |name: &str| {
        let text = call.asked.param(name)?;
        let day = || chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
        let midnight = || Some(day()?.pred_opt().map_or(0, midnight_after));
        text.parse::<i64>().ok().or_else(midnight)
    };
    let until = bound("until").unwrap_or(call.now);
    let since = bound("since").unwrap_or(until - 2 * DAY);
    if since > until || until - since > LONGEST_SPAN_DAYS * DAY {
        let why = "There cannot be more than 90 days (7776000 s) between since and until";
        return Err(error::invalid(why, call.now));
    }
    Ok((since, until))
}

/// One day: its end, what it brought, and where the Page stood then.
struct Day {
    end: i64,
    numbers: PostNumbers,
    follows: i64,
    unfollows: i64,
    followers: i64,
}

fn moment(at: i64) -> Timestamp {
    Timestamp::from_micros(at.saturating_mul(1_000_000)).unwrap_or(Timestamp::MAX)
}

/// The days whose end is within a span.
fn days(page: &Account, since: i64, until: i64) -> Vec<Day> {
    let mut days = Vec::new();
    let mut start = pacific_day(since).pred_opt().map_or(since, midnight_after);
    if start < since {
        start = midnight_after(pacific_day(since));
    }
    let mut begin = pacific_day(start - 1)
        .pred_opt()
        .map_or(start - DAY, midnight_after);
    let mut before = page.all_numbers(moment(begin));
    let mut end = start;
    while end <= until {
        let numbers = page.all_numbers(moment(end));
        let (from, to) = (moment(begin), moment(end));
        days.push(Day {
            end,
            numbers: numbers.since(&before),
            follows: page.gained(to) - page.gained(from),
            unfollows: page.lost(to) - page.lost(from),
            followers: page.followers(to),
        });
        (begin, before) = (end, numbers);
        end = midnight_after(pacific_day(end));
    }
    days
}

fn entry(call: &Call<'_>, page: &Account, metric: &str, days: &[Day]) -> Value {
    let by = call.asked.param("breakdown");
    let values = days.iter().map(|day| {
        let numbers = &day.numbers;
        let value = match metric {
            "page_follows" => json!(day.followers),
            "page_daily_follows" | "page_daily_follows_unique" => json!(day.follows),
            "page_daily_unfollows_unique" => json!(day.unfollows),
            "page_total_media_view_unique" => json!(numbers.reach),
            "page_post_engagements" => json!(numbers.interactions()),
            "page_views_total" => json!(numbers.visits),
            "page_total_actions" => json!(numbers.visits / 8),
            "page_follows_country" => parts(page, "country", day.end),
            "page_follows_city" => parts(page, "city", day.end),
            _ => match by {
                Some("is_from_ads") => {
                    json!({"is_from_ads": 0, "is_not_from_ads": numbers.views})
                }
                Some("is_from_followers") => {
                    let followers = numbers.views * 6 / 10;
                    let others = numbers.views - followers;
                    json!({"is_from_followers": followers, "is_not_from_followers": others})
                }
                _ => json!(numbers.views),
            },
        };
        json!({"value": value, "end_time": time(day.end)})
    });
    let values: Vec<_> = values.collect();
    insights::values(&ids::page(page.key), metric, "day", json!(values))
}

fn parts(page: &Account, key: &str, at: i64) -> Value {
    let parts = page.audience_by(&[key], moment(at));
    let named = parts.into_iter().filter_map(|(names, count)| {
        let name = names.into_iter().next()?;
        Some((name, json!(count)))
    });
    Value::Object(named.collect())
}
