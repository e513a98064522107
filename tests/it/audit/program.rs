//! The subcommand `audit` as people and scripts meet it: what it prints, and its exit codes.

use crate::api_ground::PROGRAM;
use crate::histories::random_history;
use anyhow::{Context, ensure};
use domain::AccountId;
use projections::feed::EventFeed;
use serde_json::Value;
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;
use tests::TestLedger;
use tests::rng::Rng;
use tests::server::command;

struct Scene {
    ledger: TestLedger,
    folder: TempDir,
    account: AccountId,
}

impl Scene {
    async fn new() -> anyhow::Result<Self> {
        let ledger = TestLedger::create().await?;
        random_history(&ledger, &mut Rng::new(11), 60).await?;
        let events = ledger.log.read_all(None, 1_000_000).await?;
        // The stream that has gone furthest has something to be cut off.
        let furthest = events.iter().max_by_key(|event| event.revision);
        let furthest = furthest.context("an event")?;
        Ok(Self {
            account: furthest.stream.account().context("an account")?,
            ledger,
            folder: tempfile::tempdir()?,
        })
    }

    fn audit(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        let whole = [&["audit"][..], arguments].concat();
        let mut command = command(PROGRAM, &self.ledger.database.url, &whole);
        Ok(command.env("AUDIT_DIR", self.folder.path()).output()?)
    }

    /// What it prints when all is well.
    fn ok(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let Output {
            status,
            stdout,
            stderr,
        } = self.audit(arguments)?;
        let errors = String::from_utf8_lossy(&stderr);
        ensure!(status.success(), "{arguments:?}: {errors}");
        Ok(String::from_utf8(stdout)?)
    }

    fn json(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&self.ok(arguments)?)?)
    }

    /// What it prints when something is wrong: standard output, then standard error.
    fn refused(&self, arguments: &[&str]) -> anyhow::Result<(String, String)> {
        let Output {
            status,
            stdout,
            stderr,
        } = self.audit(arguments)?;
        ensure!(status.code() == Some(1), "{arguments:?}: {status}");
        Ok((String::from_utf8(stdout)?, String::from_utf8(stderr)?))
    }
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("UTF-8")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_finds_what_came_after_it() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let account = scene.account.to_string();
    let key = scene.json(&["key", "--json"])?;
    let made = scene.json(&["checkpoint", "--json"])?;
    ensure!(
        made["number"] == 1 && made["public_key"] == key["public_key"],
        "{made}"
    );
    let file = made["file"].as_str().context("a file")?.to_owned();
    let public = key["public_key"].as_str().context("a key")?;
    let sound = scene.json(&[
        "verify",
        "--all",
        "--json",
        "--checkpoint",
        &file,
        "--key",
        public,
    ])?;
    ensure!(
        sound["holds"] == true && sound["checkpoint"]["number"] == 1,
        "{sound}"
    );
    ensure!(sound["covered"] == sound["events"], "{sound}");
    // The newest one in the folder is found by itself.
    let found = scene.json(&["verify", &account, "--json"])?;
    ensure!(found["checkpoint"]["number"] == 1, "{found}");
    let said = scene.ok(&["verify", "--all"])?;
    ensure!(
        said.lines().count() == 1 && said.starts_with("Checked "),
        "{said}"
    );

    let client = scene.ledger.database.connect().await?;
    client
        .batch_execute(&format!(
            "delete from log_events
             where stream = 'account-{account}' and revision >= 3;
             delete from audit_tips"
        ))
        .await?;
    for target in [account.as_str(), "--all"] {
        let (said, error) = scene.refused(&["verify", target, "--checkpoint", &file])?;
        ensure!(
            said.contains("cut off") && said.contains("revision 3"),
            "{said}"
        );
        ensure!(error.contains("the history does not hold"), "{error}");
        let (json, _) = scene.refused(&["verify", target, "--json"])?;
        let report: Value = serde_json::from_str(&json)?;
        ensure!(report["findings"][0]["revision"] == 3, "{report}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_verified_without_a_database() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let account = scene.account.to_string();
    let out = scene.folder.path().join("export.ndjson");
    let said = scene.ok(&["export", &account, "--out", text(&out)?])?;
    ensure!(said.starts_with("Wrote revisions 0 to "), "{said}");
    let printed = scene.ok(&["export", &account])?;
    ensure!(printed == std::fs::read_to_string(&out)?, "the same bytes");
    let key = scene.json(&["key", "--json"])?;
    let key = key["public_key"].as_str().context("a key")?;
    let checkpoint = scene.json(&["checkpoint", "--json"])?;
    let checkpoint = checkpoint["file"].as_str().context("a file")?;
    for arguments in [
        vec!["audit", "verify", text(&out)?, "--json", "--key", key],
        vec![
            "audit",
            "verify",
            text(&out)?,
            "--json",
            "--checkpoint",
            checkpoint,
        ],
        vec!["audit", "verify", checkpoint, "--json", "--key", key],
    ] {
        // Nobody listens there.
        let nowhere = "host=/nonexistent user=nobody dbname=none";
        let output = command(PROGRAM, nowhere, &arguments).output()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{arguments:?}: {errors}");
        let report: Value = serde_json::from_slice(&output.stdout)?;
        ensure!(report["holds"] == true, "{report}");
    }
    let other = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let (_, error) = scene.refused(&["verify", text(&out)?, "--key", other])?;
    ensure!(error.contains("not with the one that was given"), "{error}");
    let (_, error) = scene.refused(&["verify", "no-such-file"])?;
    ensure!(
        error.contains("neither an account's id nor a file"),
        "{error}"
    );
    let (_, error) = scene.refused(&["verify", text(&out)?, "--key", "abc"])?;
    ensure!(error.contains("not a public key"), "{error}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn history_and_state_can_be_read() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let account = scene.account.to_string();
    let said = scene.ok(&["history", &account])?;
    ensure!(said.contains("AccountImported"), "{said}");
    ensure!(said.contains("phase: absent -> imported"), "{said}");
    let steps = scene.ok(&["history", &account, "--json"])?;
    let steps: Vec<Value> = steps
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let headings = said.lines().filter(|line| line.contains("  effective "));
    ensure!(headings.count() == steps.len(), "{said}");
    let state = scene.json(&["state", &account, "--json"])?;
    ensure!(state["newest_revision"] == steps.len() - 1, "{state}");
    ensure!(state["state"]["phase"].is_string(), "{state}");
    let before = [
        "--as-of",
        "1999-01-01T00:00:00Z",
        "--known-at",
        "2100-01-01T00:00:00Z",
    ];
    let before = scene.ok(&[&["state", account.as_str()][..], &before[..]].concat())?;
    ensure!(before.contains("phase: absent"), "{before}");
    let nobody = "01900000-0000-7000-8000-000000000000";
    for arguments in [
        ["history", nobody],
        ["state", nobody],
        ["export", nobody],
        ["verify", nobody],
    ] {
        let (_, error) = scene.refused(&arguments)?;
        ensure!(error.contains(nobody), "{error}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_settings_are_named() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    for (name, value) in [
        ("AUDIT_EVERY_EVENTS", "0"),
        ("AUDIT_EVERY_EVENTS", "many"),
        ("AUDIT_EVERY_MINUTES", "100000"),
    ] {
        let url = &scene.ledger.database.url;
        let output = command(PROGRAM, url, &["audit", "key"])
            .env(name, value)
            .output()?;
        let error = String::from_utf8(output.stderr)?;
        ensure!(!output.status.success(), "{name}={value}");
        ensure!(
            error.contains(name) && error.contains("expected"),
            "{error}"
        );
    }
    Ok(())
}
