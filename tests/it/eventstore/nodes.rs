//! Servers that are not there yet, go away, come back, or no longer lead.

use super::scene::{append, events, ids, ids_of, new_stream, open, until_acknowledged};
use anyhow::Context;
use commands::ports::{Append, AppendError, EventLog, ExpectedRevision};
use domain::{EventId, StreamName};
use projections::feed::EventFeed;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tests::standin::{Lost, StandIn, StandInCluster, Written};
use tokio::task::JoinSet;

const WRITERS: usize = 8;
const APPENDS: usize = 40;

/// The client that asked too early answers nothing but that it is closed, for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_opened_before_its_server_is_there() -> anyhow::Result<()> {
    let server = StandIn::start().await?;
    let log = open(&server.url())?;
    server.stop().await;
    let stream = new_stream();
    let early = tokio::spawn({
        let (log, append) = (Arc::clone(&log), append(&stream, None, 2));
        async move { log.append(append).await }
    });
    let head = tokio::spawn({
        let log = Arc::clone(&log);
        async move { log.head().await }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!early.is_finished(), "it waits");
    server.restart().await?;
    assert_eq!(early.await??.last_revision, 1);
    head.await??;
    assert_eq!(ids_of(&*log, &stream).await?.len(), 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_comes_is_said_to_be_away() -> anyhow::Result<()> {
    let server = StandIn::start().await?;
    let url = super::scene::quick(&server.url()).parse()?;
    server.stop().await;
    let log = adapters::eventstore::EventStoreLog::with_patience(url, Duration::from_millis(300));
    let outcome = log.append(append(&new_stream(), None, 1)).await;
    assert!(
        matches!(outcome, Err(AppendError::Unavailable(_))),
        "{outcome:?}"
    );
    assert!(log.head().await.is_err());
    Ok(())
}

/// Appends to streams of its own, each until it is acknowledged; gives what was acknowledged.
async fn storm(
    log: Arc<dyn EventLog>,
    stream: StreamName,
) -> anyhow::Result<(StreamName, Vec<EventId>)> {
    let (mut expected, mut acknowledged) = (ExpectedRevision::NoStream, vec![]);
    for n in 0..APPENDS {
        let append = Append {
            stream: stream.clone(),
            expected,
            events: events(1 + n % 3),
        };
        let (appended, _) = until_acknowledged(&*log, &append).await?;
        acknowledged.extend(ids(&append));
        assert_eq!(appended.last_revision + 1, acknowledged.len() as u64);
        expected = ExpectedRevision::Exact(appended.last_revision);
    }
    Ok((stream, acknowledged))
}

fn storms(log: &Arc<dyn EventLog>) -> JoinSet<anyhow::Result<(StreamName, Vec<EventId>)>> {
    let mut storms = JoinSet::new();
    for _ in 0..WRITERS {
        storms.spawn(storm(Arc::clone(log), new_stream()));
    }
    storms
}

/// Every acknowledged event is in the log once, in its order.
async fn ensure_once(
    mut storms: JoinSet<anyhow::Result<(StreamName, Vec<EventId>)>>,
    events: impl Fn() -> Vec<tests::standin::Stored>,
) -> anyhow::Result<()> {
    let mut acknowledged = HashMap::new();
    while let Some(done) = storms.join_next().await {
        let (stream, ids) = done??;
        acknowledged.insert(stream.as_str().to_owned(), ids);
    }
    let mut found: HashMap<String, Vec<EventId>> = HashMap::new();
    for event in events() {
        if event.stream.starts_with(StreamName::ACCOUNT_PREFIX) {
            let ids = found.entry(event.stream.to_string()).or_default();
            ids.push(EventId::from_uuid(event.id));
        }
    }
    assert_eq!(found, acknowledged);
    Ok(())
}

/// The client stays with a node that died for as long as it lives; a new one asks the others.
#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_dies_for_good_is_left() -> anyhow::Result<()> {
    for hard in [false, true] {
        let cluster = StandInCluster::start(3).await?;
        let log: Arc<dyn EventLog> = open(&cluster.url())?;
        let storms = storms(&log);
        cluster
            .faults(0)
            .lose_answers
            .after(30, 2, Lost::Connection);
        cluster.faults(0).lose_answers.wait_fired(1).await;
        match hard {
            // Its machine is gone: connections stay open, and nothing is ever heard again.
            true => cluster.kill_hard(0),
            false => cluster.kill(0).await,
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        cluster.elect(1);
        ensure_once(storms, || cluster.events()).await?;
        assert!(cluster.counts(1).committed > 0, "the others took over");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_dies_on_an_append_loses_and_doubles_nothing() -> anyhow::Result<()> {
    for written in [Written::Yes, Written::No] {
        let cluster = StandInCluster::start(3).await?;
        let log: Arc<dyn EventLog> = open(&cluster.url())?;
        cluster.faults(0).die_on_append.after(50, 1, written);
        let storms = storms(&log);
        cluster.faults(0).die_on_append.wait_fired(1).await;
        cluster.elect(2);
        ensure_once(storms, || cluster.events()).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_server_restarts_in_the_middle_of_a_storm() -> anyhow::Result<()> {
    let server = StandIn::start().await?;
    let log: Arc<dyn EventLog> = open(&server.url())?;
    let storms = storms(&log);
    for _ in 0..3 {
        let enough = (server.counts().committed + 20).min((WRITERS * APPENDS) as u64);
        while server.counts().committed < enough {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        server.stop().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        server.restart().await?;
    }
    ensure_once(storms, || server.events()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn another_leader_is_followed() -> anyhow::Result<()> {
    let cluster = StandInCluster::start(3).await?;
    let log = open(&cluster.url())?;
    let stream = new_stream();
    log.append(append(&stream, None, 1)).await?;
    for (revision, leader) in [(0, 1), (1, 2), (2, 0)] {
        cluster.elect(leader);
        let before = cluster.counts(leader).committed;
        let appended = log.append(append(&stream, Some(revision), 1)).await?;
        assert_eq!(appended.last_revision, revision + 1);
        assert_eq!(cluster.counts(leader).committed, before + 1);
    }
    // Nothing was wrong with the client: it was told where to go.
    assert_eq!(log.connections_built(), 1);
    Ok(())
}

/// A node that names a leader which is gone too: the client is done for, ours is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_named_and_gone_is_left_too() -> anyhow::Result<()> {
    let cluster = StandInCluster::start(3).await?;
    let log = open(&cluster.url())?;
    let stream = new_stream();
    log.append(append(&stream, None, 1)).await?;
    cluster.kill(2).await;
    let gone = cluster.endpoint(2);
    cluster.faults(0).not_leader.next(1, gone);
    let (appended, _) = until_acknowledged(&*log, &append(&stream, Some(0), 1)).await?;
    assert_eq!(appended.last_revision, 1);
    assert!(log.connections_built() > 1, "a new client was needed");
    Ok(())
}

/// Reads are asked again, whatever breaks on the way.
#[tokio::test(flavor = "multi_thread")]
async fn reads_survive_a_server_that_fails_them() -> anyhow::Result<()> {
    let server = StandIn::start().await?;
    let log = open(&server.url())?;
    let stream = new_stream();
    let append = append(&stream, None, 50);
    log.append(append.clone()).await?;
    server.faults().break_reads.next(2, 20);
    assert_eq!(ids_of(&*log, &stream).await?, ids(&append));
    server.faults().refuse_reads.next(2, ());
    let all = log.read_all(None, 1_000).await?;
    assert_eq!(all.len(), 50);
    server.faults().refuse_reads.next(2, ());
    let last = all.last().context("events")?.position;
    assert_eq!(log.head().await?, Some(last));
    Ok(())
}

/// Every process gives a log the same name, whoever drew it.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_has_one_name() -> anyhow::Result<()> {
    let server = StandIn::start().await?;
    let mut openings = JoinSet::new();
    for _ in 0..8 {
        let log = open(&server.url())?;
        openings.spawn(async move { log.log_id().await });
    }
    let mut names = vec![];
    while let Some(name) = openings.join_next().await {
        names.push(name??);
    }
    names.dedup();
    assert_eq!(names.len(), 1);
    server.restart().await?;
    assert_eq!(open(&server.url())?.log_id().await?, names[0]);
    let other = StandIn::start().await?;
    assert_ne!(open(&other.url())?.log_id().await?, names[0]);
    Ok(())
}
