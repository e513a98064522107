//! The subcommand `keys`: create, list and revoke API keys.

use crate::app::App;
use crate::cli::{Keys, KeysCommand};
use crate::config::Config;
use crate::output;
use adapters::api_keys::{ApiKeys, KeyRow, Role};
use anyhow::Context;
use domain::CreatorId;
use projections::Scope;
use serde::Serialize;
use std::collections::BTreeSet;

#[derive(Serialize)]
struct Created<'a> {
    key_id: String,
    role: &'static str,
    creators: Option<Vec<String>>,
    secret: &'a str,
}

pub(crate) async fn run(config: &Config, arguments: &Keys) -> anyhow::Result<()> {
    let app = App::build(config).await?;
    let result = carry_out(&app, arguments).await;
    app.close().await?;
    result
}

async fn carry_out(app: &App, arguments: &Keys) -> anyhow::Result<()> {
    let keys = ApiKeys::new(app.pool.clone());
    match &arguments.command {
        KeysCommand::Create {
            role,
            creators,
            label,
            json,
        } => {
            let role: Role = role.parse()?;
            let creators = scope(creators)?;
            let (key_id, secret) = keys.create(label, role, creators.clone()).await?;
            if *json {
                return output::json(&Created {
                    key_id: key_id.to_string(),
                    role: role.name(),
                    creators: creators.map(|set| set.iter().map(CreatorId::to_string).collect()),
                    secret: secret.expose(),
                });
            }
            output::line(format!("key    {key_id}"));
            output::line(format!(
                "secret {}   (shown once, not kept)",
                secret.expose()
            ));
        }
        KeysCommand::List { json } => {
            for key in keys.list().await? {
                if *json {
                    output::json(&Listed::of(&key))?;
                } else {
                    output::line(describe(&key));
                }
            }
        }
        KeysCommand::Revoke { key_id } => {
            let id = key_id
                .parse()
                .with_context(|| format!("'{key_id}' is not a key's id"))?;
            if keys.revoke(id).await? {
                output::line(format!("Revoked {id}."));
            } else {
                anyhow::bail!("there is no key {id} that is still valid");
            }
        }
    }
    Ok(())
}

fn scope(creators: &[String]) -> anyhow::Result<Option<BTreeSet<CreatorId>>> {
    if creators.is_empty() {
        return Ok(None);
    }
    let named = creators
        .iter()
        .map(|creator| creator.parse().map_err(anyhow::Error::from));
    named.collect::<anyhow::Result<_>>().map(Some)
}

/// One line of `keys list --json`.
#[derive(Serialize)]
struct Listed<'a> {
    key_id: String,
    role: &'static str,
    creators: Option<Vec<String>>,
    label: &'a str,
    created_at: String,
    revoked_at: Option<String>,
}

impl<'a> Listed<'a> {
    fn of(key: &'a KeyRow) -> Self {
        Self {
            key_id: key.key_id.to_string(),
            role: key.role.name(),
            creators: match &key.scope {
                Scope::AllCreators => None,
                Scope::Creators(set) => Some(set.iter().map(CreatorId::to_string).collect()),
            },
            label: &key.label,
            created_at: key.created_at.to_string(),
            revoked_at: key.revoked_at.map(|at| at.to_string()),
        }
    }
}

fn describe(key: &KeyRow) -> String {
    let Listed {
        key_id,
        role,
        creators,
        label,
        ..
    } = Listed::of(key);
    let scope = creators.map_or("all creators".to_owned(), |creators| creators.join(", "));
    let state = if key.revoked_at.is_some() {
        "revoked"
    } else {
        "valid"
    };
    format!("{key_id}  {role:8} {state:8} {scope}  {label}")
}
