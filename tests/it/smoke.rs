//! The shortest way through the whole: a command, the log, a read model.

use domain::{Metric, Platform};
use projections::follower_trends::metric_as_of;
use tests::TestLedger;
use tests::ledger::{at, first_versions};

#[tokio::test(flavor = "multi_thread")]
async fn a_number_goes_in_and_comes_out() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let account = ledger.import("creator", Platform::Youtube, "UC1").await?;
    ledger
        .observe(account, "2026-01-02T00:00:00Z", &[(Metric::Followers, 42)])
        .await?;
    ledger.catch_up().await?;
    let client = ledger.database.connect().await?;
    let end = at("2026-12-31T00:00:00Z");
    let point = metric_as_of(
        &first_versions(&client),
        account,
        Metric::Followers,
        end,
        end,
    )
    .await?;
    assert_eq!(point.map(|point| point.value), Some(42));
    Ok(())
}
