//! Laws that hold for any history and any command.

use super::spec::{connected as connected_once, day, fold, import_of};
use super::strategies::{command, erased, event, event_of_life, profile_changed, reading_or_sync};
use crate::account::{
    Account, Command, Event, KnownPost, ProfileTimeline, Rejected, SnapshotMetric, decide,
    event_id, evolve, may_repeat,
};
use crate::codec::{decode, encode};
use crate::{AccountId, EventId, Fingerprint, PostKey, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

const ACCOUNT: AccountId = AccountId::from_uuid(Uuid::from_u128(1));

/// The most bytes that an account's facts take as JSON, after a history of any length: a creator
/// id of 128 bytes, a timeline at capacity (16 changes of 58), the newest value of each of seven
/// metrics (up to 70 each), three moments
/// (up to 50 each), and the names of fields.
const MAX_FACTS_BYTES: usize = 2_048;

/// What the write side does with a command, without its outside: it asks the log for the identity
/// of a command that may be a repetition, informs a page of posts of their newest observations,
/// decides, appends.
///
/// The recent ids that the real one remembers beside the log are left out: what they recognise
/// must also be recognised once they are forgotten.
#[derive(Default)]
struct WriteSide {
    account: Account,
    log: BTreeSet<EventId>,
    marks: BTreeMap<PostKey, KnownPost>,
}

impl WriteSide {
    fn after(history: &[Event]) -> Self {
        let mut write_side = Self::default();
        history.iter().for_each(|event| write_side.fold(event));
        write_side
    }

    /// Carries out a command and returns what was appended.
    fn run(&mut self, command: &Command) -> Result<Vec<Event>, Rejected> {
        let identity = command.identity(ACCOUNT);
        if may_repeat(&self.account, command) && self.log.contains(&identity) {
            return Ok(vec![]);
        }
        let events = decide(&self.account, &self.informed(command))?;
        for (index, event) in events.iter().enumerate() {
            self.log.insert(event_id(identity, index));
            self.fold(event);
        }
        Ok(events)
    }

    /// The command with what is known of its posts; a text that is known is not sealed again.
    fn informed(&self, command: &Command) -> Command {
        let mut command = command.clone();
        if let Command::SnapshotMetric(SnapshotMetric::Posts(page)) = &mut command {
            for post in &mut page.posts {
                post.known = self.marks.get(&post.post).copied();
                let known_text = post.known.and_then(|known| known.text);
                let same = match post.text_fingerprint {
                    Some(fingerprint) => known_text == Some(fingerprint),
                    None => known_text.is_some(),
                };
                if same {
                    post.text = None;
                }
            }
        }
        command
    }

    fn fold(&mut self, event: &Event) {
        self.account = evolve(std::mem::take(&mut self.account), event);
        if let Event::PostsObserved(page) = event {
            for post in &page.changed {
                let text = post.text.as_ref().map(|text| text.fingerprint);
                self.mark(post.post, page.observed_at, post.values.digest(), text);
            }
            for post in &page.unchanged {
                if let Some(mark) = self.marks.get_mut(post) {
                    mark.observed_at = mark.observed_at.max(page.observed_at);
                }
            }
        }
    }

    fn mark(
        &mut self,
        post: PostKey,
        observed_at: Timestamp,
        values: u64,
        text: Option<Fingerprint>,
    ) {
        let before = self.marks.get(&post).copied();
        if before.is_none_or(|before| before.observed_at <= observed_at) {
            let text = text.or(before.and_then(|before| before.text));
            let newest = KnownPost {
                observed_at,
                values,
                text,
            };
            self.marks.insert(post, newest);
        }
    }
}

fn history() -> impl Strategy<Value = Vec<Event>> {
    vec(event(), 0..8)
}

/// A history in which profiles change far more often than a timeline keeps.
fn history_of_profiles() -> impl Strategy<Value = Vec<Event>> {
    vec(
        prop_oneof![4 => profile_changed(), 1 => event_of_life()],
        0..60,
    )
}

proptest! {
    /// A command that is asked again right after its own events appends nothing: either the log
    /// knows its identity, or `decide` finds that what is asked for is already so. A refused
    /// command is refused again for the same reason.
    ///
    /// The log is asked only where `may_repeat` says that there may be something to find. So
    /// wherever it says false for a command that was just carried out, `decide` alone must answer
    /// with no events.
    #[test]
    fn a_command_asked_again_appends_nothing(
        history in history(),
        earlier in vec(command(), 0..5),
        command in command(),
    ) {
        let mut write_side = WriteSide::after(&history);
        for command in &earlier {
            // Refused or not: either way it is a past that a command may meet.
            let _ = write_side.run(command);
        }

        let first = write_side.run(&command);
        if first.is_ok() && !may_repeat(&write_side.account, &command) {
            let unaided = decide(&write_side.account, &write_side.informed(&command));
            prop_assert_eq!(unaided, Ok(vec![]));
        }
        let account = write_side.account.clone();
        let again = write_side.run(&command);

        prop_assert_eq!(again, first.map(|_| vec![]));
        prop_assert_eq!(write_side.account, account);
    }

    /// Readings and syncs may be asked again much later, all of them: an import that is run twice,
    /// a sync whose answer was lost. Nothing is appended, and no id was ever given twice.
    #[test]
    fn readings_and_syncs_asked_again_much_later_append_nothing(
        commands in vec(reading_or_sync(), 1..10),
    ) {
        let mut write_side = WriteSide::after(&[connected_once()]);
        let mut appended = 0;
        for command in &commands {
            appended += write_side.run(command).map_or(0, |events| events.len());
        }
        prop_assert_eq!(write_side.log.len(), appended);

        let account = write_side.account.clone();
        for command in &commands {
            prop_assert_eq!(write_side.run(command).map_or(0, |events| events.len()), 0);
        }
        prop_assert_eq!(write_side.account, account);
    }

    /// The identity of a command is that of what was read, not of what happened to be known.
    #[test]
    fn what_is_known_never_changes_an_identity(history in history(), command in command()) {
        let informed = WriteSide::after(&history).informed(&command);
        prop_assert_eq!(informed.identity(ACCOUNT), command.identity(ACCOUNT));
    }

    /// Folding and deciding are total: even a history that no program of ours wrote gives an
    /// account, and any command gets an answer about it.
    #[test]
    fn no_history_and_no_command_panics(history in history(), command in command()) {
        let account = fold(Account::Absent, &history);

        let begins = |event: &Event| {
            matches!(event, Event::AccountImported(_) | Event::AccountConnected(_))
        };
        let ends = history.iter().any(|event| matches!(event, Event::AccountErased(_)));
        prop_assert_eq!(account.phase() == "erased", ends);
        prop_assert_eq!(account.facts().is_some(), history.iter().any(begins) && !ends);
        if let Ok(events) = decide(&account, &command) {
            let _ = fold(account, &events);
        }
    }

    /// An erasure is the end: whatever comes after it changes nothing, every command but another
    /// erasure is refused for that reason, and nothing of what was known is kept.
    #[test]
    fn nothing_comes_after_an_erasure(
        history in history(),
        end in erased(),
        later in history(),
        command in command(),
    ) {
        // The first erasure counts.
        let before = fold(Account::Absent, &history);
        let account = evolve(before, &end);
        let account = fold(account, &later);
        prop_assert_eq!(&account, &evolve(fold(Account::Absent, &history), &end));
        prop_assert!(account.facts().is_none());
        let kept = serde_json::to_string(&account).expect("every account can be written");
        prop_assert!(!kept.contains("creator-1") && kept.len() < 200, "{kept}");
        let Account::Erased { at, .. } = account else {
            return Err(TestCaseError::fail("an erased account"));
        };
        let expected = match command {
            Command::EraseAccount(_) => Ok(vec![]),
            _ => Err(Rejected::Erased(at)),
        };
        prop_assert_eq!(decide(&account, &command), expected);
    }

    /// What is written can be read, and says the same.
    #[test]
    fn an_event_reads_back_as_it_was_written(event in event()) {
        let data = encode(&event).expect("every event can be written");
        let back = decode(event.type_name(), event.schema(), &data);
        prop_assert_eq!(back.expect("what was written can be read"), Some(event));
    }

    /// A state that is kept between runs comes back as it was.
    #[test]
    fn an_account_reads_back_as_it_was_kept(history in history()) {
        let account = fold(Account::Absent, &history);
        let kept = serde_json::to_vec(&account).expect("every account can be written");
        let back: Account = serde_json::from_slice(&kept).expect("what was kept can be read");
        prop_assert_eq!(back, account);
    }

    /// However long a history is, an account's facts stay within their bounds, and its timeline
    /// stays in the order of time.
    #[test]
    fn facts_never_outgrow_their_bounds(history in history_of_profiles()) {
        let mut account = fold(Account::Absent, &[connected_once()]);
        for event in &history {
            account = evolve(account, event);
            let facts = account.facts().expect("a known account stays known");
            let kept = serde_json::to_value(&facts.profiles).expect("a timeline can be written");
            let changes = kept.as_array().expect("a timeline is a list");
            prop_assert!(changes.len() <= ProfileTimeline::CAPACITY);
            // RFC 3339 in UTC with a fixed number of digits sorts as time does.
            let moments: Vec<_> = changes.iter().map(|change| change[0].as_str()).collect();
            prop_assert!(moments.is_sorted());
            let bytes = serde_json::to_vec(facts).expect("facts can be written").len();
            prop_assert!(bytes <= MAX_FACTS_BYTES, "{bytes} bytes");
        }
    }

    /// A profile that was just told is in force at its moment, so that it is not told again.
    #[test]
    fn a_profile_just_imported_is_no_news(
        history in history_of_profiles(),
        content in 0..4_u8,
        on_day in -1..7_i64,
    ) {
        let account = fold(fold(Account::Absent, &[connected_once()]), &history);
        let import = import_of(content, day(on_day));
        let events = decide(&account, &import).expect("its creator may import it");
        prop_assert_eq!(decide(&fold(account, &events), &import), Ok(vec![]));
    }
}
