//! Erasing an account: what was sealed stays closed, whatever is killed, restored or asked.

mod answers;
mod backups;
mod others;
mod plain_text;
mod steps;

use anyhow::{Context, ensure};
use commands::text::ProfileText;
use commands::{CommandError, Intent, Profile};
use domain::account::Rejected;
use domain::{AccountId, Metric, Platform};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use tests::TestLedger;
use tests::ledger::{MASTER_KEY, at, context, post};
use tests::server::command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_program");

/// Two accounts with everything that can be sealed: one to be erased, one to be left alone.
struct Scene {
    ledger: TestLedger,
    account: AccountId,
    neighbour: AccountId,
}

/// What is sealed of an account of this name.
fn canaries(name: &str) -> Vec<String> {
    let kinds = [
        "platformid",
        "handle",
        "shownname",
        "biography",
        "postid",
        "posttitle",
    ];
    kinds.map(|kind| format!("canary-{name}-{kind}")).to_vec()
}

/// Ensures that a reading of an erased account is refused as such.
async fn ensure_refused(ledger: &TestLedger, account: AccountId, at: &str) -> anyhow::Result<()> {
    let observed = ledger
        .observe(account, at, &[(Metric::Followers, 150)])
        .await;
    let refused = observed.err().and_then(|error| error.downcast().ok());
    ensure!(
        matches!(refused, Some(CommandError::Rejected(Rejected::Erased(_)))),
        "{refused:?}"
    );
    Ok(())
}

async fn populate(ledger: &TestLedger, name: &str) -> anyhow::Result<AccountId> {
    let account = ledger
        .import(
            "erasing",
            Platform::Tiktok,
            &format!("canary-{name}-platformid"),
        )
        .await?;
    let text = ProfileText {
        platform_account_id: format!("canary-{name}-platformid"),
        handle: Some(format!("canary-{name}-handle")),
        name: Some(format!("canary-{name}-shownname")),
        bio: Some(format!("canary-{name}-biography")),
        ..ProfileText::default()
    };
    let observed_at = at("2026-01-02T00:00:00Z");
    let intent = Intent::Import {
        creator: "erasing".parse()?,
        platform: Platform::Tiktok,
        source: "test".to_owned(),
        profile: Profile { observed_at, text },
    };
    ledger.ledger.execute(account, intent, &context()).await?;
    for (day, followers) in [("03", 100), ("12", 130)] {
        let moment = format!("2026-01-{day}T00:00:00Z");
        let known = [(Metric::Followers, followers)];
        ledger.observe(account, &moment, &known).await?;
        let posts = (0..3).map(|number| {
            let id = format!("canary-{name}-postid-{number}");
            let title = format!("canary-{name}-posttitle-{number}");
            let counts = [(Metric::Views, followers * 10), (Metric::Likes, 7 + number)];
            post(&id, &title, &counts)
        });
        ledger
            .observe_posts(account, &moment, posts.collect())
            .await?;
    }
    Ok(account)
}

impl Scene {
    async fn new() -> anyhow::Result<Self> {
        let ledger = TestLedger::create().await?;
        let account = populate(&ledger, "gone").await?;
        let neighbour = populate(&ledger, "stays").await?;
        ledger.ledger.keep_all().await?;
        ledger.catch_up().await?;
        Ok(Self {
            ledger,
            account,
            neighbour,
        })
    }

    /// The program over this database and this record of erasures.
    fn program(&self, arguments: &[&str]) -> Command {
        program(
            &self.ledger.database.url,
            &self.ledger.erasure_log,
            arguments,
        )
    }

    /// Erases with the command line and returns the receipt.
    fn erase(&self, account: AccountId) -> anyhow::Result<Value> {
        let account = account.to_string();
        let printed = succeeds(&mut self.program(&["erase", &account, "--yes", "--json"]))?;
        Ok(serde_json::from_str(&printed)?)
    }

    /// Nothing of the account is left that an erasure removes, and the neighbour is whole.
    async fn ensure_erased(&self, what: &str) -> anyhow::Result<()> {
        ensure_erased(&self.ledger, self.account, what).await?;
        let left = rows(&self.ledger, self.neighbour).await?;
        let kept = [
            ("vault.accounts", 1),
            ("account_states", 1),
            ("post_marks", 3),
            ("follower_trends_v1", 2),
            ("top_posts_v1", 3),
            ("top_posts_v1_text", 3),
            ("top_posts_v1_history", 6),
        ];
        for (table, count) in kept {
            ensure!(
                left[table] == count,
                "{what}: {table} of the neighbour: {left}"
            );
        }
        Ok(())
    }
}

fn program(url: &str, erasure_log: &Path, arguments: &[&str]) -> Command {
    let mut program = command(PROGRAM, url, arguments);
    program.env("ERASURE_LOG", erasure_log);
    program
}

/// Runs to the end, which must be a good one.
fn succeeds(program: &mut Command) -> anyhow::Result<String> {
    let output = program.output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program:?}: {errors}");
    Ok(String::from_utf8(output.stdout)?)
}

/// Runs to the end, which must be a failure, and returns what was said.
fn fails(program: &mut Command) -> anyhow::Result<String> {
    let output = program.output()?;
    ensure!(!output.status.success(), "{program:?} succeeded");
    Ok(String::from_utf8(output.stderr)?)
}

/// How many rows each table has of an account.
async fn rows(ledger: &TestLedger, account: AccountId) -> anyhow::Result<Value> {
    let client = ledger.database.connect().await?;
    let mut counts = serde_json::Map::new();
    for table in [
        "vault.accounts",
        "account_states",
        "post_marks",
        "accounts_v1",
        "follower_trends_v1",
        "top_posts_v1",
        "sync_health_v1",
        "sync_health_v1_syncs",
    ] {
        let counted = format!("select count(*) as rows from {table} where account_id = $1");
        let row = client.query_one(&counted, &[&account.uuid()]).await?;
        counts.insert(table.to_owned(), row.get::<_, i64>("rows").into());
    }
    // These name the post only; one that nothing leads to counts for every account.
    for table in ["top_posts_v1_text", "top_posts_v1_history"] {
        let counted = format!(
            "select count(*) as rows
             from {table} left join top_posts_v1 using (post)
             where account_id is null or account_id = $1"
        );
        let row = client.query_one(&counted, &[&account.uuid()]).await?;
        counts.insert(table.to_owned(), row.get::<_, i64>("rows").into());
    }
    Ok(counts.into())
}

async fn ensure_erased(ledger: &TestLedger, account: AccountId, what: &str) -> anyhow::Result<()> {
    let left = rows(ledger, account).await?;
    for (table, count) in left.as_object().context("counts")? {
        let expected = i64::from(["accounts_v1", "account_states"].contains(&table.as_str()));
        ensure!(*count == expected, "{what}: {table}: {left}");
    }
    let client = ledger.database.connect().await?;
    let row = client
        .query_one(
            "select phase, length(profile) as profile, first_observed_at is null as unobserved
             from accounts_v1 where account_id = $1",
            &[&account.uuid()],
        )
        .await?;
    ensure!(row.get::<_, &str>("phase") == "erased", "{what}");
    ensure!(row.get::<_, i32>("profile") == 0, "{what}");
    ensure!(row.get::<_, bool>("unobserved"), "{what}");
    let row = client
        .query_one(
            "select count(*) filter (where event_type = 'AccountErased') as erasures,
                 (array_agg(event_type order by revision desc))[1] as last
             from log_events where stream = $1",
            &[&format!("account-{account}")],
        )
        .await?;
    ensure!(row.get::<_, i64>("erasures") == 1, "{what}");
    ensure!(row.get::<_, &str>("last") == "AccountErased", "{what}");
    Ok(())
}

/// What a stranger with the database and the master key opens of an account.
fn opened(url: &str, account: AccountId) -> anyhow::Result<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle/open_sealed.py");
    let mut python = Command::new("python3");
    // It must leave no compiled copy of itself behind.
    python
        .args(["-B"])
        .arg(script)
        .arg(url)
        .env("MASTER_KEY", MASTER_KEY);
    let printed = succeeds(&mut python)?;
    for line in printed.lines() {
        let found: Value = serde_json::from_str(line)?;
        if found["account"] == account.to_string() {
            return Ok(found);
        }
    }
    anyhow::bail!("nothing of {account}: {printed}")
}
