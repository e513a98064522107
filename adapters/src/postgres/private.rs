//! The private Postgres that the program owns when it is given no database of its user's own.
//!
//! Several processes may use one server at once: a service, and beside it calls on the command
//! line. Each holds a shared lock on `users.lock` for as long as it uses the server; whoever
//! decides to start or to stop it holds an exclusive lock on `start.lock`. The kernel drops both
//! when a process dies, so a killed process never leaves a wrong count behind. What it may leave
//! is a running server without users: the next process to come adopts it, and stops it when it
//! is the last to go.
//!
//! ```text
//! <data>/postgres       the cluster (PGDATA)
//! <data>/run            the folder of the Unix socket, the only way in
//! <data>/postgres.log   what the server and its tools say
//! <data>/users.lock     shared: "I use the server"
//! <data>/start.lock     exclusive: "I start or stop the server"
//! ```
//!
//! Linux only: who runs the program and which processes belong to a cluster is read from `/proc`.

mod binaries;
mod cluster;
mod error;
mod layout;
mod owner;
mod probe;
mod process;
mod settings;

use std::env;
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use binaries::tool;
use cluster::Cluster;
pub use error::PrivateError;
use layout::Layout;

/// The database in the cluster, and its only user.
const NAME: &str = "social_ledger";

/// How long to wait while another process starts or stops the server. Longer than either may
/// take, so that a process which gives up has met one that hangs.
const LOCK_PATIENCE: Duration = Duration::from_secs(600);
const LOCK_POLL: Duration = Duration::from_millis(50);

/// Where the private Postgres lives and what it is told beyond its own settings.
#[derive(Debug, Clone)]
pub struct PrivateOptions {
    /// The folder that holds the cluster, its socket, its log and its locks; made when absent.
    pub data_dir: PathBuf,
    /// Further settings for `postgresql.conf`, which win over ours. They hold when this process
    /// is the one that starts the server; a process that joins a running server takes it as it is.
    pub settings: Vec<(String, String)>,
}

/// One process's use of the private Postgres; ending it may stop the server.
#[derive(Debug)]
pub struct PrivatePostgres {
    cluster: Cluster,
    /// The shared lock on `users.lock`; `None` once this process has left.
    users: Option<File>,
}

impl PrivatePostgres {
    /// Joins the server under the data folder, or starts it, creating the cluster the first time.
    ///
    /// Blocks, for seconds the first time; an async caller uses `spawn_blocking`.
    pub fn start(options: &PrivateOptions) -> Result<Self, PrivateError> {
        let layout = Layout::prepare(&options.data_dir)?;
        let _deciding = lock_exclusive(&layout.start_lock())?;
        // Nobody holds this one exclusively outside `start.lock`, so it never waits.
        let users = open_lock(&layout.users_lock())?;
        users
            .lock_shared()
            .map_err(PrivateError::io("lock", &layout.users_lock()))?;
        let cluster = Cluster::open(layout)?;
        cluster.ensure_running(&options.settings)?;
        Ok(Self {
            cluster,
            users: Some(users),
        })
    }

    /// How `tokio-postgres` reaches the server.
    pub fn connection_string(&self) -> String {
        // The socket's folder has only plain characters (see `layout`), so nothing is quoted.
        format!(
            "host={} user={NAME} dbname={NAME}",
            self.cluster.layout.run_dir.display()
        )
    }

    /// The data folder when none is named: `/var/lib/social-ledger` for root, else
    /// `social-ledger` in the user's own data folder.
    pub fn default_data_dir() -> Result<PathBuf, PrivateError> {
        if owner::is_root()? {
            return Ok(PathBuf::from("/var/lib/social-ledger"));
        }
        // The XDG specification has relative paths ignored.
        let folder = |name: &str| {
            env::var_os(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        folder("XDG_DATA_HOME")
            .or_else(|| folder("HOME").map(|home| home.join(".local/share")))
            .map(|base| base.join("social-ledger"))
            .ok_or(PrivateError::NoHome)
    }

    /// Ends this process's use of the server; the last one out stops it. Blocks like `start`.
    ///
    /// Dropping does the same, but can only log what goes wrong.
    pub fn leave(mut self) -> Result<(), PrivateError> {
        self.end_use()
    }

    fn end_use(&mut self) -> Result<(), PrivateError> {
        let Some(users) = self.users.take() else {
            return Ok(());
        };
        let path = self.cluster.layout.users_lock();
        let _deciding = lock_exclusive(&self.cluster.layout.start_lock())?;
        // Unlocked rather than closed: a child that another thread is just starting may hold a
        // copy of the file for a moment, and closing ours would not end the lock.
        users.unlock().map_err(PrivateError::io("unlock", &path))?;
        match users.try_lock() {
            Ok(()) => self.cluster.stop(),
            Err(TryLockError::WouldBlock) => Ok(()),
            Err(TryLockError::Error(source)) => Err(PrivateError::io("lock", &path)(source)),
        }
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        if let Err(error) = self.end_use() {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(%error, cause, "the private Postgres may still be running");
        }
    }
}

fn open_lock(path: &Path) -> Result<File, PrivateError> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(PrivateError::io("open the lock file", path))
}

fn lock_exclusive(path: &Path) -> Result<File, PrivateError> {
    let file = open_lock(path)?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(source)) => return Err(PrivateError::io("lock", path)(source)),
            Err(TryLockError::WouldBlock) if began.elapsed() < LOCK_PATIENCE => {
                thread::sleep(LOCK_POLL);
            }
            Err(TryLockError::WouldBlock) => {
                return Err(PrivateError::Busy {
                    path: path.to_path_buf(),
                    waited_s: began.elapsed().as_secs(),
                });
            }
        }
    }
}
