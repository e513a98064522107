//! Events to bytes and back: pinned type names, schema versions, the envelope's metadata.

use crate::account::Event;
use crate::chain::ChainHash;
use crate::{CommandId, RecordedEvent, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The envelope's metadata, stored beside an event's data and covered by its hash.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Metadata {
    /// The version of the data's shape, per event type, from 1.
    pub schema: u16,
    /// When the event was appended; it never falls within a stream.
    pub recorded_at: Timestamp,
    /// Who or what asked: `import:<mapping>`, `key:<id>`, `scheduler`.
    pub actor: String,
    /// The command that led to the event.
    pub command_id: CommandId,
    /// What belongs together: an import run, a sync, a request.
    pub correlation_id: Uuid,
    /// What this was a consequence of, if not of a person's act.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<Uuid>,
    /// The hash of the stream's previous event: see [`crate::chain`].
    pub prev: ChainHash,
}

/// Bytes that are not what they claim to be.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Metadata that cannot be read.
    #[error("the metadata cannot be read: {0}")]
    Metadata(#[source] serde_json::Error),
    /// Data that does not have its type's shape.
    #[error("the data of {event_type} (schema {schema}) cannot be read: {source}")]
    Data {
        /// The event type.
        event_type: String,
        /// The version its metadata names.
        schema: u16,
        /// What is wrong.
        source: serde_json::Error,
    },
}

/// An event with its envelope, after decoding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decoded {
    /// The envelope's metadata.
    pub metadata: Metadata,
    /// The event, or nothing if its type or schema is newer than this program.
    pub event: Option<Event>,
}

macro_rules! registry {
    ($($name:literal $schema:literal $variant:ident;)*) => {
        impl Event {
            /// The pinned names of all event types with the schema version written today.
            pub const TYPES: &'static [(&'static str, u16)] = &[$(($name, $schema)),*];

            /// The pinned name of this event's type.
            pub const fn type_name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name),* }
            }

            /// The schema version that is written today.
            pub const fn schema(&self) -> u16 {
                match self { $(Self::$variant(_) => $schema),* }
            }
        }

        /// The data of an event as compact JSON.
        pub fn encode(event: &Event) -> serde_json::Result<Vec<u8>> {
            match event { $(Event::$variant(data) => serde_json::to_vec(data)),* }
        }

        /// Reads an event's data. Types and schemas that this program does not know give nothing.
        pub fn decode(
            event_type: &str,
            schema: u16,
            data: &[u8],
        ) -> Result<Option<Event>, DecodeError> {
            let decoded = match (event_type, schema) {
                $(($name, $schema) => serde_json::from_slice(data).map(Event::$variant),)*
                _ => return Ok(None),
            };
            decoded.map(Some).map_err(|source| DecodeError::Data {
                event_type: event_type.to_owned(),
                schema,
                source,
            })
        }
    };
}

registry! {
    "AccountImported" 1 AccountImported;
    "AccountConnected" 1 AccountConnected;
    "AccountReconnected" 1 AccountReconnected;
    "ProfileChanged" 1 ProfileChanged;
    "SyncRecorded" 1 SyncRecorded;
    "ReauthorizationRequired" 1 ReauthorizationRequired;
    "MetricsObserved" 1 MetricsObserved;
    "PostsObserved" 1 PostsObserved;
    "AccountDisconnected" 1 AccountDisconnected;
    "AccountErased" 1 AccountErased;
}

/// Reads an event as a log holds it.
pub fn decode_recorded(recorded: &RecordedEvent) -> Result<Decoded, DecodeError> {
    let metadata: Metadata =
        serde_json::from_slice(&recorded.metadata).map_err(DecodeError::Metadata)?;
    let event = decode(&recorded.event_type, metadata.schema, &recorded.data)?;
    Ok(Decoded { metadata, event })
}
