//! Keys in memory, and how a process learns that another one destroyed some of them.
//!
//! The database counts destroyed keys. A key in memory counts only if that number was looked at
//! within the last second: if it moved, everything is forgotten. So a process goes on using a
//! destroyed key for at most a second, and what it began within it.

use super::crypto::AccountCipher;
use commands::ports::VaultError;
use domain::AccountId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Keys kept unwrapped in memory; beyond that all are forgotten and unwrapped anew.
const KEYS_IN_MEMORY: usize = 16_384;
/// How long a look at the number of destroyed keys holds.
const LOOK_HOLDS: Duration = Duration::from_secs(1);
/// How long it holds while the database is away: nobody can destroy a key there meanwhile, and a
/// restart of the database must not end what is being written.
const LOOK_HOLDS_WITHOUT_DATABASE: Duration = Duration::from_secs(30);

#[derive(Default)]
struct State {
    keys: HashMap<AccountId, Arc<AccountCipher>>,
    /// The number of destroyed keys that all of `keys` were found at.
    generation: i64,
    looked_at: Option<Instant>,
}

/// See the head of this file.
#[derive(Default)]
pub(super) struct KeysInMemory {
    state: Mutex<State>,
    /// Held by the one who looks, so that the others wait for that look and do not repeat it.
    looking: tokio::sync::Mutex<()>,
}

impl KeysInMemory {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn was_looked_at(&self, within: Duration) -> bool {
        let looked_at = self.state().looked_at;
        looked_at.is_some_and(|at| at.elapsed() < within)
    }

    /// Makes sure that what is in memory was not destroyed elsewhere.
    pub(super) async fn check<F>(&self, look: impl Fn() -> F) -> Result<(), VaultError>
    where
        F: Future<Output = Result<i64, VaultError>>,
    {
        if self.was_looked_at(LOOK_HOLDS) {
            return Ok(());
        }
        let _looking = self.looking.lock().await;
        if self.was_looked_at(LOOK_HOLDS) {
            return Ok(());
        }
        // From before the question: the answer may be old when it comes.
        let asked_at = Instant::now();
        match look().await {
            Ok(generation) => {
                let mut state = self.state();
                if state.generation != generation {
                    state.keys.clear();
                    state.generation = generation;
                }
                state.looked_at = Some(asked_at);
                Ok(())
            }
            Err(error) if self.was_looked_at(LOOK_HOLDS_WITHOUT_DATABASE) => {
                tracing::warn!(%error, "keys in memory are used without a look at the vault");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn get(&self, account: AccountId) -> Option<Arc<AccountCipher>> {
        self.state().keys.get(&account).cloned()
    }

    /// Remembers a key that was found at this generation. If the number has moved since, the key
    /// may be one of those destroyed: it is not remembered.
    pub(super) fn remember(&self, account: AccountId, cipher: Arc<AccountCipher>, generation: i64) {
        let mut state = self.state();
        if state.generation != generation {
            return;
        }
        if state.keys.len() >= KEYS_IN_MEMORY {
            state.keys.clear();
        }
        state.keys.insert(account, cipher);
    }

    /// Forgets everything: a key was destroyed here, and the number is this now.
    pub(super) fn forget_all(&self, generation: i64) {
        let mut state = self.state();
        state.keys.clear();
        state.generation = generation;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> AccountId {
        AccountId::from_uuid(uuid::Uuid::from_u128(1))
    }

    fn cipher() -> Arc<AccountCipher> {
        Arc::new(AccountCipher::new(account(), &[7; 32]))
    }

    #[tokio::test]
    async fn a_moved_number_empties_the_memory() {
        let memory = KeysInMemory::default();
        memory
            .check(|| async { Ok(4) })
            .await
            .expect("a number was told");
        memory.remember(account(), cipher(), 4);
        assert!(memory.get(account()).is_some());
        memory.state().looked_at = None;
        memory
            .check(|| async { Ok(5) })
            .await
            .expect("a number was told");
        assert!(memory.get(account()).is_none());
    }

    #[tokio::test]
    async fn a_key_found_before_the_number_moved_is_not_remembered() {
        let memory = KeysInMemory::default();
        memory
            .check(|| async { Ok(4) })
            .await
            .expect("a number was told");
        memory.forget_all(5);
        memory.remember(account(), cipher(), 4);
        assert!(memory.get(account()).is_none());
    }

    #[tokio::test]
    async fn without_the_database_a_recent_look_counts_and_none_does_not() {
        let away = || async { Err(VaultError::Unavailable("for a test".to_owned())) };
        let memory = KeysInMemory::default();
        assert!(memory.check(away).await.is_err());
        memory
            .check(|| async { Ok(0) })
            .await
            .expect("a number was told");
        let long_ago = Instant::now().checked_sub(2 * LOOK_HOLDS);
        memory.state().looked_at = long_ago;
        assert!(memory.check(away).await.is_ok());
        let too_long_ago = Instant::now().checked_sub(2 * LOOK_HOLDS_WITHOUT_DATABASE);
        memory.state().looked_at = too_long_ago;
        assert!(memory.check(away).await.is_err());
    }
}
