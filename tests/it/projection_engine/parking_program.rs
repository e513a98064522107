//! Parked streams as the program shows them: over HTTP, on the command line, in answers.

use super::strange_events::poison;
use crate::api_ground::{PROGRAM, Reply};
use anyhow::ensure;
use domain::Platform;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tests::TestLedger;
use tests::server::{Server, command, run};

/// The read models that look at the event which cannot be read.
const MODELS: [&str; 2] = ["accounts", "follower_trends"];

async fn post(server: &Server, path: &str) -> anyhow::Result<Reply> {
    let key = format!("Bearer {}", server.key);
    Reply::to(server, Method::POST, &format!("/v1{path}"), Some(&key)).await
}

/// The versions as the API lists them, once all are in this state.
async fn all_in(server: &Server, state: &str) -> anyhow::Result<Vec<Value>> {
    for _ in 0..600 {
        let listed = server.ok("/v1/admin/projections").await?;
        let mut versions = crate::api_ground::list(&listed["data"])?.clone();
        versions.retain(|one| MODELS.iter().any(|name| one["name"] == *name));
        if versions.len() == MODELS.len() && versions.iter().all(|one| one["state"] == state) {
            return Ok(versions);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("they never were all {state}")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_halts_a_read_model_is_shown_parked_and_tried_again() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let account = ledger.import("creator", Platform::Tiktok, "one").await?;
    poison(&ledger, account).await?;
    let server = Server::start(PROGRAM, &ledger.database.url)?;
    let halted = all_in(&server, "halted").await?;
    let fault = halted[0]["fault"].as_str().unwrap_or_default();
    ensure!(fault.contains("cannot be read"), "{fault}");

    for name in MODELS {
        let path = format!("/admin/projections/{name}/park");
        let parked = post(&server, &path).await?;
        ensure!(parked.status == 200, "{}", parked.body);
        let one = &parked.body["data"][0];
        ensure!(
            one["account"] == json!(account) && one["revision"] == 1,
            "{one}"
        );
        post(&server, &path)
            .await?
            .ensure_problem(name, (409, "not_now", None))?;
    }
    let listed = all_in(&server, "live").await?;
    ensure!(listed.iter().all(|one| one["parked"][0]["revision"] == 1));

    // What is served of the account says that there is more.
    let answer = server.ok(&format!("/v1/accounts/{account}")).await?;
    let state = &answer["state"];
    ensure!(state["state"] == "stale", "{answer}");
    let cause = state["cause"].as_str().unwrap_or_default();
    ensure!(cause.contains("parked since"), "{answer}");

    let other = uuid::Uuid::now_v7();
    let path = format!("/admin/projections/accounts/retry?account={other}");
    post(&server, &path)
        .await?
        .ensure_problem("accounts", (409, "not_now", None))?;
    let retried = post(&server, "/admin/projections/accounts/retry").await?;
    let error = retried.body["data"][0]["error"]
        .as_str()
        .unwrap_or_default();
    ensure!(error.contains("cannot be read"), "{}", retried.body);

    // The same on the command line.
    let url = &ledger.database.url;
    let shown = run(PROGRAM, url, &["projections", "list"])?;
    let line = format!("parked: account {account}, from revision 1 on");
    ensure!(shown.matches(&line).count() == MODELS.len(), "{shown}");
    let retry = [
        "projections",
        "retry",
        "follower_trends",
        &account.to_string(),
    ];
    let output = command(PROGRAM, url, &retry).output()?;
    let said = String::from_utf8(output.stdout)? + &String::from_utf8(output.stderr)?;
    ensure!(
        !output.status.success() && said.contains("parked still"),
        "{said}"
    );
    let output = command(PROGRAM, url, &["projections", "park", "follower_trends"]).output()?;
    let said = String::from_utf8(output.stderr)?;
    ensure!(
        !output.status.success() && said.contains("is not halted"),
        "{said}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_parks_by_itself_if_it_is_told_to() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let account = ledger.import("creator", Platform::Tiktok, "one").await?;
    poison(&ledger, account).await?;
    let once = |policy: &str| {
        let mut command = command(PROGRAM, &ledger.database.url, &["projector", "--once"]);
        command.env("PROJECTION_FAULTS", policy).output()
    };
    let wrong = once("skip")?;
    let said = String::from_utf8(wrong.stderr)?;
    ensure!(
        !wrong.status.success() && said.contains("expected halt or park"),
        "{said}"
    );
    ensure!(!once("halt")?.status.success());
    ensure!(once("park")?.status.success());
    ensure!(ledger.administration().parked().await?.len() == MODELS.len());
    Ok(())
}
