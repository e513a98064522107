//! Stored states: of every so many revisions of an account, the state after them and the little
//! of each event that states depend on. Disposable: everything in it is folded again from the log.

use super::{AuditError, Auditor};
use domain::account::{AsOf, Event, effective_at, reduced};
use domain::chain::{ChainHash, Tip};
use domain::codec::{decode, decode_recorded, encode};
use domain::{AccountId, RecordedEvent, StreamName, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Revisions between two stored states.
pub const EVERY: u64 = 512;
/// Events that are read at once.
const PAGE: usize = 64;
/// Raised whenever states of another shape are kept, or the same events lead to other states.
const SHAPE: i32 = 1;

/// What a stored state must have been made by: a program that knows other events made others.
const fn shape() -> i32 {
    let (mut shape, mut n) = (SHAPE * 10_000, 0);
    while n < Event::TYPES.len() {
        shape += Event::TYPES[n].1 as i32;
        n += 1;
    }
    shape
}

/// Where a stored state stands, without the state.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) last: Tip,
    /// When the last of its events was recorded.
    pub(super) recorded_at: Timestamp,
    /// The earliest moment at which one of its events took effect.
    pub(super) earliest: Timestamp,
    /// The latest moment at which any event up to its end took effect.
    pub(super) latest: Timestamp,
}

/// An event with the little that a state needs of it.
#[derive(Clone, Debug)]
pub(super) struct Small {
    pub(super) tip: Tip,
    pub(super) recorded_at: Timestamp,
    /// Nothing, if this program does not know its type.
    pub(super) event: Option<Event>,
}

/// One event as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    revision: u64,
    recorded_at: i64,
    #[serde(rename = "type")]
    event_type: String,
    schema: u16,
    data: Box<RawValue>,
}

impl Kept {
    fn of(small: &Small) -> Option<Result<Self, AuditError>> {
        let event = small.event.as_ref()?;
        let write = || {
            let data = String::from_utf8(encode(event)?)
                .map_err(|e| AuditError::Internal(e.to_string()))?;
            Ok(Self {
                revision: small.tip.revision,
                recorded_at: small.recorded_at.micros(),
                event_type: event.type_name().to_owned(),
                schema: event.schema(),
                data: RawValue::from_string(data)?,
            })
        };
        Some(write())
    }

    fn read(self) -> Option<KeptEvent> {
        let data = self.data.get().as_bytes();
        Some(KeptEvent {
            revision: self.revision,
            recorded_at: Timestamp::from_micros(self.recorded_at)?,
            event: decode(&self.event_type, self.schema, data).ok()??,
        })
    }
}

/// What is kept of an event.
pub(super) struct KeptEvent {
    pub(super) revision: u64,
    pub(super) recorded_at: Timestamp,
    pub(super) event: Event,
}

impl Small {
    pub(super) fn of(recorded: &RecordedEvent) -> Result<Self, AuditError> {
        let decoded = decode_recorded(recorded).map_err(|error| AuditError::Undecodable {
            stream: recorded.stream.to_string(),
            revision: recorded.revision,
            reason: error.to_string(),
        })?;
        Ok(Self {
            tip: Tip {
                revision: recorded.revision,
                hash: ChainHash::of_recorded(recorded),
            },
            recorded_at: decoded.metadata.recorded_at,
            event: decoded.event.as_ref().map(reduced),
        })
    }
}

impl Auditor {
    /// Where the stored states of an account stand, in order, if they are of the stream as it is
    /// now: the last of them names an event that must still be there.
    async fn segments(&self, account: AccountId) -> Result<Vec<Segment>, AuditError> {
        let client = self.pool.get().await?;
        let statement = client
            .prepare_cached(
                "select last_revision, tip, recorded_at, earliest, latest
                 from audit_states
                 where account_id = $1 and shape = $2
                 order by last_revision",
            )
            .await?;
        let rows = client
            .query(&statement, &[&account.uuid(), &shape()])
            .await?;
        drop(client);
        let mut segments: Vec<Segment> = vec![];
        for (row, n) in rows.iter().zip(1_u64..) {
            let tip: &[u8] = row.try_get("tip")?;
            let moment = |column| -> Result<Option<Timestamp>, AuditError> {
                Ok(Timestamp::from_micros(row.try_get(column)?))
            };
            let revision = row.try_get::<_, i64>("last_revision")?.cast_unsigned();
            let (Ok(hash), Some(recorded_at), Some(earliest), Some(latest)) = (
                tip.try_into(),
                moment("recorded_at")?,
                moment("earliest")?,
                moment("latest")?,
            ) else {
                break;
            };
            // One that is missing ends what can be used.
            if revision != n * EVERY - 1 {
                break;
            }
            let hash = ChainHash(hash);
            segments.push(Segment {
                last: Tip { revision, hash },
                recorded_at,
                earliest,
                latest,
            });
        }
        let Some(end) = segments.last() else {
            return Ok(segments);
        };
        let stream = StreamName::of_account(account);
        let there = self.log.read_stream(&stream, end.last.revision, 1).await?;
        let is_same = there.first().is_some_and(|event| {
            event.revision == end.last.revision && ChainHash::of_recorded(event) == end.last.hash
        });
        if !is_same {
            tracing::error!(%stream, "stored states are not of this history: run `audit verify`");
            self.forget_states(account).await?;
            segments.clear();
        }
        Ok(segments)
    }

    /// Removes the stored states of an account.
    pub async fn forget_states(&self, account: AccountId) -> Result<(), AuditError> {
        let client = self.pool.get().await?;
        client
            .execute(
                "delete from audit_states where account_id = $1",
                &[&account.uuid()],
            )
            .await?;
        Ok(())
    }

    /// The state after a segment and all before it, none left out.
    pub(super) async fn state_after(
        &self,
        account: AccountId,
        segment: &Segment,
    ) -> Result<AsOf, AuditError> {
        let state: Vec<u8> = self.column(account, segment, "state").await?;
        Ok(serde_json::from_slice(&state)?)
    }

    /// The events of a segment, but those that this program does not know.
    pub(super) async fn events_of(
        &self,
        account: AccountId,
        segment: &Segment,
    ) -> Result<Vec<KeptEvent>, AuditError> {
        let events = self.column(account, segment, "events").await?;
        let kept: Vec<Kept> = serde_json::from_slice(&events)?;
        let read: Option<Vec<KeptEvent>> = kept.into_iter().map(Kept::read).collect();
        read.ok_or_else(|| AuditError::Internal("kept events are not read".to_owned()))
    }

    /// A page of events from the log, with what states need of them.
    pub(super) async fn small_events(
        &self,
        account: AccountId,
        from: u64,
    ) -> Result<Vec<Small>, AuditError> {
        let stream = StreamName::of_account(account);
        let page = self.log.read_stream(&stream, from, PAGE).await?;
        page.iter().map(Small::of).collect()
    }

    async fn column(
        &self,
        account: AccountId,
        segment: &Segment,
        column: &'static str,
    ) -> Result<Vec<u8>, AuditError> {
        let sql = format!(
            "select {column} from audit_states where account_id = $1 and last_revision = $2"
        );
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(&sql).await?;
        let revision = segment.last.revision.cast_signed();
        let row = client
            .query_opt(&statement, &[&account.uuid(), &revision])
            .await?;
        let row = row.ok_or_else(|| {
            AuditError::Database("stored states were removed meanwhile: ask again".to_owned())
        })?;
        Ok(row.try_get(0)?)
    }

    /// The stored states of an account, after those that were missing were stored, and the events
    /// after the last of them: always fewer than [`EVERY`].
    pub(super) async fn segments_and_tail(
        &self,
        account: AccountId,
    ) -> Result<(Vec<Segment>, Vec<Small>), AuditError> {
        let mut segments = self.segments(account).await?;
        let mut state: Option<AsOf> = None;
        let mut tail: Vec<Small> = vec![];
        loop {
            let next = tail.last().map(|small| small.tip);
            let next = next.or_else(|| segments.last().map(|segment| segment.last));
            let next = next.map_or(0, |tip| tip.revision + 1);
            let page = self.small_events(account, next).await?;
            let is_end = page.len() < PAGE;
            tail.extend(page);
            if tail.len() as u64 == EVERY {
                let mut after = match (state.take(), segments.last()) {
                    (Some(state), _) => state,
                    (None, Some(segment)) => self.state_after(account, segment).await?,
                    (None, None) => AsOf::new(Timestamp::MAX),
                };
                let before = segments.last().map(|segment| segment.latest);
                let kept = self.keep(account, &mut after, before, &tail).await?;
                segments.push(kept);
                tail.clear();
                state = Some(after);
            }
            if is_end {
                return Ok((segments, tail));
            }
        }
    }

    async fn keep(
        &self,
        account: AccountId,
        state: &mut AsOf,
        latest_before: Option<Timestamp>,
        events: &[Small],
    ) -> Result<Segment, AuditError> {
        let known = || events.iter().filter_map(|small| small.event.as_ref());
        for event in known() {
            state.push(event);
        }
        let effects = || known().map(effective_at);
        let last = events.last().map_or(
            Tip {
                revision: 0,
                hash: ChainHash::GENESIS,
            },
            |small| small.tip,
        );
        let segment = Segment {
            last,
            recorded_at: events
                .iter()
                .map(|small| small.recorded_at)
                .max()
                .unwrap_or(Timestamp::MIN),
            earliest: effects().min().unwrap_or(Timestamp::MAX),
            latest: effects()
                .chain(latest_before)
                .max()
                .unwrap_or(Timestamp::MIN),
        };
        let kept: Vec<Kept> = events
            .iter()
            .filter_map(Kept::of)
            .collect::<Result<_, _>>()?;
        let client = self.pool.get().await?;
        client
            .execute(
                "insert into audit_states (account_id, last_revision, shape, tip, recorded_at,
                     earliest, latest, state, events)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                 on conflict (account_id, last_revision) do update
                     set shape = excluded.shape, tip = excluded.tip,
                         recorded_at = excluded.recorded_at, earliest = excluded.earliest,
                         latest = excluded.latest, state = excluded.state,
                         events = excluded.events",
                &[
                    &account.uuid(),
                    &last.revision.cast_signed(),
                    &shape(),
                    &last.hash.0.as_slice(),
                    &segment.recorded_at.micros(),
                    &segment.earliest.micros(),
                    &segment.latest.micros(),
                    &serde_json::to_vec(state)?,
                    &serde_json::to_vec(&kept)?,
                ],
            )
            .await?;
        Ok(segment)
    }
}
