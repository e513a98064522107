//! The subcommand `serve`: the query API and the projector, until a signal stops them.

use crate::app::App;
use crate::cli::{RoleName, Serve};
use crate::config::Config;
use crate::output;
use adapters::connect::Deletions;
use adapters::http::{Services, serve, serve_metrics};
use anyhow::Context;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that is cancelled by Ctrl-C or SIGTERM. A second signal ends the program at once.
pub(crate) fn stop_signal() -> CancellationToken {
    let token = CancellationToken::new();
    let stopped = token.clone();
    tokio::spawn(async move {
        let Ok(mut terminate) = signal(SignalKind::terminate()) else {
            return;
        };
        for attempt in 0..2 {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            stopped.cancel();
            if attempt == 1 {
                std::process::exit(130);
            }
        }
    });
    token
}

pub(crate) async fn run(config: &Config, arguments: &Serve) -> anyhow::Result<()> {
    let cancel = stop_signal();
    let app = App::build(config).await?;
    let listen = arguments.listen.unwrap_or(config.listen);
    let role = arguments.role;
    let ended = cancel.child_token();
    let serving = async {
        let result = match app.check().await {
            Ok(()) => {
                let running = Box::pin(run_roles(&app, config, role, listen, &ended));
                with_metrics(&app, config, &ended, running).await
            }
            disagree => disagree,
        };
        ended.cancel();
        result
    };
    let (result, ()) = tokio::join!(serving, app.finish_erasures(&ended));
    app.close().await?;
    result
}

async fn run_roles(
    app: &App,
    config: &Config,
    role: Option<RoleName>,
    listen: SocketAddr,
    cancel: &CancellationToken,
) -> anyhow::Result<()> {
    app.ensure_log().await?;
    match role {
        Some(RoleName::Projector) => project(app, config, cancel).await,
        Some(RoleName::Api) => api(app, config, bind("LISTEN", listen).await?, cancel).await,
        None => everything(app, config, bind("LISTEN", listen).await?, cancel).await,
    }
}

/// Shows metrics at METRICS_LISTEN, if that is set, until the work has ended.
pub(crate) async fn with_metrics(
    app: &App,
    config: &Config,
    cancel: &CancellationToken,
    work: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let Some(listen) = config.metrics_listen else {
        return work.await;
    };
    let listener = bind("METRICS_LISTEN", listen).await?;
    output::line(format!(
        "Metrics on http://{}/metrics",
        listener.local_addr()?
    ));
    let ended = cancel.child_token();
    let working = async {
        let result = work.await;
        ended.cancel();
        result
    };
    let showing = serve_metrics(listener, Arc::clone(&app.monitor), ended.clone());
    let (result, shown) = tokio::join!(working, showing);
    result?;
    Ok(shown?)
}

/// Takes the address that a variable names, before anything else is started on it.
pub(crate) async fn bind(variable: &str, listen: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}: set {variable} to a free address"))
}

/// Keeps the read models, and signs checkpoints. Only the read models can end it early.
async fn project(app: &App, config: &Config, cancel: &CancellationToken) -> anyhow::Result<()> {
    let both = cancel.child_token();
    let watch = app.watch(config);
    let projecting = async {
        let result = app.engine.follow(&both).await;
        both.cancel();
        result
    };
    let (projected, ()) = tokio::join!(projecting, watch.follow(&both));
    Ok(projected?)
}

/// API and projector together. If either ends, both do.
pub(crate) async fn everything(
    app: &App,
    config: &Config,
    listener: TcpListener,
    cancel: &CancellationToken,
) -> anyhow::Result<()> {
    let both = cancel.child_token();
    let projecting = async {
        let result = project(app, config, &both).await;
        both.cancel();
        result
    };
    let serving = async {
        let result = api(app, config, listener, &both).await;
        both.cancel();
        result
    };
    let (projected, served) = tokio::join!(projecting, serving);
    projected?;
    served
}

async fn api(
    app: &App,
    config: &Config,
    listener: TcpListener,
    cancel: &CancellationToken,
) -> anyhow::Result<()> {
    let deletions = Deletions::new(app.connections.clone(), Arc::clone(&app.erasures));
    let services = Services {
        pool: app.pool.clone(),
        log: Arc::clone(&app.log),
        vault: Arc::clone(&app.vault) as Arc<_>,
        clock: Arc::clone(&app.clock),
        formulas: config.formulas.clone(),
        auditor: app.auditor.clone(),
        administration: app.administration.clone(),
        stopping: cancel.clone(),
        erasures: Arc::clone(&app.erasures),
        connections: app.connections.clone(),
        deletions: deletions.clone(),
        public_url: config.connect.public_url.clone(),
        dashboard_origin: config.connect.dashboard_origin.clone(),
        backup_retention_days: config.backup_retention_days,
        monitor: Arc::clone(&app.monitor),
        shows_metrics: config.metrics_listen.is_none(),
        ready_max_lag: config.ready_max_lag,
    };
    output::line(format!("Listening on http://{}", listener.local_addr()?));
    let converging = cancel.child_token();
    let serving = async {
        let served = serve(listener, Arc::new(services), cancel.clone()).await;
        converging.cancel();
        served
    };
    let converge = Box::pin(deletions.keep_converging(&converging));
    let (served, ()) = tokio::join!(serving, converge);
    Ok(served?)
}
