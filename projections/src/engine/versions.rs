//! What an engine keeps: all versions that are there to be asked, or the one that it fills; and
//! which shards of them, where the work is shared.

use super::catalogue::{self, Entry};
use super::sharing::{Division, Sharing, TEND_INTERVAL};
use super::{DatabaseError, Disagreement, Engine, EngineError, describe};
use crate::projection::ProjectionError;
use crate::version::Version;
use std::{convert::Infallible, sync::Arc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

impl Engine {
    /// Makes the first version of each read model that has none. The log is asked for its id only
    /// if there are any: a program that was installed starts without its log.
    pub async fn install(&self) -> Result<(), EngineError> {
        let mut client = self.database.connect().await?;
        let failed = |e| EngineError::Database(DatabaseError(describe(&e)));
        let held = catalogue::entries(&client).await.map_err(failed)?;
        for projection in &self.projections {
            let is_held = held.iter().any(|entry| entry.name == projection.name());
            let newer = self.projections.iter().any(|other| {
                other.name() == projection.name() && other.contract() > projection.contract()
            });
            if is_held || newer {
                continue;
            }
            let log = self.feed.log_id().await?;
            let mut version = Version {
                projection: Arc::clone(projection),
                number: 0,
            };
            let making = async {
                let transaction = client.transaction().await?;
                catalogue::lock(&transaction).await?;
                let held = catalogue::entries(&transaction).await?;
                // Another process may have been first.
                if held.iter().all(|entry| entry.name != version.name()) {
                    version.number = catalogue::next_number(&transaction, version.name()).await?;
                    catalogue::make(&transaction, &version, log).await?;
                }
                transaction.commit().await?;
                Ok::<_, ProjectionError>(())
            };
            let made = making.await;
            made.map_err(|e| EngineError::of(&version, e))?;
        }
        for version in self.kept(&held)? {
            let completing = async {
                let mut of_it = held
                    .iter()
                    .filter(|entry| entry.name == version.name() && entry.number == version.number);
                // Without the lock: an index that is being made holds nobody up.
                match of_it.next() {
                    Some(entry) if catalogue::is_incomplete(&client, entry, &version).await? => {}
                    _ => return Ok(()),
                }
                let transaction = client.transaction().await?;
                catalogue::lock(&transaction).await?;
                catalogue::complete(&transaction, &version).await?;
                transaction.commit().await?;
                Ok::<_, ProjectionError>(())
            };
            let completed = completing.await;
            completed.map_err(|e| EngineError::of(&version, e))?;
        }
        Ok(())
    }

    /// Of the versions in the database those that this engine keeps.
    pub(super) fn kept(&self, held: &[Entry]) -> Result<Vec<Version>, EngineError> {
        let mut kept = vec![];
        for entry in held {
            let is_wanted = match self.only {
                Some(number) => entry.number == number,
                None => entry.is_live || entry.is_filled,
            };
            let mut names = self.projections.iter().map(|projection| projection.name());
            if !is_wanted || !names.any(|name| name == entry.name) {
                continue;
            }
            let code = self.projections.iter().find(|code| entry.is_of(&***code));
            match code {
                Some(projection) => kept.push(Version {
                    projection: Arc::clone(projection),
                    number: entry.number,
                }),
                None if entry.is_live => return Err(Disagreement::of(entry).into()),
                // Another program's: it keeps it.
                None => {}
            }
        }
        Ok(kept)
    }

    /// The versions that this engine keeps now.
    pub(super) async fn versions(&self) -> Result<Vec<Version>, EngineError> {
        self.kept(&self.held().await?)
    }

    /// The versions that the database has now.
    pub(crate) async fn held(&self) -> Result<Vec<Entry>, EngineError> {
        let client = self.database.connect().await?;
        let held = catalogue::entries(&client).await;
        Ok(held.map_err(|e| DatabaseError(describe(&e)))?)
    }

    /// Whether all read models have been at the head before.
    pub(super) async fn is_filled(&self) -> Result<bool, EngineError> {
        let held = self.held().await?;
        let is_filled = |version: &Version| {
            let mut entries = held.iter();
            entries.any(|entry| {
                entry.name == version.name() && entry.number == version.number && entry.is_filled
            })
        };
        let names = self.projections.iter().map(|projection| projection.name());
        let are_there = names
            .clone()
            .all(|name| held.iter().any(|entry| entry.name == name));
        Ok(are_there && self.kept(&held)?.iter().all(is_filled))
    }

    /// What there is to do now: everything, or what falls to one of those who share it.
    pub(super) async fn work(
        &self,
        versions: Vec<Version>,
        sharing: Option<&mut Sharing>,
    ) -> Result<Work, EngineError> {
        let (projector, division) = match sharing {
            None => (None, Division::default()),
            Some(sharing) => (Some(sharing.projector), sharing.share(&versions).await?),
        };
        Ok(Work {
            versions,
            projector,
            division,
        })
    }

    /// Ends a run when there is other work than that which it does.
    pub(super) async fn watch(
        &self,
        work: &Work,
        sharing: &mut Sharing,
        run: &CancellationToken,
    ) -> Infallible {
        loop {
            tokio::time::sleep(TEND_INTERVAL).await;
            // What cannot be asked now is asked again.
            let now = async { self.work(self.versions().await?, Some(&mut *sharing)).await };
            let changed = match now.await {
                Ok(now) => !work.is_same(&now),
                Err(EngineError::Disagreement(_)) => true,
                Err(error) => {
                    tracing::warn!(%error, "no sign of life was given");
                    false
                }
            };
            if changed {
                break;
            }
        }
        tracing::info!("the work is divided anew");
        run.cancel();
        std::future::pending().await
    }
}

/// What a run does.
pub(super) struct Work {
    pub(super) versions: Vec<Version>,
    /// Who does it, if it is shared.
    pub(super) projector: Option<Uuid>,
    /// What falls to it, if it is shared.
    division: Division,
}

impl Work {
    /// Whether a shard is among it.
    pub(super) fn is_ours(&self, version: &Version, shard: i32) -> bool {
        let id = (version.name().to_owned(), version.number, shard);
        self.projector.is_none() || self.division.ours.contains(&id)
    }

    fn is_same(&self, other: &Self) -> bool {
        let numbers = |work: &Self| -> Vec<_> {
            let versions = work.versions.iter();
            versions.map(|it| (it.name(), it.number)).collect()
        };
        self.division == other.division && numbers(self) == numbers(other)
    }
}
