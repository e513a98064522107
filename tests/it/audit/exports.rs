//! Exports: the same bytes each time and from every log, and a stranger's script verifies them.

use super::scene::{Kind, Scene};
use adapters::audit::files::verify_file;
use anyhow::{Context, ensure};
use domain::AccountId;
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::Command;
use tests::rng::{Rng, seed};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/oracle/verify_export.py");
const ALL: RangeInclusive<u64> = 0..=u64::MAX;

async fn export(
    scene: &Scene,
    account: AccountId,
    revisions: RangeInclusive<u64>,
) -> anyhow::Result<String> {
    let mut export = scene.auditor.export(account, revisions).await?;
    let mut text = String::new();
    while let Some(piece) = export.next_piece().await? {
        text += &piece;
    }
    Ok(text)
}

/// What the script says, and whether it is content.
fn script(path: &Path) -> anyhow::Result<(bool, String)> {
    let output = Command::new("python3").arg(SCRIPT).arg(path).output()?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8(said)?))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_the_same_each_time_and_a_script_verifies_it() -> anyhow::Result<()> {
    let scene = Scene::new(Kind::Postgres, 120).await?;
    let key = scene.auditor.signer.public_key();
    let memory = tests::memory_log::MemoryLog::default();
    memory.replace(scene.events().await?);
    let memory = std::sync::Arc::new(memory);
    let mut elsewhere = scene.auditor.clone();
    (elsewhere.log, elsewhere.feed) = (memory.clone(), memory);
    let path = scene.folder.path().join("export.ndjson");
    for account in scene.accounts().await? {
        let text = export(&scene, account, ALL).await?;
        ensure!(
            text == export(&scene, account, ALL).await?,
            "twice is the same"
        );
        let mut other = elsewhere.export(account, ALL).await?;
        let mut copy = String::new();
        while let Some(piece) = other.next_piece().await? {
            copy += &piece;
        }
        ensure!(text == copy, "another log gives the same");
        std::fs::write(&path, &text)?;
        let report = verify_file(&path, Some(key), None)?;
        ensure!(report.holds, "{}", report.sentence);
        let (content, said) = script(&path)?;
        ensure!(content && said.contains("holds"), "{said}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_follow_each_other() -> anyhow::Result<()> {
    let scene = Scene::new(Kind::Memory, 120).await?;
    let account = scene.accounts().await?[0];
    let whole = export(&scene, account, ALL).await?;
    let lines: Vec<_> = whole.lines().collect();
    let events = lines.len() as u64 - 2;
    let path = scene.folder.path().join("export.ndjson");
    let mut joined = String::new();
    let mut from = 0;
    while from < events {
        let part = export(&scene, account, from..=from + 9).await?;
        std::fs::write(&path, &part)?;
        let report = verify_file(&path, None, None)?;
        ensure!(report.holds, "{}", report.sentence);
        let (content, said) = script(&path)?;
        ensure!(content, "{said}");
        let lines: Vec<_> = part.lines().collect();
        ensure!(lines.len() <= 12, "{} lines", lines.len());
        for line in &lines[..lines.len() - 2] {
            joined += line;
            joined.push('\n');
        }
        from += 10;
    }
    ensure!(whole.starts_with(&joined), "the parts are not the whole");
    ensure!(joined.lines().count() as u64 == events, "all of it");
    let beyond = scene.auditor.export(account, events..=events + 5).await;
    ensure!(beyond.is_err(), "there is nothing to export");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_byte_of_an_export_can_be_changed() -> anyhow::Result<()> {
    let seed = seed(4);
    let mut rng = Rng::new(seed);
    let scene = Scene::new(Kind::Memory, 60).await?;
    let key = scene.auditor.signer.public_key();
    let account = scene.accounts().await?[0];
    let sound = export(&scene, account, ALL).await?.into_bytes();
    let path = scene.folder.path().join("spoilt");
    for n in 0..300 {
        let mut bytes = sound.clone();
        let at = rng.below(bytes.len() as u64) as usize;
        bytes[at] ^= 1;
        std::fs::write(&path, &bytes)?;
        let held = verify_file(&path, Some(key), None).is_ok_and(|report| report.holds);
        ensure!(!held, "seed {seed}: byte {at}");
        // The script has no Ed25519: the signature's own line is not for it.
        let last_line = sound[..sound.len() - 1]
            .iter()
            .rposition(|byte| *byte == b'\n')
            .context("lines")?;
        if n % 20 == 0 && at < last_line {
            ensure!(!script(&path)?.0, "seed {seed}: the script took byte {at}");
        }
    }
    for cut in [sound.len() / 2, sound.len() - 1] {
        std::fs::write(&path, &sound[..cut])?;
        ensure!(verify_file(&path, Some(key), None).is_err(), "cut at {cut}");
    }
    Ok(())
}

/// A forger with the database, and without the key, exports what he made: the checkpoint tells.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_compared_with_a_checkpoint() -> anyhow::Result<()> {
    let scene = Scene::new(Kind::Memory, 60).await?;
    let account = scene.accounts().await?[0];
    let checkpoint = adapters::audit::Checkpoint::read(&scene.checkpoint().await?)?;
    let path = scene.folder.path().join("export.ndjson");
    std::fs::write(&path, export(&scene, account, ALL).await?)?;
    let report = verify_file(&path, None, Some(&checkpoint))?;
    ensure!(
        report.holds && report.covered == report.events,
        "{report:?}"
    );
    let mut events = scene.events().await?;
    let stream = domain::StreamName::of_account(account);
    let mut own = events.iter_mut().filter(|event| event.stream == stream);
    own.nth(2).context("an event")?.event_type = "Another".to_owned();
    super::scene::relink(&mut events, stream.as_str())?;
    scene.replace(events).await?;
    std::fs::write(&path, export(&scene, account, ALL).await?)?;
    let report = verify_file(&path, None, Some(&checkpoint))?;
    ensure!(!report.holds, "{}", report.sentence);
    Ok(())
}
