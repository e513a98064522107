//! Nodes: stopping and coming back, who leads, who dies and how.

use super::{append, append_in_haste, client, contents, named, next, read_all, until_live};
use anyhow::Result;
use eventstore::{Error, ReadAllOptions, StreamState, SubscribeToAllOptions};
use std::time::Duration;
use tests::standin::Setup;
use tests::{StandIn, StandInCluster};
use tokio::net::TcpListener;

use StreamState::{NoStream, StreamRevision};

#[tokio::test]
async fn a_restart_keeps_port_and_log_and_cuts_what_was_open() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    append(&client, "s", NoStream, &["a"]).await?;
    let all = SubscribeToAllOptions::default();
    let mut subscription = client.subscribe_to_all(&all).await;
    until_live(&mut subscription).await?;

    stand_in.stop().await;
    let cut = next(&mut subscription).await;
    assert!(matches!(cut, Err(Error::ServerError(_))), "{cut:?}");
    let endpoint = stand_in.endpoint();
    let address = (endpoint.host.as_str(), endpoint.port);
    // The port is free.
    drop(TcpListener::bind(address).await?);
    let refused = append(&client, "s", StreamRevision(0), &["b"]).await;
    assert!(refused.is_err(), "{refused:?}");

    stand_in.restart().await?;
    let client = super::client(&stand_in.url())?;
    append(&client, "s", StreamRevision(0), &["b"]).await?;
    let read = read_all(&client, ReadAllOptions::default()).await?;
    assert_eq!(contents(&read), ["a", "b"]);
    Ok(())
}

#[tokio::test]
async fn dropping_a_stand_in_frees_its_port() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let endpoint = stand_in.endpoint();
    drop(stand_in);
    let address = (endpoint.host.as_str(), endpoint.port);
    while TcpListener::bind(address).await.is_err() {
        tokio::task::yield_now().await;
    }
    Ok(())
}

#[tokio::test]
async fn a_silent_server_never_answers() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    append(&client, "s", NoStream, &["a"]).await?;
    stand_in.fall_silent();
    // Nobody enforces the deadline but the server, which says nothing.
    let patience = Duration::from_millis(800);
    let answer = tokio::time::timeout(patience, append_in_haste(&client, "t", "b")).await;
    assert!(answer.is_err(), "{answer:?}");
    stand_in.restart().await?;
    let client = super::client(&stand_in.url())?;
    append(&client, "s", StreamRevision(0), &["b"]).await?;
    assert_eq!(stand_in.events().len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_server_with_users_wants_to_know_who_calls() -> Result<()> {
    let credentials = Some(("admin".to_owned(), "changeit".to_owned()));
    let setup = Setup {
        credentials,
        ..Setup::default()
    };
    let stand_in = StandIn::start_with(setup).await?;
    let right = stand_in.url();
    append(&client(&right)?, "s", NoStream, &["a"]).await?;
    for wrong in ["admin:wrong@", ""] {
        let client = client(&right.replace("admin:changeit@", wrong))?;
        let refused = append(&client, "s", StreamRevision(0), &["b"]).await;
        assert!(matches!(refused, Err(Error::AccessDenied)), "{refused:?}");
        let refused = read_all(&client, ReadAllOptions::default()).await;
        assert!(matches!(refused, Err(Error::AccessDenied)), "{refused:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_follower_names_the_leader() -> Result<()> {
    let cluster = StandInCluster::start(3).await?;
    let follower = cluster.endpoint(1);
    let client = client(&format!(
        "esdb://{}:{}?tls=false",
        follower.host, follower.port
    ))?;
    match append(&client, "s", NoStream, &["a"]).await {
        Err(Error::NotLeaderException(leader)) => {
            assert_eq!(leader.port, u32::from(cluster.endpoint(0).port));
        }
        other => panic!("{other:?}"),
    }
    // The client goes there by itself.
    append(&client, "s", NoStream, &["a"]).await?;
    assert_eq!(cluster.counts(0).committed, 1);

    // Whoever does not insist on the leader is served by the follower, over the same log.
    let url = format!(
        "esdb://{}:{}?tls=false&nodePreference=follower",
        follower.host, follower.port
    );
    let easy = super::client(&url)?;
    append(&easy, "s", StreamRevision(0), &["b"]).await?;
    assert_eq!(cluster.counts(1).committed, 1);
    let read = read_all(&easy, ReadAllOptions::default()).await?;
    assert_eq!(contents(&read), ["a", "b"]);
    Ok(())
}

#[tokio::test]
async fn a_cluster_outlives_its_leader() -> Result<()> {
    let cluster = StandInCluster::start(3).await?;
    let first = client(&cluster.url())?;
    append(&first, "s", NoStream, &["a"]).await?;
    let mut subscription = first
        .subscribe_to_all(&SubscribeToAllOptions::default())
        .await;
    until_live(&mut subscription).await?;

    cluster.kill(0).await;
    assert_eq!(cluster.leader(), None);
    let cut = next(&mut subscription).await;
    assert!(matches!(cut, Err(Error::ServerError(_))), "{cut:?}");
    let dead = append(&first, "s", StreamRevision(0), &["b"]).await;
    assert!(dead.is_err(), "{dead:?}");
    // Nobody leads yet: the two that are left take no appends.
    let waiting = client(&cluster.url())?;
    let refused = append(&waiting, "s", StreamRevision(0), &["b"]).await;
    assert!(matches!(refused, Err(Error::ServerError(_))), "{refused:?}");

    cluster.elect(1);
    let second = client(&cluster.url())?;
    append(&second, "s", StreamRevision(0), &["b"]).await?;
    // What the old leader took is a repetition for the new one.
    append(&second, "s", NoStream, &["a"]).await?;
    assert_eq!(cluster.events().len(), 2);
    assert_eq!(cluster.counts(1).committed, 2);

    // The old leader comes back as a follower.
    cluster.restart(0).await?;
    let endpoint = cluster.endpoint(0);
    let old = client(&format!(
        "esdb://{}:{}?tls=false",
        endpoint.host, endpoint.port
    ))?;
    let refused = append(&old, "s", StreamRevision(1), &["c"]).await;
    assert!(
        matches!(refused, Err(Error::NotLeaderException(_))),
        "{refused:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_leader_whose_machine_is_gone_holds_its_clients() -> Result<()> {
    let cluster = StandInCluster::start(3).await?;
    let url = format!("{}&gossipTimeout=500", cluster.url());
    let pinned = client(&url)?;
    append(&pinned, "s", NoStream, &["a"]).await?;
    cluster.kill_hard(0);
    let patience = Duration::from_millis(800);
    let held = tokio::time::timeout(patience, append_in_haste(&pinned, "t", "b")).await;
    assert!(held.is_err(), "{held:?}");
    cluster.elect(2);
    let rebuilt = client(&url)?;
    append(&rebuilt, "s", StreamRevision(0), &["b"]).await?;
    assert_eq!(cluster.counts(2).committed, 1);
    assert_eq!(cluster.events().len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_subscription_works_on_any_node() -> Result<()> {
    let cluster = StandInCluster::start(3).await?;
    let writer = client(&cluster.url())?;
    let reader = client(&format!("{}&nodePreference=follower", cluster.url()))?;
    let mut subscription = reader
        .subscribe_to_all(&SubscribeToAllOptions::default())
        .await;
    until_live(&mut subscription).await?;
    assert_eq!(cluster.counts(0).subscriptions, 0);
    append(&writer, "s", NoStream, &["a"]).await?;
    assert_eq!(next(&mut subscription).await?, named("a"));
    Ok(())
}
