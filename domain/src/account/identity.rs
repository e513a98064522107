//! Event ids from content: the same fact asked for again gets the same id, on any machine.

use super::command::{Command, PostReading, SnapshotMetric};
use super::state::Account;
use crate::observation::Provenance;
use crate::{AccountId, EventId, Timestamp};
use uuid::Uuid;

/// The id of the `index`-th event that a command with this identity led to.
pub fn event_id(identity: EventId, index: usize) -> EventId {
    if index == 0 {
        return identity;
    }
    EventId::from_uuid(Uuid::new_v5(
        &identity.uuid(),
        &(index as u64).to_be_bytes(),
    ))
}

/// The id of an account's erasure: it happens once, whoever asks and whenever.
pub fn erasure_id(account: AccountId) -> EventId {
    EventId::from_uuid(Uuid::new_v5(&account.uuid(), b"erase|"))
}

impl Command {
    /// What makes this command recognisable when it is asked again: the id of its first event.
    ///
    /// For an observation it covers account, source, moment, subjects *and values*: a source that
    /// gives another value for the same moment restates it, which is not a repetition.
    pub fn identity(&self, account: AccountId) -> EventId {
        let mut bytes = Vec::with_capacity(256);
        match self {
            Self::EraseAccount(_) => return erasure_id(account),
            Self::ImportAccount(c) => {
                bytes.extend_from_slice(b"import|");
                write_time(&mut bytes, c.profile.observed_at);
                bytes.extend_from_slice(&c.profile.sealed.fingerprint.0);
            }
            Self::ConnectAccount(c) => {
                bytes.extend_from_slice(b"command|");
                bytes.extend_from_slice(c.command_id.uuid().as_bytes());
            }
            Self::Disconnect { command_id, .. } => {
                bytes.extend_from_slice(b"command|");
                bytes.extend_from_slice(command_id.uuid().as_bytes());
            }
            Self::RecordSync(sync) => {
                bytes.extend_from_slice(b"sync|");
                bytes.extend_from_slice(&sync.sync_id.to_bytes());
            }
            Self::SnapshotMetric(SnapshotMetric::Account(reading)) => {
                bytes.extend_from_slice(b"metrics|");
                write_source(&mut bytes, reading.observed_at, &reading.provenance);
                if let Some(period) = reading.period {
                    write_time(&mut bytes, period.from);
                    write_time(&mut bytes, period.to);
                }
                reading.values.write_canonical(&mut bytes);
                if let Some(profile) = &reading.profile {
                    bytes.extend_from_slice(&profile.fingerprint.0);
                }
            }
            Self::SnapshotMetric(SnapshotMetric::Posts(reading)) => {
                bytes.extend_from_slice(b"posts|");
                write_source(&mut bytes, reading.observed_at, &reading.provenance);
                for post in &reading.posts {
                    post.write_canonical(&mut bytes);
                }
            }
        }
        EventId::from_uuid(Uuid::new_v5(&account.uuid(), &bytes))
    }
}

/// Whether the command may have been carried out before, so that the log must be asked.
///
/// What is newer than everything of its kind that the account knows cannot have been.
pub fn may_repeat(account: &Account, command: &Command) -> bool {
    let Some(facts) = account.facts() else {
        return false;
    };
    let newest = match command {
        // The profile timeline answers for itself.
        Command::ImportAccount(_) => return false,
        // So does the phase of an erased account.
        Command::EraseAccount(_) => return false,
        Command::ConnectAccount(_) | Command::Disconnect { .. } => return true,
        Command::RecordSync(sync) => facts.newest_sync.map(|newest| sync.started_at <= newest),
        Command::SnapshotMetric(SnapshotMetric::Account(reading)) => facts
            .newest_metrics
            .map(|newest| reading.observed_at <= newest),
        Command::SnapshotMetric(SnapshotMetric::Posts(reading)) => facts
            .newest_posts
            .map(|newest| reading.observed_at <= newest),
    };
    newest.unwrap_or(false)
}

impl PostReading {
    fn write_canonical(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.post.uuid().as_bytes());
        self.values.write_canonical(out);
        if let Some(fingerprint) = self.text_fingerprint {
            out.extend_from_slice(&fingerprint.0);
        }
        out.push(b'|');
    }
}

fn write_time(out: &mut Vec<u8>, at: Timestamp) {
    out.extend_from_slice(&at.micros().to_be_bytes());
}

fn write_source(out: &mut Vec<u8>, at: Timestamp, provenance: &Provenance) {
    write_time(out, at);
    out.extend_from_slice(provenance.source.as_bytes());
    out.push(b'|');
}
