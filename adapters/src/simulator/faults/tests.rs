//! Faults come when they were ordered, as often as they were ordered, and plans repeat themselves.

use super::*;

fn about(endpoint: &'static str, nth: u64) -> About {
    About {
        platform: Platform::Instagram,
        endpoint,
        account: None,
        creator: Some(3),
        nth,
    }
}

fn fault(error: &str) -> Fault {
    Fault {
        error: error.to_owned(),
        platform: None,
        endpoint: None,
        creator: None,
        after: 0,
        times: None,
    }
}

#[test]
fn a_fault_comes_where_when_and_as_often_as_ordered() {
    let faults = Faults::default();
    let ordered = Fault {
        platform: Some(Platform::Instagram),
        endpoint: Some("posts".to_owned()),
        creator: Some(3),
        after: 1,
        times: Some(2),
        ..fault("rate_app")
    };
    faults.add(ordered).expect("room");
    let take = |about: &About| faults.take(about, |_| true);
    assert_eq!(take(&about("profile", 0)), None);
    let other = About {
        creator: Some(4),
        ..about("posts", 0)
    };
    assert_eq!(take(&other), None);
    let found: Vec<_> = (0..4)
        .map(|nth| take(&about("posts", nth)).is_some())
        .collect();
    assert_eq!(found, [false, true, true, false]);
    assert!(faults.list().is_empty());
}

#[test]
fn a_fault_that_is_not_limited_lasts_until_it_is_taken_back() {
    let faults = Faults::default();
    let number = faults.add(fault("transient")).expect("room");
    for nth in 0..5 {
        assert!(faults.take(&about("posts", nth), |_| true).is_some());
    }
    assert!(faults.remove(number) && !faults.remove(number));
    assert!(faults.take(&about("posts", 5), |_| true).is_none());
    // A name that this platform does not have passes it by.
    faults.add(fault("backend_error")).expect("room");
    assert!(faults.take(&about("posts", 6), |_| false).is_none());
    faults.clear();
    for _ in 0..MAX_FAULTS {
        faults.add(fault("transient")).expect("room");
    }
    assert_eq!(faults.add(fault("transient")), Err(TooManyFaults));
}

#[test]
fn a_plan_repeats_itself_at_its_rates() {
    let of_seed = |seed| {
        let faults = Faults::default();
        faults.follow(Some(Plan::of_seed(seed)));
        let calls = (0..10_000).map(|nth| faults.take(&about("posts", nth), |_| true));
        calls.collect::<Vec<_>>()
    };
    let (one, other) = (of_seed(7), of_seed(8));
    assert_eq!(one, of_seed(7));
    assert_ne!(one, other);
    let wrong = one.iter().flatten().count();
    assert!((250..400).contains(&wrong), "{wrong} of 10,000");
    let limited = one
        .iter()
        .flatten()
        .filter(|name| name.starts_with("rate_"));
    assert!((25..90).contains(&limited.count()));
}
