//! The platforms: a closed list, because it is stored in events for ever.

use crate::Metric;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A platform whose accounts can be connected or imported. A dropped platform keeps its variant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// Facebook Pages.
    Facebook,
    /// Instagram professional accounts.
    Instagram,
    /// TikTok accounts.
    Tiktok,
    /// YouTube channels.
    Youtube,
}

/// A name that is none of the platforms.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a supported platform: expected instagram, tiktok, youtube or facebook")]
pub struct UnknownPlatform(pub String);

impl Platform {
    /// All platforms, in the order of their names.
    pub const ALL: [Self; 4] = [Self::Facebook, Self::Instagram, Self::Tiktok, Self::Youtube];

    /// The name used in events, read models and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Facebook => "facebook",
            Self::Instagram => "instagram",
            Self::Tiktok => "tiktok",
            Self::Youtube => "youtube",
        }
    }

    /// The engagements that the platform offers for a post, whether or not a creator hides them.
    ///
    /// YouTube's Data API has neither shares nor saves, Facebook no saves and TikTok's Display
    /// API no saves (an import from elsewhere may still know them).
    pub const fn engagement_components(self) -> &'static [Metric] {
        match self {
            Self::Youtube => &[Metric::Likes, Metric::Comments],
            Self::Facebook | Self::Tiktok => &[Metric::Likes, Metric::Comments, Metric::Shares],
            Self::Instagram => &[
                Metric::Likes,
                Metric::Comments,
                Metric::Shares,
                Metric::Saves,
            ],
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Platform {
    type Err = UnknownPlatform;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|platform| platform.name() == text)
            .ok_or_else(|| UnknownPlatform(text.chars().take(80).collect()))
    }
}
