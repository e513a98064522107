//! An account's history event by event, with what each changed of the state.

use super::facts::{self, Change, Facts};
use super::{AuditError, Auditor};
use domain::account::{AsOf, effective_at};
use domain::chain::ChainHash;
use domain::codec::decode_recorded;
use domain::{AccountId, RecordedEvent, StreamName, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

/// One event and what it did.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Step {
    /// Its place in the stream.
    pub revision: u64,
    /// Its id.
    #[schema(format = "uuid")]
    pub event_id: String,
    /// The pinned name of its type.
    pub r#type: String,
    /// When it was recorded; null if its metadata cannot be read.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub recorded_at: Option<Timestamp>,
    /// When what it tells took effect; null if this program does not know its type.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub effective_at: Option<Timestamp>,
    /// Who or what asked for it.
    pub actor: Option<String>,
    /// What it changed of the account's state.
    pub changes: Vec<Change>,
    /// Why it changed nothing, where it could not be read.
    pub note: Option<String>,
    /// Its hash.
    #[schema(value_type = String)]
    pub hash: ChainHash,
}

/// A history on its way.
pub struct History {
    auditor: Auditor,
    stream: StreamName,
    next: u64,
    fold: AsOf,
    facts: Facts,
}

impl Auditor {
    /// Begins an account's history at a revision.
    pub async fn history(&self, account: AccountId, from: u64) -> Result<History, AuditError> {
        let fold = match from {
            0 => AsOf::new(Timestamp::MAX),
            from => self.state_before(account, from).await?,
        };
        Ok(History {
            auditor: self.clone(),
            stream: StreamName::of_account(account),
            next: from,
            facts: facts::of(fold.account()),
            fold,
        })
    }
}

impl History {
    /// The next steps, at most so many; none at the stream's end.
    pub async fn next(&mut self, limit: usize) -> Result<Vec<Step>, AuditError> {
        let log = &self.auditor.log;
        let page = log.read_stream(&self.stream, self.next, limit).await?;
        Ok(page.iter().map(|event| self.step(event)).collect())
    }

    fn step(&mut self, recorded: &RecordedEvent) -> Step {
        self.next = recorded.revision + 1;
        let mut step = Step {
            revision: recorded.revision,
            event_id: recorded.event_id.to_string(),
            r#type: recorded.event_type.clone(),
            recorded_at: None,
            effective_at: None,
            actor: None,
            changes: vec![],
            note: None,
            hash: ChainHash::of_recorded(recorded),
        };
        let decoded = match decode_recorded(recorded) {
            Ok(decoded) => decoded,
            Err(error) => {
                step.note = Some(format!("it cannot be read: {error}"));
                return step;
            }
        };
        step.recorded_at = Some(decoded.metadata.recorded_at);
        step.actor = Some(decoded.metadata.actor);
        let Some(event) = &decoded.event else {
            step.note = Some("this program does not know its type or schema".to_owned());
            return step;
        };
        step.effective_at = Some(effective_at(event));
        self.fold.push(event);
        let after = facts::of(self.fold.account());
        step.changes = facts::changes(&self.facts, &after);
        self.facts = after;
        step
    }
}
