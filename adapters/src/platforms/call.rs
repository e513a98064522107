//! What a call asks for. Readers are told, since the same body can answer different questions.

use super::address::Address;
use domain::observation::Period;
use std::collections::BTreeSet;

/// The kinds of question, in words that hold for every platform.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Endpoint {
    /// A token for a code, another token, or a refresh token.
    Token(Grant),
    /// The end of a grant.
    Revoke,
    /// Which scopes were granted.
    Scopes,
    /// What a token is good for.
    TokenFacts,
    /// The Pages that a person manages.
    Accounts,
    /// The account itself: profile and counts.
    Profile,
    /// A page of the account's posts.
    Posts,
    /// The stories of the last day.
    Stories,
    /// Posts by their ids.
    PostsByIds,
    /// Insights of the account, audience included.
    AccountInsights,
    /// Insights of one post.
    PostInsights,
    /// Anything that publishes, or asks how publishing stands.
    Publishing,
    /// Anything else: classed, and not read.
    Other,
}

/// What a token is asked for with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Grant {
    /// The code of a callback.
    Code,
    /// A refresh token, or a token that refreshes itself.
    Refresh,
    /// A short-lived token, for a long-lived one.
    Exchange,
    /// It is not known which.
    Unstated,
}

/// One call: the question, and what of it the reader must know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// What is asked for.
    pub endpoint: Endpoint,
    /// The version of the API in the address, such as `v25.0`.
    pub api_version: Option<String>,
    /// The fields that were asked for, or `None` where that is not known.
    pub fields: Option<BTreeSet<String>>,
    /// The scopes that were asked for, or `None` where that is not known.
    pub scopes: Option<BTreeSet<String>>,
    /// How many things were asked for by id, where they were.
    pub ids: Option<usize>,
    /// The span that was asked for, where it was stated as moments.
    pub span: Option<Period>,
}

impl Call {
    /// A call of which nothing but the question is known.
    pub fn to(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            api_version: None,
            fields: None,
            scopes: None,
            ids: None,
            span: None,
        }
    }

    /// A call as its address tells it.
    pub(super) fn at(endpoint: Endpoint, address: &Address) -> Self {
        Self {
            endpoint,
            api_version: address.api_version(),
            fields: address.list("fields"),
            scopes: None,
            ids: address.list("id").map(|ids| ids.len()),
            span: address.span(),
        }
    }

    /// Whether a field was asked for; `None` where it is not known which were.
    pub(super) fn asked_for(&self, field: &str) -> Option<bool> {
        // A field with arguments or subfields begins with its name.
        let is = |asked: &String| asked.split(['.', '{', '(']).next() == Some(field);
        self.fields.as_ref().map(|fields| fields.iter().any(is))
    }

    /// Whether fewer scopes were granted than asked for; `fallback` judges where what was asked
    /// for is not known.
    pub(super) fn granted_less(
        &self,
        granted: &BTreeSet<String>,
        fallback: impl FnOnce(&BTreeSet<String>) -> bool,
    ) -> bool {
        match &self.scopes {
            Some(asked) => !asked.is_subset(granted),
            None => fallback(granted),
        }
    }
}
