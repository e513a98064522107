//! Where metrics are shown: beside the API, or at an address of their own.

use super::{READ_MODELS, Scrape, of, scrape, serve};
use crate::api_ground::PROGRAM;
use anyhow::{Context, ensure};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use tests::TestLedger;
use tests::server::command;
use tests::signal::signal;

/// A process that ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        if signal("-TERM", self.0.id()).is_err() {
            let _gone = self.0.kill();
        }
        let _gone = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_without_an_api_shows_metrics_too() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    for arguments in [&["serve", "--role", "projector"][..], &["projector"]] {
        let mut program = command(PROGRAM, &ledger.database.url, arguments);
        program.env("METRICS_LISTEN", "127.0.0.1:0");
        let mut child = Ended(program.stdout(Stdio::piped()).spawn()?);
        let stdout = child.0.stdout.take().context("a pipe")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().strip_prefix("Metrics on ");
        let address = address.with_context(|| line.clone())?;
        let base = address.strip_suffix("/metrics").context("the path")?;
        let client = reqwest::Client::new();
        let is_kept = |scrape: &Scrape| {
            let applied = "social_ledger_projection_applied_events_total";
            let mut models = READ_MODELS.into_iter();
            models.all(|model| scrape.value(applied, &of(model, "1")).is_ok())
        };
        // Counters are there as soon as the workers are, before anything is counted.
        let end = tokio::time::Instant::now() + super::PATIENCE;
        while !is_kept(&scrape(&client, base).await?) {
            ensure!(tokio::time::Instant::now() < end, "no worker began");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        let answer = client.get(format!("{base}/readyz")).send().await?;
        ensure!(answer.status() == 404, "{}", answer.status());
        let said = answer.text().await?;
        ensure!(said.contains("only /metrics is served here"), "{said}");
        signal("-TERM", child.0.id())?;
        let status = child.0.wait()?;
        ensure!(status.success(), "{arguments:?}: {status}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_their_own_takes_them_from_the_api() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let variables = [("METRICS_LISTEN", "127.0.0.1:0")];
    let server = serve(&ledger, &["serve"], &variables)?;
    let own = server.metrics.clone().context("an address of their own")?;
    let own = own
        .strip_prefix("http://")
        .and_then(|own| own.strip_suffix("/metrics"));
    let own = own.context("an address")?;
    let (status, body) = server.get("/metrics").await?;
    ensure!(status == 404 && body["code"] == "not_found", "{body}");
    scrape(&server.client, &format!("http://{own}")).await?;
    // A second process is told that the address is taken.
    let mut second = command(PROGRAM, &ledger.database.url, &["projector"]);
    let output = second.env("METRICS_LISTEN", own).output()?;
    let said = String::from_utf8(output.stderr)?;
    ensure!(
        !output.status.success() && said.contains("METRICS_LISTEN"),
        "{said}"
    );
    let mut wrong = command(PROGRAM, &ledger.database.url, &["migrate"]);
    let output = wrong.env("METRICS_LISTEN", "9464").output()?;
    let said = String::from_utf8(output.stderr)?;
    ensure!(
        !output.status.success() && said.contains("METRICS_LISTEN is '9464'"),
        "{said}"
    );
    Ok(())
}
