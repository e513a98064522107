//! How many round trips to the database an answer costs: counted, not timed, by a relay between
//! the API and Postgres that lets a whole flight of questions through before any answer.

use adapters::api_keys::{ApiKeys, Role};
use adapters::http::serve;
use adapters::postgres::Endpoint;
use anyhow::{Context, ensure};
use domain::{Metric, Platform};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tests::ledger::post;
use tests::{TestDatabase, TestLedger};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

/// After so long without a word the asker has said all that it says before it hears an answer.
const SILENCE: Duration = Duration::from_millis(40);
/// The socket's name in its folder, as clients of Postgres expect it.
const SOCKET: &str = ".s.PGSQL.5432";

/// Passes on what both sides say, and counts how often the client speaks.
async fn relay(
    mut near: UnixStream,
    mut far: UnixStream,
    trips: Arc<AtomicU64>,
) -> std::io::Result<()> {
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = near.read(&mut asked) => {
                let mut length = read?;
                while length > 0 {
                    far.write_all(&asked[..length]).await?;
                    // More of the same flight, for nothing was answered yet.
                    match tokio::time::timeout(SILENCE, near.read(&mut asked)).await {
                        Ok(read) => length = read?,
                        Err(_) => break,
                    }
                }
                if length == 0 {
                    return Ok(());
                }
                trips.fetch_add(1, Ordering::SeqCst);
            }
            read = far.read(&mut answered) => {
                let length = read?;
                if length == 0 {
                    return Ok(());
                }
                near.write_all(&answered[..length]).await?;
            }
        }
    }
}

/// Relays every connection to the socket in one folder on to the one in another.
fn relay_all(from: &Path, to: PathBuf) -> anyhow::Result<Arc<AtomicU64>> {
    let listener = UnixListener::bind(from.join(SOCKET))?;
    let trips = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&trips);
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let Ok(far) = UnixStream::connect(to.join(SOCKET)).await else {
                return;
            };
            tokio::spawn(relay(near, far, Arc::clone(&counted)));
        }
    });
    Ok(trips)
}

/// The same database by way of a relay in this folder.
fn relayed(database: &TestDatabase, folder: &Path) -> anyhow::Result<(Endpoint, Arc<AtomicU64>)> {
    let of_host = |part: &&str| part.starts_with("host=");
    let host = database.url.split(' ').find(of_host).context("a host")?;
    let trips = relay_all(folder, host["host=".len()..].into())?;
    let url = database
        .url
        .replace(host, &format!("host={}", folder.display()));
    Ok((Endpoint::parse(&url)?, trips))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_asks_in_few_flights() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let account = ledger.import("creator", Platform::Tiktok, "one").await?;
    for day in 1..4 {
        let at = format!("2026-01-0{day}T12:00:00Z");
        ledger
            .observe(account, &at, &[(Metric::Followers, 100 + day)])
            .await?;
        let known = [(Metric::Views, 100 * day), (Metric::Likes, day)];
        ledger
            .observe_posts(account, &at, vec![post("p", "a title", &known)])
            .await?;
    }
    ledger.catch_up().await?;
    let folder = tempfile::tempdir()?;
    let (endpoint, trips) = relayed(&ledger.database, folder.path())?;
    let keys = ApiKeys::new(ledger.pool.clone());
    let (_, secret) = keys.create("test", Role::Admin, None).await?;
    let services = ledger.services(endpoint.pool(4)?)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}/v1", listener.local_addr()?);
    let stop = CancellationToken::new();
    let server = tokio::spawn(serve(listener, Arc::new(services), stop.clone()));
    let client = reqwest::Client::new();
    let ask = async |path: &str, secret: &str| {
        let request = client.get(format!("{base}{path}")).bearer_auth(secret);
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        answer.bytes().await?;
        anyhow::Ok(status)
    };

    let of = format!("/accounts/{account}");
    let key = commands::ports::Vault::key(&*ledger.vault, account).await?;
    let one = format!("{of}/posts/{}", key.post_key("p"));
    let days = "from=2026-01-01&to=2026-01-04";
    for (path, flights) in [
        // Who asks, and where the read models stand.
        ("/metrics".to_owned(), 1),
        // The account, how its syncs fare, and what bears the caller's scope itself.
        (of.clone(), 2),
        (format!("{of}/sync-health"), 2),
        (format!("{of}/posts"), 2),
        (one.clone(), 2),
        (format!("/top-posts?account={account}"), 2),
        (format!("/top-posts?account={account}&by=likes"), 2),
        (
            format!("/top-posts?account={account}&as_of=2026-01-02T18:00:00Z"),
            2,
        ),
        (format!("/creators/creator/growth?{days}"), 2),
        // What may be asked only of an account that was found.
        (format!("{of}/trends/followers?{days}"), 3),
        (format!("{of}/trends/followers?interval=raw&{days}"), 3),
        (format!("{of}/growth?{days}"), 3),
        (format!("{of}/velocity"), 3),
        (format!("{one}/history"), 3),
        // The causes of gaps; since when a value is unknown; the health of the accounts listed.
        (
            format!("{of}/trends/followers?from=2026-01-01&to=2026-01-09"),
            4,
        ),
        (format!("{of}/metrics/followers"), 4),
        (format!("{one}/metrics/views"), 4),
        ("/creators/creator/accounts".to_owned(), 3),
        ("/sync-health".to_owned(), 3),
    ] {
        // The first one prepares the statements.
        for first in [true, false] {
            let before = trips.load(Ordering::SeqCst);
            let status = ask(&path, secret.expose()).await?;
            let cost = trips.load(Ordering::SeqCst) - before;
            ensure!(status == 200, "{path}: {status}");
            ensure!(
                first || cost == flights,
                "{path}: {cost} round trips, not {flights}"
            );
        }
    }
    // Who shows nothing that could be a key does not reach the database at all.
    let before = trips.load(Ordering::SeqCst);
    ensure!(ask(&of, "slk_short").await? == 401);
    ensure!(trips.load(Ordering::SeqCst) == before);
    // An account that is not there costs what one costs that the caller may not see.
    let (_, other) = keys
        .create("test", Role::Creator, Some(["other".parse()?].into()))
        .await?;
    let nobody = crate::api_ground::NOBODY;
    for path in [
        "/accounts/ID",
        "/accounts/ID/trends/followers",
        "/top-posts?account=ID",
    ] {
        for id in [account.to_string(), nobody.to_owned()] {
            let path = path.replace("ID", &id);
            for first in [true, false] {
                let before = trips.load(Ordering::SeqCst);
                ensure!(ask(&path, other.expose()).await? == 404, "{path}");
                let cost = trips.load(Ordering::SeqCst) - before;
                ensure!(first || cost == 2, "{path}: {cost} round trips");
            }
        }
    }
    stop.cancel();
    server.await??;
    Ok(())
}
