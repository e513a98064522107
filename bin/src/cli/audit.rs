//! The arguments of `audit`.

use clap::{Args, Subcommand};
use domain::{AccountId, Timestamp};
use std::path::PathBuf;

/// Arguments of `audit`.
#[derive(Args, Debug)]
pub struct Audit {
    /// What to do.
    #[command(subcommand)]
    pub command: AuditCommand,
}

/// What an audit can ask. docs/audit.md has the formats of its files.
#[derive(Subcommand, Debug)]
pub enum AuditCommand {
    /// Show an account's events one by one, with what each changed of its state.
    History {
        /// The account's id.
        account: AccountId,
        /// Print a JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Show an account's state at a time.
    State {
        /// The account's id.
        account: AccountId,
        /// Only what took effect at or before this moment counts (RFC 3339). Now, if left out.
        #[arg(long, value_name = "TIME")]
        as_of: Option<Timestamp>,
        /// Only what was recorded at or before this moment counts (RFC 3339). Everything, if left
        /// out.
        #[arg(long, value_name = "TIME")]
        known_at: Option<Timestamp>,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write an account's events with their exact bytes, and a signed manifest at the end.
    Export {
        /// The account's id.
        account: AccountId,
        /// The file; standard output, if left out.
        #[arg(long)]
        out: Option<PathBuf>,
        /// The first revision.
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// The last revision; the stream's last, if left out.
        #[arg(long)]
        to: Option<u64>,
    },
    /// Recompute the chain, name the first event that does not hold, and say how far it can speak.
    Verify {
        /// An account's id, or a file that `audit export` or `audit checkpoint` wrote.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        target: Option<String>,
        /// Verify every account.
        #[arg(long)]
        all: bool,
        /// Compare with this signed checkpoint. The newest one in AUDIT_DIR, if left out; none for
        /// files.
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
        /// The public key that must have signed checkpoint and file, as `audit key` printed it
        /// earlier. This installation's own for checkpoints, if left out.
        #[arg(long, value_name = "HEX")]
        key: Option<String>,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Sign a checkpoint over all accounts now.
    Checkpoint {
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show the public key that belongs to the signatures.
    Key {
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
}
