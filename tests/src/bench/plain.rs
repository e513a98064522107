//! A plain HTTP client on a thread of its own: one connection, one request at a time, and as
//! little work as can be, so that what is timed is the server.

use anyhow::{Context, ensure};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

pub(crate) struct Plain {
    connection: BufReader<TcpStream>,
    authorization: String,
    line: String,
    body: Vec<u8>,
}

impl Plain {
    pub(crate) fn connect(address: &str, secret: &str) -> anyhow::Result<Self> {
        let connection = TcpStream::connect(address)?;
        connection.set_nodelay(true)?;
        Ok(Self {
            connection: BufReader::new(connection),
            authorization: format!("host: {address}\r\nauthorization: Bearer {secret}\r\n\r\n"),
            line: String::new(),
            body: vec![],
        })
    }

    /// Reads an answer, which must be a good one, to its end.
    pub(crate) fn ask(&mut self, path: &str) -> anyhow::Result<()> {
        let request = format!("GET {path} HTTP/1.1\r\n{}", self.authorization);
        self.connection.get_mut().write_all(request.as_bytes())?;
        let status = self.line()?;
        ensure!(status.starts_with("HTTP/1.1 200"), "{path}: {status}");
        let mut length = None;
        loop {
            let header = self.line()?;
            if header.is_empty() {
                break;
            }
            let named = header.split_once(':');
            if let Some((_, value)) = named.filter(|(name, _)| *name == "content-length") {
                length = Some(value.trim().parse()?);
            }
        }
        self.body.resize(length.context("no content-length")?, 0);
        self.connection.read_exact(&mut self.body)?;
        Ok(())
    }

    fn line(&mut self) -> anyhow::Result<&str> {
        self.line.clear();
        self.connection.read_line(&mut self.line)?;
        Ok(self.line.trim_end())
    }
}
