//! The subcommand `projections`: versions of read models, in the hands of an administrator.

use crate::app::App;
use crate::cli::{Projections, ProjectionsCommand};
use crate::config::Config;
use crate::output;
use crate::progress::Progress;
use projections::admin::{AdminError, Diff, Filling, ParkedStream, Retried, Standing, Switched};
use serde::Serialize;
use std::num::NonZeroU32;
use std::sync::Mutex;
use std::time::Duration;

/// A version of a read model, as `--json` prints what was done with it.
#[derive(Serialize)]
struct Done<'a> {
    name: &'a str,
    version: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    instead_of: Option<i32>,
}

pub(crate) async fn run(config: &Config, arguments: &Projections) -> anyhow::Result<()> {
    let app = App::build(config).await?;
    let result = carry_out(&app, arguments).await;
    app.close().await?;
    result
}

async fn carry_out(app: &App, arguments: &Projections) -> anyhow::Result<()> {
    let json = arguments.json;
    let administration = &app.administration;
    match &arguments.command {
        ProjectionsCommand::List => list(&administration.list().await?, json),
        ProjectionsCommand::Rebuild { name, max_rate } => rebuild(app, name, *max_rate, json).await,
        ProjectionsCommand::Diff { name, version } => {
            diff(&administration.diff(name, *version).await?, json)
        }
        ProjectionsCommand::Switch { name, version } => {
            switched(&administration.switch(name, *version).await?, json)
        }
        ProjectionsCommand::Rollback { name } => {
            switched(&administration.rollback(name).await?, json)
        }
        ProjectionsCommand::Park { name, version } => {
            parked(&administration.park(name, *version).await?, json)
        }
        ProjectionsCommand::Retry { name, account } => {
            retried(&administration.retry(name, *account).await?, json)
        }
        ProjectionsCommand::Drop { name, version } => {
            drop_version(app, name, *version).await?;
            if json {
                return output::json(&Done {
                    name,
                    version: *version,
                    instead_of: None,
                });
            }
            output::line(format!("Dropped version {version} of {name}."));
            Ok(())
        }
    }
}

fn list(found: &[Standing], json: bool) -> anyhow::Result<()> {
    if json {
        return found.iter().try_for_each(output::json);
    }
    output::line(format!(
        "{:<18} {:>7}  {:<8} {:>10} {:>10} {:>10}  POSITION",
        "READ MODEL", "VERSION", "STATE", "EVENTS LAG", "SECONDS", "EVENTS/S"
    ));
    for one in found {
        let unknown = || "many".to_owned();
        let lag = one.lag_events.map_or_else(unknown, |lag| lag.to_string());
        let seconds = one.lag_seconds.map_or_else(unknown, |s| format!("{s:.1}"));
        output::line(format!(
            "{:<18} {:>7}  {:<8} {lag:>10} {seconds:>10} {:>10.0}  {}",
            one.name,
            one.version,
            one.state.name(),
            one.rate,
            one.position.as_deref().unwrap_or("-"),
        ));
        if let Some(fault) = &one.fault {
            output::line(format!("    halted: {fault}"));
        }
        for stream in &one.parked {
            output::line(waiting(stream));
        }
    }
    Ok(())
}

fn waiting(stream: &ParkedStream) -> String {
    format!(
        "    parked: account {}, from revision {} on, since {}: {}",
        stream.account, stream.revision, stream.since, stream.error
    )
}

fn parked(streams: &[ParkedStream], json: bool) -> anyhow::Result<()> {
    if json {
        return streams.iter().try_for_each(output::json);
    }
    for stream in streams {
        output::line(format!("version {} of {}:", stream.version, stream.name));
        output::line(waiting(stream));
    }
    output::line("The projector goes on without them. `projections retry` applies them.");
    Ok(())
}

fn retried(found: &[Retried], json: bool) -> anyhow::Result<()> {
    for one in found {
        if json {
            output::json(one)?;
        } else {
            let state = match &one.error {
                None => "parked no longer".to_owned(),
                Some(error) => format!("parked still: {error}"),
            };
            output::line(format!(
                "version {}, account {}: {} events applied, {state}",
                one.version, one.account, one.events
            ));
        }
    }
    let still = found.iter().filter(|one| one.error.is_some()).count();
    if still > 0 {
        anyhow::bail!("{still} of {} streams are parked still", found.len());
    }
    Ok(())
}

async fn rebuild(
    app: &App,
    name: &str,
    max_rate: Option<NonZeroU32>,
    json: bool,
) -> anyhow::Result<()> {
    let cancel = crate::serve::stop_signal();
    let rebuild = app.administration.begin_rebuild(name).await?;
    let version = rebuild.version.number;
    let bar: Mutex<Option<Progress>> = Mutex::new(None);
    let show = |done: Filling| {
        if let Ok(mut bar) = bar.lock() {
            let bar = bar.get_or_insert_with(|| Progress::new("rebuilding", done.total, done.from));
            bar.show(done.events, done.events - done.from, "events");
        }
    };
    let is_filled = rebuild.run(max_rate, &cancel, show).await?;
    if let Ok(Some(bar)) = bar.into_inner() {
        bar.finish();
    }
    if !is_filled {
        anyhow::bail!(
            "version {version} of {name} is not full yet: the same command goes on where this one \
             stopped"
        );
    }
    if json {
        return output::json(&Done {
            name,
            version,
            instead_of: None,
        });
    }
    output::line(format!(
        "Version {version} of {name} is filled, and projectors keep it up to date. Next:\n  \
         social-ledger projections diff {name}\n  social-ledger projections switch {name}"
    ));
    Ok(())
}

fn switched(done: &Switched, json: bool) -> anyhow::Result<()> {
    if json {
        return output::json(&Done {
            name: &done.name,
            version: done.to,
            instead_of: Some(done.from),
        });
    }
    output::line(format!(
        "Version {} of {} is live now, instead of version {}.",
        done.to, done.name, done.from
    ));
    Ok(())
}

fn diff(found: &Diff, json: bool) -> anyhow::Result<()> {
    if json {
        return output::json(found);
    }
    output::line(format!(
        "{}: version {} (live, here) and version {} (there)",
        found.name, found.here, found.there
    ));
    for table in &found.tables {
        output::line(format!(
            "  {}: {} rows here, {} there; {} only here, {} only there, {} different",
            table.table,
            table.rows_here,
            table.rows_there,
            table.only_here,
            table.only_there,
            table.different
        ));
        for (columns, whose) in [
            (&table.columns_only_here, "here"),
            (&table.columns_only_there, "there"),
        ] {
            if !columns.is_empty() {
                let columns = columns.join(", ");
                output::line(format!("    only {whose}, not compared: {columns}"));
            }
        }
        for sample in &table.samples {
            let side = |row: &Option<serde_json::Value>| match row {
                Some(row) => row.to_string(),
                None => "no such row".to_owned(),
            };
            output::line(format!("    {}", sample.key));
            output::line(format!("      here   {}", side(&sample.here)));
            output::line(format!("      there  {}", side(&sample.there)));
        }
    }
    if found.accounts_in_motion > 0 {
        output::line(format!(
            "  not judged: rows of {} accounts that were in motion",
            found.accounts_in_motion
        ));
    }
    output::line(if found.same {
        "The same."
    } else {
        "Not the same."
    });
    Ok(())
}

/// Waits out the time in which answers may still be taken from the version.
async fn drop_version(app: &App, name: &str, version: i32) -> anyhow::Result<()> {
    loop {
        match app.administration.drop_version(name, version).await {
            Err(AdminError::InUse { seconds, .. }) => {
                tracing::warn!(seconds, "answers may still be taken from it: waiting");
                tokio::time::sleep(Duration::from_secs(seconds)).await;
            }
            done => return Ok(done?),
        }
    }
}
