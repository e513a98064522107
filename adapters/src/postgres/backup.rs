//! Backups with Postgres' own programs: the data without the vault, and the vault without the data.
//!
//! ```text
//! DIR/data/database.dump   everything but what is beside it: log, read models, states, API keys
//! DIR/keys/vault.dump      the schemas `vault` and `credentials`: wrapped keys, registry, tokens
//! ```
//! Both are of one snapshot. Folders have mode 0700, files 0600. Neither opens anything without the
//! master key, which is in neither; the data alone opens nothing even with it.

use super::connect::Endpoint;
use super::{describe, private::tool};
use std::fs::{DirBuilder, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

const DATA: &str = "data/database.dump";
const KEYS: &str = "keys/vault.dump";
/// How much of what a program said goes into an error.
const SAID_LINES: usize = 8;

/// Where a backup was put.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Taken {
    /// The data.
    pub data: PathBuf,
    /// The vault.
    pub keys: PathBuf,
}

/// Why a backup was not taken or restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database refused or went away.
    #[error("the database failed: {}", describe(.0))]
    Database(#[from] tokio_postgres::Error),
    /// A file or folder.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        source: std::io::Error,
    },
    /// The folder for the backup holds something.
    #[error("{0} is not empty: expected a new or empty folder")]
    FolderInUse(PathBuf),
    /// The database to restore into holds something.
    #[error(
        "the database is not empty: expected one without tables (a new DATA_DIR, or a new database)"
    )]
    NotEmpty,
    /// No fitting program is installed.
    #[error(
        "no {program} for Postgres {major} was found: install the Postgres client of that version, or name its folder with SOCIAL_LEDGER_PG_BIN"
    )]
    NoProgram {
        /// Which.
        program: &'static str,
        /// The server's version.
        major: u32,
    },
    /// The program failed.
    #[error("{program} failed: {said}")]
    Program {
        /// Which.
        program: &'static str,
        /// Its last words.
        said: String,
    },
    /// The second half failed after the first.
    #[error(
        "the keys were not restored, so the database now holds data without keys; empty it and restore again: {0}"
    )]
    KeysNotRestored(#[source] Box<BackupError>),
}

/// Takes a backup into a new or empty folder.
pub async fn take(endpoint: &Endpoint, dir: &Path) -> Result<Taken, BackupError> {
    let taken = Taken {
        data: dir.join(DATA),
        keys: dir.join(KEYS),
    };
    // Open for as long as the programs read: both see what it saw.
    let mut client = endpoint.connect().await?;
    let major = major_of(&client).await?;
    let program = find("pg_dump", major)?;
    let transaction = client
        .build_transaction()
        .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await?;
    let row = transaction
        .query_one("select pg_export_snapshot() as snapshot", &[])
        .await?;
    let snapshot = format!("--snapshot={}", row.get::<_, &str>("snapshot"));
    prepare(dir)?;
    for (file, which) in [(&taken.data, "--exclude-schema"), (&taken.keys, "--schema")] {
        make_file(file)?;
        let mut command = Command::new(&program);
        command.args([
            "--format=custom",
            "--no-password",
            which,
            "vault",
            which,
            "credentials",
            &snapshot,
            "--file",
        ]);
        run("pg_dump", command.arg(file), endpoint).await?;
    }
    transaction.commit().await?;
    Ok(taken)
}

/// Restores a backup into a database without tables.
pub async fn restore(endpoint: &Endpoint, dir: &Path) -> Result<(), BackupError> {
    let (data, keys) = (dir.join(DATA), dir.join(KEYS));
    for path in [&data, &keys] {
        std::fs::File::open(path).map_err(|source| failed(path, source))?;
    }
    let client = endpoint.connect().await?;
    let row = client
        .query_one(
            "select exists (
                 select
                 from pg_class
                 join pg_namespace on pg_namespace.oid = pg_class.relnamespace
                 where pg_class.relkind in ('r', 'p', 'v', 'm', 'S')
                     and pg_namespace.nspname not in ('pg_catalog', 'information_schema')
                     and not starts_with(pg_namespace.nspname, 'pg_')
             ) as used",
            &[],
        )
        .await?;
    if row.get("used") {
        return Err(BackupError::NotEmpty);
    }
    let database = client
        .query_one("select current_database() as name", &[])
        .await?;
    let database = format!("--dbname={}", database.get::<_, &str>("name"));
    let program = find("pg_restore", major_of(&client).await?)?;
    drop(client);
    let restore = |file: PathBuf| {
        let mut command = Command::new(&program);
        command.args(["--single-transaction", "--exit-on-error", "--no-password"]);
        command.args(["--no-owner", "--no-privileges", &database]);
        command.arg(file);
        command
    };
    run("pg_restore", &mut restore(data), endpoint).await?;
    let keys = run("pg_restore", &mut restore(keys), endpoint).await;
    keys.map_err(|error| BackupError::KeysNotRestored(Box::new(error)))
}

async fn major_of(client: &tokio_postgres::Client) -> Result<u32, BackupError> {
    let row = client
        .query_one(
            "select current_setting('server_version_num')::int / 10000 as major",
            &[],
        )
        .await?;
    Ok(row.get::<_, i32>("major").unsigned_abs())
}

fn find(program: &'static str, major: u32) -> Result<PathBuf, BackupError> {
    tool(program, major).ok_or(BackupError::NoProgram { program, major })
}

fn failed(path: &Path, source: std::io::Error) -> BackupError {
    BackupError::File {
        path: path.to_owned(),
        source,
    }
}

/// Makes the folders, which nobody else may enter.
fn prepare(dir: &Path) -> Result<(), BackupError> {
    match std::fs::read_dir(dir) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(BackupError::FolderInUse(dir.to_owned()));
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(failed(dir, error)),
    }
    for folder in [dir.join("data"), dir.join("keys")] {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(|source| failed(&folder, source))?;
    }
    Ok(())
}

/// Made here, so that it is closed to others from its first byte on.
fn make_file(path: &Path) -> Result<(), BackupError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map(drop)
        .map_err(|source| failed(path, source))
}

async fn run(
    program: &'static str,
    command: &mut Command,
    endpoint: &Endpoint,
) -> Result<(), BackupError> {
    // Variables of this user's are meant for other servers.
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"PG") {
            command.env_remove(name);
        }
    }
    command
        .envs(endpoint.environment())
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true);
    let output = command.output().await;
    let output = output.map_err(|source| failed(Path::new(program), source))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let first = lines.len().saturating_sub(SAID_LINES);
    Err(BackupError::Program {
        program,
        said: lines[first..].join("; "),
    })
}
