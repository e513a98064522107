//! What a verification found, and one plain sentence of what was checked and how far it can speak.

use crate::audit::Checkpoint;
use domain::Timestamp;
use domain::chain::verify::Break;
use serde::Serialize;
use std::fmt::Write;
use utoipa::ToSchema;

/// What the tips in Postgres are called.
pub(super) const NOTED: &str = "the tip that the projector noted when it first read it";
/// Findings that are told in full; beyond that they are counted.
const MOST_FINDINGS: usize = 100;

/// One stream that does not hold: the first event of it, and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Finding {
    /// The stream.
    pub stream: String,
    /// The first revision that does not hold.
    pub revision: u64,
    /// Why, in words.
    pub reason: String,
}

impl Finding {
    pub(crate) fn new(stream: &str, revision: u64, reason: String) -> Self {
        Self {
            stream: stream.to_owned(),
            revision,
            reason,
        }
    }

    pub(crate) fn of(stream: &str, found: &Break) -> Self {
        Self::new(stream, found.revision, found.to_string())
    }
}

/// All findings, the first of them in full.
#[derive(Default, Debug)]
pub(crate) struct Findings {
    told: Vec<Finding>,
    count: u64,
}

impl Findings {
    pub(crate) fn add(&mut self, finding: Finding) {
        self.count += 1;
        if self.told.len() < MOST_FINDINGS {
            self.told.push(finding);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// A checkpoint that a history was compared with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Compared {
    /// Its number.
    pub number: u64,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub made_at: Timestamp,
    /// The fingerprint of the key that signed it.
    pub key: String,
}

impl From<&Checkpoint> for Compared {
    fn from(checkpoint: &Checkpoint) -> Self {
        Self {
            number: checkpoint.statement.number,
            made_at: checkpoint.statement.made_at,
            key: checkpoint.signed.public_key.fingerprint(),
        }
    }
}

/// What a history was compared with besides itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Against {
    /// The tips that the projector noted.
    pub noted: bool,
    /// A signed checkpoint.
    pub checkpoint: Option<Compared>,
    /// How many of the events the checkpoint covers.
    pub covered: u64,
}

/// What was verified.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(tag = "checked", rename_all = "snake_case")]
pub enum Scope {
    /// One account's stream.
    Account {
        /// The stream.
        stream: String,
    },
    /// Every account's stream.
    All {
        /// Up to which position of the log.
        position: Option<String>,
    },
    /// An exported file.
    Export {
        /// The stream.
        stream: String,
        /// Its first revision.
        first_revision: u64,
        /// Its last revision.
        last_revision: u64,
        /// The fingerprint of the key that signed it.
        key: String,
    },
    /// A checkpoint's file by itself.
    Checkpoint,
}

/// What a verification found.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Report {
    /// What was verified.
    #[serde(flatten)]
    pub scope: Scope,
    /// Whether everything holds.
    pub holds: bool,
    /// How many events were read.
    pub events: u64,
    /// Of how many streams.
    pub streams: u64,
    /// The checkpoint that it was compared with, if it was.
    pub checkpoint: Option<Compared>,
    /// How many of the events that checkpoint covers.
    pub covered: u64,
    /// Whether it was compared with the tips that the projector noted in the database.
    pub noted: bool,
    /// The streams that do not hold, the first 100 of them.
    pub findings: Vec<Finding>,
    /// How many streams do not hold.
    pub broken: u64,
    /// All of this in words.
    pub sentence: String,
}

impl Report {
    pub(crate) fn new(
        scope: Scope,
        (events, streams): (u64, u64),
        findings: Findings,
        against: Against,
    ) -> Self {
        let mut report = Self {
            scope,
            holds: findings.is_empty(),
            events,
            streams,
            checkpoint: against.checkpoint,
            covered: against.covered,
            noted: against.noted,
            findings: findings.told,
            broken: findings.count,
            sentence: String::new(),
        };
        report.sentence = report.say();
        report
    }

    fn say(&self) -> String {
        let mut text = String::new();
        let written = self
            .subject(&mut text)
            .and_then(|()| self.limits(&mut text));
        written.map_or_else(|_| String::new(), |()| text)
    }

    fn subject(&self, text: &mut String) -> std::fmt::Result {
        let Self {
            events, streams, ..
        } = self;
        match &self.scope {
            Scope::Account { stream } => write!(text, "Checked {events} events of {stream}: ")?,
            Scope::All {
                position: Some(position),
            } => write!(
                text,
                "Checked {events} events of {streams} accounts up to position {position}: "
            )?,
            Scope::All { position: None } => write!(text, "Checked an empty log: ")?,
            Scope::Export {
                stream,
                first_revision,
                last_revision,
                key,
            } => write!(
                text,
                "Checked a file with revisions {first_revision} to {last_revision} of {stream}, \
                 signed with the key {key}: "
            )?,
            Scope::Checkpoint => write!(text, "Checked the tips of {streams} accounts: ")?,
        }
        match (&self.scope, self.findings.first()) {
            (_, Some(first)) => write!(
                text,
                "the history does not hold in {} of them; first, revision {} of {}: {}.",
                self.broken, first.revision, first.stream, first.reason
            ),
            (Scope::Checkpoint, None) => write!(text, "they are those that were signed"),
            (_, None) => write!(text, "every event names the hash of the one before it"),
        }
    }

    fn limits(&self, text: &mut String) -> std::fmt::Result {
        if !self.holds {
            return Ok(());
        }
        let noted = if self.noted {
            ", and the ends are those that the projector noted in the same database"
        } else {
            ""
        };
        let Some(checkpoint) = &self.checkpoint else {
            return write!(
                text,
                "{noted}. No signed checkpoint was compared: a history rewritten with its whole \
                 chain, a tail cut off or a changed last event would not show to anybody who \
                 cannot trust the database."
            );
        };
        let Compared {
            number,
            made_at,
            key,
        } = checkpoint;
        if self.scope == Scope::Checkpoint {
            return write!(
                text,
                " as checkpoint {number} of {made_at} with the key {key}. It says nothing of what \
                 came after it."
            );
        }
        let after = self.events.saturating_sub(self.covered);
        write!(
            text,
            "{noted}. {} of them are as checkpoint {number} of {made_at}, signed with the key \
             {key}, has them; for the {after} after it only the chain speaks, which shows neither \
             a history rewritten with its whole chain nor a tail cut off.",
            self.covered
        )
    }
}
