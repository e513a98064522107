//! Exports an account's events with their exact bytes: a line each, then a signed manifest.
//!
//! Nothing in a file depends on when, where or from which log it was made: the same range of the
//! same history, signed with the same key, is the same file to the byte.

use super::statement::Signed;
use super::{AuditError, Auditor};
use data_encoding::BASE64;
use domain::chain::verify::prev_of;
use domain::chain::{ChainHash, Tip};
use domain::{AccountId, RecordedEvent, StreamName};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::ops::RangeInclusive;
use uuid::Uuid;

/// The name of the format.
pub const FORMAT: &str = "social-ledger/export/1";
/// Events that are read at once.
const PAGE: u64 = 64;

/// One event.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line<'a> {
    #[serde(borrow)]
    pub(super) stream: Cow<'a, str>,
    pub(super) revision: u64,
    pub(super) event_id: Uuid,
    #[serde(rename = "type", borrow)]
    pub(super) event_type: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) metadata: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) data: Cow<'a, str>,
    pub(super) hash: ChainHash,
}

/// What an export states of the lines before.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// The stream.
    pub stream: String,
    /// The first event's revision.
    pub first_revision: u64,
    /// The last event's revision.
    pub last_revision: u64,
    /// How many events there are.
    pub events: u64,
    /// The hash that the first event names as the one of the event before it.
    pub prev: ChainHash,
    /// The last event's hash.
    pub tip: ChainHash,
    /// SHA-256 of all lines before this one, each with its end.
    pub sha256: ChainHash,
}

/// An export on its way, piece by piece.
pub struct Export {
    auditor: Auditor,
    stream: StreamName,
    next: u64,
    last: u64,
    sha256: Sha256,
    begun: Option<(u64, ChainHash)>,
    tip: Option<Tip>,
    events: u64,
    manifest: Option<Manifest>,
}

impl Auditor {
    /// Begins an export of these revisions of an account's stream, as far as they are there.
    pub async fn export(
        &self,
        account: AccountId,
        revisions: RangeInclusive<u64>,
    ) -> Result<Export, AuditError> {
        let stream = StreamName::of_account(account);
        let (first, last) = revisions.into_inner();
        let found = self.log.read_stream(&stream, first, 1).await?;
        if found.is_empty() || first > last {
            let reason = format!("there are no events of account {account} in this range");
            return Err(AuditError::NothingThere(reason));
        }
        Ok(Export {
            auditor: self.clone(),
            stream,
            next: first,
            last,
            sha256: Sha256::new(),
            begun: None,
            tip: None,
            events: 0,
            manifest: None,
        })
    }
}

impl Export {
    /// The next piece of the file; nothing after its end.
    pub async fn next_piece(&mut self) -> Result<Option<String>, AuditError> {
        if self.manifest.is_some() {
            return Ok(None);
        }
        let left = self.last.saturating_sub(self.next).saturating_add(1);
        let limit = if self.next > self.last {
            0
        } else {
            left.min(PAGE)
        };
        let log = &self.auditor.log;
        let page = match usize::try_from(limit).unwrap_or(0) {
            0 => vec![],
            limit => log.read_stream(&self.stream, self.next, limit).await?,
        };
        if page.is_empty() {
            return self.finish().map(Some);
        }
        let mut text = String::new();
        for event in &page {
            self.add(event, &mut text)?;
        }
        self.sha256.update(text.as_bytes());
        Ok(Some(text))
    }

    /// What the file states, once it is whole.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    fn add(&mut self, event: &RecordedEvent, text: &mut String) -> Result<(), AuditError> {
        let hash = ChainHash::of_recorded(event);
        if self.begun.is_none() {
            // An event that names nothing readable is exported as it is: verifying it tells.
            let prev = prev_of(&event.metadata).unwrap_or(ChainHash::GENESIS);
            self.begun = Some((event.revision, prev));
        }
        self.tip = Some(Tip {
            revision: event.revision,
            hash,
        });
        self.next = event.revision.saturating_add(1).max(self.next + 1);
        text.push_str(&serde_json::to_string(&Line {
            stream: event.stream.as_str().into(),
            revision: event.revision,
            event_id: event.event_id.uuid(),
            event_type: event.event_type.as_str().into(),
            metadata: BASE64.encode(&event.metadata).into(),
            data: BASE64.encode(&event.data).into(),
            hash,
        })?);
        text.push('\n');
        self.events += 1;
        Ok(())
    }

    fn finish(&mut self) -> Result<String, AuditError> {
        let (Some((first_revision, prev)), Some(tip)) = (self.begun, self.tip) else {
            let reason = "the events were there and are gone".to_owned();
            return Err(AuditError::NothingThere(reason));
        };
        let manifest = Manifest {
            format: FORMAT.to_owned(),
            stream: self.stream.as_str().to_owned(),
            first_revision,
            last_revision: tip.revision,
            events: self.events,
            prev,
            tip: tip.hash,
            sha256: ChainHash(self.sha256.clone().finalize().into()),
        };
        let signed = Signed::new(&self.auditor.signer, serde_json::to_string(&manifest)?);
        self.manifest = Some(manifest);
        signed.lines()
    }
}
