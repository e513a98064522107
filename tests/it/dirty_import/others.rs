//! One JSON document, JSON line by line with ids near the end of 64 bits, and CSV whose accounts
//! are named in links.

use super::{Asked, Run, dirty, mapping, no_canary};
use crate::api_ground::{PROGRAM, column, list};
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tests::TestDatabase;
use tests::server::Server;

const NOTHING_NEW: [(&str, u64); 2] = [("rows_recorded", 0), ("events_appended", 0)];

/// An account's posts by the platform's own ids.
async fn posts(asked: &Asked<'_>, account: &str) -> anyhow::Result<BTreeMap<String, Value>> {
    let account = asked.account(account).await?;
    let found = asked
        .server
        .all(&format!("/v1/accounts/{account}/posts"))
        .await?;
    let by_id = found.into_iter().map(|post| {
        let id = post["text"]["platform_post_id"].as_str().context("an id")?;
        Ok((id.to_owned(), post.clone()))
    });
    by_id.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_with_offsets_and_a_missing_count() -> anyhow::Result<()> {
    let database = TestDatabase::create().await?;
    let (map, folder) = (mapping("graph_like"), dirty("graph_like"));
    let run = Run::good(&database, &map, &folder)?;
    run.ensure_refused(&[])?;
    run.ensure_counts(&[("rows_read", 3), ("rows_recorded", 3), ("accounts", 1)])?;
    Run::good(&database, &map, &folder)?.ensure_counts(&NOTHING_NEW)?;

    let server = Server::start(PROGRAM, &database.url)?;
    let asked = Asked {
        server: &server,
        creator: "graph-like",
        platform: "instagram",
    };
    let id = "17000000000000001";
    let profile = asked.profile(id).await?["profile"].take();
    ensure!(
        profile["bio"] == "canary biography\nsecond line 🐤" && profile["name"] == "Canary Graph",
        "{profile}"
    );
    let account = asked.account(id).await?;
    let at = Some("2025-03-05T00:00:00.000000Z");
    for (metric, value) in [("followers", 4321), ("following", 0), ("posts", 2)] {
        let path = format!("/v1/accounts/{account}/metrics/{metric}");
        asked.ensure_value(&path, Some(value), at).await?;
    }
    let posts = posts(&asked, id).await?;
    ensure!(posts.len() == 2, "{posts:?}");
    let (liked, other) = (&posts["18000000000000001"], &posts["18000000000000002"]);
    ensure!(
        liked["text"]["caption"] == "canary caption with likes 🔥\n.\n.\n#canary",
        "{liked}"
    );
    ensure!(
        liked["numbers"] == json!({"comments": 5, "likes": 50}),
        "{liked}"
    );
    ensure!(
        liked["published_at"] == "2025-03-01T23:30:00.000000Z",
        "{liked}"
    );
    // Another day in UTC; and a count that is left out is withheld, while a 0 is a 0.
    ensure!(
        other["published_at"] == "2025-03-01T19:45:00.000000Z",
        "{other}"
    );
    ensure!(other["numbers"] == json!({"comments": 0}), "{other}");
    let missing = json!(["likes", "shares", "saves"]);
    ensure!(
        other["engagements"] == json!({"total": 0, "missing": missing}),
        "{other}"
    );
    let path = asked.post(id, "18000000000000002").await?;
    let history = asked.data(&format!("{path}/history")).await?;
    ensure!(
        column(&history, "hidden")? == [json!(["likes"])],
        "{history}"
    );
    no_canary(&database).await
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_json_with_ids_near_the_end_of_64_bits() -> anyhow::Result<()> {
    let database = TestDatabase::create().await?;
    let (map, folder) = (mapping("ndjson_like"), dirty("ndjson_like"));
    let run = Run::good(&database, &map, &folder)?;
    let file = "posts.ndjson";
    run.ensure_refused(&[
        (file, 4, &["not valid JSON", "character 107"]),
        (
            file,
            8,
            &["pointer '/views'", "'12.5'", "expected a whole number"],
        ),
        (
            file,
            10,
            &[
                "pointer '/observed_ms'",
                "missing",
                "expected the time of observation",
            ],
        ),
        (
            file,
            12,
            &[
                "pointer '/account_id'",
                "missing",
                "expected the account's id",
            ],
        ),
        (
            file,
            13,
            &[
                "observed at 1970-01-21",
                "before the post was published",
                "expected a later",
            ],
        ),
    ])?;
    run.ensure_counts(&[("rows_read", 13), ("rows_recorded", 8), ("accounts", 2)])?;
    Run::good(&database, &map, &folder)?.ensure_counts(&NOTHING_NEW)?;

    let server = Server::start(PROGRAM, &database.url)?;
    let asked = Asked {
        server: &server,
        creator: "ndjson-like",
        platform: "tiktok",
    };
    let mut found = posts(&asked, "canary-account-1").await?;
    found.extend(posts(&asked, "canary-account-2").await?);
    let numbers = |views: i64, likes: i64, comments: i64, shares: Option<i64>| match shares {
        Some(shares) => {
            json!({"views": views, "likes": likes, "comments": comments, "shares": shares})
        }
        None => json!({"views": views, "likes": likes, "comments": comments}),
    };
    // To the last digit, as text or as a number; what was withheld last keeps its older value.
    let expected = BTreeMap::from([
        ("9223372036854775807", numbers(99, 10, 1, Some(0))),
        ("9223372036854775806", numbers(210, 21, 2, Some(1))),
        ("9007199254740993", numbers(300, 30, 3, Some(3))),
        ("9223372036854775803", numbers(600, 60, 6, None)),
        ("9223372036854775808", numbers(800, 80, 8, Some(8))),
        ("9223372036854775800", numbers(1000, 100, 10, Some(10))),
    ]);
    ensure!(found.len() == expected.len(), "{:?}", found.keys());
    for (id, numbers) in &expected {
        let post = found.get(*id).with_context(|| format!("post {id}"))?;
        ensure!(post["numbers"] == *numbers, "{post}");
    }
    let caption = &found["9223372036854775803"]["text"]["caption"];
    ensure!(caption == "canary caption n6 é 🐤", "{caption}");
    // Views fall, likes are withheld; shares withheld first and known then; to the millisecond.
    let path = asked
        .post("canary-account-1", "9223372036854775807")
        .await?;
    let history = asked.data(&format!("{path}/history")).await?;
    ensure!(
        column(&history, "hidden")? == [json!(["likes"]), json!([])],
        "{history}"
    );
    ensure!(
        column(&history, "observed_at")?
            == ["2025-03-11T05:06:07.654000Z", "2025-03-04T05:06:07.123000Z"],
        "{history}"
    );
    let path = asked
        .post("canary-account-1", "9223372036854775806")
        .await?;
    let history = asked.data(&format!("{path}/history")).await?;
    ensure!(
        column(&history, "hidden")? == [json!([]), json!(["shares"])],
        "{history}"
    );
    no_canary(&database).await
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_are_named_in_links() -> anyhow::Result<()> {
    let database = TestDatabase::create().await?;
    let (map, folder) = (mapping("tiktok_like"), dirty("tiktok_like"));
    let run = Run::good(&database, &map, &folder)?;
    run.ensure_refused(&[])?;
    run.ensure_counts(&[("rows_read", 7), ("rows_recorded", 7), ("accounts", 3)])?;
    Run::good(&database, &map, &folder)?.ensure_counts(&NOTHING_NEW)?;

    let server = Server::start(PROGRAM, &database.url)?;
    let asked = Asked {
        server: &server,
        creator: "tiktok-like",
        platform: "tiktok",
    };
    // 74, 74 and 75 at one moment: the last row has the last word, and the repetition adds none.
    let series = asked.series("canary-handle-tt1", "followers").await?;
    ensure!(super::values(&series) == [74, 75], "{series:?}");
    ensure!(
        asked
            .series("canary-handle-tt3", "followers")
            .await?
            .is_empty(),
        "a blank count"
    );

    let mut found = BTreeMap::new();
    for account in [
        "canary-handle-tt1",
        "canary-handle-tt2",
        "canary-handle-tt3",
    ] {
        found.extend(posts(&asked, account).await?);
    }
    ensure!(found.len() == 7, "{:?}", found.keys());
    for (id, total, missing) in [
        ("9223372036854775701", json!(87), json!([])),
        ("9223372036854775702", json!(55), json!(["shares"])),
        ("9223372036854775703", json!(11), json!([])),
        (
            "9223372036854775704",
            json!(null),
            json!(["likes", "comments", "shares"]),
        ),
        ("9223372036854775705", json!(2), json!([])),
        (
            "9223372036854775706",
            json!(null),
            json!(["likes", "comments", "shares"]),
        ),
        ("9223372036854775707", json!(0), json!([])),
    ] {
        let post = &found[id];
        ensure!(
            post["engagements"] == json!({"total": total, "missing": missing}),
            "{post}"
        );
    }
    // Undefined rates are left out; twice as many engagements as views are no error.
    for (by, expected) in [
        (
            "er_views@1",
            json!([[705, 2.0], [702, 0.038_141], [701, 0.035_612], [703, 0.022]]),
        ),
        (
            "engagements",
            json!([[701, 87], [702, 55], [703, 11], [705, 2], [707, 0]]),
        ),
        (
            "views",
            json!([
                [701, 2443],
                [702, 1442],
                [703, 500],
                [704, 386],
                [705, 1],
                [707, 0]
            ]),
        ),
        ("saves", json!([[701, 8], [702, 2], [705, 0], [707, 0]])),
    ] {
        let path = format!("/v1/top-posts?creator=tiktok-like&by={by}&limit=100");
        let ranking = asked.data(&path).await?;
        let mut order = vec![];
        for post in list(&ranking["posts"])? {
            let id = post["text"]["platform_post_id"].as_str().context("an id")?;
            let end: i64 = id.rsplit("9223372036854775").next().unwrap_or("").parse()?;
            order.push(json!([end, post["value"]]));
        }
        if by == "saves" {
            // Equal values are ordered by keys, which differ from run to run.
            order[2..].sort_by_key(ToString::to_string);
        }
        ensure!(Value::Array(order) == expected, "{by}: {ranking}");
    }
    no_canary(&database).await
}
