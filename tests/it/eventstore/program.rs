//! The whole program on EventStoreDB: started too early, restarted under its feet, read at once.

use super::scene::{PATIENCE, Scene, open, quick};
use crate::api_ground::PROGRAM;
use crate::histories::{ensure_sound, followers, import as imported, minute};
use crate::kills::write_data;
use anyhow::{Context, ensure};
use commands::ports::{EventLog, Vault};
use domain::{Platform, StreamName};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tests::TestDatabase;
use tests::ledger::{context, profile};
use tests::server::{Place, Server, import};
use tests::standin::{StandIn, Stored};
use tokio::task::block_in_place;

/// What the log holds of accounts: the types of each stream's events in their order. The names of
/// accounts, and with them the ids, differ from database to database.
fn held(server: &StandIn) -> Vec<Vec<String>> {
    let mut held: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for event in accounts_events(server) {
        let types = held.entry(event.stream).or_default();
        types.push(event.event_type.to_string());
    }
    let mut held: Vec<_> = held.into_values().collect();
    held.sort();
    held
}

fn accounts_events(server: &StandIn) -> Vec<Stored> {
    let mut events = server.events();
    events.retain(|event| event.stream.starts_with(StreamName::ACCOUNT_PREFIX));
    events
}

async fn import_epoch(database: &TestDatabase, url: &str, data: &Path) -> anyhow::Result<Value> {
    let place = Place::with_log(&database.url, &quick(url));
    let (map, data) = (data.join("epoch-0.toml"), data.to_owned());
    tokio::task::spawn_blocking(move || import(PROGRAM, place, &map, &data)).await?
}

/// Followers of the one account of a creator, as the API says.
async fn followers_of(server: &Server, creator: &str) -> anyhow::Result<Option<i64>> {
    let found = server
        .ok(&format!("/v1/creators/{creator}/accounts"))
        .await?;
    let Some(account) = found["data"][0]["account_id"].as_str() else {
        return Ok(None);
    };
    let path = format!("/v1/accounts/{account}/metrics/followers");
    Ok(server.ok(&path).await?["data"]["value"].as_i64())
}

async fn until_followers(server: &Server, creator: &str, expected: i64) -> anyhow::Result<()> {
    let showing = async {
        // An answer may be refused while the read models are being made.
        while followers_of(server, creator).await.ok().flatten() != Some(expected) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, showing)
        .await
        .with_context(|| format!("{expected} followers were never shown"))
}

#[tokio::test(flavor = "multi_thread")]
async fn it_starts_before_its_event_store_and_survives_a_restart() -> anyhow::Result<()> {
    let (scene, store) = (Scene::new().await?, StandIn::start().await?);
    store.stop().await;
    let place = Place::with_log(&scene.database.url, &quick(&store.url()));
    let server = block_in_place(|| Server::start(PROGRAM, place.clone()))?;
    store.restart().await?;

    let creator = "creator".parse()?;
    let account = scene
        .vault
        .find_or_create(&creator, Platform::Youtube, "1")
        .await?;
    let ledger = scene.ledger(open(&store.url())?, "2026-03-02T00:00:00Z");
    let opening = imported("creator", Platform::Youtube, profile(minute(0), "1"))?;
    ledger.execute(account, opening, &context()).await?;
    for n in 1..4 {
        ledger
            .execute(account, followers(n, 10 * n), &context())
            .await?;
        until_followers(&server, "creator", 10 * n).await?;
        // In the middle of its subscription.
        store.restart().await?;
    }
    // And the whole program again, with the event store away: what was projected is served.
    drop(server);
    store.stop().await;
    let server = block_in_place(|| Server::start(PROGRAM, place))?;
    ensure!(followers_of(&server, "creator").await? == Some(30));
    store.restart().await?;
    ledger
        .execute(account, followers(9, 90), &context())
        .await?;
    until_followers(&server, "creator", 90).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_survives_restarts_of_its_event_store() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    write_data(folder.path())?;
    let (calm, shaken) = (StandIn::start().await?, StandIn::start().await?);
    let expected = {
        let database = TestDatabase::create().await?;
        import_epoch(&database, &calm.url(), folder.path()).await?
    };
    let database = TestDatabase::create().await?;
    let url = shaken.url();
    let importing = import_epoch(&database, &url, folder.path());
    let shaking = async {
        let total = calm.counts().committed;
        for part in 1..4 {
            while shaken.counts().committed < part * total / 5 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            shaken.stop().await;
            tokio::time::sleep(Duration::from_millis(200)).await;
            shaken.restart().await?;
        }
        anyhow::Ok(())
    };
    let (report, shook) = tokio::join!(importing, shaking);
    shook?;
    let report = report?;
    ensure!(report["rows_read"] == expected["rows_read"], "{report}");
    ensure!(report["rows_refused"] == 0, "{report}");
    let events = accounts_events(&shaken);
    let distinct: BTreeSet<_> = events.iter().map(|event| event.id).collect();
    ensure!(events.len() == distinct.len(), "an event is there twice");
    ensure!(
        held(&shaken) == held(&calm),
        "a calm import writes something else"
    );
    let log = open(&url)?;
    let streams: BTreeSet<_> = events
        .iter()
        .map(|event| event.stream.to_string())
        .collect();
    for stream in streams {
        let stream = StreamName::new(stream);
        ensure_sound(&log.read_stream(&stream, 0, 10_000).await?)?;
    }
    let again = import_epoch(&database, &url, folder.path()).await?;
    ensure!(again["events_appended"] == 0, "{again}");
    Ok(())
}

/// A position that a command returned is waited for, whatever lies between in the log.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_read_at_once() -> anyhow::Result<()> {
    let (scene, store) = (Scene::new().await?, StandIn::start().await?);
    let place = Place::with_log(&scene.database.url, &store.url());
    let server = block_in_place(|| Server::start(PROGRAM, place))?;
    let log = open(&store.url())?;
    let creator = "creator".parse()?;
    let account = scene
        .vault
        .find_or_create(&creator, Platform::Youtube, "1")
        .await?;
    let ledger = scene.ledger(
        Arc::clone(&log) as Arc<dyn EventLog>,
        "2026-03-02T00:00:00Z",
    );
    let opening = imported("creator", Platform::Youtube, profile(minute(0), "1"))?;
    ledger.execute(account, opening, &context()).await?;
    for n in 1..30 {
        let noise = StreamName::new(format!("noise-{n}"));
        log.append(super::scene::append(&noise, None, 3)).await?;
        let outcome = ledger.execute(account, followers(n, n), &context()).await?;
        let position = outcome.position.context("a position")?;
        let path = format!("/v1/accounts/{account}/metrics/followers?wait_for={position}");
        let shown = server.ok(&path).await?;
        ensure!(shown["data"]["value"] == n, "round {n}: {shown}");
    }
    Ok(())
}

/// Catching up ends at the head, with everything projected that lies before it.
#[tokio::test(flavor = "multi_thread")]
async fn catching_up_ends_at_the_head() -> anyhow::Result<()> {
    let (scene, store) = (Scene::new().await?, StandIn::start().await?);
    let log = open(&store.url())?;
    let ledger = scene.ledger(
        Arc::clone(&log) as Arc<dyn EventLog>,
        "2026-03-02T00:00:00Z",
    );
    let engine = scene.engine(log.clone());
    let cancel = tokio_util::sync::CancellationToken::new();
    let nothing = engine.catch_up(&cancel, |_| {}).await?;
    assert_eq!(nothing.events, 0);
    let creator = "creator".parse()?;
    let account = scene
        .vault
        .find_or_create(&creator, Platform::Youtube, "1")
        .await?;
    let opening = imported("creator", Platform::Youtube, profile(minute(0), "1"))?;
    ledger.execute(account, opening, &context()).await?;
    for n in 1..200 {
        ledger.execute(account, followers(n, n), &context()).await?;
    }
    let noise = StreamName::new("noise");
    log.append(super::scene::append(&noise, None, 100)).await?;
    let done = engine.catch_up(&cancel, |_| {}).await?;
    assert_eq!(done.events, 200);
    let again = engine.catch_up(&cancel, |_| {}).await?;
    assert_eq!(again.events, 0);
    Ok(())
}
