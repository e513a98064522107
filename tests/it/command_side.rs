//! The write side over a real log: one effect for each command, from any process, warm or cold.

mod cold_start;
mod ports_that_fail;
mod posts;
mod repetition;
mod two_processes;
