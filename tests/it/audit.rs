//! Audits over every log: whoever changes, removes, swaps or rewrites history is named.

mod checkpoints;
mod exports;
mod program;
mod routes;
mod scene;
mod states;
mod tampering;
