//! One node: its port, its connections, its life and death.

use super::faults::Faults;
use super::line::Line;
use super::log::Log;
use super::members::Members;
use super::service::Service;
use super::{Counts, Setup};
use anyhow::Context;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::transport::Server;

/// Connections accepted and not yet looked at.
const BACKLOG: usize = 64;

/// How often each kind of call came in.
#[derive(Default)]
pub(super) struct Counters {
    pub(super) connections: AtomicU64,
    pub(super) appends: AtomicU64,
    pub(super) committed: AtomicU64,
    pub(super) reads: AtomicU64,
    pub(super) subscriptions: AtomicU64,
    pub(super) deletes: AtomicU64,
    pub(super) gossip: AtomicU64,
    pub(super) features: AtomicU64,
}

impl Counters {
    pub(super) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn snapshot(&self) -> Counts {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            connections: of(&self.connections),
            appends: of(&self.appends),
            committed: of(&self.committed),
            reads: of(&self.reads),
            subscriptions: of(&self.subscriptions),
            deletes: of(&self.deletes),
            gossip: of(&self.gossip),
            features: of(&self.features),
        }
    }
}

/// A node of a cluster, or the only one.
pub(super) struct Node {
    pub(super) index: usize,
    pub(super) members: Arc<Members>,
    pub(super) log: Arc<Log>,
    pub(super) faults: Faults,
    pub(super) counters: Counters,
    pub(super) setup: Setup,
    address: SocketAddr,
    silent: Arc<AtomicBool>,
    /// Ends with the present run; `None` while stopped.
    life: Mutex<Option<CancellationToken>>,
    open: TaskTracker,
}

impl Node {
    pub(super) fn new(
        index: usize,
        address: SocketAddr,
        members: Arc<Members>,
        log: Arc<Log>,
        setup: Setup,
    ) -> Arc<Self> {
        let open = TaskTracker::new();
        open.close();
        Arc::new(Self {
            index,
            members,
            log,
            faults: Faults::default(),
            counters: Counters::default(),
            setup,
            address,
            silent: Arc::default(),
            life: Mutex::new(None),
            open,
        })
    }

    fn life(&self) -> MutexGuard<'_, Option<CancellationToken>> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends with the present run of the node; over while it is stopped.
    pub(super) fn present_life(&self) -> CancellationToken {
        let ended = || {
            let ended = CancellationToken::new();
            ended.cancel();
            ended
        };
        self.life().clone().unwrap_or_else(ended)
    }

    /// Begins to serve on this listener.
    pub(super) fn serve(self: &Arc<Self>, listener: TcpListener) {
        let life = CancellationToken::new();
        *self.life() = Some(life.clone());
        let (lines, accepted) = mpsc::channel(BACKLOG);
        let server = Server::builder()
            .add_service(Service::features(self))
            .add_service(Service::gossip(self))
            .add_service(Service::streams(self))
            .serve_with_incoming(ReceiverStream::new(accepted));
        // The server ends with the accepting task, and each connection with the life of this run.
        tokio::spawn(server);
        tokio::spawn(
            self.open
                .track_future(accept(Arc::clone(self), listener, life, lines)),
        );
    }

    /// Begins to serve on the same port again.
    pub(super) async fn serve_again(self: &Arc<Self>) -> anyhow::Result<()> {
        let listener = TcpListener::bind(self.address)
            .await
            .with_context(|| format!("taking port {} again", self.address))?;
        self.silent.store(false, Ordering::Release);
        self.log.forget_recent();
        self.members.welcome(self.index);
        self.serve(listener);
        Ok(())
    }

    /// Ends this run: no new connections, and those that are there break.
    pub(super) fn end(&self) {
        if let Some(life) = self.life().take() {
            life.cancel();
        }
    }

    /// Waits until port and connections are free.
    pub(super) async fn ended(&self) {
        self.open.wait().await;
    }

    /// Dies, and the cluster knows it.
    pub(super) fn die(&self) {
        self.members.bury(self.index);
        self.end();
    }

    /// Lives on for its clients' systems, but neither hears nor answers.
    pub(super) fn fall_silent(&self) {
        self.members.bury(self.index);
        self.silent.store(true, Ordering::Release);
    }
}

async fn accept(
    node: Arc<Node>,
    listener: TcpListener,
    life: CancellationToken,
    lines: mpsc::Sender<Result<Line, std::io::Error>>,
) {
    while let Some(accepted) = life.run_until_cancelled(listener.accept()).await {
        let Ok((stream, _)) = accepted else { continue };
        Counters::add(&node.counters.connections);
        if node.faults.refuse_connections.take().is_some() {
            continue;
        }
        // Small answers must not wait for more.
        let _ = stream.set_nodelay(true);
        let silent = Arc::clone(&node.silent);
        let line = Line::new(stream, life.child_token(), silent, node.open.token());
        if lines.send(Ok(line)).await.is_err() {
            return;
        }
    }
}
