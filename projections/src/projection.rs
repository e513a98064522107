//! What a read model is to the engine: a name, a contract, tables, and how events change them.

use crate::tables::Tables;
use async_trait::async_trait;
use domain::account::Event;
use domain::codec::Metadata;
use domain::{AccountId, EventId, Position, RecordedEvent};

/// A decoded event of an account on its way into a read model.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The account whose stream it is in.
    pub account: AccountId,
    /// Its place in the account's stream; the same in every copy of the log.
    pub revision: i64,
    /// Its place in the log.
    pub position: Position,
    /// Its id.
    pub event_id: EventId,
    /// Its envelope.
    pub metadata: Metadata,
    /// What happened.
    pub event: Event,
}

impl Applied {
    /// A recorded event of an account that was decoded.
    pub(crate) fn of(
        account: AccountId,
        recorded: &RecordedEvent,
        metadata: Metadata,
        event: Event,
    ) -> Self {
        Self {
            account,
            revision: recorded.revision.cast_signed(),
            position: recorded.position,
            event_id: recorded.event_id,
            metadata,
            event,
        }
    }
}

/// Why a batch could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// The database refused or went away.
    #[error("the database failed: {}", crate::engine::describe(.0))]
    Database(#[from] tokio_postgres::Error),
    /// No connection was made.
    #[error("the database is unavailable: {0}")]
    Unreachable(String),
    /// The checkpoint lies before where this run had moved it, or is gone.
    #[error("the checkpoint went back, as after a crash, or its version was dropped")]
    WentBack,
    /// The tables were filled in other shards: what each account has seen is not known.
    #[error("the tables were filled in {held} shards, not {shards}: this needs a new version")]
    Shards {
        /// Shards with a checkpoint.
        held: i64,
        /// Shards that this program has.
        shards: i32,
    },
    /// An event that cannot be read. Nothing of its shard behind it is applied.
    #[error("the event at {position} cannot be read: {reason}")]
    Unreadable {
        /// Where it lies.
        position: Position,
        /// What is wrong with it.
        reason: String,
    },
    /// Another projector keeps the shard now.
    #[error("another projector keeps this shard")]
    KeptElsewhere,
    /// A row of the read model cannot be what this program wrote.
    #[error("the read model holds nonsense: {0}")]
    Corrupt(String),
}

impl ProjectionError {
    /// Whether trying again may help: a lost connection, a restart, a lack of resources.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Corrupt(_)
            | Self::WentBack
            | Self::Shards { .. }
            | Self::Unreadable { .. }
            | Self::KeptElsewhere => false,
            Self::Unreachable(_) => true,
            Self::Database(error) => match error.code() {
                None => error.is_closed() || is_io(error),
                Some(code) => is_passing(code.code()),
            },
        }
    }
}

/// What the server says passes: connections, conflicts, lack of resources, what is in use, ended
/// by somebody (a timeout among them), the system; and transactions that it ended for their age.
const PASSING: [&str; 8] = ["08", "40", "53", "55", "57", "58", "25P03", "25P04"];

fn is_passing(code: &str) -> bool {
    PASSING.iter().any(|passing| code.starts_with(passing))
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<std::io::Error>())
}

/// A read model. It never refuses an event: strange history only changes less.
#[async_trait]
pub trait Projection: Send + Sync {
    /// The name, without a version.
    fn name(&self) -> &'static str;

    /// What this code makes of events, as a number: whoever changes the tables, or `apply` so that
    /// it leaves other rows, counts it up. The registry may hold the code of two contracts.
    fn contract(&self) -> i32;

    /// The statements that make the tables, with what `apply` needs of indexes. Tables and indexes
    /// are named `<name>_vN`, or so with more after it.
    fn tables(&self) -> &'static str;

    /// The statements that make the indexes which only queries need. They are made when the read
    /// model first reaches the head of the log: to fill a table without them is much faster.
    fn indexes(&self) -> &'static str {
        ""
    }

    /// Whether shards of the accounts are applied at the same time, each with a checkpoint of its
    /// own. Worth it where an event changes many rows.
    fn is_sharded(&self) -> bool {
        false
    }

    /// Whether it looks at events of this type. A type that no read model of a run looks at is not
    /// decoded.
    fn takes(&self, _event_type: &str) -> bool {
        true
    }

    /// Whose a row of any of its tables is, as SQL over the columns of its primary key, as `t`.
    fn account_of_row(&self) -> &'static str {
        "t.account_id"
    }

    /// Changes the rows within the engine's transaction. Applying events again that were applied
    /// before changes nothing.
    async fn apply(&self, tables: &Tables<'_>, events: &[Applied]) -> Result<(), ProjectionError>;
}

#[cfg(test)]
mod tests {
    use super::is_passing;

    #[test]
    fn what_the_database_lacks_for_a_time_passes_and_what_is_wrong_does_not() {
        // A statement timeout, restarts, connections, disk, memory, locks, idle transactions.
        for code in [
            "57014", "57P01", "57P02", "57P03", "53300", "53100", "53200", "55P03", "40P01",
            "08006", "58030", "25P03", "25P04",
        ] {
            assert!(is_passing(code), "{code}");
        }
        // A wrong value, a row twice, no such table, no right, a broken page, a failed transaction.
        for code in ["22003", "23505", "42P01", "42501", "XX001", "25P02"] {
            assert!(!is_passing(code), "{code}");
        }
    }
}
