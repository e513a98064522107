//! Questions that leave together: over one connection, none waiting for the answer of another.
//!
//! A round trip to the database costs more than most of our statements. A connection sends on
//! what it is given while it still waits for answers, so that questions which do not depend on
//! each other cost one round trip, however many they are. What may be asked before the caller's
//! right to it is known bears the caller's scope within its own statement.

use super::problem::Problem;
use futures_util::future::join;

/// Asks both at once. Of two failures the first one's is told.
pub(super) async fn together<A, B, E, F>(
    first: impl Future<Output = Result<A, E>>,
    second: impl Future<Output = Result<B, F>>,
) -> Result<(A, B), Problem>
where
    Problem: From<E> + From<F>,
{
    let (first, second) = join(first, second).await;
    Ok((first?, second?))
}
