//! A stand-in of EventStoreDB in a process of its own, as a real one would be: in this process it
//! would share threads with the one who asks, and with nobody else.

use anyhow::Context;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use tests::StandIn;

/// The argument that makes this program such a server.
pub(crate) const ARGUMENT: &str = "stand-in";

/// The server's process, which ends when this is dropped.
pub(crate) struct Apart {
    url: String,
    child: Child,
}

impl Apart {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(ARGUMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().context("it was piped")?;
        let mut url = String::new();
        BufReader::new(out).read_line(&mut url)?;
        Ok(Self {
            url: url.trim_end().to_owned(),
            child,
        })
    }

    /// The connection string to it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        // It ends with its standard input, as it also does if this process is killed.
        drop(self.child.stdin.take());
        let _ended = self.child.wait();
    }
}

/// Serves until standard input ends.
pub(crate) fn serve() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let server = runtime.block_on(StandIn::start())?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", server.url())?;
    out.flush()?;
    std::io::stdin().read_to_end(&mut vec![])?;
    Ok(())
}
