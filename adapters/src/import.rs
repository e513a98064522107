//! Import: files of history become readings, readings become commands like any other.
//!
//! A mapping says what the columns mean ([`mapping`]); [`source`] reads the files through it;
//! [`run`] groups the readings and hands them to the write side.

mod assemble;
mod extract;
pub mod mapping;
mod pattern;
pub mod report;
mod rows;
pub mod run;
pub mod source;
pub mod time;
mod write;
