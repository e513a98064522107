//! Other processes: what they hold in memory of a destroyed key does not outlive it for long.

use super::{Scene, ensure_refused};
use crate::doubles::same_database;
use anyhow::ensure;
use commands::ports::{Subject, Vault, VaultError};
use domain::account::ErasureReason;
use domain::{Metric, Platform};
use std::time::Duration;
use tests::TestLedger;
use tests::ledger::{at, context};

/// Far beyond the second within which it must be so.
const PATIENCE: u32 = 200;

#[tokio::test(flavor = "multi_thread")]
async fn another_process_forgets_a_destroyed_key() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let database = same_database(&scene.ledger.database);
    let other = TestLedger::over_with(database, scene.ledger.erasure_log.clone()).await?;
    let sealed = {
        let key = other.vault.key(scene.account).await?;
        key.seal(Subject::Profile, b"a text")?
    };
    // Both have the account, its key and its state in memory.
    let known = [(Metric::Followers, 140)];
    other
        .observe(scene.account, "2026-01-20T00:00:00Z", &known)
        .await?;
    let erased = scene
        .ledger
        .erasures
        .erase(
            scene.account,
            ErasureReason::Requested,
            at("2026-06-01T09:00:00Z"),
            &context(),
        )
        .await?;
    ensure!(erased.key_destroyed);
    // In this process at once.
    let here = scene.ledger.vault.key(scene.account).await;
    ensure!(matches!(here, Err(VaultError::NoKey(_))));
    // In the other one its commands are refused at once, whatever it has in memory.
    ensure_refused(&other, scene.account, "2026-01-21T00:00:00Z").await?;
    // And its key goes soon, without anybody asking for anything but the key.
    let mut looks = 0;
    loop {
        match other.vault.key(scene.account).await {
            Err(VaultError::NoKey(_)) => break,
            Err(error) => return Err(error.into()),
            Ok(key) => ensure!(key.open(Subject::Profile, &sealed.bytes)? == b"a text"),
        }
        looks += 1;
        ensure!(looks < PATIENCE, "the key is still in memory");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // What it kept of the account late does not come back.
    other.ledger.keep_all().await?;
    other.catch_up().await?;
    scene
        .ensure_erased("the other process kept its states")
        .await?;
    let creator = "erasing".parse()?;
    let found = other
        .vault
        .find(&creator, Platform::Tiktok, "canary-gone-platformid")
        .await?;
    ensure!(found.is_none(), "{found:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_erase_one_account_once() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let database = same_database(&scene.ledger.database);
    let other = TestLedger::over_with(database, scene.ledger.erasure_log.clone()).await?;
    let (reason, moment) = (ErasureReason::Requested, at("2026-06-01T09:00:00Z"));
    let later = at("2026-06-02T09:00:00Z");
    let asked = context();
    let (one, two) = tokio::join!(
        scene
            .ledger
            .erasures
            .erase(scene.account, reason, moment, &asked),
        other.erasures.erase(scene.account, reason, later, &asked),
    );
    ensure!(one? == two?);
    ensure!(
        std::fs::read_to_string(&scene.ledger.erasure_log)?
            .lines()
            .count()
            == 1
    );
    scene.ledger.catch_up().await?;
    scene.ensure_erased("by two").await
}
