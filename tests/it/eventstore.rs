//! The EventStoreDB log against a server that goes wrong: one test for each rule that it keeps.

mod appends;
mod encrypted;
mod erasure;
mod following;
mod metrics;
mod nodes;
mod program;
mod proofs;
mod rebuild;
mod scene;
mod secrets;
