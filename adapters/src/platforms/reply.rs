//! One HTTP reply as the readers see it: status, headers, and a body of bounded size.

use super::class::Class;
use super::failure::Failure;
use super::usage::Usage;
use serde_json::Value;
use std::collections::BTreeMap;
use std::{fmt, time::Duration};

/// The largest body that is kept, in bytes. The longest page that is asked for, 100 posts with
/// texts and links, has less than a quarter of it.
pub const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// The most headers of one reply that are kept.
const MAX_HEADERS: usize = 128;

/// The headers of a reply; names are compared without regard to case.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Headers(BTreeMap<String, String>);

impl Headers {
    /// The value of a header; of several with one name the first.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(&name.to_ascii_lowercase()).map(String::as_str)
    }

    /// `Retry-After` in seconds. Its other form, a date, would need a clock and is not used by
    /// any of the platforms.
    pub fn retry_after(&self) -> Option<Duration> {
        let seconds = self.get("retry-after")?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds))
    }
}

impl<N: AsRef<str>, V: Into<String>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(headers: I) -> Self {
        let mut kept = BTreeMap::new();
        for (name, value) in headers.into_iter().take(MAX_HEADERS) {
            let name = name.as_ref().to_ascii_lowercase();
            kept.entry(name).or_insert_with(|| value.into());
        }
        Self(kept)
    }
}

// Headers may set cookies and quote tokens: only their names are shown.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What came back on one call.
#[derive(Clone)]
pub struct Reply {
    status: u16,
    headers: Headers,
    /// `None` where it was larger than [`MAX_BODY_BYTES`].
    body: Option<Vec<u8>>,
}

/// A call that brought no reply at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoReply {
    /// No connection, or one that broke.
    Unreachable,
    /// The reply, or the rest of it, did not come in time.
    TooSlow,
}

impl From<NoReply> for Failure {
    fn from(reason: NoReply) -> Self {
        let code = match reason {
            NoReply::Unreachable => "unreachable",
            NoReply::TooSlow => "too_slow",
        };
        Self::new(Class::Transient, code)
    }
}

impl Reply {
    /// A reply; a body of more than [`MAX_BODY_BYTES`] is dropped, and the reply says so. Whoever
    /// reads from the network stops one byte after the limit, so that no more is ever held.
    pub fn new(status: u16, headers: Headers, body: Vec<u8>) -> Self {
        Self {
            status,
            headers,
            body: (body.len() <= MAX_BODY_BYTES).then_some(body),
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The headers.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// Whether the status is one of success.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON; an empty one is `null`. What cannot be read is a failure that passes:
    /// a proxy's page of HTML, half an answer, or an endless one say nothing of the account.
    pub(super) fn json(&self) -> Result<Value, Failure> {
        if (300..400).contains(&self.status) {
            // Never followed: our calls have addresses of their own, and tokens with them.
            return Err(Failure::new(Class::Transient, "redirect"));
        }
        let Some(body) = &self.body else {
            return Err(self.unreadable("too_large"));
        };
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Value::Null);
        }
        serde_json::from_slice(body).map_err(|_| self.unreadable("not_json"))
    }

    fn unreadable(&self, why: &str) -> Failure {
        match self.is_success() {
            true => Failure::new(Class::Transient, why),
            false => self.failure(false),
        }
    }

    /// What an error means that has no code of the platform: by its status alone, and nothing
    /// that would end a connection, since any proxy between can answer with any status.
    pub(super) fn failure(&self, is_platforms: bool) -> Failure {
        let class = match self.status {
            429 => Class::RateLimited,
            403 if is_platforms => Class::Permission,
            404 | 410 if is_platforms => Class::NotFound,
            400 | 405 | 406 | 409..=428 if is_platforms => Class::InvalidRequest,
            _ => Class::Transient,
        };
        let mut failure = Failure::new(class, format!("http_{}", self.status));
        failure.usage = Usage::of_meta(&self.headers);
        failure.wait = failure.usage.wait(&self.headers);
        failure
    }
}

// A body may hold tokens and personal data.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.body.as_ref().map(Vec::len);
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("bytes", &bytes)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(status: u16, body: &[u8]) -> Failure {
        let reply = Reply::new(status, Headers::default(), body.to_vec());
        reply.json().expect_err("it cannot be read")
    }

    #[test]
    fn what_cannot_be_read_passes() {
        let deep = "[".repeat(100_000);
        for body in [
            &b"<html>"[..],
            b"{\"data\":[{",
            b"\xff\xfe",
            deep.as_bytes(),
        ] {
            assert_eq!(
                failure(200, body),
                Failure::new(Class::Transient, "not_json")
            );
        }
        let failure_of = |status| failure(status, b"<html>").class;
        assert_eq!(failure_of(502), Class::Transient);
        assert_eq!(failure_of(401), Class::Transient);
        assert_eq!(failure_of(429), Class::RateLimited);
        assert_eq!(failure(302, b"").code.as_str(), "redirect");
    }

    #[test]
    fn a_huge_body_is_not_kept() {
        let found = failure(200, &vec![b' '; MAX_BODY_BYTES + 1]);
        assert_eq!(found.code.as_str(), "too_large");
    }

    #[test]
    fn nothing_of_it_is_printed() {
        let headers = Headers::from_iter([("Set-Cookie", "session=secret")]);
        let reply = Reply::new(200, headers, b"secret".to_vec());
        assert!(!format!("{reply:?}").contains("secret"));
    }
}
