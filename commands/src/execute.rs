//! The one place where commands are carried out: load, fold, decide, seal, append, retry.

mod erased;

use crate::Folded;
use crate::append::append_surely;
use crate::cache::{Cache, Entry};
use crate::envelope::{Context, seal_into_chain};
use crate::folded::{note_posts, posts_of};
use crate::intent::{Intent, IntentOutcome};
use crate::ports::{
    AccountKey, Append, AppendError, Clock, EventLog, ExpectedRevision, NewEvent, ReadError,
    StateStore, StateStoreError, Vault, VaultError,
};
use crate::prepare::{Prepared, prepare};
use domain::account::{Account, Event, Rejected, decide, event_id, may_repeat};
use domain::{AccountId, CommandId, EventId, Position, PostKey, StreamName};
use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::Arc;

/// How often a command is decided anew because others appended to its stream first.
const CONFLICT_ATTEMPTS: u32 = 16;
/// Accounts kept in memory.
const ACCOUNTS_IN_MEMORY: NonZeroUsize = NonZeroUsize::new(8_192).expect("not zero");
/// Accounts whose states are kept in one transaction at the end.
const KEEP_BATCH: usize = 64;
/// The largest append: below the 1 MiB that older EventStoreDB servers take.
pub(crate) const MAX_APPEND_BYTES: usize = 900 * 1024;

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// A rule of the domain forbids it.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// Others kept appending to the account first.
    #[error("account {0} is too busy: {CONFLICT_ATTEMPTS} attempts met other writers")]
    Conflict(AccountId),
    /// The events would be larger than a log takes.
    #[error("the events take {0} bytes: expected at most {MAX_APPEND_BYTES}")]
    TooLarge(usize),
    /// The log did not acknowledge.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The vault could not help.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The store of folded states could not help.
    #[error(transparent)]
    States(#[from] StateStoreError),
    /// An event could not be written as JSON.
    #[error("an event could not be encoded: {0}")]
    Encode(#[from] serde_json::Error),
}

/// What became of the intents on one account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// One for each intent, in order.
    pub intents: Vec<IntentOutcome>,
    /// How many events were appended in all.
    pub events: usize,
    /// Where the account's last event lies; read models that reached it show the outcome.
    pub position: Option<Position>,
}

/// The write side with everything it needs.
pub struct Ledger {
    log: Arc<dyn EventLog>,
    vault: Arc<dyn Vault>,
    clock: Arc<dyn Clock>,
    states: Arc<dyn StateStore>,
    cache: Cache,
}

/// What a plan would append, and what it makes of the account.
struct Plan {
    intents: Vec<IntentOutcome>,
    new_events: Vec<NewEvent>,
    events: Vec<Event>,
    folded: Folded,
    /// Intents that the log holds already, by their ids.
    recognised: usize,
}

impl Ledger {
    /// Puts the write side together.
    pub fn new(
        log: Arc<dyn EventLog>,
        vault: Arc<dyn Vault>,
        clock: Arc<dyn Clock>,
        states: Arc<dyn StateStore>,
    ) -> Self {
        Self {
            log,
            vault,
            clock,
            states,
            cache: Cache::new(ACCOUNTS_IN_MEMORY),
        }
    }

    /// The vault, for callers that must find or make an account first.
    pub fn vault(&self) -> &dyn Vault {
        &*self.vault
    }

    /// Carries out one intent and fails if a rule forbids it.
    pub async fn execute(
        &self,
        account: AccountId,
        intent: Intent,
        context: &Context,
    ) -> Result<Outcome, CommandError> {
        let mut outcome = self.execute_all(account, vec![intent], context).await?;
        match outcome.intents.first_mut() {
            Some(IntentOutcome::Rejected(rejected)) => Err(rejected.clone().into()),
            _ => Ok(outcome),
        }
    }

    /// Carries out intents on one account, in order and in one append. A rejected one is reported
    /// in its place and leads to nothing; the others go on.
    pub async fn execute_all(
        &self,
        account: AccountId,
        intents: Vec<Intent>,
        context: &Context,
    ) -> Result<Outcome, CommandError> {
        let key = match self.vault.key(account).await {
            Ok(key) => Some(key),
            // As it is once the account is erased. What seals nothing goes on without one.
            Err(VaultError::NoKey(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let count = intents.len();
        let prepared = intents
            .into_iter()
            .map(|intent| prepare(account, intent, key.as_deref()))
            .collect::<Result<Vec<_>, _>>();
        let mut prepared = match prepared {
            Ok(prepared) => prepared,
            Err(error @ VaultError::NoKey(_)) => {
                return self.refuse_as_erased(account, count, error).await;
            }
            Err(error) => return Err(error.into()),
        };
        let stream = StreamName::of_account(account);
        let slot = self.cache.entry(account);
        let mut entry = slot.lock().await;
        entry.prove(account, &*self.log).await?;
        let mut fresh = !entry.loaded;
        if fresh {
            entry.refresh(account, &*self.log, &*self.states).await?;
        }
        for _ in 0..CONFLICT_ATTEMPTS {
            let posts: Vec<_> = prepared.iter().flat_map(Prepared::posts).collect();
            entry.load_marks(account, &posts, &*self.states).await?;
            let repeated = self.repeated(account, &stream, &entry, &prepared).await?;
            let plan = self.plan(
                account,
                &entry,
                &mut prepared,
                &repeated,
                key.as_deref(),
                context,
            )?;
            if plan.new_events.is_empty() {
                // Nothing is appended that could meet another process's events: what was not
                // recognised by its id is decided on the newest state there is.
                if !fresh && plan.recognised < prepared.len() {
                    entry.refresh(account, &*self.log, &*self.states).await?;
                    fresh = true;
                    continue;
                }
                let position = entry.folded.position;
                return Ok(Outcome {
                    intents: plan.intents,
                    events: 0,
                    position,
                });
            }
            let expected = match entry.folded.revision {
                Some(revision) => ExpectedRevision::Exact(revision),
                None => ExpectedRevision::NoStream,
            };
            let events = plan.new_events.into();
            let append = Append {
                stream: stream.clone(),
                expected,
                events,
            };
            match append_surely(&*self.log, append).await {
                Ok(appended) => {
                    if appended.idempotent {
                        // An earlier attempt was written, or another process's of the same ids:
                        // the log's own bytes count, and what else followed them.
                        entry.loaded = false;
                    } else {
                        let is_proven = self.log.tells_repetitions();
                        let position = appended.position;
                        entry.advance(plan.folded, position, &plan.events, is_proven);
                        self.keep_if_due(account, &mut entry).await;
                    }
                    return Ok(Outcome {
                        intents: plan.intents,
                        events: plan.events.len(),
                        position: Some(appended.position),
                    });
                }
                Err(AppendError::WrongExpectedRevision { .. }) => {
                    entry.refresh(account, &*self.log, &*self.states).await?;
                    fresh = true;
                }
                Err(error) => {
                    entry.loaded = false;
                    return Err(error.into());
                }
            }
        }
        Err(CommandError::Conflict(account))
    }

    /// The state of an account at the end of its stream.
    pub async fn load(&self, account: AccountId) -> Result<Folded, CommandError> {
        let slot = self.cache.entry(account);
        let mut entry = slot.lock().await;
        entry.prove(account, &*self.log).await?;
        entry.refresh(account, &*self.log, &*self.states).await?;
        Ok(entry.folded.clone())
    }

    /// Keeps every state in memory, so that the next start reads no tails.
    pub async fn keep_all(&self) -> Result<(), StateStoreError> {
        for batch in self.cache.all().chunks(KEEP_BATCH) {
            let mut entries = vec![];
            let mut states = vec![];
            for (account, slot) in batch {
                let mut entry = Arc::clone(slot).lock_owned().await;
                if let Err(error) = entry.prove(*account, &*self.log).await {
                    tracing::warn!(%account, %error, "a folded state was not kept");
                    continue;
                }
                states.extend(entry.due_to_keep(*account, true));
                entries.push(entry);
            }
            self.states.keep(&states).await?;
            entries.iter_mut().for_each(|entry| entry.kept());
        }
        Ok(())
    }

    /// The identities that the log already holds, of those that may be repetitions.
    async fn repeated(
        &self,
        account: AccountId,
        stream: &StreamName,
        entry: &Entry,
        prepared: &[Prepared],
    ) -> Result<HashSet<EventId>, CommandError> {
        let state = &entry.folded.account;
        let doubtful: Vec<_> = prepared
            .iter()
            .filter(|prepared| may_repeat(state, &prepared.command))
            .map(|prepared| prepared.command.identity(account))
            .collect();
        let (mut known, unknown): (HashSet<_>, Vec<_>) = (
            doubtful
                .iter()
                .copied()
                .filter(|id| entry.folded.remembers(*id))
                .collect(),
            doubtful
                .iter()
                .copied()
                .filter(|id| !entry.folded.remembers(*id))
                .collect(),
        );
        if !unknown.is_empty() {
            known.extend(self.log.recorded(stream, &unknown).await?);
        }
        Ok(known)
    }

    fn plan(
        &self,
        account: AccountId,
        entry: &Entry,
        prepared: &mut [Prepared],
        repeated: &HashSet<EventId>,
        key: Option<&dyn AccountKey>,
        context: &Context,
    ) -> Result<Plan, CommandError> {
        let stream = StreamName::of_account(account);
        let now = self.clock.now();
        let mut plan = Plan {
            intents: Vec::with_capacity(prepared.len()),
            new_events: vec![],
            events: vec![],
            folded: entry.folded.clone(),
            recognised: 0,
        };
        // A page after another of the same append compares with what that one will have left.
        let mut planned = HashMap::new();
        let mut identities = HashSet::new();
        for prepared in prepared {
            let identity = prepared.command.identity(account);
            let again = !identities.insert(identity);
            let erased = matches!(plan.folded.account, Account::Erased { .. });
            // Of an erased account even a repetition is refused, so that its caller hears of it.
            let recognised =
                again || repeated.contains(&identity) || plan.folded.remembers(identity);
            if recognised && !erased {
                plan.recognised += 1;
                plan.intents.push(IntentOutcome::Unchanged);
                continue;
            }
            let known = |post: &PostKey| planned.get(post).or_else(|| entry.marks.get(post));
            prepared.inform(known, key)?;
            let events = match decide(&plan.folded.account, &prepared.command) {
                Ok(events) => events,
                Err(rejected) => {
                    plan.intents.push(IntentOutcome::Rejected(rejected));
                    continue;
                }
            };
            let unchanged_posts = events.iter().map(unchanged_posts).sum();
            let command_id = CommandId::from_uuid(identity.uuid());
            for (index, event) in events.iter().enumerate() {
                let id = event_id(identity, index);
                plan.new_events.push(seal_into_chain(
                    &stream,
                    &mut plan.folded,
                    (id, event),
                    command_id,
                    context,
                    now,
                )?);
                for post in posts_of(event) {
                    if let Some(mark) = entry.marks.get(&post) {
                        planned.entry(post).or_insert(*mark);
                    }
                }
                note_posts(event, &mut planned);
            }
            plan.intents.push(match events.len() {
                0 => IntentOutcome::Unchanged,
                events => IntentOutcome::Appended {
                    events,
                    unchanged_posts,
                },
            });
            plan.events.extend(events);
        }
        let bytes = plan
            .new_events
            .iter()
            .map(|e| e.metadata.len() + e.data.len())
            .sum();
        if bytes > MAX_APPEND_BYTES {
            return Err(CommandError::TooLarge(bytes));
        }
        Ok(plan)
    }

    async fn keep_if_due(&self, account: AccountId, entry: &mut Entry) {
        if entry.due_to_keep(account, false).is_none() {
            return;
        }
        if let Err(error) = entry.prove(account, &*self.log).await {
            tracing::warn!(%account, %error, "a folded state was not kept");
            return;
        }
        let Some(state) = entry.due_to_keep(account, false) else {
            return;
        };
        match self.states.keep(&[state]).await {
            Ok(()) => entry.kept(),
            // The command is done; only the next cold start is slower.
            Err(error) => tracing::warn!(%account, %error, "a folded state was not kept"),
        }
    }
}

fn unchanged_posts(event: &Event) -> usize {
    match event {
        Event::PostsObserved(page) => page.unchanged.len(),
        _ => 0,
    }
}
