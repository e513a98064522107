//! The most memory that this process held while it imported and projected ever longer logs.

use crate::api::Api;
use crate::table::Table;
use adapters::import::mapping::Mapping;
use adapters::import::run::{Watch, run as import};
use adapters::import::source::Source;
use anyhow::Context;
use domain::AccountId;
use std::io::{BufWriter, Write};
use std::sync::Arc;
use tests::{Cluster, TestDatabase, TestLedger};
use tokio::task::JoinSet;

const MAPPING: &str = r#"
name = "memory"
description = "A long series of followers."
creator = { const = "bench" }
platform = { const = "tiktok" }

[[table]]
name = "followers"
files = "followers.csv"
format = "csv"
account = { column = "account" }
observed_at = { column = "at", time = "unix" }
[table.metrics]
followers = { column = "followers" }
"#;

const ACCOUNTS: usize = 1_000;

/// What each account is asked, by so many callers at a time.
const QUESTIONS: [&str; 4] = [
    "trends/followers?interval=raw&from=2020-09-01&to=2021-09-01",
    "trends/followers?from=2020-09-01&to=2021-09-01",
    "events?limit=500",
    "audit/state?as_of=2020-12-01T00:00:00Z",
];
const CALLERS: usize = 8;

pub(crate) async fn run(cluster: &Cluster, size: usize, table: &mut Table) -> anyhow::Result<()> {
    for events in [100_000, size] {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("mapping.toml"), MAPPING)?;
        let file = std::fs::File::create(folder.path().join("followers.csv"))?;
        let mut out = BufWriter::new(file);
        writeln!(out, "account,at,followers")?;
        for n in 0..events {
            let at = 1_600_000_000 + n / ACCOUNTS * 3_600;
            writeln!(out, "a{},{at},{}", n % ACCOUNTS, 1_000 + n / 977)?;
        }
        out.flush()?;
        drop(out);
        let database = TestDatabase::create_in(cluster).await?;
        adapters::postgres::migrate::migrate(&mut database.connect().await?).await?;
        let ledger = TestLedger::over(database).await?;
        reset()?;
        let mapping = Mapping::load(&folder.path().join("mapping.toml"))?;
        let source = Source::open(mapping, folder.path())?;
        let rejects = folder.path().join("rejected.ndjson");
        let write_side = Arc::clone(&ledger.ledger);
        import(write_side, source, &rejects, Arc::new(Watch::default())).await?;
        let writing = peak()?;
        reset()?;
        ledger.catch_up().await?;
        let what = |role: &str| format!("peak memory, {role}, {events} events");
        table.add(what("importer"), (vec![writing], vec![]), "MiB", "flat");
        table.add(what("projector"), (vec![peak()?], vec![]), "MiB", "flat");
        reset()?;
        ask(&ledger).await?;
        table.add(what("API"), (vec![peak()?], vec![]), "MiB", "flat");
    }
    Ok(())
}

/// Asks all accounts what reads much.
async fn ask(ledger: &TestLedger) -> anyhow::Result<()> {
    let api = Arc::new(Api::start(ledger).await?);
    let client = ledger.database.connect().await?;
    let rows = client
        .query(
            "select account_id from accounts_v1 order by account_id",
            &[],
        )
        .await?;
    let accounts: Vec<AccountId> = rows
        .iter()
        .map(|row| AccountId::from_uuid(row.get("account_id")))
        .collect();
    let mut callers = JoinSet::new();
    for part in accounts.chunks(accounts.len().div_ceil(CALLERS)) {
        let (api, part) = (Arc::clone(&api), part.to_vec());
        callers.spawn(async move {
            for account in part {
                for question in QUESTIONS {
                    api.ask(&format!("/accounts/{account}/{question}")).await?;
                }
            }
            anyhow::Ok(())
        });
    }
    while let Some(called) = callers.join_next().await {
        called??;
    }
    Arc::into_inner(api).context("nobody asks")?.stop().await
}

/// Forgets the peak so far.
fn reset() -> anyhow::Result<()> {
    Ok(std::fs::write("/proc/self/clear_refs", "5")?)
}

fn peak() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .context("VmHWM")?;
    let kib: f64 = line
        .split_whitespace()
        .nth(1)
        .context("a number")?
        .parse()?;
    Ok(kib / 1024.0)
}
