//! The tables of one version of a read model, within the engine's transaction: where `apply`
//! writes.

use crate::version::Version;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use tokio_postgres::types::ToSql;
use tokio_postgres::{CopyInSink, Error, Row, Statement, Transaction};

/// Statements that a connection has prepared, by their text: a batch says the same as the one
/// before.
#[derive(Default)]
pub struct Statements(Mutex<HashMap<String, Statement>>);

impl Statements {
    fn get(&self, sql: &str) -> Option<Statement> {
        let prepared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        prepared.get(sql).cloned()
    }

    fn keep(&self, sql: &str, statement: &Statement) {
        let mut prepared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        prepared.insert(sql.to_owned(), statement.clone());
    }
}

/// A transaction in which a read model's `_vN` tables are those of one version.
pub struct Tables<'a> {
    transaction: &'a Transaction<'a>,
    version: &'a Version,
    statements: &'a Statements,
}

impl<'a> Tables<'a> {
    /// The tables of a version. The statements are those of the transaction's connection, and of
    /// this version alone.
    pub fn new(
        transaction: &'a Transaction<'a>,
        version: &'a Version,
        statements: &'a Statements,
    ) -> Self {
        Self {
            transaction,
            version,
            statements,
        }
    }

    /// Runs a statement and returns how many rows it changed.
    pub async fn execute(
        &self,
        sql: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, Error> {
        let statement = self.prepare(sql).await?;
        self.transaction.execute(&statement, arguments).await
    }

    /// All rows.
    pub async fn query(
        &self,
        sql: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        let statement = self.prepare(sql).await?;
        self.transaction.query(&statement, arguments).await
    }

    /// The only row, or nothing.
    pub async fn query_opt(
        &self,
        sql: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, Error> {
        let statement = self.prepare(sql).await?;
        self.transaction.query_opt(&statement, arguments).await
    }

    /// The only row.
    pub async fn query_one(
        &self,
        sql: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, Error> {
        let statement = self.prepare(sql).await?;
        self.transaction.query_one(&statement, arguments).await
    }

    /// Copies rows into a table.
    pub async fn copy_in(&self, sql: &str) -> Result<CopyInSink<bytes::Bytes>, Error> {
        let statement = self.prepare(sql).await?;
        self.transaction.copy_in(&statement).await
    }

    async fn prepare(&self, sql: &str) -> Result<Statement, Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement);
        }
        let statement = self.transaction.prepare(&self.version.render(sql)).await?;
        self.statements.keep(sql, &statement);
        Ok(statement)
    }
}
