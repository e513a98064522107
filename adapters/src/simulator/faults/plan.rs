//! A plan of faults: the same for the same seed, whoever calls when.

use super::About;
use crate::noise::mix;
use domain::Platform;
use serde::{Deserialize, Serialize};

/// How often what goes wrong, in thousandths of all calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What decides which calls.
    pub seed: u64,
    /// Errors that pass.
    #[serde(default = "Plan::default_passing")]
    pub passing: u16,
    /// Refusals because of too many calls.
    #[serde(default = "Plan::default_limited")]
    pub limited: u16,
    /// Trouble on the line.
    #[serde(default = "Plan::default_line")]
    pub line: u16,
    /// Answers that are not what they should be.
    #[serde(default = "Plan::default_twisted")]
    pub twisted: u16,
    /// Errors after which a person must agree again. None by default: nobody would be there.
    #[serde(default)]
    pub ending: u16,
}

const LINE: [&str; 5] = ["html_502", "truncated", "cut_off", "reset", "drip"];
const TWISTED: [&str; 4] = [
    "wrong_types",
    "negative_counts",
    "missing_counts",
    "unknown_fields",
];

impl Plan {
    /// A plan of a seed with the usual rates.
    pub fn of_seed(seed: u64) -> Self {
        Self {
            seed,
            passing: Self::default_passing(),
            limited: Self::default_limited(),
            line: Self::default_line(),
            twisted: Self::default_twisted(),
            ending: 0,
        }
    }

    fn default_passing() -> u16 {
        20
    }

    fn default_limited() -> u16 {
        5
    }

    fn default_line() -> u16 {
        5
    }

    fn default_twisted() -> u16 {
        2
    }

    /// What goes wrong with a call, by its place among the calls of its kind.
    pub(super) fn of(&self, about: &About) -> Option<&'static str> {
        // The page that people see is left alone.
        if about.endpoint == "authorize" {
            return None;
        }
        let kind = about.endpoint.bytes().fold(0_u64, |hash, byte| {
            hash.wrapping_mul(131).wrapping_add(byte.into())
        });
        let account = about.account.map_or(-1, |it| it.number());
        let seed = mix(self.seed ^ kind, account, about.platform as u64);
        let nth = about.nth.cast_signed();
        let mut roll = mix(seed, nth, 71) % 1_000;
        let kinds: [(u16, &[&'static str]); 5] = [
            (self.passing, passing(about.platform)),
            (self.limited, limited(about.platform)),
            (self.line, &LINE),
            (self.twisted, &TWISTED),
            (self.ending, ending(about.platform)),
        ];
        for (rate, names) in kinds {
            if roll < u64::from(rate) {
                let at = mix(seed, nth, 72) as usize % names.len();
                return names.get(at).copied();
            }
            roll -= u64::from(rate);
        }
        None
    }
}

fn passing(platform: Platform) -> &'static [&'static str] {
    match platform {
        Platform::Facebook | Platform::Instagram => &["transient", "unknown_error"],
        Platform::Tiktok => &["internal_error"],
        Platform::Youtube => &["backend_error", "service_unavailable"],
    }
}

fn limited(platform: Platform) -> &'static [&'static str] {
    match platform {
        Platform::Facebook => &["rate_app", "rate_page", "rate_business"],
        Platform::Instagram => &["rate_app", "rate_business"],
        Platform::Tiktok => &["rate_limit_exceeded"],
        Platform::Youtube => &["rate_limit_exceeded", "resource_exhausted"],
    }
}

fn ending(platform: Platform) -> &'static [&'static str] {
    match platform {
        Platform::Facebook | Platform::Instagram => &["password_changed", "session_expired"],
        Platform::Tiktok => &["access_token_invalid"],
        Platform::Youtube => &["auth_error"],
    }
}
