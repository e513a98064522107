//! The numbers of a post, one place for each metric that posts have.

use domain::formula::{self, Ratio};
use domain::{Metric, Platform, Values};
use tokio_postgres::{Error, Row};

/// The metrics of posts in the order of the columns.
pub const METRICS: [Metric; 7] = [
    Metric::Views,
    Metric::Likes,
    Metric::Comments,
    Metric::Shares,
    Metric::Saves,
    Metric::Reach,
    Metric::WatchTime,
];

/// Known numbers of a post, in the order of [`METRICS`]. Unknown is never zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Numbers(pub [Option<i64>; METRICS.len()]);

/// The places of the metrics that `er_views@1` is worked out from: views, likes, comments, shares
/// and saves.
pub(super) const ER_VIEWS_INGREDIENTS: [usize; 5] = [0, 1, 2, 3, 4];

/// Billionths: the unit of a ranked formula's column.
pub(super) const ER_DECIMALS: u32 = 9;

impl Numbers {
    pub(super) fn of(values: &Values) -> Self {
        Self(METRICS.map(|metric| values.get(metric)))
    }

    pub(super) fn read(row: &Row) -> Result<Self, Error> {
        let mut numbers = Self::default();
        for (place, metric) in METRICS.iter().enumerate() {
            numbers.0[place] = row.try_get(metric.name())?;
        }
        Ok(numbers)
    }

    /// The value of a metric, if it is known.
    pub fn get(&self, metric: Metric) -> Option<i64> {
        METRICS
            .iter()
            .position(|known| *known == metric)
            .and_then(|place| self.0[place])
    }

    /// As the formulas take them.
    pub fn values(&self) -> Values {
        let mut values = Values::new();
        for (metric, value) in METRICS.iter().zip(self.0) {
            if let Some(value) = value {
                // Stored numbers were not negative when they were observed.
                let _refused = values.insert(*metric, value);
            }
        }
        values
    }

    /// The sum of likes, comments, shares and saves, of those known.
    pub fn engagements(&self, platform: Platform) -> formula::Engagements {
        formula::engagements(&self.values(), platform)
    }

    /// `er_views@1`: it does not depend on the platform, since unknown parts count for nothing.
    pub(super) fn er_views(&self) -> Option<Ratio> {
        let total = [
            Metric::Likes,
            Metric::Comments,
            Metric::Shares,
            Metric::Saves,
        ]
        .iter()
        .filter_map(|metric| self.get(*metric))
        .reduce(i64::saturating_add);
        formula::engagement_rate(total, self.get(Metric::Views))
    }

    /// `er_views@1` as its column has it; a rate beyond 9 billion is cut to that.
    pub(super) fn er_views_ranked(&self) -> Option<i64> {
        let scaled = self.er_views()?.scaled(ER_DECIMALS);
        Some(i64::try_from(scaled).unwrap_or(i64::MAX))
    }
}
