//! Growth over all accounts of a creator: both instants of every account in one statement.

use super::point::last_known;
use crate::access::Scope;
use crate::sql::{At, Connection, Reader};
use domain::{CreatorId, Metric, Platform, Timestamp};
use tokio_postgres::{Error, Row};

/// What is asked.
#[derive(Clone, Debug)]
pub struct GrowthQuery<'a> {
    /// Whose accounts.
    pub creator: &'a CreatorId,
    /// Which metric.
    pub metric: Metric,
    /// The start: as of this moment.
    pub from: Timestamp,
    /// The end: as of this moment.
    pub to: Timestamp,
    /// What was learned after this moment is left out.
    pub known_at: Timestamp,
    /// Accounts that start below this are left out.
    pub minimum_start: Option<i64>,
    /// Platforms whose accounts are left out.
    pub platforms_off: &'a [Platform],
}

/// Sums over the accounts that count, and how many do not and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CreatorGrowth {
    /// All accounts of the creator.
    pub accounts: i64,
    /// Those that count.
    pub counted: i64,
    /// The sum of their values at the start; wider than one value, since it is a sum.
    pub sum_start: i128,
    /// The sum of their values at the end.
    pub sum_end: i128,
    /// Left out: the platform is switched off.
    pub switched_off: i64,
    /// Left out: no known value at or before the start.
    pub without_start: i64,
    /// Left out: the start is below the minimum.
    pub below_minimum: i64,
    /// Left out: erased.
    pub erased: i64,
    /// Whether any of the accounts has a simulation's numbers.
    pub simulated: bool,
}

/// Adds up a creator's accounts: each that has a value at the start and at the end, at least the
/// minimum at the start, and a platform that is not switched off.
///
/// An account with a known value at the start has one at the end too: the same, if no newer.
pub async fn creator_growth(
    client: &Reader<impl Connection>,
    scope: &Scope,
    query: &GrowthQuery<'_>,
) -> Result<CreatorGrowth, Error> {
    let off: Vec<&str> = query
        .platforms_off
        .iter()
        .map(|platform| platform.name())
        .collect();
    let as_of = |moment: &str| {
        last_known(&format!(
            "t.account_id = a.account_id and t.metric = $3 and t.observed_at <= {moment}
                 and t.recorded_at <= $6"
        ))
    };
    let (first, last) = (as_of("$4"), as_of("$5"));
    let sql = format!(
        "select count(*) as accounts,
                 count(*) filter (where judged.verdict = 'counted') as counted,
                 coalesce(sum(judged.start_value) filter (where judged.verdict = 'counted'), 0)
                     ::text as sum_start,
                 coalesce(sum(judged.end_value) filter (where judged.verdict = 'counted'), 0)
                     ::text as sum_end,
                 count(*) filter (where judged.verdict = 'switched_off') as switched_off,
                 count(*) filter (where judged.verdict = 'without_start') as without_start,
                 count(*) filter (where judged.verdict = 'below_minimum') as below_minimum,
                 count(*) filter (where judged.verdict = 'erased') as erased,
                 coalesce(bool_or(judged.simulated), false) as simulated
             from (
                 select a.simulated, first.value as start_value, last.value as end_value,
                     case
                         when a.phase = 'erased' then 'erased'
                         when a.platform = any($8) then 'switched_off'
                         when first.value is null or last.value is null then 'without_start'
                         when first.value < $7 then 'below_minimum'
                         else 'counted'
                     end as verdict
                 from accounts_vN a
                 left join lateral {first} first on true
                 left join lateral {last} last on true
                 where a.creator_id = $1 and ($2::text[] is null or a.creator_id = any($2))
             ) judged"
    );
    let row = client
        .query_one(
            &sql,
            &[
                &query.creator.as_str(),
                &scope.creators(),
                &query.metric.name(),
                &At(query.from),
                &At(query.to),
                &At(query.known_at),
                &query.minimum_start.unwrap_or(i64::MIN),
                &off,
            ],
        )
        .await?;
    Ok(CreatorGrowth {
        accounts: row.try_get("accounts")?,
        counted: row.try_get("counted")?,
        sum_start: sum(&row, "sum_start")?,
        sum_end: sum(&row, "sum_end")?,
        switched_off: row.try_get("switched_off")?,
        without_start: row.try_get("without_start")?,
        below_minimum: row.try_get("below_minimum")?,
        erased: row.try_get("erased")?,
        simulated: row.try_get("simulated")?,
    })
}

/// A sum of 64-bit integers is a numeric in Postgres, and travels as its text.
fn sum(row: &Row, column: &str) -> Result<i128, Error> {
    let text: &str = row.try_get(column)?;
    Ok(text
        .parse()
        .expect("a sum of integers is an integer of fewer than 38 digits"))
}
