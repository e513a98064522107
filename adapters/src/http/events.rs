//! The events of an account exactly as they are stored, for those who audit.

use super::Services;
use super::accounts::Found;
use super::auth::{By, require_role};
use super::envelope::{Model, begin};
use super::params::{Asked, Wait};
use super::paths::AccountPath;
use super::problem::{Problem, Problems};
use super::revisions::Revisions;
use crate::api_keys::Role;
use axum::Json;
use axum::extract::State;
use domain::chain::ChainHash;
use domain::{RecordedEvent, StreamName};
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::Arc;
use utoipa::ToSchema;

/// A part of an account's stream.
#[derive(Serialize, ToSchema)]
pub(super) struct Events {
    /// The stream.
    stream: String,
    /// The events in their order.
    data: Vec<StoredEvent>,
    /// Where to go on, as `after_revision` of the next request; null at the stream's end.
    next_after_revision: Option<u64>,
}

/// An event as it is stored.
#[derive(Serialize, ToSchema)]
pub(super) struct StoredEvent {
    /// Its place in the stream, from 0 without gaps.
    revision: u64,
    /// Its place in the log: an opaque token.
    position: String,
    /// Its id.
    #[schema(format = "uuid")]
    event_id: String,
    /// The pinned name of its type.
    r#type: String,
    /// The envelope's metadata, byte for byte; `prev` is the hash of the event before it.
    #[schema(value_type = Object)]
    metadata: Box<RawValue>,
    /// The event's own data, byte for byte; personal data in it is sealed.
    #[schema(value_type = Object)]
    data: Box<RawValue>,
    /// Its hash: SHA-256 over stream, revision, id, type, metadata and data, in hexadecimal.
    hash: String,
}

impl StoredEvent {
    fn of(event: RecordedEvent) -> Result<Self, Problem> {
        let hash = ChainHash::of_recorded(&event).to_string();
        let raw = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).map_err(|_| corrupt(&event))?;
            RawValue::from_string(text).map_err(|_| corrupt(&event))
        };
        Ok(Self {
            revision: event.revision,
            position: event.position.to_string(),
            event_id: event.event_id.to_string(),
            r#type: event.event_type.clone(),
            metadata: raw(event.metadata.clone())?,
            data: raw(event.data.clone())?,
            hash,
        })
    }
}

/// The bytes themselves go nowhere: what they are is unknown.
fn corrupt(event: &RecordedEvent) -> Problem {
    Problem::internal(format!("{} {} is not JSON", event.stream, event.revision))
}

/// Lists the events of an account as they are stored. For the roles auditor and admin.
///
/// Straight from the log: they may be ahead of every read model.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account_id}/events",
    operation_id = "listEvents",
    tag = "audit",
    params(AccountPath, Revisions, Wait),
    responses((status = 200, description = "A part of the stream.", body = Events), Problems)
)]
pub(super) async fn list(
    State(services): State<Arc<Services>>,
    By(caller, stood): By,
    Asked((path, asked, wait)): Asked<(AccountPath, Revisions, Wait)>,
) -> Result<Json<Events>, Problem> {
    require_role(&caller, &[Role::Auditor, Role::Admin])?;
    let (client, _) = begin(&services, stood, &[Model::Accounts], wait).await?;
    Found::find(&client, &caller, path.account_id).await?;
    // The log may take a connection of its own.
    drop(client);
    let stream = StreamName::of_account(path.account_id);
    let (from, limit) = asked.range();
    let mut events = services.log.read_stream(&stream, from, limit + 1).await?;
    let next_after_revision = asked.cut(&mut events, |event| event.revision);
    let data = events
        .into_iter()
        .map(StoredEvent::of)
        .collect::<Result<_, _>>()?;
    Ok(Json(Events {
        stream: stream.as_str().to_owned(),
        data,
        next_after_revision,
    }))
}
