//! An account's state as named facts, and what an event changed of them.

use domain::account::Account;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Named facts of a state: `phase`, `creator`, `metrics.followers` and so on.
pub type Facts = BTreeMap<String, Value>;

/// A fact that an event changed. Null stands for none.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Change {
    /// Which fact.
    pub fact: String,
    /// What it was before.
    pub before: Value,
    /// What it is after.
    pub after: Value,
}

/// The facts of a state.
pub fn of(account: &Account) -> Facts {
    let mut facts = Facts::new();
    let mut put = |name: &str, value: Value| facts.insert(name.to_owned(), value);
    put("phase", json!(account.phase()));
    match account {
        Account::Absent | Account::Imported { .. } => {}
        Account::Connected { scopes, since, .. } => {
            put("scopes", json!(scopes));
            put("since", json!(since));
        }
        Account::NeedsReauthorization { since, error, .. } => {
            put("since", json!(since));
            put("error", json!(error));
        }
        Account::Disconnected { at, reason, .. } => {
            put("since", json!(at));
            put("reason", json!(reason));
        }
        Account::Erased { at, reason, key } => {
            put("since", json!(at));
            put("reason", json!(reason));
            if let Some(key) = key {
                put("key", json!(key));
            }
        }
    }
    let Some(known) = account.facts() else {
        return facts;
    };
    put("creator", json!(known.creator));
    put("platform", json!(known.platform.name()));
    if let Some((since, fingerprint)) = known.profiles.changes().last() {
        put(
            "profile",
            json!({"since": since, "fingerprint": fingerprint}),
        );
        put(
            "profile_changes_kept",
            json!(known.profiles.changes().len()),
        );
    }
    for (name, moment) in [
        ("newest_metrics", known.newest_metrics),
        ("newest_posts", known.newest_posts),
        ("newest_sync", known.newest_sync),
    ] {
        if let Some(moment) = moment {
            put(name, json!(moment));
        }
    }
    for (metric, (observed_at, value)) in &known.newest_values {
        put(
            &format!("metrics.{}", metric.name()),
            json!({"value": value, "observed_at": observed_at}),
        );
    }
    facts
}

/// What is different, in the order of names.
pub fn changes(before: &Facts, after: &Facts) -> Vec<Change> {
    let names = before
        .keys()
        .chain(after.keys().filter(|name| !before.contains_key(*name)));
    let mut changes: Vec<Change> = names
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| Change {
            fact: name.clone(),
            before: before.get(name).cloned().unwrap_or_default(),
            after: after.get(name).cloned().unwrap_or_default(),
        })
        .collect();
    changes.sort_by(|a, b| a.fact.cmp(&b.fact));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_different_is_a_change() {
        let facts = |pairs: &[(&str, i64)]| -> Facts {
            let pair = |(name, value): &(&str, i64)| ((*name).to_owned(), json!(value));
            pairs.iter().map(pair).collect()
        };
        let before = facts(&[("a", 1), ("b", 2), ("c", 3)]);
        let after = facts(&[("a", 1), ("b", 5), ("d", 4)]);
        let said: Vec<_> = changes(&before, &after)
            .into_iter()
            .map(|change| (change.fact, change.before, change.after))
            .collect();
        let expected = [
            ("b".to_owned(), json!(2), json!(5)),
            ("c".to_owned(), json!(3), Value::Null),
            ("d".to_owned(), Value::Null, json!(4)),
        ];
        assert_eq!(said, expected);
        assert!(changes(&before, &before).is_empty());
    }
}
