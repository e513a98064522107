//! Looks for plain text where there may be none: in every table of a database.

use anyhow::ensure;
use tests::TestDatabase;

/// Fails if any of these strings stands in any column of any table, bytes included.
pub(crate) async fn assert_absent(
    database: &TestDatabase,
    canaries: &[String],
) -> anyhow::Result<()> {
    ensure!(
        canaries.len() > 3 && canaries.iter().all(|canary| canary.len() >= 6),
        "{canaries:?}"
    );
    let client = database.connect().await?;
    // Bytes as text wherever they are text; other bytes as escapes.
    client.batch_execute("set bytea_output = 'escape'").await?;
    let tables = client
        .query(
            "select quote_ident(schemaname) || '.' || quote_ident(tablename) as name
             from pg_tables
             where schemaname not in ('pg_catalog', 'information_schema')",
            &[],
        )
        .await?;
    ensure!(tables.len() > 10, "the tables are there");
    let mut rows = 0;
    for table in tables {
        let table: &str = table.get("name");
        for row in client
            .query(&format!("select t::text as whole from {table} t"), &[])
            .await?
        {
            let whole: &str = row.get("whole");
            rows += 1;
            for canary in canaries {
                ensure!(
                    !whole.contains(canary.as_str()),
                    "{table} holds '{canary}' in the clear"
                );
            }
        }
    }
    ensure!(rows > 0, "nothing was looked at");
    Ok(())
}
