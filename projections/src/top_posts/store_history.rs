//! Rows of the posts' history on their way: copied in, since the fold lets none pass twice.

use super::numbers::Numbers;
use crate::projection::{Applied, ProjectionError};
use crate::sql::At;
use crate::tables::Tables;
use domain::Timestamp;
use domain::observation::Cause;
use std::pin::pin;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

struct Row {
    /// Post, moment and revision: the key.
    key: (Uuid, Timestamp, i64),
    recorded_at: Timestamp,
    cause: Cause,
    unchanged: bool,
    numbers: Numbers,
    hidden: Vec<String>,
}

/// The observations that a batch adds.
#[derive(Default)]
pub(super) struct HistoryRows(Vec<Row>);

impl HistoryRows {
    pub(super) fn add(
        &mut self,
        key: (Uuid, Timestamp, i64),
        applied: &Applied,
        cause: Cause,
        numbers: Numbers,
        hidden: Vec<String>,
        unchanged: bool,
    ) {
        let recorded_at = applied.metadata.recorded_at;
        self.0.push(Row {
            key,
            recorded_at,
            cause,
            unchanged,
            numbers,
            hidden,
        });
    }

    pub(super) async fn store(mut self, tables: &Tables<'_>) -> Result<(), ProjectionError> {
        if self.0.is_empty() {
            return Ok(());
        }
        // In the order of the key, neighbours lie on the same pages.
        self.0.sort_unstable_by_key(|row| row.key);
        let sink = tables
            .copy_in(
                "copy top_posts_vN_history (
                     post, observed_at, revision, recorded_at, cause, unchanged, views, likes,
                     comments, shares, saves, reach, watch_time, hidden
                 ) from stdin with (format binary)",
            )
            .await?;
        let types = [
            Type::UUID,
            Type::TIMESTAMPTZ,
            Type::INT8,
            Type::TIMESTAMPTZ,
            Type::TEXT,
            Type::BOOL,
            Type::INT8,
            Type::INT8,
            Type::INT8,
            Type::INT8,
            Type::INT8,
            Type::INT8,
            Type::INT8,
            Type::TEXT_ARRAY,
        ];
        let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
        for row in &self.0 {
            let numbers = &row.numbers.0;
            let hidden = (!row.hidden.is_empty()).then_some(&row.hidden);
            let cells: [&(dyn ToSql + Sync); 14] = [
                &row.key.0,
                &At(row.key.1),
                &row.key.2,
                &At(row.recorded_at),
                &row.cause.name(),
                &row.unchanged,
                &numbers[0],
                &numbers[1],
                &numbers[2],
                &numbers[3],
                &numbers[4],
                &numbers[5],
                &numbers[6],
                &hidden,
            ];
            writer.as_mut().write(&cells).await?;
        }
        writer.as_mut().finish().await?;
        Ok(())
    }
}
