//! Faults: errors by name, on demand or by a plan, and answers that are not what they should be.

mod plan;
mod twist;
mod wire;

pub use plan::Plan;
pub(super) use twist::Twist;
pub(super) use wire::LINE_FAULTS;

use super::answer::Answer;
use super::world::AccountKey;
use domain::Platform;
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most faults that wait at once.
const MAX_FAULTS: usize = 1_000;

/// A fault that somebody ordered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Its name: one of those that [`super::Handle::fault_names`] lists.
    pub error: String,
    /// Only on this platform.
    #[serde(default)]
    pub platform: Option<Platform>,
    /// Only where this is asked for.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// Only for this creator, by index.
    #[serde(default)]
    pub creator: Option<u32>,
    /// How many calls go well before it begins.
    #[serde(default)]
    pub after: u32,
    /// How often; for ever, if it is not said.
    #[serde(default)]
    pub times: Option<u32>,
}

/// More faults were ordered than may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("at most {MAX_FAULTS} faults may wait at once")]
pub struct TooManyFaults;

/// What a fault needs to know of a call.
pub(super) struct About {
    pub(super) platform: Platform,
    pub(super) endpoint: &'static str,
    pub(super) account: Option<AccountKey>,
    pub(super) creator: Option<u32>,
    /// The how manieth call of its kind.
    pub(super) nth: u64,
}

/// What goes wrong with a call.
pub(super) enum Wrong {
    /// Another answer takes the place of the right one.
    Instead(Answer),
    /// The right answer, twisted.
    Twisted(Twist),
}

/// All faults that wait, and the plan.
#[derive(Default)]
pub struct Faults(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    /// Each with its number.
    list: Vec<(u64, Fault)>,
    /// How many were ever ordered.
    ordered: u64,
    plan: Option<Plan>,
}

impl Faults {
    /// Orders a fault, and gives its number. Its name has been looked up before.
    pub(super) fn add(&self, fault: Fault) -> Result<u64, TooManyFaults> {
        let mut waiting = self.waiting();
        if waiting.list.len() >= MAX_FAULTS {
            return Err(TooManyFaults);
        }
        waiting.ordered += 1;
        let number = waiting.ordered;
        waiting.list.push((number, fault));
        Ok(number)
    }

    /// Takes a fault back; `false` if there is none of this number.
    pub fn remove(&self, number: u64) -> bool {
        let mut waiting = self.waiting();
        let before = waiting.list.len();
        waiting.list.retain(|(it, _)| *it != number);
        waiting.list.len() < before
    }

    /// Takes all faults back. The plan stays.
    pub fn clear(&self) {
        self.waiting().list.clear();
    }

    /// The faults that wait.
    pub fn list(&self) -> Vec<(u64, Fault)> {
        self.waiting().list.clone()
    }

    /// Follows a plan from now on, or none.
    pub fn follow(&self, plan: Option<Plan>) {
        self.waiting().plan = plan;
    }

    /// The plan that is followed.
    pub fn plan(&self) -> Option<Plan> {
        self.waiting().plan
    }

    /// The name of what goes wrong with this call, if something does: what was ordered first, else
    /// what the plan has.
    pub(super) fn take(&self, about: &About, is_known: impl Fn(&str) -> bool) -> Option<String> {
        let mut waiting = self.waiting();
        let fits = |fault: &Fault| {
            fault.platform.is_none_or(|it| it == about.platform)
                && fault
                    .endpoint
                    .as_deref()
                    .is_none_or(|it| it == about.endpoint)
                && fault.creator.is_none_or(|it| Some(it) == about.creator)
                && is_known(&fault.error)
        };
        let found = waiting.list.iter_mut().find(|(_, fault)| fits(fault));
        if let Some((number, fault)) = found {
            if fault.after > 0 {
                fault.after -= 1;
                return None;
            }
            let (number, error) = (*number, fault.error.clone());
            fault.times = fault.times.map(|times| times.saturating_sub(1));
            if fault.times == Some(0) {
                waiting.list.retain(|(it, _)| *it != number);
            }
            return Some(error);
        }
        let planned = waiting.plan?.of(about)?;
        is_known(planned).then(|| planned.to_owned())
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a name stands for on any platform: trouble on the line, and twisted answers.
pub(super) fn common(name: &str, base: &str) -> Option<Wrong> {
    wire::named(name, base)
        .map(Wrong::Instead)
        .or_else(|| Twist::named(name).map(Wrong::Twisted))
}

/// The names that hold for any platform.
pub(super) fn common_names() -> Vec<&'static str> {
    let twists = twist::NAMES.iter().map(|(name, _)| *name);
    LINE_FAULTS.iter().copied().chain(twists).collect()
}

#[cfg(test)]
mod tests;
