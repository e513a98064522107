//! Opens sealed personal data for an answer; nothing of it is kept afterwards.

use super::problem::Problem;
use commands::ports::{AccountKey, Subject, Vault, VaultError};
use commands::text;
use domain::{AccountId, PostKey};
use serde::{Serialize, de::DeserializeOwned};
use std::{collections::HashMap, sync::Arc};
use utoipa::ToSchema;

/// What people see of an account.
#[derive(Serialize, ToSchema, Default)]
pub(super) struct Profile {
    /// The platform's own id of the account.
    platform_account_id: Option<String>,
    /// The name in links, without `@`.
    pub(super) handle: Option<String>,
    /// The name that is shown.
    pub(super) name: Option<String>,
    /// The description.
    bio: Option<String>,
    /// Where the account can be looked at.
    url: Option<String>,
    /// Where its image lies.
    avatar_url: Option<String>,
    /// Whether the profile is kept but cannot be opened: its key is gone or another one.
    sealed: bool,
}

/// What people see of a post.
#[derive(Serialize, ToSchema, Default)]
pub(super) struct PostText {
    /// The platform's own id of the post.
    platform_post_id: Option<String>,
    /// Its title.
    title: Option<String>,
    /// Its caption or description.
    caption: Option<String>,
    /// Where it can be looked at.
    url: Option<String>,
    /// Where its preview image lies.
    thumbnail_url: Option<String>,
    /// Whether the text is kept but cannot be opened: its key is gone or another one.
    sealed: bool,
}

/// Opens the values of one answer, fetching each account's key once.
///
/// A key may come out of the same database: no connection must be held while values are opened,
/// or as many requests as there are connections would wait for each other.
pub(super) struct Opener<'a> {
    vault: &'a dyn Vault,
    keys: HashMap<AccountId, Option<Arc<dyn AccountKey>>>,
}

impl<'a> Opener<'a> {
    pub(super) fn new(vault: &'a dyn Vault) -> Self {
        Self {
            vault,
            keys: HashMap::new(),
        }
    }

    /// An account's profile.
    pub(super) async fn profile(
        &mut self,
        account: AccountId,
        sealed: &[u8],
    ) -> Result<Profile, Problem> {
        let key = self.key(account).await?;
        let opened = open::<text::ProfileText>(key.as_deref(), Subject::Profile, sealed);
        Ok(opened.map_or_else(
            || Profile {
                sealed: true,
                ..Profile::default()
            },
            |text| Profile {
                platform_account_id: Some(text.platform_account_id),
                handle: text.handle,
                name: text.name,
                bio: text.bio,
                url: text.url,
                avatar_url: text.avatar_url,
                sealed: false,
            },
        ))
    }

    /// A post's text, all of it null where none was ever read.
    pub(super) async fn post(
        &mut self,
        account: AccountId,
        post: PostKey,
        sealed: Option<&[u8]>,
    ) -> Result<PostText, Problem> {
        let Some(sealed) = sealed else {
            return Ok(PostText::default());
        };
        let key = self.key(account).await?;
        let opened = open::<text::PostText>(key.as_deref(), Subject::Post(post), sealed);
        Ok(opened.map_or_else(
            || PostText {
                sealed: true,
                ..PostText::default()
            },
            |text| PostText {
                platform_post_id: Some(text.platform_post_id),
                title: text.title,
                caption: text.caption,
                url: text.url,
                thumbnail_url: text.thumbnail_url,
                sealed: false,
            },
        ))
    }

    /// The account's key; nothing if there is none any more.
    pub(super) async fn key(
        &mut self,
        account: AccountId,
    ) -> Result<Option<Arc<dyn AccountKey>>, Problem> {
        if let Some(key) = self.keys.get(&account) {
            return Ok(key.clone());
        }
        let key = match self.vault.key(account).await {
            Ok(key) => Some(key),
            Err(error @ VaultError::Unavailable(_)) => return Err(error.into()),
            Err(error) => {
                tracing::warn!(%account, %error, "sealed values of an account stay closed");
                None
            }
        };
        self.keys.insert(account, key.clone());
        Ok(key)
    }
}

fn open<T: DeserializeOwned>(
    key: Option<&dyn AccountKey>,
    subject: Subject,
    sealed: &[u8],
) -> Option<T> {
    let plain = key?
        .open(subject, sealed)
        .inspect_err(|error| tracing::warn!(%error, "a sealed value stays closed"))
        .ok()?;
    // Only the kind of error: its text may quote the value.
    serde_json::from_slice(&plain)
        .inspect_err(|e| tracing::warn!(kind = ?e.classify(), "an opened value has no known shape"))
        .ok()
}
