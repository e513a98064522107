//! Metrics over HTTP, for Prometheus: without a key, as it asks.

use super::problem::{self, Problem, Problems};
use super::{Services, layers};
use crate::monitoring::{MEDIA_TYPE, Monitor};
use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use std::sync::Arc;

/// Shows metrics in the OpenMetrics text format, as Prometheus scrapes them. Needs no key. Where
/// METRICS_LISTEN is set they are at that address alone, and this route answers 404.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "getMetrics",
    tag = "health",
    security(()),
    responses(
        (
            status = 200,
            description = "All metrics.",
            body = String,
            content_type = "application/openmetrics-text",
        ),
        Problems,
    )
)]
pub(super) async fn metrics(
    State(services): State<Arc<Services>>,
) -> Result<impl IntoResponse, Problem> {
    match services.shows_metrics {
        true => show(&services.monitor).await,
        false => Err(problem::unknown_route().await),
    }
}

async fn show(monitor: &Monitor) -> Result<impl IntoResponse + use<>, Problem> {
    let text = monitor.scrape().await.map_err(Problem::internal)?;
    Ok(([(CONTENT_TYPE, MEDIA_TYPE)], text))
}

/// Metrics alone, for an address of their own.
pub(super) fn router(monitor: Arc<Monitor>) -> Router {
    let shown = async |State(monitor): State<Arc<Monitor>>| show(&monitor).await;
    let router = Router::new()
        .route("/metrics", get(shown))
        .method_not_allowed_fallback(problem::method_not_allowed)
        .fallback(problem::only_metrics);
    layers::around(router).with_state(monitor)
}
