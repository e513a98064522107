//! Whether an append is made, was made before, or must not be made.

use super::log::{State, Stream};
use uuid::Uuid;

/// What the writer believes of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Revision(u64),
    NoStream,
    Any,
    StreamExists,
}

/// What an append has to say when it succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Done {
    /// The stream's last revision, if it has any event.
    pub(super) revision: Option<u64>,
    /// Where the last event lies; unknown for a repeated one that may no longer be read.
    pub(super) position: Option<u64>,
}

/// Why nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    WrongExpectedRevision { current: Option<u64> },
    StreamDeleted,
}

/// What to do with an append.
pub(super) enum Verdict {
    /// Write it; the stream is hidden and must be shown again.
    Append { undelete: bool },
    /// It was written before.
    AlreadyThere(Done),
}

impl State {
    /// The rules of concurrency and of repetition.
    ///
    /// Only an exact revision makes a repetition safe: it is compared with what lies in the stream,
    /// however long ago that was. The others ask a memory that is short and does not survive.
    pub(super) fn check(
        &self,
        name: &str,
        expected: Expected,
        ids: impl Iterator<Item = Uuid>,
    ) -> Result<Verdict, Refusal> {
        let absent = Stream::default();
        let stream = self.streams.get(name).unwrap_or(&absent);
        if stream.tombstoned {
            return Err(Refusal::StreamDeleted);
        }
        let current = stream.last_revision();
        let conflict = Refusal::WrongExpectedRevision { current };
        let hidden = stream.retention.hides_all();
        // How many events the writer knows of.
        let known = match expected {
            Expected::Any => return self.check_recent(name, stream, hidden, ids),
            Expected::StreamExists if hidden => return Err(Refusal::StreamDeleted),
            // Metadata alone makes a stream exist.
            Expected::StreamExists
                if current.is_some() || self.streams.contains_key(&*format!("$${name}")) =>
            {
                return self.check_recent(name, stream, hidden, ids);
            }
            Expected::StreamExists => return Err(conflict),
            Expected::NoStream => 0,
            Expected::Revision(revision) => revision.saturating_add(1),
        };
        let held = current.map_or(0, |current| current + 1);
        if known > held {
            return Err(conflict);
        }
        if known == held {
            return Ok(Verdict::Append { undelete: hidden });
        }
        let mut next = known;
        for id in ids {
            let same = stream.event_at(next).is_some_and(|event| event.id == id);
            if !same {
                let starts_anew = next == known && expected == Expected::NoStream && hidden;
                return if starts_anew {
                    Ok(Verdict::Append { undelete: true })
                } else {
                    Err(conflict)
                };
            }
            next += 1;
        }
        if next == known {
            return Err(conflict);
        }
        Ok(already_there(stream, next - 1))
    }

    fn check_recent(
        &self,
        name: &str,
        stream: &Stream,
        hidden: bool,
        ids: impl Iterator<Item = Uuid>,
    ) -> Result<Verdict, Refusal> {
        let mut last = None;
        for id in ids {
            match (self.recent.revision_in(name, id), last) {
                (Some(revision), _) => last = Some(revision),
                (None, None) => return Ok(Verdict::Append { undelete: hidden }),
                (None, Some(_)) => {
                    let current = stream.last_revision();
                    return Err(Refusal::WrongExpectedRevision { current });
                }
            }
        }
        Ok(match last {
            Some(revision) => already_there(stream, revision),
            None => Verdict::Append { undelete: hidden },
        })
    }
}

fn already_there(stream: &Stream, revision: u64) -> Verdict {
    let readable = revision >= stream.retention.first_readable(&stream.events);
    let event = stream.event_at(revision).filter(|_| readable);
    Verdict::AlreadyThere(Done {
        revision: Some(revision),
        position: event.map(|event| event.commit),
    })
}
