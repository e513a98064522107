//! Signals to processes.

use anyhow::ensure;
use std::fmt::Display;
use std::process::{Command, Stdio};

/// Sends a signal, such as `-TERM`, by what the shell itself has: a small machine lacks a program
/// called `kill`.
pub fn signal(name: &str, pid: impl Display) -> anyhow::Result<()> {
    let status = Command::new("sh")
        .args(["-c", "kill \"$1\" \"$2\"", "sh", name, &pid.to_string()])
        .stderr(Stdio::null())
        .status()?;
    ensure!(status.success(), "kill {name} {pid} failed");
    Ok(())
}
