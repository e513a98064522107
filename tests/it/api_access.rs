//! Who may ask what: keys, scopes and roles, and the document that says what can be asked.

mod document;

use crate::api_ground::{Ground, NOBODY, PROGRAM, Reply, column, list};
use crate::canary;
use anyhow::{Context, ensure};
use domain::{AccountId, Metric, Platform};
use reqwest::Method;
use serde_json::Value;
use std::collections::BTreeSet;
use tests::ledger::post;
use tests::server::{create_key, run};

/// An account with numbers and a post.
struct Owned {
    account: AccountId,
    post: String,
}

/// Two creators who have nothing to do with each other, `a` and `b`.
struct Scene {
    ground: Ground,
    a: Owned,
    b: Owned,
}

impl Scene {
    async fn new() -> anyhow::Result<Self> {
        let ground = Ground::new().await?;
        let (a, b) = (own(&ground, "a").await?, own(&ground, "b").await?);
        Ok(Self { ground, a, b })
    }

    fn key(&self, role: &str, creators: &[&str]) -> anyhow::Result<String> {
        create_key(PROGRAM, &self.ground.ledger.database.url, role, creators)
    }

    async fn ask(&self, key: &str, path: &str) -> anyhow::Result<Reply> {
        let bearer = format!("Bearer {key}");
        Reply::to(&self.ground.server, Method::GET, path, Some(&bearer)).await
    }
}

async fn own(ground: &Ground, creator: &str) -> anyhow::Result<Owned> {
    let account = ground
        .import(creator, Platform::Tiktok, &format!("account-of-{creator}"))
        .await?;
    let at = "2026-01-02T00:00:00Z";
    ground
        .ledger
        .observe(account, at, &[(Metric::Followers, 42)])
        .await?;
    let seen = post("p", "a title", &[(Metric::Views, 100), (Metric::Likes, 9)]);
    let outcome = ground.ledger.observe_posts(account, at, vec![seen]).await?;
    ground
        .after(&outcome, &format!("/v1/accounts/{account}/posts"))
        .await?;
    let post = ground.post(account, "p").await?;
    Ok(Owned { account, post })
}

/// Every route about one account, but its events.
fn routes_of(Owned { account, post }: &Owned) -> Vec<String> {
    let account = format!("/v1/accounts/{account}");
    vec![
        account.clone(),
        format!("{account}/metrics/followers"),
        format!("{account}/trends/followers?from=2026-01-01&to=2026-01-05"),
        format!("{account}/growth?from=2026-01-02&to=2026-01-03"),
        format!("{account}/velocity"),
        format!("{account}/posts"),
        format!("{account}/posts?platform_post_id=p"),
        format!("{account}/posts/{post}"),
        format!("{account}/posts/{post}/history"),
        format!("{account}/posts/{post}/metrics/views"),
        format!("{account}/sync-health"),
    ]
}

/// Every route about one creator.
fn routes_of_creator(creator: &str) -> Vec<String> {
    vec![
        format!("/v1/creators/{creator}/accounts"),
        format!(
            "/v1/creators/{creator}/accounts?platform=tiktok\
             &platform_account_id=account-of-{creator}"
        ),
        format!("/v1/creators/{creator}/growth?from=2026-01-02&to=2026-01-03"),
        format!("/v1/top-posts?creator={creator}"),
        format!("/v1/top-posts?creator={creator}&as_of=2026-01-03T00:00:00Z"),
        format!("/v1/sync-health?creator={creator}"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_only_health_answers() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let server = &scene.ground.server;
    server.ready().await?;
    let document = server.ok("/v1/openapi.json").await?;
    let templates = document["paths"].as_object().context("paths")?.keys();
    let mut paths: Vec<_> = templates
        // The rest is open to browsers and platforms: `connect::abuse` goes there.
        .filter(|it| it.starts_with("/v1/") || !it.contains('{'))
        .map(|template| {
            template
                .replace("{account_id}", &scene.a.account.to_string())
                .replace("{post}", &scene.a.post)
                .replace("{creator}", "a")
                .replace("{metric}", "followers")
        })
        .collect();
    // What is in no document gives nothing away either.
    paths.extend(["/v1/openapi.json", "/v1/nothing", "/", "/v1/accounts/x"].map(str::to_owned));
    let revoked = revoked_key(&scene)?;
    let wrong = format!("Bearer slk_{}", "A".repeat(43));
    let (lower, cut) = (
        format!("Bearer {}", server.key.to_lowercase()),
        &server.key[..46],
    );
    let headers = [
        None,
        Some(""),
        Some("Bearer"),
        Some("Bearer "),
        Some("Bearer x"),
        Some(wrong.as_str()),
        Some(lower.as_str()),
        Some(revoked.as_str()),
    ];
    let others = [
        format!("Bearer {cut}"),
        format!("Basic {}", server.key),
        server.key.clone(),
        format!("Bearer {0},{0}", server.key),
    ];
    let others = others.iter().map(|header| Some(header.as_str()));
    for authorization in headers.into_iter().chain(others) {
        for path in &paths {
            let reply = Reply::to(server, Method::GET, path, authorization).await?;
            if ["/healthz", "/metrics", "/readyz"].contains(&path.as_str()) {
                ensure!(reply.status == 200, "{path}: {}", reply.text);
                continue;
            }
            let what = format!("{path} with {authorization:?}");
            reply.ensure_problem(&what, (401, "unauthorized", None))?;
            let challenge = reply.header("www-authenticate");
            ensure!(challenge.starts_with("Bearer"), "{what}: {challenge}");
        }
    }
    // Nor does another method.
    for method in [Method::POST, Method::DELETE, Method::OPTIONS] {
        let reply = Reply::to(server, method, "/v1/metrics", None).await?;
        reply.ensure_problem("another method", (401, "unauthorized", None))?;
    }
    Ok(())
}

/// The header of a key that worked once.
fn revoked_key(scene: &Scene) -> anyhow::Result<String> {
    let url = &scene.ground.ledger.database.url;
    let arguments = ["keys", "create", "--json", "--role", "admin"];
    let made: Value = serde_json::from_str(&run(PROGRAM, url, &arguments)?)?;
    let (key, id) = (&made["secret"], &made["key_id"]);
    let id = id.as_str().context("an id")?;
    run(PROGRAM, url, &["keys", "revoke", id])?;
    Ok(format!("Bearer {}", key.as_str().context("a secret")?))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_dead_once_it_is_revoked() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let url = &scene.ground.ledger.database.url;
    let arguments = [
        "keys", "create", "--json", "--role", "analyst", "--label", "the one",
    ];
    let made: Value = serde_json::from_str(&run(PROGRAM, url, &arguments)?)?;
    let secret = made["secret"].as_str().context("a secret")?;
    let id = made["key_id"].as_str().context("an id")?;
    let before = scene.ask(secret, "/v1/metrics").await?;
    ensure!(before.status == 200, "{}", before.text);
    run(PROGRAM, url, &["keys", "revoke", id])?;
    let after = scene.ask(secret, "/v1/metrics").await?;
    after.ensure_problem("a revoked key", (401, "unauthorized", None))?;
    // Not twice, and not one that there is not.
    for id in [id, NOBODY, "not-an-id"] {
        ensure!(
            run(PROGRAM, url, &["keys", "revoke", id]).is_err(),
            "{id} was revoked"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_ends_where_another_creator_begins() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    for role in ["creator", "analyst", "auditor", "admin"] {
        let key = scene.key(role, &["a"])?;
        let own = routes_of(&scene.a)
            .into_iter()
            .chain(routes_of_creator("a"));
        for path in own {
            let reply = scene.ask(&key, &path).await?;
            ensure!(reply.status == 200, "{role} {path}: {}", reply.text);
            ensure!(
                !reply.text.contains(&scene.b.account.to_string()),
                "{role} {path}"
            );
        }
        // The same words for what is there and for what is not.
        let foreign = routes_of(&scene.b)
            .into_iter()
            .chain(routes_of_creator("b"));
        for path in foreign.chain([format!("/v1/top-posts?account={}", scene.b.account)]) {
            let reply = scene.ask(&key, &path).await?;
            reply.ensure_problem(&path, (404, "not_found", None))?;
            let nowhere = path
                .replace(&scene.b.account.to_string(), NOBODY)
                .replace("/b/", "/nobody/")
                .replace("creator=b", "creator=nobody");
            let nothing = scene.ask(&key, &nowhere).await?;
            nothing.ensure_problem(&nowhere, (404, "not_found", None))?;
            ensure!(
                reply.body["detail"] == nothing.body["detail"],
                "{path}: {}",
                reply.text
            );
        }
        // Another's post under the own account, and the own one under another's.
        let (a, b) = (&scene.a, &scene.b);
        for (account, post) in [(a.account, &b.post), (b.account, &a.post)] {
            for end in ["", "/history", "/metrics/views"] {
                let path = format!("/v1/accounts/{account}/posts/{post}{end}");
                scene
                    .ask(&key, &path)
                    .await?
                    .ensure_problem(&path, (404, "not_found", None))?;
            }
        }
        lists_show(&scene, &key, &["a"]).await?;
    }
    lists_show(&scene, &scene.key("analyst", &["a", "b"])?, &["a", "b"]).await?;
    lists_show(&scene, &scene.key("analyst", &[])?, &["a", "b"]).await?;
    lists_show(&scene, &scene.key("analyst", &["nobody"])?, &[]).await
}

/// Fails unless the lists over everything show these creators' data, and no other's.
async fn lists_show(scene: &Scene, key: &str, creators: &[&str]) -> anyhow::Result<()> {
    let named = |items: &Value| -> anyhow::Result<BTreeSet<String>> {
        let creators = column(items, "creator")?;
        Ok(creators
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect())
    };
    let expected: BTreeSet<_> = creators
        .iter()
        .map(|creator| (*creator).to_owned())
        .collect();
    for by in [
        "er_views@1",
        "views",
        "likes",
        "engagements",
        "er_followers@1",
    ] {
        let reply = scene
            .ask(key, &format!("/v1/top-posts?limit=100&by={by}"))
            .await?;
        let posts = &reply.body["data"]["posts"];
        ensure!(named(posts)? == expected, "{by}: {}", reply.text);
        ensure!(list(posts)?.len() == creators.len(), "{by}: {}", reply.text);
    }
    let reply = scene.ask(key, "/v1/sync-health?limit=100").await?;
    ensure!(named(&reply.body["data"])? == expected, "{}", reply.text);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_for_those_who_audit() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let of = |owned: &Owned| format!("/v1/accounts/{}/events", owned.account);
    let (own, foreign) = (of(&scene.a), of(&scene.b));
    for role in ["creator", "analyst"] {
        let key = scene.key(role, &["a"])?;
        for path in [&own, &foreign, &format!("/v1/accounts/{NOBODY}/events")] {
            let reply = scene.ask(&key, path).await?;
            reply.ensure_problem(role, (403, "role_not_allowed", None))?;
            let detail = reply.body["detail"].as_str().context("a detail")?;
            ensure!(
                detail.contains(role) && detail.contains("auditor or admin"),
                "{detail}"
            );
        }
    }
    for role in ["auditor", "admin"] {
        let narrow = scene.key(role, &["a"])?;
        let found = scene.ask(&narrow, &own).await?;
        ensure!(found.status == 200, "{}", found.text);
        ensure!(list(&found.body["data"])?.len() == 3, "{}", found.text);
        // Names, titles and the platform's ids are sealed for auditors too.
        for plain in ["account-of-a", "a title"] {
            ensure!(!found.text.contains(plain), "{role} reads '{plain}'");
        }
        let reply = scene.ask(&narrow, &foreign).await?;
        reply.ensure_problem(role, (404, "not_found", None))?;
        let wide = scene.key(role, &[])?;
        for path in [&own, &foreign] {
            ensure!(scene.ask(&wide, path).await?.status == 200, "{role} {path}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_makes_no_sense_is_not_made() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let url = &scene.ground.ledger.database.url;
    let long = "l".repeat(201);
    for (arguments, said) in [
        (vec!["--role", "creator"], "names the creators"),
        (vec!["--role", "king"], "'king' is not a role"),
        (
            vec!["--role", "analyst", "--creator", "a b"],
            "'a b' is not a valid creator id",
        ),
        (
            vec!["--role", "analyst", "--creator", ""],
            "is not a valid creator id",
        ),
        (vec!["--role", "analyst", "--label", " "], "label"),
        (vec!["--role", "analyst", "--label", &long], "label"),
    ] {
        let arguments = [vec!["keys", "create", "--json"], arguments].concat();
        let refused = run(PROGRAM, url, &arguments).err();
        let refused = refused.with_context(|| format!("{arguments:?} made a key"))?;
        ensure!(refused.to_string().contains(said), "{refused}");
    }
    let keys = run(PROGRAM, url, &["keys", "list", "--json"])?;
    ensure!(keys.lines().count() == 1, "only the server's own: {keys}");
    Ok(())
}

/// A secret is shown once, to who makes the key, and is nowhere afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_never_echoed() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let server = &scene.ground.server;
    let mut secrets = vec![server.key.clone()];
    for (role, creators) in [("creator", ["a"]), ("analyst", ["a"]), ("auditor", ["a"])] {
        secrets.push(scene.key(role, &creators)?);
    }
    ensure!(
        secrets.iter().collect::<BTreeSet<_>>().len() == 4,
        "keys are alike"
    );
    let account = scene.a.account;
    for secret in &secrets {
        ensure!(
            secret.len() == 47 && secret.starts_with("slk_"),
            "the form of a key"
        );
        for path in [
            format!("/v1/accounts/{account}"),
            format!("/v1/accounts/{account}/events"),
            format!("/v1/accounts/{account}/posts?cursor={}", &secret[..40]),
            "/v1/openapi.json".to_owned(),
            "/v1/nothing".to_owned(),
        ] {
            let reply = scene.ask(secret, &path).await?;
            let headers = format!("{:?}", reply.headers);
            ensure!(!reply.text.contains(&secret[4..]), "{path} shows a key");
            ensure!(
                !headers.contains(&secret[4..]),
                "{path} shows a key in its headers"
            );
        }
        // A key that is cut, as a mistake would have it.
        let reply = scene.ask(&secret[..46], "/v1/metrics").await?;
        reply.ensure_problem("a key that is cut", (401, "unauthorized", None))?;
        ensure!(!reply.text.contains(&secret[4..40]), "a cut key is shown");
    }
    let url = &scene.ground.ledger.database.url;
    let listed =
        run(PROGRAM, url, &["keys", "list"])? + &run(PROGRAM, url, &["keys", "list", "--json"])?;
    ensure!(
        secrets.iter().all(|secret| !listed.contains(&secret[4..])),
        "keys list shows one"
    );
    let inner: Vec<_> = secrets
        .iter()
        .map(|secret| secret[4..].to_owned())
        .collect();
    canary::assert_absent(&scene.ground.ledger.database, &inner).await
}
