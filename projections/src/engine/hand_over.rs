//! Hands the read models over to a copy of their log, so that they go on there without a rebuild.

use crate::projection::Projection;
use crate::sql::Held;
use std::sync::Arc;
use tokio_postgres::Transaction;

/// What became of the read models of a database whose log was copied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HandedOver {
    /// There are none.
    Absent,
    /// They stand at the end of the copy now, all of them.
    Moved,
    /// They belonged to the copy already.
    Already,
    /// These had not projected all of the source: none was touched.
    Behind(Vec<&'static str>),
    /// These belong to a third log: none was touched.
    Elsewhere(Vec<&'static str>),
}

/// Moves the checkpoints of all read models from the end of one log to the end of its copy, all
/// or none: an engine runs over one log. A projector of the old log finds its checkpoints gone.
/// A rebuild that is under way stays with the old log: it is dropped, and begun anew on the copy.
pub async fn hand_over(
    transaction: &Transaction<'_>,
    models: &[Arc<dyn Projection>],
    from: Held,
    to: Held,
) -> Result<HandedOver, tokio_postgres::Error> {
    // Locked, so that nobody moves them while they are judged.
    let rows = transaction
        .query(
            "select c.name, v.contract, c.log_id, c.commit_position, c.prepare_position
             from projection_checkpoints c
             join projection_versions v on v.name = c.name and v.version = c.version
             where v.dropped_at is null and (v.is_live or v.filled_at is not null)
             order by c.name, c.version, c.shard
             for update of c",
            &[],
        )
        .await?;
    let (mut behind, mut elsewhere, mut ready, mut there) = (vec![], vec![], false, false);
    for row in &rows {
        let (name, contract): (&str, i32) = (row.try_get("name")?, row.try_get("contract")?);
        // Versions of code that this program does not have keep nobody from going on.
        let known = models
            .iter()
            .find(|model| model.name() == name && model.contract() == contract);
        let Some(model) = known else { continue };
        let held = Held::read(row.try_get("log_id")?, row)?;
        if held.log == to.log {
            there = true;
        } else if held.log != from.log {
            elsewhere.push(model.name());
        } else if held.order() < from.order() {
            behind.push(model.name());
        } else {
            ready = true;
        }
    }
    behind.dedup();
    elsewhere.dedup();
    if !elsewhere.is_empty() {
        return Ok(HandedOver::Elsewhere(elsewhere));
    }
    if !behind.is_empty() {
        return Ok(HandedOver::Behind(behind));
    }
    if !ready {
        let settled = if there {
            HandedOver::Already
        } else {
            HandedOver::Absent
        };
        return Ok(settled);
    }
    transaction
        .execute(
            "update projection_checkpoints
             set log_id = $2, commit_position = $3, prepare_position = $4, updated_at = now()
             where log_id = $1 and (commit_position, prepare_position) >= ($5, $6)",
            &[
                &from.log,
                &to.log,
                &to.commit,
                &to.prepare,
                &from.commit,
                &from.prepare,
            ],
        )
        .await?;
    Ok(HandedOver::Moved)
}
