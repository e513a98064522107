//! After an erasure what was sealed is in the clear nowhere: not in the data folder, backups,
//! refused rows, the record, nor the most talkative log.

use super::{PROGRAM, canaries};
use anyhow::{Context, ensure};
use std::path::Path;
use std::process::{Command, Output};
use tests::cluster::temporary_folder;
use tests::ledger::MASTER_KEY;

const MAPPING: &str = r#"
name = "plain"
description = "Generated history of a test."
creator = { const = "erasing" }
platform = { const = "tiktok" }
[[table]]
name = "posts"
files = "posts.csv"
account = { column = "account" }
observed_at = { column = "at" }
[table.profile]
handle = { column = "handle" }
name = { column = "name" }
bio = { column = "bio" }
[table.post]
id = { column = "post" }
title = { column = "title" }
[table.post.metrics]
views = { column = "views" }
"#;

/// A data folder with a private Postgres; gone when dropped.
struct Home(std::path::PathBuf);

impl Home {
    fn run(&self, beside: &Path, arguments: &[&str]) -> anyhow::Result<Output> {
        let output = Command::new(PROGRAM)
            .args(arguments)
            .env("DATA_DIR", &self.0)
            .env("MASTER_KEY", MASTER_KEY)
            .env("ERASURE_LOG", beside.join("erasures.log"))
            .env("LOG", "trace")
            .current_dir(beside)
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{arguments:?}: {said}");
        Ok(output)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _left_behind = std::fs::remove_dir_all(&self.0);
    }
}

/// Every file below a folder.
fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            files(&entry.path(), found)?;
        } else if entry.file_type()?.is_file() {
            found.push(entry.path());
        }
    }
    Ok(())
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[test]
fn nothing_in_the_clear_is_left() -> anyhow::Result<()> {
    let beside = tempfile::tempdir()?;
    let source = beside.path().join("source");
    std::fs::create_dir(&source)?;
    let words = canaries("gone");
    let [account, handle, name, bio, post, title] = words.as_slice() else {
        anyhow::bail!("six canaries");
    };
    let row = |post: &str, views: &str| {
        format!("{account},2026-01-02T00:00:00Z,{handle},{name},{bio},{post},{title},{views}\n")
    };
    let header = "account,at,handle,name,bio,post,title,views\n";
    // The second row is refused: its number is none.
    let text = format!(
        "{header}{}{}",
        row(post, "12"),
        row(&format!("{post}-b"), title)
    );
    std::fs::write(source.join("posts.csv"), text)?;
    std::fs::write(beside.path().join("map.toml"), MAPPING)?;

    let home = Home(temporary_folder("plain")?);
    let run = |arguments: &[&str]| home.run(beside.path(), arguments);
    let mut said = vec![];
    let imported = run(&[
        "import",
        "--json",
        "--map",
        "map.toml",
        "--rejects",
        "rejects",
        "source",
    ])?;
    let report: serde_json::Value = serde_json::from_slice(&imported.stdout)?;
    ensure!(
        report["rows_recorded"] == 1 && report["rows_refused"] == 1,
        "{report}"
    );
    said.push(imported);
    said.push(run(&["backup", "before"])?);
    let dump = Command::new("pg_restore")
        .args(["--data-only", "--table=log_events", "--file=-"])
        .arg(beside.path().join("before/data/database.dump"))
        .output()?;
    let dump = String::from_utf8_lossy(&dump.stdout).into_owned();
    let start = dump.find("account-").context("a stream")? + "account-".len();
    let id = &dump[start..start + 36];
    said.push(run(&["erase", id, "--yes", "--json"])?);
    said.push(run(&["backup", "after"])?);
    said.push(run(&["projector", "--once"])?);

    std::fs::remove_dir_all(&source)?;
    let mut looked_at = vec![];
    files(&home.0, &mut looked_at)?;
    files(beside.path(), &mut looked_at)?;
    ensure!(looked_at.len() > 500, "{} files", looked_at.len());
    for path in &looked_at {
        let bytes = std::fs::read(path)?;
        for word in &words {
            ensure!(!holds(&bytes, word), "{} holds {word}", path.display());
        }
    }
    for output in &said {
        ensure!(output.stderr.len() > 1_000, "a talkative log");
        for word in &words {
            ensure!(
                !holds(&output.stderr, word) && !holds(&output.stdout, word),
                "said {word}"
            );
        }
    }
    // Dumps are compressed: what they hold is looked at unpacked.
    for dump in [
        "before/data/database.dump",
        "after/data/database.dump",
        "after/keys/vault.dump",
    ] {
        let unpacked = Command::new("pg_restore")
            .arg("--file=-")
            .arg(beside.path().join(dump))
            .output()?;
        ensure!(
            unpacked.status.success() && unpacked.stdout.len() > 1_000,
            "{dump}"
        );
        // Bytes are written as hexadecimal digits.
        for word in &words {
            let hex: String = word.bytes().map(|byte| format!("{byte:02x}")).collect();
            ensure!(
                !holds(&unpacked.stdout, word) && !holds(&unpacked.stdout, &hex),
                "{dump}: {word}"
            );
        }
    }
    Ok(())
}
