//! The registries: which metrics and formulas there are, and what each means.

use super::Services;
use super::auth::By;
use super::params::Asked;
use super::problem::{Problem, Problems};
use axum::Json;
use axum::extract::State;
use domain::formula::Formula;
use domain::metric::{Kind, Unit};
use domain::{Metric, Platform};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// A registered metric.
#[derive(Serialize, ToSchema)]
pub(super) struct MetricDefinition {
    /// Its name.
    #[schema(value_type = String)]
    name: &'static str,
    /// How it behaves in time: `stock` (a level at a moment), `flow` (an amount within a period)
    /// or `lifetime` (a total since the beginning).
    #[schema(value_type = String)]
    kind: &'static str,
    /// What one unit of its integer means: `count` or `milliseconds`.
    #[schema(value_type = String)]
    unit: &'static str,
    /// What it is observed of: `account`, `post` or both.
    #[schema(value_type = Vec<String>)]
    subjects: Vec<&'static str>,
    /// What it means.
    #[schema(value_type = String)]
    definition: &'static str,
}

/// A derived number with its version.
#[derive(Serialize, ToSchema)]
pub(super) struct FormulaDefinition {
    /// Name and version. A new definition gets a new version.
    #[schema(value_type = String)]
    name: &'static str,
    /// What kind of number it is: `ratio`, `percent` or `percent_per_day`.
    #[schema(value_type = String)]
    kind: &'static str,
    /// What it is worked out for: `account` or `post`.
    #[schema(value_type = String)]
    subject: &'static str,
    /// How it is worked out, and when it is undefined.
    #[schema(value_type = String)]
    definition: &'static str,
    /// The platforms that it is switched off for, since some forbid derived numbers.
    #[schema(value_type = Vec<String>)]
    off_for: Vec<&'static str>,
}

/// All of a registry.
#[derive(Serialize, ToSchema)]
pub(super) struct Registry<T> {
    /// Its entries.
    data: Vec<T>,
}

/// The name of a kind of metric.
pub(super) const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Stock => "stock",
        Kind::Flow => "flow",
        Kind::Lifetime => "lifetime",
    }
}

/// The name of a unit.
pub(super) const fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Count => "count",
        Unit::Milliseconds => "milliseconds",
    }
}

const fn metric_definition(metric: Metric) -> &'static str {
    match metric {
        Metric::Comments => "Comments under a post.",
        Metric::Followers => "Followers, subscribers of a channel, or followers of a Page.",
        Metric::Following => "Accounts that this account follows.",
        Metric::Likes => {
            "Likes of a post (on Facebook all reactions), or all likes an account ever received."
        }
        Metric::PageLikes => {
            "People who like a Facebook Page (its fan count), which is not its follower count."
        }
        Metric::Posts => "Posts, media or videos that an account has published and not removed.",
        Metric::Reach => "People who saw a post or an account's content at least once.",
        Metric::Saves => "Saves, bookmarks or collections of a post.",
        Metric::Shares => "Shares of a post.",
        Metric::Views => "Views of a post, or of all of an account's posts.",
        Metric::WatchTime => "Time that people spent watching a post.",
    }
}

/// Kind, subject and definition.
const fn formula_definition(formula: Formula) -> (&'static str, &'static str, &'static str) {
    match formula {
        Formula::ErFollowers1 => (
            "ratio",
            "post",
            "Engagements (likes + comments + shares + saves, of those known) divided by the \
             account's followers as of the post's observation. Undefined, not zero, where all \
             engagements or the followers are unknown, or the followers are zero.",
        ),
        Formula::ErReach1 => (
            "ratio",
            "post",
            "Engagements (likes + comments + shares + saves, of those known) divided by reach. \
             Undefined, not zero, where all engagements or the reach are unknown, or the reach is \
             zero.",
        ),
        Formula::ErViews1 => (
            "ratio",
            "post",
            "Engagements (likes + comments + shares + saves, of those known) divided by views. \
             Undefined, not zero, where all engagements or the views are unknown, or the views \
             are zero.",
        ),
        Formula::Growth1 => (
            "percent",
            "account",
            "100 x (end - start) / start, each the last known value as of its moment. Undefined \
             where the start is unknown or zero.",
        ),
        Formula::Velocity1 => (
            "percent_per_day",
            "account",
            "Net follower growth over the last 7 days in percent of the start, divided by 7. \
             Undefined where the start is unknown or zero.",
        ),
    }
}

/// Lists the metrics.
#[utoipa::path(
    get,
    path = "/v1/metrics",
    operation_id = "listMetrics",
    tag = "registries",
    responses(
        (status = 200, description = "All metrics.", body = Registry<MetricDefinition>),
        Problems,
    )
)]
pub(super) async fn metrics(
    _caller: By,
    _asked: Asked<()>,
) -> Result<Json<Registry<MetricDefinition>>, Problem> {
    let define = |metric: &Metric| {
        let subjects = [
            (metric.is_of_account(), "account"),
            (metric.is_of_post(), "post"),
        ];
        MetricDefinition {
            name: metric.name(),
            kind: kind_name(metric.kind()),
            unit: unit_name(metric.unit()),
            subjects: subjects
                .iter()
                .filter(|(has, _)| *has)
                .map(|(_, name)| *name)
                .collect(),
            definition: metric_definition(*metric),
        }
    };
    Ok(Json(Registry {
        data: Metric::ALL.iter().map(define).collect(),
    }))
}

/// Lists the formulas, and the platforms that each is switched off for.
#[utoipa::path(
    get,
    path = "/v1/formulas",
    operation_id = "listFormulas",
    tag = "registries",
    responses(
        (status = 200, description = "All formulas.", body = Registry<FormulaDefinition>),
        Problems,
    )
)]
pub(super) async fn formulas(
    State(services): State<Arc<Services>>,
    _caller: By,
    _asked: Asked<()>,
) -> Result<Json<Registry<FormulaDefinition>>, Problem> {
    let define = |formula: Formula| {
        let (kind, subject, definition) = formula_definition(formula);
        let off = |platform: &Platform| !services.formulas.allows(*platform, formula);
        FormulaDefinition {
            name: formula.name(),
            kind,
            subject,
            definition,
            off_for: Platform::ALL
                .iter()
                .filter(|p| off(p))
                .map(|p| p.name())
                .collect(),
        }
    };
    Ok(Json(Registry {
        data: Formula::ALL.into_iter().map(define).collect(),
    }))
}
