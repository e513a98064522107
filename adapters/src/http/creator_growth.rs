//! How a metric grew over all of a creator's accounts.

use super::Services;
use super::auth::By;
use super::envelope::{Answer, Envelope, Freshness, Model, begin};
use super::growth::{DECIMALS, GrowthAsked, GrowthParams};
use super::params::{Asked, Params, Take, Wait};
use super::paths::CreatorPath;
use super::problem::{Problem, Problems};
use super::time::{KnownAt, Moment, WindowParams};
use axum::Json;
use axum::extract::State;
use domain::formula::{Formula, Ratio};
use domain::{Metric, Platform};
use projections::follower_trends::{self, GrowthQuery};
use serde::Serialize;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// None of the accounts shows its own health here.
const MODELS: &[Model] = &[Model::Accounts, Model::FollowerTrends];

/// Which accounts of a creator count.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct MinimumParams {
    /// Only accounts whose value at the start is at least this.
    #[param(value_type = Option<i64>, minimum = 0)]
    minimum_start: Option<i64>,
}

impl Take for MinimumParams {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        Ok(Self {
            minimum_start: params.number("minimum_start", (0, i64::MAX))?,
        })
    }
}

/// How a metric grew over all of a creator's accounts.
#[derive(Serialize, ToSchema)]
pub(super) struct CreatorGrowth {
    /// Whose accounts.
    creator: String,
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
    /// How many accounts count: with a value at the start and at the end.
    accounts: i64,
    /// The sum of their values at the start.
    #[schema(value_type = i64)]
    sum_start: i128,
    /// The sum of their values at the end.
    #[schema(value_type = i64)]
    sum_end: i128,
    /// 100 x (sum of ends - sum of starts) / sum of starts, to 4 decimals: the ratio of the sums,
    /// not the mean of the ratios. Null where it is undefined.
    percent: Option<f64>,
    /// Why `percent` is null.
    reason: Option<String>,
    /// How many accounts do not count, and why.
    left_out: LeftOut,
}

/// How many accounts do not count, and why. Each is in one place only.
#[derive(Serialize, ToSchema)]
pub(super) struct LeftOut {
    /// No value was known at or before the start.
    without_start: i64,
    /// The start is below `minimum_start`.
    below_minimum: i64,
    /// The formula is switched off for the account's platform.
    switched_off: i64,
    /// The account was erased.
    erased: i64,
}

/// Shows how a metric grew over all of a creator's accounts.
///
/// Adds up the accounts that have a value at both moments, so that one that joined in between
/// does not look like growth; and says how many were left out.
#[utoipa::path(
    get,
    path = "/v1/creators/{creator}/growth",
    operation_id = "getCreatorGrowth",
    tag = "metrics",
    params(CreatorPath, GrowthParams, WindowParams, MinimumParams, KnownAt, Wait),
    responses((status = 200, description = "The growth.", body = Envelope<CreatorGrowth>), Problems)
)]
pub(super) async fn of_creator(
    State(services): State<Arc<Services>>,
    By(caller, stood): By,
    Asked((path, asked, minimum)): Asked<(CreatorPath, GrowthAsked, MinimumParams)>,
) -> Answer<CreatorGrowth> {
    let metric = Metric::of_account(&asked.metric)?;
    let window = asked.window.window(services.clock.now())?;
    if !caller.scope.allows(&path.creator) {
        return Err(Problem::not_found("creator"));
    }
    let off = |platform: &Platform| !services.formulas.allows(*platform, Formula::Growth1);
    let platforms_off: Vec<_> = Platform::ALL.into_iter().filter(off).collect();
    let times = asked.known_at.times();
    let (client, read) = begin(&services, stood, MODELS, asked.wait).await?;
    let query = GrowthQuery {
        creator: &path.creator,
        metric,
        from: window.from,
        to: window.to,
        known_at: times.known_at(),
        minimum_start: minimum.minimum_start,
        platforms_off: &platforms_off,
    };
    let sums = follower_trends::creator_growth(&client, &caller.scope, &query).await?;
    let ratio = Ratio::new((sums.sum_end - sums.sum_start) * 100, sums.sum_start);
    let reason = match (ratio, sums.counted) {
        (Some(_), _) => None,
        (None, 0) => Some("no account counts".to_owned()),
        (None, _) => Some("start is zero".to_owned()),
    };
    let data = CreatorGrowth {
        creator: path.creator.to_string(),
        metric: metric.name(),
        formula: Formula::Growth1.name(),
        from: Moment(window.from),
        to: Moment(window.to),
        accounts: sums.counted,
        sum_start: sums.sum_start,
        sum_end: sums.sum_end,
        percent: ratio.map(|ratio| ratio.to_number(DECIMALS)),
        reason,
        left_out: LeftOut {
            without_start: sums.without_start,
            below_minimum: sums.below_minimum,
            switched_off: sums.switched_off,
            erased: sums.erased,
        },
    };
    let freshness = Freshness::of_many(sums.accounts == 0, sums.simulated);
    Ok(Json(Envelope::new(data, &read, times, freshness)))
}
