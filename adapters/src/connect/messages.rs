//! Messages of the platforms: verified over their very bytes, answered at once, acted on once.

use super::{ACTOR, Connections, TellError, context};
use crate::platforms::signature::{self, Refused};
use crate::platforms::{Notice, Secret, What, reader};
use crate::vault::credentials::Deletion;
use commands::ports::VaultError;
use commands::{EraseError, Erasures};
use data_encoding::HEXLOWER;
use domain::account::{DisconnectReason, ErasureReason};
use domain::{AccountId, Platform, Timestamp};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// By how much a platform's clock may be behind ours, and its whole seconds behind our microseconds.
const SKEW_MICROS: i64 = 60_000_000;
/// How many requests for deletion are taken up at once.
const OPEN_DELETIONS: i64 = 100;
/// The pause between looks for what is unfinished.
const PAUSE: Duration = Duration::from_secs(60);

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// Its signature does not hold.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// It says nothing that its platform is known to say.
    #[error("the message is none that this platform is known to send")]
    Unreadable,
    /// No secret is set up that could have signed it.
    #[error("there is no secret here that could have signed it")]
    NotConfigured,
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The log was not told.
    #[error(transparent)]
    Tell(#[from] TellError),
    /// An erasure did not come to its end; it is taken up again.
    #[error(transparent)]
    Erase(#[from] EraseError),
}

impl Connections {
    /// The secrets that may have signed a message of Meta: its documents do not say which app's
    /// signs for Instagram.
    fn meta_secrets(&self) -> Vec<Secret> {
        let both = [Platform::Facebook, Platform::Instagram];
        both.iter()
            .filter_map(|it| self.platforms.secret(*it))
            .collect()
    }

    /// The payload of a `signed_request`, and the person whom it is about.
    fn signed_request(&self, text: &str) -> Result<(String, Option<Timestamp>), MessageError> {
        let secrets = self.meta_secrets();
        if secrets.is_empty() {
            return Err(MessageError::NotConfigured);
        }
        let payload = signature::meta_signed_request(&secrets, text)?;
        let body = payload.to_string();
        let notices = reader(Platform::Facebook).notices(body.as_bytes());
        let notices = notices.map_err(|_| MessageError::Unreadable)?;
        let notice = notices.into_iter().next().ok_or(MessageError::Unreadable)?;
        let person = notice.about.ok_or(MessageError::Unreadable)?;
        Ok((person, notice.at))
    }

    /// Meta's deauthorize callback: a person removed our app. A message that is older than the
    /// connection speaks of one before it.
    pub async fn deauthorize(&self, platform: Platform, text: &str) -> Result<usize, MessageError> {
        let (person, at) = self.signed_request(text)?;
        let reason = DisconnectReason::Deauthorized;
        self.end_named(platform, &person, at, reason).await
    }

    async fn end_named(
        &self,
        platform: Platform,
        id: &str,
        at: Option<Timestamp>,
        reason: DisconnectReason,
    ) -> Result<usize, MessageError> {
        let named = self.credentials.named(platform, id).await?;
        let mut ended = 0;
        for facts in self.credentials.facts(&named).await? {
            let is_about_it =
                |at: Timestamp| facts.connected_at <= at.saturating_add_micros(SKEW_MICROS);
            if at.is_none_or(is_about_it) {
                self.disconnect(facts.account, reason, context(ACTOR))
                    .await?;
                ended += 1;
            }
        }
        Ok(ended)
    }

    /// A webhook of Meta or TikTok. What it says is kept for a sync to come; the end of a grant is
    /// acted on. Tells how many notices were about accounts of ours.
    pub async fn take_webhook(
        &self,
        platform: Platform,
        signature: &str,
        body: &[u8],
    ) -> Result<usize, MessageError> {
        let now = self.clock.now();
        match platform {
            Platform::Facebook | Platform::Instagram => {
                let secrets = self.meta_secrets();
                if secrets.is_empty() {
                    return Err(MessageError::NotConfigured);
                }
                signature::meta_webhook(&secrets, signature, body)?;
            }
            Platform::Tiktok => {
                let secret = self.platforms.secret(platform);
                let secret = secret.ok_or(MessageError::NotConfigured)?;
                signature::tiktok_webhook(&[secret], signature, body, now)?;
            }
            Platform::Youtube => {
                let secret = self.webhook_secret.as_ref();
                let secret = secret.ok_or(MessageError::NotConfigured)?;
                signature::websub(secret, signature, body)?;
            }
        }
        let notices = reader(platform).notices(body);
        let notices = notices.map_err(|_| MessageError::Unreadable)?;
        let mut said = vec![];
        for notice in &notices {
            if let Some(id) = &notice.about {
                let named = self.credentials.named(platform, id).await?;
                said.extend(
                    named
                        .into_iter()
                        .map(|account| (account, name_of(notice.what))),
                );
            }
        }
        // Acted on before it is noted: if that fails, the platform sends it again.
        for notice in &notices {
            self.act_on(platform, notice).await?;
        }
        let is_new = self.credentials.note(body, &said, now).await?;
        Ok(if is_new { said.len() } else { 0 })
    }

    async fn act_on(&self, platform: Platform, notice: &Notice) -> Result<(), MessageError> {
        let reason = match notice.what {
            What::Deauthorized => DisconnectReason::Deauthorized,
            What::AccountGone => DisconnectReason::AccountGone,
            _ => return Ok(()),
        };
        if let Some(id) = &notice.about {
            self.end_named(platform, id, notice.at, reason).await?;
        }
        Ok(())
    }

    /// The answer to the question whether a webhook's address is ours (Meta, WebSub).
    pub fn challenge<'q>(&self, params: &'q [(String, String)]) -> Result<&'q str, MessageError> {
        let secret = self.webhook_secret.as_ref();
        let secret = secret.ok_or(MessageError::NotConfigured)?;
        Ok(signature::webhook_challenge(secret, params)?)
    }
}

/// The name of a notice as it is kept.
const fn name_of(what: What) -> &'static str {
    match what {
        What::Deauthorized => "deauthorized",
        What::DeletionRequested => "deletion_requested",
        What::AccountGone => "account_gone",
        What::PostChanged => "post_changed",
        What::PostRemoved => "post_removed",
        What::PostTouched => "post_touched",
        What::StoryEnded => "story_ended",
        What::Publication => "publication",
        What::Other => "other",
    }
}

/// Requests for deletion that platforms pass on.
#[derive(Clone)]
pub struct Deletions {
    connections: Connections,
    erasures: Arc<Erasures>,
}

impl Deletions {
    /// Puts it together.
    pub fn new(connections: Connections, erasures: Arc<Erasures>) -> Self {
        Self {
            connections,
            erasures,
        }
    }

    /// Takes a request of Meta's and notes it; [`Self::carry_out`] follows. The same request has the
    /// same code, which tells nothing of the person: it is made of bytes that only Meta can sign.
    pub async fn take(&self, platform: Platform, text: &str) -> Result<Deletion, MessageError> {
        let (person, _) = self.connections.signed_request(text)?;
        let credentials = &self.connections.credentials;
        let digest = Sha256::digest([platform.name().as_bytes(), text.as_bytes()].concat());
        let deletion = Deletion {
            code: HEXLOWER.encode(&digest[..16]),
            platform,
            accounts: credentials.named(platform, &person).await?,
            asked_at: self.connections.clock.now(),
            done_at: None,
        };
        credentials.ask_deletion(&deletion).await?;
        let noted = credentials.deletion(&deletion.code).await?;
        noted.ok_or(MessageError::Unreadable)
    }

    /// Erases what a request is about.
    pub async fn carry_out(&self, deletion: &Deletion) -> Result<(), MessageError> {
        if deletion.done_at.is_some() {
            return Ok(());
        }
        for account in &deletion.accounts {
            self.erase(*account, deletion.asked_at).await?;
        }
        let now = self.connections.clock.now();
        let credentials = &self.connections.credentials;
        Ok(credentials.deletion_done(&deletion.code, now).await?)
    }

    async fn erase(&self, account: AccountId, at: Timestamp) -> Result<(), MessageError> {
        let reason = ErasureReason::DataDeletionCallback;
        match self
            .erasures
            .erase(account, reason, at, &context(ACTOR))
            .await
        {
            // Connected and never told to the log: what the vault has of it goes by the next look.
            Ok(_) | Err(EraseError::UnknownAccount(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// A request by its code.
    pub async fn find(&self, code: &str) -> Result<Option<Deletion>, VaultError> {
        self.connections.credentials.deletion(code).await
    }

    /// Takes up what was left undone here and by connections, now and again, until it is cancelled.
    pub async fn keep_converging(&self, cancel: &CancellationToken) {
        let converging = async {
            loop {
                if let Err(error) = self.connections.converge().await {
                    tracing::warn!(%error, "connections are not looked through");
                }
                if let Err(error) = self.converge().await {
                    tracing::warn!(%error, "a deletion is taken up again later");
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        cancel.run_until_cancelled(converging).await;
    }

    /// Takes up requests that a kill left undone.
    pub async fn converge(&self) -> Result<usize, MessageError> {
        let open = self
            .connections
            .credentials
            .open_deletions(OPEN_DELETIONS)
            .await?;
        for deletion in &open {
            self.carry_out(deletion).await?;
        }
        Ok(open.len())
    }
}
