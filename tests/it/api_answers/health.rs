//! How syncs fare: a state, a badge and the one action that helps, for each way they can go.

use super::{ensure_envelope, is_moment};
use crate::api_ground::Ground;
use crate::histories::{connect, disconnect, followers, minute, sync};
use adapters::clock::SystemClock;
use anyhow::{Context, ensure};
use commands::Intent;
use commands::ports::Clock;
use domain::account::{DisconnectReason, ErrorClass, RateLimit};
use domain::{AccountId, CommandId, Platform};
use serde_json::{Value, json};
use uuid::Uuid;

const HOUR: i64 = 60;
const PLATFORM: Platform = Platform::Youtube;

/// What the API is to say of an account.
struct Expected {
    phase: &'static str,
    state: &'static str,
    badge: (&'static str, &'static str),
    action: &'static str,
}

/// Now, in the minutes that histories count.
fn now() -> i64 {
    (SystemClock.now().micros() - minute(0).micros()) / 60_000_000
}

/// A sync that met this limit, which ends at a minute.
fn limited(n: i64, reset: i64) -> Intent {
    let mut limited = sync(n, Some(ErrorClass::RateLimited));
    if let Intent::RecordSync(sync) = &mut limited {
        sync.rate_limit = Some(RateLimit {
            hit: true,
            used_percent: Some(100),
            reset_at: Some(minute(reset)),
        });
    }
    limited
}

fn disconnected(reason: DisconnectReason, n: i64) -> Intent {
    Intent::Disconnect {
        command_id: CommandId::from_uuid(Uuid::from_u64_pair(3, 1)),
        reason,
        at: minute(n),
    }
}

struct Scene {
    ground: Ground,
    now: i64,
    accounts: u64,
}

impl Scene {
    /// Makes an account with this history, beginning when it was connected two weeks ago, and
    /// fails unless the API says of it what is expected. Returns the health that it shows.
    async fn ensure(
        &mut self,
        what: &str,
        history: Vec<Intent>,
        expected: Expected,
    ) -> anyhow::Result<Value> {
        self.accounts += 1;
        let id = format!("{}", self.accounts);
        let account = self.ground.import("creator", PLATFORM, id.as_str()).await?;
        let connected = connect(
            ("creator", PLATFORM, id.as_str()),
            self.accounts,
            self.now - 336 * HOUR,
        )?;
        let intents = [vec![connected], history].concat();
        let outcome = self.ground.carry_out(account, intents).await?;
        self.shown(what, account, expected, &outcome).await
    }

    async fn shown(
        &self,
        what: &str,
        account: AccountId,
        expected: Expected,
        outcome: &commands::Outcome,
    ) -> anyhow::Result<Value> {
        let path = format!("/v1/accounts/{account}/sync-health");
        let body = self.ground.after(outcome, &path).await?;
        ensure_envelope(&path, &body)?;
        let data = &body["data"];
        let (colour, word) = expected.badge;
        ensure!(data["phase"] == expected.phase, "{what}: {body}");
        ensure!(data["state"]["state"] == expected.state, "{what}: {body}");
        ensure!(body["state"] == data["state"], "{what}: {body}");
        ensure!(
            data["badge"]["colour"] == colour && data["badge"]["word"] == word,
            "{what}: {body}"
        );
        ensure!(is_moment(&data["badge"]["since"]), "{what}: {body}");
        ensure!(data["action"] == expected.action, "{what}: {body}");
        ensure!(
            body["last_synced_at"] == data["last_success_at"],
            "{what}: {body}"
        );
        ensure!(
            body["next_sync_at"] == data["next_sync_at"],
            "{what}: {body}"
        );
        // The account says the same in short.
        let account = self.ground.data(&format!("/v1/accounts/{account}")).await?;
        for name in [
            "state",
            "badge",
            "last_success_at",
            "next_sync_at",
            "action",
            "wait_until",
        ] {
            ensure!(
                account["health"][name] == data[name],
                "{what}: {name}: {account} {data}"
            );
        }
        Ok(data.clone())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_that_syncs_can_go() -> anyhow::Result<()> {
    let now = now();
    let ground = Ground::new().await?;
    let mut scene = Scene {
        ground,
        now,
        accounts: 0,
    };
    let transient = Some(ErrorClass::Transient);
    let ago = |hours: i64| now - hours * HOUR;

    let expected = |state, badge, action| Expected {
        phase: "connected",
        state,
        badge,
        action,
    };
    let fine = vec![followers(ago(2), 5), sync(ago(2), None)];
    let healthy = expected("ready", ("green", "healthy"), "none");
    let data = scene.ensure("a success", fine.clone(), healthy).await?;
    ensure!(
        data["last_success_at"] == minute(ago(2) + 1).to_string(),
        "{data}"
    );
    ensure!(
        data["last_attempt_at"] == minute(ago(2)).to_string(),
        "{data}"
    );
    ensure!(data["next_sync_at"] == minute(ago(1)).to_string(), "{data}");
    ensure!(
        data["last_outcome"] == "succeeded" && data["syncs"] == 1,
        "{data}"
    );
    ensure!(
        data["failures"] == 0 && data["failing_since"].is_null(),
        "{data}"
    );

    let history = vec![sync(ago(2), None)];
    let unseen = expected("no_data", ("green", "healthy"), "none");
    scene
        .ensure("a success that read nothing", history, unseen)
        .await?;

    let late = vec![followers(ago(50), 5), sync(ago(50), None)];
    let delayed = expected("stale", ("yellow", "delayed"), "none");
    scene
        .ensure("a success of long ago", late.clone(), delayed)
        .await?;

    let failing = [fine.clone(), vec![sync(ago(1), transient)]].concat();
    let passing = expected("ready", ("green", "healthy"), "wait_until");
    let data = scene
        .ensure("a failure after a success", failing, passing)
        .await?;
    ensure!(
        data["failures"] == 1 && data["last_outcome"] == "failed",
        "{data}"
    );
    ensure!(
        data["error_class"] == "transient" && data["error_code"] == "190",
        "{data}"
    );
    ensure!(
        data["failing_since"] == minute(ago(1)).to_string(),
        "{data}"
    );
    ensure!(data["wait_until"] == minute(now).to_string(), "{data}");

    let failing = [
        late,
        vec![sync(ago(40), transient), sync(ago(1), transient)],
    ]
    .concat();
    let delayed = expected("stale", ("yellow", "delayed"), "wait_until");
    let data = scene
        .ensure("failures for two days", failing, delayed)
        .await?;
    ensure!(data["failures"] == 2, "{data}");
    ensure!(
        data["failing_since"] == minute(ago(40)).to_string(),
        "{data}"
    );

    let old = vec![followers(ago(100), 5), sync(ago(100), None)];
    let failing = [old, vec![sync(ago(90), transient), sync(ago(1), transient)]].concat();
    let broken = expected("stale", ("red", "failing"), "wait_until");
    scene
        .ensure("failures for four days", failing, broken)
        .await?;

    let recovered = vec![
        followers(ago(2), 5),
        sync(ago(9), transient),
        sync(ago(2), None),
    ];
    let healthy = expected("ready", ("green", "healthy"), "none");
    let data = scene
        .ensure("a success after a failure", recovered, healthy)
        .await?;
    ensure!(
        data["recovered_at"] == minute(ago(2) + 1).to_string(),
        "{data}"
    );
    ensure!(
        data["failures"] == 0 && data["error_class"].is_null(),
        "{data}"
    );

    let waiting = expected("syncing", ("grey", "waiting for the first sync"), "none");
    scene.ensure("no sync yet", vec![], waiting).await?;

    let limits = [fine.clone(), vec![limited(ago(1), now + HOUR)]].concat();
    let limited_now = expected("rate_limited", ("green", "healthy"), "wait_until");
    let data = scene.ensure("a limit", limits, limited_now).await?;
    ensure!(
        data["wait_until"] == minute(now + HOUR).to_string(),
        "{data}"
    );
    ensure!(data["rate_limit_reset_at"] == data["wait_until"], "{data}");
    let limits = [fine.clone(), vec![limited(ago(1), now - HOUR / 2)]].concat();
    let passed = expected("ready", ("green", "healthy"), "wait_until");
    scene.ensure("a limit that is over", limits, passed).await?;

    for (class, word, action) in [
        (ErrorClass::Permission, "reconnect needed", "reconnect"),
        (
            ErrorClass::AccountGone,
            "gone from the platform",
            "reconnect",
        ),
        (ErrorClass::ConfigError, "set-up error", "contact_admin"),
    ] {
        let failing = [fine.clone(), vec![sync(ago(1), Some(class))]].concat();
        let broken = expected("ready", ("red", word), action);
        let data = scene.ensure(word, failing, broken).await?;
        ensure!(data["error_class"] == class.name(), "{data}");
    }
    // A success or a failure that is learned late changes nothing of what came after it.
    let history = [fine, vec![sync(ago(9), transient), sync(ago(8), None)]].concat();
    let healthy = expected("ready", ("green", "healthy"), "none");
    let data = scene
        .ensure("syncs that are learned late", history, healthy)
        .await?;
    ensure!(data["syncs"] == 3, "{data}");
    ensure!(
        data["last_success_at"] == minute(ago(2) + 1).to_string(),
        "{data}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_have_ended() -> anyhow::Result<()> {
    let now = now();
    let ground = Ground::new().await?;
    let mut scene = Scene {
        ground,
        now,
        accounts: 0,
    };
    let ago = |hours: i64| now - hours * HOUR;
    let fine = vec![followers(ago(2), 5), sync(ago(2), None)];

    let lost = [
        fine.clone(),
        vec![sync(ago(1), Some(ErrorClass::AuthExpired))],
    ]
    .concat();
    let expected = Expected {
        phase: "needs_reauthorization",
        state: "needs_reauthorization",
        badge: ("red", "reconnect needed"),
        action: "reconnect",
    };
    let data = scene.ensure("a lost authorisation", lost, expected).await?;
    ensure!(
        data["badge"]["since"] == minute(ago(1) + 1).to_string(),
        "{data}"
    );
    ensure!(data["next_sync_at"].is_null(), "nothing is planned: {data}");
    let cause = data["state"]["cause"].as_str().context("a cause")?;
    ensure!(
        cause.contains("auth_expired") && cause.contains("connect the account again"),
        "{cause}"
    );

    let ended = |action| Expected {
        phase: "disconnected",
        state: "disconnected",
        badge: ("grey", "disconnected"),
        action,
    };
    let asked = [fine.clone(), vec![disconnect(9, ago(1))]].concat();
    scene.ensure("asked for", asked, ended("none")).await?;
    let reason = DisconnectReason::RevokedAtPlatform;
    let revoked = [fine.clone(), vec![disconnected(reason, ago(1))]].concat();
    let data = scene.ensure("revoked", revoked, ended("reconnect")).await?;
    let cause = data["state"]["cause"].as_str().context("a cause")?;
    ensure!(cause.contains("revoked_at_platform"), "{cause}");
    ensure!(
        data["badge"]["since"] == minute(ago(1)).to_string(),
        "{data}"
    );

    // Access that came back is what it was before.
    let id = format!("{}", scene.accounts + 1);
    let back = [
        fine,
        vec![
            sync(ago(1), Some(ErrorClass::AuthExpired)),
            connect(("creator", PLATFORM, id.as_str()), 77, ago(1) + 30)?,
            sync(ago(1) + 40, None),
        ],
    ];
    let expected = Expected {
        phase: "connected",
        state: "ready",
        badge: ("green", "healthy"),
        action: "none",
    };
    scene
        .ensure("access that came back", back.concat(), expected)
        .await?;

    // Never connected: grey, with or without numbers, and nothing is to be done.
    let seen = vec![followers(ago(2), 5)];
    for (id, history, state) in [("m", seen, "ready"), ("n", vec![], "no_data")] {
        let account = scene.ground.import("creator", PLATFORM, id).await?;
        let outcome = scene.ground.carry_out(account, history).await?;
        let expected = Expected {
            phase: "imported",
            state,
            badge: ("grey", "imported"),
            action: "none",
        };
        let data = scene.shown(id, account, expected, &outcome).await?;
        ensure!(
            data["syncs"] == 0 && data["last_attempt_at"].is_null(),
            "{data}"
        );
        ensure!(
            data["next_sync_at"].is_null() && data["wait_until"].is_null(),
            "{data}"
        );
    }
    every_account_is_listed(&scene.ground).await
}

/// The list has each account as the account's own route has it.
async fn every_account_is_listed(ground: &Ground) -> anyhow::Result<()> {
    let listed = ground.server.all("/v1/sync-health?creator=creator").await?;
    ensure!(listed.len() == 6, "{} accounts", listed.len());
    for health in &listed {
        let account = health["account_id"].as_str().context("an id")?;
        let alone = ground
            .data(&format!("/v1/accounts/{account}/sync-health"))
            .await?;
        ensure!(*health == alone, "{health} {alone}");
    }
    let others = ground.data("/v1/sync-health?creator=nobody").await?;
    ensure!(others == json!([]), "{others}");
    Ok(())
}
