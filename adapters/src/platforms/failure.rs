//! A reply that is no answer: its class, the platform's code, how long to wait, what was at fault.

use super::class::Class;
use super::usage::Usage;
use domain::account::{ErrorClass, RateLimit, SyncError};
use domain::{Timestamp, time::DAY_MICROS};
use std::fmt;
use std::time::Duration;

/// The longest code of a platform that is kept, in bytes.
const MAX_CODE_BYTES: usize = 64;

/// The longest wait that is believed. A platform that asks for more, or a reply that was tampered
/// with, is asked again after a day.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// A platform's own code, such as `190/463` or `quotaExceeded`. Never its message, which may name
/// people, and never anything that a message could be hidden in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Code(String);

impl Code {
    /// Takes a code as it stands in a reply; what does not look like one becomes `unreadable`.
    pub fn new(text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        let is_code = !text.is_empty()
            && text.len() <= MAX_CODE_BYTES
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_-./:".contains(&byte));
        Self(if is_code { text } else { "unreadable" }.to_owned())
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How long the platform asks to be left alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// So long from the reply on.
    For(Duration),
    /// Until the day ends in California (YouTube's quota).
    UntilMidnightPacific,
}

impl Wait {
    /// The moment from which on the platform may be asked again.
    pub fn ends(self, now: Timestamp) -> Timestamp {
        match self {
            Self::For(wait) => {
                let micros = i64::try_from(wait.min(LONGEST_WAIT).as_micros());
                now.saturating_add_micros(micros.unwrap_or(DAY_MICROS))
            }
            Self::UntilMidnightPacific => super::moment::next_midnight_pacific(now),
        }
    }
}

/// What in our own request the platform found fault with, so that it alone can be left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// A metric that does not exist (any more), by its place in the list where that is said.
    Metric {
        /// Counted from zero.
        index: Option<usize>,
    },
    /// A field.
    Field,
    /// The size of a page.
    PageSize,
    /// A combination of metrics, dimensions and filters.
    Query,
}

/// Why a reply is no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{class} ({code})")]
pub struct Failure {
    /// Its kind.
    pub class: Class,
    /// The platform's code, or ours where it gave none: `http_502`, `not_json`, `too_large`...
    pub code: Code,
    /// How long to wait, where the platform says.
    pub wait: Option<Wait>,
    /// Whether a refresh of the access token must be tried before a person is asked.
    pub refresh_first: bool,
    /// What in our request was wrong, where the platform says.
    pub fault: Option<Fault>,
    /// What the platform said of its limits.
    pub usage: Usage,
}

impl Failure {
    /// A failure about which nothing else is known.
    pub fn new(class: Class, code: impl AsRef<str>) -> Self {
        Self {
            class,
            code: Code::new(code),
            wait: None,
            refresh_first: false,
            fault: None,
            usage: Usage::default(),
        }
    }

    /// Whether nothing but a new authorisation by the person helps. Never so for what may pass,
    /// and not yet for an access token that a refresh might replace.
    pub fn needs_person(&self) -> bool {
        self.class == Class::AuthExpired && !self.refresh_first
    }

    /// What a recorded sync says of it. An access token that was not refreshed yet is no lost
    /// grant: until the refresh fails as well, it counts as passing.
    pub fn sync_error(&self) -> SyncError {
        let class = match self.class {
            Class::AuthExpired if self.refresh_first => ErrorClass::Transient,
            class => class.error_class().unwrap_or(ErrorClass::NoData),
        };
        SyncError {
            class,
            code: self.code.as_str().to_owned(),
        }
    }

    /// What a recorded sync says of the platform's limits.
    pub fn rate_limit(&self, now: Timestamp) -> Option<RateLimit> {
        let hit = matches!(
            self.class,
            Class::RateLimited | Class::QuotaUntilMidnightPacific
        );
        let reset_at = self.wait.map(|wait| wait.ends(now));
        self.usage.rate_limit(hit, reset_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_cannot_carry_a_message() {
        for code in ["190/463", "quotaExceeded", "http_502", "-2/2207003"] {
            assert_eq!(Code::new(code).as_str(), code);
        }
        for text in ["", "mail nora@example.com", "a b", &"x".repeat(65), "שלום"] {
            assert_eq!(Code::new(text).as_str(), "unreadable");
        }
    }

    #[test]
    fn an_access_token_is_refreshed_before_a_person_is_asked() {
        let mut failure = Failure::new(Class::AuthExpired, "190/463");
        assert!(failure.needs_person());
        assert_eq!(failure.sync_error().class, ErrorClass::AuthExpired);
        failure.refresh_first = true;
        assert!(!failure.needs_person());
        assert_eq!(failure.sync_error().class, ErrorClass::Transient);
    }

    #[test]
    fn a_wait_is_bounded() {
        let now = Timestamp::from_micros(0).expect("1970");
        let ends = Wait::For(Duration::from_secs(u64::MAX)).ends(now);
        assert_eq!(ends.micros(), DAY_MICROS);
    }
}
