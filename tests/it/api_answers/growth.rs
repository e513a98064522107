//! Growth and velocity, and the reasons where there is none.

use crate::api_ground::Ground;
use crate::histories::metrics;
use anyhow::ensure;
use commands::Outcome;
use domain::observation::Cause;
use domain::{AccountId, Metric, Platform};
use serde_json::{Value, json};
use tests::ledger::{at, values};

const BEGIN: &str = "2026-01-01T00:00:00.000000Z";
const END: &str = "2026-01-08T00:00:00.000000Z";
const NO_START: &str = "no observation at or before from";

/// An account with these values at these days of January 2026.
async fn observed(
    ground: &Ground,
    (creator, platform, id): (&str, Platform, &str),
    series: &[(u32, i64)],
) -> anyhow::Result<(AccountId, Outcome)> {
    let account = ground.import(creator, platform, id).await?;
    let intents = series.iter().map(|(day, count)| {
        let values = values(&[(Metric::Followers, *count)]);
        metrics(
            at(&format!("2026-01-{day:02}T00:00:00Z")),
            values,
            Cause::Observed,
        )
    });
    let outcome = ground.carry_out(account, intents.collect()).await?;
    Ok((account, outcome))
}

fn growth_of(account: AccountId, from: &str, to: &str) -> String {
    format!("/v1/accounts/{account}/growth?from={from}&to={to}")
}

fn velocity_of(account: AccountId, as_of: &str) -> String {
    format!("/v1/accounts/{account}/velocity?as_of={as_of}")
}

/// Fails unless the percentage is this one, or absent for this reason.
fn ensure_percent(data: &Value, name: &str, expected: Result<f64, &str>) -> anyhow::Result<()> {
    let (number, reason) = match expected {
        Ok(number) => (json!(number), Value::Null),
        Err(reason) => (Value::Null, json!(reason)),
    };
    ensure!(
        data[name] == number && data["reason"] == reason,
        "{expected:?}: {data}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn growth_between_two_moments() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let series = [(1, 1_000), (8, 1_070), (15, 1_000)];
    let (account, outcome) = observed(&ground, ("c", Platform::Youtube, "one"), &series).await?;
    let body = ground
        .after(&outcome, &growth_of(account, BEGIN, END))
        .await?;
    let data = &body["data"];
    ensure!(
        data["formula"] == "growth@1" && data["metric"] == "followers",
        "{data}"
    );
    ensure!(data["from"] == BEGIN && data["to"] == END, "{data}");
    for (end, moment, value, revision) in [("start", BEGIN, 1_000, 1), ("end", END, 1_070, 2)] {
        let found = &data[end];
        ensure!(
            found["value"] == value && found["observed_at"] == moment,
            "{data}"
        );
        ensure!(
            found["revision"] == revision && found["cause"] == "observed",
            "{data}"
        );
    }
    ensure!(data["delta"] == 70, "{data}");
    ensure_percent(data, "percent", Ok(7.0))?;
    // Both ends may have been seen earlier than they are asked for, even before the window.
    for (from, to, delta, percent) in [
        ("2026-01-02", "2026-01-14", 70, 7.0),
        ("2026-01-02", "2026-01-03", 0, 0.0),
        // A fall: -70 of 1070.
        ("2026-01-09", "2026-01-16", -70, -6.5421),
    ] {
        let data = ground.data(&growth_of(account, from, to)).await?;
        ensure!(data["delta"] == delta, "{data}");
        ensure_percent(&data, "percent", Ok(percent))?;
    }
    // A day is its midnight in the zone: that of the 8th in Berlin is before the second value.
    let path = format!(
        "{}&zone=Europe/Berlin",
        growth_of(account, "2026-01-02", "2026-01-08")
    );
    let data = ground.data(&path).await?;
    ensure!(
        data["to"] == "2026-01-07T23:00:00.000000Z" && data["delta"] == 0,
        "{data}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn growth_that_is_undefined_says_why() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let zero = [(1, 0), (8, 5)];
    let (zero, _) = observed(&ground, ("c", Platform::Youtube, "zero"), &zero).await?;
    let late = [(5, 10)];
    let (late, outcome) = observed(&ground, ("c", Platform::Youtube, "late"), &late).await?;
    ground.after(&outcome, &growth_of(late, BEGIN, END)).await?;

    let data = ground.data(&growth_of(zero, BEGIN, END)).await?;
    ensure!(data["start"]["value"] == 0 && data["delta"] == 5, "{data}");
    ensure_percent(&data, "percent", Err("start is zero"))?;
    let data = ground.data(&velocity_of(zero, END)).await?;
    ensure_percent(&data, "percent_per_day", Err("start is zero"))?;

    let data = ground.data(&growth_of(late, BEGIN, END)).await?;
    ensure!(data["start"].is_null() && data["delta"].is_null(), "{data}");
    ensure!(data["end"]["value"] == 10, "{data}");
    ensure_percent(&data, "percent", Err(NO_START))?;
    let data = ground.data(&velocity_of(late, END)).await?;
    ensure_percent(&data, "percent_per_day", Err(NO_START))?;
    // A metric of which nothing was ever seen.
    let path = format!("{}&metric=views", growth_of(late, BEGIN, END));
    let data = ground.data(&path).await?;
    ensure!(data["start"].is_null() && data["end"].is_null(), "{data}");
    ensure!(data["metric"] == "views", "{data}");
    ensure_percent(&data, "percent", Err(NO_START))
}

#[tokio::test(flavor = "multi_thread")]
async fn velocity_is_growth_over_a_week_by_day() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let series = [(1, 1_000), (8, 1_070), (9, 1_071), (15, 1_000)];
    let (account, outcome) = observed(&ground, ("c", Platform::Tiktok, "one"), &series).await?;
    let body = ground.after(&outcome, &velocity_of(account, END)).await?;
    let data = &body["data"];
    ensure!(
        data["formula"] == "velocity@1" && data["metric"] == "followers",
        "{data}"
    );
    ensure!(data["from"] == BEGIN && data["to"] == END, "{data}");
    ensure!(
        data["start"]["value"] == 1_000 && data["end"]["value"] == 1_070,
        "{data}"
    );
    ensure_percent(data, "percent_per_day", Ok(1.0))?;
    for (as_of, percent) in [
        // 71 of 1000 over 7 days, to 4 decimals.
        ("2026-01-14T00:00:00Z", 1.0143),
        // -70 of 1070 over 7 days.
        ("2026-01-15T00:00:00Z", -0.9346),
        // 1000 to 1000, and nothing since.
        ("2026-02-15T00:00:00Z", 0.0),
    ] {
        let data = ground.data(&velocity_of(account, as_of)).await?;
        ensure_percent(&data, "percent_per_day", Ok(percent))?;
    }
    let data = ground
        .data(&velocity_of(account, "2026-01-07T23:59:59.999999Z"))
        .await?;
    ensure_percent(&data, "percent_per_day", Err(NO_START))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creators_accounts_add_up() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    observed(
        &ground,
        ("c", Platform::Youtube, "one"),
        &[(1, 1_000), (8, 1_070)],
    )
    .await?;
    observed(&ground, ("c", Platform::Tiktok, "two"), &[(1, 0), (8, 5)]).await?;
    observed(&ground, ("c", Platform::Tiktok, "late"), &[(5, 10)]).await?;
    observed(
        &ground,
        ("zero", Platform::Tiktok, "three"),
        &[(1, 0), (8, 5)],
    )
    .await?;
    let most = i64::MAX;
    observed(&ground, ("huge", Platform::Tiktok, "four"), &[(1, most)]).await?;
    let (_, outcome) = observed(&ground, ("huge", Platform::Youtube, "five"), &[(1, most)]).await?;
    let of = |creator: &str| format!("/v1/creators/{creator}/growth?from={BEGIN}&to={END}");

    let body = ground.after(&outcome, &of("c")).await?;
    let data = &body["data"];
    ensure!(
        data["creator"] == "c" && data["formula"] == "growth@1",
        "{data}"
    );
    ensure!(data["accounts"] == 2, "{data}");
    ensure!(
        data["sum_start"] == 1_000 && data["sum_end"] == 1_075,
        "{data}"
    );
    ensure_percent(data, "percent", Ok(7.5))?;
    let left_out = json!({"without_start": 1, "below_minimum": 0, "switched_off": 0, "erased": 0});
    ensure!(data["left_out"] == left_out, "{data}");

    let data = ground
        .data(&format!("{}&minimum_start=10", of("c")))
        .await?;
    ensure!(data["accounts"] == 1 && data["sum_end"] == 1_070, "{data}");
    ensure_percent(&data, "percent", Ok(7.0))?;
    let left_out = json!({"without_start": 1, "below_minimum": 1, "switched_off": 0, "erased": 0});
    ensure!(data["left_out"] == left_out, "{data}");

    let data = ground.data(&of("zero")).await?;
    ensure!(data["accounts"] == 1 && data["sum_end"] == 5, "{data}");
    ensure_percent(&data, "percent", Err("start is zero"))?;
    let data = ground.data(&of("nobody")).await?;
    ensure!(data["accounts"] == 0, "{data}");
    ensure_percent(&data, "percent", Err("no account counts"))?;
    // More than 64 bits hold, to the last digit.
    let data = ground.data(&of("huge")).await?;
    ensure!(
        data["sum_start"] == 18_446_744_073_709_551_614_u64,
        "{data}"
    );
    ensure!(data["sum_end"] == data["sum_start"], "{data}");
    ensure_percent(&data, "percent", Ok(0.0))
}
