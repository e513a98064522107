//! What the program shows of itself when its events are in EventStoreDB.

use super::scene::{Scene, open, quick};
use crate::api_ground::PROGRAM;
use crate::histories::{followers, import as imported, minute};
use crate::monitoring::{is_at_the_head, of, ready_until, scrape_until};
use anyhow::ensure;
use commands::ports::Vault;
use domain::Platform;
use tests::ledger::{context, profile};
use tests::server::{Place, Server};
use tests::standin::StandIn;
use tokio::task::block_in_place;

#[tokio::test(flavor = "multi_thread")]
async fn lag_is_counted_and_an_event_store_that_is_away_is_told() -> anyhow::Result<()> {
    let (scene, store) = (Scene::new().await?, StandIn::start().await?);
    let place = Place::with_log(&scene.database.url, &quick(&store.url()));
    let server = block_in_place(|| Server::start(PROGRAM, place))?;
    let creator = "creator".parse()?;
    let vault = &scene.vault;
    let account = vault
        .find_or_create(&creator, Platform::Youtube, "1")
        .await?;
    let ledger = scene.ledger(open(&store.url())?, "2026-03-02T00:00:00Z");
    let opening = imported("creator", Platform::Youtube, profile(minute(0), "1"))?;
    ledger.execute(account, opening, &context()).await?;
    for n in 1..4 {
        ledger
            .execute(account, followers(n, 10 * n), &context())
            .await?;
    }
    let accounts = of("accounts", "1");
    let scrape = scrape_until(&server, "all four events are given", |scrape| {
        let given = scrape.value("social_ledger_projection_events", &accounts);
        is_at_the_head(scrape) && given.ok() == Some(4.0)
    })
    .await?;
    let value = |name: &str| scrape.value(&format!("social_ledger_{name}"), &accounts);
    ensure!(value("projection_lag_seconds")? == 0.0);
    // Compared with the live version, which it is.
    ensure!(value("projection_filled_ratio")? == 1.0);
    ready_until(&server, "ready", |status, _| status == 200).await?;

    store.stop().await;
    let away = scrape_until(&server, "the log is away", |scrape| {
        scrape.value("social_ledger_survey_success", &[]).ok() == Some(0.0)
    })
    .await?;
    let lags = away.values("social_ledger_projection_lag_events", &[]);
    ensure!(lags.is_empty(), "{lags:?}");
    let body = ready_until(&server, "not ready", |status, _| status == 503).await?;
    ensure!(body["code"] == "unavailable", "{body}");
    store.restart().await?;
    scrape_until(&server, "the log is back", is_at_the_head).await?;
    Ok(())
}
