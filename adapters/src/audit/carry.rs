//! Carries what was noted of one log over to its copy: the tips hold there, byte for byte.

use super::AuditError;
use projections::sql::Held;
use tokio_postgres::Transaction;

/// Notes for the copy what was noted of all of the source, if it was. Whoever follows the copy
/// then goes on at its end, and a verification has the older notes to compare with.
pub(crate) async fn carry(
    transaction: &Transaction<'_>,
    from: Held,
    to: Held,
) -> Result<bool, AuditError> {
    let followers = transaction
        .query(
            "select log_id, commit_position, prepare_position
             from audit_followers
             where log_id in ($1, $2)
             order by log_id
             for update",
            &[&from.log, &to.log],
        )
        .await?;
    let (mut is_whole, mut is_there) = (false, false);
    for row in &followers {
        let held = Held::read(row.try_get("log_id")?, row)?;
        is_whole |= held.log == from.log && held.order() >= from.order();
        is_there |= held.log == to.log && held.order() >= to.order();
    }
    if is_there || !is_whole {
        return Ok(is_there);
    }
    transaction
        .execute(
            "insert into audit_tips (log_id, stream, revision, hash)
             select $2, stream, revision, hash
             from audit_tips
             where log_id = $1
             on conflict (log_id, stream) do update
                 set revision = excluded.revision, hash = excluded.hash
                 where audit_tips.revision < excluded.revision",
            &[&from.log, &to.log],
        )
        .await?;
    transaction
        .execute(
            "insert into audit_followers
                 (log_id, commit_position, prepare_position, events, faults, began_at)
             select $2, $3, $4, events, faults, began_at
             from audit_followers
             where log_id = $1
             on conflict (log_id) do update
                 set commit_position = excluded.commit_position,
                     prepare_position = excluded.prepare_position,
                     events = excluded.events, faults = excluded.faults, updated_at = now()",
            &[&from.log, &to.log, &to.commit, &to.prepare],
        )
        .await?;
    Ok(true)
}
