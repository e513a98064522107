//! Everything in Postgres: connections, migrations, the event log, folded states.

pub mod backup;
pub mod connect;
pub mod log;
pub mod migrate;
pub mod private;
pub mod states;

pub use connect::{Endpoint, Pool};
pub use log::PostgresLog;
pub use projections::engine::describe;
