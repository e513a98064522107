//! A file that corrects another one of the same instant: what was believed before stays askable,
//! and what the correction does not touch stays as it was.

use super::{Asked, Run, copy, dirty, mapping, no_canary, youtube::REFUSED};
use crate::api_ground::{PROGRAM, column, list};
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::path::Path;
use tests::TestDatabase;
use tests::server::Server;

const FIRST: &str = "2025-03-04T05:06:07.123456Z";
const SECOND: &str = "2025-03-11T05:06:07.654321Z";
const CORRECTED: &str = "videos_b_corrected.csv";
const ONE: &str = "UCcanary0000000000000001";
const UNLISTED: &str = "UCcanary0000000000000098";

/// The mapping as it was before there was a correction.
fn mapping_before(scratch: &Path) -> anyhow::Result<std::path::PathBuf> {
    let whole = std::fs::read_to_string(mapping("youtube_like"))?;
    let before = whole.replace(&format!(", \"{CORRECTED}\""), "");
    ensure!(before.len() < whole.len(), "the mapping lists {CORRECTED}");
    let path = scratch.join("before.toml");
    std::fs::write(&path, before)?;
    Ok(path)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_restates_and_what_was_believed_stays() -> anyhow::Result<()> {
    let database = TestDatabase::create().await?;
    let (scratch, folder) = (tempfile::tempdir()?, tempfile::tempdir()?);
    copy(&dirty("youtube_like"), folder.path(), &[CORRECTED])?;
    let before = mapping_before(scratch.path())?;
    let first = Run::good(&database, &before, folder.path())?;
    first.ensure_refused(&REFUSED)?;
    first.ensure_counts(&[("rows_read", 56), ("events_appended", 36), ("accounts", 9)])?;

    let server = Server::start(PROGRAM, &database.url)?;
    let asked = Asked {
        server: &server,
        creator: "youtube-like",
        platform: "youtube",
    };
    let views = format!("{}/metrics/views", asked.post(ONE, "canaryvid01").await?);
    let believed = asked.ensure_value(&views, Some(1490), Some(SECOND)).await?;
    ensure!(believed["cause"] == "imported", "{believed}");
    // A moment between the two imports: the first one is recorded, appends of all accounts.
    let client = database.connect().await?;
    let row = client
        .query_one(
            "select to_char(max(recorded_at) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')
             from top_posts_v1_history",
            &[],
        )
        .await?;
    let between: &str = row.get(0);

    copy(&dirty("youtube_like"), folder.path(), &[])?;
    let second = Run::good(&database, &mapping("youtube_like"), folder.path())?;
    // Two of its eleven rows say something else; the refused rows are refused again.
    second.ensure_refused(&REFUSED)?;
    second.ensure_counts(&[("rows_read", 67), ("rows_recorded", 2), ("accounts", 9)])?;

    restated_value(&asked, &views, between).await?;
    history_of_the_restated(&asked, between).await?;
    unchanged_posts(&asked).await?;
    ranking(&asked, between).await?;

    let third = Run::good(&database, &mapping("youtube_like"), folder.path())?;
    third.ensure_counts(&[("rows_recorded", 0), ("events_appended", 0)])?;
    no_canary(&database).await
}

async fn restated_value(asked: &Asked<'_>, views: &str, between: &str) -> anyhow::Result<()> {
    let now = asked.ensure_value(views, Some(1510), Some(SECOND)).await?;
    ensure!(now["cause"] == "restated", "{now}");
    for (axes, value, at) in [
        (format!("as_of={SECOND}"), 1510, SECOND),
        (format!("as_of={SECOND}&known_at={between}"), 1490, SECOND),
        (format!("known_at={between}"), 1490, SECOND),
        ("as_of=2025-03-11T05:06:07.654320Z".to_owned(), 1500, FIRST),
        (format!("as_of={FIRST}&known_at={between}"), 1500, FIRST),
    ] {
        let path = format!("{views}?{axes}");
        asked.ensure_value(&path, Some(value), Some(at)).await?;
    }
    let comments = asked.post(UNLISTED, "canaryvid12").await?;
    let comments = format!("{comments}/metrics/comments");
    asked
        .ensure_value(&comments, Some(21), Some(SECOND))
        .await?;
    let path = format!("{comments}?known_at={between}");
    asked.ensure_value(&path, Some(12), Some(SECOND)).await?;
    // Before anything was recorded, nothing was known.
    let path = format!("{views}?known_at=2025-03-12T00:00:00Z");
    asked.ensure_value(&path, None, None).await?;
    Ok(())
}

async fn history_of_the_restated(asked: &Asked<'_>, between: &str) -> anyhow::Result<()> {
    let path = format!("{}/history", asked.post(ONE, "canaryvid01").await?);
    let views = |history: &Value| -> anyhow::Result<Vec<Option<i64>>> {
        let rows = list(history)?.iter();
        Ok(rows.map(|row| row["values"]["views"].as_i64()).collect())
    };
    let history = asked.data(&path).await?;
    ensure!(
        views(&history)? == [Some(1510), Some(1490), Some(1500)],
        "{history}"
    );
    ensure!(
        column(&history, "restates")? == [true, false, false],
        "{history}"
    );
    ensure!(
        column(&history, "cause")? == ["restated", "imported", "imported"],
        "{history}"
    );
    ensure!(
        column(&history, "observed_at")? == [SECOND, SECOND, FIRST],
        "{history}"
    );
    // The same, one by one: what a page ends with does not hide that it restates.
    let mut cursor = String::new();
    for expected in list(&history)? {
        let page = asked.server.ok(&format!("{path}?limit=1{cursor}")).await?;
        ensure!(page["data"] == json!([expected]), "{page} {expected}");
        cursor = match page["next_cursor"].as_str() {
            Some(next) => format!("&cursor={next}"),
            None => String::new(),
        };
    }
    ensure!(cursor.is_empty(), "the history goes on after its end");
    let then = asked.data(&format!("{path}?known_at={between}")).await?;
    ensure!(views(&then)? == [Some(1490), Some(1500)], "{then}");
    ensure!(column(&then, "restates")? == [false, false], "{then}");
    Ok(())
}

/// Looked at and found as before: noted as that, and an answer as of either moment.
async fn unchanged_posts(asked: &Asked<'_>) -> anyhow::Result<()> {
    let post = asked.post(ONE, "--canaryv03").await?;
    let history = asked.data(&format!("{post}/history")).await?;
    // Twice looked at; the correction repeats the second time and adds nothing.
    ensure!(
        column(&history, "observed_at")? == [SECOND, FIRST],
        "{history}"
    );
    ensure!(column(&history, "unchanged")? == [true, false], "{history}");
    let numbers = json!({"views": 3500, "likes": 320, "comments": 33});
    ensure!(
        column(&history, "values")? == [numbers.clone(), numbers],
        "{history}"
    );
    for at in [FIRST, SECOND] {
        let path = format!("{post}/metrics/likes?as_of={at}");
        asked.ensure_value(&path, Some(320), Some(at)).await?;
    }
    let found = asked.data(&post).await?;
    ensure!(
        found["observations"] == 2 && found["observed_at"] == SECOND,
        "{found}"
    );

    // Unchanged at first, and corrected later for that same moment.
    let path = format!("{}/history", asked.post(UNLISTED, "canaryvid12").await?);
    let history = asked.data(&path).await?;
    ensure!(
        column(&history, "unchanged")? == [false, true, false],
        "{history}"
    );
    ensure!(
        column(&history, "restates")? == [true, false, false],
        "{history}"
    );
    Ok(())
}

/// The ranking of a creator's posts, now and as it was believed.
async fn ranking(asked: &Asked<'_>, between: &str) -> anyhow::Result<()> {
    let path = "/v1/top-posts?creator=youtube-like&limit=100";
    for (path, value, cause) in [
        (path.to_owned(), 0.086_093, "restated"),
        (format!("{path}&known_at={between}"), 0.087_248, "imported"),
        (format!("{path}&as_of={FIRST}"), 0.087_333, "imported"),
    ] {
        let ranking = asked.data(&path).await?;
        let mut posts = list(&ranking["posts"])?.iter();
        let post = posts.find(|post| post["text"]["platform_post_id"] == "canaryvid01");
        let post = post.context("the post is ranked")?;
        ensure!(
            post["value"] == value && post["basis"]["cause"] == cause,
            "{path}: {post}"
        );
    }
    // Before anything had been observed there is no ranking.
    let none = asked
        .data(&format!("{path}&as_of=2025-03-01T00:00:00Z"))
        .await?;
    ensure!(none["posts"] == json!([]), "{none}");
    Ok(())
}

/// The list of files must be exactly those that there are: an import that would guess which one is
/// newer does not begin.
#[tokio::test(flavor = "multi_thread")]
async fn the_listed_order_is_that_of_the_files() -> anyhow::Result<()> {
    let database = TestDatabase::create().await?;
    let (scratch, folder) = (tempfile::tempdir()?, tempfile::tempdir()?);
    copy(&dirty("youtube_like"), folder.path(), &[CORRECTED])?;
    let run = Run::of(&database, &mapping("youtube_like"), folder.path())?;
    ensure!(!run.is_success, "a listed file is missing");
    let expected = format!("'{CORRECTED}' is listed but does not match");
    ensure!(run.stderr.contains(&expected), "{}", run.stderr);

    copy(&dirty("youtube_like"), folder.path(), &[])?;
    let run = Run::of(&database, &mapping_before(scratch.path())?, folder.path())?;
    ensure!(!run.is_success, "a file is not listed");
    let expected = format!("'{CORRECTED}' matches but is not listed");
    ensure!(run.stderr.contains(&expected), "{}", run.stderr);
    super::wrong::ensure_nothing_appended(&database).await
}
