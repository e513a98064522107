//! Domain values as Postgres columns, and what a query needs of a connection.

use crate::version::Versions;
use bytes::{BufMut, BytesMut};
use domain::{Position, Timestamp};
use std::error::Error;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};
use tokio_postgres::{Client, Row};
use uuid::Uuid;

/// Microseconds from 1970 to Postgres' own epoch, the year 2000.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

/// A moment as `timestamptz`, without loss.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct At(pub Timestamp);

impl ToSql for At {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_i64(self.0.micros() - POSTGRES_EPOCH);
        Ok(IsNull::No)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for At {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let micros = i64::from_be_bytes(raw.try_into()?);
        micros
            .checked_add(POSTGRES_EPOCH)
            .and_then(Timestamp::from_micros)
            .map(Self)
            .ok_or_else(|| "a time outside the years 0 to 9999".into())
    }

    accepts!(TIMESTAMPTZ);
}

/// How far somebody has come in one log, as its two columns: at zero before the first event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Held {
    /// The log.
    pub log: Uuid,
    /// `commit_position`
    pub commit: i64,
    /// `prepare_position`
    pub prepare: i64,
}

impl Held {
    /// At this position.
    pub fn at(position: Position) -> Self {
        Self {
            log: position.log,
            commit: position.commit.cast_signed(),
            prepare: position.prepare.cast_signed(),
        }
    }

    /// At this position of a log, or before its first event.
    pub fn of(log: Uuid, position: Option<Position>) -> Self {
        position.map_or(
            Self {
                log,
                commit: 0,
                prepare: 0,
            },
            Self::at,
        )
    }

    /// What a row with these columns says.
    pub fn read(log: Uuid, row: &Row) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            log,
            commit: row.try_get("commit_position")?,
            prepare: row.try_get("prepare_position")?,
        })
    }

    /// The position; nothing before the first event.
    pub fn position(&self) -> Option<Position> {
        (self.commit > 0).then_some(Position {
            log: self.log,
            commit: self.commit.cast_unsigned(),
            prepare: self.prepare.cast_unsigned(),
        })
    }

    /// What places of one log are compared by.
    pub fn order(&self) -> (i64, i64) {
        (self.commit, self.prepare)
    }
}

/// A connection. One that keeps prepared statements answers faster: the same statement text comes
/// again and again.
pub trait Connection: Send + Sync {
    /// All rows.
    fn query(
        &self,
        sql: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> impl Future<Output = Result<Vec<Row>, tokio_postgres::Error>> + Send;

    /// The only row, or nothing.
    fn query_opt(
        &self,
        sql: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> impl Future<Output = Result<Option<Row>, tokio_postgres::Error>> + Send;

    /// The only row.
    fn query_one(
        &self,
        sql: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> impl Future<Output = Result<Row, tokio_postgres::Error>> + Send;
}

impl Connection for Client {
    async fn query(
        &self,
        sql: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        Self::query(self, sql, arguments).await
    }

    async fn query_opt(
        &self,
        sql: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, tokio_postgres::Error> {
        Self::query_opt(self, sql, arguments).await
    }

    async fn query_one(
        &self,
        sql: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, tokio_postgres::Error> {
        Self::query_one(self, sql, arguments).await
    }
}

impl<C: Connection> Connection for &C {
    async fn query(
        &self,
        sql: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        C::query(self, sql, arguments).await
    }

    async fn query_opt(
        &self,
        sql: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, tokio_postgres::Error> {
        C::query_opt(self, sql, arguments).await
    }

    async fn query_one(
        &self,
        sql: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, tokio_postgres::Error> {
        C::query_one(self, sql, arguments).await
    }
}

/// What read models are asked over: a connection, and which version of each is meant.
///
/// What it sends is boxed: handlers ask several questions at once, and would grow large with them.
pub struct Reader<C> {
    connection: C,
    versions: Versions,
}

impl<C: Connection> Reader<C> {
    /// Reads these versions.
    pub const fn new(connection: C, versions: Versions) -> Self {
        Self {
            connection,
            versions,
        }
    }

    /// The versions that all answers come from.
    pub const fn versions(&self) -> &Versions {
        &self.versions
    }

    /// All rows.
    pub async fn query(
        &self,
        sql: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let sql = self.versions.render(sql);
        Box::pin(self.connection.query(&sql, arguments)).await
    }

    /// The only row, or nothing.
    pub async fn query_opt(
        &self,
        sql: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, tokio_postgres::Error> {
        let sql = self.versions.render(sql);
        Box::pin(self.connection.query_opt(&sql, arguments)).await
    }

    /// The only row.
    pub async fn query_one(
        &self,
        sql: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, tokio_postgres::Error> {
        let sql = self.versions.render(sql);
        Box::pin(self.connection.query_one(&sql, arguments)).await
    }
}
