//! What differs between two versions of a read model: by checksums of their rows first, and row by
//! row only where those differ.
//!
//! Both are read in one snapshot, in which they may stand at different places in the log. The
//! accounts that have events in between are in motion: what differs in their rows says nothing,
//! and is counted apart.

use super::switch::newest_beside;
use super::table::{self, Counts, Table};
use super::{AdminError, Administration, numbered};
use crate::sql::Held;
use crate::version::Version;
use domain::Position;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use tokio_postgres::{Client, Transaction};
use uuid::Uuid;

/// How many rows of each kind are shown of a table.
pub const MOST_SAMPLES: i64 = 5;
/// The most events that may lie between two versions that are compared.
const MOST_BETWEEN: usize = 20_000;
/// Longer texts in samples are cut.
const MOST_SHOWN: usize = 100;

/// What differs between two versions.
#[derive(Clone, Debug, Serialize)]
pub struct Diff {
    /// The read model.
    pub name: String,
    /// The live version: `here`.
    pub here: i32,
    /// The version that is compared with it: `there`.
    pub there: i32,
    /// Whether no row differs, but for those in motion.
    pub same: bool,
    /// Accounts with events that one version has and the other has not yet.
    pub accounts_in_motion: usize,
    /// Table by table.
    pub tables: Vec<TableDiff>,
}

/// What differs in one table.
#[derive(Clone, Debug, Serialize)]
pub struct TableDiff {
    /// Its name, with `_vN` for the version.
    pub table: String,
    /// How many rows the live version has.
    pub rows_here: i64,
    /// How many rows the other version has.
    pub rows_there: i64,
    /// Rows that only the live version has.
    pub only_here: i64,
    /// Rows that only the other version has.
    pub only_there: i64,
    /// Rows that both have, and not the same.
    pub different: i64,
    /// Rows in motion that are not the same.
    pub in_motion: i64,
    /// Columns that only the live version has: not compared.
    pub columns_only_here: Vec<String>,
    /// Columns that only the other version has: not compared.
    pub columns_only_there: Vec<String>,
    /// A few rows of each kind.
    pub samples: Vec<Sample>,
}

/// A row that differs.
#[derive(Clone, Debug, Serialize)]
pub struct Sample {
    /// Its key.
    pub key: Value,
    /// What the live version has, of the columns that differ; nothing, if it has no such row.
    pub here: Option<Value>,
    /// What the other version has.
    pub there: Option<Value>,
}

impl Administration {
    /// Compares the live version with the newest filled one beside it, or with the one that has
    /// this number.
    pub async fn diff(&self, name: &str, with: Option<i32>) -> Result<Diff, AdminError> {
        let (mut ours, mut theirs) = (self.connect().await?, self.connect().await?);
        let snapshot = snapshot(&mut ours, None).await?;
        let row = snapshot
            .query_one("select pg_export_snapshot() as id", &[])
            .await?;
        // One reads the live version and the other the other one, at the same moment.
        let other = self::snapshot(&mut theirs, Some(row.try_get("id")?)).await?;
        let entries = self.entries(&snapshot, name).await?;
        let nothing_beside = || AdminError::NothingBeside {
            name: name.to_owned(),
        };
        let here = entries.iter().find(|entry| entry.is_live);
        let here = here.ok_or_else(nothing_beside)?;
        let there = match with {
            Some(number) => numbered(&entries, name, number)?,
            None => newest_beside(&entries)
                .or_else(|| {
                    entries
                        .iter()
                        .rev()
                        .find(|e| !e.is_live && e.is_filled)
                        .cloned()
                })
                .ok_or_else(nothing_beside)?,
        };
        if !there.is_filled {
            return Err(AdminError::NotFilled {
                name: name.to_owned(),
                version: there.number,
            });
        }
        let (here, there) = (self.version(here)?, self.version(&there)?);
        let moving = self.moving(&snapshot, &here, &there).await?;
        let mut tables = vec![];
        for table in table::tables(&snapshot, &here, &there).await? {
            tables.push(compare((&snapshot, &other), &table, (&here, &there), &moving).await?);
        }
        let is_same = |t: &TableDiff| t.only_here + t.only_there + t.different == 0;
        Ok(Diff {
            name: name.to_owned(),
            here: here.number,
            there: there.number,
            same: tables.iter().all(is_same),
            accounts_in_motion: moving.len(),
            tables,
        })
    }

    /// The accounts of the events that lie between the least and the most that any shard of either
    /// version has.
    async fn moving(
        &self,
        snapshot: &Transaction<'_>,
        here: &Version,
        there: &Version,
    ) -> Result<Vec<Uuid>, AdminError> {
        let rows = snapshot
            .query(
                "select log_id, commit_position, prepare_position
                 from projection_checkpoints
                 where name = $1 and version in ($2, $3)
                 order by commit_position, prepare_position",
                &[&here.name(), &here.number, &there.number],
            )
            .await?;
        let place = |row: Option<&tokio_postgres::Row>| -> Result<Option<Position>, AdminError> {
            let held = row.map(|row| Held::read(row.try_get("log_id")?, row));
            Ok(held.transpose()?.and_then(|held| held.position()))
        };
        let (mut after, to) = (place(rows.first())?, place(rows.last())?);
        let mut accounts = BTreeSet::new();
        let mut between = 0;
        while after < to {
            let page = self.feed.read_all(after, 1_000).await?;
            for event in &page {
                if Some(event.position) <= to {
                    accounts.extend(event.stream.account().map(|account| account.uuid()));
                }
            }
            between += page.len();
            after = page.last().map(|event| event.position);
            if page.is_empty() {
                break;
            }
            if between > MOST_BETWEEN {
                return Err(AdminError::Behind {
                    name: there.name().to_owned(),
                    version: there.number,
                });
            }
        }
        Ok(accounts.into_iter().collect())
    }
}

/// A transaction that sees one moment, and the same as another one if that is named.
async fn snapshot<'a>(
    client: &'a mut Client,
    of: Option<&str>,
) -> Result<Transaction<'a>, tokio_postgres::Error> {
    let transaction = client
        .build_transaction()
        .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await?;
    if let Some(id) = of {
        transaction
            .batch_execute(&format!("set transaction snapshot '{id}'"))
            .await?;
    }
    Ok(transaction)
}

async fn compare(
    (here, there): (&Transaction<'_>, &Transaction<'_>),
    table: &Table,
    versions: (&Version, &Version),
    moving: &[Uuid],
) -> Result<TableDiff, AdminError> {
    let (rows_here, rows_there, buckets) = table.compare((here, there)).await?;
    let (counts, differing) = if buckets.is_empty() {
        (Counts::default(), vec![])
    } else {
        table
            .descend(here, versions, &buckets, moving, MOST_SAMPLES)
            .await?
    };
    let mut samples = vec![];
    for row in differing {
        let (here, there) = table.rows(here, &row.key).await?;
        samples.push(sample(table, &row.key, (here, there)));
        debug_assert!(row.in_here || row.in_there);
    }
    Ok(TableDiff {
        table: table.name.clone(),
        rows_here,
        rows_there,
        only_here: counts.only_here,
        only_there: counts.only_there,
        different: counts.different,
        in_motion: counts.in_motion,
        columns_only_here: table.only_here.clone(),
        columns_only_there: table.only_there.clone(),
        samples,
    })
}

/// A row as it is shown: of two only the columns in which they differ.
fn sample(table: &Table, key: &str, rows: (Option<String>, Option<String>)) -> Sample {
    let parse = |text: Option<String>| -> Option<Map<String, Value>> {
        text.and_then(|text| serde_json::from_str(&text).ok())
    };
    let (mut here, mut there) = (parse(rows.0), parse(rows.1));
    if let (Some(ours), Some(theirs)) = (&mut here, &mut there) {
        let is_same = |name: &String| ours.get(name) == theirs.get(name);
        let same: Vec<String> = ours.keys().filter(|name| is_same(name)).cloned().collect();
        let alone = table.only_here.iter().chain(&table.only_there);
        for name in same.iter().chain(alone) {
            ours.remove(name);
            theirs.remove(name);
        }
    }
    let shown = |row: Option<Map<String, Value>>| {
        row.map(|row| Value::Object(row.into_iter().map(|(name, v)| (name, cut(v))).collect()))
    };
    Sample {
        key: serde_json::from_str(key).unwrap_or_default(),
        here: shown(here),
        there: shown(there),
    }
}

fn cut(value: Value) -> Value {
    match value {
        Value::String(text) if text.chars().count() > MOST_SHOWN => {
            let start: String = text.chars().take(MOST_SHOWN).collect();
            Value::String(format!("{start}..."))
        }
        other => other,
    }
}
