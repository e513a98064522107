//! Whether the code and the live tables agree: asked at the start, said plainly, with what to run.

use super::catalogue::{self, Entry};
use super::checkpoint::checkpoints;
use super::{DatabaseError, Engine, EngineError, describe};
use crate::version::Version;
use std::sync::Arc;

/// Code and live tables do not agree.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Disagreement {
    /// The live version was made by code that this program does not have.
    #[error(
        "{name}: the live tables (version {version}, contract {contract}) were made by other code \
         than this program has; to make them anew beside, run `social-ledger projections rebuild \
         {name}` and then `social-ledger projections switch {name}`, and let the program that \
         made them serve until then"
    )]
    OtherCode {
        /// The read model.
        name: String,
        /// Its live version.
        version: i32,
        /// The contract that it was made by.
        contract: i32,
    },
    /// The live tables do not look as they did when they were filled.
    #[error(
        "{name}: the live tables (version {version}) were altered: {what}; put that back, or run \
         `social-ledger projections rebuild {name}` and then `social-ledger projections switch \
         {name}`"
    )]
    Altered {
        /// The read model.
        name: String,
        /// Its live version.
        version: i32,
        /// The columns that are gone, and those that are new.
        what: String,
    },
}

impl Disagreement {
    pub(super) fn of(entry: &Entry) -> Self {
        Self::OtherCode {
            name: entry.name.clone(),
            version: entry.number,
            contract: entry.contract,
        }
    }
}

impl Engine {
    /// Whether the live read models belong to the log. Whoever writes to another one than they
    /// were projected from would write where nobody looks.
    pub async fn ensure_log(&self) -> Result<(), EngineError> {
        match self.install().await {
            // Whoever serves or projects is told by `check`; whoever mends it must start.
            Ok(()) | Err(EngineError::Disagreement(_)) => {}
            Err(error) => return Err(error),
        }
        let log = self.feed.log_id().await?;
        let client = self.database.connect().await?;
        let held = checkpoints(&client).await;
        let held = held.map_err(|e| DatabaseError(describe(&e)))?;
        let mut foreign = held.iter().filter(|checkpoint| checkpoint.log != log);
        let of_ours = foreign.find_map(|checkpoint| {
            let mut names = self.projections.iter().map(|projection| projection.name());
            names.find(|name| *name == checkpoint.name)
        });
        match of_ours {
            Some(name) => Err(EngineError::ForeignCheckpoint(name)),
            None => Ok(()),
        }
    }

    /// Fails if the code does not agree with the live tables. Says, as an answer, what would bring
    /// read models to the newest code, where an older contract is live.
    pub async fn check(&self) -> Result<Vec<String>, EngineError> {
        let client = self.database.connect().await?;
        let failed = |e| EngineError::Database(DatabaseError(describe(&e)));
        let held = catalogue::entries(&client).await.map_err(failed)?;
        let mut advice = vec![];
        for entry in held.iter().filter(|entry| entry.is_live) {
            let mut codes = self
                .projections
                .iter()
                .filter(|code| code.name() == entry.name);
            let Some(projection) = codes.clone().find(|code| entry.is_of(&***code)) else {
                return Err(Disagreement::of(entry).into());
            };
            let version = Version {
                projection: Arc::clone(projection),
                number: entry.number,
            };
            if let Some(then) = &entry.shape {
                let now = catalogue::shape(&client, &version).await.map_err(failed)?;
                if now != *then {
                    return Err(Disagreement::Altered {
                        name: entry.name.clone(),
                        version: entry.number,
                        what: difference(then, &now),
                    }
                    .into());
                }
            }
            if codes.any(|code| code.contract() > entry.contract) {
                advice.push(format!(
                    "{name}: version {} is live with contract {}, and this program has a newer \
                     one; run `social-ledger projections rebuild {name}` and then `social-ledger \
                     projections switch {name}`",
                    entry.number,
                    entry.contract,
                    name = entry.name,
                ));
            }
        }
        Ok(advice)
    }
}

/// The lines that only one of two texts has.
fn difference(then: &str, now: &str) -> String {
    let only = |mark: &str, of: &str, other: &str| -> Vec<String> {
        let lines = of.lines().filter(|line| !other.lines().any(|o| o == *line));
        lines.map(|line| format!("{mark} {line}")).collect()
    };
    let mut lines = only("without", then, now);
    lines.extend(only("with", now, then));
    lines.join(", ")
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn a_difference_names_what_is_gone_and_what_is_new() {
        let (then, now) = ("a.b int8\na.c text", "a.b int4\na.c text");
        assert_eq!(difference(then, now), "without a.b int8, with a.b int4");
    }
}
