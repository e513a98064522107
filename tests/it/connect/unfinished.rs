//! A log that is away between the vault and the event: what was stored is told once it is back.

use super::scene::{Scene, param};
use crate::doubles::ledger_over;
use adapters::clock::SystemClock;
use adapters::connect::Outcome;
use anyhow::{Context, ensure};
use async_trait::async_trait;
use commands::ports::{Append, AppendError, Appended, EventLog, ReadError};
use domain::{EventId, Platform, RecordedEvent, StreamName};
use serde_json::json;
use std::collections::HashSet;
use std::sync::Arc;

/// A log that takes nothing.
struct Away(Arc<dyn EventLog>);

#[async_trait]
impl EventLog for Away {
    async fn append(&self, _: Append) -> Result<Appended, AppendError> {
        Err(AppendError::Unavailable("for a test".to_owned()))
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        from_revision: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        self.0.read_stream(stream, from_revision, limit).await
    }

    async fn recorded(
        &self,
        stream: &StreamName,
        ids: &[EventId],
    ) -> Result<HashSet<EventId>, ReadError> {
        self.0.recorded(stream, ids).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_the_log_missed_is_told_once() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    scene.prepare_youtube("UCcafe");
    let log: Arc<dyn EventLog> = Arc::new(Away(Arc::clone(&scene.ledger.log) as Arc<_>));
    let away = Arc::new(ledger_over(&scene.ledger, log));
    let clock = Arc::new(SystemClock);
    let killed = scene.connections(away, clock.clone())?;
    let url = scene
        .start("youtube", json!({"consent_version": "1"}))
        .await?;
    let query = format!("code=c0de&state={}", param(&url, "state")?);
    let finished = killed.finish(Platform::Youtube, query).await;
    let Outcome::Finishing { accounts } = finished.outcome else {
        anyhow::bail!("{finished:?}");
    };
    let account = accounts.first().context("an account")?;
    ensure!(scene.events(&account.to_string()).await?.is_empty());
    let store = super::another(&scene.ledger).await?;
    ensure!(
        store.connection(*account).await?.is_some(),
        "the tokens are kept"
    );

    let one = scene.connections(Arc::clone(&scene.ledger.ledger), clock.clone())?;
    let two = scene.connections(Arc::new(crate::doubles::cold_ledger(&scene.ledger)), clock)?;
    let (one_done, two_done) = tokio::join!(one.converge(), two.converge());
    ensure!(one_done? + two_done? >= 1);
    let events = scene.events(&account.to_string()).await?;
    ensure!(
        events.len() == 1 && events[0].0 == "AccountConnected",
        "{events:?}"
    );
    ensure!(one.converge().await? == 0, "and then there is nothing left");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ending_that_the_log_missed_is_told_and_wiped() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let account = &*scene.connected().await?;
    let log: Arc<dyn EventLog> = Arc::new(Away(Arc::clone(&scene.ledger.log) as Arc<_>));
    let away = Arc::new(ledger_over(&scene.ledger, log));
    let clock = Arc::new(SystemClock);
    let killed = scene.connections(away, clock.clone())?;
    let reason = domain::account::DisconnectReason::Requested;
    let context = tests::ledger::context();
    ensure!(
        killed
            .disconnect(account.parse()?, reason, context)
            .await
            .is_err()
    );
    ensure!(scene.events(account).await?.len() == 1);
    let back = scene.connections(Arc::clone(&scene.ledger.ledger), clock)?;
    ensure!(back.converge().await? == 1);
    let events = scene.events(account).await?;
    ensure!(
        events.len() == 2 && events[1].0 == "AccountDisconnected",
        "{events:?}"
    );
    scene.ensure_no_grant().await?;
    ensure!(scene.fake.seen("oauth2.googleapis.com/revoke").len() == 1);
    Ok(())
}
