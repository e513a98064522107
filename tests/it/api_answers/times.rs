//! The two axes of time: as of when something was true, and when it was learned.

use super::trend;
use crate::api_ground::{Ground, column, list};
use crate::histories::{metrics, page};
use anyhow::{Context, ensure};
use domain::observation::Cause;
use domain::{AccountId, Metric, Platform};
use serde_json::{Value, json};
use tests::ledger::{at, post, values};

const EARLY: &str = "2026-01-01T12:00:00.000000Z";
const FIRST: &str = "2026-01-02T00:00:00.000000Z";
const SECOND: &str = "2026-01-03T00:00:00.000000Z";
const THIRD: &str = "2026-01-04T00:00:00.000000Z";

async fn observe(
    ground: &Ground,
    account: AccountId,
    moment: &str,
    count: i64,
) -> anyhow::Result<String> {
    let values = values(&[(Metric::Followers, count)]);
    let intent = metrics(at(moment), values, Cause::Observed);
    let outcome = ground.carry_out(account, vec![intent]).await?;
    // When it was recorded: the newest of all.
    let path = trend(account, "interval=raw&from=2025-01-01&to=2027-01-01");
    let body = ground.after(&outcome, &path).await?;
    let points = column(&body["data"]["points"], "recorded_at")?;
    let newest = points.iter().filter_map(Value::as_str).max();
    Ok(newest.context("a moment")?.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_true_and_what_was_known() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let account = ground.import("creator", Platform::Youtube, "one").await?;
    let learned = observe(&ground, account, FIRST, 100).await?;
    // Corrected downward, and then an older number, learned late.
    let corrected = observe(&ground, account, FIRST, 90).await?;
    let late = observe(&ground, account, EARLY, 80).await?;
    ensure!(
        learned < corrected && corrected < late,
        "{learned} {corrected} {late}"
    );
    let before = at(&learned).saturating_add_micros(-1);

    let path = format!("/v1/accounts/{account}/metrics/followers");
    let evening = "2026-01-01T18:00:00Z";
    for (axes, value, observed_at, cause) in [
        (String::new(), Some(90), Some(FIRST), Some("restated")),
        (
            format!("as_of={FIRST}"),
            Some(90),
            Some(FIRST),
            Some("restated"),
        ),
        (
            format!("as_of={evening}"),
            Some(80),
            Some(EARLY),
            Some("observed"),
        ),
        (
            format!("as_of={EARLY}"),
            Some(80),
            Some(EARLY),
            Some("observed"),
        ),
        (
            "as_of=2026-01-01T11:59:59.999999Z".to_owned(),
            None,
            None,
            None,
        ),
        (
            format!("known_at={learned}"),
            Some(100),
            Some(FIRST),
            Some("observed"),
        ),
        (
            format!("known_at={corrected}"),
            Some(90),
            Some(FIRST),
            Some("restated"),
        ),
        (format!("known_at={before}"), None, None, None),
        (
            format!("as_of={evening}&known_at={corrected}"),
            None,
            None,
            None,
        ),
        (
            format!("as_of={evening}&known_at={late}"),
            Some(80),
            Some(EARLY),
            Some("observed"),
        ),
        (
            format!("as_of={FIRST}&known_at={learned}"),
            Some(100),
            Some(FIRST),
            Some("observed"),
        ),
    ] {
        let found = ground.data(&format!("{path}?{axes}")).await?;
        ensure!(found["value"].as_i64() == value, "{axes}: {found}");
        ensure!(
            found["observed_at"].as_str() == observed_at,
            "{axes}: {found}"
        );
        ensure!(found["cause"].as_str() == cause, "{axes}: {found}");
        ensure!(
            found["event"].is_null() == value.is_none(),
            "{axes}: {found}"
        );
    }
    let now = ground.data(&path).await?;
    let stream = format!("account-{account}");
    ensure!(
        now["event"] == json!({"stream": stream, "revision": 2}),
        "{now}"
    );
    ensure!(now["recorded_at"] == corrected, "{now}");

    // The same two axes in a trend and in a growth.
    let raw = trend(account, "interval=raw&from=2026-01-01&to=2026-01-05");
    let days = trend(account, "from=2026-01-01&to=2026-01-03");
    for (axes, all, by_day) in [
        (String::new(), json!([80, 100, 90]), json!([80, 90])),
        (
            format!("&known_at={learned}"),
            json!([100]),
            json!([null, 100]),
        ),
        (
            format!("&known_at={corrected}"),
            json!([100, 90]),
            json!([null, 90]),
        ),
        (format!("&as_of={EARLY}"), json!([80]), json!([80, null])),
        (
            format!("&as_of={FIRST}&known_at={learned}"),
            json!([100]),
            json!([null, 100]),
        ),
    ] {
        let found = ground.data(&format!("{raw}{axes}")).await?;
        ensure!(
            Value::Array(column(&found["points"], "value")?) == all,
            "{axes}: {found}"
        );
        let found = ground.data(&format!("{days}{axes}")).await?;
        ensure!(
            Value::Array(column(&found["points"], "value")?) == by_day,
            "{axes}: {found}"
        );
    }
    let growth = format!("/v1/accounts/{account}/growth?from={evening}&to={SECOND}");
    let found = ground.data(&growth).await?;
    ensure!(found["delta"] == 10 && found["percent"] == 12.5, "{found}");
    let found = ground
        .data(&format!("{growth}&known_at={corrected}"))
        .await?;
    ensure!(
        found["start"].is_null() && found["percent"].is_null(),
        "{found}"
    );
    ensure!(found["end"]["value"] == 90, "{found}");
    let found = ground.data(&format!("{growth}&known_at={learned}")).await?;
    ensure!(found["end"]["value"] == 100, "{found}");
    Ok(())
}

/// What the creator's accounts add up to, as it was believed.
#[tokio::test(flavor = "multi_thread")]
async fn a_sum_as_it_was_believed() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let account = ground.import("creator", Platform::Youtube, "one").await?;
    observe(&ground, account, FIRST, 100).await?;
    let learned = observe(&ground, account, SECOND, 150).await?;
    observe(&ground, account, SECOND, 120).await?;
    let path = format!("/v1/creators/creator/growth?from={FIRST}&to={THIRD}");
    for (axes, end, percent) in [
        (String::new(), 120, 20.0),
        (format!("&known_at={learned}"), 150, 50.0),
    ] {
        let found = ground.data(&format!("{path}{axes}")).await?;
        ensure!(
            found["sum_start"] == 100 && found["sum_end"] == end,
            "{axes}: {found}"
        );
        ensure!(
            found["percent"] == percent && found["accounts"] == 1,
            "{axes}: {found}"
        );
    }
    let nothing = ground
        .data(&format!("{path}&known_at=2020-01-01T00:00:00Z"))
        .await?;
    ensure!(
        nothing["accounts"] == 0 && nothing["percent"].is_null(),
        "{nothing}"
    );
    ensure!(nothing["left_out"]["without_start"] == 1, "{nothing}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_of_a_post_on_both_axes() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let account = ground.import("creator", Platform::Tiktok, "one").await?;
    let seen = |views: i64| {
        vec![post(
            "p",
            "a title",
            &[(Metric::Views, views), (Metric::Likes, 5)],
        )]
    };
    let posts = format!("/v1/accounts/{account}/posts");
    let outcome = ground
        .carry_out(account, vec![page(at(FIRST), seen(100))])
        .await?;
    ground.after(&outcome, &posts).await?;
    let path = format!("{posts}/{}", ground.post(account, "p").await?);
    let first = ground.data(&format!("{path}/history")).await?;
    let learned = first[0]["recorded_at"].as_str().context("a moment")?;
    // A correction, a look that finds nothing new, one that does, and one that comes late.
    let later = [(FIRST, 50), (SECOND, 50), (THIRD, 25), (EARLY, 10)];
    let pages = later.map(|(moment, views)| page(at(moment), seen(views)));
    let outcome = ground.carry_out(account, pages.into()).await?;
    ground.after(&outcome, &posts).await?;

    let history = ground.data(&format!("{path}/history")).await?;
    let views: Vec<_> = list(&history)?
        .iter()
        .map(|row| row["values"]["views"].as_i64())
        .collect();
    ensure!(views == [25, 50, 50, 100, 10].map(Some), "{history}");
    ensure!(
        column(&history, "unchanged")? == [false, true, false, false, false],
        "{history}"
    );
    ensure!(
        column(&history, "restates")? == [false, false, true, false, false],
        "{history}"
    );
    let moments = [THIRD, SECOND, FIRST, FIRST, EARLY];
    ensure!(column(&history, "observed_at")? == moments, "{history}");

    let ranking = format!("/v1/top-posts?account={account}&by=views");
    for (axes, views, rows) in [
        (String::new(), Some(25), 5),
        (format!("as_of={SECOND}"), Some(50), 4),
        (format!("as_of={FIRST}"), Some(50), 3),
        (format!("as_of={EARLY}"), Some(10), 1),
        ("as_of=2026-01-01T00:00:00Z".to_owned(), None, 0),
        (format!("known_at={learned}"), Some(100), 1),
        (format!("as_of={EARLY}&known_at={learned}"), None, 0),
        ("known_at=2020-01-01T00:00:00Z".to_owned(), None, 0),
    ] {
        let found = ground.data(&format!("{path}/metrics/views?{axes}")).await?;
        ensure!(found["value"].as_i64() == views, "{axes}: {found}");
        let found = ground.data(&format!("{path}/history?{axes}")).await?;
        ensure!(list(&found)?.len() == rows, "{axes}: {found}");
        for of in [
            &ranking,
            &ranking.replace(&format!("account={account}"), "creator=creator"),
        ] {
            let found = ground.data(&format!("{of}&{axes}")).await?;
            ensure!(
                found["posts"][0]["value"].as_i64() == views,
                "{of} {axes}: {found}"
            );
        }
    }
    // The rate stands on the same observation as its parts.
    let path = format!("/v1/top-posts?account={account}&as_of={FIRST}&known_at={learned}");
    let found = ground.data(&path).await?;
    ensure!(found["posts"][0]["value"] == 0.05, "{found}");
    ensure!(
        found["posts"][0]["basis"]["recorded_at"] == learned,
        "{found}"
    );
    Ok(())
}
