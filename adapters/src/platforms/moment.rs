//! The platforms' ways of writing times, and the days of California that they count by.

use chrono::{DateTime, Days, LocalResult, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::America::Los_Angeles;
use domain::Timestamp;
use domain::observation::Period;
use domain::time::DAY_MICROS;

/// The longest duration that is read, in bytes of its text.
const MAX_DURATION_BYTES: usize = 32;

/// A moment with its offset: RFC 3339, or as Meta writes it, without a colon in the offset
/// (`2019-09-26T22:36:43+0000`).
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let at = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%z"));
    at.ok().and_then(|at| Timestamp::from_chrono(at.to_utc()))
}

/// Seconds since 1970.
pub(super) fn from_seconds(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_micros(seconds.checked_mul(1_000_000)?)
}

/// The length of an ISO 8601 duration such as `P2DT3H4M5S`, in milliseconds. Years and months
/// have no fixed length and are refused.
pub(super) fn duration_ms(text: &str) -> Option<i64> {
    let rest = text
        .strip_prefix('P')
        .filter(|_| text.len() <= MAX_DURATION_BYTES)?;
    let (days, clock) = rest.split_once('T').unwrap_or((rest, ""));
    let mut total = 0_i64;
    let mut any = false;
    for (part, units) in [
        (days, &[('W', 604_800_i64), ('D', 86_400)][..]),
        (clock, &[('H', 3_600), ('M', 60), ('S', 1)][..]),
    ] {
        let mut rest = part;
        for (letter, seconds) in units {
            if let Some((number, after)) = rest.split_once(*letter) {
                let number: i64 = number
                    .bytes()
                    .all(|it| it.is_ascii_digit())
                    .then(|| number.parse().ok())??;
                total = total.checked_add(number.checked_mul(seconds * 1_000)?)?;
                rest = after;
                any = true;
            }
        }
        if !rest.is_empty() {
            return None;
        }
    }
    any.then_some(total)
}

/// The next midnight in California after a moment, when YouTube's quota begins anew.
pub(super) fn next_midnight_pacific(now: Timestamp) -> Timestamp {
    let today = now.to_chrono().with_timezone(&Los_Angeles).date_naive();
    let midnight = today
        .checked_add_days(Days::new(1))
        .and_then(midnight_pacific);
    midnight.unwrap_or_else(|| now.saturating_add_micros(DAY_MICROS))
}

/// The day in California that ends at this moment; where the moment is no midnight there, the 24
/// hours before it.
pub(super) fn day_that_ends(end: Timestamp) -> Option<Period> {
    let local = end.to_chrono().with_timezone(&Los_Angeles);
    let from = match local.time() == NaiveTime::MIN {
        true => midnight_pacific(local.date_naive().checked_sub_days(Days::new(1))?)?,
        false => Timestamp::from_micros(end.micros().checked_sub(DAY_MICROS)?)?,
    };
    Some(Period { from, to: end })
}

/// A day in California by its date, `2026-06-20`.
pub(super) fn pacific_day(text: &str) -> Option<Period> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(Period {
        from: midnight_pacific(day)?,
        to: midnight_pacific(day.checked_add_days(Days::new(1))?)?,
    })
}

fn midnight_pacific(day: NaiveDate) -> Option<Timestamp> {
    // California's clocks change at two in the morning: midnight is there once each day.
    let found: LocalResult<DateTime<_>> =
        Los_Angeles.from_local_datetime(&day.and_time(NaiveTime::MIN));
    let at: DateTime<Utc> = found.earliest()?.to_utc();
    Timestamp::from_chrono(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        parse(text).expect("a time")
    }

    #[test]
    fn both_ways_of_writing_an_offset_are_read() {
        assert_eq!(at("2019-09-26T22:36:43+0000"), at("2019-09-26T22:36:43Z"));
        assert_eq!(at("2026-01-01T01:00:00+01:00"), at("2026-01-01T00:00:00Z"));
        for text in ["", "2026-01-01", "yesterday", "2026-13-01T00:00:00Z"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(from_seconds(i64::MAX), None);
    }

    #[test]
    fn durations() {
        assert_eq!(duration_ms("P2DT3H4M5S"), Some(183_845_000));
        assert_eq!(duration_ms("PT58S"), Some(58_000));
        assert_eq!(duration_ms("P0D"), Some(0));
        for text in [
            "",
            "P",
            "PT",
            "58",
            "P1Y",
            "PT-5S",
            "PT5",
            "PT99999999999999999999S",
            "PT5M5H",
        ] {
            assert_eq!(duration_ms(text), None, "{text}");
        }
    }

    #[test]
    fn days_of_california_follow_its_clocks() {
        // Summer: midnight is 07:00 in UTC; winter: 08:00; the day the clocks go forward has 23 h.
        let day = day_that_ends(at("2026-05-01T07:00:00+0000")).expect("a day");
        assert_eq!(day.from, at("2026-04-30T07:00:00Z"));
        let short = pacific_day("2026-03-08").expect("a day");
        assert_eq!(
            (short.from, short.to),
            (at("2026-03-08T08:00:00Z"), at("2026-03-09T07:00:00Z"))
        );
        assert_eq!(day_that_ends(short.to), Some(short));
        let other = day_that_ends(at("2026-05-01T12:00:00Z")).expect("a span");
        assert_eq!(other.from, at("2026-04-30T12:00:00Z"));
        assert_eq!(pacific_day("2026-02-30"), None);
    }

    #[test]
    fn the_quota_begins_at_midnight_in_california() {
        assert_eq!(
            next_midnight_pacific(at("2026-07-01T06:59:59Z")),
            at("2026-07-01T07:00:00Z")
        );
        assert_eq!(
            next_midnight_pacific(at("2026-07-01T07:00:00Z")),
            at("2026-07-02T07:00:00Z")
        );
        assert_eq!(
            next_midnight_pacific(at("2026-11-01T12:00:00Z")),
            at("2026-11-02T08:00:00Z")
        );
    }
}
