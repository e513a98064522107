//! A file for each metric of each account: two columns without a header, garbage among them, one
//! name on several sites, a site that is not supported.

use super::{Asked, Run, dirty, mapping, no_canary, values};
use crate::api_ground::{PROGRAM, column};
use anyhow::ensure;
use serde_json::{Value, json};
use tests::TestDatabase;
use tests::server::Server;

const INSTAGRAM: &str = "accounts/instagram.com/alpha/followers.tsi";
const TWITTER: &str = "accounts/twitter.com/alpha/followers.tsi";
const TWEETS: &str = "accounts/twitter.com/alpha/tweets.tsi";
const UNSUPPORTED: &[&str] = &[
    "'twitter.com' is not a supported platform",
    "expected one of",
];

#[tokio::test(flavor = "multi_thread")]
async fn series_without_headers() -> anyhow::Result<()> {
    let database = TestDatabase::create().await?;
    let run = Run::good(&database, &mapping("series_like"), &dirty("series_like"))?;
    run.ensure_refused(&[
        (INSTAGRAM, 4, &["1 columns", "expected 2"]),
        (
            INSTAGRAM,
            7,
            &["column followers", "'-5'", "expected a whole number"],
        ),
        (
            INSTAGRAM,
            11,
            &["column followers", "'1.2K'", "expected a whole number"],
        ),
        (TWITTER, 1, UNSUPPORTED),
        (TWITTER, 2, UNSUPPORTED),
        (TWITTER, 3, UNSUPPORTED),
        (TWEETS, 1, UNSUPPORTED),
        (TWEETS, 2, UNSUPPORTED),
    ])?;
    // Notes and what has no metric are named in the report.
    let left_out = json!([
        "accounts/facebook.com/alpha/followers.notes.tss",
        "accounts/facebook.com/alpha/members.tsi",
        "accounts/instagram.com/alpha/account.err.tss",
    ]);
    ensure!(run.report["files_ignored"] == left_out, "{}", run.report);
    ensure!(run.report["files_unmatched"] == json!([]), "{}", run.report);
    run.ensure_counts(&[("accounts", 3)])?;
    let again = Run::good(&database, &mapping("series_like"), &dirty("series_like"))?;
    again.ensure_counts(&[("rows_recorded", 0), ("events_appended", 0)])?;

    let server = Server::start(PROGRAM, &database.url)?;
    let on = |platform| Asked {
        server: &server,
        creator: "series-like",
        platform,
    };
    instagram(&on("instagram")).await?;
    facebook(&on("facebook")).await?;
    youtube(&on("youtube")).await?;
    // `alpha` is an account of its own on each site that is supported.
    let accounts = on("youtube")
        .data("/v1/creators/series-like/accounts")
        .await?;
    let mut platforms = column(&accounts, "platform")?;
    platforms.sort_by_key(ToString::to_string);
    ensure!(
        platforms == ["facebook", "instagram", "youtube"],
        "{accounts}"
    );
    no_canary(&database).await
}

async fn instagram(asked: &Asked<'_>) -> anyhow::Result<()> {
    let followers = asked.series("alpha", "followers").await?;
    ensure!(
        values(&followers) == [100, 110, 105, 112, 120, 130],
        "{followers:?}"
    );
    let account = asked.account("alpha").await?;
    let path = format!("/v1/accounts/{account}/metrics/followers");
    for (as_of, value, at) in [
        // The file has it out of order.
        ("2025-02-01T00:00:00Z", 112, "2025-01-22T00:00:01.000000Z"),
        // A fall.
        ("2025-01-15T00:00:00Z", 105, "2025-01-15T00:00:00.000000Z"),
        ("2025-12-31T00:00:00Z", 130, "2025-02-19T00:00:00.000000Z"),
    ] {
        let path = format!("{path}?as_of={as_of}");
        asked.ensure_value(&path, Some(value), Some(at)).await?;
    }
    // A blank value is unknown from its moment on, until the next one.
    let found = asked
        .data(&format!("{path}?as_of=2025-01-22T00:00:00Z"))
        .await?;
    ensure!(
        found["value"] == 105 && found["unknown_since"] == "2025-01-22T00:00:00.000000Z",
        "{found}"
    );
    // CRLF, true zeros; and a last line without an end.
    let following = asked.series("alpha", "following").await?;
    ensure!(values(&following) == [10, 0, 0, 11, 11], "{following:?}");
    let posts = asked.series("alpha", "posts").await?;
    ensure!(values(&posts) == [7, 7, 8, 9, 9], "{posts:?}");
    ensure!(posts[4].1 == "2025-02-19T00:00:03.000000Z", "{posts:?}");
    Ok(())
}

async fn facebook(asked: &Asked<'_>) -> anyhow::Result<()> {
    let account = asked.account("alpha").await?;
    let trends = format!("/v1/accounts/{account}/trends");
    let window = "interval=raw&from=2024-01-01&to=2026-01-01";
    let found = asked.data(&format!("{trends}/followers?{window}")).await?;
    // The rounded file goes on where the exact one ends, and says that it rounds.
    let known = column(&found["points"], "value")?;
    ensure!(known == [3990, 4001, 4004, 4000, 3900, 3900], "{found}");
    let digits = column(&found["points"], "significant_digits")?;
    let expected = json!([null, null, null, 3, 3, 3]);
    ensure!(Value::Array(digits) == expected, "{found}");
    let likes = asked.series("alpha", "page_likes").await?;
    ensure!(
        values(&likes) == [3500, 3498, 3499, 3499, 3501],
        "{likes:?}"
    );
    ensure!(
        asked.series("alpha", "likes").await?.is_empty(),
        "likes of a page are its fans"
    );
    Ok(())
}

async fn youtube(asked: &Asked<'_>) -> anyhow::Result<()> {
    let id = "canary-handle-beta";
    let profile = asked.profile(id).await?;
    ensure!(profile["profile"]["platform_account_id"] == id, "{profile}");
    // Of an exact and a rounded value of one second the exact one has the last word.
    let path = format!(
        "/v1/accounts/{}/metrics/followers",
        asked.account(id).await?
    );
    let at = "2025-01-15T00:23:20.000000Z";
    let found = asked
        .ensure_value(&format!("{path}?as_of={at}"), Some(1246), Some(at))
        .await?;
    ensure!(found["precision"].is_null(), "{found}");
    let found = asked
        .data(&format!("{path}?as_of=2025-02-01T00:00:00Z"))
        .await?;
    ensure!(
        found["value"] == 1250 && found["precision"] == json!({"significant_digits": 3}),
        "{found}"
    );
    let views = asked.series(id, "views").await?;
    ensure!(values(&views) == [98_765, 99_001, 98_999], "{views:?}");
    // An empty file is no observation, and no error.
    ensure!(
        asked.series(id, "posts").await?.is_empty(),
        "posts of an empty file"
    );
    Ok(())
}
