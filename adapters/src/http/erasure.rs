//! Erasing an account, and the receipt of it.

use super::Services;
use super::accounts::Found;
use super::auth::{By, require_role};
use super::envelope::{Model, begin};
use super::params::{Asked, Wait};
use super::paths::AccountPath;
use super::problem::{Code, Problem, Problems};
use crate::api_keys::Role;
use crate::erasure::Receipt;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use commands::{CommandError, Context, EraseError};
use domain::account::ErasureReason;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// What an erasure is asked for with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ErasureRequest {
    /// On whose request: `requested`, `data_deletion_callback` or `retention_ended`.
    reason: String,
}

impl ErasureRequest {
    fn reason_of(body: &[u8]) -> Result<ErasureReason, Problem> {
        let request: Self = serde_json::from_slice(body).map_err(|_| {
            let expected = "expected a JSON object with `reason` and nothing else, such as \
                            {\"reason\": \"requested\"}";
            Problem::invalid("body", expected)
        })?;
        request
            .reason
            .parse()
            .map_err(|e: domain::account::UnknownReason| Problem::invalid("reason", e.to_string()))
    }
}

impl From<EraseError> for Problem {
    fn from(error: EraseError) -> Self {
        match error {
            EraseError::UnknownAccount(_) => Self::not_found("account"),
            EraseError::Vault(error) => error.into(),
            EraseError::Read(error) => error.into(),
            EraseError::Command(
                CommandError::Append(_) | CommandError::Read(_) | CommandError::States(_),
            )
            | EraseError::Record(_) => Self::unavailable(error),
            EraseError::Command(_) | EraseError::Decode(_) => Self::internal(error),
        }
    }
}

/// Erases an account for good. For the role admin.
///
/// Its key is destroyed: handle, name, captions and links never open again, in no copy of the
/// data. Every answer about the account has the state `erased` from then on, and every command on
/// it is refused; connecting or importing it again opens a new account. Asking again changes
/// nothing and gives the same receipt. The read models follow: `wait_for` with the receipt's
/// `position` waits for them.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account_id}/erase",
    operation_id = "eraseAccount",
    tag = "erasure",
    params(AccountPath),
    request_body = ErasureRequest,
    responses((status = 200, description = "The receipt.", body = Receipt), Problems)
)]
pub(super) async fn erase(
    State(services): State<Arc<Services>>,
    By(caller, stood): By,
    Asked(path): Asked<AccountPath>,
    body: Bytes,
) -> Result<Json<Receipt>, Problem> {
    require_role(&caller, &[Role::Admin])?;
    let reason = ErasureRequest::reason_of(&body)?;
    let (client, _) = begin(&services, stood, &[Model::Accounts], Wait::default()).await?;
    Found::find(&client, &caller, path.account_id).await?;
    drop(client);
    let context = Context {
        actor: format!("key:{}", caller.key_id),
        correlation_id: Uuid::now_v7(),
        causation_id: None,
    };
    let days = services.backup_retention_days;
    // A task of its own: a caller who hangs up, or waits too long, does not cut it short.
    let erasing = tokio::spawn(async move {
        let now = services.clock.now();
        services
            .erasures
            .erase(path.account_id, reason, now, &context)
            .await
    });
    let erased = erasing.await.map_err(Problem::internal)??;
    Ok(Json(Receipt::of(&erased, days)))
}

/// Shows the receipt of an erasure. For the roles auditor and admin.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account_id}/erase",
    operation_id = "getErasure",
    tag = "erasure",
    params(AccountPath, Wait),
    responses((status = 200, description = "The receipt.", body = Receipt), Problems)
)]
pub(super) async fn receipt(
    State(services): State<Arc<Services>>,
    By(caller, stood): By,
    Asked((path, wait)): Asked<(AccountPath, Wait)>,
) -> Result<Json<Receipt>, Problem> {
    require_role(&caller, &[Role::Auditor, Role::Admin])?;
    let (client, _) = begin(&services, stood, &[Model::Accounts], wait).await?;
    Found::find(&client, &caller, path.account_id).await?;
    drop(client);
    let erased = services.erasures.find(path.account_id).await?;
    let erased = erased.ok_or_else(|| {
        let detail = "the account was not erased, so there is no receipt";
        Problem::new(Code::NotFound, detail)
    })?;
    Ok(Json(Receipt::of(&erased, services.backup_retention_days)))
}
