//! The history of one post: every observation, and one metric as of a time.

use super::numbers::Numbers;
use crate::sql::{At, Connection, Reader};
use domain::observation::Cause;
use domain::{Metric, PostKey, Timestamp};
use tokio_postgres::{Error, Row};

/// One observation of a post.
#[derive(Clone, Debug)]
pub struct Observation {
    /// When it was read.
    pub observed_at: Timestamp,
    /// When the ledger learned of it.
    pub recorded_at: Timestamp,
    /// The revision of the event that says so.
    pub revision: i64,
    /// Why it is in the ledger.
    pub cause: Cause,
    /// Whether it was found as the observation before it.
    pub unchanged: bool,
    /// The known numbers.
    pub numbers: Numbers,
    /// The metrics that the source withheld.
    pub hidden: Vec<String>,
}

impl Observation {
    pub(super) fn read(row: &Row) -> Result<Self, Error> {
        let cause: &str = row.try_get("cause")?;
        Ok(Self {
            observed_at: row.try_get::<_, At>("observed_at")?.0,
            recorded_at: row.try_get::<_, At>("recorded_at")?.0,
            revision: row.try_get("revision")?,
            cause: Cause::from_name(cause).unwrap_or(Cause::Observed),
            unchanged: row.try_get("unchanged")?,
            numbers: Numbers::read(row)?,
            hidden: row.try_get::<_, Option<_>>("hidden")?.unwrap_or_default(),
        })
    }
}

/// Observations of a post, newest first, from before a given place on.
pub async fn history(
    client: &Reader<impl Connection>,
    post: PostKey,
    (as_of, known_at): (Timestamp, Timestamp),
    before: Option<(Timestamp, i64)>,
    limit: i64,
) -> Result<Vec<Observation>, Error> {
    let (before_at, before_revision) = before.unwrap_or((Timestamp::MAX, i64::MAX));
    let rows = client
        .query(
            "select observed_at, recorded_at, revision, cause, unchanged, views, likes, comments,
                 shares, saves, reach, watch_time, hidden
             from top_posts_vN_history
             where post = $1 and observed_at <= $2 and recorded_at <= $3
                 and (observed_at, revision) < ($4, $5)
             order by observed_at desc, revision desc
             limit $6",
            &[
                &post.uuid(),
                &At(as_of),
                &At(known_at),
                &At(before_at),
                &before_revision,
                &limit,
            ],
        )
        .await?;
    rows.iter().map(Observation::read).collect()
}

/// The condition, as SQL, that what an observation `h` says of these metrics was not taken back:
/// by no later revision of its moment, of those known at `known_at`, that withholds one of them.
/// What a later revision does not speak of, it leaves as it was.
///
/// `offset 0` keeps the planner from joining all of a post's history with itself: the question is
/// put to the one observation that would be the answer, and to the next only if that one falls.
pub(super) fn stands(metrics: &[Metric], known_at: &str) -> String {
    let taken_back: Vec<_> = metrics
        .iter()
        .map(|metric| metric.name())
        .map(|name| format!("h.{name} is not null and '{name}' = any(later.hidden)"))
        .collect();
    format!(
        "not exists (
             select
             from top_posts_vN_history later
             where later.post = h.post and later.observed_at = h.observed_at
                 and later.revision > h.revision and later.recorded_at <= {known_at}
                 and ({})
             offset 0
         )",
        taken_back.join(" or ")
    )
}

/// The last observation at or before `as_of`, of those known at `known_at`, that knows the metric;
/// and the first later moment, up to `as_of`, at which the metric was not known.
pub async fn metric_as_of(
    client: &Reader<impl Connection>,
    post: PostKey,
    metric: Metric,
    as_of: Timestamp,
    known_at: Timestamp,
) -> Result<Option<(Observation, Option<Timestamp>)>, Error> {
    // A closed list of column names: nothing of a caller's text reaches the statement.
    let column = metric.name();
    let stands = stands(&[metric], "$3");
    let known = format!(
        "select h.observed_at, h.recorded_at, h.revision, h.cause, h.unchanged, h.views, h.likes,
             h.comments, h.shares, h.saves, h.reach, h.watch_time, h.hidden
         from top_posts_vN_history h
         where h.post = $1 and h.observed_at <= $2 and h.recorded_at <= $3
             and h.{column} is not null and {stands}
         order by h.observed_at desc, h.revision desc
         limit 1"
    );
    let row = client
        .query_opt(&known, &[&post.uuid(), &At(as_of), &At(known_at)])
        .await?;
    let Some(observation) = row.as_ref().map(Observation::read).transpose()? else {
        return Ok(None);
    };
    let lacking = format!(
        "select observed_at
         from top_posts_vN_history
         where post = $1 and observed_at > $2 and observed_at <= $3 and recorded_at <= $4
             and {column} is null
         order by observed_at
         limit 1"
    );
    let row = client
        .query_opt(
            &lacking,
            &[
                &post.uuid(),
                &At(observation.observed_at),
                &At(as_of),
                &At(known_at),
            ],
        )
        .await?;
    let since = row
        .map(|row| row.try_get::<_, At>("observed_at").map(|at| at.0))
        .transpose()?;
    Ok(Some((observation, since)))
}
