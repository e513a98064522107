//! Signed checkpoints: when they are made, that they form a chain, and that no byte of one can be
//! changed.

use super::scene::{Kind, Scene};
use crate::doubles::SetClock;
use crate::histories::minute;
use adapters::audit::Checkpoint;
use adapters::audit::files::verify_file;
use anyhow::{Context, ensure};
use commands::ports::Clock;
use domain::chain::ChainHash;
use domain::{Metric, Position};
use std::sync::Arc;
use std::time::Duration;
use tests::rng::{Rng, seed};
use tokio_util::sync::CancellationToken;

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test(flavor = "multi_thread")]
async fn each_names_the_one_before_it() -> anyhow::Result<()> {
    let scene = Scene::new(Kind::Postgres, 20).await?;
    let account = scene.accounts().await?[0];
    let watch = scene.watch();
    let mut before: Option<Checkpoint> = None;
    for n in 1..=3_u64 {
        let at = minute(1_000_000 + n as i64).to_string();
        let values = [(Metric::Followers, n as i64)];
        scene.ledger.observe(account, &at, &values).await?;
        ensure!(watch.catch_up().await? > 0, "something new");
        let made = watch.checkpoint().await?;
        let read = Checkpoint::read(&made.path)?;
        ensure!(read.statement == made.statement, "{:?}", read.statement);
        ensure!(read.statement.number == n, "{:?}", read.statement);
        let count = scene.events().await?.len() as u64;
        ensure!(read.statement.events == count, "{:?}", read.statement);
        ensure!(read.statement.faults == 0, "{:?}", read.statement);
        let position = read.statement.position.as_deref().context("a position")?;
        ensure!(position.parse::<Position>().is_ok(), "{position}");
        let expected = match &before {
            None => ChainHash::GENESIS,
            Some(before) => sha256(&scene, &before.signed.statement).await?,
        };
        ensure!(read.statement.previous == expected, "{:?}", read.statement);
        let report = verify_file(&made.path, Some(made.signed.public_key), None)?;
        ensure!(report.holds, "{}", report.sentence);
        before = Some(read);
    }
    Ok(())
}

/// Worked out by Postgres, not by what is tested.
async fn sha256(scene: &Scene, text: &str) -> anyhow::Result<ChainHash> {
    let client = scene.ledger.database.connect().await?;
    let row = client
        .query_one("select sha256(convert_to($1, 'UTF8')) as hash", &[&text])
        .await?;
    let hash: &[u8] = row.get("hash");
    Ok(ChainHash(hash.try_into()?))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_byte_of_a_file_can_be_changed() -> anyhow::Result<()> {
    let seed = seed(3);
    let mut rng = Rng::new(seed);
    let scene = Scene::new(Kind::Memory, 20).await?;
    let path = scene.checkpoint().await?;
    let sound = std::fs::read(&path)?;
    let key = scene.auditor.signer.public_key();
    let spoilt = scene.folder.path().join("spoilt");
    for _ in 0..200 {
        let mut bytes = sound.clone();
        let at = rng.below(bytes.len() as u64) as usize;
        bytes[at] ^= 1;
        std::fs::write(&spoilt, bytes)?;
        let refused = verify_file(&spoilt, Some(key), None);
        ensure!(refused.is_err(), "seed {seed}: byte {at}");
    }
    // Cut off at any line, or with a line too few.
    let text = String::from_utf8(sound)?;
    let lines: Vec<_> = text.lines().collect();
    for left_out in 0..lines.len() {
        let kept = lines.iter().enumerate().filter(|(n, _)| *n != left_out);
        let kept: Vec<_> = kept.map(|(_, line)| format!("{line}\n")).collect();
        std::fs::write(&spoilt, kept.concat())?;
        ensure!(
            verify_file(&spoilt, Some(key), None).is_err(),
            "line {left_out}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_is_refused() -> anyhow::Result<()> {
    let scene = Scene::new(Kind::Memory, 10).await?;
    let path = scene.checkpoint().await?;
    let other = data_encoding::BASE64.encode(&[7; 32]);
    let other = adapters::vault::MasterKey::parse(&other, "a test")?;
    let other = adapters::vault::Signer::of(&other).public_key();
    let refused = verify_file(&path, Some(other), None);
    let said = refused.err().context("a refusal")?.to_string();
    let key = scene.auditor.signer.public_key().fingerprint();
    ensure!(said.contains(&key), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_is_only_ever_added_to() -> anyhow::Result<()> {
    let scene = Scene::new(Kind::Postgres, 10).await?;
    scene.checkpoint().await?;
    let client = scene.ledger.database.connect().await?;
    for statement in [
        "update audit_checkpoints set events = 0",
        "delete from audit_checkpoints",
        "truncate audit_checkpoints",
    ] {
        ensure!(
            client.batch_execute(statement).await.is_err(),
            "{statement}"
        );
    }
    let row = client
        .query_one("select count(*) as count from audit_checkpoints", &[])
        .await?;
    ensure!(row.get::<_, i64>("count") == 1, "one is there");
    Ok(())
}

/// The follower counts and tells what does not continue its stream, goes on, and the next
/// checkpoint says so.
#[tokio::test(flavor = "multi_thread")]
async fn faults_on_the_way_are_counted() -> anyhow::Result<()> {
    let scene = Scene::new(Kind::Memory, 20).await?;
    let watch = scene.watch();
    watch.catch_up().await?;
    let mut events = scene.events().await?;
    let mut again = events.last().context("an event")?.clone();
    again.revision += 1;
    events.push(again.clone());
    // The one after it continues it, and is no fault.
    let metadata = String::from_utf8(again.metadata.clone())?;
    let named = domain::chain::verify::prev_of(&again.metadata).map_err(anyhow::Error::msg)?;
    let hash = ChainHash::of_recorded(&again);
    again.revision += 1;
    again.metadata = metadata
        .replace(&named.to_string(), &hash.to_string())
        .into();
    events.push(again);
    scene.replace(events).await?;
    ensure!(watch.catch_up().await? == 2, "two more");
    let made = watch.checkpoint().await?;
    ensure!(made.statement.faults == 1, "{:?}", made.statement);
    Ok(())
}

/// Waits until a file with this number is there.
async fn made(scene: &Scene, number: u64) -> anyhow::Result<Checkpoint> {
    let path = scene
        .folder
        .path()
        .join(format!("checkpoint-{number:010}.ndjson"));
    for _ in 0..600 {
        if path.exists() {
            return Ok(Checkpoint::read(&path)?);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("no checkpoint {number}")
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_made_after_so_many_events_and_after_so_much_time() -> anyhow::Result<()> {
    let scene = Scene::new(Kind::Postgres, 10).await?;
    let account = scene.accounts().await?[0];
    let clock = Arc::new(SetClock::new(minute(0)));
    let count = scene.events().await?.len() as u64;
    // Two followers, as of two processes, make one checkpoint and not two.
    let watch = |clock: &Arc<SetClock>| {
        let clock = Arc::clone(clock) as Arc<dyn Clock>;
        scene.watch_with(clock, count, HOUR)
    };
    let (one, other, cancel) = (watch(&clock), watch(&clock), CancellationToken::new());
    let following = async {
        tokio::join!(one.follow(&cancel), other.follow(&cancel));
    };
    let asking = async {
        let first = made(&scene, 1).await?;
        ensure!(first.statement.events == count, "{:?}", first.statement);
        // One more is not enough of them, but an hour later it is.
        let values = [(Metric::Followers, 77)];
        let at = minute(1_000_000).to_string();
        clock.set(minute(61));
        scene.ledger.observe(account, &at, &values).await?;
        let second = made(&scene, 2).await?;
        ensure!(
            second.statement.events == count + 1,
            "{:?}",
            second.statement
        );
        ensure!(
            second.statement.made_at == minute(61),
            "{:?}",
            second.statement
        );
        // Nothing new: nothing is made, however late it is.
        clock.set(minute(600));
        ensure!(one.catch_up().await? == 0, "nothing new");
        let client = scene.ledger.database.connect().await?;
        let row = client
            .query_one("select count(*) as count from audit_checkpoints", &[])
            .await?;
        ensure!(row.get::<_, i64>("count") == 2, "two are there");
        Ok(())
    };
    let asked = async {
        let result: anyhow::Result<()> = asking.await;
        cancel.cancel();
        result
    };
    let ((), result) = tokio::join!(following, asked);
    result?;
    // Nothing half-written is left.
    let left: Vec<_> = std::fs::read_dir(scene.folder.path())?.collect::<Result<_, _>>()?;
    ensure!(left.len() == 2, "{left:?}");
    Ok(())
}
