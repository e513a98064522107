//! Copies of whole histories between logs: the same bytes, whatever happens meanwhile.

mod equal;
mod faults;
mod handing_over;
mod kills;
mod program;
mod refusals;
mod scene;
