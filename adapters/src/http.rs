//! The query API over HTTP: routes, the layers around them, and the server.
//!
//! A request asks the database in few flights, see `flight`: who asks and where the read models
//! stand; then the account within the caller's scope, together with all that bears that scope
//! itself; then what is left. The handler gives its connection back and only then opens sealed
//! values. Everything but health needs a key.

mod accounts;
mod audit;
mod auth;
mod connections;
mod creator_growth;
mod envelope;
mod erasure;
mod events;
mod flight;
mod growth;
mod health;
mod layers;
pub(crate) mod measure;
mod messages;
mod metrics;
mod open;
mod openapi;
mod params;
mod parking;
mod paths;
mod posts;
mod problem;
mod projections;
mod registry;
mod revisions;
mod scrape;
mod standing;
mod sync_health;
mod time;
mod top_posts;
mod trends;

use crate::audit::Auditor;
use crate::connect::{Connections, Deletions};
use crate::monitoring::Monitor;
use crate::postgres::Pool;
use crate::postgres::connect::Connected;
use ::projections::Administration;
use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use commands::Erasures;
use commands::ports::{Clock, EventLog, Vault};
use domain::formula::FormulaPolicy;
use params::Asked;
use problem::Problem;
use std::{sync::Arc, time::Duration};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use utoipa_axum::{router::OpenApiRouter, routes};

/// What the handlers need.
pub struct Services {
    /// Connections to the read models.
    pub pool: Pool,
    /// The event log, for audits.
    pub log: Arc<dyn EventLog>,
    /// Opens sealed values and finds accounts by their platform's ids.
    pub vault: Arc<dyn Vault>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Which formulas are switched off for which platforms.
    pub formulas: FormulaPolicy,
    /// Verifies, exports and tells states.
    pub auditor: Auditor,
    /// Rebuilds and switches read models.
    pub administration: Administration,
    /// Cancelled when the server stops: for what goes on after an answer.
    pub stopping: CancellationToken,
    /// Erases accounts.
    pub erasures: Arc<Erasures>,
    /// Connects and disconnects accounts.
    pub connections: Connections,
    /// Carries out requests for deletion that platforms pass on.
    pub deletions: Deletions,
    /// Our own address, as people and platforms reach it.
    pub public_url: String,
    /// The origin of the dashboard that opens the popup, which is told how a consent ended.
    pub dashboard_origin: Option<String>,
    /// For how long backups are kept, which receipts of erasures name.
    pub backup_retention_days: u32,
    /// Shows how the process and the read models fare.
    pub monitor: Arc<Monitor>,
    /// Whether that is shown beside the API; if not, it has an address of its own.
    pub shows_metrics: bool,
    /// How far a read model may be behind the log while the process counts as ready. If nothing,
    /// only the database must answer.
    pub ready_max_lag: Option<Duration>,
}

impl Services {
    async fn client(&self) -> Result<Connected, Problem> {
        Ok(Connected::from_pool(&self.pool).await?)
    }
}

/// The routes that need a key, in the order of the documentation.
fn guarded() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(accounts::list))
        .routes(routes!(accounts::one))
        .routes(routes!(connections::list::list))
        .routes(routes!(connections::start))
        .routes(routes!(
            connections::choice::waiting,
            connections::choice::choose
        ))
        .routes(routes!(connections::disconnect))
        .routes(routes!(metrics::of_account))
        .routes(routes!(trends::trend))
        .routes(routes!(growth::of_account))
        .routes(routes!(growth::velocity))
        .routes(routes!(creator_growth::of_creator))
        .routes(routes!(posts::list))
        .routes(routes!(posts::one))
        .routes(routes!(posts::history))
        .routes(routes!(posts::metric))
        .routes(routes!(top_posts::list))
        .routes(routes!(sync_health::list))
        .routes(routes!(sync_health::one))
        .routes(routes!(events::list))
        .routes(routes!(audit::state))
        .routes(routes!(audit::history))
        .routes(routes!(audit::export))
        .routes(routes!(audit::verify))
        .routes(routes!(projections::list))
        .routes(routes!(projections::rebuild))
        .routes(routes!(projections::diff))
        .routes(routes!(projections::switch))
        .routes(routes!(projections::rollback))
        .routes(routes!(projections::drop_version))
        .routes(routes!(parking::park))
        .routes(routes!(parking::retry))
        .routes(routes!(erasure::erase, erasure::receipt))
        .routes(routes!(registry::metrics))
        .routes(routes!(registry::formulas))
}

/// The routes that need no key.
fn open() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::default()
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(connections::callback))
        .routes(routes!(messages::challenge, messages::webhook))
        .routes(routes!(messages::deauthorize))
        .routes(routes!(messages::delete))
        .routes(routes!(messages::deletion))
        .routes(routes!(scrape::metrics))
}

/// The OpenAPI document of all routes.
pub fn openapi() -> utoipa::openapi::OpenApi {
    openapi::name_words(guarded().merge(open()).into_openapi())
}

/// All routes with everything around them.
pub fn router(services: Arc<Services>) -> Router {
    let document = openapi()
        .to_json()
        .expect("the document is plain data, which is JSON");
    let document = Bytes::from(document);
    let json = [(CONTENT_TYPE, "application/json")];
    let (guarded, _) = guarded().split_for_parts();
    // The layer also covers what no route has: without a key nobody learns which routes there are.
    let guarded = guarded
        .route(
            "/v1/openapi.json",
            get(move |_: Asked<()>| async move { (json, document) }),
        )
        .method_not_allowed_fallback(problem::method_not_allowed)
        .fallback(problem::unknown_route)
        .layer(from_fn_with_state(Arc::clone(&services), auth::require_key));
    let (open, _) = open().split_for_parts();
    let open = open.method_not_allowed_fallback(problem::method_not_allowed);
    layers::around(guarded.merge(open)).with_state(services)
}

/// After the signal, requests in flight may take as long as any request, and a little more.
const DRAIN_LIMIT: Duration = Duration::from_secs(layers::REQUEST_TIMEOUT.as_secs() + 5);

/// Serves until the signal, then lets the requests in flight end.
pub async fn serve(
    listener: TcpListener,
    services: Arc<Services>,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    run(listener, router(services), shutdown).await
}

/// Serves metrics alone, likewise.
pub async fn serve_metrics(
    listener: TcpListener,
    monitor: Arc<Monitor>,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    run(listener, scrape::router(monitor), shutdown).await
}

async fn run(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let signal = shutdown.clone().cancelled_owned();
    let server = axum::serve(listener, router).with_graceful_shutdown(signal);
    let overdue = async {
        shutdown.cancelled().await;
        tokio::time::sleep(DRAIN_LIMIT).await;
    };
    // A client that neither ends its request nor hangs up must not keep the process alive.
    tokio::select! {
        served = server.into_future() => served,
        () = overdue => {
            tracing::warn!("connections were still open when the server ended");
            Ok(())
        }
    }
}
