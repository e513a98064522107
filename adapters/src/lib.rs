//! Everything that touches the outside: Postgres, the vault, files of history, HTTP, the clock.

pub mod api_keys;
pub mod audit;
pub mod clock;
pub mod connect;
pub mod copy;
pub mod demo;
pub mod erasure;
pub mod eventstore;
pub mod http;
pub mod import;
pub mod monitoring;
mod noise;
mod pages;
pub mod platforms;
pub mod postgres;
pub mod simulator;
pub mod vault;
