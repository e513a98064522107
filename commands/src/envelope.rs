//! Wraps decided events for the log: ids, metadata, exact bytes, and the link to the event before.

use crate::Folded;
use crate::ports::NewEvent;
use domain::account::Event;
use domain::chain::ChainHash;
use domain::codec::{Metadata, encode};
use domain::{CommandId, EventId, StreamName, Timestamp};
use uuid::Uuid;

/// Who asks, and what the request belongs to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Context {
    /// Who or what asks: `import:<mapping>`, `key:<id>`, `demo`.
    pub actor: String,
    /// What belongs together: an import run, a sync, a request.
    pub correlation_id: Uuid,
    /// What this is a consequence of, if not of a person's act.
    pub causation_id: Option<Uuid>,
}

/// Encodes an event as the next of its stream and folds it into the state.
pub(crate) fn seal_into_chain(
    stream: &StreamName,
    folded: &mut Folded,
    (event_id, event): (EventId, &Event),
    command_id: CommandId,
    context: &Context,
    now: Timestamp,
) -> serde_json::Result<NewEvent> {
    // The clock may step back; the time of recording never does within a stream.
    let recorded_at = folded.recorded_at.map_or(now, |last| last.max(now));
    let metadata = serde_json::to_vec(&Metadata {
        schema: event.schema(),
        recorded_at,
        actor: context.actor.clone(),
        command_id,
        correlation_id: context.correlation_id,
        causation_id: context.causation_id,
        prev: folded.prev(),
    })?;
    let data = encode(event)?;
    let event_type = event.type_name();
    let revision = folded.next_revision();
    let hash = ChainHash::of(
        stream.as_str(),
        revision,
        event_id,
        event_type,
        &metadata,
        &data,
    );
    folded.push(event_id, event, hash, recorded_at);
    Ok(NewEvent {
        event_id,
        event_type: event_type.into(),
        metadata,
        data,
    })
}
