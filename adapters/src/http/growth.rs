//! How an account's metric grew: between two moments, and over the last week.

use super::Services;
use super::accounts::Found;
use super::auth::By;
use super::envelope::{Answer, Envelope, Model, Reading, begin};
use super::flight::together;
use super::params::{Asked, Params, Take, Wait};
use super::paths::AccountPath;
use super::problem::{Problem, Problems};
use super::time::{KnownAt, Moment, Times, WindowParams};
use axum::Json;
use axum::extract::State;
use domain::formula::{self, Formula, Ratio};
use domain::{AccountId, Metric, Platform, Timestamp, time::DAY_MICROS};
use projections::accounts::AccountRow;
use projections::follower_trends::{self, Point};
use serde::Serialize;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

const MODELS: &[Model] = &[Model::Accounts, Model::FollowerTrends, Model::SyncHealth];
const WEEK_MICROS: i64 = 7 * DAY_MICROS;
/// Decimals of a percentage.
pub(super) const DECIMALS: u32 = 4;

/// Which metric grows.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct GrowthParams {
    /// The metric of accounts; `followers`, if left out.
    #[param(value_type = Option<String>)]
    metric: String,
}

impl Take for GrowthParams {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        let metric = params.text("metric");
        Ok(Self {
            metric: metric.unwrap_or_else(|| Metric::Followers.name().to_owned()),
        })
    }
}

/// A known value and where it comes from.
#[derive(Serialize, ToSchema)]
pub(super) struct ObservedValue {
    /// The value.
    value: i64,
    /// When it was read.
    observed_at: Moment,
    /// When the ledger learned of it.
    recorded_at: Moment,
    /// The revision, in the account's stream, of the event that says so.
    revision: i64,
    /// Why it is in the ledger: `observed`, `imported`, `restated`, `re-parsed`, `simulated`.
    #[schema(value_type = String)]
    cause: &'static str,
    /// Leading digits that the source gives, where it rounds.
    significant_digits: Option<i16>,
}

impl From<Point> for ObservedValue {
    fn from(point: Point) -> Self {
        Self {
            value: point.value,
            observed_at: Moment(point.observed_at),
            recorded_at: Moment(point.recorded_at),
            revision: point.revision,
            cause: point.cause.name(),
            significant_digits: point.significant_digits,
        }
    }
}

/// How an account's metric grew between two moments.
#[derive(Serialize, ToSchema)]
pub(super) struct Growth {
    /// Whose.
    #[schema(format = "uuid")]
    account_id: String,
    /// The metric.
    #[schema(value_type = String)]
    metric: &'static str,
    /// The formula of `percent`: `growth@1`.
    #[schema(value_type = String)]
    formula: &'static str,
    /// The first moment.
    from: Moment,
    /// The second moment.
    to: Moment,
    /// The last known value as of the first moment.
    start: Option<ObservedValue>,
    /// The last known value as of the second moment.
    end: Option<ObservedValue>,
    /// End minus start.
    delta: Option<i64>,
    /// 100 x (end - start) / start, to 4 decimals; null where it is undefined.
    percent: Option<f64>,
    /// Why `percent` is null.
    reason: Option<String>,
}

/// How an account's followers grew over the last 7 days.
#[derive(Serialize, ToSchema)]
pub(super) struct Velocity {
    /// Whose.
    #[schema(format = "uuid")]
    account_id: String,
    /// The metric: `followers`.
    #[schema(value_type = String)]
    metric: &'static str,
    /// The formula of `percent_per_day`: `velocity@1`.
    #[schema(value_type = String)]
    formula: &'static str,
    /// 7 days before the moment that the answer is as of.
    from: Moment,
    /// The moment that the answer is as of.
    to: Moment,
    /// The last known value as of the beginning.
    start: Option<ObservedValue>,
    /// The last known value as of the end.
    end: Option<ObservedValue>,
    /// Growth in percent of the start, divided by 7, to 4 decimals; null where it is undefined.
    percent_per_day: Option<f64>,
    /// Why `percent_per_day` is null.
    reason: Option<String>,
}

/// The two ends of a growth.
struct Ends {
    start: Option<Point>,
    end: Option<Point>,
}

impl Ends {
    async fn find(
        client: &Reading,
        account: AccountId,
        metric: Metric,
        (from, to): (Timestamp, Timestamp),
        known_at: Timestamp,
    ) -> Result<Self, Problem> {
        let (start, end) = together(
            follower_trends::metric_as_of(client, account, metric, from, known_at),
            follower_trends::metric_as_of(client, account, metric, to, known_at),
        )
        .await?;
        Ok(Self { start, end })
    }

    /// Those of an erased account.
    const NONE: Self = Self {
        start: None,
        end: None,
    };

    /// The percentage, or why there is none.
    fn percent(
        &self,
        account: &AccountRow,
        is_allowed: bool,
        formula: impl Fn(i64, i64) -> Option<Ratio>,
    ) -> Result<f64, &'static str> {
        if account.is_erased() {
            return Err("the account was erased");
        }
        if !is_allowed {
            return Err("switched off for this platform");
        }
        let start = self.start.ok_or("no observation at or before from")?;
        let end = self.end.ok_or("no observation at or before to")?;
        let ratio = formula(start.value, end.value).ok_or("start is zero")?;
        Ok(ratio.to_number(DECIMALS))
    }
}

fn is_allowed(services: &Services, platform: Option<Platform>, formula: Formula) -> bool {
    platform.is_none_or(|platform| services.formulas.allows(platform, formula))
}

fn split(outcome: Result<f64, &'static str>) -> (Option<f64>, Option<String>) {
    match outcome {
        Ok(number) => (Some(number), None),
        Err(reason) => (None, Some(reason.to_owned())),
    }
}

/// Shows how an account's metric grew between two moments.
///
/// Both ends are the last known values as of their moments, which may have been observed earlier:
/// each says when.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account_id}/growth",
    operation_id = "getGrowth",
    tag = "metrics",
    params(AccountPath, GrowthParams, WindowParams, KnownAt, Wait),
    responses((status = 200, description = "The growth.", body = Envelope<Growth>), Problems)
)]
pub(super) async fn of_account(
    State(services): State<Arc<Services>>,
    By(caller, stood): By,
    Asked((path, asked)): Asked<(AccountPath, GrowthAsked)>,
) -> Answer<Growth> {
    let metric = Metric::of_account(&asked.metric)?;
    let window = asked.window.window(services.clock.now())?;
    let (client, read) = begin(&services, stood, MODELS, asked.wait).await?;
    let found = Found::find(&client, &caller, path.account_id).await?;
    let times = asked.known_at.times();
    let moments = (window.from, window.to);
    let ends = if found.account.is_erased() {
        Ends::NONE
    } else {
        Ends::find(&client, path.account_id, metric, moments, times.known_at()).await?
    };
    let allowed = is_allowed(&services, found.account.platform(), Formula::Growth1);
    let (percent, reason) = split(ends.percent(&found.account, allowed, formula::growth));
    let both = ends.start.zip(ends.end);
    let data = Growth {
        account_id: path.account_id.to_string(),
        metric: metric.name(),
        formula: Formula::Growth1.name(),
        from: Moment(window.from),
        to: Moment(window.to),
        start: ends.start.map(Into::into),
        end: ends.end.map(Into::into),
        delta: both.map(|(start, end)| end.value.saturating_sub(start.value)),
        percent,
        reason,
    };
    Ok(Json(Envelope::new(
        data,
        &read,
        times,
        found.freshness(read.now),
    )))
}

/// Shows how fast an account's followers grow: over the 7 days before `as_of`, in percent a day.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account_id}/velocity",
    operation_id = "getVelocity",
    tag = "metrics",
    params(AccountPath, Times, Wait),
    responses((status = 200, description = "The velocity.", body = Envelope<Velocity>), Problems)
)]
pub(super) async fn velocity(
    State(services): State<Arc<Services>>,
    By(caller, stood): By,
    Asked((path, times, wait)): Asked<(AccountPath, Times, Wait)>,
) -> Answer<Velocity> {
    let metric = Metric::Followers;
    let (client, read) = begin(&services, stood, MODELS, wait).await?;
    let found = Found::find(&client, &caller, path.account_id).await?;
    let to = times.as_of_or(read.now);
    let from = to.saturating_add_micros(-WEEK_MICROS);
    let known_at = times.known_at();
    let ends = if found.account.is_erased() {
        Ends::NONE
    } else {
        Ends::find(&client, path.account_id, metric, (from, to), known_at).await?
    };
    let allowed = is_allowed(&services, found.account.platform(), Formula::Velocity1);
    let (percent_per_day, reason) = split(ends.percent(&found.account, allowed, formula::velocity));
    let data = Velocity {
        account_id: path.account_id.to_string(),
        metric: metric.name(),
        formula: Formula::Velocity1.name(),
        from: Moment(from),
        to: Moment(to),
        start: ends.start.map(Into::into),
        end: ends.end.map(Into::into),
        percent_per_day,
        reason,
    };
    Ok(Json(Envelope::new(
        data,
        &read,
        times,
        found.freshness(read.now),
    )))
}

/// The query of a growth as one.
pub(super) struct GrowthAsked {
    pub(super) metric: String,
    pub(super) window: WindowParams,
    pub(super) known_at: KnownAt,
    pub(super) wait: Wait,
}

impl Take for GrowthAsked {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        Ok(Self {
            metric: GrowthParams::take(params)?.metric,
            window: WindowParams::take(params)?,
            known_at: KnownAt::take(params)?,
            wait: Wait::take(params)?,
        })
    }
}
