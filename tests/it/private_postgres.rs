//! The private Postgres: shared while it is used, stopped by the last one out, and brought up
//! again after every kind of sudden death.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use adapters::postgres::private::{PrivateError, PrivateOptions, PrivatePostgres};
use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tests::signal::signal;
use tokio_postgres::NoTls;

/// A data folder of its own, and a small server that need not survive a power failure.
fn options(folder: &TempDir) -> PrivateOptions {
    let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    PrivateOptions {
        data_dir: folder.path().to_path_buf(),
        settings: vec![setting("shared_buffers", "16MB"), setting("fsync", "off")],
    }
}

/// Where the connection string leads; a long data folder has its socket elsewhere.
fn socket(postgres: &PrivatePostgres) -> Result<PathBuf> {
    let connection = postgres.connection_string();
    let host = connection
        .split(' ')
        .find_map(|part| part.strip_prefix("host="));
    Ok(Path::new(host.context("no host in the connection string")?).join(".s.PGSQL.5432"))
}

fn pid_file(folder: &TempDir) -> PathBuf {
    folder.path().join("postgres/postmaster.pid")
}

fn server_pid(folder: &TempDir) -> Result<String> {
    let text = fs::read_to_string(pid_file(folder)).context("reading the pid file")?;
    Ok(text.lines().next().context("an empty pid file")?.to_owned())
}

/// Runs the statements, then a query, and returns the number it answers with.
fn ask(postgres: &PrivatePostgres, statements: &str, query: &str) -> Result<i32> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let (client, connection) =
            tokio_postgres::connect(&postgres.connection_string(), NoTls).await?;
        tokio::spawn(connection);
        client.batch_execute(statements).await?;
        Ok(client.query_one(query, &[]).await?.try_get(0)?)
    })
}

fn kill_9(pid: &str) -> Result<()> {
    signal("-9", pid)
}

fn wait_until_gone(path: &Path) -> Result<()> {
    let began = Instant::now();
    while UnixStream::connect(path).is_ok() {
        ensure!(
            began.elapsed() < Duration::from_secs(10),
            "the server still listens"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

#[test]
fn the_last_one_out_stops_the_server() -> Result<()> {
    let folder = TempDir::new()?;
    let first = PrivatePostgres::start(&options(&folder))?;
    let pid = server_pid(&folder)?;
    let second = PrivatePostgres::start(&options(&folder))?;
    assert_eq!(
        pid,
        server_pid(&folder)?,
        "the second must join the first one's server"
    );
    assert_eq!(first.connection_string(), second.connection_string());

    first.leave()?;
    assert_eq!(
        ask(&second, "", "select 1")?,
        1,
        "one user is left, so the server stays"
    );
    let socket = socket(&second)?;
    // Dropping is leaving, too.
    drop(second);
    assert!(UnixStream::connect(socket).is_err() && !pid_file(&folder).exists());
    Ok(())
}

#[test]
fn a_killed_server_comes_back_with_its_data() -> Result<()> {
    let folder = TempDir::new()?;
    let first = PrivatePostgres::start(&options(&folder))?;
    let statements = "create table kept (value int4); insert into kept values (7)";
    assert_eq!(ask(&first, statements, "select value from kept")?, 7);

    kill_9(&server_pid(&folder)?)?;
    wait_until_gone(&socket(&first)?)?;
    let second = PrivatePostgres::start(&options(&folder))?;
    assert_eq!(ask(&second, "", "select value from kept")?, 7);
    Ok(())
}

/// A child of a dead server that hangs holds the shared memory for as long as nobody ends it.
#[test]
fn a_child_that_hangs_does_not_keep_a_new_server_down() -> Result<()> {
    let folder = TempDir::new()?;
    let first = PrivatePostgres::start(&options(&folder))?;
    let statements = "create table kept (value int4); insert into kept values (7)";
    assert_eq!(ask(&first, statements, "select value from kept")?, 7);

    let runtime = tokio::runtime::Runtime::new()?;
    let (child, _held) = runtime.block_on(async {
        let (client, connection) =
            tokio_postgres::connect(&first.connection_string(), NoTls).await?;
        tokio::spawn(connection);
        let row = client.query_one("select pg_backend_pid()", &[]).await?;
        anyhow::Ok((row.try_get::<_, i32>(0)?.to_string(), client))
    })?;
    signal("-STOP", &child)?;
    kill_9(&server_pid(&folder)?)?;
    wait_until_gone(&socket(&first)?)?;
    let second = PrivatePostgres::start(&options(&folder))?;
    assert_eq!(ask(&second, "", "select value from kept")?, 7);
    Ok(())
}

#[test]
fn a_pid_file_that_names_a_stranger_does_not_keep_the_server_down() -> Result<()> {
    let folder = TempDir::new()?;
    let first = PrivatePostgres::start(&options(&folder))?;
    let written_by_server = fs::read_to_string(pid_file(&folder))?;
    first.leave()?;

    // Of the cluster's user, since Postgres itself sees through strangers of other users.
    let owner = fs::metadata(folder.path().join("postgres"))?;
    let mut stranger = Command::new("sleep");
    stranger.arg("60").current_dir("/").stdin(Stdio::null());
    if owner.uid() != fs::metadata(folder.path())?.uid() {
        stranger.uid(owner.uid());
    }
    let mut stranger = stranger.spawn()?;
    let (_, rest) = written_by_server
        .split_once('\n')
        .context("one line only")?;
    fs::write(pid_file(&folder), format!("{}\n{rest}", stranger.id()))?;
    let outcome = PrivatePostgres::start(&options(&folder));
    let survived = stranger.try_wait()?.is_none();
    stranger.kill()?;
    stranger.wait()?;

    assert_eq!(ask(&outcome?, "", "select 1")?, 1);
    assert!(survived, "the stranger must not be touched");
    Ok(())
}

#[test]
fn a_setting_that_postgres_refuses_fails_soon_and_says_why() -> Result<()> {
    let folder = TempDir::new()?;
    let mut options = options(&folder);
    options
        .settings
        .push(("no_such_setting".to_owned(), "1".to_owned()));
    let error = PrivatePostgres::start(&options).expect_err("Postgres knows no such setting");
    assert!(error.to_string().contains("no_such_setting"), "{error}");
    let PrivateError::NotStarted { waited_s, .. } = error else {
        anyhow::bail!("another error than expected: {error}");
    };
    assert!(waited_s < 20, "it took {waited_s} s");
    Ok(())
}
