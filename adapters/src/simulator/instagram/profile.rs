//! An Instagram account: its profile and counts.

use super::ids;
use crate::simulator::answer::Answer;
use crate::simulator::meta::fields;
use crate::simulator::play::Call;
use crate::simulator::world::Account;
use serde_json::{Map, Value, json};

const KNOWN: [&str; 11] = [
    "id",
    "user_id",
    "username",
    "name",
    "account_type",
    "profile_picture_url",
    "followers_count",
    "follows_count",
    "media_count",
    "biography",
    "website",
];

pub(super) fn profile(call: &Call<'_>, account: &Account) -> Result<Answer, Answer> {
    let handle = account.handle(call.at);
    let mut all = Map::new();
    let mut put = |name: &str, value: Value| all.insert(name.to_owned(), value);
    put("id", json!(ids::app_scoped(account.key)));
    put("user_id", json!(ids::professional(account.key)));
    put("username", json!(handle));
    put("name", json!(account.name()));
    put("account_type", json!(kind(account)));
    put(
        "profile_picture_url",
        json!(format!("https://scontent.simulated.example/{handle}.jpg")),
    );
    put("followers_count", json!(account.followers(call.at)));
    put("follows_count", json!(account.following(call.at)));
    put("media_count", json!(account.posts(call.at).count()));
    // What is not set is not there.
    if !account.bio().is_empty() {
        put("biography", json!(account.bio()));
        put(
            "website",
            json!(format!("https://{handle}.simulated.example/")),
        );
    }
    fields::select(call, all, &KNOWN, "IGUser", "id").map(Answer::ok)
}

fn kind(account: &Account) -> &'static str {
    match account.key.creator % 3 {
        0 => "BUSINESS",
        _ => "MEDIA_CREATOR",
    }
}
