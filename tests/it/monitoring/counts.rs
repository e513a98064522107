//! The numbers are what was done, and name nobody.

use super::{READ_MODELS, is_at_the_head, of, scrape, scrape_until, serve};
use anyhow::{Context, ensure};
use domain::{Metric, Platform};
use reqwest::Method;
use tests::TestLedger;
use tests::ledger::post;

/// What may not be in a scrape.
const CREATOR: &str = "creator-canary";
const PLATFORM_ID: &str = "platform-id-canary";
const TITLE: &str = "title-canary";

#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_tells_what_was_done() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let account = ledger
        .import(CREATOR, Platform::Tiktok, PLATFORM_ID)
        .await?;
    for day in 2..9 {
        let at = format!("2026-01-0{day}T00:00:00Z");
        let known = [(Metric::Followers, day)];
        ledger.observe(account, &at, &known).await?;
        let seen = post("post-canary", TITLE, &[(Metric::Views, day)]);
        ledger.observe_posts(account, &at, vec![seen]).await?;
    }
    let server = serve(&ledger, &["serve"], &[])?;
    let scrape = scrape_until(&server, "the read models are filled", is_at_the_head).await?;
    let client = ledger.database.connect().await?;
    let row = client
        .query_one("select count(*) as events from log_events", &[])
        .await?;
    let events = row.get::<_, i64>("events") as f64;
    ensure!(events == 15.0, "{events}");
    ensure!(scrape.value("social_ledger_log_head_position", &[])? == events);
    ensure!(scrape.value("social_ledger_survey_success", &[])? == 1.0);
    for model in READ_MODELS {
        let value = |name: &str| {
            let name = format!("social_ledger_projection_{name}");
            scrape.value(&name, &of(model, "1"))
        };
        ensure!(value("position")? == events, "{model}");
        ensure!(value("lag_seconds")? == 0.0, "{model}");
        ensure!(value("events")? == events, "{model}");
        ensure!(value("skipped_events")? == 0.0, "{model}");
        ensure!(value("filled_ratio")? == 1.0, "{model}");
        ensure!(value("live")? == 1.0, "{model}");
        // This process alone has projected.
        ensure!(value("applied_events_total")? == events, "{model}");
        ensure!(value("batch_seconds_count")? >= 1.0, "{model}");
        for name in ["retries_total", "halts_total", "restarts_total"] {
            ensure!(value(name)? == 0.0, "{model}: {name}");
        }
    }
    ensure!(scrape.value("social_ledger_log_read_events_total", &[])? >= events);
    ensure!(scrape.value("social_ledger_pool_max_connections", &[])? == 24.0);
    ensure!(scrape.value("social_ledger_pool_connections", &[])? >= 1.0);
    // The events were appended by another process: this one.
    ensure!(scrape.value("social_ledger_appended_events_total", &[])? == 0.0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_appends_are_counted_and_nobody_is_named() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let account = ledger
        .import(CREATOR, Platform::Tiktok, PLATFORM_ID)
        .await?;
    let server = serve(&ledger, &["serve"], &[])?;
    scrape_until(&server, "the read models are filled", is_at_the_head).await?;
    for _ in 0..3 {
        server.ok(&format!("/v1/accounts/{account}")).await?;
    }
    server
        .ok(&format!("/v1/creators/{CREATOR}/accounts"))
        .await?;
    let nobody = "/v1/accounts/01900000-0000-7000-8000-000000000000";
    for _ in 0..2 {
        let (status, body) = server.get(nobody).await?;
        ensure!(status == 404, "{status} {body}");
    }
    for path in [CREATOR, "v1/nothing-canary", "wp-login-canary.php"] {
        let answer = server.client.get(format!("{}/{path}", server.base)).send();
        ensure!(answer.await?.status() == 401, "{path}");
    }
    let odd = Method::from_bytes(b"BREWCANARY")?;
    let url = format!("{}/v1/metrics?x=query-canary", server.base);
    server.client.request(odd, &url).send().await?;
    let before = scrape(&server.client, &server.base).await?;
    let written = [("outcome", "written")];
    ensure!(before.value("social_ledger_appends_total", &written)? == 0.0);
    // The one command that the API has.
    let url = format!("{}/v1/accounts/{account}/erase", server.base);
    let erasing = server.client.post(&url).bearer_auth(&server.key);
    let answer = erasing.header("content-type", "application/json");
    let answer = answer.body(r#"{"reason":"requested"}"#).send().await?;
    let status = answer.status();
    ensure!(status == 200, "{status} {}", answer.text().await?);
    let after = scrape(&server.client, &server.base).await?;
    for (name, labels, expected) in [
        ("appends_total", &written[..], 1.0),
        ("appends_total", &[("outcome", "conflict")], 0.0),
        ("appended_events_total", &[], 1.0),
        ("append_seconds_count", &[], 1.0),
        ("append_retries_total", &[], 0.0),
        ("append_batch_seconds_count", &[], 1.0),
        ("append_batch_appends_sum", &[], 1.0),
        ("append_queue", &[], 0.0),
    ] {
        let value = after.value(&format!("social_ledger_{name}"), labels)?;
        ensure!(value == expected, "{name}{labels:?}: {value}");
    }
    let requests = |route: &str, method: &str, status: &str| {
        let labels = [("route", route), ("method", method), ("status", status)];
        let found = after.value("social_ledger_http_requests_total", &labels);
        found.with_context(|| route.to_owned())
    };
    let one = "/v1/accounts/{account_id}";
    ensure!(requests(one, "GET", "2xx")? == 3.0);
    ensure!(requests(one, "GET", "4xx")? == 2.0);
    ensure!(requests("/v1/creators/{creator}/accounts", "GET", "2xx")? == 1.0);
    ensure!(requests("unmatched", "GET", "4xx")? == 3.0);
    ensure!(requests("/v1/metrics", "other", "4xx")? == 1.0);
    ensure!(requests("/v1/accounts/{account_id}/erase", "POST", "2xx")? == 1.0);
    let of_route = [("route", one), ("method", "GET")];
    let count = after.value("social_ledger_http_request_seconds_count", &of_route)?;
    ensure!(count == 5.0, "{count}");
    let keys = client_ids(&ledger).await?;
    let secrets = [account.to_string(), server.key.clone()];
    ensure!(!keys.is_empty());
    for needle in secrets
        .iter()
        .chain(&keys)
        .map(String::as_str)
        .chain(["canary", "CANARY"])
    {
        ensure!(
            !after.text.contains(needle) && !before.text.contains(needle),
            "the scrape names {needle}: {}",
            after.text
        );
    }
    Ok(())
}

/// The ids of all API keys.
async fn client_ids(ledger: &TestLedger) -> anyhow::Result<Vec<String>> {
    let client = ledger.database.connect().await?;
    let rows = client
        .query("select key_id::text as id from api_keys", &[])
        .await?;
    Ok(rows.iter().map(|row| row.get("id")).collect())
}
