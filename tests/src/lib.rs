//! The harness of the integration tests and benchmarks: a real Postgres, databases in it, a log in
//! memory, a stand-in for EventStoreDB, and the program as a child process.

pub mod cluster;
pub mod database;
pub mod ledger;
pub mod memory_log;
pub mod rng;
pub mod server;
pub mod signal;
pub mod standin;

pub use cluster::Cluster;
pub use database::TestDatabase;
pub use ledger::TestLedger;
pub use standin::{StandIn, StandInCluster};
