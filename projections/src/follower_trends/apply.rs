//! How events become rows: one for each metric that an observation speaks of.
//!
//! The write side marks a correction only of a metric's newest moment, which is all that its state
//! keeps. The rows of older moments are here: a value that differs from what an older revision
//! said of its moment restates it. Found out once, when the row is written: a trend of a year
//! would otherwise look for older revisions 365 times whenever it is read.

use crate::projection::{Applied, ProjectionError};
use crate::sql::At;
use crate::tables::Tables;
use domain::account::{Event, MetricsObserved};
use domain::observation::Precision;
use domain::{Metric, Timestamp};
use std::collections::HashMap;
use uuid::Uuid;

#[derive(Default)]
struct Columns {
    accounts: Vec<Uuid>,
    metrics: Vec<&'static str>,
    observed_at: Vec<At>,
    revisions: Vec<i64>,
    recorded_at: Vec<At>,
    values: Vec<Option<i64>>,
    causes: Vec<&'static str>,
    digits: Vec<Option<i16>>,
    /// Whether the value restates one of this very batch; nothing where the batch has none.
    restates: Vec<Option<bool>>,
    /// The newest value of each moment in this batch.
    newest: HashMap<(Uuid, Metric, Timestamp), Option<i64>>,
}

pub(super) async fn apply(tables: &Tables<'_>, events: &[Applied]) -> Result<(), ProjectionError> {
    let mut columns = Columns::default();
    for applied in events {
        if let Event::MetricsObserved(observed) = &applied.event {
            columns.add(applied, observed);
        }
    }
    if columns.accounts.is_empty() {
        return Ok(());
    }
    tables
        .execute(
            "insert into follower_trends_vN (
                 account_id, metric, observed_at, revision, recorded_at, value, cause,
                 significant_digits
             )
             select account_id, metric, observed_at, revision, recorded_at, value,
                 -- An invented number stays marked as that above all.
                 case when cause <> 'simulated' and coalesce(restates, (
                     select older.value is distinct from given.value
                     from follower_trends_vN older
                     where older.account_id = given.account_id and older.metric = given.metric
                         and older.observed_at = given.observed_at
                         and older.revision < given.revision
                     order by older.revision desc
                     limit 1
                 )) then 'restated' else cause end,
                 significant_digits
             from unnest(
                 $1::uuid[], $2::text[], $3::timestamptz[], $4::bigint[], $5::timestamptz[],
                 $6::bigint[], $7::text[], $8::smallint[], $9::boolean[]
             ) as given (
                 account_id, metric, observed_at, revision, recorded_at, value, cause,
                 significant_digits, restates
             )
             on conflict do nothing",
            &[
                &columns.accounts,
                &columns.metrics,
                &columns.observed_at,
                &columns.revisions,
                &columns.recorded_at,
                &columns.values,
                &columns.causes,
                &columns.digits,
                &columns.restates,
            ],
        )
        .await?;
    Ok(())
}

impl Columns {
    fn add(&mut self, applied: &Applied, observed: &MetricsObserved) {
        let known = observed
            .values
            .known()
            .map(|(metric, value)| (metric, Some(value)));
        let hidden = observed.values.hidden().map(|metric| (metric, None));
        for (metric, value) in known.chain(hidden) {
            let moment = (applied.account.uuid(), metric, observed.observed_at);
            let older = self.newest.insert(moment, value);
            self.restates.push(older.map(|older| older != value));
            self.accounts.push(applied.account.uuid());
            self.metrics.push(metric.name());
            self.observed_at.push(At(observed.observed_at));
            self.revisions.push(applied.revision);
            self.recorded_at.push(At(applied.metadata.recorded_at));
            self.values.push(value);
            self.causes.push(observed.provenance.cause.name());
            self.digits
                .push(observed.provenance.precision.get(&metric).map(|precision| {
                    let Precision::SignificantDigits(digits) = precision;
                    i16::from(*digits)
                }));
        }
    }
}
