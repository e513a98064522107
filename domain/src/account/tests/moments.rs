//! The state as of a moment: what counts, and that nothing a state needs is lost in keeping.

use super::spec::{day, imported, metrics};
use super::strategies::{event, moment};
use crate::account::{
    Account, AccountImported, AsOf, Event, MetricsObserved, effective_at, evolve, reduced,
};
use crate::codec::{decode, encode};
use crate::{Sealed, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

fn as_of(events: &[Event], moment: Timestamp) -> Account {
    let mut fold = AsOf::new(moment);
    for event in events {
        fold.push(event);
    }
    fold.account().clone()
}

fn kept(event: &Event) -> Event {
    let kept = reduced(event);
    let bytes = encode(&kept).expect("it can be written");
    let read = decode(kept.type_name(), kept.schema(), &bytes).expect("it can be read");
    read.expect("its type is known")
}

proptest! {
    #[test]
    fn at_the_end_of_time_it_is_the_state(events in vec(event(), 0..30)) {
        let whole = events.iter().fold(Account::Absent, evolve);
        prop_assert_eq!(as_of(&events, Timestamp::MAX), whole);
    }

    #[test]
    fn a_reduced_event_leads_to_the_same_state(events in vec(event(), 0..30), at in moment()) {
        let reduced: Vec<_> = events.iter().map(kept).collect();
        prop_assert_eq!(as_of(&reduced, at), as_of(&events, at));
        for (small, event) in reduced.iter().zip(&events) {
            prop_assert_eq!(effective_at(small), effective_at(event));
        }
    }

    #[test]
    fn what_took_effect_later_changes_nothing(events in vec(event(), 0..30), at in moment()) {
        let Some(Event::AccountImported(_)) = events.first() else { return Ok(()) };
        let by_then = |event: &&Event| effective_at(event) <= at;
        let counted: Vec<_> = events.iter().filter(by_then).cloned().collect();
        if effective_at(&events[0]) <= at {
            prop_assert_eq!(as_of(&events, at), as_of(&counted, at));
        }
    }

    #[test]
    fn a_fold_goes_on_as_of_another_moment(events in vec(event(), 0..30), at in moment()) {
        let first_later = events.iter().position(|event| effective_at(event) > at);
        let (before, after) = events.split_at(first_later.unwrap_or(events.len()));
        let mut fold = AsOf::new(Timestamp::MAX);
        for event in before {
            fold.push(event);
        }
        let mut fold = fold.from_here(at);
        for event in after {
            fold.push(event);
        }
        prop_assert_eq!(fold.account().clone(), as_of(&events, at));
    }

    #[test]
    fn nothing_sealed_is_kept(event in event()) {
        let empty = |sealed: &Sealed| sealed.bytes.is_empty();
        let is_empty = match reduced(&event) {
            Event::AccountImported(e) => empty(&e.profile),
            Event::AccountConnected(e) => empty(&e.profile),
            Event::ProfileChanged(e) => empty(&e.profile),
            Event::PostsObserved(e) => e.changed.is_empty() && e.unchanged.is_empty(),
            _ => true,
        };
        prop_assert!(is_empty);
    }
}

#[test]
fn a_reading_older_than_the_opening_event_has_an_owner_and_nothing_else() {
    let Event::AccountImported(opening) = imported() else {
        panic!("an opening event");
    };
    let events = [
        Event::AccountImported(AccountImported {
            observed_at: day(9),
            ..opening
        }),
        Event::MetricsObserved(MetricsObserved {
            observed_at: day(3),
            ..metrics()
        }),
    ];
    assert_eq!(as_of(&events, day(2)), Account::Absent);
    let account = as_of(&events, day(5));
    assert_eq!(account.phase(), "imported");
    let facts = account.facts().expect("facts");
    assert!(facts.profiles.changes().is_empty());
    assert_eq!(facts.newest_metrics, Some(day(3)));
    assert_eq!(
        as_of(&events, day(9))
            .facts()
            .expect("facts")
            .profiles
            .changes()
            .len(),
        1
    );
}
