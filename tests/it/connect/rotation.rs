//! A new master key while processes run: what was sealed opens, what is new is wrapped by it.

use super::scene::{PUBLIC, Scene};
use crate::api_ground::PROGRAM;
use adapters::clock::SystemClock;
use adapters::vault::credentials::Credentials;
use adapters::vault::{MasterKey, MasterKeys, PostgresVault};
use anyhow::ensure;
use commands::ports::Vault;
use domain::Platform;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use tests::TestLedger;
use tests::ledger::MASTER_KEY;
use tests::server::{Server, command};

/// The program with its master key in a file.
fn with_file(url: &str, key: &Path, arguments: &[&str]) -> std::process::Command {
    let mut program = command(PROGRAM, url, arguments);
    program
        .env_remove("MASTER_KEY")
        .env("MASTER_KEY_FILE", key)
        .env("ERASURE_LOG", key.with_file_name("erasures.log"));
    program
}

fn succeeds(program: &mut std::process::Command) -> anyhow::Result<Value> {
    let output = program.output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{errors}");
    Ok(serde_json::from_slice(&output.stdout)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_goes_on_under_a_new_master_key() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let url = scene.ledger.database.url.clone();
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("master.key");
    std::fs::write(&file, MASTER_KEY)?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
    let mut serve = with_file(&url, &file, &["serve"]);
    serve
        .env("PLATFORMS_BASE_URL", &scene.fake.base)
        .env("PUBLIC_URL", PUBLIC)
        .env("YOUTUBE_CLIENT_ID", "youtube-app")
        .env("YOUTUBE_CLIENT_SECRET", "canary-app-secret");
    let server = Server::run(serve, scene.server.key.clone())?;
    let scene = Scene { server, ..scene };
    let account = &*scene.connected().await?;

    let public = |key: &Path| succeeds(&mut with_file(&url, key, &["audit", "key", "--json"]));
    let before = public(&file)?;
    let report = succeeds(&mut with_file(&url, &file, &["vault", "rotate", "--json"]))?;
    ensure!(
        report["accounts"] == 1 && report["credentials"] == 1,
        "{report}"
    );
    ensure!(public(&file)? == before, "signatures hold on");
    ensure!(std::fs::read_to_string(&file)?.trim() != MASTER_KEY);
    let previous = MasterKey::read(&MasterKey::previous_file(&file))?;
    ensure!(previous.fingerprint() == MasterKey::parse(MASTER_KEY, "a test")?.fingerprint());

    // The same server opens what there is, and makes what is new.
    scene.prepare_youtube("UCsecond");
    scene.connect("youtube").await?.ensure(200, "connected")?;
    scene.disconnect(account).await?;
    let asked = scene.fake.seen("oauth2.googleapis.com/token");
    ensure!(asked.len() == 2, "{asked:?}");
    let mut old = with_file(&url, &MasterKey::previous_file(&file), &["migrate"]);
    ensure!(old.output()?.status.success(), "migrations need no key");
    let mut old = with_file(&url, &MasterKey::previous_file(&file), &["keys", "list"]);
    let refused = old.output()?;
    let errors = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(
        !refused.status.success() && errors.contains("another master key"),
        "{errors}"
    );
    let again = succeeds(&mut with_file(&url, &file, &["vault", "rotate", "--json"]))?;
    ensure!(again["accounts"] == 2, "{again}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_has_the_next_key_goes_on_with_it() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let (old, new) = (
        MasterKey::parse(MASTER_KEY, "a test")?,
        MasterKey::random()?,
    );
    let open = async |current: &MasterKey, next: Option<&MasterKey>| {
        let keys = MasterKeys::Given {
            current: current.clone(),
            next: next.cloned(),
        };
        let pool = ledger.database.pool(4)?;
        anyhow::Ok(PostgresVault::open_with(pool, Arc::new(SystemClock), keys).await?)
    };
    let creator = "cafe".parse()?;
    let running = Arc::new(open(&old, Some(&new)).await?);
    let known = running
        .find_or_create(&creator, Platform::Tiktok, "one")
        .await?;
    let reading = open(&old, Some(&new)).await?;
    let rotating = open(&old, Some(&new)).await?;
    let rotated = rotating.rotate(&new).await?;
    ensure!(rotated.accounts == 1, "{rotated:?}");

    // The first thing that it meets of the new master key is a key that does not open.
    reading.key(known).await?;
    let made = running
        .find_or_create(&creator, Platform::Tiktok, "two")
        .await?;
    let grant = super::grant(Platform::Tiktok, "two", super::tokens("access", None));
    let connections = [super::connection(made, "two", None)];
    let store = Credentials::new(Arc::clone(&running));
    store.store(&grant, &connections, super::later(1)).await?;

    let restarted = open(&new, None).await?;
    for account in [known, made] {
        restarted.key(account).await?;
    }
    let store = Credentials::new(Arc::new(restarted));
    ensure!(store.connection(made).await?.is_some());
    ensure!(
        open(&old, None).await.is_err(),
        "the old key alone opens nothing"
    );
    // Without the new key a running process says what is wrong, and makes nothing it could not read.
    let found = ledger
        .vault
        .find_or_create(&creator, Platform::Tiktok, "three")
        .await;
    ensure!(found.is_err(), "{found:?}");
    let found = ledger
        .vault
        .find(&creator, Platform::Tiktok, "three")
        .await?;
    ensure!(found.is_none(), "{found:?}");
    Ok(())
}
