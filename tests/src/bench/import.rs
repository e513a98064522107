//! Import of generated observations, projected and queryable at the end; and the projector alone
//! against Postgres copying the same log out and the same rows in.

use crate::{generate, table::Table};
use adapters::import::mapping::Mapping;
use adapters::import::run::{Watch, run as import};
use adapters::import::source::Source;
use anyhow::ensure;
use std::sync::Arc;
use std::time::Instant;
use tests::{Cluster, TestDatabase, TestLedger};
use tokio_postgres::Client;

pub(crate) async fn run(cluster: &Cluster, size: usize, table: &mut Table) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let rows = generate::write(folder.path(), size)?;
    let database = TestDatabase::create_in(cluster).await?;
    adapters::postgres::migrate::migrate(&mut database.connect().await?).await?;
    let ledger = Arc::new(TestLedger::over(database).await?);

    let source = Source::open(
        Mapping::load(&folder.path().join("mapping.toml"))?,
        folder.path(),
    )?;
    let start = Instant::now();
    // The read models follow while the import runs, as they do beside a server.
    let following = {
        let ledger = Arc::clone(&ledger);
        let stop = tokio_util::sync::CancellationToken::new();
        let token = stop.clone();
        let task = tokio::spawn(async move { ledger.engine.follow(&token).await });
        (task, stop)
    };
    let rejects = folder.path().join("rejected.ndjson");
    let report = import(
        Arc::clone(&ledger.ledger),
        source,
        &rejects,
        Arc::new(Watch::default()),
    )
    .await?;
    let appended = start.elapsed().as_secs_f64();
    following.1.cancel();
    following.0.await??;
    ledger.catch_up().await?;
    let seconds = start.elapsed().as_secs_f64();
    ensure!(
        (report.rows_recorded + report.rows_unchanged) as usize == rows,
        "{report:?}"
    );
    eprintln!(
        "import: {rows} rows, appended after {appended:.1} s, projected after {seconds:.1} s"
    );
    let rate = rows as f64 / seconds;
    table.add(
        "import, projected and queryable",
        (vec![rate], vec![]),
        "rows/s",
        "30000",
    );
    catch_up(&ledger, table).await
}

/// The tables that the projector fills, with what makes each of them anew.
const MODELS: &[&str] = &[
    "accounts_v1",
    "follower_trends_v1",
    "sync_health_v1",
    "sync_health_v1_syncs",
    "top_posts_v1",
    "top_posts_v1_history",
    "top_posts_v1_text",
];

/// Projects the whole log again from the beginning, then lets Postgres copy the same bytes.
async fn catch_up(ledger: &TestLedger, table: &mut Table) -> anyhow::Result<()> {
    let client = ledger.database.connect().await?;
    let row = client
        .query_one("select position from log_head", &[])
        .await?;
    let events: i64 = row.get("position");
    let (mut ours, mut raw) = (vec![], vec![]);
    for _ in 0..crate::ROUNDS {
        raw.push(events as f64 / raw_copy(&client, MODELS).await?);
        // The tables are made anew, as for a read model that is filled for the first time.
        for model in MODELS {
            client.batch_execute(&format!("drop table {model}")).await?;
        }
        client
            .batch_execute("delete from projection_checkpoints; delete from projection_versions")
            .await?;
        ledger.engine.install().await?;
        let start = Instant::now();
        ledger.catch_up().await?;
        ours.push(events as f64 / start.elapsed().as_secs_f64());
    }
    table.add("projector catching up", (ours, raw), "events/s", "0.5");
    for name in ["follower_trends", "top_posts"] {
        rebuild(ledger, &client, name, events, table).await?;
    }
    Ok(())
}

/// Fills the next version of one read model beside the live one, then lets Postgres copy the log
/// and that model's rows.
async fn rebuild(
    ledger: &TestLedger,
    client: &Client,
    name: &'static str,
    events: i64,
    table: &mut Table,
) -> anyhow::Result<()> {
    let models: Vec<_> = MODELS
        .iter()
        .filter(|model| model.starts_with(name))
        .copied()
        .collect();
    let (mut ours, mut raw) = (vec![], vec![]);
    for _ in 0..crate::ROUNDS {
        raw.push(events as f64 / raw_copy(client, &models).await?);
        let administration = ledger.administration();
        let start = Instant::now();
        let rebuild = administration.begin_rebuild(name).await?;
        let cancel = tokio_util::sync::CancellationToken::new();
        ensure!(rebuild.run(None, &cancel, |_| {}).await?);
        ours.push(events as f64 / start.elapsed().as_secs_f64());
        let number = rebuild.version.number;
        drop(rebuild);
        let start = Instant::now();
        let diff = administration.diff(name, Some(number)).await?;
        let rows: i64 = diff.tables.iter().map(|table| table.rows_here).sum();
        ensure!(diff.same, "{diff:?}");
        eprintln!(
            "{name}: {rows} rows compared in {:.2} s",
            start.elapsed().as_secs_f64()
        );
        administration.drop_version(name, number).await?;
    }
    let what = match name {
        "top_posts" => "rebuild of top_posts",
        _ => "rebuild of follower_trends",
    };
    table.add(what, (ours, raw), "events/s", "1.0");
    Ok(())
}

/// The seconds that Postgres alone takes, one after the other, to copy the log out and the
/// finished rows in. Primary keys are there from the start and the rankings made last, as ours.
async fn raw_copy(client: &Client, models: &[&str]) -> anyhow::Result<f64> {
    let mut indexes = vec![];
    for model in models {
        client
            .batch_execute(&format!(
                "create table raw_{model} (like {model} including all);
                 copy {model} to '/tmp/{model}.bench' with (format binary)"
            ))
            .await?;
        let found = client
            .query(
                "select indexname, indexdef
                 from pg_indexes
                 where tablename = $1 and indexdef not like 'CREATE UNIQUE %'",
                &[&format!("raw_{model}")],
            )
            .await?;
        for index in found {
            let name: &str = index.get("indexname");
            client.batch_execute(&format!("drop index {name}")).await?;
            indexes.push(index.get::<_, String>("indexdef"));
        }
    }
    let start = Instant::now();
    client
        .batch_execute("copy log_events to '/dev/null'")
        .await?;
    for model in models {
        client
            .batch_execute(&format!(
                "copy raw_{model} from '/tmp/{model}.bench' with (format binary)"
            ))
            .await?;
    }
    for index in indexes {
        client.batch_execute(&index).await?;
    }
    let seconds = start.elapsed().as_secs_f64();
    for model in models {
        client
            .batch_execute(&format!("drop table raw_{model}"))
            .await?;
    }
    Ok(seconds)
}
