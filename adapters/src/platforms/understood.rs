//! What a reply says, in the project's own terms.

use super::class::Class;
use super::failure::Code;
use super::json::Doubt;
use super::reading::Reading;
use super::secret::Secret;
use super::usage::Usage;
use commands::PostSnapshot;
use commands::text::ProfileText;
use domain::Metric;
use domain::observation::{Period, Precision};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// A reply that is an answer.
#[derive(Clone, Debug)]
pub struct Understood {
    /// Its class, one of those that are answers.
    pub class: Class,
    /// What it says.
    pub content: Content,
    /// The platform's code, where an error means no more than that there is nothing to know.
    pub code: Option<Code>,
    /// What it says of the platform's limits.
    pub usage: Usage,
    /// What was left out because it cannot be true or cannot be read.
    pub doubts: Vec<Doubt>,
}

/// What an answer is about.
#[derive(Clone, Debug)]
pub enum Content {
    /// Nothing that is kept.
    Nothing,
    /// A token.
    Token(Token),
    /// The scopes that are granted.
    Scopes(BTreeSet<String>),
    /// What a token is good for.
    TokenFacts(TokenFacts),
    /// Pages that the person manages.
    Accounts(Accounts),
    /// The account.
    Profile(Box<ProfileFound>),
    /// A page of posts.
    Posts(PostsFound),
    /// Insights of the account or of a post.
    Insights(Insights),
}

/// A token with what came with it.
#[derive(Clone, Debug)]
pub struct Token {
    /// For calls.
    pub access: Secret,
    /// For the next access token, where the platform gives one; where not, an older one holds.
    pub refresh: Option<Secret>,
    /// How long the access token lives, where that is said.
    pub expires_in: Option<Duration>,
    /// How long the refresh token lives, where that is said.
    pub refresh_expires_in: Option<Duration>,
    /// The scopes that were granted, where that is said.
    pub scopes: Option<BTreeSet<String>>,
    /// The platform's id of the account, where it comes with the token.
    pub account_id: Option<String>,
}

/// What a token is good for (Meta's `debug_token`).
#[derive(Clone, Debug)]
pub struct TokenFacts {
    /// The scopes that it carries.
    pub scopes: BTreeSet<String>,
    /// When it ends, in Unix seconds; `None` where it does not.
    pub expires_at: Option<i64>,
    /// When its access to data ends whatever the token does, in Unix seconds.
    pub data_access_expires_at: Option<i64>,
}

/// A page of the accounts that a person manages.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    /// The accounts.
    pub accounts: Vec<ManagedAccount>,
    /// How to get more.
    pub next: Option<Cursor>,
}

/// One of them.
#[derive(Clone)]
pub struct ManagedAccount {
    /// The Page's id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// The token for calls about it.
    pub access: Option<Secret>,
    /// The id of the Instagram account that is linked to it.
    pub instagram_id: Option<String>,
}

// Ids and names are personal data.
impl fmt::Debug for ManagedAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ManagedAccount(..)")
    }
}

/// An account as its platform shows it.
#[derive(Clone, Debug)]
pub struct ProfileFound {
    /// What people see.
    pub text: ProfileText,
    /// Its numbers.
    pub reading: Reading,
    /// A second id that the platform's messages may name it by (Instagram's app-scoped id).
    pub other_id: Option<SecretId>,
    /// The list that holds its posts (YouTube's uploads playlist).
    pub posts_list: Option<SecretId>,
}

/// An id that is personal data: it is kept sealed and not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretId(pub String);

impl fmt::Debug for SecretId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretId(..)")
    }
}

/// Where the next page begins, as the platform says. Not to be stored: it ages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cursor(pub String);

/// A page of posts.
#[derive(Clone, Debug, Default)]
pub struct PostsFound {
    /// The posts, each once.
    pub posts: Vec<PostFound>,
    /// How to get the next page. A page may be empty and not the last.
    pub next: Option<Cursor>,
    /// The platform's names of the metrics, where they are not ours.
    pub names: BTreeMap<Metric, String>,
    /// Metrics that the platform rounds.
    pub precision: BTreeMap<Metric, Precision>,
}

/// A post of a page.
#[derive(Clone, Debug)]
pub struct PostFound {
    /// What is recorded of it.
    pub snapshot: PostSnapshot,
    /// What it is: insights differ by it.
    pub form: Form,
    /// How long it plays, in milliseconds.
    pub length_ms: Option<i64>,
    /// Whether it is only named here, with its numbers to be read elsewhere.
    pub is_named_only: bool,
}

/// What a post is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Form {
    /// A picture, a video or a series in a feed; a post of a Page.
    #[default]
    Feed,
    /// A short vertical video.
    Reel,
    /// Gone after a day.
    Story,
    /// A video.
    Video,
    /// An advertisement.
    Ad,
}

/// Insights: figures with the platform's names.
#[derive(Clone, Debug, Default)]
pub struct Insights {
    /// The figures.
    pub figures: Vec<Figure>,
}

/// One figure. What the ledger has no metric for keeps the platform's name and its period.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Figure {
    /// The platform's name of the metric.
    pub name: &'static str,
    /// The metric of the ledger that it is, where there is one.
    pub metric: Option<Metric>,
    /// What one unit of it is.
    pub unit: FigureUnit,
    /// The span that it was measured over, where stated.
    pub period: Option<Period>,
    /// The part of the whole that it speaks of, by dimension; empty for the whole.
    pub part: BTreeMap<String, String>,
    /// The number, never negative.
    pub value: i64,
}

/// What one unit of a figure is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FigureUnit {
    /// People, posts or actions.
    Count,
    /// Thousandths of a second.
    Milliseconds,
    /// Millionths of the whole.
    Millionths,
}

impl Insights {
    /// The figures that are metrics of the ledger, as one reading: totals of a post's life. The
    /// first of two that claim the same metric counts.
    pub fn lifetime(&self) -> Reading {
        let mut reading = Reading::default();
        let whole = |it: &&Figure| it.period.is_none() && it.part.is_empty();
        for figure in self.figures.iter().filter(whole) {
            if let Some(metric) = figure.metric {
                reading.known(metric, figure.name, figure.value);
            }
        }
        reading
    }
}

impl Understood {
    /// A usable answer; one with doubts is partial.
    pub(super) fn new(content: Content, doubts: super::json::Doubts) -> Self {
        let doubts = doubts.into_vec();
        Self {
            class: match doubts.is_empty() {
                true => Class::Ok,
                false => Class::Partial,
            },
            content,
            code: None,
            usage: Usage::default(),
            doubts,
        }
    }

    /// An answer of a class that says it all.
    pub(super) fn bare(class: Class) -> Self {
        Self {
            class,
            content: Content::Nothing,
            code: None,
            usage: Usage::default(),
            doubts: Vec::new(),
        }
    }

    /// The same with another class, unless it is partial: what is missing outweighs the rest.
    pub(super) fn classed(mut self, class: Class) -> Self {
        if self.class == Class::Ok {
            self.class = class;
        }
        self
    }
}
