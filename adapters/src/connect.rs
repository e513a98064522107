//! Connecting accounts: from the consent page to credentials in the vault and an event in the log,
//! and back.
//!
//! What is to be told to the log is stored with the credentials first, under a command id of its
//! own; then the log is told, then the note is cleared. So a kill in between is made good by the
//! next [`Connections::converge`], and doing it twice changes nothing.

mod announce;
mod choose;
mod end;
mod finish;
mod messages;
mod outcome;
mod renew;
mod start;

pub use choose::{ChoiceError, Waiting};
pub use end::Disconnected;
pub use finish::Finished;
pub use messages::{Deletions, MessageError};
pub use outcome::{Outcome, Refusal};
pub use renew::FreshError;
pub use start::{StartError, Started};

use crate::platforms::Secret;
use crate::platforms::client::{App, OAuth, oauth};
use crate::platforms::transport::Transport;
use crate::vault::credentials::Credentials;
use commands::ports::{Clock, VaultError};
use commands::{CommandError, Context, Ledger};
use domain::Platform;
use domain::account::Route;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// Who tells the log what was left untold.
const ACTOR: &str = "connections";

/// The apps of ours at the platforms, and the way there.
#[derive(Clone)]
pub struct Platforms {
    clients: BTreeMap<Platform, Arc<dyn OAuth>>,
    secrets: BTreeMap<Platform, Secret>,
    is_simulated: bool,
}

impl Platforms {
    /// Those that are set up.
    pub fn new(apps: BTreeMap<Platform, App>, transport: &Transport) -> Self {
        let secret = |(platform, app): (&Platform, &App)| (*platform, app.client_secret.clone());
        let secrets = apps.iter().map(secret).collect();
        let client = |(platform, app)| (platform, oauth(platform, app, transport.clone()));
        Self {
            secrets,
            is_simulated: transport.is_simulated(),
            clients: apps.into_iter().map(client).collect(),
        }
    }

    fn get(&self, platform: Platform) -> Option<&Arc<dyn OAuth>> {
        self.clients.get(&platform)
    }

    /// The secret of our app, with which a platform signs what it sends.
    fn secret(&self, platform: Platform) -> Option<Secret> {
        self.secrets.get(&platform).cloned()
    }

    fn route(&self) -> Route {
        match self.is_simulated {
            true => Route::Simulated,
            false => Route::Oauth,
        }
    }
}

/// Connects accounts, keeps their credentials fresh, and disconnects them.
#[derive(Clone)]
pub struct Connections {
    credentials: Credentials,
    ledger: Arc<Ledger>,
    clock: Arc<dyn Clock>,
    platforms: Platforms,
    webhook_secret: Option<Secret>,
}

impl Connections {
    /// Puts it together.
    pub fn new(
        credentials: Credentials,
        ledger: Arc<Ledger>,
        clock: Arc<dyn Clock>,
        platforms: Platforms,
    ) -> Self {
        Self {
            credentials,
            ledger,
            clock,
            platforms,
            webhook_secret: None,
        }
    }

    /// The same with what platforms show when they ask whether a webhook's address is ours; WebSub
    /// signs with it too.
    #[must_use]
    pub fn with_webhook_secret(self, webhook_secret: Option<Secret>) -> Self {
        Self {
            webhook_secret,
            ..self
        }
    }

    /// The store behind it.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }
}

/// Why the log was not told of something, or the vault did not follow. What was noted is taken up
/// again.
#[derive(Debug, thiserror::Error)]
pub enum TellError {
    /// The write side failed or refused.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl TellError {
    /// Whether a rule of the domain forbids it: trying again would not help.
    fn is_refused(&self) -> bool {
        matches!(self, Self::Command(CommandError::Rejected(_)))
    }
}

fn context(actor: &str) -> Context {
    Context {
        actor: actor.to_owned(),
        correlation_id: Uuid::now_v7(),
        causation_id: None,
    }
}
