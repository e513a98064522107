//! Erasing with the events in EventStoreDB: keys are destroyed also while it is away, and what the
//! log lacks is written when it comes.

use super::scene::{PATIENCE, Scene, open, quick};
use crate::api_ground::PROGRAM;
use crate::histories::{followers, import as imported, minute};
use adapters::vault::{ErasureFile, MasterKey};
use anyhow::{Context, ensure};
use commands::ports::{Erasure, ErasureRecord, EventLog, KeyShredder, Vault};
use domain::account::ErasureReason;
use domain::{AccountId, Platform, StreamName};
use std::path::Path;
use std::time::Duration;
use tests::ledger::{MASTER_KEY, at, context, profile};
use tests::server::{Place, Server, command};
use tests::standin::StandIn;

async fn account(scene: &Scene, store: &StandIn, id: &str) -> anyhow::Result<AccountId> {
    let (creator, platform) = ("creator".parse()?, Platform::Youtube);
    let account = scene.vault.find_or_create(&creator, platform, id).await?;
    let ledger = scene.ledger(open(&store.url())?, "2026-03-02T00:00:00Z");
    let opening = imported("creator", platform, profile(minute(0), id))?;
    for intent in [opening, followers(1, 10)] {
        ledger.execute(account, intent, &context()).await?;
    }
    Ok(account)
}

async fn last_type(store: &StandIn, account: AccountId) -> anyhow::Result<String> {
    let stream = StreamName::of_account(account);
    let events = open(&store.url())?.read_stream(&stream, 0, 100).await?;
    Ok(events.last().context("events")?.event_type.to_string())
}

fn serve(place: &Place, record: &Path) -> anyhow::Result<Server> {
    let mut serve = command(PROGRAM, place.clone(), &["serve"]);
    serve.env("ERASURE_LOG", record);
    // Nothing is asked of it.
    Server::run(serve, String::new())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_ends_in_the_event_store_and_a_restored_key_is_destroyed_without_it()
-> anyhow::Result<()> {
    let (scene, store) = (Scene::new().await?, StandIn::start().await?);
    let folder = tempfile::tempdir()?;
    let record = folder.path().join("erasures.log");
    let place = Place::with_log(&scene.database.url, &quick(&store.url()));
    let gone = account(&scene, &store, "1").await?;
    let client = scene.database.connect().await?;
    client
        .batch_execute("create table saved as table vault.accounts")
        .await?;

    let id = gone.to_string();
    let mut erase = command(PROGRAM, place.clone(), &["erase", &id, "--yes", "--json"]);
    let output = tokio::process::Command::from({
        erase.env("ERASURE_LOG", &record);
        erase
    })
    .output()
    .await?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{said}");
    ensure!(last_type(&store, gone).await? == "AccountErased");
    ensure!(scene.vault.held(&[gone]).await?.is_empty());

    // As a backup brings it back, with the event store away.
    client
        .batch_execute("insert into vault.accounts table saved")
        .await?;
    ensure!(scene.vault.held(&[gone]).await?.contains(&gone));
    store.stop().await;
    let server = tokio::task::block_in_place(|| serve(&place, &record))?;
    ensure!(scene.vault.held(&[gone]).await?.is_empty());
    drop(server);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_log_lacks_is_written_when_it_comes() -> anyhow::Result<()> {
    let (scene, store) = (Scene::new().await?, StandIn::start().await?);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("erasures.log");
    let place = Place::with_log(&scene.database.url, &quick(&store.url()));
    let gone = account(&scene, &store, "1").await?;
    let stays = account(&scene, &store, "2").await?;
    let master = MasterKey::parse(MASTER_KEY, "a test")?;
    let record = ErasureFile::new(path.clone(), &master, scene.database.pool(2)?);
    record
        .write(Erasure {
            account: gone,
            at: at("2026-03-02T09:00:00Z"),
            reason: ErasureReason::Requested,
            key: scene.vault.fingerprint(gone).await?,
        })
        .await?;

    store.stop().await;
    let server = tokio::task::block_in_place(|| serve(&place, &path))?;
    ensure!(scene.vault.held(&[gone, stays]).await? == [stays].into());
    store.restart().await?;
    let written = async {
        while last_type(&store, gone).await.ok().as_deref() != Some("AccountErased") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, written)
        .await
        .context("the log was never told")?;
    ensure!(last_type(&store, stays).await? == "MetricsObserved");
    drop(server);
    Ok(())
}
