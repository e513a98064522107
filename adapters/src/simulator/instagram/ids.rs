//! Instagram's ids: an account has two, media and stories one each.

use super::Node;
use crate::simulator::world::{AccountKey, PostKey};
use domain::Platform;

const PROFESSIONAL: i64 = 17_841_400_000_000_000;
const APP_SCOPED: i64 = 25_025_320_000_000_000;
/// Media leave a digit for their children.
const MEDIA: i64 = 18_000_000_000_000_000;
const CHILDREN: i64 = 10;
const STORIES: i64 = 18_100_000_000_000_000;
/// Stories that an id has room for.
const STORIES_OF_ACCOUNT: i64 = 1_000_000;

/// The id of the professional account: what webhooks name.
pub(in crate::simulator) fn professional(account: AccountKey) -> String {
    (PROFESSIONAL + account.number()).to_string()
}

/// The same as a number, as the token's reply has it: above 2^53.
pub(super) fn professional_number(account: AccountKey) -> i64 {
    PROFESSIONAL + account.number()
}

/// The id that only this app knows the account by.
pub(in crate::simulator) fn app_scoped(account: AccountKey) -> String {
    (APP_SCOPED + account.number()).to_string()
}

/// The id of media, or of the how manieth child of it, from one.
pub(in crate::simulator) fn media(post: PostKey, child: u8) -> String {
    (MEDIA + post.number() * CHILDREN + i64::from(child)).to_string()
}

/// The id of a story.
pub(super) fn story(account: AccountKey, slot: u32) -> String {
    (STORIES + account.number() * STORIES_OF_ACCOUNT + i64::from(slot)).to_string()
}

/// The code in a link to media; obviously none of Instagram's own.
pub(super) fn shortcode(post: PostKey) -> String {
    format!("Sim{:x}", post.number())
}

/// What an id stands for, as far as this account may know it.
pub(super) fn node(id: &str, account: AccountKey) -> Option<Node> {
    if id == "me" || id == professional(account) || id == app_scoped(account) {
        return Some(Node::Account);
    }
    let number: i64 = id.parse().ok()?;
    if number >= STORIES {
        let number = number - STORIES;
        let of = AccountKey::of_number(Platform::Instagram, number / STORIES_OF_ACCOUNT)?;
        let slot = u32::try_from(number % STORIES_OF_ACCOUNT).ok()?;
        return (of == account).then_some(Node::Story(slot));
    }
    let (post, child) = of_media(id)?;
    (post.account == account).then_some(Node::Media(post, child))
}

/// The media that an id stands for, and the how manieth child of it.
pub(in crate::simulator) fn of_media(id: &str) -> Option<(PostKey, u8)> {
    let number = id.parse::<i64>().ok()?.checked_sub(MEDIA)?;
    let post = PostKey::of_number(Platform::Instagram, number / CHILDREN)?;
    Some((post, u8::try_from(number % CHILDREN).ok()?))
}
