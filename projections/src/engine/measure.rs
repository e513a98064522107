//! What the engine counts while it works, for those who watch this process.
//!
//! Where the read models stand is not among it: that is asked of the database, which knows it also
//! while no engine runs (`admin::survey`).

use crate::version::Version;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::sync::LazyLock;
use std::time::Duration;

/// The upper bounds in seconds of what a batch may take.
const SECONDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0,
];

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Of {
    read_model: &'static str,
    version: i32,
}

impl From<&Version> for Of {
    fn from(version: &Version) -> Self {
        Self {
            read_model: version.name(),
            version: version.number,
        }
    }
}

struct Measures {
    batch: Family<Of, Histogram, fn() -> Histogram>,
    applied: Family<Of, Counter>,
    retries: Family<Of, Counter>,
    halts: Family<Of, Counter>,
    restarts: Family<Of, Counter>,
    read: Counter,
    read_retries: Counter,
}

/// Of this process, since it began.
static MEASURES: LazyLock<Measures> = LazyLock::new(|| Measures {
    batch: Family::new_with_constructor(|| Histogram::new(SECONDS)),
    applied: Family::default(),
    retries: Family::default(),
    halts: Family::default(),
    restarts: Family::default(),
    read: Counter::default(),
    read_retries: Counter::default(),
});

/// Makes what is counted here part of what the process shows.
pub fn register(registry: &mut Registry) {
    let measures = &*MEASURES;
    registry.register_with_unit(
        "projection_batch",
        "How long the transaction of a batch took, of a shard of a read model",
        Unit::Seconds,
        measures.batch.clone(),
    );
    registry.register(
        "projection_applied_events",
        "Events that this process gave to a read model",
        measures.applied.clone(),
    );
    registry.register(
        "projection_retries",
        "Batches that were tried again after a failure",
        measures.retries.clone(),
    );
    registry.register(
        "projection_halts",
        "Shards that were halted by a failure that lasted",
        measures.halts.clone(),
    );
    registry.register(
        "projection_restarts",
        "Runs begun anew, since a crash had taken a checkpoint back or a version was dropped",
        measures.restarts.clone(),
    );
    registry.register(
        "log_read_events",
        "Events that the projection engine read from the event log",
        measures.read.clone(),
    );
    registry.register(
        "log_read_retries",
        "Times that the projection engine asked the event log again after a failure",
        measures.read_retries.clone(),
    );
}

/// A worker starts: what it may count is there from now on, at zero.
pub(super) fn start(version: &Version) {
    let of = Of::from(version);
    let Measures {
        batch,
        applied,
        retries,
        halts,
        restarts,
        ..
    } = &*MEASURES;
    drop(batch.get_or_create(&of));
    for counter in [applied, retries, halts, restarts] {
        drop(counter.get_or_create(&of));
    }
}

/// A batch's transaction was committed.
pub(super) fn applied(version: &Version, events: usize, took: Duration) {
    let of = Of::from(version);
    let batch = MEASURES.batch.get_or_create(&of);
    batch.observe(took.as_secs_f64());
    MEASURES.applied.get_or_create(&of).inc_by(events as u64);
}

/// A batch is tried again.
pub(super) fn retry(version: &Version) {
    MEASURES.retries.get_or_create(&version.into()).inc();
}

/// A shard is halted.
pub(super) fn halt(version: &Version) {
    MEASURES.halts.get_or_create(&version.into()).inc();
}

/// The run begins anew.
pub(super) fn restart(version: &Version) {
    MEASURES.restarts.get_or_create(&version.into()).inc();
}

/// A page of the log was read.
pub(super) fn read(events: u64) {
    MEASURES.read.inc_by(events);
}

/// The log is asked again.
pub(super) fn read_again() {
    MEASURES.read_retries.inc();
}
