//! Finding connections: what was left unfinished, what a list shows, whom a message is about.

use super::super::keyring::unavailable;
use super::endings::read_ending;
use super::{Credentials, Ending, GrantState};
use commands::ports::VaultError;
use domain::{AccountId, Timestamp};
use projections::sql::At;
use std::collections::BTreeSet;
use uuid::Uuid;

/// What a kill left undone: to be told to the log, or to the platform.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unfinished {
    /// The log may not know that the account is connected.
    Announce(AccountId),
    /// The log may not know that its connection ended.
    End(AccountId, Ending),
    /// The platform may not know that the grant ended.
    Revoke(Uuid),
}

/// What a list shows of a connection: nothing that is secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConnectionFacts {
    /// Which account.
    pub account: AccountId,
    /// When it was connected last.
    pub connected_at: Timestamp,
    /// What was granted.
    pub scopes: BTreeSet<String>,
    /// When the access token ends, where that was said.
    pub access_expires_at: Option<Timestamp>,
    /// When the refresh token ends, where that was said.
    pub refresh_expires_at: Option<Timestamp>,
    /// Where the grant stands.
    pub state: GrantState,
    /// On how many days in a row its renewal failed in passing.
    pub failed_days: i32,
}

impl Credentials {
    /// What is unfinished, at most `limit` of each kind.
    pub async fn unfinished(&self, limit: i64) -> Result<Vec<Unfinished>, VaultError> {
        let client = self.client().await?;
        let rows = client
            .query(
                "select account_id, ending, ending_command, ending_at
                 from credentials.connections
                 where announcement is not null or ending is not null
                 order by account_id
                 limit $1",
                &[&limit],
            )
            .await
            .map_err(unavailable)?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            let account = AccountId::from_uuid(row.get("account_id"));
            found.push(match read_ending(row)? {
                Some(ending) => Unfinished::End(account, ending),
                None => Unfinished::Announce(account),
            });
        }
        let rows = client
            .query(
                "select grant_id
                 from credentials.grants
                 where state = 'revoking'
                 order by revoke_attempts, grant_id
                 limit $1",
                &[&limit],
            )
            .await
            .map_err(unavailable)?;
        let revoke = |row: &tokio_postgres::Row| Unfinished::Revoke(row.get("grant_id"));
        found.extend(rows.iter().map(revoke));
        Ok(found)
    }

    /// What is known of the connections of these accounts.
    pub async fn facts(&self, accounts: &[AccountId]) -> Result<Vec<ConnectionFacts>, VaultError> {
        let accounts: Vec<Uuid> = accounts.iter().map(|account| account.uuid()).collect();
        let rows = self
            .client()
            .await?
            .query(
                "select c.account_id, c.connected_at, g.scopes, g.access_expires_at,
                     g.refresh_expires_at, g.state, g.failed_days
                 from credentials.connections c
                 join credentials.grants g using (grant_id)
                 where c.account_id = any($1) and c.ending is null",
                &[&accounts],
            )
            .await
            .map_err(unavailable)?;
        let read = |row: &tokio_postgres::Row| {
            let at = |column| row.get::<_, Option<At>>(column).map(|at| at.0);
            Ok(ConnectionFacts {
                account: AccountId::from_uuid(row.get("account_id")),
                connected_at: row.get::<_, At>("connected_at").0,
                scopes: row.get::<_, Vec<String>>("scopes").into_iter().collect(),
                access_expires_at: at("access_expires_at"),
                refresh_expires_at: at("refresh_expires_at"),
                state: GrantState::parse(row.get("state"))?,
                failed_days: row.get("failed_days"),
            })
        };
        rows.iter().map(read).collect()
    }

    /// The accounts that use a grant.
    pub async fn accounts_of(&self, grant_id: Uuid) -> Result<Vec<AccountId>, VaultError> {
        let rows = self
            .client()
            .await?
            .query(
                "select account_id
                 from credentials.connections
                 where grant_id = $1 and ending is null
                 order by account_id",
                &[&grant_id],
            )
            .await
            .map_err(unavailable)?;
        let rows = rows.iter();
        Ok(rows
            .map(|row| AccountId::from_uuid(row.get("account_id")))
            .collect())
    }
}
