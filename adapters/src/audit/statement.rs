//! Files of lines that end with a signed statement about the lines before it.
//!
//! The last line but one is the statement, JSON that names its format first; the last line is
//! `{"algorithm","public_key","signature"}`. The signature is over the statement's bytes, without
//! the end of its line.

use super::AuditError;
use crate::vault::{PublicKey, Signer};
use data_encoding::HEXLOWER;
use domain::chain::ChainHash;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

const ALGORITHM: &str = "ed25519";
/// The longest line that is read: an event is at most 900 KiB, half as much again in base64.
const MAX_LINE_BYTES: u64 = 4 * 1024 * 1024;

/// A statement with its signature.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signed {
    /// The text that was signed.
    pub statement: String,
    /// The key that it says it was signed with.
    pub public_key: PublicKey,
    /// The signature.
    pub signature: [u8; 64],
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureLine {
    algorithm: String,
    public_key: String,
    signature: String,
}

impl Signed {
    /// Signs a statement, which has no end of line in it.
    pub(super) fn new(signer: &Signer, statement: String) -> Self {
        Self {
            public_key: signer.public_key(),
            signature: signer.sign(statement.as_bytes()),
            statement,
        }
    }

    /// The two lines that end a file.
    pub(super) fn lines(&self) -> Result<String, AuditError> {
        let line = serde_json::to_string(&SignatureLine {
            algorithm: ALGORITHM.to_owned(),
            public_key: self.public_key.to_string(),
            signature: HEXLOWER.encode(&self.signature),
        })?;
        Ok(format!("{}\n{line}\n", self.statement))
    }

    fn read(statement: Vec<u8>, signature: &[u8]) -> Result<Self, String> {
        let line: SignatureLine = serde_json::from_slice(signature)
            .map_err(|e| format!("its last line is no signature, it may be cut off: {e}"))?;
        if line.algorithm != ALGORITHM {
            return Err(format!("it is signed with {}", line.algorithm));
        }
        let signature = HEXLOWER
            .decode(line.signature.as_bytes())
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or("its signature is not 128 hexadecimal digits")?;
        Ok(Self {
            statement: String::from_utf8(statement).map_err(|e| e.to_string())?,
            public_key: line
                .public_key
                .parse()
                .map_err(|e: crate::vault::InvalidPublicKey| e.to_string())?,
            signature,
        })
    }

    /// Whether the signature holds for the statement and the key that it names.
    pub fn holds(&self) -> bool {
        self.public_key
            .verify(self.statement.as_bytes(), &self.signature)
    }
}

/// SHA-256 of a statement: by it the next one names it.
pub(super) fn hash(statement: &str) -> ChainHash {
    ChainHash(Sha256::digest(statement).into())
}

/// Reads a file: gives every line but the last two to `each`, with its number, and returns those.
pub(super) fn read(
    path: &Path,
    mut each: impl FnMut(u64, &[u8]) -> Result<(), String>,
) -> Result<Signed, AuditError> {
    let file = std::fs::File::open(path).map_err(AuditError::file(path))?;
    let mut file = BufReader::with_capacity(1 << 18, file);
    let mut last = VecDeque::with_capacity(3);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let mut bounded = (&mut file).take(MAX_LINE_BYTES);
        let read = bounded
            .read_until(b'\n', &mut line)
            .map_err(AuditError::file(path))?;
        if read == 0 {
            break;
        }
        if line.pop() != Some(b'\n') {
            let reason = "its end is missing: the line is too long or cut off";
            return Err(at_line(path, number, reason));
        }
        last.push_back(std::mem::take(&mut line));
        if last.len() > 2 {
            let oldest = last.pop_front().unwrap_or_default();
            each(number - 2, &oldest).map_err(|reason| at_line(path, number - 2, &reason))?;
            // Its memory serves the next line.
            line = oldest;
        }
    }
    let signature = last.pop_back().unwrap_or_default();
    let statement = last.pop_back().unwrap_or_default();
    Signed::read(statement, &signature).map_err(|reason| AuditError::not_ours(path, reason))
}

fn at_line(path: &Path, number: u64, reason: &str) -> AuditError {
    AuditError::not_ours(path, format!("line {number}: {reason}"))
}
