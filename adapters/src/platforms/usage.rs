//! How much of a platform's limits is used, as far as its headers say.

use super::failure::Wait;
use super::reply::Headers;
use domain::Timestamp;
use domain::account::RateLimit;
use serde_json::Value;
use std::time::Duration;

/// The longest header that is read as JSON, in bytes: 32 business objects fit many times.
const MAX_HEADER_BYTES: usize = 16 * 1024;

/// The most business objects of one header that are looked at (the platform names at most 32).
const MAX_OBJECTS: usize = 64;

/// What a reply says of the limits that it counts against.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// The most used of all limits, in percent; 100 and more means that calls are refused.
    pub used_percent: Option<u8>,
    /// How long until calls are let through again, where that is said.
    pub regain: Option<Duration>,
}

impl Usage {
    /// Meta's `X-App-Usage`, `X-Page-Usage` and `X-Business-Use-Case-Usage`: JSON in a header, in
    /// percent, with the time to regain access in minutes (Graph API, "Rate Limits").
    pub fn of_meta(headers: &Headers) -> Self {
        let mut usage = Self::default();
        for name in ["x-app-usage", "x-page-usage"] {
            if let Some(Value::Object(_)) = json(headers, name).as_ref() {
                usage.take(json(headers, name).as_ref());
            }
        }
        let by_object = json(headers, "x-business-use-case-usage");
        let objects = by_object.as_ref().and_then(Value::as_object);
        for limits in objects
            .into_iter()
            .flat_map(|it| it.values())
            .take(MAX_OBJECTS)
        {
            let limits = limits.as_array().map(Vec::as_slice).unwrap_or_default();
            for limit in limits.iter().take(MAX_OBJECTS) {
                usage.take(Some(limit));
            }
        }
        usage
    }

    fn take(&mut self, limit: Option<&Value>) {
        let Some(limit) = limit else { return };
        for name in ["call_count", "total_time", "total_cputime"] {
            // Past 100 the exact figure says no more.
            let used = limit.get(name).and_then(Value::as_u64);
            let used = used.map(|used| u8::try_from(used.min(100)).unwrap_or(100));
            self.used_percent = self.used_percent.max(used);
        }
        let minutes = limit.get("estimated_time_to_regain_access");
        let minutes = minutes.and_then(Value::as_u64).filter(|it| *it > 0);
        let regain = minutes.map(|it| Duration::from_secs(it.saturating_mul(60)));
        self.regain = self.regain.max(regain);
    }

    /// How long to wait: what the platform's own header says, else the standard one.
    pub fn wait(&self, headers: &Headers) -> Option<Wait> {
        self.regain.or_else(|| headers.retry_after()).map(Wait::For)
    }

    /// What a recorded sync says of it, or `None` where there is nothing to say.
    pub fn rate_limit(&self, hit: bool, reset_at: Option<Timestamp>) -> Option<RateLimit> {
        let said = hit || self.used_percent.is_some() || reset_at.is_some();
        said.then_some(RateLimit {
            hit,
            used_percent: self.used_percent,
            reset_at,
        })
    }
}

fn json(headers: &Headers, name: &str) -> Option<Value> {
    let text = headers.get(name)?;
    (text.len() <= MAX_HEADER_BYTES)
        .then(|| serde_json::from_str(text).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(name: &str, value: &str) -> Usage {
        Usage::of_meta(&Headers::from_iter([(name, value)]))
    }

    #[test]
    fn the_most_used_limit_counts() {
        let business = r#"{"1":[{"type":"pages","call_count":1,"total_time":3}],
            "2":[{"call_count":95,"estimated_time_to_regain_access":0},
                 {"total_cputime":61,"estimated_time_to_regain_access":19}]}"#;
        let found = usage("X-Business-Use-Case-Usage", business);
        assert_eq!(found.used_percent, Some(95));
        assert_eq!(found.regain, Some(Duration::from_secs(19 * 60)));
        let app = usage("x-app-usage", r#"{"call_count":28,"total_time":250}"#);
        assert_eq!(app.used_percent, Some(100));
        assert_eq!(app.regain, None);
    }

    #[test]
    fn a_broken_header_says_nothing() {
        for value in ["", "{", "[]", "\"x\"", r#"{"1":7}"#, r#"{"call_count":-1}"#] {
            assert_eq!(usage("x-app-usage", value), Usage::default());
            assert_eq!(usage("x-business-use-case-usage", value), Usage::default());
        }
        let long = format!(r#"{{"call_count":{}1}}"#, " ".repeat(MAX_HEADER_BYTES));
        assert_eq!(usage("x-app-usage", &long), Usage::default());
    }
}
