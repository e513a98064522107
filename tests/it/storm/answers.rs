//! What readers ask in a storm: an account whose history has ended, which every answer must show
//! as it is, and at least as much of the log as the answer before.

use super::{Ground, READERS_PAUSE};
use crate::histories::{import, metrics, minute, page};
use anyhow::ensure;
use commands::ports::Vault;
use domain::observation::Cause;
use domain::{Metric, Platform};
use serde_json::Value;
use tests::ledger::{context, post, profile, values};
use tests::server::Server;
use tokio::time::sleep;

const FOLLOWERS: i64 = 4_711;
const VIEWS: i64 = 815;

/// The account whose history has ended.
pub(super) struct Steady(String);

impl Steady {
    pub(super) async fn record(ground: &Ground) -> anyhow::Result<Self> {
        let (creator, platform) = ("steady", Platform::Tiktok);
        let account = ground
            .vault
            .find_or_create(&creator.parse()?, platform, "one")
            .await?;
        let known = values(&[(Metric::Followers, FOLLOWERS)]);
        let history = vec![
            import(creator, platform, profile(minute(0), "one"))?,
            metrics(minute(1), known, Cause::Observed),
            page(
                minute(1),
                vec![post("p", "a title", &[(Metric::Views, VIEWS)])],
            ),
        ];
        ground
            .ledger
            .execute_all(account, history, &context())
            .await?;
        Ok(Self(account.to_string()))
    }

    /// Each question, and where its answer shows what.
    fn questions(&self) -> [(String, &'static str, Value); 6] {
        let account = &self.0;
        [
            (
                format!("/v1/accounts/{account}/metrics/followers"),
                "/data/value",
                FOLLOWERS.into(),
            ),
            (
                format!("/v1/top-posts?account={account}&by=views"),
                "/data/posts/0/value",
                VIEWS.into(),
            ),
            (
                format!("/v1/accounts/{account}/posts"),
                "/data/0/account_id",
                account.as_str().into(),
            ),
            (
                format!("/v1/accounts/{account}"),
                "/data/account_id",
                account.as_str().into(),
            ),
            (
                format!("/v1/accounts/{account}/sync-health"),
                "/data/account_id",
                account.as_str().into(),
            ),
            (
                "/v1/creators/steady/accounts".to_owned(),
                "/data/0/account_id",
                account.as_str().into(),
            ),
        ]
    }

    /// Asks until the storm is over, each time for at least what was shown before. How many
    /// answers there were.
    pub(super) async fn read(
        &self,
        ground: &Ground,
        server: &Server,
        first: usize,
    ) -> anyhow::Result<usize> {
        let questions = self.questions();
        let mut shown = vec![None; questions.len()];
        let mut turn = first;
        while !ground.is_over() {
            let place = turn % questions.len();
            shown[place] = ask(server, &questions[place], shown[place].as_deref()).await?;
            turn += 1;
            sleep(READERS_PAUSE).await;
        }
        Ok(turn - first)
    }

    /// Asks each question once.
    pub(super) async fn ask_all(&self, server: &Server) -> anyhow::Result<()> {
        for question in self.questions() {
            ask(server, &question, None).await?;
        }
        Ok(())
    }
}

/// The position of an answer that is as it must be.
async fn ask(
    server: &Server,
    (path, place, expected): &(String, &str, Value),
    shown: Option<&str>,
) -> anyhow::Result<Option<String>> {
    let joint = if path.contains('?') { '&' } else { '?' };
    let asked = match shown {
        Some(position) => format!("{path}{joint}wait_for={position}"),
        None => path.clone(),
    };
    let body = server.ok(&asked).await?;
    let found = body.pointer(place);
    ensure!(found == Some(expected), "{asked}: {found:?} in {body}");
    Ok(body["position"].as_str().map(str::to_owned))
}
