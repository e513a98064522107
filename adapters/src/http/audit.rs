//! Audits over HTTP, for the roles auditor and admin: state, history, export, verification.

use super::Services;
use super::accounts::Found;
use super::auth::{By, Stood, require_role};
use super::envelope::{Model, begin};
use super::params::{Asked, Params, Take, Wait};
use super::paths::AccountPath;
use super::problem::{Problem, Problems};
use super::revisions::Revisions;
use super::time::{Moment, Times};
use crate::api_keys::{Caller, Role};
use crate::audit::facts::Facts;
use crate::audit::history::Step;
use crate::audit::{AuditError, Report};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use domain::AccountId;
use serde::Serialize;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// The most events of one export; what lies after them is another one's.
const MAX_EXPORTED: u64 = 100_000;

impl From<AuditError> for Problem {
    fn from(error: AuditError) -> Self {
        match error {
            AuditError::Read(error) => error.into(),
            AuditError::Feed(_) | AuditError::Database(_) => Self::unavailable(error),
            AuditError::NothingThere(_) => Self::not_found("event of this account"),
            _ => Self::internal(error),
        }
    }
}

/// Lets only auditors through, and only to accounts within their scope.
async fn let_through(
    services: &Services,
    (caller, stood): (&Caller, Stood),
    account: AccountId,
    wait: Wait,
) -> Result<(), Problem> {
    require_role(caller, &[Role::Auditor, Role::Admin])?;
    let (client, _) = begin(services, stood, &[Model::Accounts], wait).await?;
    Found::find(&client, caller, account).await?;
    // What follows takes a connection of its own.
    drop(client);
    Ok(())
}

/// An account's state at a time.
#[derive(Serialize, ToSchema)]
pub(super) struct StateAt {
    /// The account.
    #[schema(format = "uuid")]
    account_id: String,
    /// What took effect at or before this moment counts.
    as_of: Moment,
    /// What was recorded at or before this moment counts; null if everything does.
    known_at: Option<Moment>,
    /// The last revision that was recorded by then; null if none was.
    revision: Option<u64>,
    /// The last revision that there is.
    newest_revision: u64,
    /// The state as named facts: `phase` always, and what is known beside it.
    #[schema(value_type = Object)]
    state: Facts,
}

/// Tells an account's state at any time, folded from its events. For the roles auditor and admin.
///
/// `as_of` counts what took effect by then: readings when they were read, syncs when they began,
/// grants when they were given, the rest at the moment they name. `known_at` counts what was
/// recorded by then. Straight from the log: it may be ahead of every read model.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account_id}/audit/state",
    operation_id = "auditState",
    tag = "audit",
    params(AccountPath, Times, Wait),
    responses((status = 200, description = "The state.", body = StateAt), Problems)
)]
pub(super) async fn state(
    State(services): State<Arc<Services>>,
    By(caller, stood): By,
    Asked((path, times, wait)): Asked<(AccountPath, Times, Wait)>,
) -> Result<Json<StateAt>, Problem> {
    let_through(&services, (&caller, stood), path.account_id, wait).await?;
    let as_of = times.as_of_or(services.clock.now());
    let auditor = &services.auditor;
    let found = auditor
        .state(path.account_id, as_of, times.known_at())
        .await?;
    Ok(Json(StateAt {
        account_id: path.account_id.to_string(),
        as_of: as_of.into(),
        known_at: times.known_at.map(Into::into),
        revision: found.revision,
        newest_revision: found.newest_revision,
        state: found.facts,
    }))
}

/// A part of an account's history.
#[derive(Serialize, ToSchema)]
pub(super) struct Steps {
    /// The events in their order, each with what it changed.
    data: Vec<Step>,
    /// Where to go on, as `after_revision` of the next request; null at the stream's end.
    next_after_revision: Option<u64>,
}

/// Lists an account's events with what each changed of its state. For the roles auditor and admin.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account_id}/audit/history",
    operation_id = "auditHistory",
    tag = "audit",
    params(AccountPath, Revisions, Wait),
    responses((status = 200, description = "A part of the history.", body = Steps), Problems)
)]
pub(super) async fn history(
    State(services): State<Arc<Services>>,
    By(caller, stood): By,
    Asked((path, asked, wait)): Asked<(AccountPath, Revisions, Wait)>,
) -> Result<Json<Steps>, Problem> {
    let_through(&services, (&caller, stood), path.account_id, wait).await?;
    let (from, limit) = asked.range();
    let mut history = services.auditor.history(path.account_id, from).await?;
    let mut data = history.next(limit + 1).await?;
    let next_after_revision = asked.cut(&mut data, |step| step.revision);
    Ok(Json(Steps {
        data,
        next_after_revision,
    }))
}

/// Which revisions.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ExportQuery {
    /// The first revision; 0, if left out.
    #[param(value_type = Option<i64>, minimum = 0)]
    from_revision: u64,
    /// The last revision, at most 99999 after the first; as far as they go, if left out.
    #[param(value_type = Option<i64>, minimum = 0)]
    to_revision: u64,
}

impl Take for ExportQuery {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        let any = (0, i64::MAX - 1);
        let from = params.number("from_revision", any)?.unwrap_or(0);
        let from_revision = from.cast_unsigned();
        let most = from_revision + MAX_EXPORTED - 1;
        let to_revision = match params.number("to_revision", any)? {
            None => most,
            Some(to) if (from_revision..=most).contains(&to.cast_unsigned()) => to.cast_unsigned(),
            Some(_) => {
                let expected = format!("expected from_revision or up to {most}");
                return Err(Problem::invalid("to_revision", expected));
            }
        };
        Ok(Self {
            from_revision,
            to_revision,
        })
    }
}

/// Exports an account's events with their exact bytes and a signed manifest. For the roles auditor
/// and admin.
///
/// NDJSON: a line for each event, then the manifest, then its signature. The same range gives the
/// same bytes. One request gives at most 100,000 events; the manifest says where it ends.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account_id}/audit/export",
    operation_id = "auditExport",
    tag = "audit",
    params(AccountPath, ExportQuery, Wait),
    responses(
        (
            status = 200,
            description = "The events, the manifest, the signature.",
            body = String,
            content_type = "application/x-ndjson",
        ),
        Problems,
    )
)]
pub(super) async fn export(
    State(services): State<Arc<Services>>,
    By(caller, stood): By,
    Asked((path, asked, wait)): Asked<(AccountPath, ExportQuery, Wait)>,
) -> Result<Response, Problem> {
    let_through(&services, (&caller, stood), path.account_id, wait).await?;
    let revisions = asked.from_revision..=asked.to_revision;
    let export = services.auditor.export(path.account_id, revisions).await?;
    // A piece is read when the one before was taken: who reads slowly holds no memory.
    let pieces = futures_util::stream::try_unfold(export, |mut export| async move {
        let piece = export.next_piece().await.inspect_err(|error| {
            tracing::warn!(%error, "an export breaks off; it has no manifest then");
        })?;
        Ok::<_, AuditError>(piece.map(|piece| (piece, export)))
    });
    let name = format!("attachment; filename=\"{}.ndjson\"", path.account_id);
    let headers = [
        (CONTENT_TYPE, "application/x-ndjson".to_owned()),
        (CONTENT_DISPOSITION, name),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// Verifies an account's chain from its first event to its end. For the roles auditor and admin.
///
/// It is compared with what the projector noted when it first read the events, and not with a
/// signed checkpoint: this machine cannot vouch for itself. `social-ledger audit verify` with a
/// checkpoint that was kept elsewhere can.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account_id}/audit/verify",
    operation_id = "auditVerify",
    tag = "audit",
    params(AccountPath, Wait),
    responses((status = 200, description = "What was found.", body = Report), Problems)
)]
pub(super) async fn verify(
    State(services): State<Arc<Services>>,
    By(caller, stood): By,
    Asked((path, wait)): Asked<(AccountPath, Wait)>,
) -> Result<Json<Report>, Problem> {
    let_through(&services, (&caller, stood), path.account_id, wait).await?;
    let auditor = &services.auditor;
    Ok(Json(auditor.verify_account(path.account_id, None).await?))
}
