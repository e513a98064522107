//! Which log this is: a number drawn once and kept as the first event of a stream of our own.

use super::connection::Connection;
use super::failure::Failure;
use super::read::{read_error, within};
use commands::ports::ReadError;
use eventstore::{
    AppendToStreamOptions, Error, EventData, ReadStreamOptions, StreamPosition, StreamState,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::sync::OnceCell;
use uuid::Uuid;

/// The stream whose first event names the log.
const STREAM: &str = "social-ledger-log";
const EVENT_TYPE: &str = "LogNamed";
/// How often a name that was written is looked for.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Serialize, Deserialize)]
struct LogNamed {
    log_id: Uuid,
}

/// The log's id, once it is known.
#[derive(Default)]
pub(super) struct LogId(OnceCell<Uuid>);

impl LogId {
    /// Reads the id, or draws one if the log has none. Of several processes that draw at once the
    /// first to write wins, and all take its id.
    pub(super) async fn get(&self, connection: &Connection) -> Result<Uuid, ReadError> {
        let found = self.0.get_or_try_init(async || {
            for _ in 0..ATTEMPTS {
                if let Some(id) = read(connection).await? {
                    return Ok(id);
                }
                write(connection).await?;
                tokio::time::sleep(PAUSE).await;
            }
            Err(ReadError::Unavailable(format!(
                "{STREAM} does not show what was written to it"
            )))
        });
        found.await.copied()
    }
}

async fn read(connection: &Connection) -> Result<Option<Uuid>, ReadError> {
    let options = ReadStreamOptions::default()
        .position(StreamPosition::Start)
        .max_count(1)
        .requires_leader(true);
    let patience = connection.limit();
    let asked = connection.ask(|live| {
        let options = options.clone();
        async move {
            let mut reading = live.client().read_stream(STREAM, &options).await?;
            within(patience, reading.next()).await
        }
    });
    let first = match asked.await {
        Ok(first) => first.and_then(|first| first.event),
        Err(Failure::Answer(Error::ResourceNotFound)) => None,
        Err(failure) => return Err(read_error(&failure)),
    };
    let Some(event) = first else {
        return Ok(None);
    };
    serde_json::from_slice::<LogNamed>(&event.data)
        .map(|named| Some(named.log_id))
        .map_err(|error| ReadError::Corrupt(format!("{STREAM} does not name the log: {error}")))
}

async fn write(connection: &Connection) -> Result<(), ReadError> {
    let named = LogNamed {
        log_id: Uuid::new_v4(),
    };
    let event = EventData::json(EVENT_TYPE, &named)
        .map_err(|error| ReadError::Corrupt(error.to_string()))?
        .id(Uuid::new_v4());
    let options = AppendToStreamOptions::default()
        .stream_state(StreamState::NoStream)
        .requires_leader(true)
        .deadline(connection.deadline());
    let written = connection.call(|live| {
        let (options, event) = (options.clone(), event.clone());
        async move {
            let client = live.client();
            client.append_to_stream(STREAM, &options, event).await
        }
    });
    match written.await {
        // What counts is what the next look finds: another process may have been first.
        Ok(_) | Err(Failure::Unknown(_) | Failure::Answer(Error::WrongExpectedVersion { .. })) => {
            Ok(())
        }
        Err(failure) => Err(read_error(&failure)),
    }
}
