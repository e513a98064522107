//! The metrics of one subject as read once: known values, and those that were withheld.

use crate::Metric;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Known values and hidden metrics of one observation. What is in neither was not asked for.
///
/// Unknown is never zero: a hidden count has no value at all.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Values {
    /// Metric to its value in the metric's unit.
    #[serde(rename = "values")]
    known: BTreeMap<Metric, i64>,
    /// Metrics that the source offers and gave no value for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    hidden: BTreeSet<Metric>,
}

/// A value that cannot have been observed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidValue {
    /// Counts and times are never negative.
    #[error("{metric} is {value}: expected zero or more")]
    Negative {
        /// The metric.
        metric: Metric,
        /// The refused value.
        value: i64,
    },
    /// One observation says one thing of a metric.
    #[error("{0} is given twice in one observation")]
    Twice(Metric),
}

impl Values {
    /// Nothing known and nothing hidden.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a known value.
    pub fn insert(&mut self, metric: Metric, value: i64) -> Result<(), InvalidValue> {
        if value < 0 {
            return Err(InvalidValue::Negative { metric, value });
        }
        if self.mentions(metric) {
            return Err(InvalidValue::Twice(metric));
        }
        self.known.insert(metric, value);
        Ok(())
    }

    /// Notes that the source offers the metric and withheld its value.
    pub fn insert_hidden(&mut self, metric: Metric) -> Result<(), InvalidValue> {
        if self.mentions(metric) {
            return Err(InvalidValue::Twice(metric));
        }
        self.hidden.insert(metric);
        Ok(())
    }

    /// The value of a metric, if it is known.
    pub fn get(&self, metric: Metric) -> Option<i64> {
        self.known.get(&metric).copied()
    }

    /// Whether the source withheld the metric.
    pub fn is_hidden(&self, metric: Metric) -> bool {
        self.hidden.contains(&metric)
    }

    /// The known values in the order of the registry.
    pub fn known(&self) -> impl Iterator<Item = (Metric, i64)> + '_ {
        self.known.iter().map(|(metric, value)| (*metric, *value))
    }

    /// The hidden metrics in the order of the registry.
    pub fn hidden(&self) -> impl Iterator<Item = Metric> + '_ {
        self.hidden.iter().copied()
    }

    /// Whether nothing was said of any metric.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty() && self.hidden.is_empty()
    }

    fn mentions(&self, metric: Metric) -> bool {
        self.known.contains_key(&metric) || self.hidden.contains(&metric)
    }

    /// A digest that differs, for all practical purposes, whenever the values do.
    pub fn digest(&self) -> u64 {
        let mut bytes = Vec::with_capacity(96);
        self.write_canonical(&mut bytes);
        let hash: [u8; 32] = Sha256::digest(&bytes).into();
        hash.iter()
            .take(8)
            .fold(0, |digest, byte| digest << 8 | u64::from(*byte))
    }

    /// Feeds the values to a hash in one fixed form: `name=value;` and `name=?;` for hidden.
    pub fn write_canonical(&self, out: &mut Vec<u8>) {
        for (metric, value) in &self.known {
            out.extend_from_slice(metric.name().as_bytes());
            out.push(b'=');
            out.extend_from_slice(value.to_string().as_bytes());
            out.push(b';');
        }
        for metric in &self.hidden {
            out.extend_from_slice(metric.name().as_bytes());
            out.extend_from_slice(b"=?;");
        }
    }
}
