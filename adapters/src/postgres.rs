//! Everything in Postgres: connections, migrations, the event log, folded states.

pub mod connect;
pub mod log;
pub mod migrate;
pub mod private;
pub mod states;

pub use connect::{Endpoint, Pool};
pub use log::PostgresLog;

/// A database error with its cause, since the outer text alone says little.
pub fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} ({})", db.message(), db.code().code()),
        None => match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}
