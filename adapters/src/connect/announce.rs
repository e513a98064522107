//! Telling the log what the vault knows: connections that it may not have heard of, and endings.

use super::{ACTOR, Connections, TellError, context};
use crate::vault::credentials::Unfinished;
use commands::ports::VaultError;
use commands::{CommandError, Connection, Intent, Profile};
use domain::AccountId;

/// How many unfinished things of each kind are taken up at once.
const UNFINISHED: i64 = 100;

impl Connections {
    /// Tells the log that an account is connected, if it may not know. A connection that a rule of
    /// the domain forbids, such as an erased account's, is wiped again.
    pub(super) async fn announce(&self, account: AccountId) -> Result<(), TellError> {
        let Some((creator, platform, said)) = self.credentials.announcement(account).await? else {
            return Ok(());
        };
        let command_id = said.command_id;
        let intent = Intent::Connect(Connection {
            command_id,
            creator,
            platform,
            scopes: said.scopes,
            route: self.platforms.route(),
            consent: said.consent,
            profile: Profile {
                observed_at: said.observed_at,
                text: said.profile,
            },
        });
        let told = self
            .ledger
            .execute(account, intent, &context(&said.actor))
            .await;
        match told {
            Ok(_) => Ok(self.credentials.announced(account, command_id).await?),
            Err(error @ CommandError::Rejected(_)) => {
                tracing::warn!(%account, %error, "a connection is not allowed");
                self.wipe(account, None).await?;
                Err(error.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Takes up what a kill, or a log that was away, left undone. Tells how much of it is done now.
    pub async fn converge(&self) -> Result<usize, VaultError> {
        let mut done = 0;
        for unfinished in self.credentials.unfinished(UNFINISHED).await? {
            let result = match unfinished {
                Unfinished::Announce(account) => {
                    self.announce(account).await.map_err(|e| e.to_string())
                }
                Unfinished::End(account, ending) => {
                    let context = context(ACTOR);
                    let ended = self.carry_out(account, ending, &context).await;
                    ended.map(drop).map_err(|e| e.to_string())
                }
                Unfinished::Revoke(grant_id) => {
                    self.revoke(grant_id).await.map_err(|e| e.to_string())
                }
            };
            match result {
                Ok(()) => done += 1,
                // What it is about is an id of ours, and the cause holds no token.
                Err(cause) => tracing::warn!(?unfinished, cause, "it is taken up again later"),
            }
        }
        Ok(done)
    }
}
