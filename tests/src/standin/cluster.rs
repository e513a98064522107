//! Three nodes over one log: one leads, and any may die.

use super::faults::Faults;
use super::log::{Log, Stored};
use super::members::Members;
use super::node::Node;
use super::{Counts, Setup};
use anyhow::ensure;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;

/// Where a node listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// A name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self {
            host: address.ip().to_string(),
            port: address.port(),
        }
    }
}

/// Nodes with their listeners, over one empty log.
pub(super) async fn start_nodes(
    count: usize,
    setup: &Setup,
) -> anyhow::Result<(Arc<Log>, Vec<Arc<Node>>)> {
    let mut listeners = Vec::with_capacity(count);
    for _ in 0..count {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        listeners.push((listener.local_addr()?, listener));
    }
    let endpoints = listeners.iter().map(|(address, _)| (*address).into());
    let members = Arc::new(Members::new(endpoints));
    let log = Arc::<Log>::default();
    let mut nodes = Vec::with_capacity(count);
    for (index, (address, listener)) in listeners.into_iter().enumerate() {
        let (members, log) = (Arc::clone(&members), Arc::clone(&log));
        let node = Node::new(index, address, members, log, setup.clone());
        node.serve(listener);
        nodes.push(node);
    }
    Ok((log, nodes))
}

/// A connection string to these nodes, without encryption.
pub(super) fn url<'a>(endpoints: impl Iterator<Item = &'a Endpoint>, setup: &Setup) -> String {
    let hosts: Vec<String> = endpoints
        .map(|endpoint| format!("{}:{}", endpoint.host, endpoint.port))
        .collect();
    let user = setup.credentials.as_ref();
    let user = user.map_or_else(String::new, |(name, password)| {
        format!("{name}:{password}@")
    });
    format!("esdb://{user}{}?tls=false", hosts.join(","))
}

/// A cluster over one log. Node 0 leads at first; nobody is elected unless a test says so.
pub struct StandInCluster {
    log: Arc<Log>,
    nodes: Vec<Arc<Node>>,
}

impl StandInCluster {
    /// Starts this many nodes, each on a free port.
    pub async fn start(nodes: usize) -> anyhow::Result<Self> {
        Self::start_with(nodes, Setup::default()).await
    }

    /// The same with settings.
    pub async fn start_with(nodes: usize, setup: Setup) -> anyhow::Result<Self> {
        ensure!(nodes > 0, "a cluster has nodes");
        let (log, nodes) = start_nodes(nodes, &setup).await?;
        Ok(Self { log, nodes })
    }

    /// The connection string that names every node.
    pub fn url(&self) -> String {
        let members = &self.nodes[0].members;
        let endpoints = members.all().iter().map(|member| &member.endpoint);
        url(endpoints, &self.nodes[0].setup)
    }

    /// Where a node listens.
    pub fn endpoint(&self, node: usize) -> Endpoint {
        self.nodes[node].members.all()[node].endpoint.clone()
    }

    /// Who leads, if anybody does.
    pub fn leader(&self) -> Option<usize> {
        self.nodes[0].members.leader()
    }

    /// What may go wrong at this node.
    pub fn faults(&self, node: usize) -> &Faults {
        &self.nodes[node].faults
    }

    /// How often this node was called.
    pub fn counts(&self, node: usize) -> Counts {
        self.nodes[node].counters.snapshot()
    }

    /// Everything in the log, in its order.
    pub fn events(&self) -> Vec<Stored> {
        let state = self.log.read();
        state.all.iter().map(|event| (**event).clone()).collect()
    }

    /// Changes history behind the server's back.
    pub fn tamper(&self, change: impl FnOnce(&mut Vec<Stored>)) {
        self.log.tamper(change);
    }

    /// Makes this node the leader. What the old one remembered of recent appends is gone.
    pub fn elect(&self, node: usize) {
        self.log.forget_recent();
        self.nodes[node].members.elect(node);
    }

    /// The node dies: its connections break, and new ones are refused.
    pub async fn kill(&self, node: usize) {
        self.nodes[node].die();
        self.nodes[node].ended().await;
    }

    /// The node's machine is gone: connections stay open, new ones open too, and nothing is ever
    /// heard of it again.
    pub fn kill_hard(&self, node: usize) {
        self.nodes[node].fall_silent();
    }

    /// The node is back, at the same place, as a follower.
    pub async fn restart(&self, node: usize) -> anyhow::Result<()> {
        self.kill(node).await;
        self.nodes[node].serve_again().await
    }
}

impl Drop for StandInCluster {
    fn drop(&mut self) {
        for node in &self.nodes {
            node.end();
        }
    }
}
