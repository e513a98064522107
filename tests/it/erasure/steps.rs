//! An erasure that is cut short anywhere is finished by the next start, or by asking again.

use super::{Scene, ensure_erased, ensure_refused, fails, populate, rows, succeeds};
use adapters::vault::{ErasureFile, MasterKey};
use anyhow::ensure;
use commands::ports::{Erasure, ErasureRecord, KeyShredder};
use commands::{Intent, IntentOutcome};
use domain::account::{EraseAccount, ErasureReason, Rejected};
use std::process::Stdio;
use std::time::Duration;
use tests::ledger::{MASTER_KEY, at, context};
use tests::rng::{Rng, seed};

/// The steps that were taken before the kill.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Taken {
    Record,
    RecordAndLog,
    AllButReadModels,
    /// As when a log was restored from a backup that is older than the vault's.
    RecordAndKey,
    /// As when a start without the log destroyed the key first.
    RecordLogAndKey,
}

const CUTS: [Taken; 5] = [
    Taken::Record,
    Taken::RecordAndLog,
    Taken::AllButReadModels,
    Taken::RecordAndKey,
    Taken::RecordLogAndKey,
];

async fn take(scene: &Scene, steps: Taken) -> anyhow::Result<()> {
    let ledger = &scene.ledger;
    let erasure = Erasure {
        account: scene.account,
        at: at("2026-06-01T09:00:00Z"),
        reason: ErasureReason::DataDeletionCallback,
        key: ledger.vault.fingerprint(scene.account).await?,
    };
    let master = MasterKey::parse(MASTER_KEY, "a test")?;
    let record = ErasureFile::new(ledger.erasure_log.clone(), &master, ledger.pool.clone());
    ensure!(record.write(erasure).await? == erasure);
    if matches!(
        steps,
        Taken::RecordAndLog | Taken::AllButReadModels | Taken::RecordLogAndKey
    ) {
        let Erasure {
            at, reason, key, ..
        } = erasure;
        let intent = Intent::Erase(EraseAccount { at, reason, key });
        ledger
            .ledger
            .execute(scene.account, intent, &context())
            .await?;
    }
    if matches!(steps, Taken::AllButReadModels) {
        ledger.ledger.keep_all().await?;
    }
    if matches!(
        steps,
        Taken::AllButReadModels | Taken::RecordAndKey | Taken::RecordLogAndKey
    ) {
        ledger.vault.destroy(scene.account).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_start_finishes_what_was_cut_short() -> anyhow::Result<()> {
    for steps in CUTS {
        let scene = Scene::new().await?;
        take(&scene, steps).await?;
        succeeds(&mut scene.program(&["projector", "--once"]))?;
        scene.ensure_erased(&format!("{steps:?}")).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_again_finishes_what_was_cut_short() -> anyhow::Result<()> {
    for steps in CUTS {
        let scene = Scene::new().await?;
        take(&scene, steps).await?;
        // In this process, so that no start did it.
        let later = at("2026-07-01T09:00:00Z");
        let reason = ErasureReason::Requested;
        let erased = scene
            .ledger
            .erasures
            .erase(scene.account, reason, later, &context())
            .await?;
        // What stands in the record counts.
        ensure!(
            erased.erasure.at == at("2026-06-01T09:00:00Z"),
            "{erased:?}"
        );
        ensure!(erased.erasure.reason == ErasureReason::DataDeletionCallback);
        ensure!(erased.erasure.key.is_some() && erased.key_destroyed);
        scene.ledger.catch_up().await?;
        scene.ensure_erased(&format!("{steps:?}")).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn erasing_twice_gives_the_same_receipt() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let first = scene.erase(scene.account)?;
    ensure!(
        first["key_destroyed"] == true && first["reason"] == "requested",
        "{first}"
    );
    ensure!(first["requested_by"] == "command line", "{first}");
    ensure!(
        first["key_fingerprint"]
            .as_str()
            .is_some_and(|key| key.len() == 32),
        "{first}"
    );
    let (recorded, until) = (&first["recorded_at"], &first["backups_until"]);
    let days = |text: &serde_json::Value| {
        let moment = text
            .as_str()
            .and_then(|text| text.parse::<domain::Timestamp>().ok());
        moment.map(|moment| moment.micros() / domain::time::DAY_MICROS)
    };
    ensure!(days(until) == days(recorded).map(|day| day + 35), "{first}");
    scene.ensure_erased("once").await?;
    ensure!(scene.erase(scene.account)? == first);
    scene.ensure_erased("twice").await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_erased_is_said_and_changes_nothing() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let before = rows(&scene.ledger, scene.account).await?;
    let account = scene.account.to_string();
    let nobody = crate::api_ground::NOBODY;
    let cases: [(&[&str], &str); 4] = [
        (&["erase", nobody, "--yes"], "there is no account 01900000-"),
        (
            &["erase", "cafe-luna", "--yes"],
            "'cafe-luna' is not a valid account id",
        ),
        (
            &["erase", &account, "--yes", "--reason", "bored"],
            "'bored' is not a reason: expected",
        ),
        (&["erase", &account], "add --yes"),
    ];
    for (arguments, expected) in cases {
        let said = fails(&mut scene.program(arguments))?;
        ensure!(said.contains(expected), "{arguments:?}: {said}");
    }
    ensure!(rows(&scene.ledger, scene.account).await? == before);
    ensure!(!scene.ledger.erasure_log.exists(), "nothing was recorded");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_after_it_is_refused_and_a_new_account_opens() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    scene.erase(scene.account)?;
    let ledger = &scene.ledger;
    ensure_refused(ledger, scene.account, "2026-02-01T00:00:00Z").await?;
    // Also what seals, for which there is no key any more, and what was there before.
    let seals = Intent::SnapshotPosts {
        observed_at: at("2026-01-03T00:00:00Z"),
        provenance: tests::ledger::provenance(),
        posts: vec![tests::ledger::post(
            "p",
            "a title",
            &[(domain::Metric::Views, 1)],
        )],
    };
    let outcome = ledger
        .ledger
        .execute_all(scene.account, vec![seals.clone(), seals], &context())
        .await?;
    let is_refused =
        |intent: &IntentOutcome| matches!(intent, IntentOutcome::Rejected(Rejected::Erased(_)));
    ensure!(
        outcome.intents.len() == 2 && outcome.intents.iter().all(is_refused),
        "{outcome:?}"
    );

    let again = populate(ledger, "gone").await?;
    ensure!(again != scene.account);
    ledger.catch_up().await?;
    ensure!(rows(ledger, again).await?["follower_trends_v1"] == 2);
    scene.ensure_erased("beside the new account").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_instant_leaves_an_account_whole_or_erased() -> anyhow::Result<()> {
    let seed = seed(31);
    eprintln!("erasure: TEST_SEED={seed}");
    let mut rng = Rng::new(seed);
    let scene = Scene::new().await?;
    let mut accounts = vec![];
    for number in 0..12 {
        accounts.push(populate(&scene.ledger, &format!("victim{number}")).await?);
    }
    for account in &accounts {
        let mut erasing = scene
            .program(&["erase", &account.to_string(), "--yes"])
            .stdout(Stdio::null())
            .spawn()?;
        tokio::time::sleep(Duration::from_millis(40 + rng.below(160))).await;
        let _gone = erasing.kill();
        erasing.wait()?;
    }
    succeeds(&mut scene.program(&["projector", "--once"]))?;
    let recorded = std::fs::read_to_string(&scene.ledger.erasure_log).unwrap_or_default();
    let mut erased = 0;
    for account in &accounts {
        if recorded.contains(&account.to_string()) {
            erased += 1;
            ensure_erased(&scene.ledger, *account, "killed").await?;
        } else {
            let left = rows(&scene.ledger, *account).await?;
            ensure!(
                left["vault.accounts"] == 1 && left["top_posts_v1"] == 3,
                "{left}"
            );
        }
    }
    eprintln!(
        "erasure: {erased} of {} were begun before the kill",
        accounts.len()
    );
    Ok(())
}
