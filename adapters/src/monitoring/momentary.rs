//! How things stand at the moment of a scrape: gauges that are made for it and thrown away.

use deadpool_postgres::Status;
use domain::Position;
use projections::admin::{Standing, State, Survey};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;

type Number = Gauge<f64, AtomicU64>;

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Of {
    read_model: String,
    version: i32,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct In {
    read_model: String,
    version: i32,
    state: &'static str,
}

/// All of it; without the read models, if those were not told.
pub(super) fn registry(prefix: &str, survey: Option<&Survey>, pool: &Status) -> Registry {
    let mut registry = Registry::with_prefix(prefix);
    one(
        &mut registry,
        "survey_success",
        "Whether database and log told how the read models stand: 1 or 0",
        survey.map_or(0.0, |_| 1.0),
    );
    of_pool(&mut registry, pool);
    if let Some(survey) = survey {
        of_survey(&mut registry, survey);
    }
    registry
}

fn one(registry: &mut Registry, name: &str, help: &str, value: f64) {
    let gauge = Number::default();
    gauge.set(value);
    registry.register(name, help, gauge);
}

fn of_pool(registry: &mut Registry, pool: &Status) {
    for (name, help, value) in [
        (
            "pool_max_connections",
            "The most database connections that the pool may have",
            pool.max_size,
        ),
        (
            "pool_connections",
            "Database connections that the pool has",
            pool.size,
        ),
        (
            "pool_idle_connections",
            "Database connections in the pool that nobody uses",
            pool.available,
        ),
        (
            "pool_waiting",
            "Those who wait for a database connection",
            pool.waiting,
        ),
    ] {
        one(registry, name, help, value as f64);
    }
}

fn of_survey(registry: &mut Registry, survey: &Survey) {
    one(
        registry,
        "log_head_position",
        "The position of the event log's last event; 0 if there is none",
        survey.head.map_or(0.0, |head| head.commit as f64),
    );
    let gauge = |value: fn(&Survey, &Standing) -> Option<f64>| {
        let family = Family::<Of, Number>::default();
        for standing in &survey.standings {
            if let Some(value) = value(survey, standing) {
                let of = Of {
                    read_model: standing.name.clone(),
                    version: standing.version,
                };
                family.get_or_create(&of).set(value);
            }
        }
        family
    };
    registry.register(
        "projection_position",
        "Up to where the version has the event log; of its shards the slowest counts",
        gauge(|_, standing| Some(position(standing))),
    );
    registry.register(
        "projection_lag_events",
        "Events that the version lacks; missing if they are too many to count",
        gauge(|_, standing| standing.lag_events.map(|events| events as f64)),
    );
    registry.register_with_unit(
        "projection_lag",
        "How long ago the first event that the version lacks was recorded; 0 if it lacks none",
        Unit::Seconds,
        gauge(|_, standing| match standing.lag_events {
            Some(0) => Some(0.0),
            _ => standing.lag_seconds,
        }),
    );
    registry.register(
        "projection_events",
        "Events that the version was given since it was made, by whichever process",
        gauge(|_, standing| Some(standing.events as f64)),
    );
    registry.register(
        "projection_skipped_events",
        "Events that the version was not given, since their type or schema is not known",
        gauge(|_, standing| Some(standing.skipped as f64)),
    );
    registry.register(
        "projection_parked_streams",
        "Streams whose events wait, since the version cannot apply one of them",
        gauge(|_, standing| Some(standing.parked.len() as f64)),
    );
    registry.register(
        "projection_filled_ratio",
        "Which part of the event log's events the version was given, 0 to 1",
        gauge(Survey::filled_ratio),
    );
    registry.register(
        "projection_live",
        "Whether answers come from the version: 1 or 0",
        gauge(|_, standing| Some(f64::from(u8::from(standing.live)))),
    );
    registry.register(
        "projection_state",
        "1 for what the version is doing, 0 for what it is not",
        states(survey),
    );
}

/// The number within the opaque token: to be drawn as a line, not to reckon with.
fn position(standing: &Standing) -> f64 {
    let held = standing.position.as_ref();
    let held = held.and_then(|token| token.parse::<Position>().ok());
    held.map_or(0.0, |held| held.commit as f64)
}

fn states(survey: &Survey) -> Family<In, Number> {
    let family = Family::<In, Number>::default();
    for standing in &survey.standings {
        for state in State::ALL {
            let is_so = standing.state == state;
            let of = In {
                read_model: standing.name.clone(),
                version: standing.version,
                state: state.name(),
            };
            family.get_or_create(&of).set(f64::from(u8::from(is_so)));
        }
    }
    family
}
