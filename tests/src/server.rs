//! The program as a server in a child process, and a client that speaks to it.

use crate::ledger::MASTER_KEY;
use crate::signal::signal;
use anyhow::{Context, ensure};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take until its read models are filled.
const READY_PATIENCE: Duration = Duration::from_secs(120);

/// What the program runs on: a test's database, and perhaps an event log elsewhere.
#[derive(Clone, Debug)]
pub struct Place {
    database_url: String,
    event_log: Option<String>,
}

impl Place {
    /// Over a database, with the events in the log that a connection string names.
    pub fn with_log(database_url: &str, event_log: &str) -> Self {
        Self {
            database_url: database_url.to_owned(),
            event_log: Some(event_log.to_owned()),
        }
    }
}

impl<T: AsRef<str> + ?Sized> From<&T> for Place {
    fn from(database_url: &T) -> Self {
        Self {
            database_url: database_url.as_ref().to_owned(),
            event_log: None,
        }
    }
}

/// The program's command.
pub fn command(program: &str, place: impl Into<Place>, arguments: &[&str]) -> Command {
    let place = place.into();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .env("DATABASE_URL", place.database_url)
        .env("EVENT_LOG", place.event_log.unwrap_or_default())
        .env("MASTER_KEY", MASTER_KEY)
        // Not there: what erases names a place of its own.
        .env("ERASURE_LOG", "/nonexistent/erasures.log")
        .env("LISTEN", "127.0.0.1:0")
        .env("HOME", "/nonexistent")
        .env("LOG", "warn")
        .stdin(Stdio::null());
    command
}

/// Runs the program to its end and returns what it printed.
pub fn run(program: &str, place: impl Into<Place>, arguments: &[&str]) -> anyhow::Result<String> {
    let output = command(program, place, arguments).output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{arguments:?} failed: {errors}");
    Ok(String::from_utf8(output.stdout)?)
}

/// Imports a folder and returns the report.
pub fn import(
    program: &str,
    place: impl Into<Place>,
    map: &Path,
    folder: &Path,
) -> anyhow::Result<Value> {
    let rejects = tempfile::NamedTempFile::new()?;
    let (map, folder) = (
        map.to_str().context("UTF-8")?,
        folder.to_str().context("UTF-8")?,
    );
    let rejects = rejects.path().to_str().context("UTF-8")?;
    let printed = run(
        program,
        place,
        &[
            "import",
            "--json",
            "--map",
            map,
            "--rejects",
            rejects,
            folder,
        ],
    )?;
    Ok(serde_json::from_str(&printed)?)
}

/// A running server, stopped when dropped.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub base: String,
    /// Where it shows metrics, if that is an address of their own.
    pub metrics: Option<String>,
    /// Speaks HTTP.
    pub client: reqwest::Client,
    /// A key of the role admin for all creators.
    pub key: String,
}

impl Server {
    /// Starts `serve` and makes a key.
    pub fn start(program: &str, place: impl Into<Place>) -> anyhow::Result<Self> {
        let place = place.into();
        let key = create_key(program, place.clone(), "admin", &[])?;
        Self::run(command(program, place, &["serve"]), key)
    }

    /// Runs this `serve`, for callers with this key.
    pub fn run(mut serve: Command, key: String) -> anyhow::Result<Self> {
        let mut child = serve.stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("a pipe")?;
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let mut metrics = None;
        let base = lines.find_map(|line| {
            metrics = line
                .strip_prefix("Metrics on ")
                .map(str::to_owned)
                .or(metrics.take());
            line.strip_prefix("Listening on ").map(str::to_owned)
        });
        let base = base.context("an address")?;
        Ok(Self {
            child,
            base,
            metrics,
            client: reqwest::Client::new(),
            key,
        })
    }

    /// Waits until all read models are filled.
    pub async fn ready(&self) -> anyhow::Result<()> {
        let end = Instant::now() + READY_PATIENCE;
        loop {
            let (status, body) = self.get("/readyz").await?;
            if status == 200 {
                return Ok(());
            }
            ensure!(Instant::now() < end, "never ready: {body}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The answer to a path, with status and body.
    pub async fn get(&self, path: &str) -> anyhow::Result<(u16, Value)> {
        self.get_as(&self.key, path).await
    }

    /// The answer to a caller with this key.
    pub async fn get_as(&self, key: &str, path: &str) -> anyhow::Result<(u16, Value)> {
        let url = format!("{}{path}", self.base);
        let answer = self.client.get(url).bearer_auth(key).send().await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        let body = serde_json::from_str(&text).with_context(|| format!("{path}: {text}"))?;
        Ok((status, body))
    }

    /// The body of an answer that must be a good one.
    pub async fn ok(&self, path: &str) -> anyhow::Result<Value> {
        let (status, body) = self.get(path).await?;
        ensure!(status == 200, "{path}: {status} {body}");
        Ok(body)
    }

    /// All items of a list, page by page.
    pub async fn all(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let mut items = vec![];
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut next = format!("{path}{joint}limit=100");
        loop {
            let page = self.ok(&next).await?;
            items.extend(page["data"].as_array().context("a list")?.iter().cloned());
            match page["next_cursor"].as_str() {
                Some(cursor) => next = format!("{path}{joint}limit=100&cursor={cursor}"),
                None => return Ok(items),
            }
        }
    }
}

/// Makes an API key with the command line and returns its secret.
pub fn create_key(
    program: &str,
    place: impl Into<Place>,
    role: &str,
    creators: &[&str],
) -> anyhow::Result<String> {
    let mut arguments = vec!["keys", "create", "--json", "--role", role];
    for creator in creators {
        arguments.extend(["--creator", creator]);
    }
    let printed: Value = serde_json::from_str(&run(program, place, &arguments)?)?;
    Ok(printed["secret"].as_str().context("a secret")?.to_owned())
}

impl Drop for Server {
    fn drop(&mut self) {
        if signal("-TERM", self.child.id()).is_err() {
            let _gone = self.child.kill();
        }
        let _gone = self.child.wait();
    }
}
