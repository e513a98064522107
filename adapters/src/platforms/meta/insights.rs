//! Insights of the Graph API: values by day or for a lifetime, totals, breakdowns.
//!
//! An empty list is not zero, a day is named by its end in California, and a metric of a post may
//! come twice: for its lifetime, and again for a day, with a zero that means nothing.

use crate::platforms::call::Call;
use crate::platforms::class::Class;
use crate::platforms::failure::Failure;
use crate::platforms::json::{Doubts, cut, list, text, whole};
use crate::platforms::moment;
use crate::platforms::posts::entries;
use crate::platforms::understood::{Content, Figure, FigureUnit, Insights, Understood};
use domain::Metric;
use domain::observation::Period;
use serde_json::Value;
use std::collections::BTreeMap;

/// The most figures of one reply that are taken: 90 days of 100 metrics.
const MAX_FIGURES: usize = 9_000;

/// How an object is read that stands where a number is expected.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::platforms) enum Object {
    /// Its numbers are parts of one whole.
    Sum,
    /// Its keys are parts by this dimension, and nothing is said of the whole.
    Parts(&'static str),
}

/// What is known of one metric by its name.
pub(in crate::platforms) struct Rule {
    pub(in crate::platforms) name: &'static str,
    pub(in crate::platforms) metric: Option<Metric>,
    pub(in crate::platforms) unit: FigureUnit,
    pub(in crate::platforms) object: Object,
}

/// A metric that is one of the ledger's.
pub(in crate::platforms) const fn ours(name: &'static str, metric: Metric) -> Rule {
    let unit = match metric.unit() {
        domain::metric::Unit::Count => FigureUnit::Count,
        domain::metric::Unit::Milliseconds => FigureUnit::Milliseconds,
    };
    Rule {
        name,
        metric: Some(metric),
        unit,
        object: Object::Sum,
    }
}

/// A metric that only the platform has.
pub(in crate::platforms) const fn theirs(name: &'static str, unit: FigureUnit) -> Rule {
    Rule {
        name,
        metric: None,
        unit,
        object: Object::Sum,
    }
}

/// Reads a list of insights by the rules of the metrics that are known; others are passed over.
pub(in crate::platforms) fn read(
    call: &Call,
    json: &Value,
    rules: &'static [Rule],
    (of_post, without_data): (bool, Class),
) -> Result<Understood, Failure> {
    let mut reader = Reader {
        span: call.span,
        figures: Vec::new(),
        doubts: Doubts::default(),
    };
    let mut any_value = false;
    for entry in entries(json, "data")? {
        any_value |= !list(entry, "values").is_empty() || entry.get("total_value").is_some();
        let period = text(entry, "period").unwrap_or("lifetime");
        // Other periods (a week, 28 days) overlap each other from day to day.
        let fits = match of_post {
            true => period == "lifetime",
            false => matches!(period, "day" | "lifetime"),
        };
        let rule = rules
            .iter()
            .find(|rule| text(entry, "name") == Some(rule.name));
        if let (true, Some(rule)) = (fits, rule) {
            reader.entry(entry, rule, period == "day");
        }
        if reader.figures.len() > MAX_FIGURES {
            return Err(Failure::new(Class::Transient, "too_many_entries"));
        }
    }
    let figures = reader.figures;
    let found = Understood::new(Content::Insights(Insights { figures }), reader.doubts);
    Ok(match any_value {
        true => found,
        false => found.classed(without_data),
    })
}

struct Reader {
    span: Option<Period>,
    figures: Vec<Figure>,
    doubts: Doubts,
}

impl Reader {
    fn entry(&mut self, entry: &Value, rule: &'static Rule, by_day: bool) {
        for value in list(entry, "values").iter().take(MAX_FIGURES) {
            let end = self.doubts.time(value, "end_time");
            let period = end.filter(|_| by_day).and_then(moment::day_that_ends);
            // A day that cannot be told is no day: its number would stand for another.
            if period.is_some() == by_day {
                self.value(value, rule, period);
            }
        }
        let Some(total) = entry.get("total_value") else {
            return;
        };
        let period = self.span.filter(|_| by_day);
        self.value(total, rule, period);
        for breakdown in list(total, "breakdowns") {
            self.breakdown(breakdown, rule, period);
        }
    }

    fn value(&mut self, of: &Value, rule: &'static Rule, period: Option<Period>) {
        let Some(Value::Object(parts)) = of.get("value") else {
            let count = of.get("value").and_then(|it| self.part(it, rule.name));
            self.push(rule, period, BTreeMap::new(), count);
            return;
        };
        let mut sum = Some(0_i64);
        for (part, value) in parts.iter().take(MAX_FIGURES) {
            let count = self.part(value, rule.name);
            sum = sum
                .zip(count)
                .and_then(|(sum, count)| sum.checked_add(count));
            if let Object::Parts(dimension) = rule.object {
                let part = BTreeMap::from([(dimension.to_owned(), cut(part))]);
                self.push(rule, period, part, count);
            }
        }
        // An empty object has no parts to add up, and one unreadable part makes no whole.
        let sum = sum.filter(|_| rule.object == Object::Sum && !parts.is_empty());
        self.push(rule, period, BTreeMap::new(), sum);
    }

    fn part(&mut self, value: &Value, name: &'static str) -> Option<i64> {
        match whole(value) {
            Ok(count) => count,
            Err(why) => {
                self.doubts.add(name, why);
                None
            }
        }
    }

    /// Dimensions are found by the name of their key: their order varies.
    fn breakdown(&mut self, breakdown: &Value, rule: &'static Rule, period: Option<Period>) {
        let keys = list(breakdown, "dimension_keys");
        for result in list(breakdown, "results").iter().take(MAX_FIGURES) {
            let values = list(result, "dimension_values");
            let part: BTreeMap<_, _> = keys
                .iter()
                .zip(values)
                .filter_map(|(key, value)| {
                    let (key, value) = (key.as_str()?, value.as_str()?);
                    Some((cut(key), dimension(key, value)))
                })
                .collect();
            if part.len() == keys.len() && !part.is_empty() {
                let count = result.get("value").and_then(|it| self.part(it, rule.name));
                self.push(rule, period, part, count);
            }
        }
    }

    fn push(
        &mut self,
        rule: &'static Rule,
        period: Option<Period>,
        part: BTreeMap<String, String>,
        value: Option<i64>,
    ) {
        if let Some(value) = value {
            self.figures.push(Figure {
                name: rule.name,
                metric: rule.metric,
                unit: rule.unit,
                period,
                part,
                value,
            });
        }
    }
}

/// A part's name. Kinds of action are written large or small, as it happens; places keep theirs.
fn dimension(key: &str, value: &str) -> String {
    match key {
        "city" | "country" | "age" | "gender" => cut(value),
        _ => cut(&value.to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platforms::call::Endpoint;
    use serde_json::json;

    static RULES: [Rule; 2] = [
        ours("reach", Metric::Reach),
        Rule {
            object: Object::Parts("country"),
            ..theirs("by_country", FigureUnit::Count)
        },
    ];

    fn of(data: Value, of_post: bool) -> (Class, Vec<Figure>) {
        let call = Call::to(Endpoint::AccountInsights);
        let found = read(
            &call,
            &json!({ "data": data }),
            &RULES,
            (of_post, Class::OkNoData),
        );
        let found = found.expect("it is an answer");
        let Content::Insights(insights) = found.content else {
            panic!("insights")
        };
        (found.class, insights.figures)
    }

    #[test]
    fn nothing_is_not_zero() {
        assert_eq!(of(json!([]), false), (Class::OkNoData, vec![]));
        let empty = json!([{"name": "reach", "period": "day", "values": []}]);
        assert_eq!(of(empty, false), (Class::OkNoData, vec![]));
        let null = json!([{"name": "reach", "period": "lifetime", "values": [{"value": null}]}]);
        assert_eq!(of(null, false), (Class::Ok, vec![]));
        let object = json!([{"name": "reach", "period": "lifetime", "values": [{"value": {}}]}]);
        assert_eq!(of(object, false).1, vec![]);
    }

    #[test]
    fn the_day_of_zero_after_a_lifetime_is_passed_over() {
        let twice = json!([
            {"name": "reach", "period": "lifetime", "values": [{"value": 106}]},
            {"name": "reach", "period": "day", "values": [{"value": 0}]},
        ]);
        let (_, figures) = of(twice, true);
        assert_eq!(figures.iter().map(|it| it.value).collect::<Vec<_>>(), [106]);
    }

    #[test]
    fn a_day_is_named_by_its_end() {
        let day = json!([{"name": "reach", "period": "day", "values": [
            {"value": 5, "end_time": "2026-05-02T07:00:00+0000"}, {"value": 6}, {"value": 7, "end_time": "x"},
        ]}]);
        let (class, figures) = of(day, false);
        let days: Vec<_> = figures
            .iter()
            .map(|it| it.period.expect("a day").from.to_string())
            .collect();
        assert_eq!(days, ["2026-05-01T07:00:00.000000Z"]);
        assert_eq!(class, Class::Partial);
    }

    #[test]
    fn objects_are_added_up_or_taken_apart() {
        let sum = json!([{"name": "reach", "period": "lifetime", "values": [{"value": {"a": 10, "b": "7"}}]}]);
        assert_eq!(of(sum, false).1[0].value, 17);
        let broken = json!([{"name": "reach", "period": "lifetime", "values": [{"value": {"a": 10, "b": -7}}]}]);
        assert_eq!(of(broken, false), (Class::Partial, vec![]));
        let parts =
            json!([{"name": "by_country", "period": "lifetime", "values": [{"value": {"FR": 3}}]}]);
        let (_, figures) = of(parts, false);
        assert_eq!(
            (figures.len(), figures[0].part["country"].as_str()),
            (1, "FR")
        );
    }

    #[test]
    fn dimensions_are_found_by_their_keys() {
        let parts = json!([{"name": "reach", "period": "lifetime", "total_value": {"breakdowns": [{
            "dimension_keys": ["timeframe", "country"],
            "results": [{"dimension_values": ["LAST_90_DAYS", "AR"], "value": 5},
                        {"dimension_values": ["LAST_90_DAYS"], "value": 9}],
        }]}}]);
        let (_, figures) = of(parts, false);
        assert_eq!(figures.len(), 1);
        assert_eq!(figures[0].part["country"], "AR");
        assert_eq!(figures[0].part["timeframe"], "last_90_days");
    }
}
