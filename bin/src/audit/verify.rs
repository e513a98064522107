//! `audit verify`: an account, all of them, or a file.

use crate::app::App;
use crate::cli::AuditCommand;
use crate::config::Config;
use crate::output;
use crate::progress::Progress;
use adapters::audit::Checkpoint;
use adapters::audit::checkpoint::newest_file;
use adapters::audit::files::verify_file;
use adapters::audit::verify::{Report, Watched};
use adapters::vault::PublicKey;
use anyhow::{Context, bail};
use domain::AccountId;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub(super) fn key(text: Option<&str>) -> anyhow::Result<Option<PublicKey>> {
    let parsed = text.map(|text| text.parse().context("--key"));
    parsed.transpose()
}

/// The file that a target names, if it is no account.
pub(super) fn file(target: &str) -> Option<&Path> {
    match target.parse::<AccountId>() {
        Ok(_) => None,
        Err(_) => Some(Path::new(target)),
    }
}

/// Verifies a file by itself, or against a checkpoint.
pub(super) fn of_file(
    path: &Path,
    key: Option<PublicKey>,
    command: &AuditCommand,
) -> anyhow::Result<()> {
    let AuditCommand::Verify {
        checkpoint, json, ..
    } = command
    else {
        return Ok(());
    };
    if !path.exists() {
        bail!("'{}' is neither an account's id nor a file", path.display());
    }
    let checkpoint = checkpoint
        .as_deref()
        .map(|path| read(path, key))
        .transpose()?;
    let report = verify_file(path, key, checkpoint.as_ref())?;
    show(&report, *json)?;
    if key.is_none() && !json {
        output::line("Compare the key's fingerprint with the one you were given, or give --key.");
    }
    judge(&report)
}

/// Verifies what the log holds.
pub(super) async fn of_log(
    app: &App,
    config: &Config,
    command: &AuditCommand,
) -> anyhow::Result<()> {
    let AuditCommand::Verify {
        target,
        checkpoint,
        key: given,
        json,
        ..
    } = command
    else {
        return Ok(());
    };
    let key = key(given.as_deref())?.unwrap_or_else(|| app.auditor.signer.public_key());
    let checkpoint = match checkpoint {
        Some(path) => Some(read(path, Some(key))?),
        None => newest(app, config, key).await?,
    };
    let report = match target {
        Some(account) => {
            let account = account.parse()?;
            app.auditor
                .verify_account(account, checkpoint.as_ref())
                .await?
        }
        None => all(app, checkpoint).await?,
    };
    show(&report, *json)?;
    judge(&report)
}

async fn all(app: &App, checkpoint: Option<Checkpoint>) -> anyhow::Result<Report> {
    let head = app.auditor.feed.head().await?.map_or(0, |head| head.commit);
    let mut progress = Progress::new("verifying", head, 0);
    let watched = Arc::new(Watched::default());
    let verifying = app
        .auditor
        .verify_all(checkpoint.map(Arc::new), Arc::clone(&watched));
    tokio::pin!(verifying);
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    let report = loop {
        tokio::select! {
            report = &mut verifying => break report,
            _ = tick.tick() => {
                let events = watched.events.load(Ordering::Relaxed);
                progress.show(watched.at.load(Ordering::Relaxed), events, "events");
            }
        }
    };
    progress.finish();
    Ok(report?)
}

fn read(path: &Path, key: Option<PublicKey>) -> anyhow::Result<Checkpoint> {
    let checkpoint = Checkpoint::read(path)?;
    if let Some(key) = key
        && key != checkpoint.signed.public_key
    {
        bail!(
            "{} is signed with the key {}, and {} was expected",
            path.display(),
            checkpoint.signed.public_key.fingerprint(),
            key.fingerprint()
        );
    }
    Ok(checkpoint)
}

/// The newest checkpoint in the folder of checkpoints. One that Postgres knows and the folder does
/// not have is told.
async fn newest(app: &App, config: &Config, key: PublicKey) -> anyhow::Result<Option<Checkpoint>> {
    let folder = &config.audit.folder;
    let found = newest_file(folder)?
        .map(|path| read(&path, Some(key)))
        .transpose()?;
    let held = found.as_ref().map_or(0, |found| found.statement.number);
    if let Some((number, made_at)) = app.auditor.newest_checkpoint().await?
        && number > held
    {
        tracing::warn!(
            number,
            %made_at,
            folder = %folder.display(),
            "the newest checkpoint's file is not in the folder: give it with --checkpoint"
        );
    }
    Ok(found)
}

fn show(report: &Report, json: bool) -> anyhow::Result<()> {
    if json {
        return output::json(report);
    }
    output::line(&report.sentence);
    for finding in report.findings.iter().skip(1) {
        output::line(format!(
            "Also, revision {} of {}: {}.",
            finding.revision, finding.stream, finding.reason
        ));
    }
    Ok(())
}

fn judge(report: &Report) -> anyhow::Result<()> {
    if !report.holds {
        bail!("the history does not hold");
    }
    Ok(())
}
