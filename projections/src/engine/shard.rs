//! Shards: which part of the log's accounts a worker takes.

use crate::projection::Projection;
use domain::AccountId;
use std::ops::Range;

/// Parts that every batch is split into. A sharded read model has a worker and a checkpoint for
/// each, so the number may not change for tables that are there.
pub(super) const SHARDS: usize = 4;

/// The shard of an account. Account ids are random in their last bits.
pub(super) fn of(account: AccountId) -> usize {
    account.uuid().as_bytes()[15] as usize % SHARDS
}

/// The shard of a read model that takes an account.
pub(crate) fn shard_of(projection: &dyn Projection, account: AccountId) -> i32 {
    if projection.is_sharded() {
        of(account) as i32
    } else {
        0
    }
}

/// The parts of a batch that each shard of a read model takes: one each, or all in one.
pub(super) fn parts(is_sharded: bool) -> Vec<Range<usize>> {
    if is_sharded {
        (0..SHARDS).map(|shard| shard..shard + 1).collect()
    } else {
        std::iter::once(0..SHARDS).collect()
    }
}
