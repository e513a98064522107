//! How each version of each read model stands.

use super::parking::ParkedStream;
use super::rebuild::REBUILD_LOCK;
use super::{AdminError, Administration};
use crate::sql::{At, Held};
use domain::codec::decode_recorded;
use domain::{Position, Timestamp};
use serde::Serialize;
use tokio_postgres::Row;

/// Where positions do not tell how many events lie between them, so many are counted.
const MOST_COUNTED: usize = 1_000;
/// A rate that was measured longer ago than this, in seconds, is nobody's any more.
const RATE_HOLDS: f64 = 10.0;

/// What a version is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Answers come from it.
    Live,
    /// It is kept as the live one is, and can be switched to.
    Ready,
    /// A rebuild fills it, or it is the first version and the projector does.
    Filling,
    /// It is not full, and nobody fills it.
    Paused,
    /// A shard of it was halted by a failure.
    Halted,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Live,
        Self::Ready,
        Self::Filling,
        Self::Paused,
        Self::Halted,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Ready => "ready",
            Self::Filling => "filling",
            Self::Paused => "paused",
            Self::Halted => "halted",
        }
    }
}

/// How a version stands.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    /// The read model.
    pub name: String,
    /// The version: the number in its tables' names.
    pub version: i32,
    /// The contract of the code that made it.
    pub contract: i32,
    /// The fingerprint of that code and its tables.
    pub fingerprint: Option<String>,
    /// Whether answers come from it.
    pub live: bool,
    /// What it is doing.
    pub state: State,
    /// Up to where it has the log; of its shards the slowest counts.
    pub position: Option<String>,
    /// How many events it lacks; nothing, if they are too many to count.
    pub lag_events: Option<u64>,
    /// How long ago the first event that it lacks was recorded.
    pub lag_seconds: Option<f64>,
    /// How many events a second it was given lately.
    pub rate: f64,
    /// How many events it was given.
    pub events: i64,
    /// How many events it was not given: this program does not know their type or schema.
    pub skipped: i64,
    /// Why it was halted, if it was.
    pub fault: Option<String>,
    /// The version that `rollback` goes back to, if this one is live.
    pub replaces: Option<i32>,
    /// Streams that it cannot apply, and whose events wait.
    pub parked: Vec<ParkedStream>,
}

impl Administration {
    /// How all versions stand, by name and number.
    pub async fn list(&self) -> Result<Vec<Standing>, AdminError> {
        let client = self.connect().await?;
        let rows = client
            .query(
                "select v.name, v.version, v.contract, v.fingerprint, v.is_live,
                     v.filled_at is not null as is_filled, v.replaces,
                     c.log_id, c.commit_position, c.prepare_position, sums.events, sums.skipped,
                     sums.rate, sums.fault, now() as asked_at,
                     exists (
                         select
                         from pg_locks l
                         where l.locktype = 'advisory' and l.granted and l.objsubid = 2
                             and l.database = (
                                 select oid from pg_database where datname = current_database()
                             )
                             and l.classid = $1::int::oid and l.objid = hashtext(v.name)::oid
                     ) as is_rebuilt
                 from projection_versions v
                 cross join lateral (
                     select log_id, commit_position, prepare_position
                     from projection_checkpoints
                     where name = v.name and version = v.version
                     order by commit_position, prepare_position
                     limit 1
                 ) c
                 cross join lateral (
                     select sum(events)::bigint as events, sum(skipped)::bigint as skipped,
                         coalesce(sum(rate) filter (
                             where updated_at > now() - $2::double precision * interval '1 second'
                         ), 0) as rate,
                         min(fault) as fault
                     from projection_checkpoints
                     where name = v.name and version = v.version
                 ) sums
                 where v.dropped_at is null
                 order by v.name, v.version",
                &[&REBUILD_LOCK, &RATE_HOLDS],
            )
            .await?;
        let head = self.feed.head().await?;
        let parked = self.parked().await?;
        let mut found = vec![];
        for row in &rows {
            let mut standing = self.standing(row, head).await?;
            let mut of_it = parked.clone();
            of_it.retain(|it| it.name == standing.name && it.version == standing.version);
            standing.parked = of_it;
            found.push(standing);
        }
        Ok(found)
    }

    async fn standing(&self, row: &Row, head: Option<Position>) -> Result<Standing, AdminError> {
        let held = Held::read(row.try_get("log_id")?, row)?.position();
        let now = row.try_get::<_, At>("asked_at")?.0;
        let (lag_events, lag_seconds) = self.lag(held, head, now).await?;
        let live = row.try_get("is_live")?;
        let fault: Option<String> = row.try_get("fault")?;
        let state = match (live, row.try_get("is_filled")?, row.try_get("is_rebuilt")?) {
            _ if fault.is_some() => State::Halted,
            (true, true, _) => State::Live,
            (true, false, _) | (false, false, true) => State::Filling,
            (false, false, false) => State::Paused,
            (false, true, _) => State::Ready,
        };
        Ok(Standing {
            name: row.try_get("name")?,
            version: row.try_get("version")?,
            contract: row.try_get("contract")?,
            fingerprint: row.try_get("fingerprint")?,
            live,
            state,
            position: held.map(|held| held.to_string()),
            lag_events,
            lag_seconds,
            rate: row.try_get("rate")?,
            events: row.try_get("events")?,
            skipped: row.try_get("skipped")?,
            fault,
            replaces: row.try_get("replaces")?,
            parked: vec![],
        })
    }

    /// How many events somebody lacks who is there, and how long the first of them has waited.
    async fn lag(
        &self,
        held: Option<Position>,
        head: Option<Position>,
        now: Timestamp,
    ) -> Result<(Option<u64>, Option<f64>), AdminError> {
        let Some(head) = head.filter(|head| held.is_none_or(|held| held < *head)) else {
            return Ok((Some(0), Some(0.0)));
        };
        let distance = self.feed.distance(held, head);
        let most = if distance.is_some() { 1 } else { MOST_COUNTED };
        let lacking = self.feed.read_all(held, most).await?;
        let counted = (lacking.len() < most).then_some(lacking.len() as u64);
        let first = lacking
            .first()
            .and_then(|event| decode_recorded(event).ok());
        let seconds = first.map(|event| {
            let micros = now.micros() - event.metadata.recorded_at.micros();
            micros.max(0) as f64 / 1e6
        });
        Ok((distance.or(counted), seconds))
    }
}
