//! One cluster: created once, then started, joined and stopped through `pg_ctl`.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::binaries::Binaries;
use super::layout::{CLUSTER_FOLDER, Layout};
use super::owner::Owner;
use super::probe::{self, Answer};
use super::process::{all_in, anyone_works_in, failed, log_tail, run, works_in};
use super::{NAME, PrivateError, settings};

/// How long a start that fails is tried again. After a crash of the server's main process its
/// children may hold the shared memory until their last statement ends.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// How long they may do so before they are ended: what they had not committed is lost already.
const ORPHAN_PATIENCE: Duration = Duration::from_secs(5);
/// How long a server may take that has started and replays its log after a crash.
const RECOVERY_PATIENCE: Duration = Duration::from_secs(300);
/// A start that fails while no process of the cluster is left to wait for (a setting that
/// Postgres does not know, a full disk) is tried again only in case one has just ended.
const HOPELESS_LIMIT: u32 = 3;
const START_PAUSE: Duration = Duration::from_millis(100);
/// How long one `pg_ctl start` watches, and how long `pg_ctl stop` waits for the last checkpoint.
const START_WAIT_S: &str = "60";
const STOP_WAIT_S: &str = "120";

/// The server writes little, but for years: a longer log is set aside when it starts.
const LOG_LIMIT_BYTES: u64 = 16 * 1024 * 1024;

/// The names of folders in which a cluster is being made begin so.
const UNFINISHED: &str = "postgres.new.";

/// A cluster that exists, and the programs that fit it.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) layout: Layout,
    owner: Owner,
    binaries: Binaries,
}

impl Cluster {
    /// Finds the cluster's user and programs, and creates the cluster when there is none.
    /// Like all that changes the data folder, only under `start.lock`.
    pub(super) fn open(layout: Layout) -> Result<Self, PrivateError> {
        let owner = Owner::of(&layout.cluster)?;
        owner.check_can_enter(&layout.data_dir)?;
        let version_file = layout.cluster.join("PG_VERSION");
        let major = match fs::read_to_string(&version_file) {
            Ok(text) => Some(text.trim().to_owned()),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(PrivateError::io("read", &version_file)(error)),
        };
        let binaries = Binaries::find(&layout.cluster, major.as_deref(), &owner, &layout.data_dir)?;
        layout.prepare_run_dir(&owner)?;
        let cluster = Self {
            layout,
            owner,
            binaries,
        };
        if major.is_none() {
            cluster.create()?;
        }
        Ok(cluster)
    }

    /// Makes the cluster under another name and renames it when it is whole, so that a kill in
    /// between leaves no half cluster that later starts would trip over.
    fn create(&self) -> Result<(), PrivateError> {
        let data_dir = &self.layout.data_dir;
        tracing::info!(path = %self.layout.cluster.display(), "creating the private Postgres");
        self.remove_unfinished()?;
        // Its own name for each process: an initdb whose parent was killed may still be running,
        // and on its end removes the folder it was given.
        let name = format!("{UNFINISHED}{}", std::process::id());
        let fresh = data_dir.join(&name);
        DirBuilder::new()
            .mode(0o700)
            .create(&fresh)
            .map_err(PrivateError::io("make the folder", &fresh))?;
        self.owner.take(&fresh)?;

        // C.UTF-8 is not everywhere; with C only the case of letters beyond ASCII differs.
        self.initdb(&name, "C.UTF-8")
            .or_else(|_| self.initdb(&name, "C"))?;
        self.create_database(&name)?;

        let config = fresh.join("postgresql.conf");
        let include = format!("\ninclude '{}'\n", settings::FILE);
        OpenOptions::new()
            .append(true)
            // Root must not be led elsewhere by a link in a folder that is not root's.
            .custom_flags(libc::O_NOFOLLOW)
            .open(&config)
            .and_then(|mut file| {
                file.write_all(include.as_bytes())
                    .and_then(|()| file.sync_all())
            })
            .map_err(PrivateError::io("add our settings to", &config))?;

        fs::rename(&fresh, &self.layout.cluster)
            .and_then(|()| File::open(data_dir)?.sync_all())
            .map_err(PrivateError::io(
                "put the new cluster at",
                &self.layout.cluster,
            ))
    }

    fn remove_unfinished(&self) -> Result<(), PrivateError> {
        let data_dir = &self.layout.data_dir;
        let entries = fs::read_dir(data_dir).map_err(PrivateError::io("list", data_dir))?;
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                fs::remove_dir_all(entry.path()).map_err(PrivateError::io(
                    "remove the unfinished cluster",
                    &entry.path(),
                ))?;
            }
        }
        Ok(())
    }

    /// `trust` lets in whoever reaches the socket; its folder is closed to all but the owner.
    fn initdb(&self, folder: &str, locale: &str) -> Result<(), PrivateError> {
        let mut command = self.command("initdb");
        command.args(["-D", folder, "-A", "trust", "-U", NAME, "-E", "UTF8"]);
        command.arg(format!("--locale={locale}"));
        run(
            "create a cluster in",
            &self.layout.data_dir.join(folder),
            &mut command,
        )
        .map(drop)
    }

    /// In single-user mode, so that nobody meets a server that lacks the database.
    fn create_database(&self, folder: &str) -> Result<(), PrivateError> {
        let mut command = self.command("postgres");
        command.args(["--single", "-D", folder, "postgres"]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let program = PathBuf::from(command.get_program());
        let mut child = command.spawn().map_err(PrivateError::io("run", &program))?;
        if let Some(mut stdin) = child.stdin.take() {
            // One that ends before it has read tells why below.
            let _ = stdin.write_all(format!("create database {NAME}\n").as_bytes());
        }
        let output = child
            .wait_with_output()
            .map_err(PrivateError::io("run", &program))?;
        // In this mode a failed statement does not change the exit status.
        let stderr = String::from_utf8_lossy(&output.stderr);
        if output.status.success() && !["ERROR:", "FATAL:"].iter().any(|bad| stderr.contains(bad)) {
            return Ok(());
        }
        let path = self.layout.data_dir.join(folder);
        Err(failed(
            "create the database in",
            &path,
            program,
            output.status,
            &output.stderr,
        ))
    }

    /// Returns when a server accepts connections: one that runs already, or one started here.
    pub(super) fn ensure_running(&self, given: &[(String, String)]) -> Result<(), PrivateError> {
        let began = Instant::now();
        let mut first_launch: Option<Instant> = None;
        let mut hopeless = 0;
        loop {
            match probe::ask(&self.layout.socket()) {
                Answer::Ready => break,
                Answer::Refused(reply) => {
                    let socket = self.layout.socket();
                    return Err(PrivateError::Refused { socket, reply });
                }
                Answer::NotYet if began.elapsed() < RECOVERY_PATIENCE => {}
                Answer::Silent
                    if hopeless < HOPELESS_LIMIT
                        && first_launch.is_none_or(|at| at.elapsed() < START_PATIENCE) =>
                {
                    let first = first_launch.get_or_insert_with(Instant::now);
                    if first.elapsed() > ORPHAN_PATIENCE {
                        self.end_orphans()?;
                    }
                    if !self.launch(given)? && !anyone_works_in(&self.layout.cluster)? {
                        hopeless += 1;
                    }
                }
                Answer::NotYet | Answer::Silent => {
                    return Err(PrivateError::NotStarted {
                        path: self.layout.cluster.clone(),
                        waited_s: began.elapsed().as_secs(),
                        log: self.layout.log.clone(),
                        said: log_tail(&self.layout.log),
                    });
                }
            }
            thread::sleep(START_PAUSE);
        }
        let path = self.layout.cluster.display();
        if first_launch.is_some() {
            tracing::info!(%path, user = %self.owner.name, "started the private Postgres");
        } else {
            tracing::info!(%path, "joined the private Postgres, which was running");
        }
        Ok(())
    }

    /// One attempt to start, and whether `pg_ctl` saw it succeed. The caller asks the socket
    /// anyway: a start that takes too long for `pg_ctl` goes on behind its back.
    fn launch(&self, given: &[(String, String)]) -> Result<bool, PrivateError> {
        self.remove_stale_pid_file()?;
        self.write_settings(given)?;
        let log = self.open_log()?;
        let error_log = log
            .try_clone()
            .map_err(PrivateError::io("open", &self.layout.log))?;
        let mut command = self.command("pg_ctl");
        command
            .args(["-D", CLUSTER_FOLDER, "-s", "-w", "-t", START_WAIT_S])
            .arg("start")
            // The server inherits these. A pipe of ours would stay open for as long as it runs.
            .stdout(log)
            .stderr(error_log)
            // Ctrl-C on the terminal is for the program, which then stops the server in order.
            .process_group(0)
            .status()
            .map(|status| status.success())
            .map_err(PrivateError::io("run", &self.binaries.path("pg_ctl")))
    }

    /// Ends what is left of a server whose main process is dead: a child that hangs would keep
    /// every new server down. Such children can only be waited for or ended, and a new server
    /// recovers from the log either way.
    fn end_orphans(&self) -> Result<(), PrivateError> {
        let main = fs::read_to_string(self.pid_file()).ok();
        let main = main.as_deref().and_then(first_number);
        if main.is_some_and(|main| works_in(main, &self.layout.cluster)) {
            return Ok(());
        }
        for pid in all_in(&self.layout.cluster)? {
            tracing::warn!(pid, "ending a process that a dead server left behind");
            // One that has just ended by itself is as good.
            let _status = self
                .command("pg_ctl")
                .args(["kill", "KILL", &pid.to_string()])
                .stderr(Stdio::null())
                .status();
        }
        Ok(())
    }

    /// After a crash the pid file stays. Postgres sees through it when the number is free again,
    /// but not when it belongs to another process by now, or to a zombie that nobody buries, as
    /// in a container without an init. Such a file goes when no process uses the cluster.
    fn remove_stale_pid_file(&self) -> Result<(), PrivateError> {
        let path = self.pid_file();
        let pid = match fs::read_to_string(&path) {
            Ok(text) => first_number(&text),
            Err(_) => return Ok(()),
        };
        let is_free = |pid: u32| fs::symlink_metadata(format!("/proc/{pid}")).is_err();
        if pid.is_some_and(is_free) || anyone_works_in(&self.layout.cluster)? {
            return Ok(());
        }
        tracing::warn!(path = %path.display(), pid, "removing a dead server's pid file");
        for stale in [self.layout.socket_lock(), path] {
            match fs::remove_file(&stale) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(PrivateError::io("remove the stale file", &stale)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes a new file and renames it: never through a link, and never half.
    fn write_settings(&self, given: &[(String, String)]) -> Result<(), PrivateError> {
        let text = settings::text(given, &self.layout.run_dir)?;
        let path = self.layout.cluster.join(settings::FILE);
        let fresh = path.with_extension("conf.new");
        // Left by a predecessor that was killed; that there is none is the usual case.
        let _ = fs::remove_file(&fresh);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&fresh)
            .map_err(PrivateError::io("make", &fresh))?;
        self.owner.take_file(&file, &fresh)?;
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&fresh, &path))
            .map_err(PrivateError::io("write the settings to", &path))
    }

    fn open_log(&self) -> Result<File, PrivateError> {
        let path = &self.layout.log;
        if fs::metadata(path).is_ok_and(|found| found.len() > LOG_LIMIT_BYTES) {
            fs::rename(path, path.with_extension("log.old"))
                .map_err(PrivateError::io("set aside", path))?;
        }
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)
            .map_err(PrivateError::io("open", path))
    }

    /// Stops the server in order, if one runs: open transactions are rolled back, clients sent off.
    pub(super) fn stop(&self) -> Result<(), PrivateError> {
        let pid_file = self.pid_file();
        let pid = fs::read_to_string(&pid_file)
            .ok()
            .and_then(|text| first_number(&text));
        // Not on the word of the file alone: a stale one would have `pg_ctl` signal a stranger.
        let runs = pid.is_some_and(|pid| works_in(pid, &self.layout.cluster));
        if !runs {
            return Ok(());
        }
        let mut command = self.command("pg_ctl");
        command
            .args(["-D", CLUSTER_FOLDER, "-s", "-w", "-t", STOP_WAIT_S])
            .args(["stop", "-m", "fast"])
            // A second Ctrl-C must not leave the server to its own.
            .process_group(0);
        match run("stop the server of", &self.layout.cluster, &mut command) {
            // Gone by itself between the question and the call.
            Err(PrivateError::Program { .. }) if !pid_file.exists() => Ok(()),
            outcome => outcome.map(|_| {
                tracing::info!(path = %self.layout.cluster.display(), "stopped the private Postgres");
            }),
        }
    }

    fn pid_file(&self) -> PathBuf {
        self.layout.cluster.join("postmaster.pid")
    }

    /// Programs run in the data folder and are given names relative to it: `pg_ctl` hands its
    /// arguments to a shell, which would take a dollar sign in a full path for its own.
    fn command(&self, program: &str) -> Command {
        self.owner
            .command(&self.binaries.path(program), &self.layout.data_dir)
    }
}

/// The first line of a pid file; `None` for one that a crash has left empty.
fn first_number(text: &str) -> Option<u32> {
    text.lines().next()?.trim().parse().ok()
}
