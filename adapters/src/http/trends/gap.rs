//! Why an interval of a trend has no value.

use crate::http::time::Moment;
use domain::Timestamp;
use projections::follower_trends::Bucket;
use serde::Serialize;
use utoipa::ToSchema;

/// Why an interval has no value.
#[derive(Serialize, ToSchema)]
pub(super) struct Gap {
    /// The cause.
    cause: GapCause,
    /// The first syncs that failed within the interval, at most 5.
    failed_syncs: Vec<FailedSync>,
}

/// The cause of a gap.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum GapCause {
    /// The interval ends before anything of the account was observed.
    BeforeFirstObservation,
    /// The interval begins after the moment that the answer is as of.
    Future,
    /// Syncs failed within the interval.
    SyncFailed,
    /// The metric was asked for, and the source withheld it.
    Hidden,
    /// Nobody looked, or the source did not say.
    NotObserved,
    /// The account was erased.
    Erased,
}

/// A sync that brought nothing.
#[derive(Serialize, ToSchema)]
pub(super) struct FailedSync {
    /// The run.
    sync_id: String,
    /// When it began.
    started_at: Moment,
    /// What kind of failure it met, such as `auth_expired`, `rate_limited` or `transient`.
    error_class: Option<String>,
    /// The platform's own code for it.
    error_code: Option<String>,
}

impl From<projections::sync_health::FailedSync> for FailedSync {
    fn from(sync: projections::sync_health::FailedSync) -> Self {
        Self {
            sync_id: sync.sync_id,
            started_at: Moment(sync.started_at),
            error_class: sync.error_class,
            error_code: sync.error_code,
        }
    }
}

/// What the causes of gaps depend on besides the gap itself.
#[derive(Clone, Copy)]
pub(super) struct Known {
    /// The moment that the answer is as of, or now if that is earlier.
    pub(super) until: Timestamp,
    /// When anything of the account was first observed.
    pub(super) first_observed_at: Option<Timestamp>,
    /// Whether the account was erased.
    pub(super) erased: bool,
}

impl Known {
    /// The gap of an interval within which these syncs failed.
    pub(super) fn gap(self, bucket: &Bucket, mut failed_syncs: Vec<FailedSync>) -> Gap {
        // What came after the moment that is asked about had not happened yet.
        failed_syncs.retain(|sync| sync.started_at.0 <= self.until);
        let cause = self.cause(bucket, !failed_syncs.is_empty());
        Gap {
            cause,
            failed_syncs,
        }
    }

    /// A metric that was withheld was looked at, whatever else failed; and a failure tells more
    /// than that nothing had been observed yet.
    fn cause(self, bucket: &Bucket, any_failed: bool) -> GapCause {
        let first = self.first_observed_at;
        if self.erased {
            GapCause::Erased
        } else if bucket.hidden {
            GapCause::Hidden
        } else if bucket.from > self.until {
            GapCause::Future
        } else if any_failed {
            GapCause::SyncFailed
        } else if first.is_none_or(|first| bucket.to <= first) {
            GapCause::BeforeFirstObservation
        } else {
            GapCause::NotObserved
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn cause(hidden: bool, any_failed: bool, until: &str, first: Option<&str>) -> GapCause {
        let bucket = Bucket {
            from: at("2026-03-02T00:00:00Z"),
            to: at("2026-03-03T00:00:00Z"),
            point: None,
            hidden,
        };
        let known = Known {
            until: at(until),
            first_observed_at: first.map(at),
            erased: false,
        };
        known.cause(&bucket, any_failed)
    }

    #[test]
    fn a_gap_names_its_cause() {
        let later = "2026-03-10T00:00:00Z";
        let before = Some("2026-03-01T00:00:00Z");
        assert_eq!(cause(true, true, later, before), GapCause::Hidden);
        let earlier = "2026-03-01T00:00:00Z";
        assert_eq!(cause(false, false, earlier, before), GapCause::Future);
        assert_eq!(cause(false, true, later, before), GapCause::SyncFailed);
        assert_eq!(cause(false, true, later, None), GapCause::SyncFailed);
        assert_eq!(cause(false, false, later, before), GapCause::NotObserved);
        let nothing_yet = GapCause::BeforeFirstObservation;
        let after = Some("2026-03-03T00:00:00Z");
        assert_eq!(cause(false, false, later, after), nothing_yet);
        assert_eq!(cause(false, false, later, None), nothing_yet);
    }
}
