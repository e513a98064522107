//! The OpenAPI document: valid, whole, and true of the program.

use crate::api_ground::{Ground, Reply};
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const PATHS: [&str; 44] = [
    "/deletions/{code}",
    "/healthz",
    "/metrics",
    "/oauth/{platform}/callback",
    "/readyz",
    "/v1/accounts/{account_id}",
    "/v1/accounts/{account_id}/audit/export",
    "/v1/accounts/{account_id}/audit/history",
    "/v1/accounts/{account_id}/audit/state",
    "/v1/accounts/{account_id}/audit/verify",
    "/v1/accounts/{account_id}/disconnect",
    "/v1/accounts/{account_id}/erase",
    "/v1/accounts/{account_id}/events",
    "/v1/accounts/{account_id}/growth",
    "/v1/accounts/{account_id}/metrics/{metric}",
    "/v1/accounts/{account_id}/posts",
    "/v1/accounts/{account_id}/posts/{post}",
    "/v1/accounts/{account_id}/posts/{post}/history",
    "/v1/accounts/{account_id}/posts/{post}/metrics/{metric}",
    "/v1/accounts/{account_id}/sync-health",
    "/v1/accounts/{account_id}/trends/{metric}",
    "/v1/accounts/{account_id}/velocity",
    "/v1/admin/projections",
    "/v1/admin/projections/{name}/diff",
    "/v1/admin/projections/{name}/park",
    "/v1/admin/projections/{name}/rebuild",
    "/v1/admin/projections/{name}/retry",
    "/v1/admin/projections/{name}/rollback",
    "/v1/admin/projections/{name}/switch",
    "/v1/admin/projections/{name}/versions/{version}",
    "/v1/connections/choices/{choice_id}",
    "/v1/creators/{creator}/accounts",
    "/v1/creators/{creator}/connections",
    "/v1/creators/{creator}/connections/{platform}",
    "/v1/creators/{creator}/growth",
    "/v1/formulas",
    "/v1/metrics",
    "/v1/sync-health",
    "/v1/top-posts",
    "/webhooks/{platform}",
    "/webhooks/{platform}/deauthorize",
    "/webhooks/{platform}/delete",
];

/// Every `$ref` within a value.
fn references<'d>(value: &'d Value, found: &mut BTreeSet<&'d str>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field.as_str() {
                    Some(target) if name == "$ref" => {
                        found.insert(target);
                    }
                    _ => references(field, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_valid_and_whole() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let reply = Reply::get(&ground.server, "/v1/openapi.json").await?;
    ensure!(
        reply.content_type() == "application/json",
        "{:?}",
        reply.headers
    );
    let document = &reply.body;
    let version = document["openapi"].as_str().context("a version")?;
    ensure!(version.starts_with("3.1."), "{version}");
    ensure!(
        document["info"]["title"] == "Social Ledger",
        "{}",
        document["info"]
    );
    ensure!(
        document["info"]["version"].is_string(),
        "{}",
        document["info"]
    );
    let paths = document["paths"].as_object().context("paths")?;
    ensure!(paths.keys().eq(PATHS), "{:?}", paths.keys());
    let mut found = BTreeSet::new();
    references(document, &mut found);
    ensure!(found.len() > 20, "{found:?}");
    for reference in found {
        let place = reference.strip_prefix('#').context(reference.to_owned())?;
        ensure!(
            document.pointer(place).is_some(),
            "{reference} leads nowhere"
        );
    }
    for (path, item) in paths {
        let methods = item.as_object().context("methods")?;
        for described in methods.values() {
            operation(path, described)?;
        }
    }
    problems(document)
}

fn operation(path: &str, operation: &Value) -> anyhow::Result<()> {
    for name in ["summary", "operationId"] {
        let said = operation[name].as_str().unwrap_or("");
        ensure!(!said.is_empty(), "{path}: no {name}");
    }
    let good = if path.ends_with("/rebuild") {
        "202"
    } else {
        "200"
    };
    ensure!(
        operation["responses"][good].is_object(),
        "{path}: {operation}"
    );
    let parameters = operation["parameters"].as_array();
    let parameters: Vec<_> = parameters.into_iter().flatten().collect();
    for parameter in &parameters {
        let in_path = parameter["in"] == "path";
        ensure!(in_path || parameter["in"] == "query", "{path}: {parameter}");
        ensure!(parameter["required"] == in_path, "{path}: {parameter}");
        ensure!(parameter["schema"].is_object(), "{path}: {parameter}");
        ensure!(parameter["description"].is_string(), "{path}: {parameter}");
        let name = parameter["name"].as_str().context("a name")?;
        let twice = parameters.iter().filter(|other| other["name"] == name);
        ensure!(twice.count() == 1, "{path}: {name} twice");
        ensure!(
            !in_path || path.contains(&format!("{{{name}}}")),
            "{path}: {name}"
        );
    }
    let named = parameters
        .iter()
        .filter(|parameter| parameter["in"] == "path");
    ensure!(
        named.count() == path.matches('{').count(),
        "{path}: {parameters:?}"
    );
    let is_open = !path.starts_with("/v1/");
    // An empty requirement opens a route; without any, the document's own holds.
    ensure!(
        operation["security"].is_array() == is_open,
        "{path}: {operation}"
    );
    if path != "/healthz" {
        for statuses in ["4XX", "5XX"] {
            let reference = &operation["responses"][statuses]["$ref"];
            ensure!(
                reference == "#/components/responses/Problem",
                "{path}: {statuses}"
            );
        }
    }
    Ok(())
}

fn problems(document: &Value) -> anyhow::Result<()> {
    let content = &document["components"]["responses"]["Problem"]["content"];
    let schema = &content["application/problem+json"]["schema"]["$ref"];
    let place = schema.as_str().context("a schema")?.trim_start_matches('#');
    let schema = document.pointer(place).context("the problem's schema")?;
    let required: BTreeSet<_> = schema["required"]
        .as_array()
        .context("required")?
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let expected = ["type", "title", "status", "detail", "code", "request_id"];
    ensure!(required == BTreeSet::from(expected), "{schema}");
    ensure!(schema["properties"]["field"].is_object(), "{schema}");
    let said = document["info"]["description"]
        .as_str()
        .context("a description")?;
    for code in [
        "unauthorized",
        "not_found",
        "invalid_parameter",
        "unsupported_axis",
        "timeout",
    ] {
        ensure!(said.contains(&format!("`{code}`")), "{code}: {said}");
    }
    let scheme = &document["components"]["securitySchemes"]["api_key"];
    ensure!(
        scheme["type"] == "http" && scheme["scheme"] == "bearer",
        "{scheme}"
    );
    ensure!(
        document["security"] == json!([{"api_key": []}]),
        "{}",
        document["security"]
    );
    Ok(())
}

/// The words that the document lists are words that the program takes.
#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_the_document_are_taken() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let server = &ground.server;
    let document = server.ok("/v1/openapi.json").await?;
    let parameters = &document["paths"]["/v1/top-posts"]["get"]["parameters"];
    let mut tried = 0;
    for parameter in parameters.as_array().context("parameters")? {
        let name = parameter["name"].as_str().context("a name")?;
        for word in parameter["schema"]["enum"].as_array().into_iter().flatten() {
            let word = word.as_str().context("a word")?;
            let answer = server.ok(&format!("/v1/top-posts?{name}={word}")).await?;
            ensure!(name != "by" || answer["data"]["by"] == word, "{answer}");
            tried += 1;
        }
    }
    ensure!(tried >= 15, "{tried} words");
    Ok(())
}
