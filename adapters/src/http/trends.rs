//! A metric over a window: a point for each interval, and for each gap its cause.

mod gap;

use super::Services;
use super::accounts::Found;
use super::auth::By;
use super::envelope::{Answer, Envelope, Model, Reading, begin};
use super::params::{Asked, Params, Take, Wait};
use super::paths::{AccountPath, MetricPath};
use super::problem::{Problem, Problems};
use super::registry::{kind_name, unit_name};
use super::time::{Moment, Times, WindowParams};
use axum::Json;
use axum::extract::State;
use domain::{Metric, Timestamp};
use gap::{FailedSync, Gap, Known};
use projections::follower_trends::{self, Bucket, Interval, Point, TrendQuery};
use projections::sync_health;
use serde::Serialize;
use std::{collections::HashMap, str::FromStr, sync::Arc};
use utoipa::{IntoParams, ToSchema};

const MODELS: &[Model] = &[Model::Accounts, Model::FollowerTrends, Model::SyncHealth];
/// The most intervals, or observations, of one answer.
const MAX_POINTS: usize = 2000;
/// The most failed syncs that one gap names.
const MAX_FAILED_SYNCS: i64 = 5;

/// How a window is divided, if at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Every {
    Raw,
    Interval(Interval),
}

impl Every {
    /// All names, for the documentation.
    pub(super) const NAMES: [&'static str; 5] = ["raw", "hour", "day", "week", "month"];

    const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Interval(Interval::Hour) => "hour",
            Self::Interval(Interval::Day) => "day",
            Self::Interval(Interval::Week) => "week",
            Self::Interval(Interval::Month) => "month",
        }
    }
}

/// A name that is no interval.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is not an interval: expected raw, hour, day, week or month")]
pub(super) struct UnknownInterval(String);

impl FromStr for Every {
    type Err = UnknownInterval;

    fn from_str(text: &str) -> Result<Self, UnknownInterval> {
        if text == "raw" {
            return Ok(Self::Raw);
        }
        let interval = text.parse().map(Self::Interval);
        interval.map_err(|()| UnknownInterval(text.chars().take(80).collect()))
    }
}

/// How the window is divided.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TrendParams {
    /// `hour`, `day`, `week` (from Monday) or `month` of the zone's calendar, or `raw` for every
    /// single observation; `day`, if left out.
    #[param(value_type = Option<String>)]
    interval: Every,
}

impl Take for TrendParams {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        let interval = params.parsed("interval")?;
        Ok(Self {
            interval: interval.unwrap_or(Every::Interval(Interval::Day)),
        })
    }
}

/// A metric over a window.
#[derive(Serialize, ToSchema)]
pub(super) struct Trend {
    /// Whose.
    #[schema(format = "uuid")]
    account_id: String,
    /// The metric.
    #[schema(value_type = String)]
    metric: &'static str,
    /// How it behaves in time: `stock`, `flow` or `lifetime`.
    #[schema(value_type = String)]
    kind: &'static str,
    /// What one unit of a value means: `count` or `milliseconds`.
    #[schema(value_type = String)]
    unit: &'static str,
    /// How the window is divided: `raw`, `hour`, `day`, `week` or `month`.
    #[schema(value_type = String)]
    interval: &'static str,
    /// The time zone of the intervals.
    #[schema(value_type = String)]
    zone: &'static str,
    /// The window's beginning.
    from: Moment,
    /// The first moment after it.
    to: Moment,
    /// Whether there are more observations than these: only with `raw`.
    truncated: bool,
    /// One point for each interval; with `raw`, one for each observation, restated ones too.
    points: Vec<TrendPoint>,
}

/// The last known value of an interval, or the cause of its absence.
#[derive(Serialize, ToSchema)]
pub(super) struct TrendPoint {
    /// The interval's beginning; with `raw`, the moment of the observation.
    from: Moment,
    /// The first moment after it; with `raw`, the moment of the observation.
    to: Moment,
    /// The last value that was observed within the interval; null where there is none.
    value: Option<i64>,
    /// When it was read.
    observed_at: Option<Moment>,
    /// When the ledger learned of it.
    recorded_at: Option<Moment>,
    /// The revision, in the account's stream, of the event that says so.
    revision: Option<i64>,
    /// Why it is in the ledger: `observed`, `imported`, `restated`, `re-parsed`, `simulated`.
    #[schema(value_type = Option<String>)]
    cause: Option<&'static str>,
    /// Leading digits that the source gives, where it rounds.
    significant_digits: Option<i16>,
    /// Why there is no value; null where there is one.
    gap: Option<Gap>,
}

impl TrendPoint {
    fn of(from: Timestamp, to: Timestamp, point: Option<Point>, gap: Option<Gap>) -> Self {
        Self {
            from: Moment(from),
            to: Moment(to),
            value: point.map(|point| point.value),
            observed_at: point.map(|point| Moment(point.observed_at)),
            recorded_at: point.map(|point| Moment(point.recorded_at)),
            revision: point.map(|point| point.revision),
            cause: point.map(|point| point.cause.name()),
            significant_digits: point.and_then(|point| point.significant_digits),
            gap,
        }
    }
}

/// The points of a divided window.
async fn divided(
    client: &Reading,
    query: &TrendQuery,
    buckets: Vec<Bucket>,
    known: Known,
) -> Result<Vec<TrendPoint>, Problem> {
    let empty: Vec<_> = buckets
        .iter()
        .filter(|bucket| bucket.point.is_none())
        .map(|bucket| (bucket.from, bucket.to))
        .collect();
    let mut failed: HashMap<Timestamp, Vec<FailedSync>> = HashMap::new();
    if !empty.is_empty() && !known.erased {
        let known_at = query.known_at;
        let found = sync_health::failed_by_window(
            client,
            query.account,
            &empty,
            known_at,
            MAX_FAILED_SYNCS,
        )
        .await?;
        for (place, sync) in found {
            if let Some((from, _)) = empty.get(place) {
                failed.entry(*from).or_default().push(sync.into());
            }
        }
    }
    let point = |bucket: Bucket| {
        let gap = bucket.point.is_none().then(|| {
            let failed_syncs = failed.remove(&bucket.from).unwrap_or_default();
            known.gap(&bucket, failed_syncs)
        });
        TrendPoint::of(bucket.from, bucket.to, bucket.point, gap)
    };
    Ok(buckets.into_iter().map(point).collect())
}

/// Shows an account's metric over a window.
///
/// Counts that fall and corrections are shown as they are. An interval without a value says why.
/// At most 2,000 intervals, or 2,000 observations with `interval=raw`.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account_id}/trends/{metric}",
    operation_id = "getTrend",
    tag = "metrics",
    params(AccountPath, MetricPath, TrendParams, WindowParams, Times, Wait),
    responses((status = 200, description = "The points.", body = Envelope<Trend>), Problems)
)]
pub(super) async fn trend(
    State(services): State<Arc<Services>>,
    By(caller, stood): By,
    Asked((path, metric, asked)): Asked<(AccountPath, MetricPath, TrendAsked)>,
) -> Answer<Trend> {
    let metric = Metric::of_account(&metric.metric)?;
    let TrendAsked {
        every,
        window: given,
        times,
        wait,
    } = asked;
    // Before the database is asked: a wrong window is refused even while it is down.
    let window = given.window(services.clock.now())?;
    let (client, read) = begin(&services, stood, MODELS, wait).await?;
    let found = Found::find(&client, &caller, path.account_id).await?;
    let query = TrendQuery {
        account: path.account_id,
        metric,
        from: window.from,
        to: window.to,
        as_of: times.as_of_or(read.now),
        known_at: times.known_at(),
    };
    let mut truncated = false;
    let erased = found.account.is_erased();
    let points = match every {
        Every::Raw if erased => vec![],
        Every::Raw => {
            let limit = i64::try_from(MAX_POINTS + 1).unwrap_or(i64::MAX);
            let mut points = follower_trends::raw(&client, &query, limit).await?;
            truncated = points.len() > MAX_POINTS;
            points.truncate(MAX_POINTS);
            let at = |p: Point| TrendPoint::of(p.observed_at, p.observed_at, Some(p), None);
            points.into_iter().map(at).collect()
        }
        Every::Interval(interval) => {
            let zone = given.zone;
            let buckets =
                follower_trends::trend(&client, &query, interval, zone, MAX_POINTS).await?;
            let mut buckets = buckets.ok_or_else(|| {
                let detail = format!(
                    "the window has more than {MAX_POINTS} intervals: shorten it, or take longer \
                     intervals"
                );
                Problem::invalid("interval", detail)
            })?;
            // What another read model may not have removed yet.
            for bucket in buckets.iter_mut().filter(|_| erased) {
                bucket.point = None;
            }
            let first_observed_at = found.account.first_observed_at;
            let known = Known {
                until: query.as_of.min(read.now),
                first_observed_at,
                erased,
            };
            divided(&client, &query, buckets, known).await?
        }
    };
    let data = Trend {
        account_id: path.account_id.to_string(),
        metric: metric.name(),
        kind: kind_name(metric.kind()),
        unit: unit_name(metric.unit()),
        interval: every.name(),
        zone: given.zone.name(),
        from: Moment(window.from),
        to: Moment(window.to),
        truncated,
        points,
    };
    Ok(Json(Envelope::new(
        data,
        &read,
        times,
        found.freshness(read.now),
    )))
}

/// The query of a trend as one.
pub(super) struct TrendAsked {
    every: Every,
    window: WindowParams,
    times: Times,
    wait: Wait,
}

impl Take for TrendAsked {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        Ok(Self {
            every: TrendParams::take(params)?.interval,
            window: WindowParams::take(params)?,
            times: Times::take(params)?,
            wait: Wait::take(params)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_read_back() {
        for name in Every::NAMES {
            assert_eq!(name.parse::<Every>().map(Every::name).ok(), Some(name));
        }
        assert!("year".parse::<Every>().is_err());
    }
}
