//! `social-ledger projections`, and the same over HTTP: what they say, and to whom.

use crate::api_ground::{Ground, PROGRAM};
use crate::histories::random_history;
use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::Value;
use tests::TestLedger;
use tests::rng::Rng;
use tests::server::{command, create_key, run};

fn printed(ledger: &TestLedger, arguments: &[&str]) -> anyhow::Result<Vec<Value>> {
    let arguments: Vec<&str> = ["projections"].iter().chain(arguments).copied().collect();
    let text = run(
        PROGRAM,
        &ledger.database.url,
        &[&arguments[..], &["--json"]].concat(),
    )?;
    Ok(text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?)
}

fn refused(ledger: &TestLedger, arguments: &[&str]) -> anyhow::Result<String> {
    let arguments: Vec<&str> = ["projections"].iter().chain(arguments).copied().collect();
    let output = command(PROGRAM, &ledger.database.url, &arguments).output()?;
    ensure!(!output.status.success(), "{arguments:?} was not refused");
    Ok(String::from_utf8(output.stderr)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_rebuilds_compares_switches_and_goes_back() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    random_history(&ledger, &mut Rng::new(7), 100).await?;
    run(PROGRAM, &ledger.database.url, &["projector", "--once"])?;
    let list = printed(&ledger, &["list"])?;
    let name = |one: &Value| one["name"].as_str().map(str::to_owned);
    let names: Vec<_> = list.iter().filter_map(name).collect();
    assert_eq!(
        names,
        ["accounts", "follower_trends", "sync_health", "top_posts"]
    );
    for one in &list {
        ensure!(
            one["version"] == 1 && one["live"] == true && one["state"] == "live",
            "{one}"
        );
        ensure!(one["lag_events"] == 0 && one["lag_seconds"] == 0.0, "{one}");
        ensure!(
            one["fingerprint"].as_str().is_some_and(|f| f.len() == 32),
            "{one}"
        );
        ensure!(
            one["position"].is_string() && one["fault"].is_null(),
            "{one}"
        );
    }
    let said = refused(&ledger, &["switch", "top_posts"])?;
    ensure!(said.contains("projections rebuild top_posts"), "{said}");
    let said = refused(&ledger, &["rebuild", "posts"])?;
    ensure!(
        said.contains("follower_trends") && said.contains("'posts'"),
        "{said}"
    );
    let done = printed(&ledger, &["rebuild", "top_posts"])?;
    ensure!(done.len() == 1 && done[0]["version"] == 2, "{done:?}");
    let diff = printed(&ledger, &["diff", "top_posts"])?;
    ensure!(
        diff[0]["same"] == true && diff[0]["tables"][0]["rows_here"] != 0,
        "{diff:?}"
    );
    let text = run(
        PROGRAM,
        &ledger.database.url,
        &["projections", "diff", "top_posts"],
    )?;
    ensure!(text.contains("The same."), "{text}");
    let done = printed(&ledger, &["switch", "top_posts"])?;
    ensure!(
        done[0]["version"] == 2 && done[0]["instead_of"] == 1,
        "{done:?}"
    );
    let done = printed(&ledger, &["rollback", "top_posts"])?;
    ensure!(
        done[0]["version"] == 1 && done[0]["instead_of"] == 2,
        "{done:?}"
    );
    let said = refused(&ledger, &["drop", "top_posts", "1"])?;
    ensure!(said.contains("is live"), "{said}");
    super::outlast_answers(&ledger.database.connect().await?).await?;
    printed(&ledger, &["drop", "top_posts", "2"])?;
    assert_eq!(printed(&ledger, &["list"])?.len(), 4);
    let text = run(PROGRAM, &ledger.database.url, &["projections", "list"])?;
    ensure!(text.lines().count() == 5 && text.contains("live"), "{text}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_administrators_of_everything_change_read_models() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let (server, place) = (&ground.server, &ground.ledger.database.url);
    let ask = async |key: &str, method: Method, path: &str| {
        let url = format!("{}/v1/admin/projections{path}", server.base);
        let answer = server
            .client
            .request(method, url)
            .bearer_auth(key)
            .send()
            .await?;
        let status = answer.status().as_u16();
        let body: Value = answer.json().await?;
        let code = body["code"].as_str().unwrap_or("").to_owned();
        anyhow::Ok((status, code))
    };
    let routes = [
        (Method::GET, ""),
        (Method::POST, "/accounts/rebuild"),
        (Method::GET, "/accounts/diff"),
        (Method::POST, "/accounts/switch"),
        (Method::POST, "/accounts/rollback"),
        (Method::DELETE, "/accounts/versions/1"),
    ];
    for (role, creators) in [
        ("analyst", &[][..]),
        ("auditor", &[]),
        ("creator", &["one"]),
        ("admin", &["one"]),
    ] {
        let key = create_key(PROGRAM, place, role, creators)?;
        for (method, path) in &routes {
            let (status, code) = ask(&key, method.clone(), path).await?;
            ensure!(
                (status, code.as_str()) == (403, "role_not_allowed"),
                "{role} {path}"
            );
        }
    }
    let key = &server.key;
    for (method, path, expected) in [
        (Method::POST, "/nothing/rebuild", (404, "not_found")),
        (
            Method::POST,
            "/accounts/rebuild?max_rate=0",
            (400, "invalid_parameter"),
        ),
        (
            Method::POST,
            "/accounts/rebuild?speed=9",
            (400, "invalid_parameter"),
        ),
        (Method::GET, "/accounts/diff", (409, "not_now")),
        (Method::GET, "/accounts/diff?version=9", (404, "not_found")),
        (Method::POST, "/accounts/switch", (409, "not_now")),
        (Method::POST, "/accounts/switch?version=1", (409, "not_now")),
        (Method::POST, "/accounts/rollback", (409, "not_now")),
        (Method::DELETE, "/accounts/versions/1", (409, "not_now")),
        (
            Method::DELETE,
            "/accounts/versions/one",
            (400, "invalid_parameter"),
        ),
        (
            Method::GET,
            "/accounts/rebuild",
            (405, "method_not_allowed"),
        ),
    ] {
        let (status, code) = ask(key, method.clone(), path).await?;
        ensure!(
            (status, code.as_str()) == expected,
            "{method} {path}: {status} {code}"
        );
    }
    let listed = server.ok("/v1/admin/projections").await?;
    let first = listed["data"].get(0).context("a version")?;
    ensure!(
        first["name"] == "accounts" && first["live"] == true,
        "{listed}"
    );
    Ok(())
}
