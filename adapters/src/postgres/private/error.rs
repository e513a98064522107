//! What can go wrong with the private Postgres, in words that say what to do.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// Why the private Postgres could not be started, joined or stopped.
#[derive(Debug, thiserror::Error)]
pub enum PrivateError {
    /// No folder with the server's programs.
    #[error(
        "no Postgres server is installed: looked for initdb, pg_ctl and postgres in {looked_in}. \
         Install it (apt-get install postgresql), name the folder of its programs in \
         SOCIAL_LEDGER_PG_BIN, or set DATABASE_URL to use a server of your own"
    )]
    BinariesMissing {
        /// The places that were searched, in words.
        looked_in: String,
    },
    /// Programs were found, but of another major version than the cluster.
    #[error(
        "the cluster in {path} belongs to Postgres {cluster}, but only {found} was found. Install \
         that version (apt-get install postgresql-{cluster}), or name the folder of its programs \
         in SOCIAL_LEDGER_PG_BIN"
    )]
    WrongVersion {
        /// The cluster.
        path: PathBuf,
        /// Its major version.
        cluster: String,
        /// The folders that were found, with their versions.
        found: String,
    },
    /// Root runs the program, and there is no user to run Postgres.
    #[error(
        "Postgres refuses to run as root, and /etc/passwd has neither a user social-ledger nor a \
         user postgres to run it. Create one (useradd --system --user-group social-ledger), or set \
         DATABASE_URL to use a server of your own"
    )]
    NoServiceUser,
    /// The service user cannot enter the data folder.
    #[error(
        "the user {user}, who runs Postgres for root, cannot enter {data_dir}: {closed} is closed \
         to other users. Choose another data folder, or open it (chmod o+x {closed})"
    )]
    NotReachable {
        /// The service user.
        user: String,
        /// The data folder.
        data_dir: PathBuf,
        /// The first folder on the way that keeps the user out.
        closed: PathBuf,
    },
    /// A folder that must be ours belongs to somebody else, or is open to others.
    #[error(
        "{path} was to hold the socket of the private Postgres, but it is not a folder that \
         belongs to the user {user} alone; move it out of the way"
    )]
    ForeignFolder {
        /// The folder.
        path: PathBuf,
        /// The user it must belong to.
        user: String,
    },
    /// Nothing says where this user keeps data.
    #[error(
        "neither XDG_DATA_HOME nor HOME names a folder to keep the private Postgres in; set one of \
         them, or set DATABASE_URL to use a server of your own"
    )]
    NoHome,
    /// A setting that cannot be written into `postgresql.conf`.
    #[error("the Postgres setting {name:?} cannot be written to {path}: {reason}")]
    BadSetting {
        /// Its name, as given.
        name: String,
        /// The file it was meant for.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Another process holds the lock for longer than any start or stop takes.
    #[error(
        "another process has been starting or stopping the private Postgres for more than \
         {waited_s} s; it holds {path}"
    )]
    Busy {
        /// The lock file.
        path: PathBuf,
        /// How long we waited.
        waited_s: u64,
    },
    /// One of the server's programs failed.
    #[error("could not {doing} {path}: {program} ended with {status} and said: {said}")]
    Program {
        /// What was tried.
        doing: &'static str,
        /// On which folder.
        path: PathBuf,
        /// With which program.
        program: PathBuf,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its standard error.
        said: String,
    },
    /// The server does not come up.
    #[error(
        "the private Postgres in {path} did not come up within {waited_s} s. The last lines of \
         {log}: {said}"
    )]
    NotStarted {
        /// The cluster.
        path: PathBuf,
        /// How long we waited.
        waited_s: u64,
        /// The server's log.
        log: PathBuf,
        /// Its last lines.
        said: String,
    },
    /// A server answers on the socket, but will not let us in.
    #[error("the server at {socket} refused a connection: {reply}")]
    Refused {
        /// The socket.
        socket: PathBuf,
        /// What the server answered.
        reply: String,
    },
    /// A file, folder or program could not be used.
    #[error("cannot {doing} {path}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl PrivateError {
    /// Turns a system's error into one that names what was tried on which path.
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            doing,
            path: path.to_path_buf(),
            source,
        }
    }
}
