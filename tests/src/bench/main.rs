//! `make bench`: what the program does in a second, as ratios to raw limits of the same run.
//!
//! Every figure of ours stands beside one of Postgres alone on the same cluster, taken in turns,
//! so that a noisy machine disturbs both. Sizes can be given: `bench NAME SIZE`.

mod apart;
mod api;
mod append;
mod audit;
mod copy;
mod eventstore;
mod generate;
mod import;
mod latency;
mod memory;
mod plain;
mod query;
mod table;

use anyhow::bail;
use table::Table;
use tests::Cluster;

/// Rounds of every figure; the median counts.
const ROUNDS: usize = 3;

#[expect(clippy::print_stdout, reason = "a benchmark prints")]
fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let only = arguments.next();
    if only.as_deref() == Some(apart::ARGUMENT) {
        return apart::serve();
    }
    let size = arguments.next().map(|size| size.parse()).transpose()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    // As durable as a user's: no setting is weakened.
    let cluster = Cluster::start_with(&[("max_connections", "400")])?;
    let mut table = Table::default();
    for name in [
        "append",
        "eventstore",
        "import",
        "latency",
        "query",
        "memory",
        "audit",
        "copy",
    ] {
        if only.as_deref().is_some_and(|only| only != name) {
            continue;
        }
        runtime.block_on(async {
            match name {
                "append" => append::run(&cluster, size.unwrap_or(40_000), &mut table).await,
                "eventstore" => eventstore::run(size.unwrap_or(40_000), &mut table).await,
                "import" => import::run(&cluster, size.unwrap_or(2_000_000), &mut table).await,
                "latency" => latency::run(&cluster, size.unwrap_or(500_000), &mut table).await,
                "query" => query::run(&cluster, size.unwrap_or(5_000_000), &mut table).await,
                "copy" => copy::run(&cluster, size.unwrap_or(200_000), &mut table).await,
                "audit" => audit::run(&cluster, size.unwrap_or(500_000), &mut table).await,
                "memory" => memory::run(&cluster, size.unwrap_or(2_000_000), &mut table).await,
                other => bail!("there is no benchmark {other}"),
            }
        })?;
    }
    println!("{table}");
    Ok(())
}
