//! The same files again, in another order, with more beside them: only what is new is appended,
//! and what is repeated is one observation.

use super::{Asked, Run, copy, dirty, mapping, values};
use crate::api_ground::{PROGRAM, column};
use anyhow::{Context, ensure};
use serde_json::json;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use tests::TestDatabase;
use tests::server::Server;

/// A mapping of days and posts of one made-up account.
const MAPPING: &str = r#"
name = "again"
creator = { const = "again" }
platform = { const = "tiktok" }
account = { const = "one" }
observed_at = { column = "at" }

[[table]]
name = "days"
files = "days*.csv"
[table.metrics]
followers = { column = "followers" }

[[table]]
name = "posts"
files = "posts*.csv"
optional = true
[table.post]
id = { column = "post" }
[table.post.metrics]
views = { column = "views" }
likes = { column = "likes" }
"#;

/// Days and posts of the made-up account, in a folder of their own.
struct Made {
    database: TestDatabase,
    folder: tempfile::TempDir,
    map: PathBuf,
    scratch: tempfile::TempDir,
}

impl Made {
    async fn new() -> anyhow::Result<Self> {
        let scratch = tempfile::tempdir()?;
        let map = scratch.path().join("again.toml");
        std::fs::write(&map, MAPPING)?;
        let made = Self {
            database: TestDatabase::create().await?,
            folder: tempfile::tempdir()?,
            map,
            scratch,
        };
        made.write("days.csv", "at,followers\n2025-01-01,5\n")?;
        Ok(made)
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        Ok(std::fs::write(self.folder.path().join(name), text)?)
    }

    fn import(&self) -> anyhow::Result<Run> {
        Run::good(&self.database, &self.map, self.folder.path())
    }

    /// Writes the mapping with its tables the other way round.
    fn turn(&self) -> anyhow::Result<PathBuf> {
        turned(&self.map, self.scratch.path())
    }

    fn serve(&self) -> anyhow::Result<Server> {
        Server::start(PROGRAM, &self.database.url)
    }
}

fn asked(server: &Server) -> Asked<'_> {
    Asked {
        server,
        creator: "again",
        platform: "tiktok",
    }
}

/// A mapping with its tables the other way round.
fn turned(map: &Path, scratch: &Path) -> anyhow::Result<PathBuf> {
    let text = std::fs::read_to_string(map)?;
    let mut parts = text.split("[[table]]");
    let mut turned = parts.next().context("a mapping")?.to_owned();
    let tables: Vec<_> = parts.collect();
    for table in tables.into_iter().rev() {
        turned += "[[table]]";
        turned += table;
    }
    let path = scratch.join("turned.toml");
    std::fs::write(&path, turned)?;
    Ok(path)
}

/// Many posts at one moment.
fn posts(day: u64, count: u64) -> String {
    let mut text = "at,post,views,likes\n".to_owned();
    for n in 0..count {
        let views = 1_000 + n * day;
        text += &format!("2025-01-{day:02}T00:00:00Z,p{n},{views},{}\n", n + 10);
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_new_is_appended() -> anyhow::Result<()> {
    let database = TestDatabase::create().await?;
    let (scratch, folder) = (tempfile::tempdir()?, tempfile::tempdir()?);
    copy(&dirty("youtube_like"), folder.path(), &[])?;
    let map = mapping("youtube_like");
    let first = Run::good(&database, &map, folder.path())?;
    ensure!(first.report["events_appended"] != 0, "{}", first.report);
    let nothing = [("rows_recorded", 0), ("events_appended", 0)];
    Run::good(&database, &map, folder.path())?.ensure_counts(&nothing)?;
    let turned = turned(&map, scratch.path())?;
    Run::good(&database, &turned, folder.path())?.ensure_counts(&nothing)?;

    // A day more and a day that is known, and a third look at one of the videos.
    let text = std::fs::read_to_string(&map)?
        .replace("\"daily.csv\"", "\"daily*.csv\"")
        .replace("_corrected.csv\"]", "_corrected.csv\", \"videos_c.csv\"]");
    let wider = scratch.path().join("wider.toml");
    std::fs::write(&wider, text)?;
    let channel = "UCcanary0000000000000001";
    std::fs::write(
        folder.path().join("daily_2.csv"),
        format!(
            "date_utc,channel_id,channel_title,subscribers,views,videos\n\
             2025-03-12,{channel},Canary Channel One,1030,50500,11\n\
             2025-03-13,{channel},Canary Channel One,1029,50600,11\n"
        ),
    )?;
    let header = std::fs::read_to_string(folder.path().join("videos_b.csv"))?;
    let header = header.lines().next().context("a header")?;
    std::fs::write(
        folder.path().join("videos_c.csv"),
        format!(
            "{header}\n2025-03,2025-03-18T05:06:07Z,{channel},Canary Channel One,canaryvid01,\
             2025-02-01T10:00:00Z,canary caption one,PT10M1S,28,1600,125,12\n"
        ),
    )?;
    let run = Run::good(&database, &wider, folder.path())?;
    run.ensure_counts(&[
        ("rows_read", 70),
        ("rows_recorded", 2),
        ("events_appended", 2),
    ])?;
    Run::good(&database, &wider, folder.path())?.ensure_counts(&nothing)
}

/// A file that grows by a day every day is read before the posts, which are known already.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_grows_does_not_disturb_the_next_one() -> anyhow::Result<()> {
    let made = Made::new().await?;
    // More than one append holds, at two moments.
    made.write("posts_1.csv", &posts(1, 450))?;
    made.write("posts_2.csv", &posts(8, 450))?;
    made.import()?;
    made.import()?
        .ensure_counts(&[("rows_recorded", 0), ("events_appended", 0)])?;
    made.write("days.csv", "at,followers\n2025-01-01,5\n2025-01-02,6\n")?;
    made.import()?
        .ensure_counts(&[("rows_recorded", 1), ("events_appended", 1)])?;
    // Nor does a file more, or the other order.
    made.write("days_2.csv", "at,followers\n2025-01-03,7\n")?;
    made.import()?
        .ensure_counts(&[("rows_recorded", 1), ("events_appended", 1)])?;
    let turned = made.turn()?;
    let run = Run::good(&made.database, &turned, made.folder.path())?;
    run.ensure_counts(&[("rows_recorded", 0), ("events_appended", 0)])?;

    let server = made.serve()?;
    let asked = asked(&server);
    let path = asked.post("one", "p7").await?;
    let found = asked.data(&path).await?;
    ensure!(found["observations"] == 2, "{found}");
    Ok(())
}

/// A row that stands twice in a file is one observation, however far apart.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_far_below_its_double_changes_nothing() -> anyhow::Result<()> {
    let made = Made::new().await?;
    let mut days = "at,followers\n".to_owned();
    for n in 0..150 {
        let (day, hour) = (n / 24 + 1, n % 24);
        writeln!(days, "2025-01-{day:02}T{hour:02}:00:00Z,{}", 1_000 + n)?;
    }
    let double = days.lines().nth(1).context("a row")?.to_owned();
    made.write("days.csv", &format!("{days}{double}\n"))?;
    let run = made.import()?;
    // One for the account, one for each hour.
    run.ensure_counts(&[
        ("rows_read", 151),
        ("rows_recorded", 150),
        ("rows_unchanged", 1),
        ("events_appended", 151),
    ])?;
    let client = made.database.connect().await?;
    let row = client
        .query_one(
            "select count(*) as events, count(distinct event_id) as ids from log_events",
            &[],
        )
        .await?;
    let (events, ids): (i64, i64) = (row.get("events"), row.get("ids"));
    ensure!(
        events == 151 && ids == events,
        "{ids} ids of {events} events"
    );
    Ok(())
}

/// A count that a correction withholds stays withheld where a later look finds nothing new.
#[tokio::test(flavor = "multi_thread")]
async fn a_withheld_count_is_not_filled_in_again() -> anyhow::Result<()> {
    let made = Made::new().await?;
    made.write(
        "posts.csv",
        "at,post,views,likes\n\
         2025-01-01T00:00:00Z,p1,100,5\n\
         2025-01-01T00:00:00Z,p1,100,\n\
         2025-01-08T00:00:00Z,p1,100,\n",
    )?;
    made.import()?;
    let server = made.serve()?;
    let asked = asked(&server);
    let path = asked.post("one", "p1").await?;
    let history = asked.data(&format!("{path}/history")).await?;
    let likes = json!(["likes"]);
    ensure!(
        column(&history, "hidden")? == [likes.clone(), likes, json!([])],
        "{history}"
    );
    let without = json!({"views": 100});
    let with = json!({"views": 100, "likes": 5});
    ensure!(
        column(&history, "values")? == [without.clone(), without, with],
        "a withheld count is shown: {history}"
    );
    // Nobody saw a like on the 8th.
    let found = asked.data(&format!("{path}/metrics/likes")).await?;
    ensure!(
        found["observed_at"] != "2025-01-08T00:00:00.000000Z",
        "{found}"
    );
    Ok(())
}

/// A row that makes its account known led to an event, and is counted so.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_makes_an_account_is_counted_as_recorded() -> anyhow::Result<()> {
    let made = Made::new().await?;
    let map = made.scratch.path().join("profiles.toml");
    let text = MAPPING
        .replace("{ const = \"one\" }", "{ column = \"id\" }")
        .split("[[table]]")
        .next()
        .context("the head of the mapping")?
        .to_owned();
    std::fs::write(
        &map,
        format!(
            "{text}[[table]]\nname = \"list\"\nfiles = \"list.csv\"\n[table.profile]\nname = {{ column = \"name\" }}\n"
        ),
    )?;
    made.write("list.csv", "id,at,name\n1,2025-01-01,A\n2,2025-01-01,B\n")?;
    let run = Run::good(&made.database, &map, made.folder.path())?;
    run.ensure_counts(&[
        ("events_appended", 2),
        ("accounts", 2),
        ("rows_recorded", 2),
    ])?;
    let again = Run::good(&made.database, &map, made.folder.path())?;
    again.ensure_counts(&[("events_appended", 0), ("rows_unchanged", 2)])
}

/// Days that come late fill in what was missing, and restate nothing.
#[tokio::test(flavor = "multi_thread")]
async fn late_days_take_their_place() -> anyhow::Result<()> {
    let made = Made::new().await?;
    made.write("days.csv", "at,followers\n2025-01-01,5\n2025-01-05,9\n")?;
    made.import()?;
    made.write("days_late.csv", "at,followers\n2025-01-03,7\n")?;
    let run = made.import()?;
    run.ensure_counts(&[("rows_recorded", 1), ("events_appended", 1)])?;
    let server = made.serve()?;
    let asked = asked(&server);
    let series = asked.series("one", "followers").await?;
    ensure!(values(&series) == [5, 7, 9], "{series:?}");
    let account = asked.account("one").await?;
    let path = format!("/v1/accounts/{account}/metrics/followers?as_of=2025-01-04T00:00:00Z");
    let found = asked
        .ensure_value(&path, Some(7), Some("2025-01-03T00:00:00.000000Z"))
        .await?;
    ensure!(found["cause"] == "imported", "{found}");
    Ok(())
}
