//! Facebook's ids: of people, Pages and posts.

use crate::simulator::world::{AccountKey, PostKey};
use domain::Platform;

const USERS: i64 = 122_100_000_000_000_000;
const PAGES: i64 = 118_000_000_000_000;
const POSTS: i64 = 122_300_000_000_000_000;

/// The app-scoped id of a person.
pub(in crate::simulator) fn user(creator: u32) -> String {
    (USERS + i64::from(creator)).to_string()
}

/// The id of a Page.
pub(in crate::simulator) fn page(account: AccountKey) -> String {
    (PAGES + account.number()).to_string()
}

/// The Page that an id stands for.
pub(super) fn of_page(id: &str) -> Option<AccountKey> {
    let number = id.parse::<i64>().ok()?.checked_sub(PAGES)?;
    AccountKey::of_number(Platform::Facebook, number)
}

/// The id of a post: its Page's, and its own.
pub(in crate::simulator) fn post(post: PostKey) -> String {
    let own = POSTS + post.number();
    format!("{}_{own}", page(post.account))
}

/// The post that an id stands for.
pub(in crate::simulator) fn of_post(id: &str) -> Option<PostKey> {
    let (page, own) = id.split_once('_')?;
    let number = own.parse::<i64>().ok()?.checked_sub(POSTS)?;
    let post = PostKey::of_number(Platform::Facebook, number)?;
    (of_page(page) == Some(post.account)).then_some(post)
}
