//! Asks a socket whether a Postgres server behind it lets us in, by opening a connection.
//!
//! Written out here, because this runs before any client exists and blocks, and because a pid
//! file proves nothing: after a crash the number may be another process's.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::NAME;

/// Version 3.0 of the protocol, which every server since 2003 speaks.
const PROTOCOL: u32 = 0x0003_0000;
const TERMINATE: [u8; 5] = [b'X', 0, 0, 0, 4];

/// A greeting has some twenty short messages; anything beyond these is no Postgres.
const MESSAGES_LIMIT: usize = 100;
const MESSAGE_LIMIT: usize = 64 * 1024;
const ANSWER_PATIENCE: Duration = Duration::from_secs(5);

/// What the socket says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// A server that accepts connections.
    Ready,
    /// A server that starts, recovers or stops, or is too busy to answer.
    NotYet,
    /// Nobody listens.
    Silent,
    /// Somebody listens who will not let us in; waiting would not help.
    Refused(String),
}

/// Opens a connection, hears the answer, and closes it.
pub(super) fn ask(socket: &Path) -> Answer {
    match UnixStream::connect(socket) {
        // One that accepts and then says nothing, or hangs up, is on its way up or down.
        Ok(mut stream) => greet(&mut stream).unwrap_or(Answer::NotYet),
        Err(error) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => Answer::Silent,
            _ => Answer::Refused(error.to_string()),
        },
    }
}

fn greet(stream: &mut UnixStream) -> io::Result<Answer> {
    stream.set_read_timeout(Some(ANSWER_PATIENCE))?;
    stream.set_write_timeout(Some(ANSWER_PATIENCE))?;
    stream.write_all(&startup_message())?;
    for _ in 0..MESSAGES_LIMIT {
        let mut kind = [0];
        stream.read_exact(&mut kind)?;
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        // The length counts its own four bytes.
        let length = (u32::from_be_bytes(length) as usize).saturating_sub(4);
        if length > MESSAGE_LIMIT {
            break;
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        match kind {
            // Ready for a query. The server ends its side with or without a farewell.
            [b'Z'] => return stream.write_all(&TERMINATE).map(|()| Answer::Ready),
            [b'E'] => return Ok(refusal(&body)),
            [b'R'] if body != [0; 4] => {
                return Ok(Answer::Refused("it asks for a password".to_owned()));
            }
            _ => {}
        }
    }
    Ok(Answer::Refused(
        "it does not speak the protocol of Postgres".to_owned(),
    ))
}

fn startup_message() -> Vec<u8> {
    let parameters = format!("user\0{NAME}\0database\0{NAME}\0\0");
    let length = (8 + parameters.len()) as u32;
    let mut message = Vec::new();
    message.extend(length.to_be_bytes());
    message.extend(PROTOCOL.to_be_bytes());
    message.extend(parameters.as_bytes());
    message
}

/// Reads an error message: fields of one letter and a text, each ended by a zero byte.
fn refusal(body: &[u8]) -> Answer {
    let field = |letter: u8| {
        body.split(|byte| *byte == 0)
            .find_map(|part| part.strip_prefix(&[letter]))
            .map(String::from_utf8_lossy)
            .unwrap_or_default()
    };
    match &*field(b'C') {
        // It cannot connect now, or was told to stop between our two words.
        "57P01" | "57P02" | "57P03" => Answer::NotYet,
        // All its connections are taken: by users of ours, so it is up.
        "53300" => Answer::Ready,
        code => Answer::Refused(format!("{} ({code})", field(b'M'))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_read_by_its_code() {
        let error = |code: &str| format!("SFATAL\0VFATAL\0C{code}\0Msome words\0\0").into_bytes();
        assert_eq!(refusal(&error("57P03")), Answer::NotYet);
        assert_eq!(refusal(&error("53300")), Answer::Ready);
        assert_eq!(
            refusal(&error("3D000")),
            Answer::Refused("some words (3D000)".to_owned())
        );
    }

    #[test]
    fn a_socket_that_is_not_there_is_silent() {
        assert_eq!(ask(Path::new("/proc/self/no-such-socket")), Answer::Silent);
    }
}
