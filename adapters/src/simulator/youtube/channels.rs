//! Channels: counts as text, subscribers rounded to three digits or hidden.

use super::{error, ids, listed, parts, resource, thumbnails, time};
use crate::simulator::answer::Answer;
use crate::simulator::grants::Token;
use crate::simulator::play::{Call, Core};
use crate::simulator::world::{Account, AccountKey};
use serde_json::{Value, json};

const PARTS: [&str; 5] = ["id", "snippet", "contentDetails", "statistics", "status"];

/// A number cut to its first three digits, as YouTube shows subscribers.
pub(super) fn rounded(count: i64) -> i64 {
    let mut unit = 1;
    while count / unit >= 1_000 {
        unit *= 10;
    }
    count / unit * unit
}

pub(super) fn list(core: &Core, call: &Call<'_>, token: &Token) -> Result<Answer, Answer> {
    let parts = parts(call, &PARTS)?;
    let keys: Vec<AccountKey> = match (call.asked.query("mine"), call.asked.query("id")) {
        (Some("true"), _) => {
            // Who has no channel is told to make one.
            let Some(own) = core.account_of_token(token) else {
                return Err(error::known("signup_required"));
            };
            vec![own.key]
        }
        (_, Some(named)) => named
            .split(',')
            .filter_map(ids::of_channel)
            .take(50)
            .collect(),
        _ => {
            let why = "No filter selected. Expected one of: id, mine";
            return Err(error::plain(
                400,
                why,
                "youtube.parameter",
                "missingRequiredParameter",
            ));
        }
    };
    let found = keys.into_iter().filter_map(|key| core.world.account(key));
    let items: Vec<_> = found
        .map(|account| channel(call, &account, &parts))
        .collect();
    let total = items.len();
    Ok(Answer::ok(listed("channelListResponse", items, total, 5)))
}

fn channel(call: &Call<'_>, account: &Account, parts: &[&str]) -> Value {
    let id = ids::channel(account.key);
    let (name, bio) = (account.name(), account.bio());
    let sizes = [
        ("default", 88, 88),
        ("medium", 240, 240),
        ("high", 800, 800),
    ];
    let snippet = json!({
        "title": name,
        "description": bio,
        "customUrl": format!("@{}", account.handle(call.at)),
        "publishedAt": time(account.born()),
        "thumbnails": thumbnails(&format!("https://yt3.simulated.example/{id}"), &sizes),
        "localized": {"title": name, "description": bio},
    });
    let lists = json!({"likes": "LL", "uploads": ids::uploads(account.key)});
    let mut all = vec![
        ("snippet", snippet),
        ("contentDetails", json!({"relatedPlaylists": lists})),
        (
            "status",
            json!({"privacyStatus": "public", "isLinked": true}),
        ),
    ];
    if parts.contains(&"statistics") {
        all.push(("statistics", statistics(call, account)));
    }
    resource("channel", &id, parts, all)
}

fn statistics(call: &Call<'_>, account: &Account) -> Value {
    let hidden = account.hides_followers();
    let subscribers = match hidden {
        true => 0,
        false => rounded(account.followers(call.at)),
    };
    json!({
        "viewCount": account.all_numbers(call.at).views.to_string(),
        "subscriberCount": subscribers.to_string(),
        "hiddenSubscriberCount": hidden,
        "videoCount": account.posts(call.at).count().to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn subscribers_have_three_digits() {
        for (count, shown) in [
            (0, 0),
            (999, 999),
            (1_000, 1_000),
            (1_239, 1_230),
            (132_999, 132_000),
        ] {
            assert_eq!(rounded(count), shown, "{count}");
        }
    }
}
