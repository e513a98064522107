//! Whether the process lives and can answer: for those who run it, without a key.

use super::Services;
use super::problem::{Code, Problem, Problems};
use axum::Json;
use axum::extract::State;
use projections::admin::Behind;
use projections::engine::checkpoints;
use serde::Serialize;
use std::{sync::Arc, time::Duration};
use utoipa::ToSchema;

/// A database or a log that answers later than this is not ready.
const READY_LIMIT: Duration = Duration::from_secs(3);

/// The process lives.
#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    /// Always `ok`.
    #[schema(value_type = String)]
    status: &'static str,
}

/// The process can answer.
#[derive(Serialize, ToSchema)]
pub(super) struct Readiness {
    /// Always `ready`.
    #[schema(value_type = String)]
    status: &'static str,
    /// The read models with their live versions, such as `accounts@1`.
    read_models: Vec<String>,
}

/// Tells that the process lives. Needs no key and nothing else.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "getHealth",
    tag = "health",
    security(()),
    responses((status = 200, description = "It lives.", body = Health))
)]
pub(super) async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Tells whether the process can answer: whether its database does, and whether the live read
/// models are within READY_MAX_LAG_SECONDS of the log. One that lags further, was never filled or
/// is halted by a failure makes it 503 `not_ready`, and is named with how far it is behind. Needs
/// no key.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "getReadiness",
    tag = "health",
    security(()),
    responses((status = 200, description = "It can answer.", body = Readiness), Problems)
)]
pub(super) async fn readyz(
    State(services): State<Arc<Services>>,
) -> Result<Json<Readiness>, Problem> {
    let asking = async {
        match services.ready_max_lag {
            Some(most) => within(&services, most).await,
            None => live(&services).await,
        }
    };
    let read_models = tokio::time::timeout(READY_LIMIT, asking)
        .await
        .map_err(|_| Problem::unavailable("database and log do not answer in time"))??;
    Ok(Json(Readiness {
        status: "ready",
        read_models,
    }))
}

/// The live versions, if all of them are close enough to the log's head.
async fn within(services: &Services, most: Duration) -> Result<Vec<String>, Problem> {
    let survey = services.monitor.survey().await?;
    let behind: Vec<_> = survey.behind(most).iter().map(Behind::to_string).collect();
    if !behind.is_empty() {
        return Err(Problem::new(Code::NotReady, behind.join("; ")));
    }
    let live = survey.standings.iter().filter(|standing| standing.live);
    Ok(live
        .map(|standing| named(&standing.name, standing.version))
        .collect())
}

/// The live versions, wherever they stand.
async fn live(services: &Services) -> Result<Vec<String>, Problem> {
    let client = services.client().await?;
    let found = checkpoints(&client).await?;
    let live = found.iter();
    Ok(live
        .map(|model| named(&model.name, model.version))
        .collect())
}

fn named(read_model: &str, version: i32) -> String {
    format!("{read_model}@{version}")
}
