//! The program under test: the same entry point as the executable `social-ledger`.

use std::process::ExitCode;

fn main() -> ExitCode {
    bin::run()
}
