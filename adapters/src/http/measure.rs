//! What the API counts: requests by route template, method and class of status.
//!
//! The labels are bounded: templates are ours, never a path, and a method that nobody registered
//! is `other`. Nothing in them names an account, a creator or a caller.

use axum::http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::sync::LazyLock;
use std::time::Duration;

/// The upper bounds in seconds of what an answer may take; the last is as long as one may.
const SECONDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Route {
    route: String,
    method: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Answered {
    route: String,
    method: &'static str,
    status: &'static str,
}

struct Measures {
    requests: Family<Answered, Counter>,
    seconds: Family<Route, Histogram, fn() -> Histogram>,
}

/// Of this process, since it began.
static MEASURES: LazyLock<Measures> = LazyLock::new(|| Measures {
    requests: Family::default(),
    seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
});

/// Makes what is counted here part of what the process shows.
pub(crate) fn register(registry: &mut Registry) {
    registry.register(
        "http_requests",
        "Requests that were answered, by the class of the status",
        MEASURES.requests.clone(),
    );
    registry.register_with_unit(
        "http_request",
        "How long answers took",
        Unit::Seconds,
        MEASURES.seconds.clone(),
    );
}

/// A request was answered.
pub(super) fn answered(route: String, method: &Method, status: StatusCode, took: Duration) {
    let method = name(method);
    let answered = Answered {
        route: route.clone(),
        method,
        status: class(status),
    };
    MEASURES.requests.get_or_create(&answered).inc();
    let seconds = MEASURES.seconds.get_or_create(&Route { route, method });
    seconds.observe(took.as_secs_f64());
}

fn name(method: &Method) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let mut known = known.into_iter();
    known.find(|name| method == name).unwrap_or("other")
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_bounded() {
        let odd = Method::from_bytes(b"BREW").unwrap();
        assert_eq!(name(&odd), "other");
        assert_eq!(name(&Method::GET), "GET");
        assert_eq!(class(StatusCode::NOT_FOUND), "4xx");
        assert_eq!(class(StatusCode::from_u16(999).unwrap()), "5xx");
    }
}
