//! The subcommand `import`: reads files of history through a mapping and appends events.

use crate::app::App;
use crate::cli::Import;
use crate::config::Config;
use crate::output;
use crate::progress::Progress;
use crate::projector::catch_up;
use adapters::import::mapping::Mapping;
use adapters::import::report::Report;
use adapters::import::run::{Watch, run as run_import};
use adapters::import::source::Source;
use anyhow::Context;
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What `import --json` prints.
#[derive(Serialize)]
struct Printed<'a> {
    #[serde(flatten)]
    report: Report,
    rejects: Option<&'a Path>,
    files_ignored: Vec<&'a str>,
    files_unmatched: &'a [String],
}

pub(crate) async fn run(config: &Config, arguments: &Import) -> anyhow::Result<()> {
    // Everything about the files is said before a database is touched.
    let mapping = Mapping::load(&arguments.map)
        .with_context(|| format!("the mapping {}", arguments.map.display()))?;
    let source = Source::open(mapping, &arguments.dir)?;
    let ignored: Vec<_> = source
        .ignored()
        .iter()
        .map(|file| (file.file.clone(), file.reason.clone()))
        .collect();
    let unmatched = source.unmatched().to_vec();
    let cancel = crate::serve::stop_signal();
    let app = App::build(config).await?;
    let result = tokio::select! {
        // What was appended stays; the database is left as it should be all the same.
        () = cancel.cancelled() => Err(anyhow::anyhow!("stopped: running it again goes on from there")),
        result = import(&app, source, &arguments.rejects) => result,
    };
    let projected = match &result {
        Ok(_) if !arguments.no_project => catch_up(&app, &cancel).await.map(|_| ()),
        _ => Ok(()),
    };
    app.close().await?;
    projected?;
    let report = result?;
    let rejects = (report.rows_refused > 0).then_some(arguments.rejects.as_path());
    if arguments.json {
        return output::json(&Printed {
            report,
            rejects,
            files_ignored: ignored.iter().map(|(file, _)| file.as_str()).collect(),
            files_unmatched: &unmatched,
        });
    }
    output::line(format!("rows read        {:>10}", report.rows_read));
    output::line(format!("  recorded       {:>10}", report.rows_recorded));
    output::line(format!("  changed nothing{:>10}", report.rows_unchanged));
    output::line(format!("  refused        {:>10}", report.rows_refused));
    output::line(format!("events appended  {:>10}", report.events_appended));
    output::line(format!("accounts         {:>10}", report.accounts));
    if let Some(path) = rejects {
        output::line(format!(
            "Refused rows, with file, line and reason: {}",
            path.display()
        ));
    }
    let mut reasons: Vec<_> = ignored.iter().map(|(_, reason)| reason.as_str()).collect();
    reasons.sort_unstable();
    for group in reasons.chunk_by(|a, b| a == b) {
        output::line(format!("Left out, {} file(s): {}", group.len(), group[0]));
    }
    for file in &unmatched {
        output::line(format!("Not in the mapping: {file}"));
    }
    Ok(())
}

async fn import(app: &App, source: Source, rejects: &Path) -> anyhow::Result<Report> {
    app.ensure_log().await?;
    let watch = Arc::new(Watch::default());
    let mut progress = Progress::new("importing", source.total_bytes(), 0);
    let importing = run_import(Arc::clone(&app.ledger), source, rejects, Arc::clone(&watch));
    tokio::pin!(importing);
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    let result = loop {
        tokio::select! {
            result = &mut importing => break result,
            _ = tick.tick() => {
                let rows = watch.rows.load(Ordering::Relaxed);
                progress.show(watch.bytes.load(Ordering::Relaxed), rows, "rows");
            }
        }
    };
    progress.finish();
    result.context("the import ended early; what was appended stays, and running it again goes on")
}
