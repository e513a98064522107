//! Derived numbers: each formula has a name and a version, and works on exact integers.
//!
//! Formulas are applied when reading, never stored in events: a new version applies to all of
//! history. Definitions follow the field's usage: an engagement rate by views, followers or reach
//! divides the interactions with a post by that base, and is undefined, not zero, without it.

use crate::{Metric, Platform, Values};
use serde::Serialize;
use std::{cmp::Ordering, collections::BTreeSet, fmt, str::FromStr};

/// A formula with its version.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Formula {
    /// Engagements divided by followers as of the post's observation.
    ErFollowers1,
    /// Engagements divided by reach.
    ErReach1,
    /// Engagements divided by views.
    ErViews1,
    /// 100 x (end - start) / start, in percent.
    Growth1,
    /// Net follower growth over the last 7 days in percent of the start, divided by 7.
    Velocity1,
}

/// A name that is no formula.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not a formula: expected er_views@1, er_followers@1, er_reach@1, growth@1 or velocity@1"
)]
pub struct UnknownFormula(pub String);

impl Formula {
    /// Every formula.
    pub const ALL: [Self; 5] = [
        Self::ErFollowers1,
        Self::ErReach1,
        Self::ErViews1,
        Self::Growth1,
        Self::Velocity1,
    ];

    /// Name and version, as answers show them.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ErFollowers1 => "er_followers@1",
            Self::ErReach1 => "er_reach@1",
            Self::ErViews1 => "er_views@1",
            Self::Growth1 => "growth@1",
            Self::Velocity1 => "velocity@1",
        }
    }
}

impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Formula {
    type Err = UnknownFormula;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|formula| formula.name() == text)
            .ok_or_else(|| UnknownFormula(text.chars().take(80).collect()))
    }
}

/// The interactions with a post that are known, and which of the platform's are not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Engagements {
    /// The sum of those known; nothing where none is.
    pub total: Option<i64>,
    /// Those that the platform offers and that are hidden or were not read.
    pub missing: Vec<Metric>,
}

/// likes + comments + shares + saves, of those known; undefined where all are unknown.
pub fn engagements(values: &Values, platform: Platform) -> Engagements {
    let components = [
        Metric::Likes,
        Metric::Comments,
        Metric::Shares,
        Metric::Saves,
    ];
    let known = components.iter().filter_map(|metric| values.get(*metric));
    let total = known.reduce(i64::saturating_add);
    let missing = platform
        .engagement_components()
        .iter()
        .copied()
        .filter(|metric| values.get(*metric).is_none())
        .collect();
    Engagements { total, missing }
}

/// A quotient of integers, exact until it is rounded for an answer.
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
    numerator: i128,
    denominator: i128,
}

impl Ratio {
    /// `numerator / denominator`; nothing where the denominator is not positive.
    pub fn new(numerator: i128, denominator: i128) -> Option<Self> {
        (denominator > 0).then_some(Self {
            numerator,
            denominator,
        })
    }

    /// The quotient times ten to the power of `decimals`, rounded half away from zero.
    pub fn scaled(self, decimals: u32) -> i128 {
        let scaled = self
            .numerator
            .saturating_mul(10_i128.saturating_pow(decimals));
        let half = self.denominator / 2;
        let rounded = if scaled < 0 {
            scaled - half
        } else {
            scaled + half
        };
        rounded / self.denominator
    }

    /// The quotient as a JSON number with at most so many decimals.
    pub fn to_number(self, decimals: u32) -> f64 {
        let scaled = self.scaled(decimals);
        // Both are exact in an f64 for every answer of sensible size; printing rounds once.
        scaled as f64 / 10_f64.powi(decimals.cast_signed())
    }
}

impl PartialEq for Ratio {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ratio {}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> Ordering {
        let left = self.numerator.saturating_mul(other.denominator);
        left.cmp(&other.numerator.saturating_mul(self.denominator))
    }
}

/// Engagements divided by a base: the shape of `er_views@1`, `er_followers@1`, `er_reach@1`.
///
/// Undefined where the base is unknown or zero; zero engagements over a base are a real zero.
pub fn engagement_rate(engagements: Option<i64>, base: Option<i64>) -> Option<Ratio> {
    Ratio::new(i128::from(engagements?), i128::from(base?))
}

/// `growth@1` in percent: 100 x (end - start) / start; undefined where the start is zero.
pub fn growth(start: i64, end: i64) -> Option<Ratio> {
    Ratio::new(
        (i128::from(end) - i128::from(start)) * 100,
        i128::from(start),
    )
}

/// `velocity@1` in percent a day: growth over 7 days in percent of the start, divided by 7.
pub fn velocity(start: i64, end: i64) -> Option<Ratio> {
    Ratio::new(
        (i128::from(end) - i128::from(start)) * 100,
        i128::from(start) * 7,
    )
}

/// Which formulas are switched off for which platform, since some forbid derived metrics.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct FormulaPolicy {
    off: BTreeSet<(Platform, String)>,
}

impl FormulaPolicy {
    /// Reads a list such as `youtube:er_views@1,youtube:er_reach@1`.
    pub fn parse(list: &str) -> Result<Self, String> {
        let mut off = BTreeSet::new();
        for entry in list
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
        {
            let (platform, formula) = entry
                .split_once(':')
                .ok_or_else(|| format!("'{entry}': expected platform:formula@version"))?;
            let platform: Platform = platform.parse().map_err(|e| format!("{e}"))?;
            let formula: Formula = formula.parse().map_err(|e| format!("{e}"))?;
            off.insert((platform, formula.name().to_owned()));
        }
        Ok(Self { off })
    }

    /// Whether the formula may be worked out for the platform.
    pub fn allows(&self, platform: Platform, formula: Formula) -> bool {
        !self.off.contains(&(platform, formula.name().to_owned()))
    }
}

#[cfg(test)]
mod tests;
