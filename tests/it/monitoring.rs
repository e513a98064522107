//! What the program shows to those who watch it: metrics, readiness, and the files that use them.

mod addresses;
mod counts;
mod exposition;
mod files;
mod standing;

use crate::api_ground::PROGRAM;
use anyhow::{Context, bail, ensure};
use exposition::Scrape;
use serde_json::Value;
use std::time::Duration;
use tests::TestLedger;
use tests::server::{Server, command, create_key};
use tokio::time::{Instant, sleep};

/// What a condition may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The read models, by name.
const READ_MODELS: [&str; 4] = ["accounts", "follower_trends", "sync_health", "top_posts"];

/// A server over a ledger's database, with these arguments and variables.
fn serve(
    ledger: &TestLedger,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> anyhow::Result<Server> {
    let url = &ledger.database.url;
    let key = create_key(PROGRAM, url, "admin", &[])?;
    let mut program = command(PROGRAM, url, arguments);
    program.env("ERASURE_LOG", &ledger.erasure_log);
    program.envs(variables.iter().copied());
    Server::run(program, key)
}

/// What is scraped from an address, without a key as Prometheus does it.
async fn scrape(client: &reqwest::Client, base: &str) -> anyhow::Result<Scrape> {
    let answer = client.get(format!("{base}/metrics")).send().await?;
    ensure!(answer.status() == 200, "{}", answer.status());
    let media_type = answer.headers()["content-type"].to_str()?;
    ensure!(
        media_type.starts_with("application/openmetrics-text;"),
        "{media_type}"
    );
    let text = answer.text().await?;
    Scrape::parse(&text).with_context(|| text.clone())
}

/// Scrapes until this holds.
pub(crate) async fn scrape_until(
    server: &Server,
    what: &str,
    holds: impl Fn(&Scrape) -> bool,
) -> anyhow::Result<Scrape> {
    let end = Instant::now() + PATIENCE;
    loop {
        let scrape = scrape(&server.client, &server.base).await?;
        if holds(&scrape) {
            return Ok(scrape);
        }
        if Instant::now() > end {
            bail!("never: {what}\n{}", scrape.text);
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Asks whether the server is ready until it answers so, and returns the answer.
pub(crate) async fn ready_until(
    server: &Server,
    what: &str,
    holds: impl Fn(u16, &str) -> bool,
) -> anyhow::Result<Value> {
    let end = Instant::now() + PATIENCE;
    loop {
        let (status, body) = server.get("/readyz").await?;
        if holds(status, body["detail"].as_str().unwrap_or("")) {
            return Ok(body);
        }
        if Instant::now() > end {
            bail!("never: {what}: {status} {body}");
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// The labels of a read model's version.
pub(crate) fn of<'l>(read_model: &'l str, version: &'l str) -> [(&'l str, &'l str); 2] {
    [("read_model", read_model), ("version", version)]
}

/// Whether no live version of these lacks anything.
pub(crate) fn is_at_the_head(scrape: &Scrape) -> bool {
    let value = |name: &str, model| scrape.value(name, &of(model, "1")).ok();
    READ_MODELS.into_iter().all(|model| {
        value("social_ledger_projection_lag_events", model) == Some(0.0)
            && scrape.state(model, "1") == Some("live".to_owned())
    })
}
