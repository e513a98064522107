//! The subcommand `vault rotate`: a new master key, without downtime.

use crate::app::App;
use crate::cli::VaultRotate;
use crate::config::{Config, MasterKeyChoice};
use crate::output;
use adapters::vault::{MasterKey, Rotated};
use anyhow::Context;
use serde::Serialize;

#[derive(Serialize)]
struct Report {
    accounts: u64,
    credentials: u64,
    key_file: Option<String>,
}

pub(crate) async fn rotate(config: &Config, arguments: &VaultRotate) -> anyhow::Result<()> {
    let app = App::build(config).await?;
    let result = carry_out(config, &app).await;
    app.close().await?;
    let report = result?;
    if arguments.json {
        return output::json(&report);
    }
    output::line(format!(
        "Wrapped {} keys of accounts and {} of credentials under the new master key.",
        report.accounts, report.credentials
    ));
    output::line(match &report.key_file {
        Some(path) => format!(
            "It is in {path}: keep a copy elsewhere. The key of before, with .previous at its end, \
             is needed for backups that are older than this."
        ),
        None => "Start every process with it as MASTER_KEY from now on.".to_owned(),
    });
    Ok(())
}

async fn carry_out(config: &Config, app: &App) -> anyhow::Result<Report> {
    let (rotated, key_file) = match &config.master_key {
        MasterKeyChoice::Given { next, .. } => {
            let next = next.as_ref().context(
                "MASTER_KEY_NEXT is not set: expected the new key, which every running process has \
                 been given before",
            )?;
            (to(app, next).await?, None)
        }
        MasterKeyChoice::File(path) => {
            // Made once: a run that was killed after the vault took it finds it again here.
            let (next, _) = MasterKey::read_or_create(&MasterKey::next_file(path))?;
            let rotated = to(app, &next).await?;
            MasterKey::promote(path)?;
            (rotated, Some(path.display().to_string()))
        }
    };
    Ok(Report {
        accounts: rotated.accounts,
        credentials: rotated.credentials,
        key_file,
    })
}

async fn to(app: &App, next: &MasterKey) -> anyhow::Result<Rotated> {
    match app.vault.has(next).await? {
        true => Ok(Rotated::default()),
        false => Ok(app.vault.rotate(next).await?),
    }
}
