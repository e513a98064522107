//! The platforms' own ids of accounts and posts, for whoever looks in from outside.

use super::world::{AccountKey, PostKey};
use super::{facebook, instagram, tiktok, youtube};
use domain::Platform;

/// The id that a ledger knows an account by.
pub(super) fn account(key: AccountKey) -> String {
    match key.platform {
        Platform::Facebook => facebook::ids::page(key),
        Platform::Instagram => instagram::ids::professional(key),
        Platform::Tiktok => tiktok::ids::open(key),
        Platform::Youtube => youtube::ids::channel(key),
    }
}

/// The id of a person as callbacks of the platform have it.
pub(super) fn person(key: AccountKey) -> String {
    match key.platform {
        Platform::Facebook => facebook::ids::user(key.creator),
        Platform::Instagram => instagram::ids::app_scoped(key),
        Platform::Tiktok | Platform::Youtube => account(key),
    }
}

/// The id of a post.
pub(super) fn post(key: PostKey) -> String {
    match key.account.platform {
        Platform::Facebook => facebook::ids::post(key),
        Platform::Instagram => instagram::ids::media(key, 0),
        Platform::Tiktok => tiktok::ids::video(key),
        Platform::Youtube => youtube::ids::video(key),
    }
}

/// The post that an id stands for.
pub(super) fn post_of(platform: Platform, id: &str) -> Option<PostKey> {
    match platform {
        Platform::Facebook => facebook::ids::of_post(id),
        Platform::Instagram => instagram::ids::of_media(id).map(|(post, _)| post),
        Platform::Tiktok => tiktok::ids::of_video(id),
        Platform::Youtube => youtube::ids::of_video(id),
    }
}
