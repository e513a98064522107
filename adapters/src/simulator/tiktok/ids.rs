//! TikTok's ids: an account has one per app and one per developer, a video one.

use crate::simulator::world::{AccountKey, PostKey};
use domain::Platform;

const VIDEOS: i64 = 7_400_000_000_000_000_000;

/// The id that only this app knows the account by.
pub(in crate::simulator) fn open(account: AccountKey) -> String {
    format!("-000simulated{:020x}", account.number())
}

/// The id that all apps of the developer know the account by.
pub(super) fn union(account: AccountKey) -> String {
    format!("simulated-union-{:020x}", account.number())
}

/// The id of a video.
pub(in crate::simulator) fn video(post: PostKey) -> String {
    (VIDEOS + post.number()).to_string()
}

/// The video that an id stands for.
pub(in crate::simulator) fn of_video(id: &str) -> Option<PostKey> {
    let number = id.parse::<i64>().ok()?.checked_sub(VIDEOS)?;
    PostKey::of_number(Platform::Tiktok, number)
}
