//! Arguments of `simulate`.

use clap::Args;
use domain::Timestamp;
use std::net::SocketAddr;

/// Arguments of `simulate`.
#[derive(Args, Debug)]
pub struct Simulate {
    /// Where to listen; port 0 is any free one.
    #[arg(long, default_value = "127.0.0.1:4010")]
    pub listen: SocketAddr,
    /// What decides everything that looks random; the same seed is the same world.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many creators there are, at most 1,000,000.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub creators: u32,
    /// What time it is there, such as 2026-03-01T12:00:00Z; now, if it is not said.
    #[arg(long)]
    pub start: Option<Timestamp>,
    /// How fast time runs: 1 is real time, 0 stands still, at most 1,000,000.
    #[arg(long, default_value_t = 1.0)]
    pub speed: f64,
    /// Let calls go wrong by the plan of this seed.
    #[arg(long, value_name = "SEED")]
    pub plan: Option<u64>,
}
