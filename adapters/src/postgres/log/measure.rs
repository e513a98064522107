//! What the batcher counts while it works, for those who watch this process.

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::sync::LazyLock;
use std::time::Duration;

/// The upper bounds in seconds of what a commit may take.
const SECONDS: [f64; 11] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0,
];
/// The upper bounds of how many appends a batch may have; the last is all that it may.
const APPENDS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 64.0, 256.0, 512.0, 1_024.0];

struct Measures {
    commit: Histogram,
    appends: Histogram,
    waiting: Gauge,
}

/// Of this process, since it began.
static MEASURES: LazyLock<Measures> = LazyLock::new(|| Measures {
    commit: Histogram::new(SECONDS),
    appends: Histogram::new(APPENDS),
    waiting: Gauge::default(),
});

/// Makes what is counted here part of what the process shows.
pub(crate) fn register(registry: &mut Registry) {
    let Measures {
        commit,
        appends,
        waiting,
    } = &*MEASURES;
    registry.register_with_unit(
        "append_batch",
        "How long the commit of a batch of appends took",
        Unit::Seconds,
        commit.clone(),
    );
    registry.register(
        "append_batch_appends",
        "How many appends were committed together",
        appends.clone(),
    );
    registry.register(
        "append_queue",
        "Appends that waited for the next batch when the last one was closed",
        waiting.clone(),
    );
}

/// A batch is closed, and so many appends wait for the next.
pub(super) fn closed(waiting: usize) {
    MEASURES
        .waiting
        .set(i64::try_from(waiting).unwrap_or(i64::MAX));
}

/// A batch of so many appends was committed, or refused as a whole.
pub(super) fn committed(appends: usize, took: Duration) {
    MEASURES.commit.observe(took.as_secs_f64());
    MEASURES.appends.observe(appends as f64);
}
