//! Values as text: what is read back, and what a refusal says.

use crate::observation::Cause;
use crate::values::InvalidValue;
use crate::{
    AccountId, CommandId, CreatorId, EventId, Metric, Platform, Position, PostKey, StreamName,
    SyncId, Timestamp, Values,
};
use proptest::prelude::*;
use std::fmt::{Debug, Display};
use std::str::FromStr;
use uuid::Uuid;

#[track_caller]
fn refuses<T: FromStr<Err: Display> + Debug>(text: &str, expected: &str) {
    match text.parse::<T>() {
        Ok(read) => panic!("'{text}' was read as {read:?}"),
        Err(refusal) => assert_eq!(refusal.to_string(), expected),
    }
}

#[track_caller]
fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

// Times

proptest! {
    /// Every moment that a timestamp holds is written and read back without loss.
    #[test]
    fn every_moment_reads_back_as_it_was_written(
        micros in Timestamp::MIN.micros()..=Timestamp::MAX.micros(),
    ) {
        let at = Timestamp::from_micros(micros).expect("within range");
        prop_assert_eq!(at.micros(), micros);
        prop_assert_eq!(at.to_string().parse(), Ok(at));
        prop_assert_eq!(Timestamp::from_chrono(at.to_chrono()), Some(at));
        let json = serde_json::to_string(&at).expect("a time can be written");
        prop_assert_eq!(serde_json::from_str::<Timestamp>(&json).expect("and read"), at);
    }

    /// Times sort as their texts do.
    #[test]
    fn moments_and_their_texts_have_the_same_order(
        one in Timestamp::MIN.micros()..=Timestamp::MAX.micros(),
        other in Timestamp::MIN.micros()..=Timestamp::MAX.micros(),
    ) {
        let [one, other] = [one, other].map(|m| Timestamp::from_micros(m).expect("within range"));
        prop_assert_eq!(one.cmp(&other), one.to_string().cmp(&other.to_string()));
    }
}

#[test]
fn a_time_is_written_in_utc_with_six_decimals() {
    let at = time("2026-03-01T14:00:00.25+02:00");
    assert_eq!(at.to_string(), "2026-03-01T12:00:00.250000Z");
}

#[test]
fn what_is_finer_than_a_microsecond_is_cut_also_before_1970() {
    let after = time("2026-03-01T12:00:00.123456999Z");
    assert_eq!(after.to_string(), "2026-03-01T12:00:00.123456Z");
    let before = time("1969-12-31T23:59:59.123456999Z");
    assert_eq!(before.to_string(), "1969-12-31T23:59:59.123456Z");
}

#[test]
fn the_first_and_the_last_moment_are_those_of_four_digit_years() {
    assert_eq!(Timestamp::MIN.to_string(), "0000-01-01T00:00:00.000000Z");
    assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999999Z");
    for end in [Timestamp::MIN, Timestamp::MAX] {
        assert_eq!(time(&end.to_string()), end);
    }
    assert_eq!(Timestamp::from_micros(Timestamp::MIN.micros() - 1), None);
    assert_eq!(Timestamp::from_micros(Timestamp::MAX.micros() + 1), None);
}

#[test]
fn moving_a_moment_stops_at_the_ends() {
    let (first, last) = (Timestamp::MIN, Timestamp::MAX);
    assert_eq!(last.saturating_add_micros(1), last);
    assert_eq!(first.saturating_add_micros(i64::MIN), first);
    let next = time("2026-03-01T12:00:00Z").saturating_add_micros(1);
    assert_eq!(next.to_string(), "2026-03-01T12:00:00.000001Z");
}

#[test]
fn what_is_no_time_is_refused_with_an_example() {
    for text in [
        "yesterday",
        "2026-03-01",
        "2026-03-01T12:00:00",
        "2026-02-30T12:00:00Z",
        "0000-01-01T00:00:00+01:00",
        "",
    ] {
        let expected =
            format!("'{text}' is not a time: expected RFC 3339 such as 2026-03-01T12:00:00Z");
        refuses::<Timestamp>(text, &expected);
    }
}

// Identifiers

proptest! {
    /// Ids, names of streams and positions are written and read back without loss.
    #[test]
    fn ids_read_back_as_they_were_written(bits in any::<u128>(), at in any::<i64>()) {
        let id = Uuid::from_u128(bits);
        let account = AccountId::from_uuid(id);
        prop_assert_eq!(account.to_string().parse(), Ok(account));
        prop_assert_eq!(StreamName::of_account(account).account(), Some(account));
        let command = CommandId::from_uuid(id);
        prop_assert_eq!(command.to_string().parse(), Ok(command));
        let event = EventId::from_uuid(id);
        prop_assert_eq!(event.to_string().parse(), Ok(event));
        let post = PostKey::from_mac(bits.to_be_bytes());
        prop_assert_eq!(post.to_string().parse(), Ok(post));
        let started_at = Timestamp::MIN.saturating_add_micros(at);
        let sync = SyncId::new(started_at, bits);
        prop_assert_eq!(sync.to_string().parse(), Ok(sync));
    }

    #[test]
    fn a_creator_id_reads_back_as_the_host_system_wrote_it(text in "[A-Za-z0-9_.:@-]{1,128}") {
        let id: CreatorId = text.parse().expect("an id of allowed characters");
        prop_assert_eq!(id.as_str(), text.as_str());
        let json = serde_json::to_string(&id).expect("an id can be written");
        prop_assert_eq!(serde_json::from_str::<CreatorId>(&json).expect("and read"), id);
    }

    #[test]
    fn a_position_reads_back_from_its_token(
        log in any::<u128>(),
        commit in any::<u64>(),
        prepare in any::<u64>(),
    ) {
        let position = Position { log: Uuid::from_u128(log), commit, prepare };
        prop_assert_eq!(position.to_string().parse(), Ok(position));
    }
}

#[test]
fn what_is_no_id_is_refused_with_its_kind_and_form() {
    refuses::<AccountId>("x", "'x' is not a valid account id: expected a UUID");
    refuses::<CommandId>("x", "'x' is not a valid command id: expected a UUID");
    refuses::<EventId>("x", "'x' is not a valid event id: expected a UUID");
    refuses::<PostKey>("x", "'x' is not a valid post key: expected a UUID");
    refuses::<SyncId>("x", "'x' is not a valid sync id: expected a ULID");
}

#[test]
fn what_is_no_creator_id_is_refused_with_what_is_allowed() {
    let long = "c".repeat(CreatorId::MAX_LEN + 1);
    for text in ["", "two words", "b\u{e4}r", "a/b", long.as_str()] {
        // However long the text is, only its beginning is repeated.
        let shown: String = text.chars().take(80).collect();
        let expected = format!(
            "'{shown}' is not a valid creator id: expected 1 to 128 letters, digits or any of \
             - _ . : @"
        );
        refuses::<CreatorId>(text, &expected);
    }
}

#[test]
fn a_creator_id_that_is_not_allowed_is_not_read_from_json_either() {
    let read = serde_json::from_str::<CreatorId>("\"two words\"");
    let refusal = read.expect_err("no creator id").to_string();
    assert!(refusal.starts_with("'two words' is not a valid creator id"));
}

#[test]
fn a_sync_id_sorts_by_the_beginning_of_its_sync() {
    let earlier = SyncId::new(time("2026-03-01T12:00:00Z"), u128::MAX);
    let later = SyncId::new(time("2026-03-01T12:00:00.001Z"), 0);
    assert!(earlier < later);
    assert!(earlier.to_string() < later.to_string());
}

#[test]
fn a_post_key_is_a_uuid_of_version_8_whatever_its_bytes() {
    for mac in [[0; 16], [255; 16]] {
        assert_eq!(PostKey::from_mac(mac).uuid().get_version_num(), 8);
    }
}

#[test]
fn only_the_stream_of_an_account_names_one() {
    for name in ["", "account-", "account-x", "accounts", "$all"] {
        assert_eq!(StreamName::new(name).account(), None);
    }
}

#[test]
fn what_is_no_position_is_refused() {
    let log = "01890000000070008000000000000001";
    for text in [
        "x".to_owned(),
        String::new(),
        log.to_owned(),
        format!("{log}.1"),
        format!("{log}.1.2.3"),
        format!("{log}.-1.2"),
        format!("{log}.1.18446744073709551616"),
    ] {
        let expected =
            format!("'{text}' is not a position: expected a token taken from an earlier answer");
        refuses::<Position>(&text, &expected);
    }
}

#[test]
fn positions_of_one_log_have_an_order_and_those_of_two_have_none() {
    let at = |log, commit, prepare| Position {
        log: Uuid::from_u128(log),
        commit,
        prepare,
    };
    assert!(at(1, 2, 0) > at(1, 1, 9));
    assert!(at(1, 1, 2) > at(1, 1, 1));
    assert_eq!(at(1, 1, 1).partial_cmp(&at(2, 1, 1)), None);
}

// Platforms, metrics and values

#[test]
fn a_platform_reads_back_from_its_name_and_another_is_refused() {
    for platform in Platform::ALL {
        assert_eq!(platform.name().parse(), Ok(platform));
    }
    refuses::<Platform>(
        "TikTok",
        "'TikTok' is not a supported platform: expected instagram, tiktok, youtube or facebook",
    );
}

#[test]
fn a_cause_reads_back_from_its_name_and_another_is_none() {
    let causes = [
        Cause::Observed,
        Cause::Imported,
        Cause::Restated,
        Cause::ReParsed,
        Cause::Simulated,
    ];
    for cause in causes {
        assert_eq!(Cause::from_name(cause.name()), Some(cause));
    }
    assert_eq!(Cause::from_name("guessed"), None);
}

#[test]
fn a_metric_reads_back_from_its_name() {
    for metric in Metric::ALL {
        assert_eq!(metric.name().parse(), Ok(*metric));
        assert_eq!(
            Metric::of_account(metric.name()).is_ok(),
            metric.is_of_account()
        );
        assert_eq!(Metric::of_post(metric.name()).is_ok(), metric.is_of_post());
    }
}

#[test]
fn a_metric_of_another_subject_is_refused_with_those_that_would_do() {
    let refusal = Metric::of_account("saves").expect_err("posts only");
    assert_eq!(
        refusal.to_string(),
        "'saves' is not a metric of an account: expected one of followers, following, likes, \
         page_likes, posts, reach, views"
    );
    let refusal = Metric::of_post("followers").expect_err("accounts only");
    assert_eq!(
        refusal.to_string(),
        "'followers' is not a metric of a post: expected one of comments, likes, reach, saves, \
         shares, views, watch_time"
    );
}

#[test]
fn what_is_no_metric_is_refused_with_all_of_them() {
    refuses::<Metric>(
        "karma",
        "'karma' is not a metric of an account or a post: expected one of comments, followers, \
         following, likes, page_likes, posts, reach, saves, shares, views, watch_time",
    );
}

#[test]
fn a_negative_count_is_refused() {
    let mut values = Values::new();
    let refusal = values.insert(Metric::Likes, -1).expect_err("negative");
    assert_eq!(refusal.to_string(), "likes is -1: expected zero or more");
    assert!(values.is_empty());
}

#[test]
fn a_metric_is_given_once_known_or_hidden() {
    let mut values = Values::new();
    values.insert(Metric::Likes, 1).expect("given once");
    values.insert_hidden(Metric::Saves).expect("given once");

    let twice = |metric| Err(InvalidValue::Twice(metric));
    assert_eq!(values.insert(Metric::Likes, 2), twice(Metric::Likes));
    assert_eq!(values.insert_hidden(Metric::Likes), twice(Metric::Likes));
    assert_eq!(values.insert(Metric::Saves, 2), twice(Metric::Saves));
    assert_eq!(values.insert_hidden(Metric::Saves), twice(Metric::Saves));
    let refusal = InvalidValue::Twice(Metric::Likes);
    assert_eq!(
        refusal.to_string(),
        "likes is given twice in one observation"
    );
    assert_eq!(values.get(Metric::Likes), Some(1));
}

#[test]
fn hidden_is_not_zero_and_zero_is_not_unknown() {
    let mut hidden = Values::new();
    hidden.insert_hidden(Metric::Likes).expect("given once");
    let mut zero = Values::new();
    zero.insert(Metric::Likes, 0).expect("given once");

    assert_eq!(hidden.get(Metric::Likes), None);
    assert!(hidden.is_hidden(Metric::Likes));
    assert_eq!(zero.get(Metric::Likes), Some(0));
    let digests = [hidden.digest(), zero.digest(), Values::new().digest()];
    assert_ne!(digests[0], digests[1]);
    assert_ne!(digests[0], digests[2]);
    assert_ne!(digests[1], digests[2]);
}

#[test]
fn the_digest_of_values_is_the_one_that_kept_states_hold() {
    let mut values = Values::new();
    values.insert(Metric::Views, 100).expect("given once");
    values.insert(Metric::Likes, 5).expect("given once");
    values.insert_hidden(Metric::Saves).expect("given once");

    // The first 8 bytes of SHA-256 over `likes=5;views=100;saves=?;`, worked out elsewhere.
    assert_eq!(values.digest(), 15_408_070_213_915_123_612);
}
