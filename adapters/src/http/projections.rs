//! Read models over HTTP, for the role admin: the same as `social-ledger projections`.
//!
//! A rebuild is carried out by the process that was asked, in the background. If that dies, asking
//! again goes on where it was.

use super::Services;
use super::auth::{By, require_role};
use super::params::{Asked, Params, Take};
use super::problem::{Code, Problem, Problems};
use crate::api_keys::{Caller, Role};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use projections::Scope;
use projections::admin::{self, AdminError};
use serde::Serialize;
use std::num::NonZeroU32;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

impl From<AdminError> for Problem {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::Unknown { .. } | AdminError::NoVersion { .. } => {
                Self::new(Code::NotFound, error.to_string())
            }
            AdminError::Unreachable(_)
            | AdminError::Feed(_)
            | AdminError::Database(_)
            | AdminError::Projection(_)
            | AdminError::Engine(_) => Self::unavailable(error),
            _ => Self::new(Code::NotNow, error.to_string()),
        }
    }
}

/// Lets only administrators of everything through: a read model is everybody's.
pub(super) fn let_through(caller: &Caller) -> Result<(), Problem> {
    require_role(caller, &[Role::Admin])?;
    match caller.scope {
        Scope::AllCreators => Ok(()),
        Scope::Creators(_) => Err(Problem::new(
            Code::RoleNotAllowed,
            "read models are everybody's: this needs a key for all creators",
        )),
    }
}

/// Which read model, in the path.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct ProjectionPath {
    /// The read model.
    pub(super) name: String,
}

impl Take for ProjectionPath {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        Ok(Self {
            name: params.segment("name")?,
        })
    }
}

/// Which version of which read model, in the path.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct VersionPath {
    /// The read model.
    name: String,
    /// The version.
    version: i32,
}

impl Take for VersionPath {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        Ok(Self {
            name: params.segment("name")?,
            version: params.segment("version")?,
        })
    }
}

/// Which version is meant.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct VersionQuery {
    /// The version. If it is left out: for a comparison or a switch the newest filled one beside
    /// the live one, for parking all that are halted.
    #[param(value_type = Option<i32>, minimum = 1)]
    pub(super) version: Option<i32>,
}

impl Take for VersionQuery {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        let version = params.number("version", (1, i64::from(i32::MAX)))?;
        Ok(Self {
            version: version.map(|version| i32::try_from(version).unwrap_or(i32::MAX)),
        })
    }
}

/// How fast.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RateQuery {
    /// At most so many events a second; as fast as it goes, if left out.
    #[param(value_type = Option<i32>, minimum = 1)]
    max_rate: Option<NonZeroU32>,
}

impl Take for RateQuery {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        let rate = params.number("max_rate", (1, i64::from(u32::MAX)))?;
        let rate = rate.and_then(|rate| u32::try_from(rate).ok());
        Ok(Self {
            max_rate: rate.and_then(NonZeroU32::new),
        })
    }
}

/// How a version of a read model stands.
#[derive(Serialize, ToSchema)]
pub(super) struct Standing {
    /// The read model.
    name: String,
    /// The version.
    version: i32,
    /// The contract of the code that made it.
    contract: i32,
    /// The fingerprint of that code and its tables.
    fingerprint: Option<String>,
    /// Whether answers come from it.
    live: bool,
    /// What it is doing: `live`, `ready` (it can be switched to), `filling`, `paused` (not full,
    /// and nobody fills it) or `halted`.
    #[schema(value_type = String)]
    state: &'static str,
    /// Up to where it has the log.
    position: Option<String>,
    /// How many events it lacks; null, if they are too many to count.
    lag_events: Option<u64>,
    /// How long ago the first event that it lacks was recorded; null, if that cannot be read.
    lag_seconds: Option<f64>,
    /// How many events a second it was given lately.
    rate: f64,
    /// How many events it was given.
    events: i64,
    /// How many events it was not given: this program does not know their type or schema.
    skipped: i64,
    /// Why it was halted, if it was.
    fault: Option<String>,
    /// The version that a roll back goes back to, if this one is live.
    replaces: Option<i32>,
    /// Streams that it cannot apply, and whose events wait: `account`, the first `revision` that
    /// waits, the `error`, `since` when, and `name` and `version` again.
    #[schema(value_type = Vec<Object>)]
    parked: Vec<admin::ParkedStream>,
}

impl From<admin::Standing> for Standing {
    fn from(of: admin::Standing) -> Self {
        Self {
            name: of.name,
            version: of.version,
            contract: of.contract,
            fingerprint: of.fingerprint,
            live: of.live,
            state: of.state.name(),
            position: of.position,
            lag_events: of.lag_events,
            lag_seconds: of.lag_seconds,
            rate: of.rate,
            events: of.events,
            skipped: of.skipped,
            fault: of.fault,
            replaces: of.replaces,
            parked: of.parked,
        }
    }
}

/// All versions of all read models.
#[derive(Serialize, ToSchema)]
pub(super) struct Standings {
    /// By name and version.
    data: Vec<Standing>,
}

/// Lists every version of every read model, and how it stands. For the role admin.
#[utoipa::path(
    get,
    path = "/v1/admin/projections",
    operation_id = "listProjections",
    tag = "admin",
    responses((status = 200, description = "All versions.", body = Standings), Problems)
)]
pub(super) async fn list(
    State(services): State<Arc<Services>>,
    By(caller, _): By,
    _asked: Asked<()>,
) -> Result<Json<Standings>, Problem> {
    let_through(&caller)?;
    let found = services.administration.list().await?;
    let data = found.into_iter().map(Standing::from).collect();
    Ok(Json(Standings { data }))
}

/// A version of a read model, and what was done with it.
#[derive(Serialize, ToSchema)]
pub(super) struct Done {
    /// The read model.
    name: String,
    /// The version.
    version: i32,
    /// The version that was live before; null, if that did not change.
    instead_of: Option<i32>,
}

impl From<admin::Switched> for Done {
    fn from(of: admin::Switched) -> Self {
        Self {
            name: of.name,
            version: of.to,
            instead_of: Some(of.from),
        }
    }
}

/// Begins to fill the next version of a read model beside the live one. For the role admin.
///
/// The work goes on after the answer; the list shows how far it is. Of one that broke off it goes
/// on where it was.
#[utoipa::path(
    post,
    path = "/v1/admin/projections/{name}/rebuild",
    operation_id = "rebuildProjection",
    tag = "admin",
    params(ProjectionPath, RateQuery),
    responses((status = 202, description = "It has begun.", body = Done), Problems)
)]
pub(super) async fn rebuild(
    State(services): State<Arc<Services>>,
    By(caller, _): By,
    Asked((path, asked)): Asked<(ProjectionPath, RateQuery)>,
) -> Result<(StatusCode, Json<Done>), Problem> {
    let_through(&caller)?;
    let rebuild = services.administration.begin_rebuild(&path.name).await?;
    let version = rebuild.version.number;
    let stop = services.stopping.child_token();
    tokio::spawn(async move {
        let of = rebuild.version.to_string();
        match rebuild.run(asked.max_rate, &stop, |_| {}).await {
            Ok(true) => tracing::info!(version = of, "a rebuild has ended"),
            Ok(false) => tracing::warn!(version = of, "a rebuild broke off"),
            Err(error) => tracing::error!(version = of, %error, "a rebuild failed"),
        }
    });
    let done = Done {
        name: path.name,
        version,
        instead_of: None,
    };
    Ok((StatusCode::ACCEPTED, Json(done)))
}

/// What differs between the live version of a read model and another one.
#[derive(Serialize, ToSchema)]
pub(super) struct Diff {
    /// The read model.
    name: String,
    /// The live version: `here`.
    here: i32,
    /// The version that it is compared with: `there`.
    there: i32,
    /// Whether no row differs, but for those in motion.
    same: bool,
    /// Accounts with events that one version has and the other has not yet: what differs in their
    /// rows says nothing.
    accounts_in_motion: usize,
    /// Table by table: `table`, `rows_here`, `rows_there`, `only_here`, `only_there`, `different`,
    /// `in_motion`, `columns_only_here`, `columns_only_there`, and a few `samples`, each with its
    /// `key` and what is `here` and `there` of the columns that differ.
    #[schema(value_type = Vec<Object>)]
    tables: Vec<admin::TableDiff>,
}

/// Compares the live version of a read model with another one. For the role admin.
#[utoipa::path(
    get,
    path = "/v1/admin/projections/{name}/diff",
    operation_id = "diffProjection",
    tag = "admin",
    params(ProjectionPath, VersionQuery),
    responses((status = 200, description = "What differs.", body = Diff), Problems)
)]
pub(super) async fn diff(
    State(services): State<Arc<Services>>,
    By(caller, _): By,
    Asked((path, asked)): Asked<(ProjectionPath, VersionQuery)>,
) -> Result<Json<Diff>, Problem> {
    let_through(&caller)?;
    let found = services
        .administration
        .diff(&path.name, asked.version)
        .await?;
    Ok(Json(Diff {
        name: found.name,
        here: found.here,
        there: found.there,
        same: found.same,
        accounts_in_motion: found.accounts_in_motion,
        tables: found.tables,
    }))
}

/// Lets queries be answered by another version of a read model. For the role admin.
///
/// In one short transaction that no query waits for. Refused while the version lacks anything that
/// the live one has.
#[utoipa::path(
    post,
    path = "/v1/admin/projections/{name}/switch",
    operation_id = "switchProjection",
    tag = "admin",
    params(ProjectionPath, VersionQuery),
    responses((status = 200, description = "What is live now.", body = Done), Problems)
)]
pub(super) async fn switch(
    State(services): State<Arc<Services>>,
    By(caller, _): By,
    Asked((path, asked)): Asked<(ProjectionPath, VersionQuery)>,
) -> Result<Json<Done>, Problem> {
    let_through(&caller)?;
    let done = services
        .administration
        .switch(&path.name, asked.version)
        .await?;
    Ok(Json(done.into()))
}

/// Lets queries be answered by the version that was live before. For the role admin.
#[utoipa::path(
    post,
    path = "/v1/admin/projections/{name}/rollback",
    operation_id = "rollbackProjection",
    tag = "admin",
    params(ProjectionPath),
    responses((status = 200, description = "What is live now.", body = Done), Problems)
)]
pub(super) async fn rollback(
    State(services): State<Arc<Services>>,
    By(caller, _): By,
    Asked(path): Asked<ProjectionPath>,
) -> Result<Json<Done>, Problem> {
    let_through(&caller)?;
    Ok(Json(
        services.administration.rollback(&path.name).await?.into(),
    ))
}

/// Drops a version of a read model that is not live. For the role admin.
///
/// Refused for a short while after it was live: answers may still be taken from it.
#[utoipa::path(
    delete,
    path = "/v1/admin/projections/{name}/versions/{version}",
    operation_id = "dropProjectionVersion",
    tag = "admin",
    params(VersionPath),
    responses((status = 200, description = "It is gone.", body = Done), Problems)
)]
pub(super) async fn drop_version(
    State(services): State<Arc<Services>>,
    By(caller, _): By,
    Asked(path): Asked<VersionPath>,
) -> Result<Json<Done>, Problem> {
    let_through(&caller)?;
    let VersionPath { name, version } = path;
    services.administration.drop_version(&name, version).await?;
    Ok(Json(Done {
        name,
        version,
        instead_of: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::super::layers::REQUEST_TIMEOUT;
    use projections::admin::DROP_GRACE;

    #[test]
    fn no_request_lasts_until_its_tables_are_dropped() {
        assert!(REQUEST_TIMEOUT < DROP_GRACE);
    }
}
