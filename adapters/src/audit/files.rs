//! Verifies files that were taken away: exports, and checkpoints by themselves. Needs no database.

use super::AuditError;
use super::checkpoint::{self, Checkpoint};
use super::export::{self, Line, Manifest};
use super::statement;
use super::verify::report::Findings;
use super::verify::{Against, Finding, Report, Scope};
use crate::vault::PublicKey;
use data_encoding::BASE64;
use domain::chain::verify::{Chain, prev_of};
use domain::chain::{ChainHash, Tip};
use domain::{EventId, Position, RecordedEvent, StreamName};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::path::Path;
use uuid::Uuid;

#[derive(Deserialize)]
struct Format {
    format: String,
}

/// Verifies a file; with a key that is known, also that this key signed it.
pub fn verify_file(
    path: &Path,
    key: Option<PublicKey>,
    checkpoint: Option<&Checkpoint>,
) -> Result<Report, AuditError> {
    // The format is at the file's end: an export and a checkpoint are told apart there.
    let signed = statement::read(path, |_, _| Ok(()))?;
    if key.is_some_and(|key| key != signed.public_key) {
        let reason = format!(
            "it is signed with the key {}, not with the one that was given",
            signed.public_key.fingerprint()
        );
        return Err(AuditError::not_ours(path, reason));
    }
    let format = serde_json::from_str::<Format>(&signed.statement).map(|said| said.format);
    match format.as_deref() {
        Ok(export::FORMAT) => verify_export(path, checkpoint),
        Ok(checkpoint::FORMAT) => {
            let read = Checkpoint::read(path)?;
            let against = Against {
                noted: false,
                covered: read.statement.events,
                checkpoint: Some((&read).into()),
            };
            let counts = (read.statement.events, read.statement.streams);
            let findings = Findings::default();
            Ok(Report::new(Scope::Checkpoint, counts, findings, against))
        }
        _ => {
            let reason = "its last line but one is neither an export's manifest nor a checkpoint";
            Err(AuditError::not_ours(path, reason))
        }
    }
}

/// What is taken from an export line by line.
struct Reading {
    stream: String,
    chain: Option<Chain>,
    events: u64,
    first: Option<(u64, ChainHash)>,
    sha256: Sha256,
    finding: Option<Finding>,
}

impl Reading {
    fn take(&mut self, bytes: &[u8], checkpoint: Option<&Checkpoint>) -> Result<(), String> {
        self.sha256.update(bytes);
        self.sha256.update(b"\n");
        let line: Line<'_> =
            serde_json::from_slice(bytes).map_err(|e| format!("it is no event: {e}"))?;
        let event = event(&line)?;
        if self.events == 0 {
            self.stream = line.stream.into_owned();
        } else if event.stream.as_str() != self.stream {
            return Err(format!(
                "it is an event of {}, another stream",
                event.stream
            ));
        }
        self.events += 1;
        if self.finding.is_some() {
            return Ok(());
        }
        let stream = event.stream.as_str();
        let chain = self.chain.get_or_insert_with(|| {
            // A range that does not begin with the stream begins with what its first event names.
            let before = event.revision.checked_sub(1);
            let named = prev_of(&event.metadata).unwrap_or(ChainHash::GENESIS);
            self.first = Some((event.revision, named));
            Chain::after(before.map(|revision| Tip {
                revision,
                hash: named,
            }))
        });
        if let Some(found) = chain.push(&event) {
            self.finding = Some(Finding::of(stream, &found));
            return Ok(());
        }
        let Some(tip) = chain.tip() else {
            return Ok(());
        };
        let signed = checkpoint.and_then(|checkpoint| checkpoint.tip(stream));
        let reason = if line.hash != tip.hash {
            Some(format!("its hash is {}, not the one beside it", tip.hash))
        } else if signed.is_some_and(|signed| signed.revision == tip.revision && signed != tip) {
            Some("the history up to here is not the one of the checkpoint".to_owned())
        } else {
            None
        };
        self.finding = reason.map(|reason| Finding::new(stream, event.revision, reason));
        Ok(())
    }
}

fn event(line: &Line<'_>) -> Result<RecordedEvent, String> {
    let bytes = |text: &str| {
        BASE64
            .decode(text.as_bytes())
            .map_err(|e| format!("metadata or data is not base64: {e}"))
    };
    let nowhere = Position {
        log: Uuid::nil(),
        commit: 0,
        prepare: 0,
    };
    Ok(RecordedEvent {
        stream: StreamName::new(line.stream.as_ref()),
        revision: line.revision,
        position: nowhere,
        event_id: EventId::from_uuid(line.event_id),
        event_type: line.event_type.as_ref().to_owned(),
        metadata: bytes(&line.metadata)?,
        data: bytes(&line.data)?,
    })
}

fn verify_export(path: &Path, checkpoint: Option<&Checkpoint>) -> Result<Report, AuditError> {
    let mut reading = Reading {
        stream: String::new(),
        chain: None,
        events: 0,
        first: None,
        sha256: Sha256::new(),
        finding: None,
    };
    let signed = statement::read(path, |_, bytes| reading.take(bytes, checkpoint))?;
    let not_ours = |reason: &str| AuditError::not_ours(path, reason);
    let manifest: Manifest = serde_json::from_str(&signed.statement)
        .map_err(|e| not_ours(&format!("its manifest cannot be read: {e}")))?;
    if !signed.holds() {
        return Err(not_ours("its signature does not hold"));
    }
    let Reading {
        stream,
        chain,
        events,
        first,
        sha256,
        mut finding,
    } = reading;
    let chain = chain.unwrap_or_default();
    let tip = chain.tip();
    finding = finding.or_else(|| Some(Finding::of(&stream, &chain.finish()?)));
    let stated = Tip {
        revision: manifest.last_revision,
        hash: manifest.tip,
    };
    let sha256 = ChainHash(sha256.finalize().into());
    let agrees = stream == manifest.stream
        && events == manifest.events
        && first == Some((manifest.first_revision, manifest.prev))
        && sha256 == manifest.sha256
        && (finding.is_some() || tip == Some(stated));
    let mut findings = Findings::default();
    if let Some(finding) = finding {
        findings.add(finding);
    } else if !agrees {
        let reason = "the events are not those that its manifest states";
        findings.add(Finding::new(
            &stream,
            manifest.first_revision,
            reason.to_owned(),
        ));
    }
    let in_checkpoint = checkpoint.and_then(|checkpoint| checkpoint.tip(&stream));
    let covered = in_checkpoint.map_or(0, |tip| {
        let after = tip.revision.min(manifest.last_revision) + 1;
        after.saturating_sub(manifest.first_revision)
    });
    // A checkpoint speaks of a range only if it knows an event within it.
    let speaks = in_checkpoint.is_some_and(|tip| {
        (manifest.first_revision..=manifest.last_revision).contains(&tip.revision)
    });
    let against = Against {
        noted: false,
        checkpoint: checkpoint.filter(|_| speaks).map(Into::into),
        covered: if speaks { covered } else { 0 },
    };
    let scope = Scope::Export {
        stream,
        first_revision: manifest.first_revision,
        last_revision: manifest.last_revision,
        key: signed.public_key.fingerprint(),
    };
    Ok(Report::new(scope, (events, 1), findings, against))
}
