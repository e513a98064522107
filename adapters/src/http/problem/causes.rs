//! What becomes of the errors of the parts beneath: unavailable, or a fault of ours.

use super::{Code, Problem};
use crate::api_keys::ApiKeyError;
use crate::postgres::{connect::describe_pool, describe};
use commands::ports::{ReadError, VaultError};
use deadpool_postgres::PoolError;
use domain::metric::UnknownMetric;

impl From<tokio_postgres::Error> for Problem {
    fn from(error: tokio_postgres::Error) -> Self {
        let passing = match error.code() {
            // Connections, resources, shutdowns; and tables that no projector has made yet.
            Some(state) => {
                let code = state.code();
                code == "42P01" || ["08", "53", "57", "58"].contains(&&code[..2])
            }
            None => {
                error.is_closed()
                    || std::error::Error::source(&error)
                        .is_some_and(|source| source.is::<std::io::Error>())
            }
        };
        if passing {
            Self::unavailable(describe(&error))
        } else {
            Self::internal(describe(&error))
        }
    }
}

impl From<PoolError> for Problem {
    fn from(error: PoolError) -> Self {
        Self::unavailable(describe_pool(&error))
    }
}

impl From<ApiKeyError> for Problem {
    fn from(error: ApiKeyError) -> Self {
        match error {
            ApiKeyError::Unavailable(_) => Self::unavailable(error),
            _ => Self::internal(error),
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unavailable(_) => Self::unavailable(error),
            ReadError::Corrupt(_) => Self::internal(error),
        }
    }
}

impl From<VaultError> for Problem {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Unavailable(_) => Self::unavailable(error),
            _ => Self::internal(error),
        }
    }
}

impl From<UnknownMetric> for Problem {
    fn from(error: UnknownMetric) -> Self {
        Self::new(Code::UnknownMetric, error.to_string()).on("metric")
    }
}
