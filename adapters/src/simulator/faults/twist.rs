//! Twists: right answers in which something is not as it should be.

use crate::simulator::answer::{Answer, Body};
use domain::Platform;
use serde_json::{Value, json};

/// What is wrong with an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::simulator) enum Twist {
    /// A page with nothing on it, and more to come.
    EmptyPage,
    /// Every page has another one after it.
    EndlessPages,
    /// Nothing at all, as where there is no data.
    NoData,
    /// Counts are lists, ids are objects.
    WrongTypes,
    /// Counts are negative.
    NegativeCounts,
    /// Counts are missing.
    MissingCounts,
    /// Counts are null.
    NullCounts,
    /// Counts have fractions.
    FractionalCounts,
    /// Fields that nobody has heard of.
    UnknownFields,
}

/// Their names.
pub(super) const NAMES: [(&str, Twist); 9] = [
    ("empty_page", Twist::EmptyPage),
    ("endless_pages", Twist::EndlessPages),
    ("no_data", Twist::NoData),
    ("wrong_types", Twist::WrongTypes),
    ("negative_counts", Twist::NegativeCounts),
    ("missing_counts", Twist::MissingCounts),
    ("null_counts", Twist::NullCounts),
    ("fractional_counts", Twist::FractionalCounts),
    ("unknown_fields", Twist::UnknownFields),
];

/// The lists that pages consist of.
const LISTS: [&str; 4] = ["data", "items", "videos", "rows"];

impl Twist {
    pub(super) fn named(name: &str) -> Option<Self> {
        let found = NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, twist)| *twist)
    }

    /// Twists an answer; errors stay as they are.
    pub(in crate::simulator) fn apply(self, platform: Platform, nth: u64, answer: &mut Answer) {
        let Body::Json(body) = &mut answer.body else {
            return;
        };
        if answer.status != 200 {
            return;
        }
        match self {
            Self::EmptyPage => {
                empty(body);
                more(platform, nth, body);
            }
            Self::EndlessPages => more(platform, nth, body),
            Self::NoData => empty(body),
            Self::WrongTypes => counts(body, &|_| Some(json!([{"oops": true}]))),
            Self::NegativeCounts => counts(body, &|_| Some(json!(-7))),
            Self::MissingCounts => counts(body, &|_| None),
            Self::NullCounts => counts(body, &|_| Some(Value::Null)),
            Self::FractionalCounts => counts(body, &|_| Some(json!(41.27))),
            Self::UnknownFields => unknown(body),
        }
    }
}

/// Empties the list that an answer consists of, wherever it is.
fn empty(body: &mut Value) {
    let Value::Object(fields) = body else {
        return;
    };
    for (name, value) in fields {
        match value {
            Value::Array(entries) if LISTS.contains(&name.as_str()) => entries.clear(),
            Value::Object(_) if name == "data" => empty(value),
            _ => {}
        }
    }
}

/// Says that there is more, each time somewhere else.
fn more(platform: Platform, nth: u64, body: &mut Value) {
    let cursor = format!("endless{nth}");
    match platform {
        Platform::Facebook | Platform::Instagram => {
            let next = format!("https://simulated.example/?access_token=REDACTED&after={cursor}");
            let cursors = json!({"before": cursor, "after": cursor});
            set(body, "paging", json!({"cursors": cursors, "next": next}));
        }
        Platform::Tiktok => {
            if let Some(data) = body.get_mut("data") {
                set(data, "has_more", json!(true));
                set(data, "cursor", json!(1_700_000_000_000_u64 - nth));
            }
        }
        Platform::Youtube => set(body, "nextPageToken", json!(cursor)),
    }
}

fn set(body: &mut Value, name: &str, value: Value) {
    if let Value::Object(fields) = body {
        fields.insert(name.to_owned(), value);
    }
}

/// Whether a field is a count. Those of YouTube are text.
fn is_count(name: &str, value: &Value) -> bool {
    let is_number = match value {
        Value::Number(_) => true,
        Value::String(text) => !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit()),
        _ => false,
    };
    let name = name.to_ascii_lowercase();
    is_number && (name.ends_with("count") || name == "value")
}

/// Puts something else in the place of each count.
fn counts(value: &mut Value, other: &impl Fn(&Value) -> Option<Value>) {
    match value {
        Value::Object(fields) => {
            let names: Vec<_> = fields
                .iter()
                .filter(|(name, value)| is_count(name, value))
                .map(|(name, _)| name.clone())
                .collect();
            for name in names {
                match fields.get(&name).and_then(other) {
                    Some(other) => fields.insert(name, other),
                    None => fields.remove(&name),
                };
            }
            fields.values_mut().for_each(|it| counts(it, other));
        }
        Value::Array(entries) => entries.iter_mut().for_each(|it| counts(it, other)),
        _ => {}
    }
}

/// Adds what nobody has heard of to every object.
fn unknown(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(unknown);
            fields.insert("a_future_field".to_owned(), json!({"x": [1, null, "y"]}));
        }
        Value::Array(entries) => entries.iter_mut().for_each(unknown),
        _ => {}
    }
}
