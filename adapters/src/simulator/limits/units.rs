//! YouTube's quota: units of a project, anew at midnight in California, by its own clocks.

use chrono::{DateTime, NaiveDate, NaiveTime};
use chrono_tz::America::Los_Angeles;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Quotas that are counted apart (YouTube Data API, "Quota costs", as of 2026-06).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bucket {
    /// The general pool.
    General,
    /// `search.list`.
    Search,
    /// `videos.batchGetStats`.
    Batch,
}

/// Units taken today.
#[derive(Default)]
pub(super) struct Units {
    day: NaiveDate,
    taken: BTreeMap<Bucket, u64>,
}

/// The day in California at a Unix second.
pub(in crate::simulator) fn pacific_day(at: i64) -> NaiveDate {
    let utc = DateTime::from_timestamp(at, 0).unwrap_or_default();
    utc.with_timezone(&Los_Angeles).date_naive()
}

/// The Unix second at which a day in California ends. No change of clocks is at midnight there.
pub(in crate::simulator) fn midnight_after(day: NaiveDate) -> i64 {
    let next = day.succ_opt().unwrap_or(day).and_time(NaiveTime::MIN);
    let local = next.and_local_timezone(Los_Angeles).earliest();
    local.map_or(0, |it| it.timestamp())
}

impl Units {
    /// Takes units if there are enough.
    pub(super) fn take(&mut self, bucket: Bucket, units: u64, allowed: u64, now: i64) -> bool {
        let taken = self.taken(bucket, now) + units;
        if taken > allowed {
            return false;
        }
        self.taken.insert(bucket, taken);
        true
    }

    /// What is taken today.
    pub(super) fn taken(&mut self, bucket: Bucket, now: i64) -> u64 {
        let day = pacific_day(now);
        if day != self.day {
            (self.day, self.taken) = (day, BTreeMap::new());
        }
        self.taken.get(&bucket).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text)
            .expect("a time")
            .timestamp()
    }

    #[test]
    fn units_are_anew_at_midnight_in_california() {
        // Standard time, and daylight saving time: clocks went forward on 2026-03-08 and back on
        // 2026-11-01.
        for (before, after) in [
            ("2026-01-15T07:59:59Z", "2026-01-15T08:00:00Z"),
            ("2026-03-08T07:59:59Z", "2026-03-08T08:00:00Z"),
            ("2026-03-09T06:59:59Z", "2026-03-09T07:00:00Z"),
            ("2026-07-15T06:59:59Z", "2026-07-15T07:00:00Z"),
            ("2026-11-01T06:59:59Z", "2026-11-01T07:00:00Z"),
            ("2026-11-02T07:59:59Z", "2026-11-02T08:00:00Z"),
        ] {
            let mut units = Units::default();
            assert!(
                units.take(Bucket::General, 9_999, 10_000, at(before)),
                "{before}"
            );
            assert!(!units.take(Bucket::General, 2, 10_000, at(before)));
            assert!(units.take(Bucket::Search, 1, 100, at(before)));
            assert_eq!(units.taken(Bucket::General, at(before)), 9_999);
            assert!(
                units.take(Bucket::General, 10_000, 10_000, at(after)),
                "{after}"
            );
            assert_eq!(units.taken(Bucket::Search, at(after)), 0);
        }
    }
}
