//! `social-ledger simulate`: as a program of its own, without a database.

use crate::api_ground::PROGRAM;
use anyhow::{Context, ensure};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use tests::signal::signal;

#[tokio::test]
async fn it_says_where_it_is_and_stops_when_told() -> anyhow::Result<()> {
    let mut child = Command::new(PROGRAM)
        .args([
            "simulate",
            "--listen",
            "127.0.0.1:0",
            "--seed",
            "7",
            "--creators",
            "100000",
        ])
        .args([
            "--start",
            "2026-03-01T00:00:00Z",
            "--speed",
            "0",
            "--plan",
            "3",
        ])
        .env("HOME", "/nonexistent")
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("a pipe")?).lines();
    let first = lines.next().context("a line")??;
    let base = first
        .strip_prefix("Simulating on ")
        .context("an address")?
        .to_owned();
    let state: Value = reqwest::get(format!("{base}/_simulator/state"))
        .await?
        .json()
        .await?;
    ensure!(state["now"] == "2026-03-01T00:00:00.000000Z", "{state}");
    ensure!(
        state["creators"] == 100_000 && state["plan"]["seed"] == 3,
        "{state}"
    );
    let truth = "/_simulator/truth?platform=tiktok&creator=99999";
    let truth: Value = reqwest::get(format!("{base}{truth}")).await?.json().await?;
    ensure!(truth["followers"].is_i64(), "{truth}");
    let told: Vec<_> = lines.by_ref().take(16).collect::<Result<_, _>>()?;
    let told = told.join("\n");
    ensure!(
        told.contains(&format!("PLATFORMS_BASE_URL={base}")) && told.contains("Pip"),
        "{told}"
    );
    signal("-TERM", child.id())?;
    ensure!(child.wait()?.success());
    Ok(())
}

#[test]
fn what_is_wrong_is_told() -> anyhow::Result<()> {
    for (arguments, told) in [
        (["--creators", "0"], "creators"),
        (["--start", "yesterday"], "RFC 3339"),
        (["--speed", "2e6"], "speed"),
        (["--listen", "nowhere"], "listen"),
    ] {
        let output = Command::new(PROGRAM)
            .arg("simulate")
            .args(arguments)
            .env("HOME", "/nonexistent")
            .output()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(
            !output.status.success() && errors.contains(told),
            "{arguments:?}: {errors}"
        );
    }
    Ok(())
}
