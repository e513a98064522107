//! The truth about an account at a moment: all that there is, hidden or not, unrounded.

use super::names;
use super::world::{Account, PostNumbers};
use domain::Timestamp;
use serde::Serialize;

/// An account at a moment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Truth {
    /// The moment.
    pub at: Timestamp,
    /// The platform's id of the account.
    pub account: String,
    /// The handle.
    pub handle: String,
    /// How many follow it.
    pub followers: i64,
    /// How many it has gained and lost since its history began.
    pub gained: i64,
    /// See `gained`.
    pub lost: i64,
    /// How many it follows.
    pub following: i64,
    /// Posts that everybody can see.
    pub posts: usize,
    /// Numbers of all posts together, those that are gone included.
    pub totals: PostNumbers,
    /// The newest posts that everybody can see.
    pub newest: Vec<PostTruth>,
}

/// A post at a moment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PostTruth {
    /// The platform's id of the post.
    pub id: String,
    /// When it was published, in Unix seconds.
    pub published: i64,
    /// Its numbers.
    #[serde(flatten)]
    pub numbers: PostNumbers,
    /// Whether the platform shows no likes of it.
    pub likes_are_hidden: bool,
}

/// The truth, with so many of the newest posts.
pub(super) fn of(account: &Account, at: Timestamp, newest: usize) -> Truth {
    let posts = account.posts(at).take(newest).map(|post| PostTruth {
        id: names::post(post.key),
        published: post.published,
        numbers: account.numbers(&post, at),
        likes_are_hidden: account.hides_likes_of(&post),
    });
    Truth {
        at,
        account: names::account(account.key),
        handle: account.handle(at),
        followers: account.followers(at),
        gained: account.gained(at),
        lost: account.lost(at),
        following: account.following(at),
        posts: account.posts(at).count(),
        totals: account.all_numbers(at),
        newest: posts.collect(),
    }
}
