//! A disk that is full: the tables of a read model are on a small one of their own.

use super::{AtWork, database_in};
use anyhow::Context;
use std::fs::File;
use std::io::Write;
use tests::{Cluster, TestLedger};
use tokio::task::block_in_place;

/// Takes all the space that is left.
fn fill(mut file: &File) {
    for size in [1 << 16, 1 << 12, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_waited_out() -> anyhow::Result<()> {
    let settings = [("fsync", "off"), ("max_connections", "200")];
    let cluster = block_in_place(|| Cluster::start_with(&settings))?;
    let disk = match block_in_place(|| cluster.small_disk("24m")) {
        Ok(disk) => disk,
        Err(reason) => {
            eprintln!("SKIPPED: a full disk cannot be made here: {reason}");
            return Ok(());
        }
    };
    let database = database_in(&cluster).await?;
    let client = database.connect().await?;
    let location = disk.to_str().context("UTF-8")?;
    client
        .batch_execute(&format!("create tablespace small location '{location}'"))
        .await?;
    let ledger = TestLedger::over(database).await?;
    for table in ["top_posts_v1", "top_posts_v1_history", "top_posts_v1_text"] {
        client
            .batch_execute(&format!("alter table {table} set tablespace small"))
            .await?;
    }
    // The next version's are made there.
    let url = format!(
        "{} options='-c default_tablespace=small'",
        ledger.database.url
    );
    let mut at_work = AtWork::begin(&ledger, &url).await?;
    let filler = disk.join("filler");
    block_in_place(|| anyhow::Ok(fill(&File::create(&filler)?)))?;
    at_work.append(&ledger).await?;
    at_work
        .until_both_say(&["tried again", "top_posts", "53100"])
        .await?;
    std::fs::remove_file(&filler)?;
    at_work.goes_on(&ledger).await
}
