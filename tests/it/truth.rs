//! Real history: the API's answers equal what others worked out from the same files, and 200
//! random questions equal what a script answers that shares no code with the project.

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;
use tests::TestDatabase;
use tests::rng::seed;
use tests::server::{Place, Server, import};
use tests::standin::StandIn;
use tokio::task::block_in_place;

const PROGRAM: &str = env!("CARGO_BIN_EXE_program");
const SETS: [&str; 4] = ["yt_tech_fr", "decred_multi", "fb_pages_2016", "raw_api_ig"];
const QUESTIONS: usize = 200;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A folder beside this checkout that holds the data sets and their truth.
fn real_data() -> anyhow::Result<Option<PathBuf>> {
    let beside = root().join("..");
    for entry in std::fs::read_dir(&beside)? {
        let folder = entry?.path().join("data");
        if folder.join("TRUTH.json").is_file() {
            return Ok(Some(folder));
        }
    }
    Ok(None)
}

/// The API with a memory of which id an account or post has.
struct Asked<'a> {
    server: &'a Server,
    accounts: HashMap<(String, String, String), String>,
}

impl Asked<'_> {
    async fn account(&mut self, creator: &str, platform: &str, id: &str) -> anyhow::Result<String> {
        let key = (creator.to_owned(), platform.to_owned(), id.to_owned());
        if let Some(known) = self.accounts.get(&key) {
            return Ok(known.clone());
        }
        let path =
            format!("/v1/creators/{creator}/accounts?platform={platform}&platform_account_id={id}");
        let found = self.server.ok(&path).await?;
        let account = found["data"][0]["account_id"]
            .as_str()
            .context("one account")?
            .to_owned();
        self.accounts.insert(key, account.clone());
        Ok(account)
    }

    async fn post(&self, account: &str, id: &str) -> anyhow::Result<String> {
        let found = self
            .server
            .ok(&format!(
                "/v1/accounts/{account}/posts?platform_post_id={id}"
            ))
            .await?;
        Ok(found["data"][0]["post"]
            .as_str()
            .with_context(|| format!("post {id}"))?
            .to_owned())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_equal_the_truth() -> anyhow::Result<()> {
    let Some(data) = real_data()? else {
        eprintln!("skipped: there is no folder of real data beside this checkout");
        return Ok(());
    };
    let database = TestDatabase::create().await?;
    let place = Place::from(&database.url);
    check(&database, &place, &data).await
}

/// The same with the events in EventStoreDB.
#[tokio::test(flavor = "multi_thread")]
async fn answers_equal_the_truth_on_eventstoredb() -> anyhow::Result<()> {
    let Some(data) = real_data()? else {
        eprintln!("skipped: there is no folder of real data beside this checkout");
        return Ok(());
    };
    let database = TestDatabase::create().await?;
    let store = StandIn::start().await?;
    let place = Place::with_log(&database.url, &store.url());
    check(&database, &place, &data).await?;
    let client = database.connect().await?;
    let row = client
        .query_one("select count(*) from log_events", &[])
        .await?;
    ensure!(row.get::<_, i64>(0) == 0, "events are in Postgres too");
    ensure!(store.events().len() > 1_000, "the events are elsewhere");
    Ok(())
}

async fn check(database: &TestDatabase, place: &Place, data: &Path) -> anyhow::Result<()> {
    for set in SETS {
        let map = root().join("mappings").join(format!("{set}.toml"));
        let run = || block_in_place(|| import(PROGRAM, place.clone(), &map, &data.join(set)));
        let report = run()?;
        eprintln!("{set}: {report}");
        let again = run()?;
        ensure!(
            again["events_appended"] == 0,
            "{set}: a second run appended: {again}"
        );
    }
    let server = block_in_place(|| Server::start(PROGRAM, place.clone()))?;
    let mut asked = Asked {
        server: &server,
        accounts: HashMap::new(),
    };
    let truth: Value = serde_json::from_slice(&std::fs::read(data.join("TRUTH.json"))?)?;
    counts(
        database,
        &truth["yt_tech_fr"]["counts"],
        &truth["yt_tech_fr"],
    )
    .await?;
    youtube(&mut asked, &truth["yt_tech_fr"]).await?;
    growth(
        &mut asked,
        &truth["decred_multi"]["growth_2021-01-01_to_2023-12-31"],
    )
    .await?;
    facebook(&mut asked, &truth["fb_pages_2016"]).await?;
    let instagram = server.ok("/v1/creators/raw_api_ig/accounts").await?;
    let account = instagram["data"][0]["account_id"]
        .as_str()
        .context("an account")?;
    let followers = server
        .ok(&format!("/v1/accounts/{account}/metrics/followers"))
        .await?;
    ensure!(
        followers["data"]["value"] == truth["raw_api_ig"]["followers"],
        "{followers}"
    );
    questions(&mut asked, data).await?;
    no_plain_text(database, data).await
}

async fn counts(database: &TestDatabase, counts: &Value, set: &Value) -> anyhow::Result<()> {
    let client = database.connect().await?;
    let row = client
        .query_one(
            "select
                 (select count(*) from follower_trends_v1 t join accounts_v1 a using (account_id)
                  where metric = 'followers' and creator_id = 'yt_tech_fr') as follower_rows,
                 (select count(distinct t.account_id) from follower_trends_v1 t
                  join accounts_v1 a using (account_id)
                  where metric = 'followers' and creator_id = 'yt_tech_fr')
                     as accounts_with_follower_rows,
                 (select count(*) from top_posts_v1_history h join top_posts_v1 p using (post)
                  join accounts_v1 a using (account_id) where creator_id = 'yt_tech_fr')
                     as post_snapshot_rows,
                 (select count(*) from top_posts_v1 p join accounts_v1 a using (account_id)
                  where creator_id = 'yt_tech_fr') as distinct_posts",
            &[],
        )
        .await?;
    for name in [
        "follower_rows",
        "accounts_with_follower_rows",
        "post_snapshot_rows",
        "distinct_posts",
    ] {
        let found: i64 = row.get(name);
        ensure!(
            counts[name] == found,
            "{name}: {found}, expected {}",
            counts[name]
        );
    }
    let rows = client
        .query(
            "select observations, count(*) as posts
             from top_posts_v1 p join accounts_v1 a using (account_id)
             where creator_id = 'yt_tech_fr'
             group by observations",
            &[],
        )
        .await?;
    let found: BTreeMap<String, i64> = rows
        .iter()
        .map(|row| {
            (
                row.get::<_, i64>("observations").to_string(),
                row.get("posts"),
            )
        })
        .collect();
    ensure!(
        serde_json::to_value(&found)? == set["snapshots_per_post_histogram"],
        "{found:?}"
    );
    Ok(())
}

async fn youtube(asked: &mut Asked<'_>, truth: &Value) -> anyhow::Result<()> {
    let path = "/v1/top-posts?creator=yt_tech_fr&by=er_views@1&min_views=10000&limit=5";
    let top = asked.server.ok(path).await?;
    let expected = truth["top5_er_views_latest_min10000views"]
        .as_array()
        .context("a list")?;
    let posts = top["data"]["posts"].as_array().context("posts")?;
    ensure!(posts.len() == expected.len(), "{top}");
    for (post, expected) in posts.iter().zip(expected) {
        ensure!(
            post["text"]["platform_post_id"] == expected["post"],
            "{post} {expected}"
        );
        ensure!(post["value"] == expected["er_views"], "{post} {expected}");
        ensure!(
            post["engagements"]["total"] == expected["engagements"],
            "{post} {expected}"
        );
        ensure!(
            post["basis"]["observed_at"] == expected["at"],
            "{post} {expected}"
        );
        for metric in ["views", "likes", "comments"] {
            ensure!(
                post["numbers"][metric] == expected[metric],
                "{post} {expected}"
            );
        }
        let id = expected["account"].as_str().context("an id")?;
        let account = asked.account("yt_tech_fr", "youtube", id).await?;
        ensure!(post["account_id"] == account, "{post} {expected}");
    }
    for expected in truth["follower_asof"].as_array().context("a list")? {
        let id = expected["account"].as_str().context("an id")?;
        let account = asked.account("yt_tech_fr", "youtube", id).await?;
        let t = expected["t"].as_str().context("a time")?;
        let path = format!("/v1/accounts/{account}/metrics/followers?as_of={t}");
        let found = asked.server.ok(&path).await?;
        ensure!(
            found["data"]["value"] == expected["followers"],
            "{found} {expected}"
        );
        let at = found["data"]["observed_at"].as_str().map(|at| &at[..10]);
        ensure!(at == expected["snapshot_at"].as_str(), "{found} {expected}");
    }
    let path = "/v1/creators/yt_tech_fr/growth?metric=followers&from=2026-01-22T23:59:59Z\
                &to=2026-02-15T23:59:59Z&minimum_start=10000";
    let found = asked.server.ok(path).await?;
    let expected = &truth["growth_as_of_2026-01-22T23:59:59Z_to_2026-02-15T23:59:59Z_accounts_with_at_least_10000_at_start"];
    for name in ["accounts", "sum_start", "sum_end"] {
        ensure!(found["data"][name] == expected[name], "{found} {expected}");
    }
    Ok(())
}

async fn growth(asked: &mut Asked<'_>, truth: &Value) -> anyhow::Result<()> {
    for expected in truth.as_array().context("a list")? {
        let platform = expected["platform"].as_str().context("a platform")?;
        let id = expected["account"].as_str().context("an id")?;
        let account = asked.account("decred_multi", platform, id).await?;
        let path =
            format!("/v1/accounts/{account}/growth?metric=followers&from=2021-01-01&to=2023-12-31");
        let found = asked.server.ok(&path).await?;
        let found = &found["data"];
        for end in ["start", "end"] {
            ensure!(
                found[end]["value"] == expected[end]["v"],
                "{found} {expected}"
            );
            let at = found[end]["observed_at"]
                .as_str()
                .context("a time")?
                .replace(".000000", "");
            ensure!(expected[end]["at"] == at, "{found} {expected}");
        }
        ensure!(found["delta"] == expected["delta"], "{found} {expected}");
        ensure!(
            found["percent"] == expected["growth_pct"],
            "{found} {expected}"
        );
    }
    Ok(())
}

async fn facebook(asked: &mut Asked<'_>, truth: &Value) -> anyhow::Result<()> {
    let mut undefined = BTreeSet::new();
    for expected in truth["by_page"].as_array().context("a list")? {
        let id = expected["account"].as_str().context("an id")?;
        let account = asked.account("fb_pages_2016", "facebook", id).await?;
        let posts = asked
            .server
            .all(&format!("/v1/accounts/{account}/posts"))
            .await?;
        ensure!(
            expected["posts"] == posts.len(),
            "{id}: {} posts",
            posts.len()
        );
        let total: i64 = posts
            .iter()
            .filter_map(|post| post["engagements"]["total"].as_i64())
            .sum();
        ensure!(
            expected["engagements"] == total,
            "{id}: {total}, expected {expected}"
        );
        let without = posts
            .iter()
            .filter(|post| post["engagements"]["total"].is_null());
        undefined.extend(without.map(|post| post["text"]["platform_post_id"].to_string()));
    }
    let expected = truth["posts_whose_engagements_are_undefined"]
        .as_array()
        .context("a list")?;
    let expected: BTreeSet<_> = expected.iter().map(Value::to_string).collect();
    ensure!(undefined == expected, "{undefined:?}");
    Ok(())
}

async fn questions(asked: &mut Asked<'_>, data: &Path) -> anyhow::Result<()> {
    let seed = seed(11);
    eprintln!("truth: TEST_SEED={seed}");
    let output = Command::new("python3")
        .arg(root().join("tests/oracle/oracle.py"))
        .arg(data)
        .args([
            "--seed",
            &seed.to_string(),
            "--count",
            &QUESTIONS.to_string(),
        ])
        .output()
        .context("python3")?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut answered = 0;
    for line in String::from_utf8(output.stdout)?.lines() {
        let question: Value = serde_json::from_str(line)?;
        let word = |name: &str| {
            question[name]
                .as_str()
                .with_context(|| format!("{name}: {line}"))
        };
        let account = asked
            .account(word("creator")?, word("platform")?, word("account")?)
            .await?;
        let (metric, as_of) = (word("metric")?, word("as_of")?);
        let path = match question["post"].as_str() {
            Some(post) => {
                let post = asked.post(&account, post).await?;
                format!("/v1/accounts/{account}/posts/{post}/metrics/{metric}?as_of={as_of}")
            }
            None => format!("/v1/accounts/{account}/metrics/{metric}?as_of={as_of}"),
        };
        let found = asked.server.ok(&path).await?;
        for name in ["value", "observed_at"] {
            if found["data"][name] != question[name] {
                bail!("{name}: {found}\nexpected {question}");
            }
        }
        answered += 1;
    }
    ensure!(answered == QUESTIONS, "{answered} questions");
    Ok(())
}

/// Handles, titles and platform ids of the imported files are nowhere in log or read models.
async fn no_plain_text(database: &TestDatabase, data: &Path) -> anyhow::Result<()> {
    let mut canaries = vec!["decredproject".to_owned(), "decred_es".to_owned()];
    let videos = std::fs::read_to_string(data.join("yt_tech_fr/videos_2026-02-02.csv"))?;
    for line in videos.lines().skip(1).step_by(97) {
        // Channel id and video id; a channel's title where it holds no comma.
        let cells: Vec<_> = line.split(',').collect();
        canaries.extend([2, 4].map(|cell| cells[cell].to_owned()));
    }
    let channels = std::fs::read_to_string(data.join("yt_tech_fr/channels_reference.csv"))?;
    for line in channels.lines().skip(1).step_by(9) {
        canaries.extend(
            line.split(',')
                .filter(|cell| cell.starts_with('@'))
                .map(str::to_owned),
        );
    }
    let posts = std::fs::read_to_string(data.join("fb_pages_2016/facebook-fact-check.csv"))?;
    for line in posts.lines().skip(1).step_by(101) {
        canaries.extend(line.split(',').take(2).map(str::to_owned));
    }
    crate::canary::assert_absent(database, &canaries).await
}
