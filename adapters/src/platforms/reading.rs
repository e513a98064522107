//! The numbers of one subject while they are read: known, hidden, and under which name.

use super::json::Doubts;
use domain::observation::{Cause, Precision, Provenance};
use domain::{Metric, Values};
use serde_json::Value;
use std::collections::BTreeMap;

/// What one reply says of one subject's metrics.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The numbers.
    pub values: Values,
    /// The platform's names, where they are not ours.
    pub names: BTreeMap<Metric, String>,
    /// Metrics that the platform rounds.
    pub precision: BTreeMap<Metric, Precision>,
}

impl Reading {
    /// Adds a number. Of two for one metric the first holds, and negative ones are not taken.
    pub(super) fn known(&mut self, metric: Metric, name: &str, value: i64) {
        if self.values.insert(metric, value).is_ok() {
            self.named(metric, name);
        }
    }

    fn named(&mut self, metric: Metric, name: &str) {
        if name != metric.name() {
            self.names.insert(metric, name.to_owned());
        }
    }

    /// Reads a count, and tells whether there was one.
    pub(super) fn count(
        &mut self,
        doubts: &mut Doubts,
        (of, field): (&Value, &'static str),
        metric: Metric,
    ) -> bool {
        let count = doubts.count(of, field);
        if let Some(count) = count {
            self.known(metric, field, count);
        }
        count.is_some()
    }

    /// Notes that the platform offers a count and gave none. A value that was refused is unknown,
    /// which is not the same.
    pub(super) fn hidden(&mut self, (of, field): (&Value, &'static str), metric: Metric) {
        let unsaid = of.get(field).is_none_or(Value::is_null);
        if unsaid && self.values.insert_hidden(metric).is_ok() {
            self.named(metric, field);
        }
    }

    /// Reads the counts of an item. One that was asked for and is not there is hidden; where it is
    /// not known what was asked for, a count beside it shows that counts were.
    pub(super) fn counts(
        &mut self,
        doubts: &mut Doubts,
        of: &Value,
        asked_for: impl Fn(&str) -> Option<bool>,
        fields: &[(&'static str, Metric)],
    ) {
        let mut any = false;
        for (field, metric) in fields {
            any |= self.count(doubts, (of, field), *metric);
        }
        for (field, metric) in fields {
            if asked_for(field).unwrap_or(any) {
                self.hidden((of, field), *metric);
            }
        }
    }

    /// Where the reading is from, for the event that records it. `source` names platform and
    /// question, never the account.
    pub fn provenance(&self, source: &str, api_version: Option<String>) -> Provenance {
        Provenance {
            cause: Cause::Observed,
            source: source.to_owned(),
            api_version,
            names: self.names.clone(),
            precision: self.precision.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const FIELDS: [(&str, Metric); 2] =
        [("like_count", Metric::Likes), ("view_count", Metric::Views)];

    fn read(of: Value, asked: Option<bool>) -> Reading {
        let mut reading = Reading::default();
        reading.counts(&mut Doubts::default(), &of, |_| asked, &FIELDS);
        reading
    }

    #[test]
    fn hidden_absent_and_refused_are_three_things() {
        let hidden = read(json!({"view_count": 5}), None);
        assert!(hidden.values.is_hidden(Metric::Likes));
        assert_eq!(hidden.values.get(Metric::Views), Some(5));
        assert!(read(json!({}), None).values.is_empty());
        assert!(read(json!({}), Some(true)).values.is_hidden(Metric::Views));
        let not_asked = read(json!({"view_count": 5}), Some(false));
        assert!(!not_asked.values.is_hidden(Metric::Likes));
        let refused = read(json!({"view_count": 5, "like_count": -1}), None);
        assert!(!refused.values.is_hidden(Metric::Likes));
        assert_eq!(refused.values.get(Metric::Likes), None);
    }

    #[test]
    fn the_platforms_names_are_kept() {
        let reading = read(json!({"like_count": "3", "view_count": null}), Some(true));
        assert_eq!(reading.names[&Metric::Likes], "like_count");
        assert_eq!(reading.names[&Metric::Views], "view_count");
    }
}
