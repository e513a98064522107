//! What a mapping or a folder can have wrong as a whole: said in one clear message, before
//! anything is read or appended.

use super::{Run, dirty, mapping};
use anyhow::ensure;
use std::path::Path;
use tests::TestDatabase;

/// No event, and nothing in the vault that one could stand for.
pub(super) async fn ensure_nothing_appended(database: &TestDatabase) -> anyhow::Result<()> {
    let client = database.connect().await?;
    let row = client
        .query_one(
            "select (select count(*) from log_events) as events,
                 (select count(*) from vault.accounts) as accounts",
            &[],
        )
        .await?;
    let counts: [i64; 2] = [row.get("events"), row.get("accounts")];
    ensure!(counts == [0, 0], "events and accounts: {counts:?}");
    Ok(())
}

/// Fails unless the import fails and says why, once, in words that hold these texts.
fn ensure_refused(
    database: &TestDatabase,
    (map, folder): (&Path, &Path),
    texts: &[&str],
) -> anyhow::Result<()> {
    let run = Run::of(database, map, folder)?;
    let said = &run.stderr;
    ensure!(!run.is_success, "an import that should fail: {texts:?}");
    let errors: Vec<_> = said
        .lines()
        .filter(|line| line.starts_with("error: "))
        .collect();
    ensure!(errors.len() == 1, "{} errors: {said}", errors.len());
    for text in texts {
        ensure!(said.contains(text), "'{text}' is not said: {said}");
    }
    ensure!(!said.contains("panicked"), "{said}");
    Ok(())
}

/// What is changed in the mapping of the videos, and what must then be said.
const MISTAKES: [(&str, &str, &[&str]); 16] = [
    // Keys.
    (
        "name = \"youtube_like\"",
        "nome = \"x\"",
        &["unknown field `nome`", "line 1"],
    ),
    (
        "files = \"daily.csv\"",
        "files = \"daily.csv\"\ncolour = \"red\"",
        &["unknown field `colour`"],
    ),
    (
        "{ column = \"view_count\" }",
        "{ column = \"view_count\", colour = \"red\" }",
        &["unknown field `colour`"],
    ),
    (
        "[table.profile]\nname = ",
        "[table.profile]\nnome = ",
        &["unknown field `nome`"],
    ),
    (
        "name = \"youtube_like\"",
        "name = \"You Tube\"",
        &["name", "'You Tube'", "expected 1 to 64"],
    ),
    (
        "name = \"daily\"",
        "name = \"videos\"",
        &["table.videos", "twice"],
    ),
    (
        "name = \"youtube_like\"",
        "name = \"youtube_like",
        &["not valid", "line 1"],
    ),
    // Columns.
    (
        "column = \"like_count\"",
        "column = \"likes\"",
        &["videos_a.csv", "table videos", "'likes'", "like_count"],
    ),
    (
        "column = \"channel_id\"",
        "column = \"id\"",
        &["channels.csv", "'id'", "channel_id"],
    ),
    (
        "{ column = \"views\" }",
        "{ pointer = \"/views\" }",
        &["table.daily.metrics.views", "column"],
    ),
    // Patterns.
    (
        "\"videos_*.csv\"",
        "\"videos_{a.csv\"",
        &["table.videos.files", "does not close"],
    ),
    (
        "\"videos_*.csv\"",
        "\"../videos_*.csv\"",
        &["table.videos.files", "leaves the folder"],
    ),
    (
        "\"daily.csv\"",
        "\"dayly.csv\"",
        &["table daily", "'dayly.csv'", "optional"],
    ),
    // Values.
    (
        "const = \"youtube\"",
        "const = \"myspace\"",
        &["platform", "'myspace'", "expected instagram"],
    ),
    (
        "followers = ",
        "fans = ",
        &["table.daily.metrics.fans", "expected one of followers"],
    ),
    (
        "column = \"date_utc\"",
        "column = \"date_utc\", time = \"%H:%M\"",
        &["table.daily.observed_at", "'%H:%M'", "expected iso"],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_mapping_changes_nothing() -> anyhow::Result<()> {
    let database = TestDatabase::create().await?;
    let scratch = tempfile::tempdir()?;
    let map = scratch.path().join("wrong.toml");
    let right = std::fs::read_to_string(mapping("youtube_like"))?;
    for (text, mistake, said) in MISTAKES {
        let wrong = right.replacen(text, mistake, 1);
        ensure!(wrong != right, "the mapping has no {text}");
        std::fs::write(&map, wrong)?;
        ensure_refused(&database, (&map, &dirty("youtube_like")), said)?;
    }
    for empty in ["", "name = \"nothing\"\n", "\u{0}"] {
        std::fs::write(&map, empty)?;
        ensure_refused(
            &database,
            (&map, &dirty("youtube_like")),
            &["the mapping is not valid"],
        )?;
    }
    ensure_nothing_appended(&database).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_folder_changes_nothing() -> anyhow::Result<()> {
    let database = TestDatabase::create().await?;
    let scratch = tempfile::tempdir()?;
    let nowhere = scratch.path().join("nowhere");
    let name = nowhere.display().to_string();
    let map = mapping("youtube_like");
    let unreadable = [name.as_str(), "cannot be read"];
    ensure_refused(&database, (&map, &nowhere), &unreadable)?;
    ensure_refused(&database, (&nowhere, &dirty("youtube_like")), &unreadable)?;
    // A file where a folder belongs, and a folder where a file belongs.
    let file = dirty("youtube_like").join("daily.csv");
    ensure_refused(&database, (&map, &file), &["daily.csv", "cannot be read"])?;
    ensure_refused(
        &database,
        (scratch.path(), &dirty("youtube_like")),
        &["cannot be read"],
    )?;
    // No file that any table knows.
    ensure_refused(
        &database,
        (&map, scratch.path()),
        &["table channels", "'channels.csv'"],
    )?;
    ensure_nothing_appended(&database).await
}

/// A header that cannot be used ends the import before the files that stand before it are read.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_header_changes_nothing() -> anyhow::Result<()> {
    let database = TestDatabase::create().await?;
    let folder = tempfile::tempdir()?;
    let map = mapping("youtube_like");
    super::copy(&dirty("youtube_like"), folder.path(), &[])?;
    let last = folder.path().join("videos_b_corrected.csv");
    let right = std::fs::read_to_string(&last)?;
    for (text, mistake, said) in [
        ("view_count", "views", "'view_count'"),
        ("like_count", "view_count", "'view_count' twice"),
    ] {
        std::fs::write(&last, right.replacen(text, mistake, 1))?;
        let file = "videos_b_corrected.csv";
        ensure_refused(&database, (&map, folder.path()), &[file, said])?;
    }
    std::fs::write(&last, b"snapshot_month,\xff\n")?;
    ensure_refused(
        &database,
        (&map, folder.path()),
        &["the header is not valid UTF-8"],
    )?;
    ensure_nothing_appended(&database).await
}

/// Refused rows that cannot be written down end the import before anything is appended, and a
/// file of somebody else's is not written over.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_place_for_refused_rows_changes_nothing() -> anyhow::Result<()> {
    let database = TestDatabase::create().await?;
    let scratch = tempfile::tempdir()?;
    let notes = scratch.path().join("notes.txt");
    std::fs::write(&notes, "not of an import")?;
    for place in [notes.clone(), scratch.path().join("nowhere/rejects.ndjson")] {
        let program = crate::api_ground::PROGRAM;
        let output = tests::server::command(program, &database.url, &["import", "--map"])
            .arg(mapping("youtube_like"))
            .arg("--rejects")
            .arg(&place)
            .arg(dirty("youtube_like"))
            .output()?;
        let said = String::from_utf8(output.stderr)?;
        ensure!(!output.status.success(), "{} was written", place.display());
        ensure!(said.contains("refused rows"), "{said}");
        ensure_nothing_appended(&database).await?;
    }
    ensure!(
        std::fs::read_to_string(&notes)? == "not of an import",
        "the notes are gone"
    );
    Ok(())
}
