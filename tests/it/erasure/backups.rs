//! What opens before an erasure and after it, and that a restored backup brings nothing back.

use super::{Scene, canaries, fails, opened, program, succeeds};
use anyhow::ensure;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tests::TestDatabase;

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().ok_or_else(|| anyhow::anyhow!("UTF-8"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_from_before_stays_closed() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let url = &scene.ledger.database.url;
    let folder = tempfile::tempdir()?;
    let backup = folder.path().join("backup");

    let before = opened(url, scene.account)?;
    ensure!(before["opened"] == 5 && before["closed"] == 0, "{before}");
    for canary in canaries("gone") {
        ensure!(before["texts"].to_string().contains(&canary), "{canary}");
    }
    succeeds(&mut scene.program(&["backup", text(&backup)?]))?;
    scene.erase(scene.account)?;
    let after = opened(url, scene.account)?;
    ensure!(after["opened"] == 0 && after["closed"] == 5, "{after}");
    ensure!(opened(url, scene.neighbour)?["opened"] == 5);

    let restored = TestDatabase::create_empty().await?;
    let record = &scene.ledger.erasure_log;
    succeeds(&mut program(
        &restored.url,
        record,
        &["restore", text(&backup)?],
    ))?;
    let found = opened(&restored.url, scene.account)?;
    ensure!(found["opened"] == 0 && found["closed"] == 5, "{found}");
    ensure!(opened(&restored.url, scene.neighbour)?["opened"] == 5);
    let ledger = tests::TestLedger::over_with(restored, record.clone()).await?;
    super::ensure_erased(&ledger, scene.account, "restored").await?;

    // It is the record that keeps it closed: somewhere else it opens.
    let elsewhere = TestDatabase::create_empty().await?;
    let no_record = folder.path().join("another record");
    succeeds(&mut program(
        &elsewhere.url,
        &no_record,
        &["restore", text(&backup)?],
    ))?;
    ensure!(opened(&elsewhere.url, scene.account)?["opened"] == 5);
    // And with it again it closes at the next start.
    succeeds(&mut program(
        &elsewhere.url,
        record,
        &["projector", "--once"],
    ))?;
    ensure!(opened(&elsewhere.url, scene.account)?["opened"] == 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_keeps_keys_apart_and_is_closed_to_others() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let folder = tempfile::tempdir()?;
    let backup = folder.path().join("backup");
    succeeds(&mut scene.program(&["backup", text(&backup)?]))?;
    for (path, mode) in [
        ("data", 0o700),
        ("keys", 0o700),
        ("data/database.dump", 0o600),
        ("keys/vault.dump", 0o600),
    ] {
        let found = std::fs::metadata(backup.join(path))?.permissions().mode() & 0o777;
        ensure!(found == mode, "{path}: {found:o}");
    }
    let listed = |file: &str| -> anyhow::Result<String> {
        let mut list = std::process::Command::new("pg_restore");
        succeeds(list.arg("--list").arg(backup.join(file)))
    };
    let (data, keys) = (listed("data/database.dump")?, listed("keys/vault.dump")?);
    ensure!(
        data.contains("TABLE DATA public log_events") && !data.contains("vault"),
        "{data}"
    );
    ensure!(
        keys.contains("TABLE DATA vault accounts") && !keys.contains("log_events"),
        "{keys}"
    );

    let said = fails(&mut scene.program(&["backup", text(&backup)?]))?;
    ensure!(
        said.contains("is not empty: expected a new or empty folder"),
        "{said}"
    );
    let said = fails(&mut scene.program(&["restore", text(&backup)?]))?;
    ensure!(said.contains("the database is not empty"), "{said}");
    let said = fails(&mut scene.program(&["restore", text(folder.path())?]))?;
    ensure!(said.contains("data/database.dump"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_changed_or_lost_lets_nothing_start() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    scene.erase(scene.account)?;
    let record = &scene.ledger.erasure_log;
    let whole = std::fs::read_to_string(record)?;
    ensure!(
        !canaries("gone").iter().any(|canary| whole.contains(canary)),
        "{whole}"
    );
    let other = scene.neighbour.to_string();
    let changed = whole.replace(&scene.account.to_string(), &other);
    std::fs::write(record, changed)?;
    let said = fails(&mut scene.program(&["projector", "--once"]))?;
    ensure!(said.contains("line 1 does not hold"), "{said}");
    std::fs::remove_file(record)?;
    let said = fails(&mut scene.program(&["projector", "--once"]))?;
    ensure!(
        said.contains("has 0 lines") && said.contains("ERASURE_LOG"),
        "{said}"
    );
    ensure!(opened(&scene.ledger.database.url, scene.neighbour)?["opened"] == 5);
    std::fs::write(record, whole)?;
    succeeds(&mut scene.program(&["projector", "--once"]))?;
    let within = tempfile::tempdir()?;
    let mut misplaced = scene.program(&["migrate"]);
    misplaced.env("DATA_DIR", within.path());
    misplaced.env("ERASURE_LOG", within.path().join("erasures.log"));
    let said = fails(&mut misplaced)?;
    ensure!(said.contains("within DATA_DIR"), "{said}");
    Ok(())
}
