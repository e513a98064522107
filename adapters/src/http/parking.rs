//! Streams that a read model cannot apply, over HTTP, for the role admin: the same as
//! `social-ledger projections park` and `retry`.

use super::Services;
use super::auth::By;
use super::params::{Asked, Params, Take};
use super::problem::{Problem, Problems};
use super::projections::{ProjectionPath, VersionQuery, let_through};
use axum::Json;
use axum::extract::State;
use domain::AccountId;
use projections::admin;
use serde::Serialize;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Whose stream.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AccountQuery {
    /// The account; all that are parked, if left out.
    #[param(value_type = Option<String>)]
    account: Option<AccountId>,
}

impl Take for AccountQuery {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        Ok(Self {
            account: params.parsed("account")?,
        })
    }
}

/// Streams that were parked.
#[derive(Serialize, ToSchema)]
pub(super) struct ParkedStreams {
    /// Each with `name` and `version` of the read model, `account`, the first `revision` that
    /// waits, the `error`, and `since` when.
    #[schema(value_type = Vec<Object>)]
    data: Vec<admin::ParkedStream>,
}

/// Streams that were tried again.
#[derive(Serialize, ToSchema)]
pub(super) struct RetriedStreams {
    /// Each with the `version`, the `account`, how many `events` were applied, and the `error` that
    /// keeps it parked, which is null if it is parked no longer.
    #[schema(value_type = Vec<Object>)]
    data: Vec<admin::Retried>,
}

/// Lets a halted read model go on without the accounts whose events it cannot apply: their events
/// wait. For the role admin.
#[utoipa::path(
    post,
    path = "/v1/admin/projections/{name}/park",
    operation_id = "parkStreams",
    tag = "admin",
    params(ProjectionPath, VersionQuery),
    responses((status = 200, description = "What waits now.", body = ParkedStreams), Problems)
)]
pub(super) async fn park(
    State(services): State<Arc<Services>>,
    By(caller, _): By,
    Asked((path, asked)): Asked<(ProjectionPath, VersionQuery)>,
) -> Result<Json<ParkedStreams>, Problem> {
    let_through(&caller)?;
    let administration = &services.administration;
    let data = administration.park(&path.name, asked.version).await?;
    Ok(Json(ParkedStreams { data }))
}

/// Applies the events of parked accounts, once what kept them from it is mended. For the role
/// admin.
#[utoipa::path(
    post,
    path = "/v1/admin/projections/{name}/retry",
    operation_id = "retryParkedStreams",
    tag = "admin",
    params(ProjectionPath, AccountQuery),
    responses((status = 200, description = "What came of it.", body = RetriedStreams), Problems)
)]
pub(super) async fn retry(
    State(services): State<Arc<Services>>,
    By(caller, _): By,
    Asked((path, asked)): Asked<(ProjectionPath, AccountQuery)>,
) -> Result<Json<RetriedStreams>, Problem> {
    let_through(&caller)?;
    let administration = &services.administration;
    let data = administration.retry(&path.name, asked.account).await?;
    Ok(Json(RetriedStreams { data }))
}
