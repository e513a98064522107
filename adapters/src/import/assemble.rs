//! Groups readings by account, so that one append carries many of them.
//!
//! The grouping depends on the rows alone: a second run makes the same groups, and so the same
//! commands, and recognises all of them.

use super::source::{AccountRef, Reading};
use std::collections::HashMap;
use std::mem::take;

/// Rows of one account that go into one append.
pub(super) const GROUP_ROWS: usize = 200;
/// Rows held back in all, so that interleaved accounts still make full groups.
const HELD_ROWS: usize = 32_768;

/// Readings of one account, in their order.
pub(super) struct Group {
    pub(super) account: AccountRef,
    pub(super) readings: Vec<Reading>,
}

/// Holds readings back until their account has a full group.
#[derive(Default)]
pub(super) struct Assembler {
    places: HashMap<AccountRef, usize>,
    groups: Vec<Group>,
    held: usize,
}

impl Assembler {
    /// Takes a reading in and gives the groups that are full.
    pub(super) fn add(&mut self, reading: Reading) -> Vec<Group> {
        let place = match self.places.get(&reading.account) {
            Some(place) => *place,
            None => {
                let account = reading.account.clone();
                self.places.insert(account.clone(), self.groups.len());
                self.groups.push(Group {
                    account,
                    readings: vec![],
                });
                self.groups.len() - 1
            }
        };
        let group = &mut self.groups[place];
        group.readings.push(reading);
        self.held += 1;
        if group.readings.len() >= GROUP_ROWS {
            self.held -= group.readings.len();
            let full = Group {
                account: group.account.clone(),
                readings: take(&mut group.readings),
            };
            return vec![full];
        }
        if self.held >= HELD_ROWS {
            self.flush()
        } else {
            vec![]
        }
    }

    /// Gives everything that is held, in the order in which the accounts came.
    pub(super) fn flush(&mut self) -> Vec<Group> {
        self.places.clear();
        self.held = 0;
        let groups = take(&mut self.groups);
        groups
            .into_iter()
            .filter(|group| !group.readings.is_empty())
            .collect()
    }
}
