//! The executable `social-ledger`.

use std::process::ExitCode;

fn main() -> ExitCode {
    bin::run()
}
