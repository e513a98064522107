//! Dirty files in, through mappings of the tests' own: what is refused, what goes in, and what the
//! API then answers. `tests/fixtures/dirty/README.md` says line by line what is wrong in them.

mod again;
mod correction;
mod others;
mod series;
mod wrong;
mod youtube;

use crate::api_ground::{PROGRAM, list};
use crate::canary;
use anyhow::{Context, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use tests::server::{Server, command};
use tests::{TestDatabase, TestLedger};

/// What no table, log line or message may hold: every handle, title and caption of the fixtures
/// has the word in it, in one of these forms; and ids that do not.
const CANARIES: [&str; 7] = [
    "canary",
    "Canary",
    "CANARY",
    "17000000000000001",
    "18000000000000002",
    "9223372036854775701",
    "9223372036854775806",
];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// A folder of the fixtures.
fn dirty(name: &str) -> PathBuf {
    fixtures().join("dirty").join(name)
}

/// A mapping of the fixtures.
fn mapping(name: &str) -> PathBuf {
    fixtures().join("mappings").join(format!("{name}.toml"))
}

/// Copies the files of a folder, without its folders, leaving some out.
fn copy(from: &Path, to: &Path, without: &[&str]) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if without.iter().all(|left_out| name != *left_out) {
            std::fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}

/// What one run of the import printed, and the rows that it refused.
struct Run {
    is_success: bool,
    report: Value,
    refused: Vec<Refused>,
    stderr: String,
}

/// One line of the file of refused rows.
#[derive(serde::Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Refused {
    file: String,
    line: u64,
    reason: String,
}

impl Run {
    /// Imports a folder, with every log line there is.
    fn of(database: &TestDatabase, map: &Path, folder: &Path) -> anyhow::Result<Self> {
        let scratch = tempfile::tempdir()?;
        let rejects = scratch.path().join("rejects.ndjson");
        let output = command(PROGRAM, &database.url, &["import", "--json", "--map"])
            .arg(map)
            .arg("--rejects")
            .arg(&rejects)
            .arg(folder)
            .env("LOG", "trace")
            .output()?;
        let stdout = String::from_utf8(output.stdout)?;
        let stderr = String::from_utf8(output.stderr)?;
        for (name, text) in [("stdout", &stdout), ("stderr", &stderr)] {
            let found = CANARIES.iter().find(|canary| text.contains(*canary));
            ensure!(found.is_none(), "{name} of the import shows {found:?}");
        }
        let is_success = output.status.success();
        let report = match is_success {
            true => serde_json::from_str(&stdout)?,
            false => Value::Null,
        };
        let refused = match std::fs::read_to_string(&rejects) {
            Ok(lines) => lines
                .lines()
                .map(serde_json::from_str)
                .collect::<Result<_, _>>()?,
            Err(_) => vec![],
        };
        Ok(Self {
            is_success,
            report,
            refused,
            stderr,
        })
    }

    /// The same, for a run that must end well.
    fn good(database: &TestDatabase, map: &Path, folder: &Path) -> anyhow::Result<Self> {
        let run = Self::of(database, map, folder)?;
        ensure!(run.is_success, "the import failed: {}", run.stderr);
        let count = |name: &str| run.report[name].as_u64().context("a count");
        let (read, refused) = (count("rows_read")?, count("rows_refused")?);
        let settled = count("rows_recorded")? + count("rows_unchanged")?;
        ensure!(
            read == settled + refused && refused == run.refused.len() as u64,
            "rows are missing: {}",
            run.report
        );
        Ok(run)
    }

    /// Fails unless these counts are in the report.
    fn ensure_counts(&self, expected: &[(&str, u64)]) -> anyhow::Result<()> {
        for (name, count) in expected {
            ensure!(self.report[*name] == *count, "{name}: {}", self.report);
        }
        Ok(())
    }

    /// Fails unless exactly these lines were refused, in this order within each file, each with a
    /// reason that holds these texts.
    fn ensure_refused(&self, expected: &[(&str, u64, &[&str])]) -> anyhow::Result<()> {
        let found: Vec<_> = self
            .refused
            .iter()
            .map(|row| (row.file.as_str(), row.line))
            .collect();
        let lines: Vec<_> = expected
            .iter()
            .map(|(file, line, _)| (*file, *line))
            .collect();
        ensure!(found == lines, "{found:?}, expected {lines:?}");
        for (row, (_, _, texts)) in self.refused.iter().zip(expected) {
            for text in *texts {
                ensure!(row.reason.contains(text), "{row:?} lacks '{text}'");
            }
            let found = CANARIES.iter().find(|canary| row.reason.contains(*canary));
            ensure!(found.is_none(), "{row:?} shows {found:?}");
        }
        Ok(())
    }
}

/// The API over an imported creator, asked by the platform's own ids.
struct Asked<'a> {
    server: &'a Server,
    creator: &'static str,
    platform: &'static str,
}

impl Asked<'_> {
    /// The account as the API shows it.
    async fn profile(&self, id: &str) -> anyhow::Result<Value> {
        let Self {
            server,
            creator,
            platform,
        } = self;
        let path =
            format!("/v1/creators/{creator}/accounts?platform={platform}&platform_account_id={id}");
        let mut found = server.ok(&path).await?;
        ensure!(list(&found["data"])?.len() == 1, "{id}: {found}");
        Ok(found["data"][0].take())
    }

    async fn account(&self, id: &str) -> anyhow::Result<String> {
        let account = self.profile(id).await?;
        Ok(account["account_id"].as_str().context("an id")?.to_owned())
    }

    /// The path of a post.
    async fn post(&self, account: &str, id: &str) -> anyhow::Result<String> {
        let account = self.account(account).await?;
        let path = format!("/v1/accounts/{account}/posts?platform_post_id={id}");
        let found = self.server.ok(&path).await?;
        let post = found["data"][0]["post"].as_str();
        let post = post.with_context(|| format!("post {id}: {found}"))?;
        Ok(format!("/v1/accounts/{account}/posts/{post}"))
    }

    /// What is at a path.
    async fn data(&self, path: &str) -> anyhow::Result<Value> {
        let mut body = self.server.ok(path).await?;
        Ok(body["data"].take())
    }

    /// Fails unless the metric at a path has this value, observed at this moment.
    async fn ensure_value(
        &self,
        path: &str,
        value: Option<i64>,
        observed_at: Option<&str>,
    ) -> anyhow::Result<Value> {
        let found = self.data(path).await?;
        ensure!(
            found["value"].as_i64() == value && found["observed_at"].as_str() == observed_at,
            "{path}: expected {value:?} at {observed_at:?}: {found}"
        );
        Ok(found)
    }

    /// Every observation of an account's metric, restated ones too: value and moment.
    async fn series(&self, account: &str, metric: &str) -> anyhow::Result<Vec<(i64, String)>> {
        let account = self.account(account).await?;
        let path = format!(
            "/v1/accounts/{account}/trends/{metric}?interval=raw&from=2024-01-01&to=2026-01-01"
        );
        let found = self.data(&path).await?;
        let mut series = vec![];
        for point in list(&found["points"])? {
            let value = point["value"].as_i64().context("a value")?;
            let at = point["observed_at"].as_str().context("a moment")?;
            series.push((value, at.to_owned()));
        }
        Ok(series)
    }
}

/// The values of a series alone.
fn values(series: &[(i64, String)]) -> Vec<i64> {
    series.iter().map(|(value, _)| *value).collect()
}

async fn no_canary(database: &TestDatabase) -> anyhow::Result<()> {
    let canaries = CANARIES.map(str::to_owned);
    canary::assert_absent(database, &canaries).await
}

/// The check for plain text fails where there is some, as text and as bytes.
#[tokio::test(flavor = "multi_thread")]
async fn the_canary_would_be_heard() -> anyhow::Result<()> {
    for column in ["text", "bytea"] {
        let TestLedger { database, .. } = TestLedger::create().await?;
        no_canary(&database).await?;
        let client = database.connect().await?;
        client
            .batch_execute(&format!(
                "create table notes (note {column});
                 insert into notes values ('a canary in a mine')"
            ))
            .await?;
        let heard = no_canary(&database).await;
        let said = heard.err().map(|error| error.to_string());
        let said = said.with_context(|| format!("a canary as {column} goes unheard"))?;
        ensure!(
            said.contains("notes") && said.contains("'canary'"),
            "{said}"
        );
    }
    Ok(())
}
