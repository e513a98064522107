//! A table of a read model in two versions: the same rows, or not, found out by checksums.

use crate::engine::catalogue;
use crate::version::Version;
use std::collections::BTreeMap;
use tokio_postgres::{Error, GenericClient, Transaction};

/// Parts that a table's rows are divided into by their keys.
const BUCKETS: i32 = 1_024;

/// A column as the catalogue has it.
struct Column {
    name: String,
    kind: String,
    in_key: bool,
}

/// A table that both versions have, with the columns that both have.
pub(super) struct Table {
    /// Its name, with `_vN` for the version.
    pub(super) name: String,
    here: String,
    there: String,
    key: Vec<(String, String)>,
    columns: Vec<String>,
    /// Columns that only one version has.
    pub(super) only_here: Vec<String>,
    pub(super) only_there: Vec<String>,
}

/// The tables that both versions have; and those that only one has, as `_vN` names.
pub(super) async fn tables(
    client: &impl GenericClient,
    here: &Version,
    there: &Version,
) -> Result<Vec<Table>, Error> {
    let mut found = vec![];
    let others = catalogue::tables(client, there).await?;
    for table in catalogue::tables(client, here).await? {
        let suffix = &table[here.render(&format!("{}_vN", here.name())).len()..];
        let name = format!("{}_vN{suffix}", here.name());
        let other = there.render(&name);
        if !others.contains(&other) {
            continue;
        }
        let ours = columns(client, &table).await?;
        let theirs = columns(client, &other).await?;
        let lacks = |columns: &[Column], name: &str| columns.iter().all(|c| c.name != name);
        let only = |of: &[Column], other: &[Column]| -> Vec<String> {
            let only = of.iter().filter(|column| lacks(other, &column.name));
            only.map(|column| column.name.clone()).collect()
        };
        let (only_here, only_there) = (only(&ours, &theirs), only(&theirs, &ours));
        let common = ours.iter().filter(|column| !lacks(&theirs, &column.name));
        let columns = common.map(|column| column.name.clone()).collect();
        let key = ours.iter().filter(|column| column.in_key);
        found.push(Table {
            name,
            here: table,
            there: other,
            key: key.map(|c| (c.name.clone(), c.kind.clone())).collect(),
            columns,
            only_here,
            only_there,
        });
    }
    Ok(found)
}

async fn columns(client: &impl GenericClient, table: &str) -> Result<Vec<Column>, Error> {
    let rows = client
        .query(
            "select a.attname::text as name, format_type(a.atttypid, a.atttypmod) as kind,
                 coalesce(a.attnum = any(i.indkey), false) as in_key
             from pg_attribute a
             left join pg_index i on i.indrelid = a.attrelid and i.indisprimary
             where a.attrelid = $1::text::regclass and a.attnum > 0 and not a.attisdropped
             order by a.attnum",
            &[&table],
        )
        .await?;
    let read = |row: &tokio_postgres::Row| {
        Ok(Column {
            name: row.try_get("name")?,
            kind: row.try_get("kind")?,
            in_key: row.try_get("in_key")?,
        })
    };
    rows.iter().map(read).collect()
}

/// The rows of one bucket: how many, and a sum that does not depend on their order.
pub(super) type Bucket = (i64, String);

/// Rows that differ.
pub(super) struct Differing {
    /// The row's key as JSON.
    pub(super) key: String,
    pub(super) in_here: bool,
    pub(super) in_there: bool,
}

/// How many rows differ, and how.
#[derive(Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) only_here: i64,
    pub(super) only_there: i64,
    pub(super) different: i64,
    /// Differences in rows of accounts that one version has seen more of than the other.
    pub(super) in_motion: i64,
}

impl Table {
    fn keys(&self) -> Vec<&str> {
        self.key.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Columns of `t` as a record.
    fn record<'a>(columns: impl Iterator<Item = &'a str>) -> String {
        let columns: Vec<_> = columns.map(|name| format!("t.{name}")).collect();
        format!("row({})", columns.join(", "))
    }

    fn bucket(&self) -> String {
        let key = Self::record(self.keys().into_iter());
        format!("(hash_record_extended({key}, 0) & {})::int", BUCKETS - 1)
    }

    fn hash(&self) -> String {
        let all = Self::record(self.columns.iter().map(String::as_str));
        format!("hash_record_extended({all}, 0)")
    }

    /// The checksums of a version's rows, bucket by bucket.
    async fn checksums(
        &self,
        client: &Transaction<'_>,
        table: &str,
    ) -> Result<BTreeMap<i32, Bucket>, Error> {
        let (bucket, hash) = (self.bucket(), self.hash());
        let sql = format!(
            "select {bucket} as bucket, count(*) as rows, sum({hash})::text as checksum
             from {table} t
             group by 1"
        );
        let rows = client.query(&sql, &[]).await?;
        let read = |row: &tokio_postgres::Row| {
            let bucket = (row.try_get("rows")?, row.try_get("checksum")?);
            Ok((row.try_get("bucket")?, bucket))
        };
        rows.iter().map(read).collect()
    }

    /// How many rows each version has, and the buckets in which they are not the same.
    pub(super) async fn compare(
        &self,
        (here, there): (&Transaction<'_>, &Transaction<'_>),
    ) -> Result<(i64, i64, Vec<i32>), Error> {
        let (here, there) = futures_util::future::try_join(
            self.checksums(here, &self.here),
            self.checksums(there, &self.there),
        )
        .await?;
        let rows = |buckets: &BTreeMap<i32, Bucket>| buckets.values().map(|(rows, _)| rows).sum();
        let buckets = here.keys().chain(there.keys()).copied();
        let mut differing: Vec<i32> = buckets
            .filter(|bucket| here.get(bucket) != there.get(bucket))
            .collect();
        differing.sort_unstable();
        differing.dedup();
        Ok((rows(&here), rows(&there), differing))
    }

    /// The rows of some buckets that are not in both versions as they are, as SQL for `from`.
    fn differing(&self, account: &str, versions: (&Version, &Version)) -> String {
        let (bucket, hash) = (self.bucket(), self.hash());
        let keys = self.keys();
        let list = |prefix: &str| {
            let names: Vec<_> = keys.iter().map(|name| format!("{prefix}{name}")).collect();
            names.join(", ")
        };
        let side = |table: &str| {
            let key = list("t.");
            format!("(select {key}, {hash} as hash from {table} t where {bucket} = any($1))")
        };
        let key: Vec<_> = keys
            .iter()
            .map(|name| format!("'{name}', t.{name}"))
            .collect();
        let (here, there) = (side(&self.here), side(&self.there));
        let (ours, theirs) = (versions.0.render(account), versions.1.render(account));
        format!(
            "(
                 select jsonb_build_object({}) as key, t.in_here, t.in_there,
                     coalesce({ours}, {theirs}) = any($2) as in_motion
                 from (
                     select {}, here.hash is not null as in_here, there.hash is not null as in_there
                     from {here} here
                     full join {there} there using ({})
                     where here.hash is distinct from there.hash
                 ) t
             )",
            key.join(", "),
            list(""),
            list(""),
        )
    }

    /// Counts the rows of some buckets that are not the same, and shows a few of each kind.
    pub(super) async fn descend(
        &self,
        client: &Transaction<'_>,
        versions: (&Version, &Version),
        buckets: &[i32],
        moving: &[uuid::Uuid],
        samples: i64,
    ) -> Result<(Counts, Vec<Differing>), Error> {
        let account = versions.0.projection.account_of_row();
        let differing = self.differing(account, versions);
        let sample = "select key, in_here, in_there from differing where not in_motion";
        let sql = format!(
            "with differing as materialized (
                 select key, in_here, in_there, coalesce(in_motion, false) as in_motion
                 from {differing} d
             ), counts as (
                 select count(*) filter (where not in_there and not in_motion) as only_here,
                     count(*) filter (where not in_here and not in_motion) as only_there,
                     count(*) filter (where in_here and in_there and not in_motion) as different,
                     count(*) filter (where in_motion) as in_motion
                 from differing
             ), samples as (
                 ({sample} and not in_there limit $3)
                 union all
                 ({sample} and not in_here limit $3)
                 union all
                 ({sample} and in_here and in_there limit $3)
             )
             select counts.only_here, counts.only_there, counts.different, counts.in_motion,
                 samples.key::text as key, samples.in_here, samples.in_there
             from counts
             left join samples on true"
        );
        let rows = client.query(&sql, &[&buckets, &moving, &samples]).await?;
        let mut counts = Counts::default();
        let mut differing = vec![];
        for row in &rows {
            counts = Counts {
                only_here: row.try_get("only_here")?,
                only_there: row.try_get("only_there")?,
                different: row.try_get("different")?,
                in_motion: row.try_get("in_motion")?,
            };
            if let Some(key) = row.try_get("key")? {
                differing.push(Differing {
                    key,
                    in_here: row.try_get("in_here")?,
                    in_there: row.try_get("in_there")?,
                });
            }
        }
        Ok((counts, differing))
    }

    /// One row of each version by its key, as JSON.
    pub(super) async fn rows(
        &self,
        client: &Transaction<'_>,
        key: &str,
    ) -> Result<(Option<String>, Option<String>), Error> {
        let condition: Vec<_> = self
            .key
            .iter()
            .map(|(name, kind)| format!("t.{name} = ($1::text::jsonb ->> '{name}')::{kind}"))
            .collect();
        let condition = condition.join(" and ");
        let mut rows = vec![];
        for table in [&self.here, &self.there] {
            let sql = format!("select to_jsonb(t)::text as row from {table} t where {condition}");
            let row = client.query_opt(&sql, &[&key]).await?;
            rows.push(row.map(|row| row.try_get("row")).transpose()?);
        }
        let there = rows.pop().flatten();
        Ok((rows.pop().flatten(), there))
    }
}
