//! A metric over a window: every observation, or the last one of each interval.

use super::point::{Point, last_known};
use crate::sql::{At, Connection, Reader};
use chrono::{DateTime, Datelike, Days, LocalResult, Months, NaiveDate, NaiveDateTime, TimeZone};
use chrono_tz::Tz;
use domain::{AccountId, Metric, Timestamp};
use std::str::FromStr;
use tokio_postgres::Error;

/// The longest stretch of local time that a zone ever skipped.
const LONGEST_GAP_HOURS: i64 = 25;

/// How a window is divided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interval {
    /// Hours of 60 minutes.
    Hour,
    /// Calendar days of the time zone, of 23 to 25 hours.
    Day,
    /// Calendar weeks from Monday.
    Week,
    /// Calendar months.
    Month,
}

impl FromStr for Interval {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "hour" => Ok(Self::Hour),
            "day" => Ok(Self::Day),
            "week" => Ok(Self::Week),
            "month" => Ok(Self::Month),
            _ => Err(()),
        }
    }
}

/// What is asked: times are inclusive at `from` and exclusive at `to`.
#[derive(Clone, Copy, Debug)]
pub struct TrendQuery {
    /// Whose.
    pub account: AccountId,
    /// Which metric.
    pub metric: Metric,
    /// The beginning of the window.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
    /// Observations after this moment are left out.
    pub as_of: Timestamp,
    /// What was learned after this moment is left out.
    pub known_at: Timestamp,
}

/// One interval of a trend.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    /// Its beginning.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
    /// Its last observation with a known value, if there is one.
    pub point: Option<Point>,
    /// Whether the metric was observed in it and withheld.
    pub hidden: bool,
}

/// The statement behind [`trend`]: one index descent for each interval, however dense the data.
pub fn trend_sql() -> String {
    let last = last_known(
        "t.account_id = $1 and t.metric = $2
                     and t.observed_at >= bucket.since and t.observed_at < bucket.until
                     and t.observed_at <= $5 and t.recorded_at <= $6",
    );
    format!(
        "
    select bucket.n, last.observed_at, last.recorded_at, last.value, last.revision, last.cause,
        last.significant_digits, hidden.observed_at is not null as hidden
    from unnest($3::timestamptz[], $4::timestamptz[]) with ordinality as bucket (since, until, n)
    left join lateral {last} last on true
    left join lateral (
        select observed_at
        from follower_trends_vN
        where last.value is null and account_id = $1 and metric = $2
            and observed_at >= bucket.since and observed_at < bucket.until
            and observed_at <= $5 and recorded_at <= $6
        limit 1
    ) hidden on true
    order by bucket.n"
    )
}

/// The last known value of each interval. At most `limit` intervals; `None` if there are more.
pub async fn trend(
    client: &Reader<impl Connection>,
    query: &TrendQuery,
    interval: Interval,
    zone: Tz,
    limit: usize,
) -> Result<Option<Vec<Bucket>>, Error> {
    let Some(bounds) = interval.bounds(query.from, query.to, zone, limit) else {
        return Ok(None);
    };
    let since: Vec<At> = bounds.iter().map(|(since, _)| At(*since)).collect();
    let until: Vec<At> = bounds.iter().map(|(_, until)| At(*until)).collect();
    let rows = client
        .query(
            &trend_sql(),
            &[
                &query.account.uuid(),
                &query.metric.name(),
                &since,
                &until,
                &At(query.as_of),
                &At(query.known_at),
            ],
        )
        .await?;
    let buckets = rows.iter().zip(bounds).map(|(row, (from, to))| {
        let known = row.try_get::<_, Option<i64>>("value")?.is_some();
        let point = known.then(|| Point::read(row)).transpose()?;
        Ok(Bucket {
            from,
            to,
            point,
            hidden: row.try_get("hidden")?,
        })
    });
    buckets.collect::<Result<_, _>>().map(Some)
}

/// Every observation of the window with a known value, oldest first; restated ones one by one.
pub async fn raw(
    client: &Reader<impl Connection>,
    query: &TrendQuery,
    limit: i64,
) -> Result<Vec<Point>, Error> {
    let rows = client
        .query(
            "select observed_at, recorded_at, value, revision, cause, significant_digits
             from follower_trends_vN
             where account_id = $1 and metric = $2 and observed_at >= $3 and observed_at < $4
                 and observed_at <= $5 and recorded_at <= $6 and value is not null
             order by observed_at, revision
             limit $7",
            &[
                &query.account.uuid(),
                &query.metric.name(),
                &At(query.from),
                &At(query.to),
                &At(query.as_of),
                &At(query.known_at),
                &limit,
            ],
        )
        .await?;
    rows.iter().map(Point::read).collect()
}

impl Interval {
    /// The intervals that cover a window, the first and last cut to it.
    fn bounds(
        self,
        from: Timestamp,
        to: Timestamp,
        zone: Tz,
        limit: usize,
    ) -> Option<Vec<(Timestamp, Timestamp)>> {
        let mut bounds = vec![];
        let mut since = from;
        let mut start = self.floor(from.to_chrono().with_timezone(&zone).naive_local());
        while since < to {
            if bounds.len() == limit {
                return None;
            }
            // An hour that a zone skips or repeats makes an empty or a longer interval; beyond the
            // year 9999 there is none that the window would not end before.
            let next = self.next(start);
            let until = next
                .and_then(|next| moment(zone, next))
                .unwrap_or(to)
                .min(to);
            start = next.unwrap_or(start);
            if until > since {
                bounds.push((since, until));
                since = until;
            }
        }
        Some(bounds)
    }

    fn floor(self, local: NaiveDateTime) -> NaiveDateTime {
        let day = local.date();
        let midnight = |day: NaiveDate| day.and_time(chrono::NaiveTime::MIN);
        match self {
            Self::Hour => {
                let hour = chrono::Timelike::hour(&local);
                day.and_hms_opt(hour, 0, 0).unwrap_or_else(|| midnight(day))
            }
            Self::Day => midnight(day),
            Self::Week => {
                let since_monday = u64::from(day.weekday().num_days_from_monday());
                midnight(day.checked_sub_days(Days::new(since_monday)).unwrap_or(day))
            }
            Self::Month => midnight(day.with_day(1).unwrap_or(day)),
        }
    }

    fn next(self, start: NaiveDateTime) -> Option<NaiveDateTime> {
        match self {
            Self::Hour => start.checked_add_signed(chrono::TimeDelta::hours(1)),
            Self::Day => start.checked_add_days(Days::new(1)),
            Self::Week => start.checked_add_days(Days::new(7)),
            Self::Month => start.checked_add_months(Months::new(1)),
        }
    }
}

/// The moment of a local time: the earlier of two, and the end of a gap for one that never is.
fn moment(zone: Tz, local: NaiveDateTime) -> Option<Timestamp> {
    // Clocks skip an hour as a rule; crossing the date line, a zone skipped a whole day.
    let found: Option<DateTime<Tz>> = (0..=LONGEST_GAP_HOURS).find_map(|hours| {
        let later = local.checked_add_signed(chrono::TimeDelta::hours(hours))?;
        match zone.from_local_datetime(&later) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at),
            LocalResult::None => None,
        }
    });
    found.and_then(|at| Timestamp::from_chrono(at.with_timezone(&chrono::Utc)))
}
