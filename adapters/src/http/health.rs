//! Whether the process lives and can answer: for those who run it, without a key.

use super::Services;
use super::problem::{Problem, Problems};
use axum::Json;
use axum::extract::State;
use projections::engine::checkpoints;
use serde::Serialize;
use std::{sync::Arc, time::Duration};
use utoipa::ToSchema;

/// A database that answers later than this is not ready.
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

/// Tells whether the process can answer: whether its database does. Needs no key.
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
        let client = services.client().await?;
        Ok::<_, Problem>(checkpoints(&client).await?)
    };
    let found = tokio::time::timeout(READY_LIMIT, asking)
        .await
        .map_err(|_| Problem::unavailable("the database does not answer in time"))??;
    let name =
        |model: &projections::engine::Checkpoint| format!("{}@{}", model.name, model.version);
    Ok(Json(Readiness {
        status: "ready",
        read_models: found.iter().map(name).collect(),
    }))
}
