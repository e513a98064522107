//! The connection string: parsed once, never printed, since it may hold a password.

use eventstore::ClientSettings;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// What a connection string may begin with.
const SCHEMES: [&str; 4] = ["esdb", "kurrentdb", "kurrent", "kdb"];
/// How long the server may take for a call, if the connection string does not say.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);

/// A connection string that was understood. Its text is kept nowhere that prints.
#[derive(Clone)]
pub struct EventStoreUrl {
    pub(super) settings: ClientSettings,
    pub(super) deadline: Duration,
}

impl fmt::Debug for EventStoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventStoreUrl(..)")
    }
}

/// Text that is not such a connection string. It says what was expected, not what was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0}; expected a connection string such as esdb://host:2113?tls=false, \
     esdb://user:password@host:2113 or esdb+discover://host1:2113,host2:2113"
)]
pub struct UrlError(String);

impl EventStoreUrl {
    /// Whether a text begins like such a connection string.
    pub fn is_meant(text: &str) -> bool {
        let scheme = text.split("://").next().unwrap_or_default();
        let scheme = scheme.strip_suffix("+discover").unwrap_or(scheme);
        text.contains("://") && SCHEMES.contains(&scheme)
    }
}

impl FromStr for EventStoreUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |what: &str| UrlError(what.to_owned());
        if !Self::is_meant(text) {
            return Err(wrong("its scheme is not one of EventStoreDB's"));
        }
        let deadline = deadline_in(text)?.unwrap_or(DEFAULT_DEADLINE);
        // The parser's own message may repeat the whole text: at most a parameter is named.
        let settings: ClientSettings = text.parse().map_err(
            |error: eventstore::ClientSettingsParseError| match parameter_in(error.message()) {
                Some(name) => UrlError(format!("its parameter {name} is not understood")),
                None => wrong("it is not understood"),
            },
        )?;
        if settings.hosts().iter().any(|host| host.host.is_empty()) {
            return Err(wrong("it names no host"));
        }
        Ok(Self { settings, deadline })
    }
}

/// The parameter that the parser complains of, if it does.
fn parameter_in(message: &str) -> Option<&str> {
    let after = message.strip_prefix("Invalid format for param '")?;
    let name = after.split('\'').next()?;
    let is_name = name.chars().all(|c| c.is_ascii_alphanumeric());
    is_name.then_some(name)
}

/// `defaultDeadline`, which the client parses too but does not show.
fn deadline_in(text: &str) -> Result<Option<Duration>, UrlError> {
    let query = text.split_once('?').map_or("", |(_, query)| query);
    let parameters = query.split('&').filter_map(|pair| pair.split_once('='));
    for (name, value) in parameters {
        if name.eq_ignore_ascii_case("defaultDeadline") {
            return match value.parse() {
                Ok(millis @ 1..=600_000) => Ok(Some(Duration::from_millis(millis))),
                _ => Err(UrlError(
                    "its parameter defaultDeadline is not a number of milliseconds from 1 to 600000"
                        .to_owned(),
                )),
            };
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_for_eventstoredb_is_told_from_the_rest() {
        for text in ["esdb://h:1?tls=false", "kurrentdb+discover://a,b", "kdb://"] {
            assert!(EventStoreUrl::is_meant(text), "{text}");
        }
        for text in ["postgres", "postgres://h/db", "esdb", "esdb+x://h", ""] {
            assert!(!EventStoreUrl::is_meant(text), "{text}");
        }
    }

    #[test]
    fn single_nodes_clusters_and_deadlines_are_understood() {
        let one: EventStoreUrl = "esdb://u:p@h:1?tls=false&defaultDeadline=250"
            .parse()
            .expect("a connection string");
        assert_eq!(one.deadline, Duration::from_millis(250));
        let three: EventStoreUrl = "kurrentdb://a:1,b:2,c:3"
            .parse()
            .expect("a connection string");
        assert_eq!(three.settings.hosts().len(), 3);
        assert_eq!(three.deadline, DEFAULT_DEADLINE);
    }

    #[test]
    fn an_error_names_the_parameter_and_never_the_text() {
        for (text, named) in [
            ("esdb://user:SECRET@host:notaport", "not understood"),
            ("esdb://user:SECRET@host:1/path?tls=false", "not understood"),
            ("esdb://user:SECRET@host:1?tls=SECRET", "parameter tls"),
            (
                "esdb://user:SECRET@host:1?defaultDeadline=-5",
                "milliseconds",
            ),
            ("http://user:SECRET@host", "scheme"),
            ("esdb://", ""),
        ] {
            let error = text
                .parse::<EventStoreUrl>()
                .expect_err("no connection string");
            for shown in [error.to_string(), format!("{error:?}")] {
                assert!(!shown.contains("SECRET"), "{shown}");
                assert!(shown.contains(named), "{text}: {shown}");
            }
        }
    }

    #[test]
    fn it_does_not_print() {
        let url: EventStoreUrl = "esdb://user:SECRET@host:1"
            .parse()
            .expect("a connection string");
        assert!(!format!("{url:?}").contains("SECRET"));
    }
}
