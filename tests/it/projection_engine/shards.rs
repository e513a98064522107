//! Shards: what each has taken is kept apart, and rankings are made when all are at the head.

use super::{assert_at_head, dump, erase, filled_dump};
use crate::histories::random_history;
use projections::ProjectionError;
use projections::engine::EngineError;
use tests::TestLedger;
use tests::rng::{Rng, seed};
use tokio_postgres::Client;

async fn rankings(client: &Client) -> anyhow::Result<i64> {
    let row = client
        .query_one(
            "select count(*) as rankings
             from pg_indexes
             where indexname in ('top_posts_v1_by_views', 'top_posts_v1_by_er_views')",
            &[],
        )
        .await?;
    Ok(row.get("rankings"))
}

#[tokio::test(flavor = "multi_thread")]
async fn rankings_are_made_when_a_new_model_reaches_the_head() -> anyhow::Result<()> {
    let seed = seed(0x5a4d);
    eprintln!("seed {seed}");
    let ledger = TestLedger::create().await?;
    let client = ledger.database.connect().await?;
    random_history(&ledger, &mut Rng::new(seed), 100).await?;
    assert_eq!(rankings(&client).await?, 0);
    ledger.catch_up().await?;
    assert_eq!(rankings(&client).await?, 2);
    // Once made they stay, and the model goes on with them.
    random_history(&ledger, &mut Rng::new(seed + 1), 100).await?;
    ledger.catch_up().await?;
    assert_eq!(rankings(&client).await?, 2);
    assert_at_head(&ledger, &client).await
}

/// Tables that were filled before there were shards are gone on with where they stand.
#[tokio::test(flavor = "multi_thread")]
async fn a_model_without_shards_is_split_where_it_stands() -> anyhow::Result<()> {
    let seed = seed(0x5b17);
    eprintln!("seed {seed}");
    let ledger = TestLedger::create().await?;
    let client = ledger.database.connect().await?;
    random_history(&ledger, &mut Rng::new(seed), 200).await?;
    ledger.catch_up().await?;
    let shards = "select count(*) as shards from projection_checkpoints where name = 'top_posts'";
    let before: i64 = client.query_one(shards, &[]).await?.get("shards");
    let erased = "delete from projection_checkpoints where shard > 0";
    assert!(client.execute(erased, &[]).await? > 0);
    random_history(&ledger, &mut Rng::new(seed + 1), 200).await?;
    ledger.engine.install().await?;
    let after: i64 = client.query_one(shards, &[]).await?.get("shards");
    assert_eq!(after, before);
    ledger.catch_up().await?;
    let split = filled_dump(&client).await?;
    erase(&client).await?;
    ledger.catch_up().await?;
    assert_eq!(dump(&client).await?, split);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_in_more_shards_than_the_program_knows_is_refused() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let client = ledger.database.connect().await?;
    client
        .batch_execute(
            "insert into projection_checkpoints
                 (name, version, shard, log_id, commit_position, prepare_position)
             select name, version, 1, log_id, commit_position, prepare_position
             from projection_checkpoints
             where name = 'accounts'",
        )
        .await?;
    let refused = ledger.engine.install().await;
    let Err(EngineError::Projection { name, source }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(name, "accounts");
    assert!(matches!(
        source,
        ProjectionError::Shards { held: 2, shards: 1 }
    ));
    Ok(())
}
