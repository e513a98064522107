//! A post with the value that it is ranked by, worked out from the observation it stands on.

use crate::http::open::{Opener, PostText};
use crate::http::posts::{Engagements, known};
use crate::http::problem::Problem;
use crate::http::time::Moment;
use domain::formula::{self, Formula, Ratio};
use domain::{Metric, Platform};
use projections::top_posts::{Measure, PostRow};
use serde::Serialize;
use std::{cmp::Ordering, collections::BTreeMap};
use utoipa::ToSchema;

/// Decimals of a ratio.
const DECIMALS: u32 = 6;

/// A post in a ranking.
#[derive(Serialize, ToSchema)]
pub(super) struct TopPost {
    /// Its place, from 1.
    rank: usize,
    /// The post, as this API names it.
    #[schema(format = "uuid")]
    post: String,
    /// Its account.
    #[schema(format = "uuid")]
    account_id: String,
    /// The account's creator.
    creator: String,
    /// The account's platform.
    #[schema(value_type = Option<String>)]
    platform: Option<&'static str>,
    /// What people see of it.
    text: PostText,
    /// When it was published, where known.
    published_at: Option<Moment>,
    /// What it is ranked by: a whole number for a count, a ratio to 6 decimals for a formula.
    #[schema(value_type = f64)]
    value: Value,
    /// Its engagements in the observation that the value stands on.
    engagements: Engagements,
    /// The numbers of that observation; a metric that was not known is absent.
    numbers: BTreeMap<String, i64>,
    /// The observation that the value stands on: the last one that defines the measure.
    basis: Basis,
    /// The account's followers as of that observation; only for `er_followers@1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    followers: Option<i64>,
}

/// The observation that a value stands on.
#[derive(Serialize, ToSchema)]
pub(super) struct Basis {
    /// When it was read.
    observed_at: Moment,
    /// When the ledger learned of it.
    recorded_at: Moment,
    /// The revision, in the account's stream, of the event that says so.
    revision: i64,
    /// Why it is in the ledger: `observed`, `imported`, `restated`, `re-parsed`, `simulated`.
    #[schema(value_type = String)]
    cause: &'static str,
    /// The metrics that the source withheld.
    hidden: Vec<String>,
}

/// What a post is ranked by.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
enum Value {
    Count(i64),
    Ratio(f64),
}

/// A measured post, before its text is opened.
pub(super) struct Measured {
    pub(super) row: PostRow,
    exact: Ratio,
    value: Value,
}

impl Measured {
    /// Nothing if the row defines no value, which the query does not let happen.
    pub(super) fn of(row: PostRow, measure: Measure) -> Option<Self> {
        let basis = row.basis.as_ref()?;
        let total = || formula::engagements(&basis.numbers.values(), row.platform?).total;
        let by = |base: Option<i64>| formula::engagement_rate(total(), base);
        let count = |count: i64| Ratio::new(i128::from(count), 1).zip(Some(Value::Count(count)));
        let ratio = |ratio: Ratio| (ratio, Value::Ratio(ratio.to_number(DECIMALS)));
        let metric = |metric| basis.numbers.get(metric);
        let (exact, value) = match measure {
            Measure::Count(of) => count(metric(of)?)?,
            Measure::Engagements => count(total()?)?,
            Measure::Formula(Formula::ErFollowers1) => ratio(by(row.followers)?),
            Measure::Formula(Formula::ErReach1) => ratio(by(metric(Metric::Reach))?),
            Measure::Formula(_) => ratio(by(metric(Metric::Views))?),
        };
        Some(Self { row, exact, value })
    }

    /// The order of every ranking: the highest first, equal ones by their keys.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        other
            .exact
            .cmp(&self.exact)
            .then_with(|| self.row.post.cmp(&other.row.post))
    }

    /// The answer, or nothing if the row stands on no observation.
    pub(super) async fn open(
        self,
        rank: usize,
        measure: Measure,
        opener: &mut Opener<'_>,
    ) -> Result<Option<TopPost>, Problem> {
        let Self { row, value, .. } = self;
        let Some(basis) = row.basis else {
            return Ok(None);
        };
        let text = opener
            .post(row.account_id, row.post, row.text.as_deref())
            .await?;
        let by_followers = measure == Measure::Formula(Formula::ErFollowers1);
        Ok(Some(TopPost {
            rank,
            post: row.post.to_string(),
            account_id: row.account_id.to_string(),
            creator: row.creator,
            platform: row.platform.map(Platform::name),
            text,
            published_at: row.published_at.map(Moment),
            value,
            engagements: Engagements::of(&basis.numbers, row.platform),
            numbers: known(&basis.numbers),
            basis: Basis {
                observed_at: Moment(basis.observed_at),
                recorded_at: Moment(basis.recorded_at),
                revision: basis.revision,
                cause: basis.cause.name(),
                hidden: basis.hidden,
            },
            followers: row.followers.filter(|_| by_followers),
        }))
    }
}
