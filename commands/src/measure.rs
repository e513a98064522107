//! What the write side counts while it works, for those who watch this process.

use crate::ports::{Append, AppendError, Appended};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::sync::LazyLock;
use std::time::Duration;

/// The upper bounds in seconds of what an append may take.
const SECONDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// How an attempt to append may end.
const OUTCOMES: [&str; 6] = [
    "written",
    "repeated",
    "conflict",
    "invalid",
    "unavailable",
    "unknown",
];

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Ended {
    outcome: &'static str,
}

struct Measures {
    appends: Family<Ended, Counter>,
    seconds: Histogram,
    events: Counter,
    retries: Counter,
}

/// Of this process, since it began.
static MEASURES: LazyLock<Measures> = LazyLock::new(|| {
    let appends = Family::<Ended, Counter>::default();
    for outcome in OUTCOMES {
        drop(appends.get_or_create(&Ended { outcome }));
    }
    Measures {
        appends,
        seconds: Histogram::new(SECONDS),
        events: Counter::default(),
        retries: Counter::default(),
    }
});

/// Makes what is counted here part of what the process shows.
pub fn register(registry: &mut Registry) {
    let Measures {
        appends,
        seconds,
        events,
        retries,
    } = &*MEASURES;
    registry.register(
        "appends",
        "Attempts to append to the event log, by how they ended",
        appends.clone(),
    );
    registry.register_with_unit(
        "append",
        "How long a caller waited for an attempt to append",
        Unit::Seconds,
        seconds.clone(),
    );
    registry.register(
        "appended_events",
        "Events that were written to the event log",
        events.clone(),
    );
    registry.register(
        "append_retries",
        "Appends that were tried again, with the same bytes, since nobody knew how they had ended",
        retries.clone(),
    );
}

/// An attempt to append has ended.
pub(crate) fn append(append: &Append, ended: &Result<Appended, AppendError>, took: Duration) {
    let outcome = match ended {
        Ok(appended) if appended.idempotent => "repeated",
        Ok(_) => "written",
        Err(AppendError::WrongExpectedRevision { .. }) => "conflict",
        Err(AppendError::Invalid(_)) => "invalid",
        Err(AppendError::Unavailable(_)) => "unavailable",
        Err(AppendError::OutcomeUnknown(_)) => "unknown",
    };
    MEASURES.appends.get_or_create(&Ended { outcome }).inc();
    MEASURES.seconds.observe(took.as_secs_f64());
    if outcome == "written" {
        MEASURES.events.inc_by(append.events.len() as u64);
    }
}

/// An append is tried again.
pub(crate) fn retry() {
    MEASURES.retries.inc();
}
