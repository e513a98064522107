//! Forward-only migrations, embedded: log, vault, states, checkpoints, keys.
//!
//! Read models are not here: their tables live beside their code and are made by the engine.

/// A migration: its file's name and its SQL. It is never edited once released; a new one follows.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// The file's name; its number gives the order.
    pub name: &'static str,
    /// Statements that run in one transaction.
    pub sql: &'static str,
}

macro_rules! migrations {
    ($($name:literal),* $(,)?) => {
        /// Every migration in its order.
        pub const MIGRATIONS: &[Migration] = &[
            $(Migration { name: $name, sql: include_str!(concat!("../sql/", $name, ".sql")) }),*
        ];
    };
}

migrations![
    "0001_log",
    "0002_vault",
    "0003_states",
    "0004_projections",
    "0005_api_keys",
    "0006_shards",
    "0007_audit",
    "0008_erasure",
    "0009_versions",
    "0010_projectors",
    "0011_credentials",
];
