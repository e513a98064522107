//! The subcommand `audit`: history, state, export, verification and checkpoints.

mod verify;

use crate::app::App;
use crate::cli::{Audit, AuditCommand};
use crate::config::Config;
use crate::output;
use adapters::audit::facts::Facts;
use adapters::audit::history::Step;
use anyhow::{Context, bail};
use domain::{AccountId, Timestamp};
use serde::Serialize;
use serde_json::Value;
use std::io::Write;
use std::ops::RangeInclusive;
use std::path::Path;

/// Steps of a history that are printed at once.
const PAGE: usize = 64;

pub(crate) async fn run(config: &Config, arguments: &Audit) -> anyhow::Result<()> {
    if let AuditCommand::Verify { target, key, .. } = &arguments.command {
        let key = verify::key(key.as_deref())?;
        if let Some(file) = target.as_deref().and_then(verify::file) {
            // A file needs nothing but itself, on any machine.
            return verify::of_file(file, key, &arguments.command);
        }
    }
    let app = App::build(config).await?;
    let result = carry_out(&app, config, &arguments.command).await;
    app.close().await?;
    result
}

async fn carry_out(app: &App, config: &Config, command: &AuditCommand) -> anyhow::Result<()> {
    match command {
        AuditCommand::History { account, json } => history(app, *account, *json).await,
        AuditCommand::State {
            account,
            as_of,
            known_at,
            json,
        } => state(app, *account, (*as_of, *known_at), *json).await,
        AuditCommand::Export {
            account,
            out,
            from,
            to,
        } => {
            let revisions = *from..=to.unwrap_or(u64::MAX);
            export(app, *account, out.as_deref(), revisions).await
        }
        AuditCommand::Verify { .. } => verify::of_log(app, config, command).await,
        AuditCommand::Checkpoint { json } => checkpoint(app, config, *json).await,
        AuditCommand::Key { json } => key(app, *json),
    }
}

async fn history(app: &App, account: AccountId, json: bool) -> anyhow::Result<()> {
    let mut history = app.auditor.history(account, 0).await?;
    let mut any = false;
    loop {
        let steps = history.next(PAGE).await?;
        if steps.is_empty() {
            break;
        }
        any = true;
        for step in &steps {
            if json {
                output::json(step)?;
            } else {
                show(step);
            }
        }
    }
    if !any {
        bail!("there is no account {account} in this log");
    }
    Ok(())
}

fn show(step: &Step) {
    let or_unknown = |at: Option<Timestamp>| at.map_or("?".to_owned(), |at| at.to_string());
    output::line(format!(
        "{:>6}  {}  {}  effective {}  by {}",
        step.revision,
        or_unknown(step.recorded_at),
        step.r#type,
        or_unknown(step.effective_at),
        step.actor.as_deref().unwrap_or("?"),
    ));
    for change in &step.changes {
        output::line(format!(
            "          {}: {} -> {}",
            change.fact,
            plain(&change.before),
            plain(&change.after)
        ));
    }
    if let Some(note) = &step.note {
        output::line(format!("          {note}"));
    }
}

/// A fact as people read it.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| format!("{name} {}", plain(value)));
            fields.collect::<Vec<_>>().join(", ")
        }
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

/// What `audit state --json` prints.
#[derive(Serialize)]
struct PrintedState {
    account_id: String,
    as_of: Timestamp,
    known_at: Option<Timestamp>,
    revision: Option<u64>,
    newest_revision: u64,
    state: Facts,
}

async fn state(
    app: &App,
    account: AccountId,
    (as_of, known_at): (Option<Timestamp>, Option<Timestamp>),
    json: bool,
) -> anyhow::Result<()> {
    let as_of = as_of.unwrap_or_else(|| app.clock.now());
    let at = known_at.unwrap_or(Timestamp::MAX);
    let found = app.auditor.state(account, as_of, at).await?;
    if json {
        return output::json(&PrintedState {
            account_id: account.to_string(),
            as_of,
            known_at,
            revision: found.revision,
            newest_revision: found.newest_revision,
            state: found.facts,
        });
    }
    let known = known_at.map_or("everything recorded".to_owned(), |at| {
        format!("what was recorded by {at}")
    });
    let revision = found.revision.map_or("no revision".to_owned(), |revision| {
        format!("revisions 0 to {revision}")
    });
    output::line(format!(
        "{account} as of {as_of}, from {known}: {revision} of 0 to {}",
        found.newest_revision
    ));
    for (fact, value) in &found.facts {
        output::line(format!("  {fact}: {}", plain(value)));
    }
    Ok(())
}

async fn export(
    app: &App,
    account: AccountId,
    out: Option<&Path>,
    revisions: RangeInclusive<u64>,
) -> anyhow::Result<()> {
    let mut export = app.auditor.export(account, revisions).await?;
    let Some(path) = out else {
        while let Some(piece) = export.next_piece().await? {
            output::text(&piece)?;
        }
        return Ok(());
    };
    // Written beside and renamed, so that nobody takes a half for the whole.
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let beside = Path::new(&beside);
    let failed = || format!("cannot write {}", beside.display());
    let mut file = std::fs::File::create(beside).with_context(failed)?;
    let written = async {
        while let Some(piece) = export.next_piece().await? {
            file.write_all(piece.as_bytes()).with_context(failed)?;
        }
        file.sync_all().with_context(failed)?;
        std::fs::rename(beside, path).with_context(|| format!("cannot write {}", path.display()))
    }
    .await;
    if written.is_err() {
        let _gone = std::fs::remove_file(beside);
    }
    written?;
    if let Some(manifest) = export.manifest() {
        output::line(format!(
            "Wrote revisions {} to {} of {} to {}; tip {}.",
            manifest.first_revision,
            manifest.last_revision,
            manifest.stream,
            path.display(),
            manifest.tip
        ));
    }
    Ok(())
}

/// What `audit checkpoint --json` prints.
#[derive(Serialize)]
struct PrintedCheckpoint<'a> {
    #[serde(flatten)]
    statement: &'a adapters::audit::checkpoint::Statement,
    file: &'a Path,
    public_key: String,
}

async fn checkpoint(app: &App, config: &Config, json: bool) -> anyhow::Result<()> {
    let watch = app.watch(config);
    watch.catch_up().await?;
    let made = watch.checkpoint().await?;
    if json {
        return output::json(&PrintedCheckpoint {
            statement: &made.statement,
            file: &made.path,
            public_key: made.signed.public_key.to_string(),
        });
    }
    output::line(format!(
        "Checkpoint {} over {} accounts and {} events: {}",
        made.statement.number,
        made.statement.streams,
        made.statement.events,
        made.path.display()
    ));
    output::line(format!("root {}", made.statement.root));
    output::line(format!("key  {}", made.signed.public_key.fingerprint()));
    output::line("Copy the file to where nobody who may change this database can change it.");
    Ok(())
}

/// What `audit key --json` prints.
#[derive(Serialize)]
struct PrintedKey {
    public_key: String,
    fingerprint: String,
}

fn key(app: &App, json: bool) -> anyhow::Result<()> {
    let key = app.auditor.signer.public_key();
    let printed = PrintedKey {
        public_key: key.to_string(),
        fingerprint: key.fingerprint(),
    };
    if json {
        return output::json(&printed);
    }
    output::line(format!("public key  {}", printed.public_key));
    output::line(format!("fingerprint {}", printed.fingerprint));
    output::line("Keep it apart from this machine: signatures are checked against it.");
    Ok(())
}
