//! The audience's rhythm: a clock that runs fast when people look and slowly when they sleep.
//!
//! Whatever grows in this world grows by this clock, so that every count has the rhythm of days
//! and weeks, and any span can be told without walking through it.

/// How lively each weekday is, from Monday; 100 is the average.
const WEEKDAYS: [i64; 7] = [92, 90, 94, 98, 104, 112, 110];

/// How lively each hour of a day is (UTC); 100 is the average.
const HOURS: [i64; 24] = [
    40, 25, 20, 15, 15, 25, 50, 80, 100, 105, 105, 110, 120, 115, 105, 105, 110, 125, 155, 185,
    205, 205, 180, 100,
];

/// Seconds of a day.
pub(in crate::simulator) const DAY: i64 = 86_400;

/// What one average second adds.
const SECOND: i64 = 100 * 100;

/// What one average day adds.
pub(super) const AUDIENCE_DAY: i64 = DAY * SECOND;

/// What one average hour adds.
pub(super) const AUDIENCE_HOUR: i64 = 3_600 * SECOND;

/// The audience's clock at a Unix second. It never goes back, and a week adds seven average days.
pub(super) fn audience(at: i64) -> i64 {
    let day = at.div_euclid(DAY);
    // 1970-01-01 was a Thursday, the fourth day from Monday.
    let since_monday = (day + 3).rem_euclid(7);
    let weeks = (day + 3).div_euclid(7);
    let mut passed = weeks * 7 * AUDIENCE_DAY;
    let mut today = 0;
    for (weekday, lively) in (0_i64..).zip(WEEKDAYS) {
        if weekday < since_monday {
            passed += lively * DAY * 100;
        } else if weekday == since_monday {
            today = lively;
        }
    }
    let second = at.rem_euclid(DAY);
    for (hour, lively) in (0_i64..).zip(HOURS) {
        let within = (second - hour * 3_600).clamp(0, 3_600);
        passed += lively * today * within;
    }
    passed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_are_a_hundred() {
        assert_eq!(WEEKDAYS.iter().sum::<i64>(), 700);
        assert_eq!(HOURS.iter().sum::<i64>(), 2_400);
    }

    #[test]
    fn it_never_goes_back_and_a_week_is_a_week() {
        let start = 1_767_225_600;
        for hour in 0..400 {
            let at = start + hour * 3_600;
            assert!(audience(at + 1_800) > audience(at), "{hour}");
            assert_eq!(audience(at + 7 * DAY) - audience(at), 7 * AUDIENCE_DAY);
        }
        // Before 1970 too.
        assert!(audience(-1) < audience(0));
    }

    #[test]
    fn saturdays_are_livelier_than_tuesdays() {
        // 2026-01-03 was a Saturday, 2026-01-06 a Tuesday.
        let of = |midnight: i64| audience(midnight + DAY) - audience(midnight);
        assert!(of(1_767_398_400) > of(1_767_657_600) * 12 / 10);
    }
}
