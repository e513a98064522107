//! An official client of another language meets the stand-in: it keeps us from playing a server
//! that only our own client understands.

use anyhow::{Context, Result, bail, ensure};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Output;
use tests::{StandIn, StandInCluster};
use tokio::process::Command;

/// Names a reason to do without this test, on a machine that cannot reach a package index.
const SKIP: &str = "SKIP_OFFICIAL_CLIENT";

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

/// The Python of a virtual environment that holds the client; made once, under the build folder.
async fn python() -> Result<Option<PathBuf>> {
    if let Some(reason) = skipped() {
        eprintln!("SKIPPED, because {SKIP} is set: {reason}");
        return Ok(None);
    }
    let requirements = clients().join("requirements.txt");
    let wanted = fs::read(&requirements)?;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("official-client");
    fs::create_dir_all(&folder)?;
    // Tests of several processes may come here at once.
    let lock = File::create(folder.join("lock"))?;
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await??;
    let environment = folder.join("venv");
    let python = environment.join("bin/python");
    let installed = environment.join("installed.txt");
    if fs::read(&installed).ok().as_ref() != Some(&wanted) {
        if environment.exists() {
            fs::remove_dir_all(&environment)?;
        }
        let path = environment.to_str().context("UTF-8")?;
        made(
            &run("python3", &["-m", "venv", path]).await?,
            "python3 -m venv (python3-venv)",
        )?;
        let list = requirements.to_str().context("UTF-8")?;
        let pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ];
        let pinned = [
            "--no-deps",
            "--require-hashes",
            "--only-binary=:all:",
            "-r",
            list,
        ];
        let arguments: Vec<&str> = pip.into_iter().chain(pinned).collect();
        made(
            &run(&python, &arguments).await?,
            "pip, which needs a package index",
        )?;
        fs::write(&installed, &wanted)?;
    }
    drop(lock);
    Ok(Some(python))
}

#[expect(clippy::disallowed_methods, reason = "a test's only setting")]
fn skipped() -> Option<String> {
    std::env::var(SKIP).ok()
}

async fn run(program: impl AsRef<Path>, arguments: &[&str]) -> Result<Output> {
    let program = program.as_ref();
    let mut command = Command::new(program);
    command.args(arguments).kill_on_drop(true);
    let output = command.output().await;
    output.with_context(|| format!("starting {}", program.display()))
}

fn made(output: &Output, by: &str) -> Result<()> {
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "the official client could not be installed by {by}; set {SKIP}=REASON to go without: {errors}"
    );
    Ok(())
}

async fn play(scenario: &str, url: &str) -> Result<()> {
    let Some(python) = python().await? else {
        return Ok(());
    };
    let script = clients().join("kurrentdb.py");
    let script = script.to_str().context("UTF-8")?;
    let output = run(&python, &[script, scenario, url]).await?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() || printed.trim() != format!("fine: {scenario}") {
        bail!("{printed}{errors}");
    }
    Ok(())
}

#[tokio::test]
async fn it_writes_reads_conflicts_repeats_subscribes_and_deletes() -> Result<()> {
    let stand_in = StandIn::start().await?;
    play("everything", &stand_in.url()).await
}

#[tokio::test]
async fn it_sees_a_subscription_end() -> Result<()> {
    let stand_in = StandIn::start().await?;
    // The Rust client never returns from this one, so it cannot tell.
    stand_in.faults().end_subscriptions.next(1, 2);
    play("subscription_ends", &stand_in.url()).await?;
    if skipped().is_none() {
        assert_eq!(stand_in.faults().end_subscriptions.fired(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn it_finds_the_leader_of_a_cluster() -> Result<()> {
    let cluster = StandInCluster::start(3).await?;
    cluster.elect(2);
    play("leader_is_found", &cluster.url()).await?;
    if skipped().is_none() {
        assert_eq!(cluster.counts(2).appends, 1);
    }
    Ok(())
}
