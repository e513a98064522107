//! Renewing tokens: ahead of their end, once, and without disconnecting anybody for what may pass.

use super::scene::{Scene, google_token};
use crate::doubles::SetClock;
use adapters::clock::SystemClock;
use adapters::connect::FreshError;
use anyhow::{Context, ensure};
use commands::ports::Clock;
use domain::{AccountId, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;

const TOKEN: &str = "oauth2.googleapis.com/token";

async fn connected(scene: &Scene) -> anyhow::Result<AccountId> {
    Ok(scene.connected().await?.parse()?)
}

fn in_seconds(seconds: i64) -> Timestamp {
    SystemClock.now().saturating_add_micros(seconds * 1_000_000)
}

fn renewals(scene: &Scene) -> usize {
    let asked = scene.fake.seen(TOKEN);
    asked
        .iter()
        .filter(|it| it.body.contains("grant_type=refresh_token"))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_renewed_ahead_and_once() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let account = connected(&scene).await?;
    let clock = Arc::new(SetClock::new(in_seconds(0)));
    let connections = scene.connections(Arc::clone(&scene.ledger.ledger), clock.clone())?;
    let found = connections.fresh(account).await?;
    ensure!(found.grant.tokens.access.expose() == "canary-access-UCcafe" && renewals(&scene) == 0);

    let mut token = google_token("second");
    token
        .as_object_mut()
        .context("an object")?
        .remove("refresh_token");
    scene.fake.answer(TOKEN, 200, token);
    clock.set(in_seconds(3_599 - 299));
    let all = tokio::join!(
        connections.fresh(account),
        connections.fresh(account),
        connections.fresh(account)
    );
    for found in [all.0?, all.1?, all.2?] {
        ensure!(found.grant.tokens.access.expose() == "canary-access-second");
        let refresh = found.grant.tokens.refresh.context("the old one")?;
        ensure!(refresh.expose() == "canary-refresh-UCcafe");
    }
    ensure!(renewals(&scene) == 1, "{}", renewals(&scene));

    // A call was refused with these very tokens: they are renewed, and not once more by the next.
    let refused = connections.fresh(account).await?;
    connections.renewed(&refused).await?;
    connections.renewed(&refused).await?;
    ensure!(renewals(&scene) == 2, "{}", renewals(&scene));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_pass_disconnects_nobody() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let account = connected(&scene).await?;
    let clock = Arc::new(SetClock::new(in_seconds(3_599 - 200)));
    let connections = scene.connections(Arc::clone(&scene.ledger.ledger), clock.clone())?;
    let failures: [(u16, Value); 5] = [
        (500, json!({"error": "internal_failure"})),
        (401, json!("a proxy's page")),
        (400, json!({"error": "invalid_client"})),
        (429, json!({"error": "rate_limit_exceeded"})),
        (403, json!({})),
    ];
    for (status, reply) in failures {
        scene.fake.answer(TOKEN, status, reply.clone());
        clock.set(in_seconds(3_599 - 200));
        connections
            .fresh(account)
            .await
            .with_context(|| format!("still holds: {reply}"))?;
        clock.set(in_seconds(4_000));
        let found = connections.fresh(account).await;
        ensure!(
            matches!(found, Err(FreshError::Passing(_))),
            "{status} {reply}: {found:?}"
        );
    }
    let events = scene.events(&account.to_string()).await?;
    ensure!(events.len() == 1, "{events:?}");
    let counted = "select failed_days::bigint from credentials.grants";
    ensure!(scene.count(counted).await? == 1, "one day, however often");
    scene.fake.answer(TOKEN, 200, google_token("second"));
    connections.fresh(account).await?;
    ensure!(scene.count(counted).await? == 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_was_taken_back_asks_the_person() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let account = connected(&scene).await?;
    let clock = Arc::new(SetClock::new(in_seconds(4_000)));
    let connections = scene.connections(Arc::clone(&scene.ledger.ledger), clock.clone())?;
    scene
        .fake
        .answer(TOKEN, 400, json!({"error": "invalid_grant"}));
    for _ in 0..2 {
        let found = connections.fresh(account).await;
        ensure!(matches!(found, Err(FreshError::NeedsPerson)), "{found:?}");
    }
    ensure!(renewals(&scene) == 1, "a dead grant is not asked for again");
    let events = scene.events(&account.to_string()).await?;
    let types: Vec<_> = events.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "AccountConnected",
        "SyncRecorded",
        "ReauthorizationRequired",
    ];
    ensure!(types == expected, "{types:?}");
    ensure!(
        events[2].1["error"]["code"] == "invalid_grant",
        "{:?}",
        events[2]
    );

    scene.prepare_youtube("UCcafe");
    scene.connect("youtube").await?.ensure(200, "connected")?;
    connections.fresh(account).await?;
    let events = scene.events(&account.to_string()).await?;
    ensure!(
        events.last().is_some_and(|it| it.0 == "AccountReconnected"),
        "{events:?}"
    );
    Ok(())
}
