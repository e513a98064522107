//! Finds the event that a read model cannot apply: every account's events are applied alone, one
//! after the other, and nothing of it is kept.

use super::parking::Culprit;
use super::taken::Taken;
use crate::projection::{Applied, ProjectionError};
use crate::tables::{Statements, Tables};
use crate::version::Version;
use domain::AccountId;
use std::collections::BTreeMap;
use tokio_postgres::Client;

/// The first event that fails on its own account, if it is one event that fails. Fails itself only
/// where trying again may help.
pub(super) async fn find(
    client: &mut Client,
    version: &Version,
    taken: &Taken<'_>,
) -> Result<Option<Culprit>, ProjectionError> {
    let mut accounts: BTreeMap<AccountId, Vec<&Applied>> = BTreeMap::new();
    for event in taken.events.iter().flat_map(|events| events.iter()) {
        accounts.entry(event.account).or_default().push(event);
    }
    let statements = Statements::default();
    for (account, events) in accounts {
        let transaction = client.transaction().await?;
        let tables = Tables::new(&transaction, version, &statements);
        for event in events {
            let alone = std::slice::from_ref(event);
            match version.projection.apply(&tables, alone).await {
                Ok(()) => {}
                Err(error) if error.is_passing() => return Err(error),
                Err(_) => {
                    return Ok(Some(Culprit {
                        account,
                        revision: event.revision,
                    }));
                }
            }
        }
        transaction.rollback().await?;
    }
    Ok(None)
}
