//! What the write side does differently for an account whose key is gone.

use super::{CommandError, Ledger, Outcome};
use crate::intent::IntentOutcome;
use crate::ports::VaultError;
use domain::AccountId;
use domain::account::{Account, Rejected};

impl Ledger {
    /// Answers for intents that cannot even be prepared, because the account's key is gone.
    pub(super) async fn refuse_as_erased(
        &self,
        account: AccountId,
        count: usize,
        error: VaultError,
    ) -> Result<Outcome, CommandError> {
        let folded = self.load(account).await?;
        let Account::Erased { at, .. } = folded.account else {
            return Err(error.into());
        };
        Ok(Outcome {
            intents: vec![IntentOutcome::Rejected(Rejected::Erased(at)); count],
            events: 0,
            position: folded.position,
        })
    }

    /// Whether the state that is kept of an account is the erased one, which has no marks.
    pub(crate) async fn keeps_erased(&self, account: AccountId) -> Result<bool, CommandError> {
        let kept = self.states.load(account).await?;
        Ok(kept.is_some_and(|kept| matches!(kept.account, Account::Erased { .. })))
    }

    /// Keeps an account's state now, unless it is kept already.
    pub(crate) async fn keep(&self, account: AccountId) -> Result<(), CommandError> {
        let slot = self.cache.entry(account);
        let mut entry = slot.lock().await;
        entry.refresh(account, &*self.log, &*self.states).await?;
        if let Some(state) = entry.due_to_keep(account, true) {
            self.states.keep(&[state]).await?;
            entry.kept();
        }
        Ok(())
    }
}
