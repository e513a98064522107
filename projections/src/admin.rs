//! Read models in the hands of an administrator: how each version stands, and how a new one is
//! filled beside the live one, compared with it, switched to, taken back and dropped.

mod diff;
mod list;
mod parking;
mod rebuild;
mod retire;
mod survey;
mod switch;
mod table;

pub use diff::{Diff, MOST_SAMPLES, Sample, TableDiff};
pub use list::{Standing, State};
pub use parking::{ParkedStream, Retried};
pub use rebuild::{Filling, Rebuild};
pub use retire::DROP_GRACE;
pub use survey::{Behind, Survey, Why};
pub use switch::Switched;

use crate::engine::catalogue::{self, Entry};
use crate::engine::{Database, DatabaseError, EngineError, describe};
use crate::feed::{EventFeed, FeedError};
use crate::projection::{Projection, ProjectionError};
use crate::version::Version;
use std::sync::Arc;
use tokio_postgres::{Client, GenericClient};

/// Why something was not done. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// No such read model.
    #[error("there is no read model '{name}': there are {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// No such version.
    #[error("{name} has no version {version}; `social-ledger projections list` shows them")]
    NoVersion {
        /// The read model.
        name: String,
        /// What was asked for.
        version: i32,
    },
    /// Nothing that could be compared or switched to.
    #[error(
        "{name} has no filled version beside the live one: run `social-ledger projections rebuild \
         {name}`"
    )]
    NothingBeside {
        /// The read model.
        name: String,
    },
    /// It was never switched, or what was live before is gone.
    #[error("{name} has no version to go back to")]
    NothingBefore {
        /// The read model.
        name: String,
    },
    /// The version is not at the head yet.
    #[error(
        "version {version} of {name} is still being filled: run `social-ledger projections \
         rebuild {name}` to go on"
    )]
    NotFilled {
        /// The read model.
        name: String,
        /// The version.
        version: i32,
    },
    /// It does not have what the live version has.
    #[error(
        "version {version} of {name} is behind the live one: wait until the projector has brought \
         it there, or run `social-ledger projector --once`"
    )]
    Behind {
        /// The read model.
        name: String,
        /// The version.
        version: i32,
    },
    /// The version is live.
    #[error("version {version} of {name} is live already")]
    IsLive {
        /// The read model.
        name: String,
        /// The version.
        version: i32,
    },
    /// The live version cannot be dropped.
    #[error("version {version} of {name} is live: switch to another one first")]
    DropsLive {
        /// The read model.
        name: String,
        /// The version.
        version: i32,
    },
    /// Answers that chose the version may still be under way.
    #[error(
        "version {version} of {name} was live a moment ago, and answers may still be taken from \
         it: try again in {seconds} s"
    )]
    InUse {
        /// The read model.
        name: String,
        /// The version.
        version: i32,
        /// How long until it is free.
        seconds: u64,
    },
    /// Another process rebuilds it.
    #[error("{name} is being rebuilt by another process")]
    BeingRebuilt {
        /// The read model.
        name: String,
    },
    /// Begun by other code than this.
    #[error(
        "version {version} of {name} was begun by other code than this program's: run \
         `social-ledger projections drop {name} {version}` first"
    )]
    BegunByOthers {
        /// The read model.
        name: String,
        /// The version.
        version: i32,
    },
    /// Somebody dropped the version meanwhile.
    #[error("version {version} of {name} was dropped meanwhile")]
    Dropped {
        /// The read model.
        name: String,
        /// The version.
        version: i32,
    },
    /// No event has halted it.
    #[error(
        "{name} is not halted by an event that could be parked; `social-ledger projections list` \
         shows what halts it"
    )]
    NothingToPark {
        /// The read model.
        name: String,
    },
    /// Nothing waits to be tried again.
    #[error("{name} has no such parked stream")]
    NothingParked {
        /// The read model.
        name: String,
    },
    /// Streams are parked that the live version has.
    #[error(
        "version {version} of {name} lacks events that the live one has: {streams} of its streams \
         are parked; run `social-ledger projections retry {name}`"
    )]
    Lacks {
        /// The read model.
        name: String,
        /// The version.
        version: i32,
        /// How many streams.
        streams: i64,
    },
    /// Locks were not had in time.
    #[error("{name} is busy: a lock was not had within {seconds} s; try again")]
    Busy {
        /// The read model.
        name: String,
        /// How long was waited.
        seconds: u64,
    },
    /// No connection.
    #[error(transparent)]
    Unreachable(#[from] DatabaseError),
    /// The database refused.
    #[error("the database failed: {}", describe(.0))]
    Database(#[from] tokio_postgres::Error),
    /// No log.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The tables could not be made.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    /// The version could not be filled.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// What an administrator needs: the log, the database, and the code of the read models.
#[derive(Clone)]
pub struct Administration {
    feed: Arc<dyn EventFeed>,
    database: Arc<dyn Database>,
    projections: Vec<Arc<dyn Projection>>,
}

impl Administration {
    /// Over a log and a database, with the code that keeps the read models.
    pub fn new(
        feed: Arc<dyn EventFeed>,
        database: Arc<dyn Database>,
        projections: Vec<Arc<dyn Projection>>,
    ) -> Self {
        Self {
            feed,
            database,
            projections,
        }
    }

    async fn connect(&self) -> Result<Client, AdminError> {
        Ok(self.database.connect().await?)
    }

    /// The newest code of a read model.
    fn newest(&self, name: &str) -> Result<&Arc<dyn Projection>, AdminError> {
        let codes = self.projections.iter().filter(|code| code.name() == name);
        codes
            .max_by_key(|code| code.contract())
            .ok_or_else(|| self.unknown(name))
    }

    fn unknown(&self, name: &str) -> AdminError {
        let mut known: Vec<_> = self.projections.iter().map(|code| code.name()).collect();
        known.dedup();
        AdminError::Unknown {
            name: name.to_owned(),
            known: known.join(", "),
        }
    }

    /// A read model's versions, the oldest first. Fails if there is no such read model.
    async fn entries(
        &self,
        client: &impl GenericClient,
        name: &str,
    ) -> Result<Vec<Entry>, AdminError> {
        self.newest(name)?;
        let mut entries = catalogue::entries(client).await?;
        entries.retain(|entry| entry.name == name);
        Ok(entries)
    }

    /// A version with the code that keeps it; with the newest code, if none here does.
    fn version(&self, entry: &Entry) -> Result<Version, AdminError> {
        let mut codes = self.projections.iter();
        let projection = match codes.find(|code| entry.is_of(&***code)) {
            Some(projection) => projection,
            None => self.newest(&entry.name)?,
        };
        Ok(Version {
            projection: Arc::clone(projection),
            number: entry.number,
        })
    }
}

/// A version of these by its number.
fn numbered(entries: &[Entry], name: &str, number: i32) -> Result<Entry, AdminError> {
    let mut entries = entries.iter();
    let found = entries.find(|entry| entry.number == number);
    found.cloned().ok_or_else(|| AdminError::NoVersion {
        name: name.to_owned(),
        version: number,
    })
}
