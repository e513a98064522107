//! Badges, states and actions at the edges of their definitions.

use super::*;
use domain::AccountId;

const NOW: &str = "2026-03-10T12:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn health(success: Option<&str>, failing: Option<(&str, &str)>) -> HealthRow {
    HealthRow {
        account_id: AccountId::from_uuid(uuid::Uuid::nil()),
        creator: "c".to_owned(),
        platform: "youtube".to_owned(),
        phase: "connected".to_owned(),
        last_attempt_at: Some(at("2026-03-10T11:00:00Z")),
        last_success_at: success.map(at),
        last_outcome: None,
        error_class: failing.map(|(_, class)| class.to_owned()),
        error_code: None,
        failing_since: failing.map(|(since, _)| at(since)),
        failures: i64::from(failing.is_some()),
        recovered_at: None,
        rate_limit_reset_at: None,
        next_at: Some(at("2026-03-10T13:00:00Z")),
        syncs: 1,
    }
}

fn standing<'a>(phase: &'a str, health: Option<&'a HealthRow>) -> Standing<'a> {
    Standing {
        phase,
        since: None,
        reason: None,
        observed: true,
        parked_since: None,
        health,
        now: at(NOW),
    }
}

fn colour(success: Option<&str>, failing: Option<(&str, &str)>) -> Colour {
    standing("connected", Some(&health(success, failing)))
        .badge()
        .colour
}

#[test]
fn an_account_whose_events_wait_is_stale_and_says_why() {
    let parked = |phase| Standing {
        parked_since: Some(at(NOW)),
        ..standing(phase, None)
    };
    let state = parked("imported").state();
    assert_eq!(state.state, StateName::Stale);
    assert!(state.cause.contains("parked since"), "{}", state.cause);
    assert_eq!(parked("erased").state().state, StateName::Erased);
}

#[test]
fn fresh_is_green_and_late_is_yellow() {
    assert_eq!(colour(Some("2026-03-09T12:00:00Z"), None), Colour::Green);
    assert_eq!(colour(Some("2026-03-09T11:59:59Z"), None), Colour::Yellow);
    let transient = Some(("2026-03-10T01:00:00Z", "transient"));
    assert_eq!(
        colour(Some("2026-03-10T00:00:00Z"), transient),
        Colour::Green
    );
    assert_eq!(colour(None, transient), Colour::Yellow);
}

#[test]
fn what_somebody_must_mend_is_red_at_once() {
    for class in ["auth_expired", "permission", "account_gone", "config_error"] {
        let failing = Some(("2026-03-10T11:00:00Z", class));
        assert_eq!(
            colour(Some("2026-03-10T10:00:00Z"), failing),
            Colour::Red,
            "{class}"
        );
    }
    assert_eq!(
        standing("needs_reauthorization", None).badge().colour,
        Colour::Red
    );
}

#[test]
fn seventy_two_hours_of_failures_are_red() {
    let failing = Some(("2026-03-07T11:30:00Z", "transient"));
    assert_eq!(colour(Some("2026-03-07T11:00:00Z"), failing), Colour::Red);
    assert_eq!(
        colour(Some("2026-03-07T12:00:00Z"), failing),
        Colour::Yellow
    );
    assert_eq!(colour(None, failing), Colour::Red);
    // Late, but nothing fails: only late.
    assert_eq!(colour(Some("2026-03-01T00:00:00Z"), None), Colour::Yellow);
}

#[test]
fn what_is_not_synced_is_grey() {
    for phase in ["imported", "disconnected", "connected"] {
        assert_eq!(
            standing(phase, None).badge().colour,
            Colour::Grey,
            "{phase}"
        );
    }
}

#[test]
fn states_and_actions_follow_the_cause() {
    let limited = health(
        Some("2026-03-10T10:00:00Z"),
        Some(("2026-03-10T11:00:00Z", "rate_limited")),
    );
    let limited = standing("connected", Some(&limited));
    assert_eq!(limited.state().state, StateName::RateLimited);
    let next = Moment(at("2026-03-10T13:00:00Z"));
    assert_eq!(limited.action(), (Action::WaitUntil, Some(next)));
    let wrong = health(None, Some(("2026-03-10T11:00:00Z", "config_error")));
    let wrong = standing("connected", Some(&wrong));
    assert_eq!(wrong.action().0, Action::ContactAdmin);
    assert_eq!(wrong.state().state, StateName::Stale);
    let fine = health(Some("2026-03-10T10:00:00Z"), None);
    let fine = standing("connected", Some(&fine));
    assert_eq!(
        (fine.state().state, fine.action().0),
        (StateName::Ready, Action::None)
    );
    assert_eq!(
        standing("connected", None).state().state,
        StateName::Syncing
    );
    let imported = standing("imported", None).state();
    assert_eq!(imported.state, StateName::Ready);
    assert_eq!(
        imported.cause,
        "imported from files; this account is not synced"
    );
}
