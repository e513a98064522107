//! Meta's replies about tokens, scopes and the Pages of a person.

use super::paging;
use crate::platforms::call::Call;
use crate::platforms::class::Class;
use crate::platforms::failure::Failure;
use crate::platforms::json::{Doubts, Why, id, list, owned, text, whole};
use crate::platforms::posts::entries;
use crate::platforms::secret::Secret;
use crate::platforms::tokens::{granted, token};
use crate::platforms::understood::{Accounts, Content, ManagedAccount, TokenFacts, Understood};
use serde_json::Value;
use std::collections::BTreeSet;

/// `/me/permissions`: what was granted, declined or has expired.
pub(in crate::platforms) fn scopes(call: &Call, json: &Value) -> Result<Understood, Failure> {
    let entries = entries(json, "data")?;
    let granted_ones = entries
        .iter()
        .filter(|it| text(it, "status") == Some("granted"));
    let scopes: BTreeSet<_> = granted_ones
        .filter_map(|it| owned(it, "permission"))
        .collect();
    let any_refused = scopes.len() < entries.len();
    let less = call.granted_less(&scopes, |_| any_refused);
    let found = Understood::new(Content::Scopes(scopes), Doubts::default());
    Ok(match less {
        true => found.classed(Class::OkReducedScope),
        false => found,
    })
}

/// `debug_token`: invalid tokens come with HTTP 200, and `expires_at` 0 means never.
pub(in crate::platforms) fn token_facts(json: &Value) -> Result<Understood, Failure> {
    let data = json.get("data").unwrap_or(&Value::Null);
    match data.get("is_valid") {
        Some(Value::Bool(true)) => {}
        Some(Value::Bool(false)) => return Err(super::error::of_invalid_token(data)),
        _ => return Err(Failure::new(Class::Transient, "no_token_facts")),
    }
    let moment = |field: &str| {
        let seconds = data.get(field).and_then(|it| whole(it).ok().flatten());
        seconds.filter(|it| *it > 0)
    };
    let facts = TokenFacts {
        scopes: granted(data.get("scopes")).unwrap_or_default(),
        expires_at: moment("expires_at"),
        data_access_expires_at: moment("data_access_expires_at"),
    };
    Ok(Understood::new(
        Content::TokenFacts(facts),
        Doubts::default(),
    ))
}

/// A token: documented as the one entry of `data`, in practice flat.
pub(in crate::platforms) fn access_token(
    call: &Call,
    json: &Value,
    is_reduced: impl FnOnce(&BTreeSet<String>) -> bool,
) -> Result<Understood, Failure> {
    let flat = list(json, "data").first().unwrap_or(json);
    let mut found = token(flat)?;
    found.scopes = granted(flat.get("permissions"));
    found.account_id = id(flat, "user_id");
    let less = found
        .scopes
        .as_ref()
        .is_some_and(|scopes| call.granted_less(scopes, is_reduced));
    let understood = Understood::new(Content::Token(found), Doubts::default());
    Ok(match less {
        true => understood.classed(Class::OkReducedScope),
        false => understood,
    })
}

/// `/me/accounts`: the Pages that a person manages, each with its own token.
pub(in crate::platforms) fn accounts(json: &Value) -> Result<Understood, Failure> {
    let mut doubts = Doubts::default();
    let mut found = Accounts::default();
    for entry in entries(json, "data")? {
        let Some(page) = id(entry, "id") else {
            doubts.add("id", Why::NoId);
            continue;
        };
        let linked = entry.get("instagram_business_account");
        found.accounts.push(ManagedAccount {
            id: page,
            name: owned(entry, "name"),
            access: text(entry, "access_token").map(Secret::new),
            instagram_id: linked.and_then(|it| id(it, "id")),
        });
    }
    found.next = paging::next(json, &mut doubts);
    let is_none = found.accounts.is_empty() && found.next.is_none();
    let understood = Understood::new(Content::Accounts(found), doubts);
    Ok(match is_none {
        true => understood.classed(Class::OkNoPages),
        false => understood,
    })
}
