//! What a process shows to those who watch it: the counts of its parts, and how things stand at
//! this moment in database, log and pool.
//!
//! The text is OpenMetrics, which Prometheus reads. How things stand is asked anew for each scrape:
//! a read model that nobody keeps any more still shows how far behind it is, and a database that
//! does not answer leaves no old numbers behind.

mod momentary;

use crate::{http, postgres};
use commands::measure;
use deadpool_postgres::Pool;
use projections::Administration;
use projections::admin::{AdminError, Survey};
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// The media type of what [`Monitor::scrape`] writes.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What every metric's name begins with.
const PREFIX: &str = "social_ledger";
/// How long an answer of the database and the log counts. Whoever asks more often is told the same:
/// no key is needed to ask.
const LOOK_HOLDS: Duration = Duration::from_secs(1);
/// How long a scrape waits for the database and the log. Prometheus itself gives up after ten.
const SCRAPE_LIMIT: Duration = Duration::from_secs(5);

/// Shows how a process and what it works on fare.
pub struct Monitor {
    counts: Registry,
    administration: Administration,
    pool: Pool,
    last: Mutex<Option<(Instant, Arc<Survey>)>>,
}

impl Monitor {
    /// Over the read models and the pool that the process uses.
    pub fn new(administration: Administration, pool: Pool) -> Self {
        let mut counts = Registry::with_prefix(PREFIX);
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        counts.register("build", "Which program this is", build);
        http::measure::register(&mut counts);
        measure::register(&mut counts);
        postgres::log::measure::register(&mut counts);
        projections::engine::measure::register(&mut counts);
        Self {
            counts,
            administration,
            pool,
            last: Mutex::default(),
        }
    }

    /// How the read models stand beside the log, no older than a second. Of several who ask at
    /// once, one asks the database for all.
    pub async fn survey(&self) -> Result<Arc<Survey>, AdminError> {
        let mut last = self.last.lock().await;
        if let Some((at, survey)) = &*last
            && at.elapsed() < LOOK_HOLDS
        {
            return Ok(Arc::clone(survey));
        }
        let survey = Arc::new(self.administration.survey().await?);
        *last = Some((Instant::now(), Arc::clone(&survey)));
        Ok(survey)
    }

    /// Everything as text. What the database or the log does not tell is left out, and said so.
    pub async fn scrape(&self) -> Result<String, std::fmt::Error> {
        let survey = match tokio::time::timeout(SCRAPE_LIMIT, self.survey()).await {
            Ok(Ok(survey)) => Some(survey),
            Ok(Err(error)) => {
                tracing::warn!(%error, "a scrape is without the read models");
                None
            }
            Err(_) => {
                tracing::warn!("a scrape is without the read models: no answer in time");
                None
            }
        };
        let now = momentary::registry(PREFIX, survey.as_deref(), &self.pool.status());
        let mut text = String::new();
        encode_registry(&mut text, &self.counts)?;
        encode_registry(&mut text, &now)?;
        encode_eof(&mut text)?;
        Ok(text)
    }
}
