//! Carries out an account's readings as commands, and says what became of each row.

use super::assemble::{GROUP_ROWS, Group};
use super::report::Report;
use super::run::Watch;
use super::source::{AccountRef, Place, PostRow, Reading, Refusal, TableInfo};
use commands::ports::VaultError;
use commands::text::ProfileText;
use commands::{CommandError, Context, Intent, IntentOutcome, Ledger, PostSnapshot, Profile};
use domain::account::{Account, MAX_POSTS_IN_READING};
use domain::{AccountId, Timestamp};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::mpsc;
use uuid::Uuid;

/// Accounts that a writer remembers having opened.
const ACCOUNTS_REMEMBERED: usize = 10_000;
/// A page of posts is closed at so much text, so that its event, sealed, stays below what a log
/// takes. Pages are a matter of the rows alone: how a page was divided must not depend on what of
/// it happens to be new, or a second run would not recognise it.
const PAGE_TEXT_BYTES: usize = 192 * 1024;

/// Why commands could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum WriterError {
    /// The write side failed.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// One of the tasks that carry out commands.
pub(super) struct Writer {
    ledger: Arc<Ledger>,
    tables: Arc<[TableInfo]>,
    source: String,
    context: Context,
    refuse: mpsc::Sender<Refusal>,
    watch: Arc<Watch>,
    opened: HashMap<AccountRef, AccountId>,
}

/// An intent with the rows it was made of.
struct Work {
    intent: Intent,
    rows: Vec<Place>,
}

impl Writer {
    pub(super) fn new(
        ledger: Arc<Ledger>,
        tables: Arc<[TableInfo]>,
        mapping: String,
        refuse: mpsc::Sender<Refusal>,
        watch: Arc<Watch>,
    ) -> Self {
        let source = format!("import:{mapping}");
        let context = Context {
            actor: source.clone(),
            // The same for every run of a mapping: a second run belongs to the first.
            correlation_id: Uuid::new_v5(&Uuid::NAMESPACE_URL, source.as_bytes()),
            causation_id: None,
        };
        Self {
            ledger,
            tables,
            source,
            context,
            refuse,
            watch,
            opened: HashMap::new(),
        }
    }

    pub(super) async fn run(
        mut self,
        mut groups: mpsc::Receiver<Group>,
    ) -> Result<Report, WriterError> {
        let mut report = Report::default();
        while let Some(group) = groups.recv().await {
            report.add(self.write(group).await?);
        }
        Ok(report)
    }

    async fn write(&mut self, group: Group) -> Result<Report, WriterError> {
        let (account, opening) = self.open(&group).await?;
        let rows = group.readings.len() as u64;
        let only_a_profile = group.readings.first().is_some_and(|first| {
            first.profile.is_some() && first.metrics.is_none() && first.post.is_none()
        });
        let mut report = self.carry_out(account, self.work(group)).await?;
        report.events_appended += opening as u64;
        if opening > 0 && only_a_profile {
            // The row that made the account said no more than that.
            report.rows_unchanged -= 1;
            report.rows_recorded += 1;
        }
        self.watch.settled.fetch_add(rows, Ordering::Relaxed);
        self.watch
            .events
            .fetch_add(report.events_appended, Ordering::Relaxed);
        Ok(report)
    }

    /// Finds or makes the account. One without a profile of its own gets the platform's id alone.
    /// Tells how many events that took.
    async fn open(&mut self, group: &Group) -> Result<(AccountId, usize), WriterError> {
        if let Some(account) = self.opened.get(&group.account) {
            return Ok((*account, 0));
        }
        let mut events = 0;
        let AccountRef {
            creator,
            platform,
            platform_account_id,
        } = &group.account;
        let vault = self.ledger.vault();
        let account = vault
            .find_or_create(creator, *platform, platform_account_id)
            .await?;
        if let Some(first) = group.readings.first()
            && self.ledger.load(account).await?.account == Account::Absent
        {
            let text = first.profile.clone().unwrap_or_else(|| ProfileText {
                platform_account_id: platform_account_id.to_string(),
                ..ProfileText::default()
            });
            let intent = self.import(&group.account, first.observed_at, text);
            events = self
                .ledger
                .execute(account, intent, &self.context)
                .await?
                .events;
        }
        if self.opened.len() >= ACCOUNTS_REMEMBERED {
            self.opened.clear();
        }
        self.opened.insert(group.account.clone(), account);
        Ok((account, events))
    }

    fn import(&self, account: &AccountRef, observed_at: Timestamp, text: ProfileText) -> Intent {
        Intent::Import {
            creator: account.creator.clone(),
            platform: account.platform,
            source: self.source.clone(),
            profile: Profile { observed_at, text },
        }
    }

    /// Turns readings into intents: each account reading is one, posts of one moment share one.
    fn work(&self, group: Group) -> Vec<Work> {
        let mut work: Vec<Work> = vec![];
        let mut page: Option<Page> = None;
        for reading in group.readings {
            let Reading {
                account,
                observed_at,
                table,
                place,
                profile,
                metrics,
                post,
            } = reading;
            let info = &self.tables[table];
            let provenance = &info.provenance;
            if let Some(values) = metrics {
                let provenance = provenance.clone();
                let intent = Intent::SnapshotAccount {
                    observed_at,
                    period: None,
                    values,
                    provenance,
                    profile,
                };
                // A row that also speaks of a post is counted with that.
                let rows = if post.is_none() {
                    vec![place.clone()]
                } else {
                    vec![]
                };
                work.push(Work { intent, rows });
            } else if let Some(text) = profile {
                let intent = self.import(&account, observed_at, text);
                let rows = if post.is_none() {
                    vec![place.clone()]
                } else {
                    vec![]
                };
                work.push(Work { intent, rows });
            }
            let Some(post) = post else { continue };
            let id = &post.text.platform_post_id;
            let fits = page
                .as_ref()
                .is_some_and(|page| page.takes(table, observed_at, id));
            if !fits {
                work.extend(page.take().map(|page| page.into_work(&self.tables)));
            }
            page.get_or_insert_with(|| Page::new(table, observed_at))
                .add(post, place);
        }
        work.extend(page.map(|page| page.into_work(&self.tables)));
        work
    }

    /// Carries out the work in one append; what is too large for one is divided.
    async fn carry_out(&self, account: AccountId, work: Vec<Work>) -> Result<Report, WriterError> {
        let mut report = Report::default();
        let mut waiting = vec![work];
        while let Some(mut work) = waiting.pop() {
            let intents = work.iter().map(|work| work.intent.clone()).collect();
            match self
                .ledger
                .execute_all(account, intents, &self.context)
                .await
            {
                Ok(outcome) => {
                    report.events_appended += outcome.events as u64;
                    for (work, outcome) in work.into_iter().zip(outcome.intents) {
                        self.count(&mut report, work.rows, outcome).await;
                    }
                }
                Err(CommandError::TooLarge(bytes)) => {
                    // A single intent is never too large: see PAGE_TEXT_BYTES.
                    if work.len() < 2 {
                        return Err(CommandError::TooLarge(bytes).into());
                    }
                    let later = work.split_off(work.len() / 2);
                    waiting.push(later);
                    waiting.push(work);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(report)
    }

    async fn count(&self, report: &mut Report, rows: Vec<Place>, outcome: IntentOutcome) {
        let count = rows.len() as u64;
        match outcome {
            IntentOutcome::Appended {
                unchanged_posts, ..
            } => {
                let unchanged = (unchanged_posts as u64).min(count);
                report.rows_unchanged += unchanged;
                report.rows_recorded += count - unchanged;
            }
            IntentOutcome::Unchanged => report.rows_unchanged += count,
            IntentOutcome::Rejected(rejected) => {
                let reason = rejected.to_string();
                for place in rows {
                    let refusal = Refusal {
                        place,
                        reason: reason.clone(),
                    };
                    // Nobody listens any more only if the import has failed already.
                    let _gone = self.refuse.send(refusal).await;
                }
            }
        }
    }
}

/// Posts of one table and moment, each once.
struct Page {
    table: usize,
    observed_at: Timestamp,
    ids: HashSet<String>,
    posts: Vec<PostSnapshot>,
    rows: Vec<Place>,
    text_bytes: usize,
}

impl Page {
    fn new(table: usize, observed_at: Timestamp) -> Self {
        Self {
            table,
            observed_at,
            ids: HashSet::new(),
            posts: vec![],
            rows: vec![],
            text_bytes: 0,
        }
    }

    fn takes(&self, table: usize, observed_at: Timestamp, id: &str) -> bool {
        self.table == table
            && self.observed_at == observed_at
            && self.posts.len() < MAX_POSTS_IN_READING.min(GROUP_ROWS)
            && self.text_bytes < PAGE_TEXT_BYTES
            && !self.ids.contains(id)
    }

    fn add(&mut self, post: PostRow, place: Place) {
        // As it will be sealed: escapes count.
        self.text_bytes += serde_json::to_vec(&post.text).map_or(0, |text| text.len());
        self.ids.insert(post.text.platform_post_id.clone());
        self.rows.push(place);
        self.posts.push(PostSnapshot {
            text: post.text,
            published_at: post.published_at,
            values: post.values,
        });
    }

    fn into_work(self, tables: &[TableInfo]) -> Work {
        let Self {
            table,
            observed_at,
            posts,
            rows,
            ..
        } = self;
        let provenance = tables[table].provenance.clone();
        Work {
            intent: Intent::SnapshotPosts {
                observed_at,
                provenance,
                posts,
            },
            rows,
        }
    }
}
