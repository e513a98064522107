//! The simulator: one server that plays Instagram, Facebook, TikTok and YouTube.
//!
//! Their hosts are folders of it: a client asks `{base}/{host}{path}` instead of
//! `https://{host}{path}`, and notices nothing else. It shares no code with the readers in
//! `platforms`, so that the two cannot agree on a mistake.

mod answer;
mod apps;
mod clock;
mod consent;
mod control;
mod counts;
mod facebook;
mod faults;
mod grants;
mod instagram;
mod limits;
mod messages;
mod meta;
mod names;
mod play;
mod request;
mod scopes;
mod server;
mod signed;
mod tiktok;
mod truth;
pub mod world;
mod youtube;

pub use apps::{App, Apps};
pub use clock::{InvalidTime, MAX_SPEED, SimulatedClock};
pub use counts::{Counted, Counts};
pub use faults::{Fault, Faults, Plan, TooManyFaults};
pub use grants::End;
pub use limits::{Allowances, Bucket, Limits};
pub use messages::{Message, MessageError, Order, Received, Signature};
pub use play::ENDPOINTS;
pub use truth::{PostTruth, Truth};

use domain::{Platform, Timestamp};
use play::Core;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use world::{AccountKey, World};

/// How a simulation begins.
#[derive(Clone)]
pub struct Options {
    /// What decides everything that looks random.
    pub seed: u64,
    /// How many creators there are.
    pub creators: u32,
    /// What time it is.
    pub start: Timestamp,
    /// How fast time runs: 1 is real time, 0 stands still.
    pub speed: f64,
    /// What goes wrong, if anything.
    pub plan: Option<Plan>,
    /// The registered apps.
    pub apps: Apps,
}

impl Options {
    /// A small world at a moment, in which time stands still and nothing goes wrong.
    pub fn at(start: Timestamp) -> Self {
        Self {
            seed: 1,
            creators: 6,
            start,
            speed: 0.0,
            plan: None,
            apps: Apps::default(),
        }
    }
}

/// A simulator that is bound to an address.
pub struct Simulator {
    core: Arc<Core>,
    listener: TcpListener,
}

/// A simulator in the hands of a test, or of the demonstration.
#[derive(Clone)]
pub struct Handle {
    core: Arc<Core>,
}

/// Why a fault cannot be ordered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// No platform has an error of this name.
    #[error("{0:?} is not the name of a fault there; GET /_simulator/faults lists the names")]
    UnknownName(String),
    /// Nothing of this name can be asked for.
    #[error("{0:?} is not an endpoint; GET /_simulator/state lists them")]
    UnknownEndpoint(String),
    /// There are too many already.
    #[error(transparent)]
    TooMany(#[from] TooManyFaults),
}

impl Simulator {
    /// Takes an address; port 0 is any free one.
    pub async fn bind(address: SocketAddr, options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
        let clock = SimulatedClock::new(options.start, options.speed).map_err(invalid)?;
        let core = Core {
            base,
            world: World::new(options.seed, options.creators),
            clock,
            apps: options.apps,
            grants: grants::Grants::new(options.seed),
            limits: Limits::default(),
            faults: Faults::default(),
            counts: Counts::default(),
        };
        core.faults.follow(options.plan);
        Ok(Self {
            core: Arc::new(core),
            listener,
        })
    }

    /// What can be seen and done from the same process.
    pub fn handle(&self) -> Handle {
        Handle {
            core: Arc::clone(&self.core),
        }
    }

    /// Serves until it is told to stop.
    pub async fn run(self, stopping: CancellationToken) -> io::Result<()> {
        let router = server::router(self.core, stopping.clone());
        let server = axum::serve(self.listener, router);
        // Answers that hang or drip are not waited for.
        tokio::select! {
            served = server.into_future() => served,
            () = stopping.cancelled() => Ok(()),
        }
    }
}

impl Handle {
    /// Where it is, such as `http://127.0.0.1:4010`: what `PLATFORMS_BASE_URL` is set to.
    pub fn base(&self) -> &str {
        &self.core.base
    }

    /// Simulated time.
    pub fn clock(&self) -> &SimulatedClock {
        &self.core.clock
    }

    /// The truth about creators, accounts and posts.
    pub fn world(&self) -> &World {
        &self.core.world
    }

    /// The registered apps.
    pub fn apps(&self) -> &Apps {
        &self.core.apps
    }

    /// What was called how often.
    pub fn counts(&self) -> &Counts {
        &self.core.counts
    }

    /// Limits and quotas.
    pub fn limits(&self) -> &Limits {
        &self.core.limits
    }

    /// What goes wrong.
    pub fn faults(&self) -> &Faults {
        &self.core.faults
    }

    /// Orders a fault, and gives its number.
    pub fn order(&self, fault: Fault) -> Result<u64, FaultError> {
        self.core.order(fault)
    }

    /// The names of the faults of a platform, or of all.
    pub fn fault_names(&self, platform: Option<Platform>) -> Vec<&'static str> {
        play::fault_names(platform)
    }

    /// The truth about an account at a moment, with so many of its newest posts.
    pub fn truth(&self, account: AccountKey, at: Timestamp, newest: usize) -> Option<Truth> {
        let account = self.core.world.account(account)?;
        Some(truth::of(&account, at, newest))
    }

    /// Sends a message of a platform, and tells how it was received.
    pub async fn send(&self, order: &Order) -> Result<Received, MessageError> {
        messages::send(&self.core, order).await
    }

    /// Ends all that a creator has granted on a platform, as if by a click there.
    pub fn end_grants(&self, platform: Platform, creator: u32, end: End) {
        self.core.grants.end_all(platform, creator, end);
    }
}

impl Core {
    fn order(&self, fault: Fault) -> Result<u64, FaultError> {
        if !play::fault_names(fault.platform).contains(&fault.error.as_str()) {
            return Err(FaultError::UnknownName(
                fault.error.chars().take(80).collect(),
            ));
        }
        if let Some(endpoint) = &fault.endpoint
            && !ENDPOINTS.contains(&endpoint.as_str())
        {
            return Err(FaultError::UnknownEndpoint(
                endpoint.chars().take(80).collect(),
            ));
        }
        Ok(self.faults.add(fault)?)
    }
}
