//! The address of a call, taken apart as far as it tells what is asked for.

use domain::Timestamp;
use domain::observation::Period;
use std::collections::BTreeSet;

/// The longest address that is looked at, in bytes.
const MAX_BYTES: usize = 8 * 1024;

/// Host, path and parameters of an address. Remarks after it, as in `https://... (grant_type=x)`,
/// count as parameters.
#[derive(Debug)]
pub struct Address {
    host: String,
    path: Vec<String>,
    params: Vec<(String, String)>,
}

impl Address {
    /// Takes an address apart. What is none has an empty host.
    pub fn parse(text: &str) -> Self {
        let text = text.get(..MAX_BYTES).unwrap_or(text);
        let (head, tail) = text.split_at(text.find(['?', ' ', '#']).unwrap_or(text.len()));
        let rest = head.strip_prefix("https://");
        let (host, path) = rest.map_or(("", head), |rest| {
            rest.split_once('/').unwrap_or((rest, ""))
        });
        let params = tail
            .split(['?', '&', ' ', '(', ')', '#'])
            .filter_map(|part| part.split_once('='))
            .map(|(name, value)| (decoded(name), decoded(value)))
            .collect();
        Self {
            host: host.to_ascii_lowercase(),
            path: path
                .split('/')
                .filter(|part| !part.is_empty())
                .map(decoded)
                .collect(),
            params,
        }
    }

    /// The host, in small letters.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The last part of the path.
    pub fn last(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    /// The part of the path before the last.
    pub fn before_last(&self) -> &str {
        let before = self.path.len().checked_sub(2);
        before
            .and_then(|at| self.path.get(at))
            .map_or("", String::as_str)
    }

    /// The part of the path before this one, where it holds it.
    pub fn before(&self, part: &str) -> Option<&str> {
        let at = self.path.iter().position(|it| it == part)?;
        self.path.get(at.checked_sub(1)?).map(String::as_str)
    }

    /// Whether the last part is an id, or a placeholder for one.
    pub fn ends_in_id(&self) -> bool {
        let last = self.last();
        let is_digit = |it: u8| it.is_ascii_digit() || it == b'_';
        last.starts_with('<') || (!last.is_empty() && last.bytes().all(is_digit))
    }

    /// Whether the path holds this part.
    pub fn has(&self, part: &str) -> bool {
        self.path.iter().any(|it| it == part)
    }

    /// The first value of a parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        let found = self.params.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The parts of a parameter that is a list; `None` where it is missing or only hinted at.
    pub fn list(&self, name: &str) -> Option<BTreeSet<String>> {
        let value = self.param(name)?;
        if value.is_empty() || value.contains(['…', '<', '>']) {
            return None;
        }
        Some(split_list(value))
    }

    /// The part of the path that is a version, such as `v25.0`, `v3` or `v2`.
    pub fn api_version(&self) -> Option<String> {
        let is_version = |part: &&String| {
            let digits = part.strip_prefix('v').unwrap_or_default();
            !digits.is_empty()
                && part.len() < 8
                && digits.bytes().all(|it| it.is_ascii_digit() || it == b'.')
        };
        self.path.iter().find(is_version).cloned()
    }

    /// `since` and `until` in Unix seconds.
    pub fn span(&self) -> Option<Period> {
        let at = |name| {
            let seconds: i64 = self.param(name)?.parse().ok()?;
            Timestamp::from_micros(seconds.checked_mul(1_000_000)?)
        };
        let (from, to) = (at("since")?, at("until")?);
        (from < to).then_some(Period { from, to })
    }
}

/// The parts of a list separated by commas outside of brackets (`children{id,media_type}` is one).
fn split_list(text: &str) -> BTreeSet<String> {
    let mut depth = 0_usize;
    let parts = text.split(|at: char| {
        match at {
            '{' | '(' => depth += 1,
            '}' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at == ',' && depth == 0
    });
    parts
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Text without percent encoding and `+`; what is not properly encoded stays as it is.
pub(super) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|it| std::str::from_utf8(it).ok());
        let hex = hex.filter(|it| it.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let byte = hex.and_then(|it| u8::from_str_radix(it, 16).ok());
        rest = after;
        bytes.push(match (first, byte) {
            (b'%', Some(byte)) => {
                rest = after.get(2..).unwrap_or_default();
                byte
            }
            (b'+', _) => b' ',
            (other, _) => *other,
        });
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        let found = Address::parse(
            "https://graph.facebook.com/v25.0/<ig_id>/media?fields=id,children%7Bid,media_type%7D&since=0&until=86400",
        );
        assert_eq!(found.host(), "graph.facebook.com");
        assert_eq!((found.before_last(), found.last()), ("<ig_id>", "media"));
        assert_eq!(found.api_version().as_deref(), Some("v25.0"));
        let fields = found.list("fields").expect("fields");
        assert!(fields.contains("children{id,media_type}") && fields.len() == 2);
        assert_eq!(found.span().expect("a span").to.micros(), 86_400_000_000);
    }

    #[test]
    fn remarks_count_as_parameters() {
        let found = Address::parse(
            "https://open.tiktokapis.com/v2/oauth/token/ (grant_type=refresh_token)",
        );
        assert_eq!(found.last(), "token");
        assert_eq!(found.param("grant_type"), Some("refresh_token"));
        assert_eq!(Address::parse("legacy v1 token endpoint").host(), "");
        let hinted = Address::parse("https://x.example/y?fields=…&id=<deleted>");
        assert_eq!((hinted.list("fields"), hinted.list("id")), (None, None));
    }

    #[test]
    fn broken_encoding_stays_as_it_is() {
        assert_eq!(decoded("a%2Cb+c"), "a,b c");
        for text in ["%", "%z1", "%ff", "%+1"] {
            assert!(!decoded(text).is_empty());
        }
        assert_eq!(decoded("%ff"), "%ff");
    }
}
