//! The receipt of an erasure: what was destroyed, what remains and why, until when backups matter.

use commands::Erased;
use data_encoding::HEXLOWER;
use domain::time::DAY_MICROS;
use domain::{StreamName, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

/// What may remain after an erasure.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Remains {
    /// What.
    #[schema(value_type = String)]
    pub what: &'static str,
    /// Why it may stay.
    #[schema(value_type = String)]
    pub why: &'static str,
}

/// What was destroyed, in words.
const DESTROYED: [&str; 4] = [
    "the account's key, which alone opens handle, name, bio, links, captions and the platform's ids",
    "the entry in the registry, which led from the platform's id to the account",
    "the notes by which the write side recognised unchanged posts",
    "its rows in the read models: numbers, posts, texts, syncs (by the projector, right after)",
];

/// What remains, in words.
const REMAINS: [Remains; 6] = [
    Remains {
        what: "the random account id, and that this account was erased, when and for which reason",
        why: "so that every later question is answered with `erased`, and a restored backup does \
              not bring the account back",
    },
    Remains {
        what: "sealed values in the log's events",
        why: "the log is append-only; no key opens them any more",
    },
    Remains {
        what: "plain numbers, times, granted scopes and error codes in the log's events",
        why: "they say nothing of a person without what was destroyed; no read model and no \
              answer but the auditor's list of events holds them",
    },
    Remains {
        what: "names of posts in the log's events, which are keyed hashes",
        why: "their key is gone: nothing leads back to the platform's ids",
    },
    Remains {
        what: "platform and creator id, as the host system gave it",
        why: "the key's scope goes by it, so that the account's creator and nobody else is told; \
              what it means is the host system's to erase",
    },
    Remains {
        what: "the wrapped key in backups of the keys and in the database's own old pages, until \
               the date that is named",
        why: "it opens nothing without the master key, and restoring it with this program \
              destroys it again",
    },
];

/// An event by its place.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct ErasureEvent {
    /// The stream.
    pub stream: String,
    /// The place in it, from 0: it is the last.
    pub revision: u64,
    /// Its id.
    #[schema(format = "uuid")]
    pub event_id: String,
}

/// A receipt.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Receipt {
    /// The account.
    #[schema(format = "uuid")]
    pub account_id: String,
    /// When the erasure was asked for.
    #[schema(format = "date-time")]
    pub erased_at: String,
    /// When the log took it in.
    #[schema(format = "date-time")]
    pub recorded_at: String,
    /// On whose request: `requested`, `data_deletion_callback` or `retention_ended`.
    #[schema(value_type = String)]
    pub reason: &'static str,
    /// Who carried it out: `key:` and an API key's id, `command line`, or `erasure log` where the
    /// log had lost it.
    pub requested_by: String,
    /// The event that says so.
    pub event: ErasureEvent,
    /// Where the event lies in the log: a token for `wait_for`.
    pub position: String,
    /// Names the destroyed key: the first 16 bytes of a hash of it, in hexadecimal. Null if there
    /// was no key any more.
    pub key_fingerprint: Option<String>,
    /// Whether the vault holds no key of the account. False only if the erasure was cut short:
    /// asking for it again, or the next start, finishes it.
    pub key_destroyed: bool,
    /// What was destroyed.
    #[schema(value_type = Vec<String>)]
    pub destroyed: [&'static str; 4],
    /// What remains, and why.
    #[schema(value_type = Vec<Remains>)]
    pub remains: [Remains; 6],
    /// Until when backups may hold the wrapped key, by BACKUP_RETENTION_DAYS.
    #[schema(format = "date-time")]
    pub backups_until: String,
}

impl Receipt {
    /// The receipt of an erasure, where backups are kept for so many days.
    pub fn of(erased: &Erased, backup_retention_days: u32) -> Self {
        let erasure = &erased.erasure;
        let kept = i64::from(backup_retention_days) * DAY_MICROS;
        let backups_until: Timestamp = erased.recorded_at.saturating_add_micros(kept);
        Self {
            account_id: erasure.account.to_string(),
            erased_at: erasure.at.to_string(),
            recorded_at: erased.recorded_at.to_string(),
            reason: erasure.reason.name(),
            requested_by: erased.actor.clone(),
            event: ErasureEvent {
                stream: StreamName::of_account(erasure.account).as_str().to_owned(),
                revision: erased.revision,
                event_id: erased.event_id.to_string(),
            },
            position: erased.position.to_string(),
            key_fingerprint: erasure.key.map(|key| HEXLOWER.encode(&key.0)),
            key_destroyed: erased.key_destroyed,
            destroyed: DESTROYED,
            remains: REMAINS,
            backups_until: backups_until.to_string(),
        }
    }
}
