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
        while !cancel.is_cancelled() {
            match self.fill(sharing, cancel).await {
                Ok(true) => break,
                Ok(false) => continue,
                Err(error) if error.is_passing() => {
                    tracing::warn!(%error, "filling the read models is tried again");
                }
                Err(error) => return Err(error),
            }
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(RETRY_PAUSE) => {}
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
    /// Fills what is new, or waits a moment for the one who does. Says whether that is over.
    async fn fill(
        &self,
        sharing: &mut Sharing,
        cancel: &CancellationToken,
    ) -> Result<bool, EngineError> {
        if self.is_filled().await? {
            return Ok(true);
        }
        if !sharing.may_fill().await? {
            tokio::time::sleep(TEND_INTERVAL).await;
            return Ok(false);
        }
        let filled = tokio::select! {
            filled = self.catch_up(cancel, |_| {}) => filled,
            never = sharing.keep_filling() => match never {},
        };
        match filled {
            Ok(_) => Ok(false),
            Err(error) if error.is_passing() => Err(error),
            // What is halted says so again in its run, and the others go on without it.
            Err(_) => {
                self.finish().await?;
                Ok(true)
            }
        }
    }
}
