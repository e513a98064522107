//! One private Postgres for a whole test run, gone when the run ends, however it ends.

use adapters::postgres::private::{PrivateOptions, PrivatePostgres};
use anyhow::Context;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// A running Postgres in a temporary folder.
pub struct Cluster {
    postgres: PrivatePostgres,
    // Its standard input is closed when this process ends, even by kill -9: then it cleans up.
    _cleaner: Child,
}

static SHARED: OnceLock<Cluster> = OnceLock::new();

/// Waits for the end of the tests, stops Postgres and removes the folder.
const CLEAN_UP: &str = r#"
cat > /dev/null
pid=$(head -n 1 "$1/postgres/postmaster.pid" 2>/dev/null) && kill -INT "$pid"
for _ in $(seq 100); do [ -e "$1/postgres/postmaster.pid" ] || break; sleep 0.1; done
rm -rf "$1"
"#;

impl Cluster {
    /// The cluster of this process, started at first use.
    pub fn shared() -> &'static Self {
        SHARED.get_or_init(|| Self::start().expect("a private Postgres starts"))
    }

    /// Starts a cluster for tests. Blocking.
    pub fn start() -> anyhow::Result<Self> {
        // A crash of the machine may lose a test's data; a crash of Postgres may not and does not.
        Self::start_with(&[("fsync", "off"), ("max_connections", "400")])
    }

    /// Starts a cluster with these settings. Blocking.
    pub fn start_with(settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let folder = temporary_folder("cluster")?;
        let cleaner = Command::new("sh")
            .args(["-c", CLEAN_UP, "sh"])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // What ends the whole group of the tests must not end who cleans up after them.
            .process_group(0)
            .spawn()
            .context("sh")?;
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let settings = settings.iter().map(owned).collect();
        let postgres = PrivatePostgres::start(&PrivateOptions {
            data_dir: folder,
            settings,
        })?;
        Ok(Self {
            postgres,
            _cleaner: cleaner,
        })
    }

    /// A connection string for a database of this cluster.
    pub fn connection_string(&self, database: &str) -> String {
        let whole = self.postgres.connection_string();
        let without = whole.split(' ').filter(|part| !part.starts_with("dbname="));
        format!(
            "{} dbname={database}",
            without.collect::<Vec<_>>().join(" ")
        )
    }
}

/// A new folder that the service user may enter.
pub fn temporary_folder(what: &str) -> anyhow::Result<PathBuf> {
    let folder = tempfile::Builder::new()
        .prefix(&format!("social-ledger-{what}-"))
        .tempdir()?;
    Ok(folder.keep())
}
