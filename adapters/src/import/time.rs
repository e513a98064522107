//! How a mapping reads a source's times: ISO forms, Unix numbers, or a pattern of the source's own.

use chrono::format::{Item, Parsed, StrftimeItems, parse};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use domain::Timestamp;

/// One way of writing times, and the zone that local ones are in.
#[derive(Debug, Clone)]
pub struct TimeFormat {
    form: Form,
    zone: Option<Tz>,
}

#[derive(Debug, Clone)]
enum Form {
    Iso,
    Unix,
    UnixMillis,
    Pattern {
        text: String,
        items: Vec<Item<'static>>,
    },
}

/// Text that is not a time in the expected form, or names none that exists.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTime {
    /// The text has another form.
    #[error("expected {0}")]
    Form(String),
    /// The clocks were put forward over this local time.
    #[error("expected a local time that exists: the clocks of {0} skip this one")]
    Skipped(Tz),
    /// The moment cannot be held.
    #[error("expected a time within the years 0 to 9999")]
    OutOfRange,
}

/// A `time` or `zone` that no text can be read with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTimeFormat {
    /// Neither a known name nor a pattern that names a date.
    #[error(
        "time is '{0}': expected iso, unix, unix_ms, or a strftime pattern that names at least \
         a whole date, such as %d/%m/%Y"
    )]
    Form(String),
    /// Not in the time zone database.
    #[error("zone is '{0}': expected a name such as Europe/Paris")]
    Zone(String),
    /// Unix numbers count from a moment in UTC.
    #[error("zone has no meaning for unix and unix_ms, which are always in UTC")]
    ZoneOfUnix,
}

/// A parsed text: a moment, or a local time or day that a zone makes one.
enum Moment {
    Utc(DateTime<Utc>),
    Local(NaiveDateTime),
    Day(NaiveDate),
}

/// Tried in this order after RFC 3339 itself; `T` stands for the letter or a space.
const OFFSET_FORMS: [&str; 4] = [
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f%#z",
    "%Y-%m-%dT%H:%M%#z",
    "%Y-%m-%d %H:%M%#z",
];
const LOCAL_FORMS: [&str; 4] = [
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
];

impl TimeFormat {
    /// Takes the `time` and `zone` of a mapping; the defaults are `iso` and UTC.
    pub fn new(form: Option<&str>, zone: Option<&str>) -> Result<Self, InvalidTimeFormat> {
        let form = match form.unwrap_or("iso") {
            "iso" => Form::Iso,
            "unix" => Form::Unix,
            "unix_ms" => Form::UnixMillis,
            pattern => Form::pattern(pattern)?,
        };
        let zone = zone
            .map(|name| {
                name.parse()
                    .map_err(|_| InvalidTimeFormat::Zone(name.to_owned()))
            })
            .transpose()?;
        if zone.is_some() && matches!(form, Form::Unix | Form::UnixMillis) {
            return Err(InvalidTimeFormat::ZoneOfUnix);
        }
        Ok(Self { form, zone })
    }

    /// Reads one text; space around it does not matter.
    ///
    /// An offset in the text outweighs the zone. Of a local time that happens twice, the earlier
    /// moment is meant; one that the clocks skip is refused.
    pub fn parse(&self, text: &str) -> Result<Timestamp, InvalidTime> {
        let moment = self
            .form
            .read(text.trim())
            .ok_or_else(|| self.form.expected())?;
        let at = match moment {
            Moment::Utc(at) => at,
            Moment::Local(local) => self.resolve(local)?,
            Moment::Day(day) => self.start_of(day)?,
        };
        Timestamp::from_chrono(at).ok_or(InvalidTime::OutOfRange)
    }

    fn resolve(&self, local: NaiveDateTime) -> Result<DateTime<Utc>, InvalidTime> {
        let Some(zone) = self.zone else {
            return Ok(local.and_utc());
        };
        let found = zone.from_local_datetime(&local).earliest();
        found
            .map(|at| at.to_utc())
            .ok_or(InvalidTime::Skipped(zone))
    }

    /// The first moment of a day, which in some zones and years is not midnight.
    fn start_of(&self, day: NaiveDate) -> Result<DateTime<Utc>, InvalidTime> {
        let midnight = day.and_time(NaiveTime::MIN);
        let later = (1..=6).filter_map(|n| midnight.checked_add_signed(TimeDelta::minutes(30 * n)));
        self.resolve(midnight).or_else(|skipped| {
            later
                .map(|at| self.resolve(at))
                .find(Result::is_ok)
                .unwrap_or(Err(skipped))
        })
    }
}

impl Form {
    fn pattern(text: &str) -> Result<Self, InvalidTimeFormat> {
        let invalid = || InvalidTimeFormat::Form(text.to_owned());
        let items = StrftimeItems::new(text)
            .parse_to_owned()
            .map_err(|_| invalid())?;
        // A pattern is good if what it writes of a moment can be read back as one.
        let sample = DateTime::UNIX_EPOCH.fixed_offset();
        let mut written = String::new();
        let shown = sample.format_with_items(items.iter());
        std::fmt::Write::write_fmt(&mut written, format_args!("{shown}")).map_err(|_| invalid())?;
        read_pattern(&written, &items).ok_or_else(invalid)?;
        Ok(Self::Pattern {
            text: text.to_owned(),
            items,
        })
    }

    fn read(&self, text: &str) -> Option<Moment> {
        match self {
            Self::Iso => read_iso(text),
            Self::Unix => read_unix(text, 6),
            Self::UnixMillis => read_unix(text, 3),
            Self::Pattern { items, .. } => read_pattern(text, items),
        }
    }

    fn expected(&self) -> InvalidTime {
        InvalidTime::Form(match self {
            Self::Iso => "a time such as 2026-03-01T12:00:00Z or a date such as 2026-03-01".into(),
            Self::Unix => "seconds since 1970".into(),
            Self::UnixMillis => "milliseconds since 1970".into(),
            Self::Pattern { text, .. } => format!("a time in the form {text}"),
        })
    }
}

fn read_iso(text: &str) -> Option<Moment> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(Moment::Utc(at.to_utc()));
    }
    // chrono would read 26-01-05 as a day of the year 26.
    let year = text.as_bytes().get(..5)?;
    if !year.iter().take(4).all(u8::is_ascii_digit) || year.last() != Some(&b'-') {
        return None;
    }
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(Moment::Day(day));
    }
    let offset = OFFSET_FORMS
        .iter()
        .find_map(|form| DateTime::parse_from_str(text, form).ok());
    if let Some(at) = offset {
        return Some(Moment::Utc(at.to_utc()));
    }
    let local = |text: &str| {
        LOCAL_FORMS
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
    };
    match text.strip_suffix(" UTC") {
        Some(text) => local(text).map(|at| Moment::Utc(at.and_utc())),
        None => local(text).map(Moment::Local),
    }
}

/// A decimal number of units, each `10^digits` microseconds; finer digits are cut.
fn read_unix(text: &str, digits: u32) -> Option<Moment> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let (negative, whole) = match whole.strip_prefix('-') {
        Some(whole) => (true, whole),
        None => (false, whole),
    };
    let digits_only = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits_only(whole) || !digits_only(fraction) {
        return None;
    }
    let finer = fraction
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(digits as usize);
    let finer = finer.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    let micros = whole
        .parse::<i64>()
        .ok()?
        .checked_mul(10_i64.pow(digits))?
        .checked_add(finer)?;
    DateTime::from_timestamp_micros(if negative { -micros } else { micros }).map(Moment::Utc)
}

fn read_pattern(text: &str, items: &[Item<'static>]) -> Option<Moment> {
    let mut parsed = Parsed::new();
    parse(&mut parsed, text, items.iter()).ok()?;
    if parsed.offset().is_some() || parsed.timestamp().is_some() {
        let at = parsed
            .to_naive_datetime_with_offset(parsed.offset().unwrap_or(0))
            .ok()?;
        let ahead = TimeDelta::seconds(i64::from(parsed.offset().unwrap_or(0)));
        return at
            .checked_sub_signed(ahead)
            .map(|at| Moment::Utc(at.and_utc()));
    }
    match parsed.to_naive_datetime_with_offset(0) {
        Ok(local) => Some(Moment::Local(local)),
        // A pattern without any time of day names a whole day; half a time is not one.
        Err(_) if parsed.hour_mod_12().is_none() && parsed.minute().is_none() => {
            parsed.to_naive_date().ok().map(Moment::Day)
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: &str, zone: Option<&str>, text: &str) -> String {
        let format = TimeFormat::new(Some(form), zone).expect("a valid format");
        match format.parse(text) {
            Ok(at) => at.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn iso_times_come_in_many_forms() {
        for (text, expected) in [
            (
                "2026-01-21T16:50:12.392120+00:00",
                "2026-01-21T16:50:12.392120Z",
            ),
            ("2026-01-21T16:50:12Z", "2026-01-21T16:50:12.000000Z"),
            ("2023-07-27T17:45:00+0000", "2023-07-27T17:45:00.000000Z"),
            ("2025-03-02T01:15:00+0530", "2025-03-01T19:45:00.000000Z"),
            ("2026-01-21 16:50:12", "2026-01-21T16:50:12.000000Z"),
            ("2026-01-21 16:50:12.5", "2026-01-21T16:50:12.500000Z"),
            ("2026-01-21T16:50", "2026-01-21T16:50:00.000000Z"),
            ("2026-01-21 16:50:12+02", "2026-01-21T14:50:12.000000Z"),
            ("2026-01-21 16:50:12 +0200", "2026-01-21T14:50:12.000000Z"),
            ("2026-01-21 16:50:12 UTC", "2026-01-21T16:50:12.000000Z"),
            (" 2026-02-09 ", "2026-02-09T00:00:00.000000Z"),
        ] {
            assert_eq!(read("iso", None, text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2025-02-30",
            "06/03/2025",
            "26-01-05",
            "2025-03-04T25:00:00Z",
            "yesterday",
            "1735692003",
            "2025-03-04T05:06:07Zjunk",
        ] {
            assert!(
                read("iso", None, text).starts_with("expected a time such as"),
                "{text}"
            );
        }
        for text in ["", "12x", "1.2.3", ".5", "-", "1e9"] {
            assert_eq!(
                read("unix", None, text),
                "expected seconds since 1970",
                "{text}"
            );
        }
        assert!(read("unix", None, "1735692003000").contains("years 0 to 9999"));
        assert!(read("unix", None, "9223372036854775807").starts_with("expected"));
    }

    #[test]
    fn unix_numbers_may_have_a_fraction() {
        assert_eq!(
            read("unix", None, "1735692003"),
            "2025-01-01T00:40:03.000000Z"
        );
        assert_eq!(
            read("unix", None, "1735692003.1234567"),
            "2025-01-01T00:40:03.123456Z"
        );
        assert_eq!(read("unix", None, "-1.5"), "1969-12-31T23:59:58.500000Z");
        assert_eq!(
            read("unix_ms", None, "1741064767123"),
            "2025-03-04T05:06:07.123000Z"
        );
    }

    #[test]
    fn a_zone_is_for_local_times_only() {
        let paris = Some("Europe/Paris");
        assert_eq!(
            read("iso", paris, "2026-07-01 12:00:00"),
            "2026-07-01T10:00:00.000000Z"
        );
        assert_eq!(
            read("iso", paris, "2026-07-01"),
            "2026-06-30T22:00:00.000000Z"
        );
        assert_eq!(
            read("iso", paris, "2026-07-01T12:00:00+09:00"),
            "2026-07-01T03:00:00.000000Z"
        );
        // Twice: the earlier, still in summer time. Never: refused.
        assert_eq!(
            read("iso", paris, "2026-10-25 02:30:00"),
            "2026-10-25T00:30:00.000000Z"
        );
        assert!(read("iso", paris, "2026-03-29 02:30:00").contains("Europe/Paris skip"));
        // The day began at one o'clock.
        let sao_paulo = Some("America/Sao_Paulo");
        assert_eq!(
            read("iso", sao_paulo, "2018-11-04"),
            "2018-11-04T03:00:00.000000Z"
        );
    }

    #[test]
    fn a_pattern_is_checked_before_it_is_used() {
        assert_eq!(
            read("%d/%m/%Y", None, "06/03/2025"),
            "2025-03-06T00:00:00.000000Z"
        );
        assert_eq!(
            read("%d/%m/%Y %H:%M", Some("Europe/Paris"), "06/03/2025 12:30"),
            "2025-03-06T11:30:00.000000Z"
        );
        assert_eq!(
            read(
                "%a %b %d %H:%M:%S %z %Y",
                None,
                "Thu Mar 06 12:30:00 +0200 2025"
            ),
            "2025-03-06T10:30:00.000000Z"
        );
        assert!(read("%d/%m/%Y", None, "2025-03-06").contains("%d/%m/%Y"));
        for bad in ["isoo", "%H:%M", "%Y-%m", "%Q", "%Y-%m-%d %H"] {
            let refused = TimeFormat::new(Some(bad), None);
            assert_eq!(
                refused.err(),
                Some(InvalidTimeFormat::Form(bad.into())),
                "{bad}"
            );
        }
        let refused = |form, zone| TimeFormat::new(Some(form), Some(zone)).err();
        assert_eq!(
            refused("iso", "Paris"),
            Some(InvalidTimeFormat::Zone("Paris".into()))
        );
        assert_eq!(refused("unix", "UTC"), Some(InvalidTimeFormat::ZoneOfUnix));
    }
}
