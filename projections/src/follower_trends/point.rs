//! One value of one metric: as of a time, known at a time.

use crate::sql::{At, Connection, Reader};
use domain::{AccountId, Metric, Timestamp};
use tokio_postgres::{Error, Row};

/// An observation of an account metric whose value is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Point {
    /// When it was read.
    pub observed_at: Timestamp,
    /// When the ledger learned of it.
    pub recorded_at: Timestamp,
    /// The value.
    pub value: i64,
    /// The revision of the event that says so.
    pub revision: i64,
    /// Why it is in the ledger.
    pub cause: domain::observation::Cause,
    /// Leading digits that the source gives, where it rounds.
    pub significant_digits: Option<i16>,
}

impl Point {
    pub(super) fn read(row: &Row) -> Result<Self, Error> {
        let cause: &str = row.try_get("cause")?;
        Ok(Self {
            observed_at: row.try_get::<_, At>("observed_at")?.0,
            recorded_at: row.try_get::<_, At>("recorded_at")?.0,
            value: row.try_get("value")?,
            revision: row.try_get("revision")?,
            cause: domain::observation::Cause::from_name(cause)
                .unwrap_or(domain::observation::Cause::Observed),
            significant_digits: row.try_get("significant_digits")?,
        })
    }
}

/// The last known value under a condition on observations `t`, as SQL for `from`.
///
/// Of one moment the highest revision decides: one that withholds the value takes back what an
/// older revision gave. The index is read backwards and only until a moment has a value.
pub(crate) fn last_known(condition: &str) -> String {
    format!(
        "(
             select observed_at, recorded_at, value, revision, cause, significant_digits
             from (
                 select distinct on (t.observed_at) t.observed_at, t.recorded_at, t.value,
                     t.revision, t.cause, t.significant_digits
                 from follower_trends_vN t
                 where {condition}
                 order by t.observed_at desc, t.revision desc
             ) moment
             where value is not null
             order by observed_at desc
             limit 1
         )"
    )
}

/// The last observation at or before `as_of`, of those known at `known_at`, whose value is known.
pub async fn metric_as_of(
    client: &Reader<impl Connection>,
    account: AccountId,
    metric: Metric,
    as_of: Timestamp,
    known_at: Timestamp,
) -> Result<Option<Point>, Error> {
    let last = last_known(
        "t.account_id = $1 and t.metric = $2 and t.observed_at <= $3 and t.recorded_at <= $4",
    );
    let sql = format!(
        "select observed_at, recorded_at, value, revision, cause, significant_digits
         from {last} last"
    );
    let row = client
        .query_opt(
            &sql,
            &[&account.uuid(), &metric.name(), &At(as_of), &At(known_at)],
        )
        .await?;
    row.as_ref().map(Point::read).transpose()
}

/// The newest known value of a metric of each of these accounts, which the caller may see.
pub async fn newest_of_many(
    client: &Reader<impl Connection>,
    accounts: &[AccountId],
    metric: Metric,
) -> Result<Vec<(AccountId, Point)>, Error> {
    let last = last_known("t.account_id = wanted.account_id and t.metric = $2");
    let sql = format!(
        "select wanted.account_id, observed_at, recorded_at, value, revision, cause,
             significant_digits
         from unnest($1::uuid[]) wanted (account_id)
         cross join lateral {last} last"
    );
    let accounts: Vec<_> = accounts.iter().map(|account| account.uuid()).collect();
    let rows = client.query(&sql, &[&accounts, &metric.name()]).await?;
    let read = |row: &Row| {
        let account = AccountId::from_uuid(row.try_get("account_id")?);
        Ok((account, Point::read(row)?))
    };
    rows.iter().map(read).collect()
}

/// The first moment after a known value at which the source withheld it, up to `as_of`.
pub async fn since_unknown(
    client: &Reader<impl Connection>,
    account: AccountId,
    metric: Metric,
    (after, as_of): (Timestamp, Timestamp),
    known_at: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let row = client
        .query_opt(
            "select observed_at
             from follower_trends_vN
             where account_id = $1 and metric = $2 and observed_at > $3 and observed_at <= $4
                 and recorded_at <= $5 and value is null
             order by observed_at
             limit 1",
            &[
                &account.uuid(),
                &metric.name(),
                &At(after),
                &At(as_of),
                &At(known_at),
            ],
        )
        .await?;
    row.map(|row| row.try_get::<_, At>("observed_at").map(|at| at.0))
        .transpose()
}
