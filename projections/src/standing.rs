//! How an account stands: its row and the health of its syncs, in one question.

use crate::access::Scope;
use crate::accounts::{AccountRow, COLUMNS};
use crate::sql::{Connection, Reader};
use crate::sync_health::HealthRow;
use domain::AccountId;
use tokio_postgres::Error;

/// The account, if it is known and within the scope, and the health of its syncs, if that read
/// model has it yet.
pub async fn find(
    client: &Reader<impl Connection>,
    scope: &Scope,
    account: AccountId,
) -> Result<Option<(AccountRow, Option<HealthRow>)>, Error> {
    let row = client
        .query_opt(
            &format!(
                "select {COLUMNS},
                 h.account_id is not null as has_health, h.last_attempt_at, h.last_success_at,
                 h.last_outcome, h.error_class, h.error_code, h.failing_since, h.failures,
                 h.recovered_at, h.rate_limit_reset_at, h.next_at, h.syncs
             from accounts_vN a
             left join sync_health_vN h on h.account_id = a.account_id
             where a.account_id = $1 and ($2::text[] is null or a.creator_id = any($2))"
            ),
            &[&account.uuid(), &scope.creators()],
        )
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    // Owner, platform and phase of either are the account's.
    let health = match row.try_get("has_health")? {
        true => Some(HealthRow::read(&row)?),
        false => None,
    };
    Ok(Some((AccountRow::read(&row)?, health)))
}
