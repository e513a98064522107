//! The subcommand `projector`, and the catching up that `import` ends with.

use crate::app::App;
use crate::cli::Projector;
use crate::config::Config;
use crate::output;
use crate::progress::Progress;
use crate::serve::with_metrics;
use anyhow::Context;
use serde::Serialize;
use std::sync::Mutex;
use tokio_util::sync::CancellationToken;

/// What `projector --once --json` prints.
#[derive(Serialize)]
struct CaughtUp {
    events: u64,
    position: Option<String>,
}

pub(crate) async fn run(config: &Config, arguments: &Projector) -> anyhow::Result<()> {
    let app = App::build(config).await?;
    let result = project(&app, config, arguments).await;
    app.close().await?;
    result
}

async fn project(app: &App, config: &Config, arguments: &Projector) -> anyhow::Result<()> {
    app.check().await?;
    let cancel = crate::serve::stop_signal();
    if arguments.once {
        let done = catch_up(app, &cancel).await?;
        let position = done.position.map(|position| position.to_string());
        if arguments.json {
            output::json(&CaughtUp {
                events: done.events,
                position,
            })?;
        } else {
            output::line(format!("Read {} events.", done.events));
        }
    } else {
        let following = async { Ok(app.engine.follow(&cancel).await?) };
        with_metrics(app, config, &cancel, following).await?;
    }
    Ok(())
}

/// Brings every read model to the log's head.
pub(crate) async fn catch_up(
    app: &App,
    cancel: &CancellationToken,
) -> anyhow::Result<projections::engine::Progress> {
    let head = app.feed.head().await?.map_or(0, |head| head.commit);
    let bar = Mutex::new(Progress::new("projecting", head, 0));
    let done = app
        .engine
        .catch_up(cancel, |done| {
            if let Ok(mut bar) = bar.lock() {
                let at = done.position.map_or(0, |position| position.commit);
                bar.show(at, done.events, "events");
            }
        })
        .await
        .context("the read models are not up to date")?;
    if let Ok(bar) = bar.into_inner() {
        bar.finish();
    }
    Ok(done)
}
