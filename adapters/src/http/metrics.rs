//! One value of one metric: as of a time, known at a time.

use super::Services;
use super::accounts::Found;
use super::auth::By;
use super::envelope::{Answer, Envelope, Model, begin};
use super::params::{Asked, Wait};
use super::paths::{AccountPath, MetricPath};
use super::problem::Problems;
use super::registry::{kind_name, unit_name};
use super::time::{Moment, Times};
use axum::Json;
use axum::extract::State;
use domain::{AccountId, Metric, PostKey, StreamName, Timestamp};
use projections::follower_trends::{self, Point};
use projections::top_posts::Observation;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

const MODELS: &[Model] = &[Model::Accounts, Model::FollowerTrends, Model::SyncHealth];

/// The last known value of a metric as of a time, and where it comes from.
#[derive(Serialize, ToSchema)]
pub(super) struct MetricValue {
    /// Whose.
    #[schema(format = "uuid")]
    account_id: String,
    /// Of which post; null for the account's own metric.
    #[schema(format = "uuid")]
    post: Option<String>,
    /// The metric.
    #[schema(value_type = String)]
    metric: &'static str,
    /// How it behaves in time: `stock`, `flow` or `lifetime`.
    #[schema(value_type = String)]
    kind: &'static str,
    /// What one unit of the value means: `count` or `milliseconds`.
    #[schema(value_type = String)]
    unit: &'static str,
    /// The value; null where none was known yet. Unknown is never zero.
    value: Option<i64>,
    /// When it was read.
    observed_at: Option<Moment>,
    /// When the ledger learned of it.
    recorded_at: Option<Moment>,
    /// The event that says so.
    event: Option<EventRef>,
    /// Why it is in the ledger: `observed`, `imported`, `restated`, `re-parsed`, `simulated`.
    #[schema(value_type = Option<String>)]
    cause: Option<&'static str>,
    /// How exact it is, where the source rounds; null for exact values.
    precision: Option<Precision>,
    /// Since when later observations, up to the time that was asked for, lack the value.
    unknown_since: Option<Moment>,
}

/// An event by its place in its stream.
#[derive(Serialize, ToSchema)]
pub(super) struct EventRef {
    /// The stream.
    stream: String,
    /// The place in it, from 0.
    revision: i64,
}

impl EventRef {
    pub(super) fn of(account: AccountId, revision: i64) -> Self {
        Self {
            stream: StreamName::of_account(account).as_str().to_owned(),
            revision,
        }
    }
}

/// How exact a value is.
#[derive(Serialize, ToSchema)]
pub(super) struct Precision {
    /// How many leading digits the source gives.
    significant_digits: i16,
}

impl MetricValue {
    fn unknown(account: AccountId, post: Option<PostKey>, metric: Metric) -> Self {
        Self {
            account_id: account.to_string(),
            post: post.map(|post| post.to_string()),
            metric: metric.name(),
            kind: kind_name(metric.kind()),
            unit: unit_name(metric.unit()),
            value: None,
            observed_at: None,
            recorded_at: None,
            event: None,
            cause: None,
            precision: None,
            unknown_since: None,
        }
    }

    /// The value of an account's own metric.
    fn of_account(
        account: AccountId,
        metric: Metric,
        point: Option<Point>,
        unknown_since: Option<Timestamp>,
    ) -> Self {
        let unknown = Self {
            unknown_since: unknown_since.map(Moment),
            ..Self::unknown(account, None, metric)
        };
        let Some(point) = point else {
            return unknown;
        };
        Self {
            value: Some(point.value),
            observed_at: Some(Moment(point.observed_at)),
            recorded_at: Some(Moment(point.recorded_at)),
            event: Some(EventRef::of(account, point.revision)),
            cause: Some(point.cause.name()),
            precision: point
                .significant_digits
                .map(|significant_digits| Precision { significant_digits }),
            ..unknown
        }
    }

    /// The value of a post's metric.
    pub(super) fn of_post(
        account: AccountId,
        post: PostKey,
        metric: Metric,
        found: Option<(Observation, Option<Timestamp>)>,
    ) -> Self {
        let unknown = Self::unknown(account, Some(post), metric);
        let Some((observation, unknown_since)) = found else {
            return unknown;
        };
        Self {
            value: observation.numbers.get(metric),
            observed_at: Some(Moment(observation.observed_at)),
            recorded_at: Some(Moment(observation.recorded_at)),
            event: Some(EventRef::of(account, observation.revision)),
            cause: Some(observation.cause.name()),
            unknown_since: unknown_since.map(Moment),
            ..unknown
        }
    }
}

/// Shows an account's metric as of a time.
///
/// The last observation at or before `as_of` whose value is known, of those recorded by
/// `known_at`. Both default to now.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account_id}/metrics/{metric}",
    operation_id = "getAccountMetric",
    tag = "metrics",
    params(AccountPath, MetricPath, Times, Wait),
    responses((status = 200, description = "The value.", body = Envelope<MetricValue>), Problems)
)]
pub(super) async fn of_account(
    State(services): State<Arc<Services>>,
    By(caller, stood): By,
    Asked((path, asked, times, wait)): Asked<(AccountPath, MetricPath, Times, Wait)>,
) -> Answer<MetricValue> {
    let metric = Metric::of_account(&asked.metric)?;
    let (client, read) = begin(&services, stood, MODELS, wait).await?;
    let found = Found::find(&client, &caller, path.account_id).await?;
    let (as_of, known_at) = (times.as_of_or(read.now), times.known_at());
    let account = path.account_id;
    let data = if found.account.is_erased() {
        MetricValue::unknown(account, None, metric)
    } else {
        let point = follower_trends::metric_as_of(&client, account, metric, as_of, known_at);
        let point = point.await?;
        let after = point.map_or(Timestamp::MIN, |point| point.observed_at);
        let window = (after, as_of);
        let unknown_since =
            follower_trends::since_unknown(&client, account, metric, window, known_at).await?;
        MetricValue::of_account(account, metric, point, unknown_since)
    };
    Ok(Json(Envelope::new(
        data,
        &read,
        times,
        found.freshness(read.now),
    )))
}
