//! Connecting at the simulated platforms, which were written from what is documented of the real
//! ones and share no code with the clients.

use super::fake::Fake;
use super::scene::{PUBLIC, Scene};
use adapters::simulator::{Options, Simulator};
use anyhow::{Context, ensure};
use commands::ports::Clock;
use domain::Platform;
use reqwest::redirect::Policy;
use serde_json::json;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What a browser brings back from a consent page on which somebody decided so.
async fn decide(url: &str, decision: &str) -> anyhow::Result<String> {
    let browser = reqwest::Client::builder()
        .redirect(Policy::none())
        .build()?;
    let answer = browser
        .get(format!("{url}&simulate={decision}"))
        .send()
        .await?;
    let location = answer.headers().get("location").context("no redirect")?;
    let location = location.to_str()?.to_owned();
    ensure!(location.starts_with(PUBLIC), "{location}");
    let query = location.split_once('?').context("no query")?.1;
    Ok(query.split('#').next().unwrap_or_default().to_owned())
}

/// Chooses the first of several accounts, and returns the ledger's id of it.
async fn choose_first(scene: &Scene, choice: &str) -> anyhow::Result<String> {
    let path = format!("/v1/connections/choices/{choice}");
    let offered = scene.server.ok(&path).await?;
    let first = &offered["accounts"][0]["platform_account_id"];
    let body = json!({"platform_account_ids": [first]});
    let (status, made) = scene.post(&scene.server.key, &path, body).await?;
    ensure!(status == 200, "{status} {made}");
    let account = made["account_ids"][0].as_str();
    Ok(account.context("an account")?.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn all_four_platforms_connect_deny_and_disconnect() -> anyhow::Result<()> {
    let now = adapters::clock::SystemClock.now();
    let simulator = Simulator::bind("127.0.0.1:0".parse()?, Options::at(now)).await?;
    let handle = simulator.handle();
    let stopping = CancellationToken::new();
    let _stops = stopping.clone().drop_guard();
    tokio::spawn(simulator.run(stopping));
    let scene = Scene::before(Fake::start().await?, handle.base(), |platform| {
        let app = handle.apps().of(platform);
        (app.client_id.clone(), app.secret.clone())
    })
    .await?;
    for platform in Platform::ALL {
        let name = platform.name();
        let start = async || {
            scene
                .start(name, json!({"consent_version": "2026-05"}))
                .await
        };
        let query = decide(&start().await?, "deny").await?;
        let page = scene.come_back(name, &query).await?;
        page.ensure(400, "denied")?;

        let query = decide(&start().await?, "allow").await?;
        let page = scene.come_back(name, &query).await?;
        let account = match page.message["outcome"].as_str() {
            // A person with several Pages says which.
            Some("choose") => {
                let choice = page.message["choice_id"].as_str().context("a choice")?;
                choose_first(&scene, choice).await?
            }
            _ => {
                page.ensure(200, "connected")?;
                let account = page.message["account_ids"][0].as_str();
                account.context("an account")?.to_owned()
            }
        };
        // The same code again is nobody's.
        let again = scene.come_back(name, &query).await?;
        ensure!(again.status == 400, "{name}: {}", again.message);

        // The read models need a moment to know of it.
        let path = format!("/v1/accounts/{account}");
        for round in 0.. {
            match scene.server.get(&path).await?.0 {
                200 => break,
                status => ensure!(status == 404 && round < 600, "{name}: {status}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let path = format!("{path}/disconnect");
        let (status, answer) = scene.post(&scene.server.key, &path, json!({})).await?;
        ensure!(status == 200, "{name}: {status} {answer}");
        let types: Vec<_> = scene.events(&account).await?;
        let types: Vec<_> = types.iter().map(|(name, _)| name.as_str()).collect();
        ensure!(
            types == ["AccountConnected", "AccountDisconnected"],
            "{name}: {types:?}"
        );
    }
    ensure!(
        !scene.log_lines()?.contains("simulated-"),
        "a secret is in the log"
    );
    Ok(())
}
