//! A stand-in for EventStoreDB/KurrentDB: a server that speaks the protocol over a log in memory
//! and goes wrong on demand.
//!
//! It keeps what an adapter relies on: expected revisions and repeated appends, places in the log,
//! reads and subscriptions with their filters and checkpoints, deletion and retention, the errors
//! with their trailers. Persistent subscriptions, batch appends, links and encryption are absent,
//! and it does not claim to have them.

#![expect(
    clippy::result_large_err,
    reason = "the error of a gRPC call is what it is, and none of ours is hot"
)]

mod append;
mod cluster;
mod faults;
mod filter;
mod line;
mod log;
mod members;
mod node;
mod pages;
mod read;
mod request;
mod retention;
mod service;
mod status;
mod subscription;
mod wire;
mod write;

pub use cluster::{Endpoint, StandInCluster};
pub use faults::{Faults, Lost, Switch, Written};
pub use log::Stored;

use node::Node;
use std::sync::Arc;

/// What a stand-in is told at its start.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The login and password that every call must carry; any call is welcome if `None`.
    pub credentials: Option<(String, String)>,
    /// Which server it plays.
    pub version: Version,
}

/// The servers that differ in what they send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// 24.6.0: going live is told without a place.
    #[default]
    V24,
    /// 25.1.0: going live and checkpoints are told with time and place.
    V25,
}

/// How often a node was called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that were opened.
    pub connections: u64,
    /// Appends that came in.
    pub appends: u64,
    /// Appends that wrote something or had been written before.
    pub committed: u64,
    /// Reads that were started.
    pub reads: u64,
    /// Subscriptions that were started.
    pub subscriptions: u64,
    /// Streams that were to be deleted.
    pub deletes: u64,
    /// Questions about the cluster.
    pub gossip: u64,
    /// Questions about the server's features.
    pub features: u64,
}

/// One server on a port of this machine, stopped when dropped.
pub struct StandIn {
    node: Arc<Node>,
}

impl StandIn {
    /// Starts one with an empty log on a free port.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(Setup::default()).await
    }

    /// The same with settings.
    pub async fn start_with(setup: Setup) -> anyhow::Result<Self> {
        let (_, nodes) = cluster::start_nodes(1, &setup).await?;
        let node = nodes.into_iter().next();
        let node = node.ok_or_else(|| anyhow::anyhow!("one was asked for, none came"))?;
        Ok(Self { node })
    }

    /// The connection string to it.
    pub fn url(&self) -> String {
        cluster::url([&self.endpoint()].into_iter(), &self.node.setup)
    }

    /// Where it listens.
    pub fn endpoint(&self) -> Endpoint {
        self.node.members.all()[0].endpoint.clone()
    }

    /// What may go wrong.
    pub fn faults(&self) -> &Faults {
        &self.node.faults
    }

    /// How often it was called.
    pub fn counts(&self) -> Counts {
        self.node.counters.snapshot()
    }

    /// Everything in the log, in its order.
    pub fn events(&self) -> Vec<Stored> {
        let state = self.node.log.read();
        state.all.iter().map(|event| (**event).clone()).collect()
    }

    /// Changes history behind the server's back: what is left in the list, with its revisions,
    /// places and identifiers, is the log from now on.
    pub fn tamper(&self, change: impl FnOnce(&mut Vec<Stored>)) {
        self.node.log.tamper(change);
    }

    /// Stops: connections break, the port is free, the log stays.
    pub async fn stop(&self) {
        self.node.die();
        self.node.ended().await;
    }

    /// Serves the same log on the same port again, after a stop if it has not been stopped.
    pub async fn restart(&self) -> anyhow::Result<()> {
        self.stop().await;
        self.node.serve_again().await
    }

    /// Neither hears nor answers from now on; a restart ends that.
    pub fn fall_silent(&self) {
        self.node.fall_silent();
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.node.end();
    }
}
