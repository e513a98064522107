//! Channels, their days and their videos: CSV with byte-order marks, CRLF, quoted commas, quotes
//! and line ends, emoji, ids that begin with hyphens, counts that are none or hidden.

use super::{Asked, Run, dirty, mapping, no_canary, values};
use crate::api_ground::{PROGRAM, column, list};
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tests::TestDatabase;
use tests::server::Server;

const FIRST: &str = "2025-03-04T05:06:07.123456Z";
const SECOND: &str = "2025-03-11T05:06:07.654321Z";
/// All but the last two digits of every channel's id.
const CHANNEL: &str = "UCcanary00000000000000";

fn channel(number: &str) -> String {
    format!("{CHANNEL}{number}")
}

/// The refused rows of the whole folder, in the order of the mapping's tables.
pub(super) const REFUSED: [(&str, u64, &[&str]); 12] = [
    (
        "daily.csv",
        12,
        &["column date_utc", "'2025-02-30'", "expected a time"],
    ),
    (
        "daily.csv",
        15,
        &["column date_utc", "'06/03/2025'", "expected a time"],
    ),
    (
        "daily.csv",
        16,
        &["column subscribers", "'30.5'", "expected a whole number"],
    ),
    (
        "videos_a.csv",
        9,
        &["column view_count", "'12k'", "expected a whole number"],
    ),
    ("videos_a.csv", 10, &["11 columns", "expected 12"]),
    (
        "videos_a.csv",
        11,
        &["column like_count", "'-3'", "expected a whole number"],
    ),
    ("videos_a.csv", 12, &["13 columns", "expected 12"]),
    (
        "videos_a.csv",
        15,
        &["column video_id", "blank", "expected the post's id"],
    ),
    (
        "videos_a.csv",
        16,
        &["column channel_id", "blank", "expected the account's id"],
    ),
    (
        "videos_a.csv",
        17,
        &["column view_count", "'14,500'", "expected a whole number"],
    ),
    (
        "videos_a.csv",
        18,
        &[
            "column view_count",
            "'9223372036854775808'",
            "9223372036854775807",
        ],
    ),
    (
        "videos_a.csv",
        19,
        &["column snapshot_utc", "T25:06:07", "expected a time"],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_row_goes_where_it_belongs() -> anyhow::Result<()> {
    let database = TestDatabase::create().await?;
    let run = Run::good(&database, &mapping("youtube_like"), &dirty("youtube_like"))?;
    run.ensure_refused(&REFUSED)?;
    // The file with nothing but its header has no row, and is no error.
    run.ensure_counts(&[("rows_read", 67), ("rows_refused", 12), ("accounts", 9)])?;
    ensure!(run.report["files_unmatched"] == json!([]), "{}", run.report);
    known_values(&database).await?;

    let server = Server::start(PROGRAM, &database.url)?;
    let asked = Asked {
        server: &server,
        creator: "youtube-like",
        platform: "youtube",
    };
    titles(&asked).await?;
    unlisted_channels(&asked).await?;
    counts_of_posts(&asked).await?;
    days(&asked).await?;
    hidden_likes(&asked).await?;
    rankings(&asked).await?;
    no_canary(&database).await
}

/// How many values are known, equal rows counted once.
async fn known_values(database: &TestDatabase) -> anyhow::Result<()> {
    let client = database.connect().await?;
    let row = client
        .query_one(
            "select
                 (select sum(num_nonnulls(views, likes, comments)) from top_posts_v1_history
                  where observed_at = '2025-03-04T05:06:07.123456Z') as first,
                 (select sum(num_nonnulls(views, likes, comments)) from (
                      select distinct on (post) views, likes, comments
                      from top_posts_v1_history
                      where observed_at = '2025-03-11T05:06:07.654321Z'
                      order by post, revision desc
                  ) newest) as second,
                 (select count(distinct (account_id, metric, observed_at))
                  from follower_trends_v1 where value is not null) as days",
            &[],
        )
        .await?;
    let counts: [i64; 3] = [row.get("first"), row.get("second"), row.get("days")];
    ensure!(counts == [24, 31, 40], "{counts:?}");
    Ok(())
}

/// Names of channels and titles of posts come back whole.
async fn titles(asked: &Asked<'_>) -> anyhow::Result<()> {
    for (number, handle, name) in [
        ("01", "canary-handle-one", "Canary Channel One"),
        ("02", "canary-handle-two", "Canary, Channel, Two"),
        ("03", "canary-handle-three", "Canary 🐤🔧 Drei | Ümläut"),
        ("04", "canary-handle-four", r#"The "Quoted" Canary"#),
        ("05", "canary-handle-five", " Canary With Spaces "),
        (
            "06",
            "canary-handle-six",
            "=canary title that looks like a formula",
        ),
        ("07", "canary-handle-seven", "Canary title over\ntwo lines"),
    ] {
        let id = channel(number);
        let expected = json!({
            "platform_account_id": id,
            "handle": handle,
            "name": name,
            "bio": null,
            "url": format!("https://example.invalid/channel/{id}"),
            "avatar_url": null,
            "sealed": false,
        });
        let found = asked.profile(&id).await?;
        ensure!(found["profile"] == expected, "{found}");
    }
    for (number, id, title) in [
        ("01", "canaryvid01", "canary caption one"),
        ("01", "-canaryvd02", "canary caption two (a new title)"),
        ("01", "--canaryv03", "canary caption three, with a comma"),
        (
            "03",
            "canaryvid07",
            r#"canary caption seven: "quoted", 🐤 emoji"#,
        ),
    ] {
        let path = asked.post(&channel(number), id).await?;
        let found = asked.data(&path).await?;
        let text = &found["text"];
        ensure!(
            text["title"] == title && text["platform_post_id"] == id,
            "{found}"
        );
    }
    let found = asked
        .data(&asked.post(&channel("01"), "canaryvid01").await?)
        .await?;
    let published = "2025-02-01T10:00:00.000000Z";
    ensure!(found["published_at"] == published, "{found}");
    Ok(())
}

/// What the list of channels lacks exists by its id alone.
async fn unlisted_channels(asked: &Asked<'_>) -> anyhow::Result<()> {
    for number in ["98", "99"] {
        let found = asked.profile(&channel(number)).await?;
        let profile = &found["profile"];
        ensure!(profile["platform_account_id"] == channel(number), "{found}");
        ensure!(profile["sealed"] == false, "{found}");
        for name in ["handle", "name", "bio", "url", "avatar_url"] {
            ensure!(profile[name].is_null(), "{name}: {found}");
        }
    }
    Ok(())
}

/// The table of answers as of the day after the last file.
async fn counts_of_posts(asked: &Asked<'_>) -> anyhow::Result<()> {
    for (number, post, metric, value, at) in [
        ("01", "canaryvid01", "views", Some(1510), Some(SECOND)),
        ("01", "-canaryvd02", "comments", Some(2), Some(SECOND)),
        ("01", "--canaryv03", "views", Some(3500), Some(SECOND)),
        ("02", "canaryvid04", "likes", None, None),
        ("02", "canaryvid05", "likes", Some(512), Some(SECOND)),
        ("02", "canaryvid05", "comments", Some(0), Some(SECOND)),
        ("03", "canaryvid07", "likes", Some(720), Some(FIRST)),
        ("03", "canaryvid08", "views", Some(8600), Some(SECOND)),
        ("03", "canaryvid10", "likes", Some(3), Some(SECOND)),
        ("98", "canaryvid12", "comments", Some(21), Some(SECOND)),
        ("04", "canaryvid17", "views", Some(i64::MAX), Some(FIRST)),
        ("04", "canaryvid18", "views", Some(186), Some(SECOND)),
    ] {
        let path = asked.post(&channel(number), post).await?;
        let path = format!("{path}/metrics/{metric}?as_of=2025-03-12T00:00:00Z");
        let found = asked.ensure_value(&path, value, at).await?;
        let unknown_since = (post == "canaryvid07").then_some(SECOND);
        ensure!(found["unknown_since"].as_str() == unknown_since, "{found}");
    }
    // True zeros of the first file, before there was anything else.
    let planned = asked.post(&channel("02"), "canaryvid06").await?;
    for metric in ["views", "likes", "comments"] {
        let path = format!("{planned}/metrics/{metric}?as_of=2025-03-05T00:00:00Z");
        asked.ensure_value(&path, Some(0), Some(FIRST)).await?;
    }
    // Refused twice, and so never there.
    let account = asked.account(&channel("03")).await?;
    let path = format!("/v1/accounts/{account}/posts?platform_post_id=canaryvid09");
    ensure!(
        asked.data(&path).await? == json!([]),
        "canaryvid09 is there"
    );
    Ok(())
}

/// Days: falls are kept, a blank is unknown, and the later line of one day has the last word.
async fn days(asked: &Asked<'_>) -> anyhow::Result<()> {
    let series = asked.series(&channel("01"), "followers").await?;
    ensure!(
        values(&series) == [1000, 1010, 990, 1020, 1021, 1030],
        "{series:?}"
    );
    let views = asked.series(&channel("01"), "views").await?;
    ensure!(
        values(&views) == [50000, 50100, 50050, 50300, 50300, 50500],
        "{views:?}"
    );
    let posts = asked.series(&channel("01"), "posts").await?;
    ensure!(values(&posts) == [10, 10, 9, 10, 10, 11], "{posts:?}");
    let day = |day: &str| format!("{day}T00:00:00.000000Z");
    for (number, metric, as_of, value, at) in [
        ("01", "followers", "2025-03-06", 1021, "2025-03-06"),
        ("01", "followers", "2025-03-08", 1021, "2025-03-06"),
        ("02", "views", "2025-03-04", 900_000, "2025-03-03"),
        ("02", "followers", "2025-03-12", 20_300, "2025-03-12"),
        ("03", "followers", "2025-03-07", 30, "2025-03-03"),
        ("03", "followers", "2025-03-12", 0, "2025-03-12"),
        ("99", "followers", "2025-03-12", 556, "2025-03-04"),
        ("99", "posts", "2025-03-12", 7, "2025-03-04"),
    ] {
        let account = asked.account(&channel(number)).await?;
        let path = format!("/v1/accounts/{account}/metrics/{metric}?as_of={as_of}T00:00:00Z");
        let found = asked
            .ensure_value(&path, Some(value), Some(&day(at)))
            .await?;
        // Blank on a later day, up to the one that was asked for.
        let unknown_since = match (number, metric, as_of) {
            ("02", "views", _) | ("03", "followers", "2025-03-07") => Some(day("2025-03-04")),
            ("99", _, _) => Some(day("2025-03-12")),
            _ => None,
        };
        ensure!(
            found["unknown_since"].as_str() == unknown_since.as_deref(),
            "{found}"
        );
    }
    Ok(())
}

/// A hidden count is named as that wherever the post is shown, and is never 0.
async fn hidden_likes(asked: &Asked<'_>) -> anyhow::Result<()> {
    let path = asked.post(&channel("02"), "canaryvid04").await?;
    let history = asked.data(&format!("{path}/history")).await?;
    ensure!(list(&history)?.len() == 2, "{history}");
    for observation in list(&history)? {
        ensure!(observation["hidden"] == json!(["likes"]), "{observation}");
        ensure!(
            observation["values"].get("likes").is_none(),
            "{observation}"
        );
    }
    let post = asked.data(&path).await?;
    ensure!(
        post["numbers"] == json!({"views": 4600, "comments": 45}),
        "{post}"
    );
    ensure!(
        post["engagements"] == json!({"total": 45, "missing": ["likes"]}),
        "{post}"
    );
    // Known once, hidden since: the newest observation says so.
    let path = asked.post(&channel("03"), "canaryvid07").await?;
    let history = asked.data(&format!("{path}/history")).await?;
    ensure!(
        column(&history, "hidden")? == [json!(["likes"]), json!([])],
        "{history}"
    );
    let numbers = [
        json!({"views": 7600, "comments": 78}),
        json!({"views": 7500, "likes": 720, "comments": 77}),
    ];
    ensure!(column(&history, "values")? == numbers, "{history}");
    Ok(())
}

async fn rankings(asked: &Asked<'_>) -> anyhow::Result<()> {
    let path = "/v1/top-posts?creator=youtube-like&limit=100";
    let by_rate = asked.data(path).await?;
    let posts = list(&by_rate["posts"])?;
    let find = |id: &str| {
        let found = posts
            .iter()
            .find(|post| post["text"]["platform_post_id"] == id);
        found.with_context(|| format!("{id}: {by_rate}"))
    };
    for (id, value, total, missing) in [
        ("canaryvid08", 0.105_581, 908, json!([])),
        ("canaryvid01", 0.086_093, 130, json!([])),
        ("canaryvid07", 0.010_263, 78, json!(["likes"])),
        ("canaryvid04", 0.009_783, 45, json!(["likes"])),
        ("canaryvid17", 0.0, 1737, json!([])),
    ] {
        let post = find(id)?;
        ensure!(post["value"] == value, "{post}");
        ensure!(
            post["engagements"] == json!({"total": total, "missing": missing}),
            "{post}"
        );
        ensure!(post["basis"]["hidden"] == missing, "{post}");
    }
    // Every post: each had views when it was looked at last.
    let rates = column(&by_rate["posts"], "value")?;
    let rates: Vec<_> = rates.iter().filter_map(Value::as_f64).collect();
    ensure!(
        rates.len() == 12 && rates.is_sorted_by(|a, b| a >= b),
        "{rates:?}"
    );

    let by_likes = asked.data(&format!("{path}&by=likes")).await?;
    let posts = list(&by_likes["posts"])?;
    let has = |id: &str| {
        posts
            .iter()
            .any(|post| post["text"]["platform_post_id"] == id)
    };
    ensure!(has("canaryvid07") && !has("canaryvid04"), "{by_likes}");
    let by_views = asked.data(&format!("{path}&by=views")).await?;
    ensure!(by_views["posts"][0]["value"] == i64::MAX, "{by_views}");
    ensure!(by_views["posts"][0]["rank"] == 1, "{by_views}");
    Ok(())
}
