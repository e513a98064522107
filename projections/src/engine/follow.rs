//! Following the log without end: fill what is new, then keep what falls to this projector.

use super::reader::RETRY_PAUSE;
use super::sharing::{Sharing, TEND_INTERVAL};
use super::{Engine, EngineError};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// The pause before shards are tried again that were all halted.
const HALT_PAUSE: Duration = Duration::from_secs(15);

impl Engine {
    /// Follows the log until it is cancelled, and shares the work with whoever else does. A shard
    /// that is halted stands still while the others go on; all of them are tried again whenever
    /// the work is divided anew.
    pub async fn follow(&self, cancel: &CancellationToken) -> Result<(), EngineError> {
        let mut sharing = Sharing::new(Arc::clone(&self.database));
        let outcome = self.follow_sharing(&mut sharing, cancel).await;
        sharing.leave().await;
        outcome
    }

    async fn follow_sharing(
        &self,
        sharing: &mut Sharing,
        cancel: &CancellationToken,
    ) -> Result<(), EngineError> {
        while !cancel.is_cancelled() && !self.is_filled().await? {
            if !sharing.may_fill().await? {
                tokio::time::sleep(TEND_INTERVAL).await;
                continue;
            }
            let filled = tokio::select! {
                filled = self.catch_up(cancel, |_| {}) => filled,
                never = sharing.keep_filling() => match never {},
            };
            match filled {
                Ok(_) => {}
                Err(error) if error.is_passing() => {
                    tracing::warn!(%error, "the log is asked again");
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
                // What is halted says so again below, and the others go on without it.
                Err(_) => {
                    self.finish().await?;
                    break;
                }
            }
        }
        // A run ends without being asked to when other shards are to be kept.
        while !cancel.is_cancelled() {
            let pause = match self.run_on(Some(sharing), cancel, &|_| {}).await {
                Ok(_) => continue,
                Err(error) if error.is_passing() => {
                    tracing::warn!(%error, "the read models are taken up again");
                    RETRY_PAUSE
                }
                Err(error) if error.is_of_a_shard() => HALT_PAUSE,
                Err(error) => return Err(error),
            };
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        Ok(())
    }
}
