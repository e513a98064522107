//! What a start says when code and live tables do not agree.

use super::rebuild;
use async_trait::async_trait;
use domain::Platform;
use projections::accounts::Accounts;
use projections::engine::{Disagreement, EngineError};
use projections::feed::EventFeed;
use projections::{Applied, Engine, Projection, ProjectionError, Tables, registry};
use std::sync::Arc;
use tests::TestLedger;
use tests::server::{command, run};

/// The accounts by code of another contract.
struct Other(i32);

#[async_trait]
impl Projection for Other {
    fn name(&self) -> &'static str {
        "accounts"
    }

    fn contract(&self) -> i32 {
        self.0
    }

    fn tables(&self) -> &'static str {
        Accounts.tables()
    }

    async fn apply(&self, tables: &Tables<'_>, events: &[Applied]) -> Result<(), ProjectionError> {
        Accounts.apply(tables, events).await
    }
}

fn engine(ledger: &TestLedger, projections: Vec<Arc<dyn Projection>>) -> Engine {
    Engine::new(
        Arc::clone(&ledger.log) as Arc<dyn EventFeed>,
        Arc::new(ledger.database.endpoint.clone()),
        projections,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_version_of_other_code_is_named_with_what_to_run() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    ledger.catch_up().await?;
    assert_eq!(ledger.engine.check().await?, Vec::<String>::new());
    // A program with only the next contract, as one with only an older one.
    for contract in [0, 2] {
        let other = engine(&ledger, vec![Arc::new(Other(contract))]);
        let refused = other.check().await;
        let Err(error @ EngineError::Disagreement(Disagreement::OtherCode { .. })) = refused else {
            anyhow::bail!("{refused:?}");
        };
        assert!(
            error.to_string().contains("projections rebuild accounts"),
            "{error}"
        );
        assert!(other.install().await.is_err());
    }
    // A program with both goes on with the live one and says what is next.
    let mut both = registry();
    both.push(Arc::new(Other(2)));
    let advice = engine(&ledger, both).check().await?;
    assert_eq!(advice.len(), 1, "{advice:?}");
    assert!(
        advice[0].contains("projections switch accounts"),
        "{advice:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_were_altered_are_named_and_made_anew() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    ledger.catch_up().await?;
    let client = ledger.database.connect().await?;
    client
        .batch_execute("alter table top_posts_v1 drop column reach")
        .await?;
    let refused = ledger.engine.check().await;
    let Err(error @ EngineError::Disagreement(Disagreement::Altered { .. })) = refused else {
        anyhow::bail!("{refused:?}");
    };
    assert!(
        error
            .to_string()
            .contains("without top_posts_vN.reach bigint"),
        "{error}"
    );
    // The program says so and does not serve.
    let program = env!("CARGO_BIN_EXE_program");
    let output = command(program, &ledger.database.url, &["serve"]).output()?;
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("top_posts") && said.contains("projections rebuild"),
        "{said}"
    );
    // What it says helps.
    rebuild(&ledger, "top_posts").await?;
    ledger.administration().switch("top_posts", None).await?;
    assert_eq!(ledger.engine.check().await?, Vec::<String>::new());
    Ok(())
}

/// A program that lacks the code of the live version can do what it says is to be done.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_refused_start_says_can_be_done() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    ledger.import("creator", Platform::Tiktok, "1").await?;
    ledger.catch_up().await?;
    let client = ledger.database.connect().await?;
    // As a program of another release has left it.
    client
        .batch_execute(
            "update projection_versions
             set contract = 9, fingerprint = 'other'
             where name = 'accounts'",
        )
        .await?;
    let url = &ledger.database.url;
    let program = env!("CARGO_BIN_EXE_program");
    let output = command(program, url, &["serve"]).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("projections rebuild accounts"), "{said}");
    for step in ["rebuild", "switch"] {
        run(program, url, &["projections", step, "accounts"])?;
    }
    run(program, url, &["projector", "--once"])?;
    assert_eq!(ledger.engine.check().await?, Vec::<String>::new());
    Ok(())
}
