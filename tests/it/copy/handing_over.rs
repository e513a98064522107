//! What a database keeps about a log goes on with its copy: read models without a rebuild, the
//! audit's notes, and nothing of it for whoever still holds on to the old log.

use super::scene::{copy, events, eventstore, held, ledger, postgres, side};
use crate::doubles::states;
use crate::histories::{followers, random_history};
use adapters::audit::watch::{Settings, Watch};
use adapters::audit::{Auditor, Checkpoint};
use adapters::clock::SystemClock;
use adapters::copy::hand_over::{Kept, hand_over};
use adapters::copy::{Copied, Side};
use anyhow::{Context, ensure};
use commands::Ledger;
use commands::ports::{Clock, Vault};
use domain::AccountId;
use projections::Engine;
use projections::engine::{EngineError, HandedOver, checkpoints};
use std::sync::Arc;
use std::time::Duration;
use tests::ledger::context;
use tests::rng::Rng;
use tests::{StandIn, TestLedger};
use tokio_util::sync::CancellationToken;

fn engine(ledger: &TestLedger, side: &Side) -> Engine {
    let database = Arc::new(ledger.database.endpoint.clone());
    Engine::new(Arc::clone(&side.feed), database, projections::registry())
}

/// A write side over another log than the test's own, as a program has it after the switch.
fn writer(ledger: &TestLedger, side: &Side) -> Ledger {
    let vault = Arc::clone(&ledger.vault) as Arc<dyn Vault>;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Ledger::new(Arc::clone(&side.log), vault, clock, states(ledger))
}

/// How many events an engine reads until it is at the head.
async fn catch_up(engine: &Engine) -> anyhow::Result<u64> {
    Ok(engine
        .catch_up(&CancellationToken::new(), |_| {})
        .await?
        .events)
}

/// Every row of every read model.
async fn answers(ledger: &TestLedger) -> anyhow::Result<Vec<String>> {
    let client = ledger.database.connect().await?;
    let tables = client
        .query(
            "select table_name::text as name
             from information_schema.tables
             where table_schema = 'public' and table_name ~ '_v[0-9]+'
             order by 1",
            &[],
        )
        .await?;
    ensure!(tables.len() >= 4, "{} tables", tables.len());
    let mut rows = vec![];
    for table in tables {
        let table: &str = table.get("name");
        let sql = format!("select '{table} ' || t::text as whole from {table} t order by 1");
        let found = client.query(&sql, &[]).await?;
        rows.extend(found.iter().map(|row| row.get::<_, String>("whole")));
    }
    Ok(rows)
}

async fn account(side: &Side) -> anyhow::Result<AccountId> {
    let events = events(&*side.feed).await?;
    let first = events.first().context("an event")?;
    first.stream.account().context("an account")
}

async fn copied(ledger: &TestLedger, from: &Side, to: &Side) -> anyhow::Result<(Copied, Kept)> {
    let copied = copy(from, to).await?;
    let kept = hand_over(&ledger.pool, &copied).await?;
    Ok((copied, kept))
}

#[tokio::test(flavor = "multi_thread")]
async fn read_models_go_on_there_and_back_without_a_rebuild() -> anyhow::Result<()> {
    let (ledger, store) = (ledger(20, 300).await?, StandIn::start().await?);
    let (first, second) = (side(&ledger.log), side(&eventstore(&store.url())?));
    ledger.catch_up().await?;
    let before = answers(&ledger).await?;
    let (there, kept) = copied(&ledger, &first, &second).await?;
    ensure!(kept.models == HandedOver::Moved, "{kept:?}");
    for checkpoint in checkpoints(&ledger.database.connect().await?).await? {
        ensure!(checkpoint.log == there.to.log, "{checkpoint:?}");
        ensure!(checkpoint.position == there.to.position(), "{checkpoint:?}");
    }
    let new = engine(&ledger, &second);
    new.ensure_log().await?;
    ensure!(catch_up(&new).await? == 0, "nothing is read again");
    ensure!(
        answers(&ledger).await? == before,
        "the answers are the same"
    );
    // Whoever still projects or writes from the old one is told.
    let old = engine(&ledger, &first);
    for refused in [
        old.ensure_log().await,
        old.follow(&CancellationToken::new()).await,
    ] {
        ensure!(
            matches!(refused, Err(EngineError::ForeignCheckpoint(_))),
            "{refused:?}"
        );
    }
    // The ledger goes on, with the states that it kept.
    let account = account(&first).await?;
    let writer = writer(&ledger, &second);
    for n in 1..6 {
        let intent = followers(90_000 + n, n);
        let outcome = writer.execute(account, intent, &context()).await?;
        ensure!(outcome.events == 1, "{n}");
    }
    ensure!(catch_up(&new).await? == 5, "only what was added is read");
    let shown = answers(&ledger).await?;
    ensure!(shown.len() > before.len(), "and it shows");
    // And back, behind what the first log still holds.
    let (back, kept) = copied(&ledger, &second, &first).await?;
    ensure!((back.appended, kept.models) == (5, HandedOver::Moved));
    let old = engine(&ledger, &first);
    ensure!(catch_up(&old).await? == 0, "nothing is read again");
    ensure!(answers(&ledger).await? == shown);
    random_history(&ledger, &mut Rng::new(21), 30).await?;
    ensure!(catch_up(&old).await? > 0);
    crate::fold::assert_read_models_equal_the_log(&ledger.database.connect().await?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn read_models_that_are_behind_stay_and_are_named() -> anyhow::Result<()> {
    let (ledger, store) = (ledger(22, 60).await?, StandIn::start().await?);
    let (first, second) = (side(&ledger.log), side(&eventstore(&store.url())?));
    ledger.catch_up().await?;
    // One shard of one of them is an event behind.
    let client = ledger.database.connect().await?;
    client
        .batch_execute(
            "update projection_checkpoints
             set commit_position = commit_position - 1, prepare_position = prepare_position - 1
             where name = 'top_posts' and shard = 2",
        )
        .await?;
    let before = checkpoints(&client).await?;
    let (done, kept) = copied(&ledger, &first, &second).await?;
    ensure!(
        kept.models == HandedOver::Behind(vec!["top_posts"]) && !kept.audit,
        "{kept:?}"
    );
    for (before, after) in before.iter().zip(checkpoints(&client).await?) {
        ensure!((before.log, before.position) == (after.log, after.position));
    }
    // The copy is whole; projected and run again, it lets them go on.
    ensure!(held(&*first.feed).await? == held(&*second.feed).await?);
    ledger.catch_up().await?;
    let (again, kept) = copied(&ledger, &first, &second).await?;
    ensure!((again.events, again.appended) == (done.events, 0));
    ensure!(kept.models == HandedOver::Moved, "{kept:?}");
    let (_, kept) = copied(&ledger, &first, &second).await?;
    ensure!(kept.models == HandedOver::Already, "{kept:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn read_models_of_a_third_log_are_left_alone() -> anyhow::Result<()> {
    let (ledger, store) = (ledger(23, 30).await?, StandIn::start().await?);
    let other = tests::TestDatabase::create().await?;
    let (first, second) = (side(&ledger.log), side(&eventstore(&store.url())?));
    let third = side(&postgres(&other).await?);
    copy(&first, &second).await?;
    let (_, kept) = copied(&ledger, &second, &third).await?;
    let HandedOver::Elsewhere(models) = kept.models else {
        anyhow::bail!("{kept:?}");
    };
    ensure!(models.len() == 4, "{models:?}");
    ledger.catch_up().await
}

/// A projector that runs on over the old log, and somebody who writes there: neither reaches the
/// read models any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_projector_of_the_old_log_breaks_nothing() -> anyhow::Result<()> {
    let (ledger, store) = (ledger(24, 60).await?, StandIn::start().await?);
    let (first, second) = (side(&ledger.log), side(&eventstore(&store.url())?));
    ledger.catch_up().await?;
    let stale = engine(&ledger, &first);
    let cancel = CancellationToken::new();
    let following = tokio::spawn(async move { stale.follow(&cancel).await });
    let (_, kept) = copied(&ledger, &first, &second).await?;
    ensure!(kept.models == HandedOver::Moved, "{kept:?}");
    let shown = answers(&ledger).await?;
    let account = account(&first).await?;
    ledger
        .ledger
        .execute(account, followers(90_000, 1), &context())
        .await?;
    let ended = tokio::time::timeout(Duration::from_secs(60), following).await??;
    ensure!(
        matches!(ended, Err(EngineError::ForeignCheckpoint(_))),
        "{ended:?}"
    );
    ensure!(answers(&ledger).await? == shown, "it changed nothing");
    ensure!(catch_up(&engine(&ledger, &second)).await? == 0);
    Ok(())
}

/// What was noted and signed of the source holds for the copy.
#[tokio::test(flavor = "multi_thread")]
async fn the_audit_goes_on_at_the_end_of_the_copy() -> anyhow::Result<()> {
    let (ledger, store) = (ledger(25, 200).await?, StandIn::start().await?);
    let (first, second) = (side(&ledger.log), side(&eventstore(&store.url())?));
    let folder = tempfile::tempdir()?;
    let auditor = |side: &Side| -> anyhow::Result<Auditor> {
        Ok(Auditor {
            log: Arc::clone(&side.log),
            feed: Arc::clone(&side.feed),
            ..ledger.auditor()?
        })
    };
    let watch = |side: &Side| -> anyhow::Result<Watch> {
        let settings = Settings {
            every_events: u64::MAX,
            every: Duration::from_secs(3_600),
            folder: folder.path().to_owned(),
        };
        Ok(Watch::new(auditor(side)?, Arc::new(SystemClock), settings))
    };
    ledger.catch_up().await?;
    watch(&first)?.catch_up().await?;
    let signed = watch(&first)?.checkpoint().await?;
    let (done, kept) = copied(&ledger, &first, &second).await?;
    ensure!(kept.audit, "{kept:?}");
    ensure!(
        watch(&second)?.catch_up().await? == 0,
        "nothing is read again"
    );
    let checkpoint = Arc::new(Checkpoint::read(&signed.path)?);
    let report = auditor(&second)?
        .verify_all(Some(checkpoint), Arc::default())
        .await?;
    ensure!(report.holds && report.noted, "{}", report.sentence);
    ensure!(report.covered == done.events, "{}", report.sentence);
    // The next one states the same root, of the other log.
    let next = watch(&second)?.checkpoint().await?.statement;
    ensure!(next.root == signed.statement.root, "{next:?}");
    ensure!(next.events == done.events && next.log == done.to.log);
    // A second time there is nothing to carry, and it still goes on.
    let (_, kept) = copied(&ledger, &first, &second).await?;
    ensure!(kept.audit, "{kept:?}");
    // Whoever did not follow the source to its end begins anew, and notes the same.
    let writer = writer(&ledger, &second);
    let account = account(&first).await?;
    writer
        .execute(account, followers(90_001, 2), &context())
        .await?;
    engine(&ledger, &second)
        .catch_up(&CancellationToken::new(), |_| {})
        .await?;
    let (_, kept) = copied(&ledger, &second, &first).await?;
    ensure!(!kept.audit && kept.models == HandedOver::Moved, "{kept:?}");
    ensure!(watch(&first)?.catch_up().await? == 1, "only what was added");
    let report = auditor(&first)?.verify_all(None, Arc::default()).await?;
    ensure!(report.holds && report.noted, "{}", report.sentence);
    Ok(())
}
