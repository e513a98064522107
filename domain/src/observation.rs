//! How a number came to be known: its cause, its precision, the period and names it was read under.

use crate::{Metric, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Why an observation is in the ledger.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Read from the platform by a sync.
    Observed,
    /// Taken from a file of history.
    Imported,
    /// The source gave another value for a moment that it had already spoken of.
    Restated,
    /// Worked out anew from a kept reply, after a fault in the reader was mended.
    ReParsed,
    /// Made up for a demonstration; never a real creator's number.
    Simulated,
}

impl Cause {
    /// The name in events, read models and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Observed => "observed",
            Self::Imported => "imported",
            Self::Restated => "restated",
            Self::ReParsed => "re-parsed",
            Self::Simulated => "simulated",
        }
    }

    /// The cause with this name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Observed,
            Self::Imported,
            Self::Restated,
            Self::ReParsed,
            Self::Simulated,
        ]
        .into_iter()
        .find(|cause| cause.name() == name)
    }
}

/// How exact a source's number is. Exact numbers carry no precision at all.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Cut to so many leading digits, as YouTube does with subscribers (three).
    SignificantDigits(u8),
}

/// The span of time that a flow was measured over, as the platform stated it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Period {
    /// The first moment of the span.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
}

/// Where an observation was read: the source and what it calls and rounds its numbers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Provenance {
    /// Why the observation is in the ledger.
    pub cause: Cause,
    /// The source: an import mapping, a platform's endpoint, a simulation.
    pub source: String,
    /// The version of the platform's API, where one was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// The source's own name of a metric, where it is not ours.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<Metric, String>,
    /// Metrics that the source rounds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub precision: BTreeMap<Metric, Precision>,
}
