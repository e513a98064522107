//! A map by the names of streams that holds an account's in 16 bytes.

use domain::StreamName;
use std::collections::HashMap;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// Something for each of many streams.
#[derive(Clone, Debug)]
pub(super) struct Streams<T> {
    accounts: HashMap<Uuid, T>,
    /// Names that are not an account's in the one form that is written.
    others: HashMap<String, T>,
}

impl<T> Default for Streams<T> {
    fn default() -> Self {
        Self {
            accounts: HashMap::new(),
            others: HashMap::new(),
        }
    }
}

/// The account whose stream this is, if the name is exactly as it is written.
fn account(stream: &str) -> Option<Uuid> {
    let id = stream.strip_prefix(StreamName::ACCOUNT_PREFIX)?;
    let account = Uuid::try_parse(id).ok()?;
    let mut written = [0; Hyphenated::LENGTH];
    (id == account.hyphenated().encode_lower(&mut written)).then_some(account)
}

fn name(account: Uuid) -> String {
    format!("{}{}", StreamName::ACCOUNT_PREFIX, account.hyphenated())
}

impl<T> Streams<T> {
    pub(super) fn get(&self, stream: &str) -> Option<&T> {
        match account(stream) {
            Some(account) => self.accounts.get(&account),
            None => self.others.get(stream),
        }
    }

    pub(super) fn insert(&mut self, stream: &str, value: T) {
        match account(stream) {
            Some(account) => self.accounts.insert(account, value),
            None => self.others.insert(stream.to_owned(), value),
        };
    }

    pub(super) fn len(&self) -> usize {
        self.accounts.len() + self.others.len()
    }

    /// All of them in no order.
    pub(super) fn into_iter(self) -> impl Iterator<Item = (String, T)> {
        let accounts = self.accounts.into_iter();
        accounts
            .map(|(id, value)| (name(id), value))
            .chain(self.others)
    }

    /// All of them in no order, by reference.
    pub(super) fn iter(&self) -> impl Iterator<Item = (String, &T)> {
        let accounts = self.accounts.iter().map(|(id, value)| (name(*id), value));
        accounts.chain(
            self.others
                .iter()
                .map(|(name, value)| (name.clone(), value)),
        )
    }
}

impl<T: Default> Streams<T> {
    pub(super) fn entry(&mut self, stream: &str) -> &mut T {
        match account(stream) {
            Some(account) => self.accounts.entry(account).or_default(),
            None => {
                if !self.others.contains_key(stream) {
                    self.others.insert(stream.to_owned(), T::default());
                }
                self.others.get_mut(stream).expect("it was just put there")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_and_come_back() {
        let id = "01890000-0000-7000-8000-00000000000a";
        let names = [
            format!("account-{id}"),
            format!("account-{}", id.to_uppercase()),
            format!("account-{}", id.replace('-', "")),
            "account-x".to_owned(),
            id.to_owned(),
        ];
        let mut streams = Streams::<usize>::default();
        for (n, name) in names.iter().enumerate() {
            *streams.entry(name) += n;
        }
        assert_eq!(streams.len(), names.len());
        for (n, name) in names.iter().enumerate() {
            assert_eq!(streams.get(name), Some(&n));
        }
        let mut back: Vec<_> = streams.into_iter().map(|(name, _)| name).collect();
        let mut names = names.to_vec();
        back.sort();
        names.sort();
        assert_eq!(back, names);
    }
}
