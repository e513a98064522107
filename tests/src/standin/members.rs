//! What the nodes of a cluster know of each other: who lives, and who leads.

use super::cluster::Endpoint;
use super::status;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tonic::Status;
use uuid::Uuid;

const NOBODY: usize = usize::MAX;

/// One node as the others see it.
pub(super) struct Member {
    pub(super) id: Uuid,
    pub(super) endpoint: Endpoint,
    alive: AtomicBool,
}

/// All nodes; a single one leads itself.
pub(super) struct Members {
    all: Vec<Member>,
    leader: AtomicUsize,
}

impl Members {
    pub(super) fn new(endpoints: impl Iterator<Item = Endpoint>) -> Self {
        let all = endpoints.map(|endpoint| Member {
            id: Uuid::new_v4(),
            endpoint,
            alive: AtomicBool::new(true),
        });
        Self {
            all: all.collect(),
            leader: AtomicUsize::new(0),
        }
    }

    pub(super) fn all(&self) -> &[Member] {
        &self.all
    }

    pub(super) fn is_alive(&self, node: usize) -> bool {
        self.all[node].alive.load(Ordering::Acquire)
    }

    pub(super) fn leader(&self) -> Option<usize> {
        let leader = self.leader.load(Ordering::Acquire);
        (leader != NOBODY).then_some(leader)
    }

    pub(super) fn elect(&self, node: usize) {
        self.leader.store(node, Ordering::Release);
    }

    /// A dead leader leaves the cluster without one until somebody is elected.
    pub(super) fn bury(&self, node: usize) {
        self.all[node].alive.store(false, Ordering::Release);
        let order = Ordering::AcqRel;
        let _ = self
            .leader
            .compare_exchange(node, NOBODY, order, Ordering::Acquire);
    }

    /// A node is back; a single one leads itself again.
    pub(super) fn welcome(&self, node: usize) {
        self.all[node].alive.store(true, Ordering::Release);
        if self.all.len() == 1 {
            self.elect(node);
        }
    }

    /// Whether the node may answer a call that must go to the leader, or that its caller wants to
    /// be answered by the leader. A follower passes writes on if its caller does not mind.
    pub(super) fn may_answer(
        &self,
        node: usize,
        writes: bool,
        requires_leader: bool,
    ) -> Result<(), Status> {
        match self.leader() {
            None if writes || requires_leader => Err(status::not_ready()),
            Some(leader) if leader != node && requires_leader => {
                Err(status::not_leader(&self.all[leader].endpoint))
            }
            _ => Ok(()),
        }
    }
}
