//! The arguments of `log`.

use clap::{Args, Subcommand};

/// Arguments of `log`.
#[derive(Args, Debug)]
pub struct Log {
    /// What to do.
    #[command(subcommand)]
    pub command: LogCommand,
}

/// What can be done with a whole log.
#[derive(Subcommand, Debug)]
pub enum LogCommand {
    /// Copy a whole history, verify it, and let the read models go on at its end. Nobody may write
    /// to either log meanwhile. Running it again goes on where it ended (docs/eventstore.md).
    Copy(LogCopy),
}

/// Arguments of `log copy`.
#[derive(Args)]
pub struct LogCopy {
    /// The log to copy: postgres (in this program's database), a connection string of Postgres or
    /// EventStoreDB, or event-log (what EVENT_LOG names).
    #[arg(long, value_name = "URL")]
    pub from: String,
    /// The log to copy to, named in the same way: empty, or the beginning of such a copy.
    #[arg(long, value_name = "URL")]
    pub to: String,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
}

impl std::fmt::Debug for LogCopy {
    // Either may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LogCopy(..)")
    }
}
