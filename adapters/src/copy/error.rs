//! Why a history was not copied, or is not the same. What was appended stays: running it again
//! goes on from there.

use super::compare::Difference;
use commands::ports::AppendError;
use domain::chain::verify::Fault;
use domain::{Position, StreamName};
use std::fmt::Display;
use uuid::Uuid;

/// Why a history was not copied, or is not the same.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// Both are one log, whatever they are called.
    #[error(
        "both are the log {0}: expected two different ones (a database restored from a dump is \
         the same log as the one that was dumped)"
    )]
    SameLog(Uuid),
    /// The target holds something that the source does not.
    #[error(
        "the target holds {0}: expected an empty log, or the beginning of a copy of this source; \
         nothing of it was changed"
    )]
    Foreign(Difference),
    /// The source holds something that the target does not, after everything was copied.
    #[error("the copy is not the source's history: the source holds {0}")]
    Incomplete(Difference),
    /// The sums differ, and yet no event does: somebody changed a log meanwhile.
    #[error("a log changed while it was read: expected nobody to write; run it again")]
    Unequal,
    /// Somebody wrote to the source.
    #[error(
        "the source was written to meanwhile: its end was {} and is {}; stop everything that \
         writes to it, and run this again: what is copied is not copied twice",
        end(.head), end(.now)
    )]
    SourceMoved {
        /// Where it ended at the start.
        head: Option<Position>,
        /// Where it ends now.
        now: Option<Position>,
    },
    /// Somebody wrote to the target.
    #[error("the target was written to meanwhile by somebody else: expected it to be left alone")]
    TargetMoved,
    /// The source does not show everything up to its end.
    #[error("the source could not be read to its end at {0}: run `audit verify --all` on it")]
    EndMissing(Position),
    /// A revision does not follow on what the target holds.
    #[error(
        "revision {revision} of {stream} does not follow in the target, which has {held} events \
         of it: the source lacks what comes between, run `audit verify --all` on it"
    )]
    DoesNotFollow {
        /// The stream.
        stream: StreamName,
        /// The revision that was to be appended.
        revision: u64,
        /// How many events the target has.
        held: u64,
    },
    /// The copy is the source's history, whose own chain does not hold.
    #[error(
        "everything is copied as it is, but the history itself does not hold: revision \
         {revision} of {stream}: {fault}; run `audit verify --all` on the source"
    )]
    Broken {
        /// The stream.
        stream: StreamName,
        /// Where it showed.
        revision: u64,
        /// What showed.
        fault: Fault,
    },
    /// The target did not take an event.
    #[error("revision {revision} of {stream} was not appended to the target: {source}")]
    Append {
        /// The stream.
        stream: StreamName,
        /// The first revision of the append.
        revision: u64,
        /// Why.
        source: AppendError,
    },
    /// The source could not be read.
    #[error("the source: {0}")]
    Source(String),
    /// The target could not be read.
    #[error("the target: {0}")]
    Target(String),
    /// There is no randomness.
    #[error("no random key could be drawn: {0}")]
    Random(String),
    /// A task ended that should not have.
    #[error("the copy failed: {0}")]
    Internal(String),
}

impl CopyError {
    pub(super) fn source(error: impl Display) -> Self {
        Self::Source(error.to_string())
    }

    pub(super) fn target(error: impl Display) -> Self {
        Self::Target(error.to_string())
    }
}

fn end(position: &Option<Position>) -> String {
    position.map_or("before the first event".to_owned(), |at| at.to_string())
}
