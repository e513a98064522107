//! Read models rebuilt beside the live ones from an event store, whose positions have gaps and lie
//! beyond the last event.

use super::scene::{Scene, open};
use crate::histories::{followers, import, minute};
use anyhow::ensure;
use commands::ports::{EventLog, Vault};
use domain::Platform;
use projections::admin::{AdminError, State};
use projections::feed::EventFeed;
use projections::{Administration, registry};
use std::sync::Arc;
use tests::ledger::{context, profile};
use tests::standin::StandIn;
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn a_read_model_is_rebuilt_and_switched_beside_the_live_one() -> anyhow::Result<()> {
    let (scene, server) = (Scene::new().await?, StandIn::start().await?);
    let log = open(&server.url())?;
    let ledger = scene.ledger(
        Arc::clone(&log) as Arc<dyn EventLog>,
        "2026-03-02T00:00:00Z",
    );
    let mut accounts = vec![];
    for number in 0..6 {
        let id = number.to_string();
        let creator = "creator".parse()?;
        let account = scene
            .vault
            .find_or_create(&creator, Platform::Youtube, &id)
            .await?;
        let opening = import("creator", Platform::Youtube, profile(minute(0), &id))?;
        ledger.execute(account, opening, &context()).await?;
        accounts.push(account);
    }
    let observe = async |from: i64, to: i64| {
        for n in from..to {
            for account in &accounts {
                ledger
                    .execute(*account, followers(n, 10 + n), &context())
                    .await?;
            }
        }
        anyhow::Ok(())
    };
    observe(1, 12).await?;
    let feed = Arc::clone(&log) as Arc<dyn EventFeed>;
    let engine = scene.engine(Arc::clone(&feed));
    let cancel = CancellationToken::new();
    engine.catch_up(&cancel, |_| {}).await?;
    let database = Arc::new(scene.database.endpoint.clone());
    let administration = Administration::new(Arc::clone(&feed), database, registry());
    let name = "follower_trends";
    let rebuild = administration.begin_rebuild(name).await?;
    ensure!(rebuild.run(None, &cancel, |_| {}).await?);
    let diff = administration.diff(name, None).await?;
    ensure!(diff.same && diff.tables[0].rows_here == 66, "{diff:?}");

    // The live one goes on alone; what it has seen is more than the other one.
    let client = scene.database.connect().await?;
    let hold =
        |held: &str| format!("update projection_versions set filled_at = {held} where version = 2");
    client.batch_execute(&hold("null")).await?;
    observe(12, 14).await?;
    engine.catch_up(&cancel, |_| {}).await?;
    client.batch_execute(&hold("now()")).await?;
    let listed = administration.list().await?;
    let mut beside = listed
        .iter()
        .filter(|one| one.name == name && one.version == 2);
    let beside = beside.next().expect("it is listed");
    assert_eq!((beside.state, beside.lag_events), (State::Ready, Some(12)));
    ensure!(
        beside.lag_seconds.is_some_and(|seconds| seconds > 0.0),
        "{beside:?}"
    );
    let behind = administration.switch(name, None).await;
    ensure!(
        matches!(behind, Err(AdminError::Behind { .. })),
        "{behind:?}"
    );
    let diff = administration.diff(name, None).await?;
    ensure!(diff.same && diff.accounts_in_motion == 6, "{diff:?}");

    engine.catch_up(&cancel, |_| {}).await?;
    // The live one has also looked at what lies beyond the last event.
    client
        .batch_execute(
            "update projection_checkpoints
             set commit_position = commit_position + 500, prepare_position = prepare_position + 500
             where name = 'follower_trends' and version = 1",
        )
        .await?;
    assert_eq!(administration.switch(name, None).await?.to, 2);
    assert_eq!(administration.rollback(name).await?.to, 1);
    let diff = administration.diff(name, None).await?;
    ensure!(diff.same && diff.tables[0].rows_there == 78, "{diff:?}");
    Ok(())
}
