//! How read models stand is told whoever keeps them, and readiness goes by it.

use super::{READ_MODELS, is_at_the_head, of, ready_until, scrape, scrape_until, serve};
use crate::api_ground::PROGRAM;
use anyhow::{Context, ensure};
use domain::{Metric, Platform};
use tests::TestLedger;
use tests::server::command;
use tokio_util::sync::CancellationToken;

const FIVE_DAYS: [&str; 5] = [
    "2026-01-02T00:00:00Z",
    "2026-01-03T00:00:00Z",
    "2026-01-04T00:00:00Z",
    "2026-01-05T00:00:00Z",
    "2026-01-06T00:00:00Z",
];

#[tokio::test(flavor = "multi_thread")]
async fn lag_grows_while_no_projector_runs_and_is_gone_when_one_did() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let account = ledger.import("creator", Platform::Tiktok, "one").await?;
    // No projector: this process is one when the test says so.
    let variables = [("READY_MAX_LAG_SECONDS", "1")];
    let server = serve(&ledger, &["serve", "--role", "api"], &variables)?;
    let body = ready_until(&server, "never filled", |status, _| status == 503).await?;
    ensure!(body["code"] == "not_ready", "{body}");
    let detail = body["detail"].as_str().context("a detail")?;
    for model in READ_MODELS {
        ensure!(
            detail.contains(&format!("{model}@1 was never filled")),
            "{body}"
        );
    }
    ledger.catch_up().await?;
    let body = ready_until(&server, "filled", |status, _| status == 200).await?;
    let names: Vec<_> = READ_MODELS.map(|model| format!("{model}@1")).into();
    ensure!(body["read_models"] == serde_json::json!(names), "{body}");
    scrape_until(&server, "nothing lacks", is_at_the_head).await?;

    for (followers, at) in (1..).zip(FIVE_DAYS) {
        let known = [(Metric::Followers, followers)];
        ledger.observe(account, at, &known).await?;
    }
    let lags = |least: f64| {
        move |scrape: &super::Scrape| {
            READ_MODELS.into_iter().all(|model| {
                let value = |name: &str| scrape.value(name, &of(model, "1")).unwrap_or(-1.0);
                value("social_ledger_projection_lag_events") == 5.0
                    && value("social_ledger_projection_lag_seconds") > least
                    && value("social_ledger_projection_position") == 1.0
            })
        }
    };
    let early = scrape_until(&server, "five events lack", lags(0.0)).await?;
    let seconds = |scrape: &super::Scrape| {
        scrape.value("social_ledger_projection_lag_seconds", &of("accounts", "1"))
    };
    let later = scrape_until(&server, "time goes by", lags(seconds(&early)? + 1.0)).await?;
    ensure!(seconds(&later)? > seconds(&early)?);
    ensure!(later.value("social_ledger_log_head_position", &[])? == 6.0);
    let ratio = later.value(
        "social_ledger_projection_filled_ratio",
        &of("accounts", "1"),
    )?;
    ensure!((ratio - 1.0 / 6.0).abs() < 1e-9, "{ratio}");
    let body = ready_until(&server, "behind", |status, said| {
        status == 503 && said.contains("behind by")
    })
    .await?;
    let detail = body["detail"].as_str().context("a detail")?;
    for model in READ_MODELS {
        ensure!(
            detail.contains(&format!("{model}@1 is behind by ")),
            "{body}"
        );
    }
    ensure!(detail.matches("s (5 events)").count() == 4, "{body}");

    ledger.catch_up().await?;
    scrape_until(&server, "nothing lacks again", is_at_the_head).await?;
    ready_until(&server, "caught up", |status, _| status == 200).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_halted_read_model_is_told_and_not_ready() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let account = ledger.import("creator", Platform::Tiktok, "one").await?;
    let server = serve(&ledger, &["serve"], &[])?;
    ready_until(&server, "filled", |status, _| status == 200).await?;
    let client = ledger.database.connect().await?;
    let rename = "alter table follower_trends_v1 rename to follower_trends_gone";
    client.batch_execute(rename).await?;
    let known = [(Metric::Followers, 7)];
    ledger.observe(account, FIVE_DAYS[0], &known).await?;
    let model = of("follower_trends", "1");
    let scrape = scrape_until(&server, "halted", |scrape| {
        scrape.state("follower_trends", "1") == Some("halted".to_owned())
    })
    .await?;
    // Tried three times in all, and one shard has the account.
    ensure!(scrape.value("social_ledger_projection_retries_total", &model)? == 2.0);
    ensure!(scrape.value("social_ledger_projection_halts_total", &model)? == 1.0);
    ensure!(scrape.value("social_ledger_projection_live", &model)? == 1.0);
    let body = ready_until(&server, "not ready", |status, _| status == 503).await?;
    ensure!(
        body["detail"] == "follower_trends@1 is halted by a failure",
        "{body}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_answer_there_are_no_old_numbers() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    ledger.import("creator", Platform::Tiktok, "one").await?;
    ledger.catch_up().await?;
    let server = serve(&ledger, &["serve", "--role", "api"], &[])?;
    ready_until(&server, "filled", |status, _| status == 200).await?;
    let client = ledger.database.connect().await?;
    let rename = "alter table projection_versions rename to projection_versions_gone";
    client.batch_execute(rename).await?;
    let scrape = scrape_until(&server, "no answer", |scrape| {
        scrape.value("social_ledger_survey_success", &[]).ok() == Some(0.0)
    })
    .await?;
    for name in [
        "projection_lag_events",
        "projection_position",
        "projection_state",
    ] {
        let found = scrape.values(&format!("social_ledger_{name}"), &[]);
        ensure!(found.is_empty(), "{name}: {found:?}");
    }
    // What the process itself knows is there.
    ensure!(scrape.value("social_ledger_build_info", &[])? == 1.0);
    let (status, body) = server.get("/readyz").await?;
    ensure!(status == 503 && body["code"] == "unavailable", "{body}");
    let back = "alter table projection_versions_gone rename to projection_versions";
    client.batch_execute(back).await?;
    scrape_until(&server, "an answer again", is_at_the_head).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_may_leave_read_models_out() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    ledger.import("creator", Platform::Tiktok, "one").await?;
    let variables = [("READY_MAX_LAG_SECONDS", "off")];
    let server = serve(&ledger, &["serve", "--role", "api"], &variables)?;
    let (status, body) = server.get("/readyz").await?;
    ensure!(status == 200, "{body}");
    for wrong in ["0", "-1", "soon", "2592001"] {
        let mut program = command(PROGRAM, &ledger.database.url, &["migrate"]);
        let output = program.env("READY_MAX_LAG_SECONDS", wrong).output()?;
        let said = String::from_utf8(output.stderr)?;
        ensure!(!output.status.success(), "{wrong} was taken");
        ensure!(
            said.contains(&format!("READY_MAX_LAG_SECONDS is '{wrong}'")) && said.contains("off"),
            "{said}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_shows_how_far_it_is() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let account = ledger.import("creator", Platform::Tiktok, "one").await?;
    for (followers, at) in (1..).zip(FIVE_DAYS) {
        let known = [(Metric::Followers, followers)];
        ledger.observe(account, at, &known).await?;
    }
    ledger.catch_up().await?;
    let server = serve(&ledger, &["serve", "--role", "api"], &[])?;
    let begun = ledger.administration().begin_rebuild("top_posts").await?;
    let of_it = of("top_posts", "2");
    let now = scrape(&server.client, &server.base).await?;
    ensure!(now.state("top_posts", "2") == Some("filling".to_owned()));
    ensure!(now.value("social_ledger_projection_filled_ratio", &of_it)? == 0.0);
    ensure!(now.value("social_ledger_projection_lag_events", &of_it)? == 6.0);
    ensure!(now.value("social_ledger_projection_live", &of_it)? == 0.0);
    // What is not live keeps nobody from being ready.
    ready_until(&server, "ready meanwhile", |status, _| status == 200).await?;
    begun.run(None, &CancellationToken::new(), |_| {}).await?;
    let full = scrape_until(&server, "it can be switched to", |scrape| {
        scrape.state("top_posts", "2") == Some("ready".to_owned())
    })
    .await?;
    ensure!(full.value("social_ledger_projection_filled_ratio", &of_it)? == 1.0);
    drop(begun);
    Ok(())
}
