//! What may go wrong on demand: each fault is a switch that counts how often it fired.

use super::cluster::Endpoint;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tonic::Code;

/// A fault that is set for some of the next chances it gets, or until it is cleared.
pub struct Switch<T> {
    armed: AtomicBool,
    plan: Mutex<Option<Plan<T>>>,
    fired: watch::Sender<u64>,
}

struct Plan<T> {
    /// Chances to let pass first.
    skip: u64,
    /// How often it still fires; without end if `None`.
    left: Option<u64>,
    how: T,
}

impl<T> Default for Switch<T> {
    fn default() -> Self {
        Self {
            armed: AtomicBool::new(false),
            plan: Mutex::new(None),
            fired: watch::Sender::new(0),
        }
    }
}

impl<T: Clone> Switch<T> {
    /// Fires the next `times` times.
    pub fn next(&self, times: u64, how: T) {
        self.after(0, times, how);
    }

    /// Lets `skip` chances pass, then fires `times` times.
    pub fn after(&self, skip: u64, times: u64, how: T) {
        self.set(skip, Some(times), how);
    }

    /// Fires every time until `clear`.
    pub fn until_cleared(&self, how: T) {
        self.set(0, None, how);
    }

    /// Fires no more; the count stays.
    pub fn clear(&self) {
        let mut held = self.plan();
        *held = None;
        self.armed.store(false, Ordering::Release);
    }

    /// How often it fired so far.
    pub fn fired(&self) -> u64 {
        *self.fired.borrow()
    }

    /// Waits until it has fired this often, counted from the start.
    pub async fn wait_fired(&self, times: u64) {
        let mut fired = self.fired.subscribe();
        // The sender lives as long as this borrow: there is no other end.
        let _ = fired.wait_for(|fired| *fired >= times).await;
    }

    fn set(&self, skip: u64, left: Option<u64>, how: T) {
        let mut held = self.plan();
        *held = Some(Plan { skip, left, how });
        self.armed.store(true, Ordering::Release);
    }

    fn plan(&self) -> MutexGuard<'_, Option<Plan<T>>> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes this chance, and counts it as fired.
    pub(super) fn take(&self) -> Option<T> {
        let how = self.reserve()?;
        self.count();
        Some(how)
    }

    /// Takes this chance for something that happens later, if at all.
    pub(super) fn reserve(&self) -> Option<T> {
        if !self.armed.load(Ordering::Acquire) {
            return None;
        }
        let mut held = self.plan();
        let plan = held.as_mut()?;
        if plan.skip > 0 {
            plan.skip -= 1;
            return None;
        }
        let how = (plan.left != Some(0)).then(|| plan.how.clone());
        if let Some(left) = &mut plan.left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                *held = None;
                self.armed.store(false, Ordering::Release);
            }
        }
        how
    }

    pub(super) fn count(&self) {
        self.fired.send_modify(|fired| *fired += 1);
    }
}

/// Whether a failed append left its events in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// They are there.
    Yes,
    /// They are not.
    No,
}

/// How the answer to a committed append gets lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The connection breaks, and with it all other calls on it.
    Connection,
    /// Nothing comes until the caller's deadline.
    Silence,
    /// The call fails as UNAVAILABLE.
    Unavailable,
}

/// Everything that can go wrong at one node. All switches are off at first.
pub struct Faults {
    /// Appends fail as UNAVAILABLE; nothing is written.
    pub refuse_appends: Switch<()>,
    /// Appends wait this long before anything is written, without end if `None`. The caller's
    /// deadline ends the wait; then nothing is written.
    pub hang_appends: Switch<Option<Duration>>,
    /// Appends are written this much later, even if nobody waits for the answer any more.
    pub append_late: Switch<Duration>,
    /// Appends are written, but their writers do not learn it.
    pub lose_answers: Switch<Lost>,
    /// Appends fail as ABORTED, a server's own timeout.
    pub time_out_appends: Switch<Written>,
    /// Appends answer that the expected revision is wrong, whatever it is; nothing is written.
    pub spurious_conflicts: Switch<()>,
    /// Appends and deletes answer that this other node leads.
    pub not_leader: Switch<Endpoint>,
    /// The node dies for good on an append, before or after writing it.
    pub die_on_append: Switch<Written>,
    /// Reads and subscriptions fail as UNAVAILABLE at their start.
    pub refuse_reads: Switch<()>,
    /// Reads fail as UNAVAILABLE after this many events.
    pub break_reads: Switch<u64>,
    /// Reads and subscriptions wait this long before each event.
    pub slow_reads: Switch<Duration>,
    /// Subscriptions that start fail after this many events with this code.
    pub drop_subscriptions: Switch<(u64, Code)>,
    /// Subscriptions that start end without an error after this many events.
    pub end_subscriptions: Switch<u64>,
    /// Subscriptions that start send a checkpoint at the highest possible place when they go live.
    pub checkpoint_at_max: Switch<()>,
    /// Subscriptions that start follow their next event with a checkpoint at the log's first event.
    pub checkpoint_backwards: Switch<()>,
    /// New connections are closed at once.
    pub refuse_connections: Switch<()>,
    max_append_size: AtomicU64,
    breaks: watch::Sender<Option<Code>>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            refuse_appends: Switch::default(),
            hang_appends: Switch::default(),
            append_late: Switch::default(),
            lose_answers: Switch::default(),
            time_out_appends: Switch::default(),
            spurious_conflicts: Switch::default(),
            not_leader: Switch::default(),
            die_on_append: Switch::default(),
            refuse_reads: Switch::default(),
            break_reads: Switch::default(),
            slow_reads: Switch::default(),
            drop_subscriptions: Switch::default(),
            end_subscriptions: Switch::default(),
            checkpoint_at_max: Switch::default(),
            checkpoint_backwards: Switch::default(),
            refuse_connections: Switch::default(),
            max_append_size: AtomicU64::new(1024 * 1024),
            breaks: watch::Sender::new(None),
        }
    }
}

impl Faults {
    /// Refuses appends of more bytes than this; 1 MiB at first.
    pub fn set_max_append_size(&self, bytes: u64) {
        self.max_append_size.store(bytes, Ordering::Relaxed);
    }

    /// Fails every subscription that runs now.
    pub fn break_subscriptions(&self, code: Code) {
        self.breaks.send_replace(Some(code));
    }

    pub(super) fn max_append_size(&self) -> u64 {
        self.max_append_size.load(Ordering::Relaxed)
    }

    /// Changes when all subscriptions must fail.
    pub(super) fn watch_breaks(&self) -> watch::Receiver<Option<Code>> {
        self.breaks.subscribe()
    }
}
