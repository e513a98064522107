//! What a person's browser brings back from a platform's consent page.

use super::address::decoded;
use super::failure::Code;
use super::secret::Secret;
use std::collections::BTreeSet;

/// The longest query that is looked at, in bytes.
const MAX_QUERY_BYTES: usize = 8 * 1024;

/// A callback: the state that we gave along, and how the person decided.
#[derive(Clone, Debug)]
pub struct Callback {
    /// What we sent the person off with; the caller compares it.
    pub state: Option<Secret>,
    /// How the person decided.
    pub consent: Consent,
}

/// How the person decided.
#[derive(Clone, Debug)]
pub enum Consent {
    /// A code that a token can be had for, once.
    Given {
        /// The code.
        code: Secret,
        /// The scopes, where the platform names them here already.
        scopes: Option<BTreeSet<String>>,
    },
    /// The person said no, or closed the page.
    Denied,
    /// The platform did not even ask: our app or the person's organisation is set up otherwise.
    Failed(Code),
}

/// A callback with neither a code nor an error, with both, or with one of them twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the callback has not exactly one of code and error")]
pub struct InvalidCallback;

impl Callback {
    /// Reads the query of a callback, or its whole address. Instagram appends `#_` to the code.
    pub fn parse(text: &str) -> Result<Self, InvalidCallback> {
        let query = text.split_once('?').map_or(text, |(_, query)| query);
        let query = query.split_once('#').map_or(query, |(query, _)| query);
        if query.len() > MAX_QUERY_BYTES {
            return Err(InvalidCallback);
        }
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        // Twice the same parameter is somebody's trick: which of them counts?
        let one = |name: &str| {
            let same = pairs.clone().filter(|(known, _)| *known == name);
            let mut values = same
                .map(|(_, value)| decoded(value))
                .filter(|it| !it.is_empty());
            match (values.next(), values.next()) {
                (_, Some(_)) => Err(InvalidCallback),
                (first, None) => Ok(first),
            }
        };
        let scopes = one("scopes")?.or(one("scope")?).map(|it| {
            let parts = it.split([',', ' ']).filter(|part| !part.is_empty());
            parts.map(str::to_owned).collect()
        });
        let consent = match (one("code")?, one("error")?) {
            (Some(code), None) => Consent::Given {
                code: Secret::new(code),
                scopes,
            },
            (None, Some(error)) if error == "access_denied" => Consent::Denied,
            (None, Some(error)) => Consent::Failed(Code::new(error)),
            _ => return Err(InvalidCallback),
        };
        let state = one("state")?.map(Secret::new);
        Ok(Self { state, consent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tricks_are_refused() {
        for query in [
            "",
            "state=x",
            "code=a&error=b",
            "code=a&code=b",
            "code=",
            "code=a&state=1&state=2",
        ] {
            assert_eq!(
                Callback::parse(query).err(),
                Some(InvalidCallback),
                "{query}"
            );
        }
    }

    #[test]
    fn a_code_is_not_printed() {
        let found = Callback::parse("code=wFPH*0%216410&state=xyz").expect("a callback");
        assert!(!format!("{found:?}").contains("wFPH") && !format!("{found:?}").contains("xyz"));
        let failed = Callback::parse("error=admin_policy_enforced").expect("a callback");
        assert!(
            matches!(failed.consent, Consent::Failed(code) if code.as_str() == "admin_policy_enforced")
        );
    }
}
