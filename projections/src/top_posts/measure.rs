//! What posts can be ranked by: a count, the engagements, or a formula.

use domain::Metric;
use domain::formula::Formula;
use std::{fmt, str::FromStr};

/// A measure to rank by, highest first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Measure {
    /// A metric's last known value.
    Count(Metric),
    /// likes + comments + shares + saves, of those known.
    Engagements,
    /// An engagement rate.
    Formula(Formula),
}

/// A name that posts cannot be ranked by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is nothing that posts are ranked by: expected a count (views, likes, comments, shares, \
     saves, reach, watch_time), engagements, er_views@1, er_followers@1 or er_reach@1"
)]
pub struct UnknownMeasure(pub String);

impl FromStr for Measure {
    type Err = UnknownMeasure;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "engagements" {
            return Ok(Self::Engagements);
        }
        if let Ok(metric) = Metric::of_post(text) {
            return Ok(Self::Count(metric));
        }
        match text.parse() {
            Ok(formula @ (Formula::ErViews1 | Formula::ErFollowers1 | Formula::ErReach1)) => {
                Ok(Self::Formula(formula))
            }
            _ => Err(UnknownMeasure(text.chars().take(80).collect())),
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(metric) => metric.fmt(f),
            Self::Engagements => f.write_str("engagements"),
            Self::Formula(formula) => formula.fmt(f),
        }
    }
}
