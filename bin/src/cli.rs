//! The command line. Its names are a contract.

mod audit;
mod log;
mod projections;
mod simulate;
mod vault;

pub use audit::{Audit, AuditCommand};
pub use log::{Log, LogCommand, LogCopy};
pub use projections::{Projections, ProjectionsCommand};
pub use simulate::Simulate;
pub use vault::{Vault, VaultCommand, VaultRotate};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

/// An event-sourced ledger of social analytics: every number can say where it came from.
///
/// Settings come from environment variables; the README has the table.
#[derive(Parser, Debug)]
#[command(name = "social-ledger", version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Serve the query API and keep the read models up to date, until stopped.
    Serve(Serve),
    /// Show what this is: a year of invented history, served, with requests to copy.
    Demo,
    /// Import files of history that a mapping describes, then bring the read models up to date.
    Import(Import),
    /// Bring the database to this program's migrations, and stop.
    Migrate,
    /// Keep the read models up to date, without serving.
    Projector(Projector),
    /// Rebuild read models beside the live ones, compare, switch, go back.
    Projections(Projections),
    /// Create, list and revoke API keys.
    Keys(Keys),
    /// Replay an account's history, and prove that nobody changed it.
    Audit(Audit),
    /// Move the whole history from one event log to another.
    Log(Log),
    /// Give the vault a new master key, while other processes run.
    Vault(Vault),
    /// Erase an account for good: destroy its key, and print a receipt.
    Erase(Erase),
    /// Back up the database: data and keys apart, in two folders.
    Backup(Backup),
    /// Restore a backup into an empty database; what was erased since stays erased.
    Restore(Backup),
    /// Tell what class each reply of a manifest has: how the platforms' answers are understood.
    Classify(Classify),
    /// Play Instagram, Facebook, TikTok and YouTube on this machine, for tests and demonstrations.
    Simulate(Simulate),
}

/// One part of the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum RoleName {
    /// The query API.
    Api,
    /// The read models.
    Projector,
}

/// Arguments of `serve`.
#[derive(Args, Debug)]
pub struct Serve {
    /// Run only this part; both run if none is named.
    #[arg(long, value_enum)]
    pub role: Option<RoleName>,
    /// Where to listen, instead of LISTEN.
    #[arg(long)]
    pub listen: Option<SocketAddr>,
}

/// Arguments of `import`.
#[derive(Args, Debug)]
pub struct Import {
    /// The mapping: a TOML file that says what the columns mean (docs/mapping.md).
    #[arg(long)]
    pub map: PathBuf,
    /// The folder with the files.
    pub dir: PathBuf,
    /// Where refused rows are written, with file, line and reason.
    #[arg(long, default_value = "import.rejected.ndjson")]
    pub rejects: PathBuf,
    /// Only append events; do not bring the read models up to date.
    #[arg(long)]
    pub no_project: bool,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `projector`.
#[derive(Args, Debug)]
pub struct Projector {
    /// Catch up with the log as it is now, and stop.
    #[arg(long)]
    pub once: bool,
    /// Print what was done as JSON.
    #[arg(long, requires = "once")]
    pub json: bool,
}

/// Arguments of `erase`.
#[derive(Args, Debug)]
pub struct Erase {
    /// The account's id, as the API names it.
    pub account: String,
    /// On whose request: requested, data_deletion_callback or retention_ended.
    #[arg(long, default_value = "requested")]
    pub reason: String,
    /// Do not ask whether that is meant.
    #[arg(long)]
    pub yes: bool,
    /// Print the receipt as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `backup` and `restore`.
#[derive(Args, Debug)]
pub struct Backup {
    /// The folder: `data` in it takes log and read models, `keys` the vault.
    pub dir: PathBuf,
    /// Print what was done as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `classify`.
#[derive(Args, Debug)]
pub struct Classify {
    /// The manifest: a JSON list of kept replies, their files beside it (docs/platforms.md).
    #[arg(long, value_name = "FILE")]
    pub manifest: PathBuf,
    /// Print a JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `keys`.
#[derive(Args, Debug)]
pub struct Keys {
    /// What to do with them.
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// What can be done with API keys.
#[derive(Subcommand, Debug)]
pub enum KeysCommand {
    /// Make a key. Its secret is shown once and not kept.
    Create {
        /// What it may do: creator, analyst, auditor or admin.
        #[arg(long)]
        role: String,
        /// Whose data it may see; give it several times for several. All, if it is not given.
        #[arg(long = "creator")]
        creators: Vec<String>,
        /// A name to know it by.
        #[arg(long, default_value = "command line")]
        label: String,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// List all keys, without secrets.
    List {
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key by its id.
    Revoke {
        /// The id that `list` shows.
        key_id: String,
    },
}
