//! Replies that are broken on purpose: always classed, never a panic, never a number made up.

use super::{Sample, responses};
use crate::platforms::{Class, Content, Failure, FigureUnit, Understood, reader};
use domain::{Platform, Values};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::LazyLock;

static SAMPLES: LazyLock<Vec<Sample>> = LazyLock::new(responses);

/// Every number of an answer: of accounts, posts and insights.
fn numbers(found: &Understood) -> Vec<i64> {
    let of = |values: &Values| values.known().map(|(_, value)| value).collect::<Vec<_>>();
    match &found.content {
        Content::Profile(found) => of(&found.reading.values),
        Content::Posts(found) => {
            let posts = found.posts.iter();
            posts.flat_map(|it| of(&it.snapshot.values)).collect()
        }
        Content::Insights(found) => {
            // Shares are scaled: they do not stand in the reply as they are here.
            let (shares, others) = found
                .figures
                .iter()
                .partition::<Vec<_>, _>(|figure| figure.unit == FigureUnit::Millionths);
            assert!(shares.iter().all(|it| (0..=1_000_000).contains(&it.value)));
            others.iter().map(|it| it.value).collect()
        }
        _ => Vec::new(),
    }
}

/// Every whole number that a JSON holds, as a number or as text; and the sums of objects' numbers.
fn written(json: &Value, into: &mut BTreeSet<i64>) {
    match json {
        Value::Number(number) => into.extend(number.as_i64()),
        Value::String(text) => into.extend(text.trim().parse::<i64>()),
        Value::Array(values) => values.iter().for_each(|value| written(value, into)),
        Value::Object(fields) => {
            let mut sum = Some(0_i64);
            for value in fields.values() {
                written(value, into);
                let number = value
                    .as_i64()
                    .or_else(|| value.as_str()?.trim().parse().ok());
                sum = sum.zip(number).and_then(|(sum, it)| sum.checked_add(it));
            }
            into.extend(sum);
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// What must hold of every answer to any body.
fn check(sample: &Sample, result: &Result<Understood, Failure>, body: &[u8]) {
    let file = &sample.file;
    match result {
        Ok(found) => {
            assert!(found.class.is_answer(), "{file}: {}", found.class);
            let mut known = BTreeSet::new();
            if let Ok(json) = serde_json::from_slice(body) {
                written(&json, &mut known);
            }
            for number in numbers(found) {
                assert!(number >= 0, "{file}: {number}");
                assert!(known.contains(&number), "{file}: {number} is made up");
            }
        }
        Err(failure) => {
            assert!(!failure.class.is_answer(), "{file}: {}", failure.class);
            assert!(
                !failure.code.as_str().contains(' '),
                "{file}: {}",
                failure.code
            );
        }
    }
}

/// What a value is replaced by.
fn wrong_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!(-1)),
        Just(json!("-7")),
        Just(json!(i64::MIN)),
        Just(json!(u64::MAX)),
        Just(json!(1e300)),
        Just(json!(2.5)),
        Just(json!(true)),
        Just(json!("")),
        Just(json!("NaN")),
        Just(json!([])),
        Just(json!({})),
        Just(json!([[[[{"value": 7}]]]])),
        Just(json!("\u{0}\u{202e}<script>")),
        any::<i64>().prop_map(|number| json!(number)),
        any::<String>().prop_map(|text| json!(text)),
        (0..200_usize).prop_map(|size| json!(vec![json!({"id": "1", "value": -3}); size])),
    ]
}

/// Puts a value in the place of the one that is met after so many steps.
fn replace(json: &mut Value, steps: &mut usize, with: &Value) {
    if *steps == 0 {
        *json = with.clone();
    }
    *steps = steps.wrapping_sub(1);
    match json {
        _ if *steps == usize::MAX => {}
        Value::Array(values) => {
            for value in values {
                if *steps != usize::MAX {
                    replace(value, steps, with);
                }
            }
        }
        Value::Object(fields) => {
            for value in fields.values_mut() {
                if *steps != usize::MAX {
                    replace(value, steps, with);
                }
            }
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn wrong_values_never_become_numbers(
        sample in any::<prop::sample::Index>(),
        places in prop::collection::vec((0..160_usize, wrong_value()), 1..4),
    ) {
        let sample = sample.get(&SAMPLES);
        let Ok(mut json) = serde_json::from_slice::<Value>(&sample.body) else { return Ok(()) };
        for (mut steps, value) in places {
            replace(&mut json, &mut steps, &value);
        }
        let body = json.to_string().into_bytes();
        check(sample, &sample.with(body.clone()), &body);
    }

    #[test]
    fn cut_and_scrambled_bytes_are_classed(
        sample in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let sample = sample.get(&SAMPLES);
        let mut body = sample.body.clone();
        for (at, byte) in flips {
            *at.get_mut(&mut body) = byte;
        }
        check(sample, &sample.with(body.clone()), &body);
        body.truncate(cut.index(body.len() + 1));
        check(sample, &sample.with(body.clone()), &body);
        for platform in Platform::ALL {
            let _never_panics = reader(platform).notices(&body);
        }
    }
}

#[test]
fn each_reply_given_to_every_question_is_classed() {
    for question in SAMPLES.iter() {
        for answer in SAMPLES.iter() {
            check(question, &question.with(answer.body.clone()), &answer.body);
        }
    }
}

#[test]
fn hostile_bodies_are_classed_and_bounded() {
    let deep = format!("{}1{}", "{\"data\":[".repeat(20_000), "]}".repeat(20_000));
    let many = |field: &str| {
        let posts = r#"{"id":"1"},"#.repeat(50_000);
        format!(r#"{{"{field}":[{posts}{{"id":"2"}}],"error":{{"code":"ok"}}}}"#)
    };
    let videos = many("data")
        .replace("\"data\"", "\"data\":{\"videos\"")
        .replace("}],", "}]},");
    let html = "<!doctype html><title>503</title>".to_owned();
    let huge = " ".repeat(crate::platforms::MAX_BODY_BYTES) + "{}";
    for body in [
        deep,
        many("data"),
        many("items"),
        videos,
        html,
        huge,
        String::new(),
    ] {
        let mut asked = BTreeSet::new();
        let is_new = |it: &&Sample| asked.insert((it.platform, it.call.endpoint));
        for sample in SAMPLES.iter().filter(|it| it.status == 200).filter(is_new) {
            let result = sample.with(body.clone().into_bytes());
            let size = match &result {
                Ok(found) => numbers(found).len(),
                Err(failure) => {
                    assert!(
                        failure.class != Class::AuthExpired,
                        "{}: {failure}",
                        sample.file
                    );
                    0
                }
            };
            assert!(size <= 10_000, "{}", sample.file);
        }
    }
}

#[test]
fn no_status_alone_ends_a_connection() {
    for status in [
        100, 200, 204, 301, 400, 401, 403, 404, 409, 410, 429, 451, 500, 503, 599, 999,
    ] {
        for sample in SAMPLES.iter() {
            for body in ["", "{}", "null", "<html>", "[]"] {
                let reply = super::Reply::new(status, super::Headers::default(), body.into());
                if let Err(failure) = reader(sample.platform).understand(&sample.call, &reply) {
                    assert!(!failure.needs_person(), "{} {status} {body}", sample.file);
                }
            }
        }
    }
}
