//! How events become rows: one for each metric that an observation speaks of.

use crate::projection::{Applied, ProjectionError};
use crate::sql::At;
use domain::account::{Event, MetricsObserved};
use domain::observation::Precision;
use tokio_postgres::Transaction;
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
}

pub(super) async fn apply(
    transaction: &Transaction<'_>,
    events: &[Applied],
) -> Result<(), ProjectionError> {
    let mut columns = Columns::default();
    for applied in events {
        if let Event::MetricsObserved(observed) = &applied.event {
            columns.add(applied, observed);
        }
    }
    if columns.accounts.is_empty() {
        return Ok(());
    }
    transaction
        .execute(
            "insert into follower_trends_v1 (
                 account_id, metric, observed_at, revision, recorded_at, value, cause,
                 significant_digits
             )
             select given.*
             from unnest(
                 $1::uuid[], $2::text[], $3::timestamptz[], $4::bigint[], $5::timestamptz[],
                 $6::bigint[], $7::text[], $8::smallint[]
             ) as given
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
