//! Read models rebuilt beside the live ones: filled, compared, switched to, taken back, dropped.

mod beside;
mod diffs;
mod kills;
mod program;
mod schema_change;
mod start;
mod versions;

use crate::fold::assert_versions_equal_the_log;
use projections::admin::{Standing, Switched};
use projections::engine::checkpoints;
use projections::{Versions, registry};
use tests::TestLedger;
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

/// The names of all read models, in the order in which checkpoints are told.
fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = registry()
        .iter()
        .map(|projection| projection.name())
        .collect();
    names.sort_unstable();
    names
}

/// Fills the next version of a read model and returns its number.
async fn rebuild(ledger: &TestLedger, name: &str) -> anyhow::Result<i32> {
    let rebuild = ledger.administration().begin_rebuild(name).await?;
    let cancel = CancellationToken::new();
    anyhow::ensure!(
        rebuild.run(None, &cancel, |_| {}).await?,
        "{name} is not full"
    );
    Ok(rebuild.version.number)
}

/// How a version stands.
async fn standing(ledger: &TestLedger, name: &str, version: i32) -> anyhow::Result<Standing> {
    let found = ledger.administration().list().await?;
    let mut found = found.into_iter();
    let one = found.find(|one| one.name == name && one.version == version);
    one.ok_or_else(|| anyhow::anyhow!("{name}@{version} is not listed"))
}

/// The versions that are live.
async fn live(client: &Client) -> anyhow::Result<Versions> {
    Ok(Versions::live(&checkpoints(client).await?))
}

/// The version of every read model.
fn all_at(number: i32) -> Versions {
    let names = names().into_iter();
    names.fold(Versions::default(), |all, name| all.with(name, number, 1))
}

fn switched(name: &str, from: i32, to: i32) -> Switched {
    let name = name.to_owned();
    Switched { name, from, to }
}

/// Lets answers that chose a version be long over.
async fn outlast_answers(client: &Client) -> anyhow::Result<()> {
    client
        .batch_execute("update projection_versions set retired_at = retired_at - interval '1 hour'")
        .await?;
    Ok(())
}

/// Both versions of each read model are what the log leads to.
async fn both_equal_the_log(client: &Client) -> anyhow::Result<()> {
    for number in [1, 2] {
        assert_versions_equal_the_log(client, &all_at(number)).await?;
    }
    Ok(())
}
