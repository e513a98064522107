//! `kill -9` of importer, projectors and Postgres at random instants: nothing acknowledged is lost
//! or doubled, the log is what an uninterrupted import writes, the read models are its fold. All the
//! while an administrator rebuilds, switches and goes back, and is killed too.

use crate::fold::assert_all_versions_equal_the_log;
use adapters::postgres::Endpoint;
use adapters::postgres::private::{PrivateOptions, PrivatePostgres};
use anyhow::{Context, ensure};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tests::cluster::temporary_folder;
use tests::ledger::MASTER_KEY;
use tests::rng::{Rng, seed};
use tokio_postgres::Client;

const EPOCHS: usize = 10;
const KILLS_PER_EPOCH: usize = 5;
const ACCOUNTS: usize = 10;
const INSTANTS: usize = 60;
const POSTS: usize = 40;
const MODELS: [&str; 4] = ["accounts", "follower_trends", "sync_health", "top_posts"];

/// A folder of data, with a Postgres of the program's own; gone when dropped.
struct Home(PathBuf);

impl Home {
    fn new() -> anyhow::Result<Self> {
        temporary_folder("kills").map(Self)
    }

    /// What it said goes to a file, which is shown if something does not end well.
    fn program(&self, arguments: &[&str]) -> anyhow::Result<Child> {
        let said = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.0.join("said.log"))?;
        Command::new(env!("CARGO_BIN_EXE_program"))
            .args(arguments)
            .env("DATA_DIR", &self.0)
            .env("MASTER_KEY", MASTER_KEY)
            .env("ERASURE_LOG", self.0.with_extension("erasures"))
            .env("LOG", "warn")
            .current_dir(&self.0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .context("the program starts")
    }

    /// The last that was said.
    fn said(&self) -> String {
        let said = std::fs::read_to_string(self.0.join("said.log")).unwrap_or_default();
        let lines: Vec<_> = said.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    fn import(&self, data: &Path, epoch: usize) -> anyhow::Result<Child> {
        let map = data.join(format!("epoch-{epoch}.toml"));
        let map = map.to_str().context("a path in UTF-8")?;
        self.program(&[
            "import",
            "--no-project",
            "--map",
            map,
            data.to_str().context("UTF-8")?,
        ])
    }

    fn postgres_pid(&self) -> Option<String> {
        let file = std::fs::read_to_string(self.0.join("postgres/postmaster.pid")).ok()?;
        file.lines().next().map(str::to_owned)
    }

    async fn open(&self) -> anyhow::Result<(PrivatePostgres, Client)> {
        let options = PrivateOptions {
            data_dir: self.0.clone(),
            settings: vec![],
        };
        let postgres =
            tokio::task::spawn_blocking(move || PrivatePostgres::start(&options)).await??;
        let client = Endpoint::parse(&postgres.connection_string())?
            .connect()
            .await?;
        Ok((postgres, client))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(pid) = self.postgres_pid() {
            kill(&pid, "-INT");
            std::thread::sleep(Duration::from_millis(500));
        }
        let _left_behind = std::fs::remove_dir_all(&self.0);
    }
}

fn kill(pid: &str, name: &str) {
    // It may be gone already.
    let _sent = tests::signal::signal(name, pid);
}

/// History of one epoch: posts with falls and pauses, and a follower series.
pub(crate) fn write_data(folder: &Path) -> anyhow::Result<()> {
    let mut rng = Rng::new(99);
    let mut posts = String::from("account,at,post,title,views,likes\n");
    let mut followers = String::from("account,at,followers\n");
    for instant in 0..INSTANTS {
        let at = 1_760_000_000 + instant * 86_400;
        for account in 0..ACCOUNTS {
            followers += &format!("a{account},{at},{}\n", 1_000 + rng.below(500));
            for post in 0..POSTS {
                // Some posts rest, some fall, some hide their likes.
                let moved = if rng.below(3) == 0 {
                    instant
                } else {
                    instant / 5
                };
                let views = 100 + moved * 10 - rng.below(3) as usize * moved;
                let likes = if rng.below(9) == 0 {
                    String::new()
                } else {
                    (views / 9).to_string()
                };
                let title = instant / 12;
                posts +=
                    &format!("a{account},{at},p{account}-{post},title {title},{views},{likes}\n");
            }
        }
    }
    std::fs::write(folder.join("posts.csv"), posts)?;
    std::fs::write(folder.join("followers.csv"), followers)?;
    for epoch in 0..EPOCHS {
        let mapping = format!(
            r#"
name = "epoch-{epoch}"
description = "Generated history of a test."
creator = {{ const = "epoch-{epoch}" }}
platform = {{ const = "tiktok" }}
ignore = [{{ files = "*.toml", reason = "mappings" }}]

[[table]]
name = "followers"
files = "followers.csv"
format = "csv"
account = {{ column = "account" }}
observed_at = {{ column = "at", time = "unix" }}
[table.metrics]
followers = {{ column = "followers" }}

[[table]]
name = "posts"
files = "posts.csv"
format = "csv"
account = {{ column = "account" }}
observed_at = {{ column = "at", time = "unix" }}
unknown = [""]
[table.post]
id = {{ column = "post" }}
title = {{ column = "title" }}
[table.post.metrics]
views = {{ column = "views" }}
likes = {{ column = "likes" }}
"#
        );
        std::fs::write(folder.join(format!("epoch-{epoch}.toml")), mapping)?;
    }
    Ok(())
}

/// The log with what differs from run to run taken out: times of recording, nonces, hashes.
async fn canonical_log(client: &Client) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
    let rows = client
        .query(
            "select stream, event_id, event_type, data from log_events order by stream, revision",
            &[],
        )
        .await?;
    let mut log: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows {
        let mut data: serde_json::Value = serde_json::from_slice(row.get("data"))?;
        strip_boxes(&mut data);
        let id: uuid::Uuid = row.get("event_id");
        let event_type: &str = row.get("event_type");
        log.entry(row.get("stream"))
            .or_default()
            .push(format!("{id} {event_type} {data}"));
    }
    Ok(log)
}

fn strip_boxes(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(object) => {
            object.remove("box");
            object.values_mut().for_each(strip_boxes);
        }
        serde_json::Value::Array(array) => array.iter_mut().for_each(strip_boxes),
        _ => {}
    }
}

/// Gives the second home the first one's vault, so that ids and keyed names are the same.
async fn copy_vault(from: &Client, to: &Client) -> anyhow::Result<()> {
    to.batch_execute("delete from vault.accounts; delete from vault.master")
        .await?;
    for table in ["vault.master", "vault.accounts"] {
        let rows = from
            .query(&format!("select t::text as whole from {table} t"), &[])
            .await?;
        for row in rows {
            let whole: String = row.get("whole");
            to.execute(
                &format!("insert into {table} select ($1::text::{table}).*"),
                &[&whole],
            )
            .await?;
        }
    }
    Ok(())
}

/// What an administrator does with which read model; most of it is refused or killed.
fn administer(home: &Home, rng: &mut Rng) -> anyhow::Result<Child> {
    let pick = |rng: &mut Rng, from: &[&'static str]| from[rng.below(from.len() as u64) as usize];
    let verb = pick(rng, &["rebuild", "rebuild", "switch", "rollback"]);
    let name = pick(rng, &MODELS);
    home.program(&["projections", verb, name])
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_kills_lose_and_double_nothing() -> anyhow::Result<()> {
    let seed = seed(20_261_121);
    eprintln!("kills: TEST_SEED={seed}");
    let mut rng = Rng::new(seed);
    let data = tempfile::tempdir()?;
    write_data(data.path())?;

    let calm = Home::new()?;
    let mut shortest = Duration::MAX;
    for epoch in 0..EPOCHS {
        let start = Instant::now();
        ensure!(
            calm.import(data.path(), epoch)?.wait()?.success(),
            "an uninterrupted import"
        );
        shortest = shortest.min(start.elapsed());
    }
    let (calm_postgres, calm_client) = calm.open().await?;

    let stormy = Home::new()?;
    ensure!(
        stormy.program(&["projector", "--once"])?.wait()?.success(),
        "the tables are made"
    );
    let (postgres, client) = stormy.open().await?;
    copy_vault(&calm_client, &client).await?;
    drop(client);
    tokio::task::spawn_blocking(move || postgres.leave()).await??;

    let (mut kills, mut in_the_middle) = (0, 0);
    for epoch in 0..EPOCHS {
        for kill_number in 0..KILLS_PER_EPOCH {
            let mut importer = stormy.import(data.path(), epoch)?;
            let mut projector = stormy.program(&["projector"])?;
            let other = stormy.program(&["projector"])?;
            let administrator = administer(&stormy, &mut rng)?;
            // Each time a little later, since what is there already is passed quickly.
            let step = shortest.as_micros() as u64 / (KILLS_PER_EPOCH as u64 + 1);
            let delay = step * kill_number as u64 + step / 2 + rng.below(step);
            tokio::time::sleep(Duration::from_micros(delay)).await;
            in_the_middle += usize::from(importer.try_wait()?.is_none());
            kills += 1;
            let victims = rng.below(4);
            if matches!(victims, 0 | 3) {
                importer.kill()?;
            }
            if matches!(victims, 1 | 3) {
                projector.kill()?;
            }
            if matches!(victims, 2 | 3)
                && let Some(pid) = stormy.postgres_pid()
            {
                kill(&pid, "-KILL");
            }
            // Whoever is left goes too, at another instant.
            tokio::time::sleep(Duration::from_millis(rng.below(60))).await;
            for mut one in [importer, projector, other, administrator] {
                let _gone = one.kill();
                one.wait()?;
            }
        }
        ensure!(
            stormy.import(data.path(), epoch)?.wait()?.success(),
            "epoch {epoch} does not end well:\n{}",
            stormy.said()
        );
    }
    eprintln!("kills: {in_the_middle} of {kills} in the middle of an import of {shortest:?}");
    ensure!(
        in_the_middle * 2 > kills,
        "most kills land in the middle of work"
    );
    ensure!(
        stormy.program(&["projector", "--once"])?.wait()?.success(),
        "the projector does not end well:\n{}",
        stormy.said()
    );

    for name in MODELS {
        for verb in ["rebuild", "diff", "switch"] {
            ensure!(
                stormy
                    .program(&["projections", verb, name])?
                    .wait()?
                    .success(),
                "{verb} {name} does not end well:\n{}",
                stormy.said()
            );
        }
    }
    ensure!(
        stormy.program(&["projector", "--once"])?.wait()?.success(),
        "the projector keeps all versions:\n{}",
        stormy.said()
    );

    let (postgres, client) = stormy.open().await?;
    let (expected, found) = (
        canonical_log(&calm_client).await?,
        canonical_log(&client).await?,
    );
    ensure!(
        expected.len() == EPOCHS * ACCOUNTS,
        "{} streams",
        expected.len()
    );
    for (stream, events) in &expected {
        ensure!(found.get(stream) == Some(events), "stream {stream} differs");
    }
    ensure!(
        found.len() == expected.len(),
        "streams that nobody asked for"
    );
    let versions = assert_all_versions_equal_the_log(&client).await?;
    eprintln!("kills: {versions} versions of {} read models", MODELS.len());
    ensure!(versions >= 2 * MODELS.len());
    drop((client, calm_client));
    tokio::task::spawn_blocking(move || postgres.leave().and(calm_postgres.leave())).await??;
    Ok(())
}
