//! Why an audit could not be carried out. That a history does not hold is no error: it is a result.

use commands::ports::ReadError;
use projections::feed::FeedError;
use std::path::{Path, PathBuf};

/// Why an audit could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// A stream could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The log could not be read.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The database refused or is away.
    #[error("the audit's tables are unavailable: {0}")]
    Database(String),
    /// There is nothing to speak of.
    #[error("{0}")]
    NothingThere(String),
    /// A state cannot be told.
    #[error("revision {revision} of {stream} cannot be read: {reason}")]
    Undecodable {
        /// Its stream.
        stream: String,
        /// Which event.
        revision: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{path}: {reason}")]
    NotOurs {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The program's own fault.
    #[error("the audit failed: {0}")]
    Internal(String),
}

impl AuditError {
    pub(super) fn file(path: &Path) -> impl Fn(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::File {
            path: path.clone(),
            source,
        }
    }

    pub(super) fn not_ours(path: &Path, reason: impl Into<String>) -> Self {
        Self::NotOurs {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }
}

impl From<tokio_postgres::Error> for AuditError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(crate::postgres::describe(&error))
    }
}

impl From<deadpool_postgres::PoolError> for AuditError {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        Self::Database(crate::postgres::connect::describe_pool(&error))
    }
}

impl From<tokio::task::JoinError> for AuditError {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<serde_json::Error> for AuditError {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(error.to_string())
    }
}
