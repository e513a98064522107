//! The tip of every stream in Postgres, and how far the log was followed: both move together.

use super::AuditError;
use crate::pages::is_ours;
use domain::chain::verify::{Fault, follow};
use domain::chain::{ChainHash, Tip};
use domain::{RecordedEvent, Timestamp};
use projections::feed::Followed;
use projections::sql::{At, Held};
use std::collections::HashMap;
use tokio_postgres::{Client, GenericClient, Row};
use uuid::Uuid;

/// Rows that come back are taken again after a crash: nothing needs to wait for the disk.
const SESSION: &str = "
    set local synchronous_commit = off;
    set local idle_in_transaction_session_timeout = '10s'";

/// Where the tips of a log stand; at its beginning, if they were never taken.
pub(super) async fn held(client: &Client, log: Uuid, now: Timestamp) -> Result<Held, AuditError> {
    client
        .execute(
            "insert into audit_followers (log_id, commit_position, prepare_position, began_at)
             values ($1, 0, 0, $2)
             on conflict do nothing",
            &[&log, &At(now)],
        )
        .await?;
    let row = client
        .query_one(
            "select commit_position, prepare_position from audit_followers where log_id = $1",
            &[&log],
        )
        .await?;
    Ok(Held::read(log, &row)?)
}

/// Takes the next part of the log. Nothing if somebody else took it meanwhile: where the tips stand must
/// then be asked anew.
///
/// An event that does not continue its stream is told in the log and counted; the tip moves on to
/// it all the same, for what was true before stands in the checkpoints.
pub(super) async fn take(
    client: &mut Client,
    from: Held,
    followed: &Followed,
) -> Result<Option<Held>, AuditError> {
    let Followed { events, reached } = followed;
    let to = Held::at(*reached);
    let transaction = client.transaction().await?;
    transaction.batch_execute(SESSION).await?;
    let moved = transaction
        .execute(
            "update audit_followers
             set commit_position = $4, prepare_position = $5, updated_at = now()
             where log_id = $1 and commit_position = $2 and prepare_position = $3",
            &[
                &from.log,
                &from.commit,
                &from.prepare,
                &to.commit,
                &to.prepare,
            ],
        )
        .await?;
    if moved == 0 {
        return Ok(None);
    }
    let mut tips = load(&transaction, from.log, events).await?;
    let before = tips.clone();
    // Hashing is work for a processor, not for the tasks that wait.
    let (count, faults) = tokio::task::block_in_place(|| note(&mut tips, events));
    let changed = tips
        .iter()
        .filter(|(stream, tip)| before.get(*stream) != Some(tip));
    let (mut streams, mut revisions, mut hashes) = (vec![], vec![], vec![]);
    for (stream, tip) in changed {
        streams.push(*stream);
        revisions.push(tip.revision.cast_signed());
        hashes.push(tip.hash.0.to_vec());
    }
    transaction
        .execute(
            "insert into audit_tips (log_id, stream, revision, hash)
             select $1, stream, revision, hash
             from unnest($2::text[], $3::bigint[], $4::bytea[]) as given (stream, revision, hash)
             order by stream collate \"C\"
             on conflict (log_id, stream) do update
                 set revision = excluded.revision, hash = excluded.hash",
            &[&from.log, &streams, &revisions, &hashes],
        )
        .await?;
    transaction
        .execute(
            "update audit_followers
             set events = events + $2, faults = faults + $3
             where log_id = $1",
            &[&from.log, &count, &faults],
        )
        .await?;
    transaction.commit().await?;
    Ok(Some(to))
}

async fn load<'e>(
    client: &impl GenericClient,
    log: Uuid,
    events: &'e [RecordedEvent],
) -> Result<HashMap<&'e str, Tip>, AuditError> {
    let mut streams: Vec<&str> = events
        .iter()
        .filter(|event| is_ours(event))
        .map(|event| event.stream.as_str())
        .collect();
    streams.sort_unstable();
    streams.dedup();
    let rows = client
        .query(
            "select stream, revision, hash
             from audit_tips
             where log_id = $1 and stream = any($2)",
            &[&log, &streams],
        )
        .await?;
    let mut tips = HashMap::with_capacity(streams.len());
    for row in &rows {
        let stream: &str = row.try_get("stream")?;
        if let Ok(at) = streams.binary_search(&stream) {
            tips.insert(streams[at], tip(row)?);
        }
    }
    Ok(tips)
}

fn note<'e>(tips: &mut HashMap<&'e str, Tip>, events: &'e [RecordedEvent]) -> (i64, i64) {
    let (mut count, mut faults) = (0, 0);
    for event in events.iter().filter(|event| is_ours(event)) {
        let stream = event.stream.as_str();
        let (tip, fault) = follow(tips.get(stream).copied(), event);
        tips.insert(stream, tip);
        count += 1;
        if let Some(fault) = fault {
            faults += 1;
            tell(event, &fault);
        }
    }
    (count, faults)
}

fn tell(event: &RecordedEvent, fault: &Fault) {
    tracing::error!(
        stream = %event.stream,
        revision = event.revision,
        position = %event.position,
        %fault,
        "an event does not continue its stream: run `audit verify`"
    );
}

pub(super) fn tip(row: &Row) -> Result<Tip, AuditError> {
    let hash: &[u8] = row.try_get("hash")?;
    let hash = hash
        .try_into()
        .map_err(|_| AuditError::Database("a stored hash has not 32 bytes".to_owned()))?;
    Ok(Tip {
        revision: row.try_get::<_, i64>("revision")?.cast_unsigned(),
        hash: ChainHash(hash),
    })
}

/// The last event of one stream as the follower noted it, if it did.
pub(super) async fn of_stream(
    client: &Client,
    log: Uuid,
    stream: &str,
) -> Result<Option<Tip>, AuditError> {
    let row = client
        .query_opt(
            "select revision, hash from audit_tips where log_id = $1 and stream = $2",
            &[&log, &stream],
        )
        .await?;
    row.as_ref().map(tip).transpose()
}
