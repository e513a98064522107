//! What a stream's metadata hides from readers of that stream; the whole log still shows it.

use super::log::{Stored, ticks};
use bytes::Bytes;
use serde_json::{Map, Value};
use std::sync::Arc;

const TICKS_PER_SECOND: u64 = 10_000_000;

/// The last metadata of a stream; empty where there is none, or none that can be read.
#[derive(Clone, Debug, Default)]
pub(super) struct Retention {
    all: Map<String, Value>,
    max_count: Option<u64>,
    max_age_seconds: Option<u64>,
    truncate_before: Option<u64>,
}

impl Retention {
    /// The value of `$tb` that hides every event: a deleted stream.
    pub(super) const ALL_BEFORE: u64 = i64::MAX as u64;

    pub(super) fn parse(metadata: &[u8]) -> Self {
        let all: Map<String, Value> = serde_json::from_slice(metadata).unwrap_or_default();
        let number = |name: &str| all.get(name).and_then(Value::as_u64);
        Self {
            max_count: number("$maxCount"),
            max_age_seconds: number("$maxAge"),
            truncate_before: number("$tb"),
            all,
        }
    }

    /// The same metadata with another `$tb`.
    pub(super) fn truncated(mut self, before: u64) -> Bytes {
        self.all.insert("$tb".to_owned(), before.into());
        Value::Object(self.all).to_string().into()
    }

    pub(super) fn hides_all(&self) -> bool {
        self.truncate_before == Some(Self::ALL_BEFORE)
    }

    /// The lowest revision that a reader of the stream may see; beyond the last one if none.
    pub(super) fn first_readable(&self, events: &[Arc<Stored>]) -> u64 {
        let mut first = self.truncate_before.unwrap_or(0);
        let Some(last) = events.last() else {
            return first;
        };
        if let Some(count) = self.max_count {
            first = first.max((last.revision + 1).saturating_sub(count));
        }
        if let Some(age) = self.max_age_seconds {
            let oldest = ticks().saturating_sub(age.saturating_mul(TICKS_PER_SECOND));
            let young = events.partition_point(|event| event.created < oldest);
            first = first.max(
                events
                    .get(young)
                    .map_or(last.revision + 1, |event| event.revision),
            );
        }
        first
    }
}
