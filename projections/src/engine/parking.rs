//! Parked streams: accounts that a version of a read model cannot apply. All their events wait,
//! from the one that failed on, and everybody else's go on.

use crate::projection::Applied;
use crate::version::Version;
use domain::AccountId;
use domain::account::Event;
use std::collections::HashMap;
use tokio_postgres::GenericClient;
use uuid::Uuid;

/// So many streams of one version are parked by the engine itself. If there are more, it is the
/// read model that fails and not a stream: its shards are halted.
pub const MOST_PARKED: i64 = 100;

/// What becomes of a stream whose event a read model cannot apply, whatever is tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OnFault {
    /// Its shard stands still until somebody has looked at it.
    #[default]
    Halt,
    /// The stream waits alone, and everybody else's events go on.
    Park,
}

/// The parked streams of a version, as of one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Parked {
    /// How often streams had been parked or taken back until then.
    pub(super) parkings: i64,
    /// From which revision on the events of an account wait.
    pub(super) accounts: HashMap<AccountId, i64>,
}

impl Parked {
    /// Whether an account's events wait at this revision.
    pub(super) fn waits(&self, account: AccountId, revision: i64) -> bool {
        self.accounts
            .get(&account)
            .is_some_and(|from| revision >= *from)
    }

    /// Whether an event waits. The end of an account does not: nothing of it may stay.
    pub(super) fn holds(&self, event: &Applied) -> bool {
        let waits = self.waits(event.account, event.revision);
        waits && !matches!(event.event, Event::AccountErased(_))
    }
}

/// The event that a version cannot apply.
#[derive(Clone, Debug)]
pub(super) struct Culprit {
    pub(super) account: AccountId,
    pub(super) revision: i64,
}

/// Parks a stream, unless there are too many. Says whether it is parked now.
pub(super) async fn park(
    client: &mut tokio_postgres::Client,
    (version, shard): (&Version, i32),
    culprit: &Culprit,
    error: &str,
) -> Result<bool, tokio_postgres::Error> {
    let transaction = client.transaction().await?;
    let parked = transaction
        .execute(
            "insert into projection_parked (name, version, account_id, revision, error)
             select $1, $2, $3, $4, $5
             where (
                 select count(*) from projection_parked where name = $1 and version = $2
             ) < $6
             on conflict do nothing",
            &[
                &version.name(),
                &version.number,
                &culprit.account.uuid(),
                &culprit.revision,
                &error,
                &MOST_PARKED,
            ],
        )
        .await?;
    tell(&transaction, version.name(), version.number, shard).await?;
    transaction.commit().await?;
    Ok(parked == 1)
}

/// Lets everybody who applies events to a shard know that its parked streams are others now.
pub(crate) async fn tell(
    client: &impl GenericClient,
    name: &str,
    version: i32,
    shard: i32,
) -> Result<(), tokio_postgres::Error> {
    client
        .execute(
            "update projection_checkpoints
             set parkings = parkings + 1
             where name = $1 and version = $2 and shard = $3",
            &[&name, &version, &shard],
        )
        .await?;
    Ok(())
}

/// Forgets the parked streams of accounts that were erased: nothing of them waits any more.
pub(super) async fn forget(
    client: &impl GenericClient,
    version: &Version,
    erased: &[Uuid],
) -> Result<(), tokio_postgres::Error> {
    client
        .execute(
            "delete from projection_parked
             where name = $1 and version = $2 and account_id = any ($3)",
            &[&version.name(), &version.number, &erased],
        )
        .await?;
    Ok(())
}

/// A number that changes whenever a stream of any version is parked or taken back.
pub(super) async fn parkings(client: &impl GenericClient) -> Result<i64, tokio_postgres::Error> {
    let row = client
        .query_one(
            "select coalesce(sum(parkings), 0)::bigint as parkings from projection_checkpoints",
            &[],
        )
        .await?;
    row.try_get("parkings")
}
