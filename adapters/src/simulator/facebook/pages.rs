//! A person and the Pages that the person manages.

use super::ids;
use crate::simulator::answer::Answer;
use crate::simulator::grants::{Grant, Kind, Token};
use crate::simulator::instagram;
use crate::simulator::meta::{error, fields, paging};
use crate::simulator::play::{Call, Core};
use crate::simulator::world::Account;
use domain::Platform;
use serde_json::{Map, Value, json};

/// A Page's token from a short token lives as long as that.
const SHORT_LIFE: i64 = 3_600;

const KNOWN: [&str; 17] = [
    "id",
    "name",
    "username",
    "about",
    "category",
    "category_list",
    "followers_count",
    "fan_count",
    "link",
    "picture",
    "verification_status",
    "website",
    "is_published",
    "has_transitioned_to_new_page_experience",
    "instagram_business_account",
    "access_token",
    "tasks",
];

/// The person: name and id.
pub(super) fn person(core: &Core, call: &Call<'_>, token: &Token) -> Result<Answer, Answer> {
    let creator = token.grant.creator;
    let mut all = Map::new();
    all.insert("id".to_owned(), json!(ids::user(creator)));
    all.insert("name".to_owned(), json!(core.world.name(creator)));
    fields::select(call, all, &["id", "name"], "User", "id,name").map(Answer::ok)
}

/// The Pages of a grant, with a token each. Without `pages_show_list` there are none.
pub(super) fn list(core: &Core, call: &Call<'_>, token: &Token) -> Result<Answer, Answer> {
    let grant = &token.grant;
    if !grant.has("pages_show_list") {
        return Ok(Answer::ok(json!({"data": []})));
    }
    let below = paging::after(call)?;
    let limit = paging::limit(call)?;
    // Places fall from page to page, so that cursors are like those of posts.
    let place = |account: &Account| 8 - u32::from(account.key.ordinal);
    let pages = grant.accounts().filter_map(|key| core.world.account(key));
    let mut pages = pages.filter(|it| below.is_none_or(|below| place(it) < below));
    let mut entries = Vec::new();
    for page in pages.by_ref().take(limit) {
        let mut all = whole(core, call, &page);
        all.insert(
            "access_token".to_owned(),
            json!(page_token(core, call, token, &page)),
        );
        let default = "access_token,category,category_list,name,id,tasks";
        entries.push((
            place(&page),
            fields::select(call, all, &KNOWN, "Page", default)?,
        ));
    }
    let more = pages.next().is_some();
    Ok(Answer::ok(paging::page(call, entries, more)))
}

/// A Page's own token: without end if it comes from a long one.
fn page_token(core: &Core, call: &Call<'_>, token: &Token, page: &Account) -> String {
    let grant = Grant {
        accounts: 1 << page.key.ordinal,
        ..token.grant.clone()
    };
    let (issued, lives) = match token.kind {
        // One for each person, Page and app: the same until something ends it.
        Kind::Long => (grant.since, None),
        _ => (call.now, Some(SHORT_LIFE)),
    };
    core.grants.token(&grant, Kind::Page, issued, lives)
}

/// One Page.
pub(super) fn profile(core: &Core, call: &Call<'_>, page: &Account) -> Result<Answer, Answer> {
    let all = whole(core, call, page);
    if call
        .asked
        .param("fields")
        .is_some_and(|it| fields::names(it).contains(&"access_token"))
    {
        return Err(error::needs("pages_show_list", call.now));
    }
    fields::select(call, all, &KNOWN, "Page", "name,id").map(Answer::ok)
}

fn whole(core: &Core, call: &Call<'_>, page: &Account) -> Map<String, Value> {
    let id = ids::page(page.key);
    let handle = page.handle(call.at);
    let followers = page.followers(call.at);
    let mut all = Map::new();
    let mut put = |name: &str, value: Value| all.insert(name.to_owned(), value);
    put("id", json!(id));
    put("name", json!(page.name()));
    put("username", json!(handle));
    if !page.bio().is_empty() {
        put("about", json!(page.bio()));
        put(
            "website",
            json!(format!("https://{handle}.simulated.example/")),
        );
    }
    put("category", json!("Bakery"));
    put("category_list", json!([{"id": "2256", "name": "Bakery"}]));
    put("followers_count", json!(followers));
    // Those who like a Page are other than those who follow it.
    put("fan_count", json!(followers - followers / 25));
    put("link", json!(format!("https://www.facebook.com/{handle}")));
    let url = format!("https://scontent.simulated.example/{handle}.jpg");
    let picture = json!({"height": 50, "is_silhouette": false, "url": url, "width": 50});
    put("picture", json!({ "data": picture }));
    put("verification_status", json!("not_verified"));
    put("is_published", json!(true));
    put("has_transitioned_to_new_page_experience", json!(true));
    put(
        "tasks",
        json!([
            "ANALYZE",
            "ADVERTISE",
            "MODERATE",
            "CREATE_CONTENT",
            "MANAGE"
        ]),
    );
    // Only the first Page has an Instagram account; the others lack the field.
    let linked = core.world.accounts(page.key.creator, Platform::Instagram);
    if let (Some(linked), 0) = (linked.first(), page.key.ordinal) {
        let id = instagram::ids::professional(linked.key);
        put("instagram_business_account", json!({ "id": id }));
    }
    all
}
