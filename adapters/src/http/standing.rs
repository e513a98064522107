//! Where an account stands: its data state, its badge and the one action that helps.

use super::time::Moment;
use domain::Timestamp;
use domain::time::DAY_MICROS;
use projections::accounts::AccountRow;
use projections::sync_health::HealthRow;
use serde::Serialize;
use utoipa::ToSchema;

/// A success older than this is no longer fresh.
const FRESH_MICROS: i64 = DAY_MICROS;
/// Without a success for so long, failures are no passing trouble any more.
const BROKEN_MICROS: i64 = 3 * DAY_MICROS;

/// What can be said of the data as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum StateName {
    /// The data is as fresh as it is meant to be.
    Ready,
    /// The first sync has not ended yet.
    Syncing,
    /// Nothing was ever observed.
    NoData,
    /// There is data, and newer data should be there.
    Stale,
    /// Only the creator can restore access.
    NeedsReauthorization,
    /// The platform makes us wait.
    RateLimited,
    /// The connection has ended; the history stays.
    Disconnected,
    /// The account was erased: nothing of it can be shown any more.
    Erased,
}

/// The state of the data and its cause.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub(super) struct DataState {
    /// The state.
    pub(super) state: StateName,
    /// Why it is so, in one sentence.
    pub(super) cause: String,
}

/// A badge's colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Colour {
    /// The last success is at most 24 hours old.
    Green,
    /// The last success is older than 24 hours.
    Yellow,
    /// Somebody must act, or nothing has come for 72 hours.
    Red,
    /// Nothing is synced: imported, never synced yet, disconnected or erased.
    Grey,
}

/// A badge to show beside an account: colour, word and time, never colour alone.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub(super) struct Badge {
    /// The colour.
    pub(super) colour: Colour,
    /// The word.
    #[schema(value_type = String)]
    pub(super) word: &'static str,
    /// Since when: of the last success, of the failure, or of the phase.
    pub(super) since: Option<Moment>,
}

/// The one thing that helps.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Action {
    /// The creator connects the account again.
    Reconnect,
    /// It passes by itself, at a time that is given where it is known.
    WaitUntil,
    /// An administrator looks into the set-up.
    ContactAdmin,
    /// Nothing is to be done.
    None,
}

/// What is known of an account and its syncs at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing<'a> {
    phase: &'a str,
    since: Option<Timestamp>,
    reason: Option<&'a str>,
    observed: bool,
    parked_since: Option<Timestamp>,
    health: Option<&'a HealthRow>,
    now: Timestamp,
}

impl<'a> Standing<'a> {
    pub(super) fn of(
        account: &'a AccountRow,
        health: Option<&'a HealthRow>,
        now: Timestamp,
    ) -> Self {
        Self {
            phase: &account.phase,
            since: Some(account.phase_since),
            reason: account.phase_reason.as_deref(),
            observed: account.first_observed_at.is_some(),
            parked_since: account.parked_since,
            health,
            now,
        }
    }

    fn failing_since(&self) -> Option<Timestamp> {
        self.health.and_then(|health| health.failing_since)
    }

    fn last_success(&self) -> Option<Timestamp> {
        self.health.and_then(|health| health.last_success_at)
    }

    fn error_class(&self) -> Option<&'a str> {
        self.failing_since()
            .and(self.health)
            .and_then(|health| health.error_class.as_deref())
    }

    fn never_synced(&self) -> bool {
        self.health
            .is_none_or(|health| health.last_attempt_at.is_none())
    }

    fn is_older(&self, at: Option<Timestamp>, micros: i64) -> bool {
        at.is_none_or(|at| self.now.micros() - at.micros() > micros)
    }

    /// When the platform's limit ends, if a limit is what the last sync met.
    fn limited_until(&self) -> Option<Option<Timestamp>> {
        let health = self
            .health
            .filter(|_| self.error_class() == Some("rate_limited"))?;
        match health.rate_limit_reset_at {
            Some(reset) if reset <= self.now => None,
            reset => Some(reset.or(health.next_at)),
        }
    }

    /// The state of the data and its cause.
    pub(super) fn state(&self) -> DataState {
        let (state, cause) = self.state_and_cause();
        DataState { state, cause }
    }

    fn state_and_cause(&self) -> (StateName, String) {
        let since = |text: &str| match self.since {
            Some(at) => format!("{text} since {at}"),
            None => text.to_owned(),
        };
        let reason = self
            .reason
            .map(|reason| format!(" ({reason})"))
            .unwrap_or_default();
        if let Some(parked) = self.parked_since.filter(|_| self.phase != "erased") {
            let cause = format!(
                "parked since {parked}: newer events of this account wait until a fault is mended"
            );
            return (StateName::Stale, cause);
        }
        match self.phase {
            "imported" if self.observed => (
                StateName::Ready,
                "imported from files; this account is not synced".to_owned(),
            ),
            "imported" => (
                StateName::NoData,
                "imported from files that held no number of it; this account is not synced"
                    .to_owned(),
            ),
            "disconnected" => (
                StateName::Disconnected,
                format!("{}{reason}; the history stays", since("disconnected")),
            ),
            "erased" => (
                StateName::Erased,
                format!(
                    "{}{reason}; nothing of it can be shown any more",
                    since("erased")
                ),
            ),
            "needs_reauthorization" => (
                StateName::NeedsReauthorization,
                format!(
                    "{}{reason}; the creator must connect the account again",
                    since("the platform refuses access")
                ),
            ),
            _ => self.connected_state(),
        }
    }

    fn connected_state(&self) -> (StateName, String) {
        if self.never_synced() {
            let cause = "connected; the first sync has not ended yet".to_owned();
            return (StateName::Syncing, cause);
        }
        if let Some(until) = self.limited_until() {
            let until = until.map(|at| format!(" until {at}")).unwrap_or_default();
            let cause = format!("the platform's rate limit is reached{until}");
            return (StateName::RateLimited, cause);
        }
        let success = match self.last_success() {
            Some(at) => format!("the last successful sync ended at {at}"),
            None => "no sync has succeeded yet".to_owned(),
        };
        let failing = match (self.failing_since(), self.error_class()) {
            (Some(at), Some(class)) => format!("; syncs fail since {at} ({class})"),
            (Some(at), None) => format!("; syncs fail since {at}"),
            (None, _) => String::new(),
        };
        let cause = format!("{success}{failing}");
        let state = if !self.observed {
            StateName::NoData
        } else if self.is_older(self.last_success(), FRESH_MICROS) {
            StateName::Stale
        } else {
            StateName::Ready
        };
        (state, cause)
    }

    /// The badge.
    pub(super) fn badge(&self) -> Badge {
        let badge = |colour, word, since: Option<Timestamp>| Badge {
            colour,
            word,
            since: since.map(Moment),
        };
        match self.phase {
            "disconnected" => return badge(Colour::Grey, "disconnected", self.since),
            "erased" => return badge(Colour::Grey, "erased", self.since),
            "needs_reauthorization" => {
                let since = self.since.or(self.failing_since());
                return badge(Colour::Red, "reconnect needed", since);
            }
            "imported" => return badge(Colour::Grey, "imported", self.since),
            _ if self.never_synced() => {
                return badge(Colour::Grey, "waiting for the first sync", self.since);
            }
            _ => {}
        }
        let failing_since = self.failing_since();
        match self.error_class() {
            Some("auth_expired" | "permission") => {
                return badge(Colour::Red, "reconnect needed", failing_since);
            }
            Some("account_gone") => {
                return badge(Colour::Red, "gone from the platform", failing_since);
            }
            Some("config_error") => return badge(Colour::Red, "set-up error", failing_since),
            _ => {}
        }
        let success = self.last_success();
        // Where none ever succeeded, the first failure is what the 72 hours count from.
        if failing_since.is_some() && self.is_older(success.or(failing_since), BROKEN_MICROS) {
            return badge(Colour::Red, "failing", failing_since);
        }
        if !self.is_older(success, FRESH_MICROS) {
            return badge(Colour::Green, "healthy", success);
        }
        badge(Colour::Yellow, "delayed", success.or(failing_since))
    }

    /// The one action that helps, and until when to wait if it is waiting.
    pub(super) fn action(&self) -> (Action, Option<Moment>) {
        match (self.phase, self.reason) {
            ("needs_reauthorization", _) => return (Action::Reconnect, None),
            ("disconnected", Some("requested") | None) | ("imported" | "erased", _) => {
                return (Action::None, None);
            }
            ("disconnected", Some(_)) => return (Action::Reconnect, None),
            _ => {}
        }
        let next = self.health.and_then(|health| health.next_at);
        match self.error_class() {
            Some("auth_expired" | "permission" | "account_gone") => (Action::Reconnect, None),
            Some("config_error" | "invalid_request" | "policy") => (Action::ContactAdmin, None),
            Some("rate_limited") => {
                let until = self.limited_until().flatten().or(next);
                (Action::WaitUntil, until.map(Moment))
            }
            Some(_) => (Action::WaitUntil, next.map(Moment)),
            None => (Action::None, None),
        }
    }
}

#[cfg(test)]
mod tests;
