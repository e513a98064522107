//! After a copy: what the database keeps about the source goes on with the target.

use super::Copied;
use crate::audit::{AuditError, carry};
use crate::postgres::Pool;
use projections::engine::{HandedOver, hand_over as hand_over_models};

/// What became of what the database keeps about the source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    /// The read models.
    pub models: HandedOver,
    /// Whether the audit goes on at the end of the copy. If not, it reads it from its beginning.
    pub audit: bool,
}

/// Moves read models and the audit's notes to the end of the copy, in one transaction. Read models
/// that are not at the end of the source stay where they are, and so does all else.
///
/// Folded states need nothing: they name streams and revisions, which are the same.
pub async fn hand_over(pool: &Pool, copied: &Copied) -> Result<Kept, AuditError> {
    let mut client = pool.get().await?;
    let transaction = client.transaction().await?;
    let registry = projections::registry();
    let models = hand_over_models(&transaction, &registry, copied.from, copied.to).await?;
    let audit = match models {
        HandedOver::Behind(_) | HandedOver::Elsewhere(_) => false,
        HandedOver::Absent | HandedOver::Moved | HandedOver::Already => {
            carry(&transaction, copied.from, copied.to).await?
        }
    };
    transaction.commit().await?;
    Ok(Kept { models, audit })
}
