//! The account's rules, told as given, when and then; and the laws that hold for any history.

mod identities;
mod laws;
mod moments;
mod phases;
mod posts;
mod profiles;
mod snapshots;
mod spec;
mod strategies;
