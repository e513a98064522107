//! Which events of the log a reader wants, and how often it is told how far the search has come.

use super::log::Stored;
use super::request::missing;
use super::wire::streams::filter::{Filter as Wanted, Window};
use super::wire::streams::{Expression, Filter as WireFilter};
use fancy_regex::Regex;
use tonic::Status;

/// A server's own page, which stands for a window that was not given.
const DEFAULT_WINDOW: u64 = 32;

enum Pattern {
    /// Clients also send patterns that look ahead.
    Regex(Regex),
    Prefixes(Vec<String>),
}

/// A filter on the names of streams or of event types.
pub(super) struct Filter {
    by_stream: bool,
    pattern: Pattern,
    /// A checkpoint is due after this many events were looked at.
    pub(super) interval: u64,
}

impl Filter {
    pub(super) fn parse(filter: WireFilter) -> Result<Self, Status> {
        let (by_stream, expression) = match filter.filter {
            Some(Wanted::StreamIdentifier(expression)) => (true, expression),
            Some(Wanted::EventType(expression)) => (false, expression),
            None => return Err(missing("filter")),
        };
        let window = match filter.window {
            Some(Window::Max(max)) => max.into(),
            Some(Window::Count(())) => DEFAULT_WINDOW,
            None => return Err(missing("window")),
        };
        let interval = window * u64::from(filter.checkpoint_interval_multiplier);
        if interval == 0 {
            return Err(Status::invalid_argument(
                "the window and checkpoint_interval_multiplier must be greater than 0",
            ));
        }
        Ok(Self {
            by_stream,
            pattern: Pattern::parse(expression)?,
            interval,
        })
    }

    pub(super) fn matches(&self, event: &Stored) -> bool {
        let name = if self.by_stream {
            &event.stream
        } else {
            &event.event_type
        };
        match &self.pattern {
            // A pattern that gives up on a name does not match it.
            Pattern::Regex(regex) => regex.is_match(&**name).unwrap_or(false),
            Pattern::Prefixes(prefixes) => prefixes.iter().any(|prefix| name.starts_with(prefix)),
        }
    }
}

impl Pattern {
    /// Where both are given, the regular expression wins.
    fn parse(expression: Expression) -> Result<Self, Status> {
        if !expression.regex.is_empty() {
            return match Regex::new(&expression.regex) {
                Ok(regex) => Ok(Self::Regex(regex)),
                Err(error) => Err(Status::invalid_argument(format!("filter: {error}"))),
            };
        }
        if expression.prefix.is_empty() {
            return Err(missing("a regex or a prefix of the filter"));
        }
        Ok(Self::Prefixes(expression.prefix))
    }
}
