//! Questions to the accounts.

use crate::access::Scope;
use crate::sql::{At, Connection, Reader};
use domain::{AccountId, CreatorId, Platform, Timestamp};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// An account as the read model has it; its profile is still sealed.
#[derive(Clone, Debug)]
pub struct AccountRow {
    /// The account.
    pub account_id: AccountId,
    /// Who owns it.
    pub creator: String,
    /// Where it lives.
    pub platform: String,
    /// Where it stands: imported, connected, needs_reauthorization, disconnected, erased.
    pub phase: String,
    /// Since when.
    pub phase_since: Timestamp,
    /// Why, where there is a reason.
    pub phase_reason: Option<String>,
    /// The newest profile, sealed; blank once the account is erased.
    pub profile: Vec<u8>,
    /// When that profile was seen, or the account erased.
    pub profile_observed_at: Timestamp,
    /// When the ledger first heard of the account.
    pub first_recorded_at: Timestamp,
    /// The oldest moment that anything of it was observed at.
    pub first_observed_at: Option<Timestamp>,
    /// The newest such moment.
    pub last_observed_at: Option<Timestamp>,
    /// Whether any of its numbers are a simulation's.
    pub simulated: bool,
    /// Since when events of it wait, because a live read model cannot apply them.
    pub parked_since: Option<Timestamp>,
}

impl AccountRow {
    pub(crate) fn read(row: &Row) -> Result<Self, Error> {
        let at = |column: &str| row.try_get::<_, At>(column).map(|at| at.0);
        let maybe_at = |column: &str| {
            row.try_get::<_, Option<At>>(column)
                .map(|at| at.map(|at| at.0))
        };
        Ok(Self {
            account_id: AccountId::from_uuid(row.try_get("account_id")?),
            creator: row.try_get("creator_id")?,
            platform: row.try_get("platform")?,
            phase: row.try_get("phase")?,
            phase_since: at("phase_since")?,
            phase_reason: row.try_get("phase_reason")?,
            profile: row.try_get("profile")?,
            profile_observed_at: at("profile_observed_at")?,
            first_recorded_at: at("first_recorded_at")?,
            first_observed_at: maybe_at("first_observed_at")?,
            last_observed_at: maybe_at("last_observed_at")?,
            simulated: row.try_get("simulated")?,
            parked_since: maybe_at("parked_since")?,
        })
    }

    /// Whether its data was destroyed.
    pub fn is_erased(&self) -> bool {
        self.phase == "erased"
    }

    /// The platform, typed; the model holds none that this program does not know.
    pub fn platform(&self) -> Option<Platform> {
        self.platform.parse().ok()
    }
}

/// What [`AccountRow::read`] reads of `accounts_vN a`.
pub(crate) const COLUMNS: &str = "a.account_id, a.creator_id, a.platform, a.phase, a.phase_since,
    a.phase_reason, a.profile, a.profile_observed_at, a.first_recorded_at, a.first_observed_at,
    a.last_observed_at, a.simulated,
    (
        select min(p.since)
        from projection_parked p
        join projection_versions v on v.name = p.name and v.version = p.version
        where v.is_live and p.account_id = a.account_id
    ) as parked_since";

/// The account, if it is known and within the scope.
pub async fn find(
    client: &Reader<impl Connection>,
    scope: &Scope,
    account: AccountId,
) -> Result<Option<AccountRow>, Error> {
    let row = client
        .query_opt(
            &format!(
                "select {COLUMNS}
                 from accounts_vN a
                 where account_id = $1 and ($2::text[] is null or creator_id = any($2))"
            ),
            &[&account.uuid(), &scope.creators()],
        )
        .await?;
    row.as_ref().map(AccountRow::read).transpose()
}

/// Those of these accounts that are known and within the scope, in the order of their ids.
pub async fn find_many(
    client: &Reader<impl Connection>,
    scope: &Scope,
    accounts: &[AccountId],
) -> Result<Vec<AccountRow>, Error> {
    let ids: Vec<Uuid> = accounts.iter().map(|account| account.uuid()).collect();
    let rows = client
        .query(
            &format!(
                "select {COLUMNS}
                 from accounts_vN a
                 where account_id = any($1) and ($2::text[] is null or creator_id = any($2))
                 order by account_id"
            ),
            &[&ids, &scope.creators()],
        )
        .await?;
    rows.iter().map(AccountRow::read).collect()
}

/// A creator's accounts in the order of their ids, from after a given one on.
pub async fn list(
    client: &Reader<impl Connection>,
    scope: &Scope,
    creator: &CreatorId,
    platform: Option<Platform>,
    after: Option<AccountId>,
    limit: i64,
) -> Result<Vec<AccountRow>, Error> {
    if !scope.allows(creator) {
        return Ok(vec![]);
    }
    let rows = client
        .query(
            &format!(
                "select {COLUMNS}
                 from accounts_vN a
                 where creator_id = $1
                     and ($2::text is null or platform = $2)
                     and ($3::uuid is null or account_id > $3)
                 order by account_id
                 limit $4"
            ),
            &[
                &creator.as_str(),
                &platform.map(Platform::name),
                &after.map(AccountId::uuid),
                &limit,
            ],
        )
        .await?;
    rows.iter().map(AccountRow::read).collect()
}
