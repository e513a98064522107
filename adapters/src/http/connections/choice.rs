//! A grant that serves several accounts: what there is to choose from, and the choice.

use super::super::Services;
use super::super::auth::{By, require_role};
use super::super::params::Asked;
use super::super::paths::ChoicePath;
use super::super::problem::{Code, Problem, Problems};
use super::super::time::Moment;
use super::ROLES;
use crate::api_keys::Caller;
use crate::connect::{ChoiceError, Outcome, Refusal, Waiting};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// The most accounts that are chosen at once.
const MAX_CHOSEN: usize = 50;

/// A choice that waits.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct WaitingChoice {
    /// The choice.
    #[schema(format = "uuid")]
    choice_id: String,
    /// Whose.
    creator: String,
    /// Where: `facebook`, for one.
    platform: &'static str,
    /// Until when.
    expires_at: Moment,
    /// What there is to choose from.
    accounts: Vec<OfferedAccount>,
}

/// An account to choose.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct OfferedAccount {
    /// The platform's own id of the account.
    platform_account_id: String,
    /// What the person knows it by.
    name: Option<String>,
}

/// A choice.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct ChoiceRequest {
    /// The platform's ids of the accounts to connect, 1 to 50 of those that were offered.
    platform_account_ids: BTreeSet<String>,
}

impl ChoiceRequest {
    fn read(body: &[u8]) -> Result<Self, Problem> {
        let request: Self = serde_json::from_slice(body).map_err(|_| {
            let expected = "expected a JSON object with `platform_account_ids`, a list of ids that \
                            were offered, and nothing else";
            Problem::invalid("body", expected)
        })?;
        if !(1..=MAX_CHOSEN).contains(&request.platform_account_ids.len()) {
            return Err(Problem::invalid(
                "platform_account_ids",
                "expected 1 to 50 ids",
            ));
        }
        Ok(request)
    }
}

/// What came of it.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct MadeChoice {
    /// `connected`, `connected_with_less`, or `finishing` while the log cannot be reached.
    outcome: &'static str,
    /// The accounts.
    account_ids: Vec<String>,
    /// Scopes that were asked for and not granted.
    missing_scopes: BTreeSet<String>,
}

impl From<ChoiceError> for Problem {
    fn from(error: ChoiceError) -> Self {
        match error {
            ChoiceError::Unknown => Self::not_found("choice"),
            ChoiceError::NotOffered => {
                let detail = "one of the ids is none of those that were offered";
                Self::invalid("platform_account_ids", detail)
            }
            ChoiceError::Vault(error) => error.into(),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::Unavailable | Refusal::PlatformUnavailable => Code::Unavailable,
            Refusal::NotConfigured => Code::PlatformNotConfigured,
            _ => Code::ConnectionRefused,
        };
        Self::new(code, format!("{}: {}", refusal.code(), refusal.words()))
    }
}

async fn find(services: &Services, caller: &Caller, choice_id: Uuid) -> Result<Waiting, Problem> {
    require_role(caller, ROLES)?;
    let waiting = services.connections.waiting(choice_id).await?;
    match caller.scope.allows(&waiting.creator) {
        true => Ok(waiting),
        false => Err(Problem::not_found("choice")),
    }
}

/// Shows which accounts a person's consent serves. For the roles creator and admin.
///
/// A consent of Facebook may serve several Pages: nothing is connected until some are chosen.
#[utoipa::path(
    get,
    path = "/v1/connections/choices/{choice_id}",
    operation_id = "getChoice",
    tag = "connections",
    params(ChoicePath),
    responses(
        (status = 200, description = "What there is to choose from.", body = WaitingChoice),
        Problems,
    )
)]
pub(in super::super) async fn waiting(
    State(services): State<Arc<Services>>,
    By(caller, _): By,
    Asked(path): Asked<ChoicePath>,
) -> Result<Json<WaitingChoice>, Problem> {
    let waiting = find(&services, &caller, path.choice_id).await?;
    let offered = |(platform_account_id, name)| OfferedAccount {
        platform_account_id,
        name,
    };
    Ok(Json(WaitingChoice {
        choice_id: path.choice_id.to_string(),
        creator: waiting.creator.to_string(),
        platform: waiting.platform.name(),
        expires_at: Moment(waiting.expires_at),
        accounts: waiting.accounts.into_iter().map(offered).collect(),
    }))
}

/// Connects some of the accounts that a consent serves; the rest are forgotten. For the roles
/// creator and admin.
#[utoipa::path(
    post,
    path = "/v1/connections/choices/{choice_id}",
    operation_id = "makeChoice",
    tag = "connections",
    params(ChoicePath),
    request_body = ChoiceRequest,
    responses((status = 200, description = "What came of it.", body = MadeChoice), Problems)
)]
pub(in super::super) async fn choose(
    State(services): State<Arc<Services>>,
    By(caller, _): By,
    Asked(path): Asked<ChoicePath>,
    body: Bytes,
) -> Result<Json<MadeChoice>, Problem> {
    find(&services, &caller, path.choice_id).await?;
    let request = ChoiceRequest::read(&body)?;
    let connections = services.connections.clone();
    // A task of its own: a caller who hangs up does not cut it short.
    let choosing = tokio::spawn(async move {
        connections
            .choose(path.choice_id, &request.platform_account_ids)
            .await
    });
    let outcome = choosing.await.map_err(Problem::internal)??;
    let code = outcome.code();
    let (accounts, missing_scopes) = match outcome {
        Outcome::Connected { accounts, missing } => (accounts, missing),
        Outcome::Finishing { accounts } => (accounts, BTreeSet::new()),
        Outcome::Refused(refusal) => return Err(refusal.into()),
        Outcome::Choose { .. } => return Err(Problem::internal("a choice led to a choice")),
    };
    Ok(Json(MadeChoice {
        outcome: code,
        account_ids: accounts.iter().map(ToString::to_string).collect(),
        missing_scopes,
    }))
}
