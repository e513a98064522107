//! Grants that serve several accounts, kept until the person has chosen.

use super::super::keyring::unavailable;
use super::Credentials;
use commands::ports::VaultError;
use domain::{CreatorId, Platform, Timestamp};
use projections::sql::At;
use uuid::Uuid;
use zeroize::Zeroizing;

/// The most choices of one creator that wait at once; a newer one closes the oldest.
pub const MAX_CHOICES: i64 = 10;

/// A choice that waits.
pub struct Choice {
    /// Its id.
    pub choice_id: Uuid,
    /// Whose.
    pub creator: CreatorId,
    /// Where.
    pub platform: Platform,
    /// What there is to choose from, and the grant: bytes of the caller's, wiped when dropped.
    pub what: Zeroizing<Vec<u8>>,
    /// Until when.
    pub expires_at: Timestamp,
}

impl Credentials {
    /// Keeps a choice.
    pub async fn keep_choice(&self, choice: &Choice, now: Timestamp) -> Result<(), VaultError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(unavailable)?;
        self.vault.hold(&transaction).await?;
        let (key, wrapped) = self.new_key(choice.choice_id).await?;
        let sealed = key.seal(
            &choice.what,
            b"/choice/",
            choice.creator.as_str().as_bytes(),
        )?;
        transaction
            .execute(
                "delete from credentials.choices
                 where expires_at <= $1 or choice_id in (
                     select choice_id
                     from credentials.choices
                     where creator = $2
                     order by expires_at desc
                     offset $3
                 )",
                &[&At(now), &choice.creator.as_str(), &(MAX_CHOICES - 1)],
            )
            .await
            .map_err(unavailable)?;
        transaction
            .execute(
                "insert into credentials.choices
                     (choice_id, creator, platform, wrapped_key, sealed, expires_at)
                 values ($1, $2, $3, $4, $5, $6)",
                &[
                    &choice.choice_id,
                    &choice.creator.as_str(),
                    &choice.platform.name(),
                    &wrapped,
                    &sealed,
                    &At(choice.expires_at),
                ],
            )
            .await
            .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)
    }

    /// A choice that still waits.
    pub async fn choice(
        &self,
        choice_id: Uuid,
        now: Timestamp,
    ) -> Result<Option<Choice>, VaultError> {
        let row = self
            .client()
            .await?
            .query_opt(
                "select creator, platform, wrapped_key, sealed, expires_at
                 from credentials.choices
                 where choice_id = $1 and expires_at > $2",
                &[&choice_id, &At(now)],
            )
            .await
            .map_err(unavailable)?;
        let Some(row) = row else {
            return Ok(None);
        };
        let creator: &str = row.get("creator");
        let key = self.key_of(choice_id, row.get("wrapped_key")).await?;
        let what = key.open(row.get("sealed"), b"/choice/", creator.as_bytes())?;
        let corrupt = || VaultError::DoesNotOpen("a choice".to_owned());
        Ok(Some(Choice {
            choice_id,
            creator: creator.parse().map_err(|_| corrupt())?,
            platform: row
                .get::<_, &str>("platform")
                .parse()
                .map_err(|_| corrupt())?,
            what,
            expires_at: row.get::<_, At>("expires_at").0,
        }))
    }

    /// A choice was made: what was not chosen is wiped with it.
    pub async fn drop_choice(&self, choice_id: Uuid) -> Result<(), VaultError> {
        self.client()
            .await?
            .execute(
                "delete from credentials.choices where choice_id = $1",
                &[&choice_id],
            )
            .await
            .map_err(unavailable)?;
        Ok(())
    }
}
