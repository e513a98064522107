//! The metrics registry: every number the ledger knows, with its kind and unit.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// How a metric behaves in time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A level at a moment, such as followers: it may rise and fall.
    Stock,
    /// An amount within a period, such as reach on a day.
    Flow,
    /// A total since the beginning, such as views of a post: it may still be corrected downward.
    Lifetime,
}

/// What one unit of a metric's integer means. All values are 64-bit integers, never floats.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// A number of people, posts or actions.
    Count,
    /// Thousandths of a second.
    Milliseconds,
}

/// What a metric can be observed of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subjects {
    /// Accounts only.
    Account,
    /// Posts only.
    Post,
    /// Both.
    Both,
}

macro_rules! metrics {
    ($($(#[$doc:meta])* $variant:ident $name:literal $kind:ident $unit:ident $subjects:ident;)*) => {
        /// A registered metric. Its name is stored in events: it is never renamed.
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize,
        )]
        pub enum Metric {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl Metric {
            /// Every registered metric.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in events, read models and answers.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// How the metric behaves in time.
            pub const fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind),* }
            }

            /// What one unit of its integer means.
            pub const fn unit(self) -> Unit {
                match self { $(Self::$variant => Unit::$unit),* }
            }

            const fn subjects(self) -> Subjects {
                match self { $(Self::$variant => Subjects::$subjects),* }
            }
        }
    };
}

metrics! {
    /// Comments under a post.
    Comments "comments" Lifetime Count Post;
    /// Followers, subscribers of a channel, or followers of a Page.
    Followers "followers" Stock Count Account;
    /// Accounts that this account follows.
    Following "following" Stock Count Account;
    /// Likes of a post (on Facebook: all reactions), or all likes an account ever received.
    Likes "likes" Lifetime Count Both;
    /// People who like a Facebook Page (its fan count), which is not its follower count.
    PageLikes "page_likes" Stock Count Account;
    /// Posts, media or videos that an account has published and not removed.
    Posts "posts" Stock Count Account;
    /// People who saw a post or an account's content at least once.
    Reach "reach" Lifetime Count Both;
    /// Saves, bookmarks or collections of a post.
    Saves "saves" Lifetime Count Post;
    /// Shares of a post.
    Shares "shares" Lifetime Count Post;
    /// Views of a post, or of all of an account's posts.
    Views "views" Lifetime Count Both;
    /// Time that people spent watching a post.
    WatchTime "watch_time" Lifetime Milliseconds Post;
}

/// A name that is no metric, or not one of the subject it was used for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{given}' is not a metric of {subject}: expected one of {expected}")]
pub struct UnknownMetric {
    /// The text that was given, cut to a bounded length.
    pub given: String,
    /// What it was used for.
    pub subject: &'static str,
    /// The names that would have done.
    pub expected: String,
}

impl Metric {
    /// Whether accounts have this metric.
    pub const fn is_of_account(self) -> bool {
        matches!(self.subjects(), Subjects::Account | Subjects::Both)
    }

    /// Whether posts have this metric.
    pub const fn is_of_post(self) -> bool {
        matches!(self.subjects(), Subjects::Post | Subjects::Both)
    }

    /// The metric of an account with this name.
    pub fn of_account(name: &str) -> Result<Self, UnknownMetric> {
        Self::find(name, "an account", Self::is_of_account)
    }

    /// The metric of a post with this name.
    pub fn of_post(name: &str) -> Result<Self, UnknownMetric> {
        Self::find(name, "a post", Self::is_of_post)
    }

    fn find(
        name: &str,
        subject: &'static str,
        fits: impl Fn(Self) -> bool,
    ) -> Result<Self, UnknownMetric> {
        let mut fitting = Self::ALL.iter().copied().filter(|metric| fits(*metric));
        fitting
            .clone()
            .find(|metric| metric.name() == name)
            .ok_or_else(|| UnknownMetric {
                given: name.chars().take(80).collect(),
                subject,
                expected: fitting
                    .by_ref()
                    .map(Self::name)
                    .collect::<Vec<_>>()
                    .join(", "),
            })
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::find(text, "an account or a post", |_| true)
    }
}
