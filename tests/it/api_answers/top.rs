//! Top posts: by every measure, of one account, of a creator, of everybody.

use crate::api_ground::{Ground, column, list};
use crate::histories::{metrics, page};
use anyhow::{Context, ensure};
use commands::PostSnapshot;
use domain::observation::Cause;
use domain::{AccountId, Metric, Platform};
use serde_json::{Value, json};
use tests::ledger::{at, post, values};

const FIRST: &str = "2026-01-02T00:00:00Z";
const SECOND: &str = "2026-01-03T00:00:00Z";

/// A post with these numbers and these metrics withheld.
fn seen(id: &str, known: &[(Metric, i64)], hidden: &[Metric]) -> anyhow::Result<PostSnapshot> {
    let mut seen = post(id, &format!("title of {id}"), known);
    for metric in hidden {
        seen.values.insert_hidden(*metric)?;
    }
    Ok(seen)
}

/// Three accounts of two creators, and what was seen of their posts on 2 January.
pub(super) struct Scene {
    pub(super) ground: Ground,
    pub(super) instagram: AccountId,
    pub(super) youtube: AccountId,
}

impl Scene {
    pub(super) async fn new() -> anyhow::Result<Self> {
        use Metric::{Comments, Likes, Reach, Saves, Shares, Views, WatchTime};
        let ground = Ground::new().await?;
        let instagram = ground.import("c", Platform::Instagram, "one").await?;
        let youtube = ground.import("c", Platform::Youtube, "two").await?;
        let tiktok = ground.import("d", Platform::Tiktok, "three").await?;
        let whole = [
            (Views, 1_000),
            (Likes, 50),
            (Comments, 10),
            (Shares, 5),
            (Saves, 5),
            (Reach, 800),
            (WatchTime, 60_000),
        ];
        let posts = vec![
            seen("p1", &whole, &[])?,
            seen(
                "p2",
                &[(Views, 500), (Likes, 60), (Comments, 0), (Reach, 900)],
                &[],
            )?,
            seen("p3", &[(Views, 0), (Likes, 3), (Reach, 0)], &[])?,
            seen("p4", &[(Views, 2_000), (Comments, 30)], &[Likes])?,
            seen("p5", &[(Reach, 10)], &[Likes, Comments])?,
        ];
        ground
            .carry_out(instagram, vec![page(at(FIRST), posts)])
            .await?;
        let posts = vec![seen("q1", &[(Views, 100), (Likes, 40)], &[])?];
        ground
            .carry_out(youtube, vec![page(at(FIRST), posts)])
            .await?;
        let posts = vec![seen("z1", &[(Views, 10), (Likes, 1)], &[])?];
        let outcome = ground
            .carry_out(tiktok, vec![page(at(FIRST), posts)])
            .await?;
        ground.after(&outcome, "/v1/top-posts").await?;
        Ok(Self {
            ground,
            instagram,
            youtube,
        })
    }

    /// Observes followers of the Instagram account, and waits until rankings know of them.
    async fn follow(&self, moment: &str, count: i64) -> anyhow::Result<()> {
        let values = values(&[(Metric::Followers, count)]);
        let intent = metrics(at(moment), values, Cause::Observed);
        let outcome = self.ground.carry_out(self.instagram, vec![intent]).await?;
        self.ground.after(&outcome, "/v1/top-posts").await?;
        Ok(())
    }
}

/// A ranking as pairs of the platform's id and the value; fails if its ranks are not 1, 2, 3...
pub(super) fn order(data: &Value) -> anyhow::Result<Value> {
    let mut order = vec![];
    for (post, rank) in list(&data["posts"])?.iter().zip(1..) {
        ensure!(post["rank"] == rank, "{data}");
        let id = post["text"]["platform_post_id"].as_str().context("an id")?;
        ensure!(post["text"]["title"] == format!("title of {id}"), "{post}");
        order.push(json!([id, post["value"]]));
    }
    Ok(Value::Array(order))
}

async fn ensure_order(ground: &Ground, query: &str, expected: Value) -> anyhow::Result<Value> {
    let data = ground
        .data(&format!("/v1/top-posts?limit=100&{query}"))
        .await?;
    let found = order(&data)?;
    ensure!(found == expected, "{query}: {found}\nexpected {expected}");
    Ok(data)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accounts_posts_by_each_measure() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let account = scene.instagram;
    for (by, expected) in [
        (
            "er_views@1",
            json!([["p2", 0.12], ["p1", 0.07], ["p4", 0.015]]),
        ),
        ("er_reach@1", json!([["p1", 0.0875], ["p2", 0.066_667]])),
        (
            "engagements",
            json!([["p1", 70], ["p2", 60], ["p4", 30], ["p3", 3]]),
        ),
        (
            "views",
            json!([["p4", 2_000], ["p1", 1_000], ["p2", 500], ["p3", 0]]),
        ),
        ("likes", json!([["p2", 60], ["p1", 50], ["p3", 3]])),
        ("comments", json!([["p4", 30], ["p1", 10], ["p2", 0]])),
        ("shares", json!([["p1", 5]])),
        ("saves", json!([["p1", 5]])),
        (
            "reach",
            json!([["p2", 900], ["p1", 800], ["p5", 10], ["p3", 0]]),
        ),
        ("watch_time", json!([["p1", 60_000]])),
    ] {
        let query = format!("account={account}&by={by}");
        let data = ensure_order(&scene.ground, &query, expected.clone()).await?;
        ensure!(
            data["by"] == by && data["switched_off"] == json!([]),
            "{data}"
        );
        // What is so now is so as of the end of time, and of the moment itself, not before it.
        for (moment, expected) in [
            ("9999-12-31T23:59:59Z", expected.clone()),
            (FIRST, expected),
            ("2026-01-01T23:59:59.999999Z", json!([])),
        ] {
            let query = format!("{query}&as_of={moment}");
            ensure_order(&scene.ground, &query, expected).await?;
        }
    }
    let query = format!("account={account}");
    let data = ensure_order(
        &scene.ground,
        &query,
        json!([["p2", 0.12], ["p1", 0.07], ["p4", 0.015]]),
    )
    .await?;
    // What a value stands on, and what of it is not known.
    let hidden = &data["posts"][2];
    ensure!(
        hidden["numbers"] == json!({"views": 2_000, "comments": 30}),
        "{hidden}"
    );
    let missing = json!({"total": 30, "missing": ["likes", "shares", "saves"]});
    ensure!(hidden["engagements"] == missing, "{hidden}");
    ensure!(hidden["basis"]["hidden"] == json!(["likes"]), "{hidden}");
    ensure!(
        hidden["basis"]["observed_at"] == "2026-01-02T00:00:00.000000Z",
        "{hidden}"
    );
    ensure!(hidden["basis"]["revision"] == 1, "{hidden}");
    ensure!(
        hidden["creator"] == "c" && hidden["platform"] == "instagram",
        "{hidden}"
    );
    ensure!(hidden.get("followers").is_none(), "{hidden}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn by_the_followers_of_that_moment() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let ground = &scene.ground;
    let query = format!("account={}&by=er_followers@1", scene.instagram);
    // Nobody has counted them yet.
    ensure_order(ground, &query, json!([])).await?;
    // Counted after the posts, which was too late to be of their moment.
    scene.follow("2026-01-02T00:00:00.000001Z", 1_000).await?;
    ensure_order(ground, &query, json!([])).await?;
    // Counted before them, and learned only now.
    scene.follow("2026-01-01T23:00:00Z", 200).await?;
    let expected = json!([["p1", 0.35], ["p2", 0.3], ["p4", 0.15], ["p3", 0.015]]);
    let data = ensure_order(ground, &query, expected).await?;
    let followers = column(&data["posts"], "followers")?;
    ensure!(followers == [200, 200, 200, 200], "{data}");
    // And at that very moment.
    scene.follow(FIRST, 100).await?;
    let expected = json!([["p1", 0.7], ["p2", 0.6], ["p4", 0.3], ["p3", 0.03]]);
    ensure_order(ground, &query, expected.clone()).await?;
    ensure_order(ground, &format!("{query}&as_of={SECOND}"), expected).await?;
    // Without any there is no rate.
    scene.follow(FIRST, 0).await?;
    ensure_order(ground, &query, json!([])).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_account_of_a_creator_of_all() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let ground = &scene.ground;
    let [q1, p2, z1, p1, p4] = [
        json!(["q1", 0.4]),
        json!(["p2", 0.12]),
        json!(["z1", 0.1]),
        json!(["p1", 0.07]),
        json!(["p4", 0.015]),
    ];
    for (query, expected) in [
        ("", json!([q1, p2, z1, p1, p4])),
        ("limit=3", json!([q1, p2, z1])),
        ("creator=c", json!([q1, p2, p1, p4])),
        ("creator=c&limit=2", json!([q1, p2])),
        ("creator=d", json!([z1])),
        ("creator=nobody", json!([])),
        ("platform=instagram", json!([p2, p1, p4])),
        ("platform=tiktok", json!([z1])),
        ("platform=facebook", json!([])),
        ("creator=c&platform=youtube", json!([q1])),
        ("creator=c&platform=tiktok", json!([])),
        ("min_views=100", json!([q1, p2, p1, p4])),
        ("min_views=600", json!([p1, p4])),
        ("min_views=2000&creator=c", json!([p4])),
        ("min_views=2001", json!([])),
        ("platform=instagram&min_views=501&limit=1", json!([p1])),
    ] {
        let data = ground.data(&format!("/v1/top-posts?{query}")).await?;
        let found = order(&data)?;
        ensure!(found == expected, "{query}: {found}\nexpected {expected}");
    }
    // Few views are none of those that count, where they are not known.
    let query = format!("account={}&by=reach&min_views=1", scene.instagram);
    ensure_order(ground, &query, json!([["p2", 900], ["p1", 800]])).await?;
    let query = format!("account={}&by=likes&min_views=600", scene.instagram);
    ensure_order(ground, &query, json!([["p1", 50]])).await?;
    // An account on another platform than the one that is asked for has no such posts.
    let query = format!("account={}&platform=tiktok", scene.youtube);
    ensure_order(ground, &query, json!([])).await?;
    Ok(())
}

/// A post is measured by its last observation that defines the measure, now and as of any time.
#[tokio::test(flavor = "multi_thread")]
async fn a_newer_look_that_defines_nothing_takes_nothing_away() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let ground = &scene.ground;
    let newer = vec![
        seen("p1", &[(Metric::Views, 1_000), (Metric::Likes, 10)], &[])?,
        seen("p2", &[(Metric::Views, 700)], &[Metric::Likes])?,
    ];
    let outcome = ground
        .carry_out(scene.instagram, vec![page(at(SECOND), newer)])
        .await?;
    ground.after(&outcome, "/v1/top-posts").await?;
    let account = format!("account={}", scene.instagram);
    let rates = json!([["p2", 0.12], ["p4", 0.015], ["p1", 0.01]]);
    let data = ensure_order(ground, &account, rates).await?;
    let basis = column(&data["posts"], "basis")?;
    let at = |moment: &str| moment.replace('Z', ".000000Z");
    let moments: Vec<_> = basis
        .iter()
        .map(|basis| basis["observed_at"].clone())
        .collect();
    ensure!(moments == [at(FIRST), at(FIRST), at(SECOND)], "{data}");
    ensure!(data["posts"][0]["numbers"]["views"] == 500, "{data}");
    let by_views = json!([["p4", 2_000], ["p1", 1_000], ["p2", 700], ["p3", 0]]);
    ensure_order(ground, &format!("{account}&by=views"), by_views).await?;
    let then = json!([["p2", 0.12], ["p1", 0.07], ["p4", 0.015]]);
    ensure_order(ground, &format!("{account}&as_of={FIRST}"), then).await?;

    // The same question twice, for now and as of the end of time: one answer.
    for query in [
        "",
        "&min_views=600",
        "&min_views=600&by=views",
        "&by=engagements&min_views=600",
    ] {
        let now = ground
            .data(&format!("/v1/top-posts?{account}{query}"))
            .await?;
        let end = format!("/v1/top-posts?{account}{query}&as_of=9999-12-31T23:59:59Z");
        let end = ground.data(&end).await?;
        ensure!(
            order(&now)? == order(&end)?,
            "{query}: {} and {}",
            order(&now)?,
            order(&end)?
        );
    }
    Ok(())
}

/// Equal values stand in the order of their keys, whatever the limit.
#[tokio::test(flavor = "multi_thread")]
async fn equal_values_keep_their_order() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    for (creator, platform) in [("c", Platform::Tiktok), ("c", Platform::Youtube)] {
        let account = ground.import(creator, platform, "one").await?;
        let mut posts = vec![];
        for n in 0..12 {
            posts.push(seen(
                &format!("p{n}"),
                &[(Metric::Views, 10), (Metric::Likes, 1)],
                &[],
            )?);
        }
        let outcome = ground
            .carry_out(account, vec![page(at(FIRST), posts)])
            .await?;
        ground.after(&outcome, "/v1/top-posts").await?;
    }
    for by in ["er_views@1", "views", "likes", "engagements"] {
        let path = format!("/v1/top-posts?creator=c&by={by}");
        let whole = ground.data(&format!("{path}&limit=100")).await?;
        let whole = column(&whole["posts"], "post")?;
        ensure!(whole.len() == 24, "{by}: {}", whole.len());
        let texts: Vec<_> = whole.iter().map(Value::to_string).collect();
        ensure!(texts.is_sorted(), "{by}: {texts:?}");
        for limit in [1, 5, 13, 24] {
            for axes in ["", "&as_of=2027-01-01T00:00:00Z"] {
                let some = ground.data(&format!("{path}&limit={limit}{axes}")).await?;
                let some = column(&some["posts"], "post")?;
                ensure!(some[..] == whole[..limit], "{by} {limit} {axes}: {some:?}");
            }
        }
    }
    Ok(())
}
