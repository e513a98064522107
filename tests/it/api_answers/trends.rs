//! Trends: intervals of a zone's calendar, and why an interval has no value.

use super::{trend, withheld};
use crate::api_ground::{Ground, column, list};
use crate::histories::{connect, followers, metrics, minute, sync};
use anyhow::{Context, ensure};
use domain::account::ErrorClass;
use domain::observation::Cause;
use domain::{AccountId, Metric, Platform};
use serde_json::{Value, json};
use tests::ledger::{at, values};

const WHO: (&str, Platform, &str) = ("creator", Platform::Youtube, "one");

/// An account with these followers at these moments.
async fn observed(ground: &Ground, series: &[(&str, i64)]) -> anyhow::Result<AccountId> {
    let account = ground.import(WHO.0, WHO.1, WHO.2).await?;
    let intents = series.iter().map(|(moment, count)| {
        let values = values(&[(Metric::Followers, *count)]);
        metrics(at(moment), values, Cause::Observed)
    });
    let outcome = ground.carry_out(account, intents.collect()).await?;
    ground
        .after(&outcome, &trend(account, "interval=raw"))
        .await?;
    Ok(account)
}

/// Each interval as it begins, ends and what its last value is.
type Interval<'a> = (&'a str, &'a str, Option<i64>);

async fn ensure_intervals(
    ground: &Ground,
    path: &str,
    expected: &[Interval<'_>],
) -> anyhow::Result<()> {
    let found = ground.data(path).await?;
    let moment = |value: &Value| value.as_str().unwrap_or("").replace(":00.000000Z", "Z");
    let mut intervals = vec![];
    for point in list(&found["points"])? {
        let value = point["value"].as_i64();
        ensure!(value.is_some() == point["gap"].is_null(), "{path}: {point}");
        intervals.push((moment(&point["from"]), moment(&point["to"]), value));
    }
    let expected: Vec<_> = expected
        .iter()
        .map(|(from, to, value)| ((*from).to_owned(), (*to).to_owned(), *value))
        .collect();
    ensure!(intervals == expected, "{path}: {intervals:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn intervals_follow_the_calendar_when_clocks_go_forward() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let series = [
        ("2025-03-29T22:30:00Z", 10),
        ("2025-03-29T23:30:00Z", 11),
        ("2025-03-30T21:30:00Z", 12),
        ("2025-03-30T22:30:00Z", 13),
    ];
    let account = observed(&ground, &series).await?;
    let berlin = |query: &str| trend(account, &format!("zone=Europe/Berlin&{query}"));
    // The day in the middle has 23 hours.
    let days = [
        ("2025-03-28T23:00Z", "2025-03-29T23:00Z", Some(10)),
        ("2025-03-29T23:00Z", "2025-03-30T22:00Z", Some(12)),
        ("2025-03-30T22:00Z", "2025-03-31T22:00Z", Some(13)),
    ];
    let window = "from=2025-03-29&to=2025-04-01";
    ensure_intervals(&ground, &berlin(&format!("interval=day&{window}")), &days).await?;
    // Days are what is meant if nothing is said.
    ensure_intervals(&ground, &berlin(window), &days).await?;
    let weeks = [
        ("2025-03-23T23:00Z", "2025-03-30T22:00Z", Some(12)),
        ("2025-03-30T22:00Z", "2025-04-06T22:00Z", Some(13)),
    ];
    let path = berlin("interval=week&from=2025-03-24&to=2025-04-07");
    ensure_intervals(&ground, &path, &weeks).await?;
    let months = [
        ("2025-02-28T23:00Z", "2025-03-31T22:00Z", Some(13)),
        ("2025-03-31T22:00Z", "2025-04-30T22:00Z", None),
    ];
    let path = berlin("interval=month&from=2025-03-01&to=2025-05-01");
    ensure_intervals(&ground, &path, &months).await?;
    // There is no hour from two to three.
    let hours = [
        ("2025-03-30T00:00Z", "2025-03-30T01:00Z", None),
        ("2025-03-30T01:00Z", "2025-03-30T02:00Z", None),
        ("2025-03-30T02:00Z", "2025-03-30T03:00Z", None),
    ];
    let path = berlin("interval=hour&from=2025-03-30T00:00:00Z&to=2025-03-30T03:00:00Z");
    ensure_intervals(&ground, &path, &hours).await?;
    // The same window in UTC.
    let days = [
        ("2025-03-29T00:00Z", "2025-03-30T00:00Z", Some(11)),
        ("2025-03-30T00:00Z", "2025-03-31T00:00Z", Some(13)),
        ("2025-03-31T00:00Z", "2025-04-01T00:00Z", None),
    ];
    ensure_intervals(&ground, &trend(account, window), &days).await?;
    let found = ground.data(&berlin(window)).await?;
    ensure!(
        found["zone"] == "Europe/Berlin" && found["interval"] == "day",
        "{found}"
    );
    ensure!(found["from"] == "2025-03-28T23:00:00.000000Z", "{found}");
    ensure!(
        found["truncated"] == false && found["metric"] == "followers",
        "{found}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn intervals_follow_the_calendar_when_clocks_go_back() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let series = [
        ("2025-10-25T21:59:59.999999Z", 20),
        ("2025-10-25T22:00:00Z", 21),
        ("2025-10-26T22:59:59.999999Z", 22),
        ("2025-10-26T23:00:00Z", 23),
    ];
    let account = observed(&ground, &series).await?;
    let berlin = |query: &str| trend(account, &format!("zone=Europe/Berlin&{query}"));
    // The day in the middle has 25 hours; its first moment belongs to it, its end does not.
    let days = [
        ("2025-10-24T22:00Z", "2025-10-25T22:00Z", Some(20)),
        ("2025-10-25T22:00Z", "2025-10-26T23:00Z", Some(22)),
        ("2025-10-26T23:00Z", "2025-10-27T23:00Z", Some(23)),
    ];
    let path = berlin("interval=day&from=2025-10-25&to=2025-10-28");
    ensure_intervals(&ground, &path, &days).await?;
    // A window that begins and ends within a week cuts its first and its last one.
    let weeks = [
        ("2025-10-25T10:00Z", "2025-10-26T23:00Z", Some(22)),
        ("2025-10-26T23:00Z", "2025-10-27T10:00Z", Some(23)),
    ];
    let path = berlin("interval=week&from=2025-10-25T10:00:00Z&to=2025-10-27T10:00:00Z");
    ensure_intervals(&ground, &path, &weeks).await?;
    let months = [
        ("2025-09-30T22:00Z", "2025-10-31T23:00Z", Some(23)),
        ("2025-10-31T23:00Z", "2025-11-30T23:00Z", None),
    ];
    let path = berlin("interval=month&from=2025-10-01&to=2025-12-01");
    ensure_intervals(&ground, &path, &months).await?;
    // Hours cover the whole window without a hole, the one that comes twice too.
    let path = berlin("interval=hour&from=2025-10-25T22:00:00Z&to=2025-10-26T04:00:00Z");
    let found = ground.data(&path).await?;
    let (from, to) = (
        column(&found["points"], "from")?,
        column(&found["points"], "to")?,
    );
    ensure!(from.first() == Some(&found["from"]), "{found}");
    ensure!(to.last() == Some(&found["to"]), "{found}");
    ensure!(from[1..] == to[..to.len() - 1], "{found}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_names_its_cause() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let account = ground.import(WHO.0, WHO.1, WHO.2).await?;
    const DAY: i64 = 24 * 60;
    const SIX: i64 = 6 * 60;
    // Minute 0 is the beginning of 1 January 2026.
    let day = |day: i64| (day - 1) * DAY + SIX;
    let failed = |n: i64| sync(n, Some(ErrorClass::Transient));
    let hidden = |n: i64| withheld(minute(n), &[], &[Metric::Followers]);
    let mut intents = vec![
        connect(WHO, 1, 0)?,
        failed(day(2)),
        followers(day(4), 100),
        hidden(day(5))?,
        failed(day(6)),
        failed(day(6) + 1),
        followers(day(8), 110),
        failed(day(8) + 1),
        hidden(day(9))?,
        failed(day(9) + 1),
        failed(day(11)),
    ];
    // One day on which nothing worked at all.
    intents.extend((0..7).map(|n| failed(day(7) + n)));
    let outcome = ground.carry_out(account, intents).await?;
    let path = trend(
        account,
        "from=2026-01-02&to=2026-01-13&as_of=2026-01-10T12:00:00Z",
    );
    let body = ground.after(&outcome, &path).await?;
    let points = &body["data"]["points"];
    let causes: Vec<_> = list(points)?
        .iter()
        .map(|point| point["gap"]["cause"].as_str().unwrap_or("a value"))
        .collect();
    let expected = [
        "sync_failed",              // 2
        "before_first_observation", // 3
        "a value",                  // 4
        "hidden",                   // 5
        "sync_failed",              // 6
        "sync_failed",              // 7
        "a value",                  // 8
        "hidden",                   // 9
        "not_observed",             // 10
        "future",                   // 11
        "future",                   // 12
    ];
    ensure!(causes == expected, "{causes:?}");
    // The failed syncs of each gap, the first five of them; a sync that failed on a day with a
    // value is no gap's.
    let syncs = |n: usize| list(&points[n - 2]["gap"]["failed_syncs"]);
    for (n, count) in [
        (2, 1),
        (3, 0),
        (5, 0),
        (6, 2),
        (7, 5),
        (9, 1),
        (10, 0),
        (12, 0),
    ] {
        ensure!(syncs(n)?.len() == count, "{n} January: {}", points[n - 2]);
    }
    for (n, index, started) in [(2, 0, day(2)), (6, 1, day(6) + 1), (7, 4, day(7) + 4)] {
        let sync = &syncs(n)?[index];
        ensure!(sync["started_at"] == minute(started).to_string(), "{sync}");
        ensure!(
            sync["error_class"] == "transient" && sync["error_code"] == "190",
            "{sync}"
        );
        let id = sync["sync_id"].as_str().context("an id")?;
        ensure!(id.parse::<domain::SyncId>().is_ok(), "{sync}");
    }
    // Nothing of what came after the moment that was asked about.
    ensure!(syncs(11)?.is_empty(), "the future is told: {}", points[9]);
    // Now the 11th is as past as the others.
    let now = ground
        .data(&trend(account, "from=2026-01-02&to=2026-01-13"))
        .await?;
    ensure!(
        now["points"][9]["gap"]["cause"] == "sync_failed",
        "{}",
        now["points"][9]
    );
    Ok(())
}

/// An account of which nothing was ever seen has nothing but gaps, and so has a metric that was
/// never asked for.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_numbers_has_only_gaps() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let other = observed(&ground, &[("2026-01-03T00:00:00Z", 1)]).await?;
    let nothing = ground.import("creator", Platform::Youtube, "two").await?;
    let outcome = ground.carry_out(
        nothing,
        vec![connect(("creator", Platform::Youtube, "two"), 2, 0)?],
    );
    let window = "from=2026-01-02&to=2026-01-06";
    let body = ground
        .after(&outcome.await?, &trend(nothing, window))
        .await?;
    let causes = |points: &Value| -> anyhow::Result<Vec<Value>> {
        let gaps = column(points, "gap")?;
        Ok(gaps.iter().map(|gap| gap["cause"].clone()).collect())
    };
    let before = "before_first_observation";
    let found = causes(&body["data"]["points"])?;
    ensure!(found == [before, before, before, before], "{body}");
    let path = format!("/v1/accounts/{other}/trends/views?{window}");
    let body = ground.server.ok(&path).await?;
    let found = causes(&body["data"]["points"])?;
    ensure!(
        found == [before, "not_observed", "not_observed", "not_observed"],
        "{body}"
    );
    ensure!(
        body["data"]["points"][1]["gap"]["failed_syncs"] == json!([]),
        "{body}"
    );
    Ok(())
}

/// Counts that fall and corrections are shown as they are, and a long series is cut and says so.
#[tokio::test(flavor = "multi_thread")]
async fn raw_shows_every_observation() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let series = [
        ("2026-01-02T00:00:00Z", 100),
        ("2026-01-03T00:00:00Z", 90),
        ("2026-01-04T00:00:00Z", 0),
        ("2026-01-05T00:00:00Z", 95),
        ("2026-01-05T00:00:00Z", 94),
    ];
    let account = observed(&ground, &series).await?;
    let whole = trend(account, "interval=raw&from=2026-01-01&to=2026-01-10");
    let found = ground.data(&whole).await?;
    ensure!(
        column(&found["points"], "value")? == [100, 90, 0, 95, 94],
        "{found}"
    );
    let causes = ["observed", "observed", "observed", "observed", "restated"];
    ensure!(column(&found["points"], "cause")? == causes, "{found}");
    for point in list(&found["points"])? {
        ensure!(
            point["from"] == point["observed_at"] && point["to"] == point["from"],
            "{point}"
        );
        ensure!(
            point["gap"].is_null() && point["recorded_at"].is_string(),
            "{point}"
        );
    }
    ensure!(
        found["truncated"] == false && found["interval"] == "raw",
        "{found}"
    );
    // Of a day with two values for one moment the later one counts; the fall is a fall.
    let days = ground
        .data(&trend(account, "from=2026-01-02&to=2026-01-06"))
        .await?;
    ensure!(
        column(&days["points"], "value")? == [100, 90, 0, 94],
        "{days}"
    );

    let long = ground.import("creator", Platform::Tiktok, "long").await?;
    let minutes: Vec<i64> = (0..=2_000).collect();
    let mut outcome = None;
    for some in minutes.chunks(400) {
        let intents = some.iter().map(|n| followers(*n, *n)).collect();
        outcome = Some(ground.carry_out(long, intents).await?);
    }
    let outcome = outcome.context("observations")?;
    let raw = |from: i64, to: i64| {
        trend(
            long,
            &format!("interval=raw&from={}&to={}", minute(from), minute(to)),
        )
    };
    for (from, to, count, truncated) in [
        (0, 2_001, 2_000, true),
        (0, 2_000, 2_000, false),
        (1, 2_001, 2_000, false),
        (2_000, 2_001, 1, false),
    ] {
        let body = ground.after(&outcome, &raw(from, to)).await?;
        let data = &body["data"];
        let values = column(&data["points"], "value")?;
        ensure!(
            values.len() == count,
            "{from} to {to}: {} points",
            values.len()
        );
        ensure!(
            data["truncated"] == truncated,
            "{from} to {to}: {}",
            data["truncated"]
        );
        ensure!(
            values.first() == Some(&json!(from)),
            "{from} to {to}: {:?}",
            values.first()
        );
    }
    Ok(())
}
