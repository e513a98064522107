//! Groups readings by account, so that one append carries many of them.
//!
//! What a page of posts holds depends on the rows of its own file and moment alone: a second run
//! makes the same pages, and so the same commands, and recognises all of them; and a file that
//! grew, or a new one, does not change the pages of the others.

use super::source::{AccountRef, Reading};
use domain::Timestamp;
use std::collections::HashMap;
use std::mem::take;
use std::sync::Arc;

/// Rows of one account that go into one append, unless a page of posts is open.
pub(super) const GROUP_ROWS: usize = 200;
/// Rows held back in all, so that interleaved accounts still make full groups.
const HELD_ROWS: usize = 32_768;

/// Readings of one account, in their order.
pub(super) struct Group {
    pub(super) account: AccountRef,
    pub(super) readings: Vec<Reading>,
}

/// A group that is being filled, and the page of posts at its end.
struct Filling {
    group: Group,
    page_at: Option<Timestamp>,
    page_rows: usize,
}

/// Holds readings back until their account has a full group.
#[derive(Default)]
pub(super) struct Assembler {
    file: Option<(usize, Arc<str>)>,
    places: HashMap<AccountRef, usize>,
    groups: Vec<Filling>,
    held: usize,
}

impl Assembler {
    /// Takes a reading in and gives the groups that are full.
    pub(super) fn add(&mut self, reading: Reading) -> Vec<Group> {
        let mut full = vec![];
        let file = (reading.table, Arc::clone(&reading.place.file));
        if self.file.as_ref() != Some(&file) {
            self.file = Some(file);
            full = self.flush();
        }
        let place = match self.places.get(&reading.account) {
            Some(place) => *place,
            None => self.open(reading.account.clone()),
        };
        let filling = &mut self.groups[place];
        let page_at = reading.post.as_ref().map(|_| reading.observed_at);
        if filling.page_at != page_at || page_at.is_none() {
            // Only between pages may a group end, or when one is full.
            if filling.group.readings.len() >= GROUP_ROWS {
                self.held -= filling.group.readings.len();
                full.push(filling.group.taken());
            }
            filling.page_at = page_at;
            filling.page_rows = 0;
        }
        filling.page_rows += usize::from(page_at.is_some());
        filling.group.readings.push(reading);
        self.held += 1;
        if filling.page_rows == GROUP_ROWS {
            filling.page_rows = 0;
            self.held -= filling.group.readings.len();
            full.push(filling.group.taken());
        }
        if self.held >= HELD_ROWS {
            full.extend(self.flush());
        }
        full
    }

    fn open(&mut self, account: AccountRef) -> usize {
        let place = self.groups.len();
        self.places.insert(account.clone(), place);
        let group = Group {
            account,
            readings: vec![],
        };
        self.groups.push(Filling {
            group,
            page_at: None,
            page_rows: 0,
        });
        place
    }

    /// Gives everything that is held, in the order in which the accounts came.
    pub(super) fn flush(&mut self) -> Vec<Group> {
        self.places.clear();
        self.held = 0;
        let groups = take(&mut self.groups)
            .into_iter()
            .map(|filling| filling.group);
        groups.filter(|group| !group.readings.is_empty()).collect()
    }
}

impl Group {
    fn taken(&mut self) -> Self {
        Self {
            account: self.account.clone(),
            readings: take(&mut self.readings),
        }
    }
}
