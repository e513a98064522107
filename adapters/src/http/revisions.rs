//! Parts of a stream: by revision, a page at a time.

use super::params::{Params, Take};
use super::problem::Problem;
use utoipa::IntoParams;

const DEFAULT_LIMIT: i64 = 100;
const MAX_LIMIT: i64 = 500;

/// Which events.
#[derive(Clone, Copy, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Revisions {
    /// Only events after this revision; from the first one, if left out.
    #[param(value_type = Option<i64>, minimum = 0)]
    after_revision: Option<i64>,
    /// How many at most, 1 to 500; 100, if left out.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 500)]
    limit: i64,
}

impl Take for Revisions {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        Ok(Self {
            after_revision: params.number("after_revision", (0, i64::MAX - 1))?,
            limit: params
                .number("limit", (1, MAX_LIMIT))?
                .unwrap_or(DEFAULT_LIMIT),
        })
    }
}

impl Revisions {
    /// The first revision, and how many events at most. One more is read, to see whether there is.
    pub(super) fn range(self) -> (u64, usize) {
        let after = self.after_revision.map(i64::cast_unsigned);
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        (after.map_or(0, |after| after + 1), limit)
    }

    /// Takes away what was read besides, and says after which revision the next page begins.
    pub(super) fn cut<T>(self, found: &mut Vec<T>, revision: impl Fn(&T) -> u64) -> Option<u64> {
        let (_, limit) = self.range();
        let is_cut = found.len() > limit;
        found.truncate(limit);
        found.last().map(revision).filter(|_| is_cut)
    }
}
