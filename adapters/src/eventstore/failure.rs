//! What an error of the client means: was anything done, and is the connection still of use?

use eventstore::Error;

/// gRPC's numbers for the statuses that the client passes on as they are.
mod status {
    pub(super) const CANCELLED: i32 = 1;
    pub(super) const RESOURCE_EXHAUSTED: i32 = 8;
    pub(super) const ABORTED: i32 = 10;
}

/// Why a call gave no answer that could be used.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing was sent, or the server did nothing with it.
    Unavailable(String),
    /// It may have been carried out or not.
    Unknown(String),
    /// The server's answer, which another attempt would not change.
    Answer(Error),
}

impl Failure {
    /// The reason in words. Nothing in it comes from the connection string.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Unavailable(reason) | Self::Unknown(reason) => reason.clone(),
            Self::Answer(error) => describe(error),
        }
    }
}

/// What to do about an error.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Another node leads. The client turns to it by itself; nothing was done here.
    Elsewhere,
    /// No request was sent: the client is of no use any more.
    NotSent(String),
    /// The request was sent on a connection that is lost, or to a node that fails.
    Lost(String),
    /// The server gave up in time; the connection is good.
    Late(String),
    /// An answer.
    Answer(Error),
}

/// Judges an error of the client.
pub(super) fn judge(error: Error) -> Verdict {
    let code = match &error {
        Error::Grpc { code, .. } => Some(*code as i32),
        _ => None,
    };
    match code {
        Some(status::CANCELLED) => return Verdict::Lost(describe(&error)),
        Some(status::ABORTED | status::RESOURCE_EXHAUSTED) => {
            return Verdict::Late(describe(&error));
        }
        _ => {}
    }
    match error {
        Error::NotLeaderException(_) => Verdict::Elsewhere,
        // The client says these two before it sends anything; one ends it for ever, the other is
        // what it says from then on.
        Error::GrpcConnectionError(_) | Error::ConnectionClosed => {
            Verdict::NotSent(describe(&error))
        }
        Error::ServerError(_) | Error::DeadlineExceeded => Verdict::Lost(describe(&error)),
        other => Verdict::Answer(other),
    }
}

/// An error in words.
pub(super) fn describe(error: &Error) -> String {
    match error {
        Error::AccessDenied => {
            "the server denies access: the user or password of the connection string is wrong, or \
             lacks the right"
                .to_owned()
        }
        // The client's text goes on with all trailers of the answer; what stands before is enough.
        other => {
            let text = other.to_string();
            let end = text.find(", details:").unwrap_or(text.len());
            text[..end].to_owned()
        }
    }
}
