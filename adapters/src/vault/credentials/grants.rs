//! Storing what a consent gave: the grant, and the accounts that use it, in one transaction.

use super::super::keyring::unavailable;
use super::{
    AccountAccess, Announcement, ConnectedAccount, Credentials, GRANT_COLUMNS, Grant, GrantKey,
    Tokens, sealed,
};
use commands::ports::VaultError;
use domain::{AccountId, CommandId, CreatorId, Platform, Timestamp};
use projections::sql::At;
use std::collections::BTreeSet;
use tokio_postgres::{Row, Transaction};
use uuid::Uuid;

/// What a consent gave.
#[derive(Clone, Debug)]
pub struct NewGrant {
    /// For whom.
    pub creator: CreatorId,
    /// Where.
    pub platform: Platform,
    /// The platform's id of the person who consented.
    pub person: String,
    /// The tokens. Without a refresh token the one that the person's last grant left is kept.
    pub tokens: Tokens,
    /// What they allow.
    pub scopes: BTreeSet<String>,
}

/// An account that is to use it.
#[derive(Clone, Debug)]
pub struct NewConnection {
    /// Which account.
    pub account: AccountId,
    /// Its side of the platform.
    pub access: AccountAccess,
    /// What the log is to be told.
    pub announcement: Announcement,
}

impl Credentials {
    /// Stores a grant and the accounts that use it. A person's grant for the same creator is
    /// replaced; an account that used another grant leaves it, and a grant that nobody is left to
    /// use is wiped without a word to the platform, which would end the new one with it.
    pub async fn store(
        &self,
        new: &NewGrant,
        connections: &[NewConnection],
        now: Timestamp,
    ) -> Result<Uuid, VaultError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(unavailable)?;
        self.vault.hold(&transaction).await?;
        let key = self.put_grant(&transaction, new).await?;
        for connection in connections {
            let access = sealed::write_access(&connection.access)?;
            let said = sealed::write_announcement(&connection.announcement)?;
            let account = connection.account.uuid();
            transaction
                .execute(
                    "insert into credentials.connections
                         (account_id, grant_id, sealed, connected_at, announcement,
                          announcement_command)
                     values ($1, $2, $3, $4, $5, $6)
                     on conflict (account_id) do update
                     set grant_id = excluded.grant_id,
                         sealed = excluded.sealed,
                         connected_at = excluded.connected_at,
                         announcement = excluded.announcement,
                         announcement_command = excluded.announcement_command,
                         ending = null,
                         ending_command = null,
                         ending_at = null",
                    &[
                        &account,
                        &key.grant_id,
                        &key.seal(&access, b"/account/", account.as_bytes())?,
                        &At(now),
                        &key.seal(&said, b"/announcement/", account.as_bytes())?,
                        &connection.announcement.command_id.uuid(),
                    ],
                )
                .await
                .map_err(unavailable)?;
            let ids = [
                Some(&connection.access.platform_account_id),
                connection.access.other_id.as_ref(),
                Some(&new.person),
            ];
            let ids = ids.into_iter().flatten();
            let tags = ids.map(|id| self.name_tag(new.platform, id).to_vec());
            transaction
                .execute(
                    "insert into credentials.names (tag, account_id)
                     select distinct tag, $2::uuid from unnest($1::bytea[]) names (tag)
                     on conflict do nothing",
                    &[&tags.collect::<Vec<_>>(), &account],
                )
                .await
                .map_err(unavailable)?;
        }
        transaction
            .execute(
                "delete from credentials.grants g
                 where g.creator = $1 and g.platform = $2 and g.state <> 'revoking'
                     and not exists (
                         select from credentials.connections c where c.grant_id = g.grant_id
                     )",
                &[&new.creator.as_str(), &new.platform.name()],
            )
            .await
            .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(key.grant_id)
    }

    async fn put_grant(
        &self,
        transaction: &Transaction<'_>,
        new: &NewGrant,
    ) -> Result<GrantKey, VaultError> {
        let tag = self.person_tag(new.platform, &new.person);
        // Two consents of one person at once: the second waits, and then finds the first.
        transaction
            .execute(
                "select pg_advisory_xact_lock(hashtextextended(encode($1, 'hex'), 0))",
                &[&tag.as_slice()],
            )
            .await
            .map_err(unavailable)?;
        let found = transaction
            .query_opt(
                &format!(
                    "select {GRANT_COLUMNS}
                     from credentials.grants
                     where creator = $1 and platform = $2 and person_tag = $3
                     for no key update"
                ),
                &[&new.creator.as_str(), &new.platform.name(), &tag.as_slice()],
            )
            .await
            .map_err(unavailable)?;
        let mut tokens = new.tokens.clone();
        let (key, wrapped, version) = match &found {
            None => {
                let (key, wrapped) = self.new_key(Uuid::now_v7()).await?;
                (key, wrapped, 1)
            }
            Some(row) => {
                let (known, key) = self.read_grant(row).await?;
                if tokens.refresh.is_none() {
                    tokens.refresh = known.tokens.refresh;
                    tokens.refresh_expires_at = known.tokens.refresh_expires_at;
                }
                (key, row.get("wrapped_key"), known.version + 1)
            }
        };
        let scopes: Vec<&str> = new.scopes.iter().map(String::as_str).collect();
        transaction
            .execute(
                "insert into credentials.grants
                     (grant_id, creator, platform, person_tag, wrapped_key, sealed, version, scopes,
                      obtained_at, access_expires_at, refresh_expires_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
                 on conflict (grant_id) do update
                 set sealed = excluded.sealed,
                     version = excluded.version,
                     scopes = excluded.scopes,
                     obtained_at = excluded.obtained_at,
                     access_expires_at = excluded.access_expires_at,
                     refresh_expires_at = excluded.refresh_expires_at,
                     state = 'active',
                     failed_days = 0,
                     failed_at = null,
                     revoke_attempts = 0",
                &[
                    &key.grant_id,
                    &new.creator.as_str(),
                    &new.platform.name(),
                    &tag.as_slice(),
                    &wrapped,
                    &key.seal_tokens(&tokens, version)?,
                    &version,
                    &scopes,
                    &At(tokens.obtained_at),
                    &tokens.access_expires_at.map(At),
                    &tokens.refresh_expires_at.map(At),
                ],
            )
            .await
            .map_err(unavailable)?;
        Ok(key)
    }

    /// An account's connection, if it has one.
    pub async fn connection(
        &self,
        account: AccountId,
    ) -> Result<Option<ConnectedAccount>, VaultError> {
        let row = self
            .client()
            .await?
            .query_opt(
                "select g.grant_id, g.creator, g.platform, g.wrapped_key, g.sealed, g.version,
                     g.scopes, g.obtained_at, g.access_expires_at, g.refresh_expires_at, g.state,
                     c.sealed as account_sealed
                 from credentials.connections c
                 join credentials.grants g using (grant_id)
                 where c.account_id = $1 and c.ending is null",
                &[&account.uuid()],
            )
            .await
            .map_err(unavailable)?;
        let Some(row) = row else {
            return Ok(None);
        };
        let (grant, key) = self.read_grant(&row).await?;
        let sealed: &[u8] = row.get("account_sealed");
        let plain = key.open(sealed, b"/account/", account.uuid().as_bytes())?;
        Ok(Some(ConnectedAccount {
            account,
            access: sealed::read_access(&plain)?,
            grant,
        }))
    }

    /// A grant by its id, if it is still there.
    pub async fn grant(&self, grant_id: Uuid) -> Result<Option<Grant>, VaultError> {
        let row = self
            .client()
            .await?
            .query_opt(
                &format!("select {GRANT_COLUMNS} from credentials.grants where grant_id = $1"),
                &[&grant_id],
            )
            .await
            .map_err(unavailable)?;
        match row {
            Some(row) => Ok(Some(self.read_grant(&row).await?.0)),
            None => Ok(None),
        }
    }

    /// What the log may not have been told of an account's connection.
    pub async fn announcement(
        &self,
        account: AccountId,
    ) -> Result<Option<(CreatorId, Platform, Announcement)>, VaultError> {
        let row = self
            .client()
            .await?
            .query_opt(
                "select g.grant_id, g.creator, g.platform, g.wrapped_key, c.announcement
                 from credentials.connections c
                 join credentials.grants g using (grant_id)
                 where c.account_id = $1 and c.announcement is not null",
                &[&account.uuid()],
            )
            .await
            .map_err(unavailable)?;
        let Some(row) = row else {
            return Ok(None);
        };
        let key = self
            .key_of(row.get("grant_id"), row.get("wrapped_key"))
            .await?;
        let plain = key.open(
            row.get("announcement"),
            b"/announcement/",
            account.uuid().as_bytes(),
        )?;
        let (creator, platform) = names(&row)?;
        Ok(Some((
            creator,
            platform,
            sealed::read_announcement(&plain)?,
        )))
    }

    /// The log has it. An announcement that came after it stays.
    pub async fn announced(
        &self,
        account: AccountId,
        command_id: CommandId,
    ) -> Result<(), VaultError> {
        self.client()
            .await?
            .execute(
                "update credentials.connections
                 set announcement = null
                 where account_id = $1 and announcement_command = $2",
                &[&account.uuid(), &command_id.uuid()],
            )
            .await
            .map_err(unavailable)?;
        Ok(())
    }
}

impl GrantKey {
    pub(super) fn seal_tokens(&self, tokens: &Tokens, version: i64) -> Result<Vec<u8>, VaultError> {
        let plain = sealed::write_tokens(tokens)?;
        self.seal(&plain, b"/tokens/", &version.to_be_bytes())
    }
}

fn names(row: &Row) -> Result<(CreatorId, Platform), VaultError> {
    let corrupt = |what: &str| VaultError::DoesNotOpen(format!("a grant's {what}"));
    let creator: &str = row.get("creator");
    let platform: &str = row.get("platform");
    Ok((
        creator.parse().map_err(|_| corrupt("creator"))?,
        platform.parse().map_err(|_| corrupt("platform"))?,
    ))
}
