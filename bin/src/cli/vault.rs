//! The command line of `vault`.

use clap::{Args, Subcommand};

/// Arguments of `vault`.
#[derive(Args, Debug)]
pub struct Vault {
    /// What to do with it.
    #[command(subcommand)]
    pub command: VaultCommand,
}

/// What can be done with the vault.
#[derive(Subcommand, Debug)]
pub enum VaultCommand {
    /// Wrap every key anew under a new master key. Running processes go on. A key in a file is
    /// followed by a new one in its place, and kept beside it with `.previous` at its end; one in
    /// MASTER_KEY by the one in MASTER_KEY_NEXT, which every process must have before.
    Rotate(VaultRotate),
}

/// Arguments of `vault rotate`.
#[derive(Args, Debug)]
pub struct VaultRotate {
    /// Print what was done as JSON.
    #[arg(long)]
    pub json: bool,
}
