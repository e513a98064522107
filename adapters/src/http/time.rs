//! Times in questions and answers: moments, days of a time zone, windows.

use super::params::{Params, Take};
use super::problem::{Code, Problem};
use chrono::{NaiveDate, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use domain::{Timestamp, time::DAY_MICROS};
use serde::Serialize;
use std::str::FromStr;
use utoipa::{IntoParams, ToSchema};

/// A window without a beginning begins so many days before its end.
const DEFAULT_DAYS: i64 = 30;
/// An hour that a zone skips begins and ends at a quarter.
const QUARTERS_OF_A_DAY: i64 = 96;

/// A moment in UTC, RFC 3339 with microseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = DateTime)]
pub(super) struct Moment(pub(super) Timestamp);

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

/// The two axes of time of a question.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Times {
    /// Answer as of this moment: only what was observed at or before it counts. RFC 3339 (in a
    /// URL, the `+` of an offset is written `%2B`); now, if left out.
    #[param(value_type = Option<String>, format = DateTime)]
    pub(super) as_of: Option<Timestamp>,
    /// Answer with what was known at this moment: what the ledger recorded later is left out,
    /// corrections too. RFC 3339; everything recorded so far counts, if left out.
    #[param(value_type = Option<String>, format = DateTime)]
    pub(super) known_at: Option<Timestamp>,
}

impl Times {
    /// The moment that the answer is as of.
    pub(super) fn as_of_or(&self, now: Timestamp) -> Timestamp {
        self.as_of.unwrap_or(now)
    }

    /// The moment up to which recorded events count.
    pub(super) fn known_at(&self) -> Timestamp {
        self.known_at.unwrap_or(Timestamp::MAX)
    }
}

impl Take for Times {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        Ok(Self {
            as_of: params.parsed("as_of")?,
            known_at: params.parsed("known_at")?,
        })
    }
}

/// Only the axis of when something was learned: the other one is the window's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct KnownAt {
    /// Answer with what was known at this moment: what the ledger recorded later is left out,
    /// corrections too. RFC 3339; everything recorded so far counts, if left out.
    #[param(value_type = Option<String>, format = DateTime)]
    pub(super) known_at: Option<Timestamp>,
}

impl KnownAt {
    /// As both axes, the other one open.
    pub(super) fn times(self) -> Times {
        Times {
            as_of: None,
            known_at: self.known_at,
        }
    }
}

impl Take for KnownAt {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        Ok(Self {
            known_at: params.parsed("known_at")?,
        })
    }
}

/// A moment, or the midnight of a day in a zone that is named elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum When {
    Moment(Timestamp),
    Day(NaiveDate),
}

/// Text that is neither a moment nor a day.
#[derive(Debug, thiserror::Error)]
#[error(
    "'{0}' is neither a moment such as 2026-03-01T12:00:00Z (RFC 3339, an offset's + written \
     %2B) nor a day such as 2026-03-01"
)]
pub(super) struct InvalidWhen(String);

impl FromStr for When {
    type Err = InvalidWhen;

    fn from_str(text: &str) -> Result<Self, InvalidWhen> {
        let invalid = || InvalidWhen(text.chars().take(80).collect());
        // chrono also takes days of another length, such as 2026-3-1.
        if text.len() == "2026-03-01".len() {
            return text.parse().map(Self::Day).map_err(|_| invalid());
        }
        text.parse().map(Self::Moment).map_err(|_| invalid())
    }
}

impl When {
    fn at(self, zone: Tz) -> Option<Timestamp> {
        let day = match self {
            Self::Moment(at) => return Some(at),
            Self::Day(day) => day,
        };
        let midnight = day.and_time(NaiveTime::MIN);
        // A zone may skip its midnight, or a whole day: then the first moment after the gap.
        let start = (0..=QUARTERS_OF_A_DAY).find_map(|quarters| {
            let local = midnight.checked_add_signed(TimeDelta::minutes(15 * quarters))?;
            zone.from_local_datetime(&local).earliest()
        })?;
        Timestamp::from_chrono(start.with_timezone(&chrono::Utc))
    }
}

/// The window of a question, before the clock is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct WindowParams {
    /// The window's beginning: a moment (RFC 3339) or a day `YYYY-MM-DD`, whose midnight in the
    /// zone it then is. 30 days before its end, if left out.
    #[param(value_type = Option<String>)]
    pub(super) from: Option<When>,
    /// The window's end: a moment or a day, as for `from`. Now, if left out.
    #[param(value_type = Option<String>)]
    pub(super) to: Option<When>,
    /// The IANA time zone of days, weeks and months, such as `Europe/Berlin`; UTC, if left out.
    #[param(value_type = Option<String>)]
    pub(super) zone: Tz,
}

/// A window that does not run backwards.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Window {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}

impl Take for WindowParams {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        let from = params.parsed("from")?;
        let to = params.parsed("to")?;
        let zone = match params.text("zone") {
            None => Tz::UTC,
            Some(name) => name.parse().map_err(|_| {
                let given: String = name.chars().take(80).collect();
                let expected = "an IANA time zone such as Europe/Berlin";
                Problem::invalid("zone", format!("'{given}' is not {expected}"))
            })?,
        };
        Ok(Self { from, to, zone })
    }
}

impl WindowParams {
    /// The window itself, with what was left out filled in.
    pub(super) fn window(&self, now: Timestamp) -> Result<Window, Problem> {
        let at = |field: &'static str, when: When| {
            when.at(self.zone)
                .ok_or_else(|| Problem::invalid(field, "this day lies outside the years 0 to 9999"))
        };
        let to = self
            .to
            .map(|when| at("to", when))
            .transpose()?
            .unwrap_or(now);
        let from = match self.from {
            Some(when) => at("from", when)?,
            None => to.saturating_add_micros(-DEFAULT_DAYS * DAY_MICROS),
        };
        if to <= from {
            let detail =
                format!("the window ends at {to}, which is not after its beginning {from}");
            return Err(Problem::new(Code::WindowBackwards, detail).on("to"));
        }
        Ok(Window { from, to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn asked(query: &str) -> Result<Window, Problem> {
        let mut params = Params::of_query(query).unwrap();
        WindowParams::take(&mut params)?.window(at("2026-03-31T12:00:00Z"))
    }

    #[test]
    fn a_window_that_is_left_out_is_the_last_thirty_days() {
        let window = asked("").unwrap();
        assert_eq!(window.to, at("2026-03-31T12:00:00Z"));
        assert_eq!(window.from, at("2026-03-01T12:00:00Z"));
    }

    #[test]
    fn a_day_is_its_midnight_in_the_zone() {
        let window = asked("from=2026-03-01&to=2026-03-02T00:00:00Z&zone=Europe/Berlin").unwrap();
        assert_eq!(window.from, at("2026-02-28T23:00:00Z"));
        assert_eq!(window.to, at("2026-03-02T00:00:00Z"));
    }

    #[test]
    fn a_midnight_that_never_was_is_the_end_of_the_gap() {
        // Cairo's clocks went from 23:59:59 to 01:00 that night.
        let window = asked("from=2024-04-26&zone=Africa/Cairo").unwrap();
        assert_eq!(window.from, at("2024-04-25T22:00:00Z"));
    }

    #[test]
    fn a_wrong_window_names_its_field() {
        let wrong = |query: &str| asked(query).unwrap_err();
        for query in [
            "from=2026-03-02&to=2026-03-01",
            "from=2026-03-01&to=2026-03-01",
        ] {
            assert_eq!(wrong(query).parts(), (Code::WindowBackwards, Some("to")));
        }
        let parameter = Code::InvalidParameter;
        assert_eq!(wrong("from=yesterday").parts(), (parameter, Some("from")));
        assert_eq!(wrong("to=2026-02-30").parts(), (parameter, Some("to")));
        assert_eq!(wrong("to=2026-3-1").parts(), (parameter, Some("to")));
        assert_eq!(wrong("zone=Mars").parts(), (parameter, Some("zone")));
        assert_eq!(
            wrong("from=2026-04-01").parts(),
            (Code::WindowBackwards, Some("to"))
        );
    }
}
