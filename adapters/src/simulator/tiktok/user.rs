//! A TikTok account: each group of fields has its scope.

use super::{enveloped, fields, ids, page_of, picked};
use crate::simulator::answer::Answer;
use crate::simulator::grants::Token;
use crate::simulator::play::Call;
use crate::simulator::world::Account;
use serde_json::json;

fn scope_of(field: &str) -> Option<&'static str> {
    Some(match field {
        "open_id" | "union_id" | "avatar_url" | "avatar_url_100" | "avatar_large_url"
        | "display_name" => "user.info.basic",
        "bio_description" | "profile_deep_link" | "profile_web_link" | "is_verified"
        | "username" => "user.info.profile",
        "follower_count" | "following_count" | "likes_count" | "video_count" => "user.info.stats",
        _ => return None,
    })
}

pub(super) fn info(call: &Call<'_>, token: &Token, account: &Account) -> Result<Answer, Answer> {
    let fields = fields(call, token, scope_of)?;
    let handle = account.handle(call.at);
    let avatar = |size| format!("https://p16.simulated.example/{handle}~{size}.jpeg");
    let mut user = json!({
        "open_id": ids::open(account.key),
        "union_id": ids::union(account.key),
        "avatar_url": avatar("c5_168x168"),
        "avatar_url_100": avatar("c5_100x100"),
        "avatar_large_url": avatar("c5_1080x1080"),
        "display_name": account.name(),
        "bio_description": account.bio(),
        "profile_deep_link": format!("https://vm.tiktok.com/simulated/{handle}"),
        "profile_web_link": page_of(&handle),
        "is_verified": account.key.creator == 1,
        "username": handle,
        "follower_count": account.followers(call.at),
        "following_count": account.following(call.at),
    });
    // The two that cost a walk over all videos.
    if fields.contains(&"likes_count") {
        user["likes_count"] = json!(account.all_numbers(call.at).likes);
    }
    if fields.contains(&"video_count") {
        user["video_count"] = json!(account.posts(call.at).count());
    }
    Ok(enveloped(call, json!({"user": picked(user, &fields)})))
}
