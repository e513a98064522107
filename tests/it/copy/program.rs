//! `log copy` as people and scripts meet it: what it prints, what it refuses, what it never shows.

use super::scene::{eventstore, held, ledger, quick};
use crate::api_ground::PROGRAM;
use anyhow::{Context, ensure};
use domain::{Metric, Platform};
use serde_json::Value;
use std::path::Path;
use std::process::Output;
use tests::server::{Place, command};
use tests::standin::Setup;
use tests::{StandIn, TestDatabase};

const PASSWORD: &str = "swordfish-in-the-open";

fn output(place: impl Into<Place>, arguments: &[&str]) -> anyhow::Result<Output> {
    tokio::task::block_in_place(|| Ok(command(PROGRAM, place, arguments).output()?))
}

/// What an audit prints with its checkpoints in this folder.
fn audit(place: impl Into<Place>, folder: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let whole = [&["audit"][..], arguments].concat();
    let output = tokio::task::block_in_place(|| {
        command(PROGRAM, place, &whole)
            .env("AUDIT_DIR", folder)
            .output()
    })?;
    let status = output.status;
    let (said, error) = texts(output)?;
    ensure!(status.success(), "{arguments:?}: {error}");
    Ok(said)
}

/// What it printed, and what it complained of.
fn texts(output: Output) -> anyhow::Result<(String, String)> {
    Ok((
        String::from_utf8(output.stdout)?,
        String::from_utf8(output.stderr)?,
    ))
}

fn ok(place: impl Into<Place>, arguments: &[&str]) -> anyhow::Result<String> {
    let output = output(place, arguments)?;
    let status = output.status;
    let (said, error) = texts(output)?;
    ensure!(status.success(), "{arguments:?}: {error}");
    Ok(said)
}

fn refused(place: impl Into<Place>, arguments: &[&str], words: &[&str]) -> anyhow::Result<()> {
    let output = output(place, arguments)?;
    let status = output.status;
    let (said, error) = texts(output)?;
    ensure!(status.code() == Some(1), "{arguments:?}: {status} {said}");
    for word in words {
        ensure!(error.contains(word), "{arguments:?}: {error}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_moves_and_the_program_goes_on() -> anyhow::Result<()> {
    let (ledger, store) = (ledger(40, 80).await?, StandIn::start().await?);
    let account = ledger.import("creator", Platform::Youtube, "99").await?;
    let values = [(Metric::Followers, 77)];
    ledger
        .observe(account, "2026-02-01T00:00:00Z", &values)
        .await?;
    let url = quick(&store.url());
    let database = ledger.database.url.as_str();
    let new = || Place::with_log(database, &url);
    let copy = ["log", "copy", "--from", "postgres", "--to", &url];

    // Before it was projected: the copy is made, and says what is left to do.
    let said = ok(database, &copy)?;
    ensure!(said.contains("had not projected all"), "{said}");
    ensure!(said.contains("projector --once"), "{said}");
    refused(
        new(),
        &["projector", "--once"],
        &["another log", "EVENT_LOG"],
    )?;

    ok(database, &["projector", "--once"])?;
    let signed = tempfile::tempdir()?;
    audit(database, signed.path(), &["checkpoint"])?;
    let said = ok(database, &[&copy[..], &["--json"]].concat())?;
    let printed: Value = serde_json::from_str(&said)?;
    ensure!(printed["read_models"] == "moved", "{printed}");
    ensure!(printed["verified"] == true, "{printed}");
    ensure!(printed["audit_goes_on"] == true, "{printed}");
    ensure!(printed["events_appended"] == 0, "{printed}");
    ensure!(printed["streams"] == 5, "{printed}");
    ensure!(held(&*ledger.log).await? == held(&*eventstore(&store.url())?).await?);

    // Nobody writes to the old log by mistake, and the new one goes on at its end.
    let folder = tempfile::tempdir()?;
    let map = folder.path().join("map.toml");
    std::fs::write(&map, MAPPING)?;
    std::fs::write(
        folder.path().join("f.csv"),
        "account,at,followers\na,1760000000,5\n",
    )?;
    let (map, data) = (
        map.to_str().context("UTF-8")?,
        folder.path().to_str().context("UTF-8")?,
    );
    let rejects = folder.path().join("rejects");
    let rejects = rejects.to_str().context("UTF-8")?;
    let import = ["import", "--json", "--map", map, "--rejects", rejects, data];
    for arguments in [&import[..], &["serve"]] {
        refused(
            database,
            arguments,
            &["another log", "EVENT_LOG", "log copy"],
        )?;
    }
    let read: Value = serde_json::from_str(&ok(new(), &["projector", "--once", "--json"])?)?;
    ensure!(read["events"] == 0, "{read}");
    let imported: Value = serde_json::from_str(&ok(new(), &import)?)?;
    ensure!(imported["rows_recorded"] == 1, "{imported}");
    let state = ok(new(), &["audit", "state", &account.to_string()])?;
    ensure!(state.contains("phase: imported"), "{state}");
    let verified = audit(new(), signed.path(), &["verify", "--all"])?;
    ensure!(verified.contains("checkpoint 1"), "{verified}");

    // And back; `event-log` is what EVENT_LOG names, so that no password is on a command line.
    let back = ["log", "copy", "--from", "event-log", "--to", "postgres"];
    let said = ok(new(), &back)?;
    ensure!(said.contains("go on at the end of the target"), "{said}");
    let read: Value = serde_json::from_str(&ok(database, &["projector", "--once", "--json"])?)?;
    ensure!(read["events"] == 0, "{read}");
    Ok(())
}

const MAPPING: &str = r#"
name = "f"
description = "A test's followers."
creator = { const = "creator" }
platform = { const = "tiktok" }
ignore = [{ files = "map.toml", reason = "the mapping" }, { files = "rejects", reason = "ours" }]

[[table]]
name = "followers"
files = "f.csv"
format = "csv"
account = { column = "account" }
observed_at = { column = "at", time = "unix" }
[table.metrics]
followers = { column = "followers" }
"#;

/// Nothing that a start does by itself reaches the log that was moved: the two would part.
#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_after_the_move_is_not_written_to_the_old_log() -> anyhow::Result<()> {
    let (ledger, store) = (ledger(42, 40).await?, StandIn::start().await?);
    let account = ledger.import("creator", Platform::Youtube, "99").await?;
    let other = ledger.import("creator", Platform::Youtube, "98").await?;
    ledger.catch_up().await?;
    let (url, account, other) = (quick(&store.url()), account.to_string(), other.to_string());
    let database = ledger.database.url.as_str();
    let new = || Place::with_log(database, &url);
    let program = |place: Place, arguments: &[&str]| -> anyhow::Result<(bool, String)> {
        let output = tokio::task::block_in_place(|| {
            command(PROGRAM, place, arguments)
                .env("ERASURE_LOG", &ledger.erasure_log)
                .env("AUDIT_DIR", "/nonexistent")
                .output()
        })?;
        let went_well = output.status.success();
        let (said, error) = texts(output)?;
        Ok((went_well, said + &error))
    };
    let well = |place: Place, arguments: &[&str]| -> anyhow::Result<String> {
        let (went_well, said) = program(place, arguments)?;
        ensure!(went_well, "{arguments:?}: {said}");
        Ok(said)
    };
    let copy = ["log", "copy", "--from", "postgres", "--to", "event-log"];
    well(new(), &copy)?;
    let before = held(&*ledger.log).await?;
    well(new(), &["erase", &account, "--yes"])?;
    let (went_well, said) = program(database.into(), &["erase", &other, "--yes"])?;
    ensure!(!went_well && said.contains("another log"), "{said}");
    well(database.into(), &["audit", "verify", "--all"])?;
    ensure!(
        held(&*ledger.log).await? == before,
        "the old log was written to"
    );
    // Back there, the erasure comes along and nothing else does.
    let back = [
        "log",
        "copy",
        "--json",
        "--from",
        "event-log",
        "--to",
        "postgres",
    ];
    let printed: Value = serde_json::from_str(&well(new(), &back)?)?;
    ensure!(printed["events_appended"] == 1, "{printed}");
    ensure!(printed["read_models"] == "moved", "{printed}");
    let state = well(database.into(), &["audit", "state", &account])?;
    ensure!(state.contains("phase: erased"), "{state}");
    Ok(())
}

/// Another database takes the events; this one's read models stay.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_to_another_database_moves_no_read_models() -> anyhow::Result<()> {
    let (ledger, other) = (ledger(41, 30).await?, TestDatabase::create_empty().await?);
    let database = ledger.database.url.as_str();
    ok(database, &["projector", "--once"])?;
    let copy = [
        "log", "copy", "--json", "--from", "postgres", "--to", &other.url,
    ];
    let printed: Value = serde_json::from_str(&ok(database, &copy)?)?;
    ensure!(printed["read_models"] == "not_ours", "{printed}");
    ensure!(held(&*ledger.log).await? == held(&*super::scene::postgres(&other).await?).await?);
    let read: Value = serde_json::from_str(&ok(database, &["projector", "--once", "--json"])?)?;
    ensure!(read["events"] == 0, "{read}");
    // By its identity, whatever it is called.
    let same = ["log", "copy", "--from", "postgres", "--to", database];
    refused(database, &same, &["both are the log"])
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_names_are_told_and_passwords_are_not() -> anyhow::Result<()> {
    let credentials = Some(("ledger".to_owned(), "another".to_owned()));
    let setup = Setup {
        credentials,
        ..Setup::default()
    };
    let denying = StandIn::start_with(setup).await?;
    let denied = quick(&denying.url().replace("another", PASSWORD));
    let database = TestDatabase::create().await?;
    let nowhere = format!("postgres://ledger:{PASSWORD}@127.0.0.1:1/nothing");
    for (url, words) in [
        (denied.as_str(), ["--to", "denies access"]),
        (nowhere.as_str(), ["--to", "not reached"]),
        (
            &format!("mysql://ledger:{PASSWORD}@host"),
            ["--to", "expected postgres, event-log"],
        ),
        (
            &format!("postgres://ledger:{PASSWORD}@host:port/x"),
            ["--to", "expected postgres, event-log"],
        ),
        (
            &format!("esdb://ledger:{PASSWORD}@host:1?tls=maybe"),
            ["--to", "parameter tls"],
        ),
        (PASSWORD, ["--to", "expected postgres, event-log"]),
    ] {
        let arguments = ["log", "copy", "--from", "postgres", "--to", url];
        refused(&database.url, &arguments, &words)?;
        let output = tokio::task::block_in_place(|| {
            command(PROGRAM, &database.url, &arguments)
                .env("LOG", "trace,kurrentdb=trace")
                .output()
        })?;
        let (said, error) = texts(output)?;
        let shown = said + &error;
        let sent = data_encoding::BASE64.encode(format!("ledger:{PASSWORD}").as_bytes());
        for secret in [PASSWORD, &sent] {
            ensure!(!shown.contains(secret), "{words:?}: the password is shown");
        }
    }
    Ok(())
}
