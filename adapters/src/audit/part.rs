//! The file of a checkpoint while it is written: the tips first, what is stated of them last.

use super::AuditError;
use super::checkpoint::{TipLine, file_name};
use super::tips;
use domain::chain::root::Tree;
use futures_util::TryStreamExt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};
use tokio_postgres::{Transaction, types::ToSql};
use uuid::Uuid;

/// A file that is being written, under a name that nobody takes for a checkpoint's. What is not
/// published is removed.
pub(super) struct Part {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Part {
    pub(super) async fn create(folder: &Path, number: u64) -> Result<Self, AuditError> {
        tokio::fs::create_dir_all(folder)
            .await
            .map_err(AuditError::file(folder))?;
        let path = folder.join(format!(".{}.{}", file_name(number), std::process::id()));
        let file = File::create(&path).await.map_err(AuditError::file(&path))?;
        let file = BufWriter::with_capacity(1 << 18, file);
        Ok(Self { path, file })
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), AuditError> {
        self.file
            .write_all(bytes)
            .await
            .map_err(AuditError::file(&self.path))
    }

    pub(super) async fn write_tips(
        mut self,
        transaction: &Transaction<'_>,
        log: Uuid,
    ) -> Result<(Self, Tree), AuditError> {
        let mut tree = Tree::new();
        let arguments: [&(dyn ToSql + Sync); 1] = [&log];
        let rows = transaction
            .query_raw(
                "select stream, revision, hash
                 from audit_tips
                 where log_id = $1
                 order by stream",
                arguments,
            )
            .await?;
        let mut rows = pin!(rows);
        let mut line = Vec::with_capacity(256);
        while let Some(row) = rows.try_next().await? {
            let stream: &str = row.try_get("stream")?;
            let tip = tips::tip(&row)?;
            tree.push(stream, tip);
            line.clear();
            serde_json::to_writer(
                &mut line,
                &TipLine {
                    stream: stream.into(),
                    revision: tip.revision,
                    hash: tip.hash,
                },
            )?;
            line.push(b'\n');
            self.write(&line).await?;
        }
        Ok((self, tree))
    }

    pub(super) async fn finish(mut self) -> Result<Self, AuditError> {
        let failed = AuditError::file(&self.path);
        self.file.flush().await.map_err(&failed)?;
        self.file.get_ref().sync_all().await.map_err(&failed)?;
        Ok(self)
    }

    pub(super) async fn publish(self, path: &Path) -> Result<PathBuf, AuditError> {
        tokio::fs::rename(&self.path, path)
            .await
            .map_err(AuditError::file(path))?;
        Ok(path.to_owned())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Once it is published, there is nothing under this name.
        let _gone = std::fs::remove_file(&self.path);
    }
}
