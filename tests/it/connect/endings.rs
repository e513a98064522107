//! Disconnecting and erasing: tokens are wiped, the platform is told, the history stays or goes.

use super::scene::Scene;
use adapters::clock::SystemClock;
use anyhow::ensure;
use serde_json::json;
use std::sync::Arc;

const REVOKE: &str = "oauth2.googleapis.com/revoke";

#[tokio::test(flavor = "multi_thread")]
async fn a_disconnected_account_keeps_its_history_and_can_come_back() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let account = &*scene.connected().await?;
    let ended = scene.disconnect(account).await?;
    ensure!(
        ended["was_connected"] == true && ended["position"].is_string(),
        "{ended}"
    );
    let told = scene.fake.seen(REVOKE);
    ensure!(
        told.len() == 1 && told[0].body == "token=canary-refresh-UCcafe",
        "{told:?}"
    );
    scene.ensure_no_grant().await?;
    let again = scene.disconnect(account).await?;
    ensure!(again["was_connected"] == false, "{again}");
    ensure!(scene.fake.seen(REVOKE).len() == 1);
    let page = scene.connect("youtube").await?;
    ensure!(
        page.message["account_ids"][0] == account,
        "{}",
        page.message
    );
    let events = scene.events(account).await?;
    let types: Vec<_> = events.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "AccountConnected",
        "AccountDisconnected",
        "AccountReconnected",
    ];
    ensure!(types == expected, "{types:?}");
    ensure!(events[1].1["reason"] == "requested", "{:?}", events[1]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_cannot_be_told_is_told_later() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let account = &*scene.connected().await?;
    scene.fake.answer(REVOKE, 503, json!("busy"));
    scene.disconnect(account).await?;
    let state = "select count(*) from credentials.grants where state = 'revoking'";
    ensure!(
        scene.count(state).await? == 1,
        "the grant waits to be revoked"
    );
    let store = super::another(&scene.ledger).await?;
    ensure!(
        store.connection(account.parse()?).await?.is_none(),
        "and nobody uses it"
    );
    scene.fake.answer(REVOKE, 200, json!({}));
    let ledger = Arc::clone(&scene.ledger.ledger);
    let connections = scene.connections(ledger, Arc::new(SystemClock))?;
    ensure!(connections.converge().await? == 1);
    scene.ensure_no_grant().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_account_loses_its_tokens() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let account = &*scene.connected().await?;
    let path = format!("/v1/accounts/{account}/erase");
    let receipt = loop {
        let body = json!({"reason": "requested"});
        let (status, answer) = scene.post(&scene.server.key, &path, body).await?;
        match status {
            200 => break answer,
            404 | 503 => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            _ => anyhow::bail!("{status} {answer}"),
        }
    };
    ensure!(receipt["account_id"] == account, "{receipt}");
    ensure!(scene.fake.seen(REVOKE).len() == 1);
    scene.ensure_no_grant().await?;
    let page = scene.connect("youtube").await?;
    page.ensure(200, "connected")?;
    ensure!(
        page.message["account_ids"][0] != account,
        "a new account: {}",
        page.message
    );
    Ok(())
}
