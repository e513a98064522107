//! The arguments of `projections`.

use clap::{Args, Subcommand};
use domain::AccountId;
use std::num::NonZeroU32;

/// Arguments of `projections`.
#[derive(Args, Debug)]
pub struct Projections {
    /// What to do with them.
    #[command(subcommand)]
    pub command: ProjectionsCommand,
    /// Print results as JSON.
    #[arg(long, global = true)]
    pub json: bool,
}

/// What can be done with read models.
#[derive(Subcommand, Debug)]
pub enum ProjectionsCommand {
    /// Show every version of every read model: what it is doing, where it stands, how far behind.
    List,
    /// Fill the next version of a read model beside the live one; killed, it goes on where it was.
    Rebuild {
        /// The read model.
        name: String,
        /// At most so many events a second, so that the rest of the machine has its share.
        #[arg(long, value_name = "EVENTS_PER_SECOND")]
        max_rate: Option<NonZeroU32>,
    },
    /// Compare the rows of the live version with those of another one.
    Diff {
        /// The read model.
        name: String,
        /// The version to compare with, instead of the newest.
        #[arg(long)]
        version: Option<i32>,
    },
    /// Let queries be answered by the newest filled version.
    Switch {
        /// The read model.
        name: String,
        /// The version to switch to, instead of the newest.
        #[arg(long)]
        version: Option<i32>,
    },
    /// Let queries be answered by the version that was live before.
    Rollback {
        /// The read model.
        name: String,
    },
    /// Let a halted read model go on without the account whose event it cannot apply: that
    /// account's events wait.
    Park {
        /// The read model.
        name: String,
        /// The version that is halted; all of them, if left out.
        #[arg(long)]
        version: Option<i32>,
    },
    /// Apply the events of parked accounts, once what kept them from it is mended.
    Retry {
        /// The read model.
        name: String,
        /// The account; all that are parked, if left out.
        account: Option<AccountId>,
    },
    /// Drop a version that is not live.
    Drop {
        /// The read model.
        name: String,
        /// The version.
        version: i32,
    },
}
