//! One private Postgres for a whole test run, gone when the run ends, however it ends.

use crate::signal::signal;
use adapters::postgres::private::{PrivateOptions, PrivatePostgres};
use anyhow::{Context, ensure};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How long a server may take to end.
const STOP_PATIENCE: Duration = Duration::from_secs(60);

/// A running Postgres in a temporary folder.
pub struct Cluster {
    postgres: PrivatePostgres,
    options: PrivateOptions,
    // Its standard input is closed when this process ends, even by kill -9: then it cleans up.
    _cleaner: Child,
}

static SHARED: OnceLock<Cluster> = OnceLock::new();

/// Waits for the end of the tests, stops Postgres and removes the folder.
const CLEAN_UP: &str = r#"
cat > /dev/null
pid=$(head -n 1 "$1/postgres/postmaster.pid" 2>/dev/null) && kill -INT "$pid"
for _ in $(seq 100); do [ -e "$1/postgres/postmaster.pid" ] || break; sleep 0.1; done
umount -l "$1/disk" 2>/dev/null
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
        let options = PrivateOptions {
            data_dir: folder,
            settings,
        };
        Ok(Self {
            postgres: PrivatePostgres::start(&options)?,
            options,
            _cleaner: cleaner,
        })
    }

    /// Ends the server by a signal, such as `-INT` or `-KILL`, and waits until it is gone. Blocking.
    pub fn stop(&self, name: &str) -> anyhow::Result<()> {
        let file = self.options.data_dir.join("postgres/postmaster.pid");
        let text = std::fs::read_to_string(&file)?;
        let pid = text.lines().next().context("a pid")?;
        signal(name, pid)?;
        let process = Path::new("/proc").join(pid);
        let end = Instant::now() + STOP_PATIENCE;
        while process.exists() {
            ensure!(Instant::now() < end, "the server does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Starts the server again. Blocking.
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        // The one that is replaced leaves last, and so stops nothing.
        self.postgres = PrivatePostgres::start(&self.options)?;
        Ok(())
    }

    /// A file system of its own with so much space, for tablespaces; gone with the cluster. Says
    /// why if none can be had here. Blocking.
    pub fn small_disk(&self, size: &str) -> Result<PathBuf, String> {
        let disk = self.options.data_dir.join("disk");
        std::fs::create_dir_all(&disk).map_err(|e| e.to_string())?;
        let owner = std::fs::metadata(self.options.data_dir.join("postgres"));
        let owner = owner.map_err(|e| e.to_string())?;
        let options = format!(
            "size={size},mode=0700,uid={},gid={}",
            owner.uid(),
            owner.gid()
        );
        let mounting = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(&disk)
            .output();
        match mounting {
            Ok(output) if output.status.success() => Ok(disk),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => Err(format!("mount: {error}")),
        }
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
