//! Invented numbers are marked as that in every answer that shows one.

use crate::api_ground::{Ground, column, list};
use adapters::demo::{ACCOUNTS, seed};
use anyhow::{Context, ensure};
use domain::{Metric, Platform};
use serde_json::Value;
use tests::ledger::{at, post};

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_is_never_taken_for_the_truth() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let ledger = &ground.ledger;
    let demo = ACCOUNTS
        .iter()
        .find(|demo| demo.platform == Platform::Instagram);
    let demo = demo.context("a demo account")?;
    let now = at("2026-03-01T12:00:00Z");
    let seeded = seed(&ledger.ledger, &*ledger.log, demo, now).await?;
    ensure!(seeded.events > 365, "{seeded:?}");
    let again = seed(&ledger.ledger, &*ledger.log, demo, now).await?;
    ensure!(again.events == 0, "{again:?}");
    // An account with real numbers, of another creator.
    let real = ground.import("real", Platform::Instagram, "one").await?;
    ledger
        .observe(real, "2026-01-01T00:00:00Z", &[(Metric::Followers, 5)])
        .await?;
    let seen = post(
        "p",
        "a title",
        &[(Metric::Views, 1), (Metric::Likes, 1_000)],
    );
    let outcome = ledger
        .observe_posts(real, "2026-01-01T00:00:00Z", vec![seen])
        .await?;
    ground.after(&outcome, "/v1/top-posts").await?;

    let (invented, creator) = (seeded.account, demo.creator);
    let window = "from=2026-02-01&to=2026-02-15";
    let paths = |account: domain::AccountId, creator: &str| {
        let account = format!("/v1/accounts/{account}");
        vec![
            account.clone(),
            format!("{account}/metrics/followers"),
            format!("{account}/trends/followers?{window}"),
            format!("{account}/growth?{window}"),
            format!("{account}/velocity"),
            format!("{account}/posts"),
            format!("{account}/sync-health"),
            format!("/v1/creators/{creator}/accounts"),
            format!("/v1/creators/{creator}/growth?{window}"),
            format!("/v1/top-posts?creator={creator}"),
            format!("/v1/sync-health?creator={creator}"),
        ]
    };
    for (paths, simulated) in [
        (paths(invented, creator), true),
        (paths(real, "real"), false),
    ] {
        for path in paths {
            let body = ground.server.ok(&path).await?;
            ensure!(body["simulated"] == simulated, "{path}: {body}");
        }
    }
    // Over everything: as soon as one of the posts that are shown is invented.
    let one = ground.server.ok("/v1/top-posts?limit=1").await?;
    ensure!(one["simulated"] == false, "{one}");
    let more = ground.server.ok("/v1/top-posts?limit=2").await?;
    ensure!(more["simulated"] == true, "{more}");
    let all = ground.server.ok("/v1/sync-health").await?;
    ensure!(
        all["simulated"] == true && list(&all["data"])?.len() == 2,
        "{all}"
    );

    every_number_says_so(&ground, &format!("/v1/accounts/{invented}"), window).await
}

/// Not only the answer, each number says why it is there.
async fn every_number_says_so(ground: &Ground, account: &str, window: &str) -> anyhow::Result<()> {
    let found = ground.data(account).await?;
    ensure!(found["simulated"] == true, "{found}");
    let value = ground.data(&format!("{account}/metrics/followers")).await?;
    ensure!(value["cause"] == "simulated", "{value}");
    for interval in ["raw", "day", "week"] {
        let path = format!("{account}/trends/followers?interval={interval}&{window}");
        let points = ground.data(&path).await?["points"].take();
        let causes = column(&points, "cause")?;
        let known: Vec<_> = causes.iter().filter_map(Value::as_str).collect();
        ensure!(known.len() > 1, "{path}: {points}");
        ensure!(
            known.iter().all(|cause| *cause == "simulated"),
            "{path}: {points}"
        );
    }
    let growth = ground.data(&format!("{account}/growth?{window}")).await?;
    for end in ["start", "end"] {
        ensure!(growth[end]["cause"] == "simulated", "{growth}");
    }
    let posts = ground.data(&format!("{account}/posts?limit=1")).await?;
    let post = posts[0]["post"].as_str().context("a post")?;
    let history = ground
        .data(&format!("{account}/posts/{post}/history"))
        .await?;
    ensure!(
        column(&history, "cause")?
            .iter()
            .all(|cause| cause == "simulated"),
        "{history}"
    );
    let top = ground
        .data(&format!(
            "/v1/top-posts?account={}",
            found["account_id"].as_str().unwrap_or("")
        ))
        .await?;
    let basis = column(&top["posts"], "basis")?;
    ensure!(
        basis.iter().all(|basis| basis["cause"] == "simulated"),
        "{top}"
    );
    Ok(())
}
