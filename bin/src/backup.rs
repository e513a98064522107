//! The subcommands `backup` and `restore`: data and keys, each in a folder of its own.

use crate::app::{App, leave, start};
use crate::cli::Backup;
use crate::config::Config;
use crate::output;
use crate::projector::catch_up;
use adapters::postgres::backup;
use serde::Serialize;
use std::path::Path;

/// What `backup --json` prints.
#[derive(Serialize)]
struct Taken<'a> {
    data: &'a Path,
    keys: &'a Path,
}

/// What `restore --json` prints.
#[derive(Serialize)]
struct Restored {
    accounts_in_the_erasure_log: usize,
    events_projected: u64,
}

pub(crate) async fn backup(config: &Config, arguments: &Backup) -> anyhow::Result<()> {
    let (endpoint, private) = start(config).await?;
    let taken = backup::take(&endpoint, &arguments.dir).await;
    leave(private).await?;
    let taken = taken?;
    if arguments.json {
        return output::json(&Taken {
            data: &taken.data,
            keys: &taken.keys,
        });
    }
    output::line(format!("data  {}", taken.data.display()));
    output::line(format!("keys  {}", taken.keys.display()));
    output::line(format!(
        "Keep them in different places. Delete the keys after {} days (BACKUP_RETENTION_DAYS), \
         which receipts of erasures promise. The master key and {} are not in it.",
        config.backup_retention_days,
        config.erasure_log.display()
    ));
    Ok(())
}

pub(crate) async fn restore(config: &Config, arguments: &Backup) -> anyhow::Result<()> {
    let (endpoint, private) = start(config).await?;
    let restored = backup::restore(&endpoint, &arguments.dir).await;
    if restored.is_ok() {
        // A start like any other: it migrates, checks the master key, and erases again what was
        // erased since the backup.
        let cancel = crate::serve::stop_signal();
        let app = App::build(config).await;
        let app = match app {
            Ok(app) => app,
            Err(error) => {
                leave(private).await?;
                return Err(error.context("the backup is restored, and the program does not start"));
            }
        };
        let projected = catch_up(&app, &cancel).await;
        let erasures = app.erasures.all().await;
        app.close().await?;
        leave(private).await?;
        return report(arguments.json, erasures?.len(), projected?.events);
    }
    leave(private).await?;
    Ok(restored?)
}

fn report(json: bool, erasures: usize, events: u64) -> anyhow::Result<()> {
    if json {
        return output::json(&Restored {
            accounts_in_the_erasure_log: erasures,
            events_projected: events,
        });
    }
    output::line("Restored.");
    output::line(format!(
        "{erasures} account(s) of the record of erasures are erased."
    ));
    Ok(())
}
