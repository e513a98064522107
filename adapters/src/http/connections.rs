//! Connecting and disconnecting accounts: the start, the platform's callback, the end.

pub(super) mod choice;
pub(super) mod list;
mod popup;

use super::Services;
use super::accounts::Found;
use super::auth::{By, require_role};
use super::envelope::{Model, begin};
use super::params::{Asked, Wait};
use super::paths::{AccountPath, ConnectionPath};
use super::problem::{Code, Problem, Problems};
use super::time::Moment;
use crate::api_keys::{Caller, Role};
use crate::connect::{StartError, TellError};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use commands::{CommandError, Context};
use domain::account::{DisconnectReason, Rejected};
use domain::{AccountId, Platform};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// Who may connect and disconnect: the person, and whoever runs the system.
const ROLES: &[Role] = &[Role::Creator, Role::Admin];
/// The longest version of a consent text, in bytes.
const MAX_VERSION_BYTES: usize = 64;

fn actor(caller: &Caller) -> String {
    format!("key:{}", caller.key_id)
}

/// What a connection is started with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConnectionRequest {
    /// The version of the text that the person agreed to before: 1 to 64 letters, digits or any of
    /// `- _ . :`. It is recorded with the connection.
    consent_version: String,
    /// The account that is to be connected again, if it must be that one.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "uuid")]
    account_id: Option<AccountId>,
}

impl ConnectionRequest {
    fn read(body: &[u8]) -> Result<Self, Problem> {
        let request: Self = serde_json::from_slice(body).map_err(|_| {
            let expected = "expected a JSON object with `consent_version`, perhaps `account_id`, \
                            and nothing else, such as {\"consent_version\": \"2026-05\"}";
            Problem::invalid("body", expected)
        })?;
        let version = &request.consent_version;
        let fits = |it: char| it.is_ascii_alphanumeric() || "-_.:".contains(it);
        let has_form =
            (1..=MAX_VERSION_BYTES).contains(&version.len()) && version.chars().all(fits);
        if !has_form {
            let expected = "expected 1 to 64 letters, digits or any of - _ . :";
            return Err(Problem::invalid("consent_version", expected));
        }
        Ok(request)
    }
}

/// A consent on its way.
#[derive(Serialize, ToSchema)]
pub(super) struct StartedConnection {
    /// The platform's consent page: open it in the person's browser, as a popup of 600 x 700 or in
    /// place of the page.
    authorize_url: String,
    /// Until when the person can come back from it.
    expires_at: Moment,
}

impl From<StartError> for Problem {
    fn from(error: StartError) -> Self {
        match error {
            StartError::NotConfigured(platform) => Self::new(
                Code::PlatformNotConfigured,
                format!("{platform} has no client id and secret here: an administrator sets them"),
            ),
            StartError::NotTheirs => Self::not_found("account").on("account_id"),
            StartError::Vault(error) => error.into(),
            StartError::Command(error) => error.into(),
        }
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Rejected(Rejected::Erased(_)) => {
                Self::new(Code::Erased, "the account was erased")
            }
            CommandError::Append(_) | CommandError::Read(_) | CommandError::States(_) => {
                Self::unavailable(error)
            }
            CommandError::Vault(error) => error.into(),
            error => Self::internal(error),
        }
    }
}

impl From<TellError> for Problem {
    fn from(error: TellError) -> Self {
        match error {
            TellError::Command(error) => error.into(),
            TellError::Vault(error) => error.into(),
        }
    }
}

/// Starts connecting an account of a creator. For the roles creator and admin.
///
/// The answer's address is to be opened in the person's browser, within ten minutes and once. The
/// platform sends them back to this server, which shows how it ended and tells the page that opened
/// the popup with `postMessage`: an object of the type `social-ledger/connection`, never a token.
#[utoipa::path(
    post,
    path = "/v1/creators/{creator}/connections/{platform}",
    operation_id = "startConnection",
    tag = "connections",
    params(ConnectionPath),
    request_body = ConnectionRequest,
    responses(
        (status = 200, description = "Where the person consents.", body = StartedConnection),
        Problems,
    )
)]
pub(super) async fn start(
    State(services): State<Arc<Services>>,
    By(caller, _): By,
    Asked(path): Asked<ConnectionPath>,
    body: Bytes,
) -> Result<Json<StartedConnection>, Problem> {
    require_role(&caller, ROLES)?;
    if !caller.scope.allows(&path.creator) {
        return Err(Problem::not_found("creator"));
    }
    let request = ConnectionRequest::read(&body)?;
    let started = services
        .connections
        .start(
            path.creator,
            path.platform,
            request.consent_version,
            request.account_id,
            actor(&caller),
        )
        .await?;
    Ok(Json(StartedConnection {
        authorize_url: started.authorize_url,
        expires_at: Moment(started.expires_at),
    }))
}

/// Takes a person back from a platform's consent page.
///
/// For browsers: the answer is a page that says how it ended, tells the page that opened it, and
/// closes. What the platform adds to the address (`code`, `state`, `error`...) is the platform's.
#[utoipa::path(
    get,
    path = "/oauth/{platform}/callback",
    operation_id = "finishConnection",
    tag = "connections",
    params(("platform" = String, Path, description = "The platform.")),
    security(()),
    responses(
        (status = 200, description = "A page: the account is connected, or one is to be chosen.",
            content_type = "text/html", body = String),
        Problems,
    )
)]
pub(super) async fn callback(
    State(services): State<Arc<Services>>,
    Path(platform): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let platform: Platform = platform
        .parse()
        .map_err(|_| Problem::not_found("platform"))?;
    let query = query.unwrap_or_default();
    let finished = services.connections.finish(platform, query).await;
    popup::page(&finished, services.dashboard_origin.as_deref())
}

/// How a connection ended.
#[derive(Serialize, ToSchema)]
pub(super) struct EndedConnection {
    /// The account.
    #[schema(format = "uuid")]
    account_id: String,
    /// Whether it was connected until now.
    was_connected: bool,
    /// Where the log has it: a token for `wait_for`.
    position: Option<String>,
}

/// Disconnects an account. For the roles creator and admin.
///
/// Its tokens are wiped, and the platform is told if nothing else uses the person's consent. The
/// history stays, and connecting it again goes on with it. Asking again changes nothing.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account_id}/disconnect",
    operation_id = "disconnectAccount",
    tag = "connections",
    params(AccountPath),
    responses((status = 200, description = "How it ended.", body = EndedConnection), Problems)
)]
pub(super) async fn disconnect(
    State(services): State<Arc<Services>>,
    By(caller, stood): By,
    Asked(path): Asked<AccountPath>,
) -> Result<Json<EndedConnection>, Problem> {
    require_role(&caller, ROLES)?;
    let (client, _) = begin(&services, stood, &[Model::Accounts], Wait::default()).await?;
    Found::find(&client, &caller, path.account_id).await?;
    drop(client);
    let context = Context {
        actor: actor(&caller),
        correlation_id: Uuid::now_v7(),
        causation_id: None,
    };
    let ended = services
        .connections
        .disconnect(path.account_id, DisconnectReason::Requested, context)
        .await?;
    Ok(Json(EndedConnection {
        account_id: path.account_id.to_string(),
        was_connected: ended.is_new,
        position: ended.position.map(|position| position.to_string()),
    }))
}
