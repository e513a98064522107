//! One cell to one value: text, a time or a count, or the reason why it is none.
//!
//! Reasons show numbers and times, which are not personal, and never other text.

use super::At;
use super::shown::without_words;
use crate::import::mapping::{CountRule, Origin, TextRule, Unsaid, Words};
use crate::import::rows::{Cell, Row};
use crate::import::time::TimeFormat;
use commands::text::MAX_FIELD_BYTES;
use domain::Timestamp;

/// A field that knows where its value is in the rows of one file.
pub(super) struct Bound<'t, R> {
    pub(super) at: At<'t>,
    pub(super) origin: &'t Origin,
    pub(super) rule: &'t R,
}

/// What a source says of a count.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Count {
    Absent,
    Hidden,
    Known(i64),
}

impl<R> Bound<'_, R> {
    /// The cell of a row that the field speaks of.
    pub(super) fn cell<'r>(&'r self, row: Row<'r>) -> Cell<'r> {
        match &self.at {
            At::Column(index) => row.column(*index),
            At::Pointer(pointer) => row.pointer(pointer),
            At::Root(pointer) => row.root(pointer),
            At::Fixed(text) => Cell::Text(text.as_str().into()),
            At::Nowhere => Cell::Missing,
        }
    }

    fn wrong(&self, value: &str, expected: impl std::fmt::Display) -> String {
        format!("{} is '{}': {expected}", self.origin, without_words(value))
    }

    fn other(&self, kind: &str, expected: &str) -> String {
        format!("{} is {kind}: expected {expected}", self.origin)
    }
}

impl Bound<'_, TextRule> {
    /// The text of a cell, or `None` where it is blank or has none.
    pub(super) fn text<'c>(
        &'c self,
        cell: &'c Cell<'_>,
        words: &Words,
    ) -> Result<Option<&'c str>, String> {
        let text = match cell {
            Cell::Missing | Cell::Null => return Ok(None),
            Cell::Text(text) => text.as_ref(),
            Cell::Inexact(_) => {
                return Err(self.other(
                    "a number that may have lost digits",
                    "text or a whole number",
                ));
            }
            Cell::Other(kind) => return Err(self.other(kind, "text or a number")),
        };
        let word = text.trim();
        if word.is_empty()
            || words
                .unknown
                .iter()
                .chain(&words.absent)
                .any(|said| said == word)
        {
            return Ok(None);
        }
        let text = self.cut(text)?;
        if text.len() > MAX_FIELD_BYTES {
            let length = text.len();
            return Err(format!(
                "{} has {length} bytes: expected at most {MAX_FIELD_BYTES}",
                self.origin
            ));
        }
        Ok(Some(text).filter(|text| !text.trim().is_empty()))
    }

    fn cut<'c>(&'c self, text: &'c str) -> Result<&'c str, String> {
        let rule = self.rule;
        let text = match &rule.between {
            None => text,
            Some([before, after]) => {
                let cut = text.split_once(before.as_str()).map(|(_, rest)| rest);
                // A blank end means the end of the text.
                let cut = match after.as_str() {
                    "" => cut,
                    after => cut
                        .and_then(|rest| rest.split_once(after))
                        .map(|(inside, _)| inside),
                };
                cut.ok_or_else(|| {
                    format!(
                        "{} holds nothing between '{before}' and '{after}'",
                        self.origin
                    )
                })?
            }
        };
        let text = rule
            .strip_prefix
            .as_deref()
            .and_then(|it| text.strip_prefix(it))
            .unwrap_or(text);
        let Some(map) = &rule.map else {
            return Ok(text);
        };
        map.get(text).map(String::as_str).ok_or_else(|| {
            let known = map
                .keys()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", ");
            format!("{} is not in its map: expected one of {known}", self.origin)
        })
    }
}

impl Bound<'_, TimeFormat> {
    /// The time in a cell, or `None` where there is none.
    pub(super) fn time(&self, text: &str) -> Result<Timestamp, String> {
        self.rule
            .parse(text)
            .map_err(|error| self.wrong(text, error))
    }

    /// The text of a time, before it is read.
    pub(super) fn time_text<'c>(
        &self,
        cell: &'c Cell<'_>,
        words: &Words,
    ) -> Result<Option<&'c str>, String> {
        let text = match cell {
            Cell::Missing | Cell::Null => return Ok(None),
            Cell::Text(text) => text.trim(),
            Cell::Inexact(text) => text,
            Cell::Other(kind) => return Err(self.other(kind, "a time")),
        };
        let blank = text.is_empty();
        let said = || {
            words
                .unknown
                .iter()
                .chain(&words.absent)
                .any(|said| said == text)
        };
        Ok((!blank && !said()).then_some(text))
    }
}

impl Bound<'_, CountRule> {
    /// The count in a cell.
    pub(super) fn count(&self, cell: &Cell<'_>, words: &Words) -> Result<Count, String> {
        let unsaid = |unsaid: Unsaid| match unsaid {
            Unsaid::Absent => Count::Absent,
            Unsaid::Unknown => Count::Hidden,
        };
        let text = match cell {
            // A column that the file lacks was not asked for, whatever JSON's missing keys mean.
            Cell::Missing if matches!(self.at, At::Nowhere) => return Ok(Count::Absent),
            Cell::Missing => return Ok(unsaid(words.missing)),
            Cell::Null => return Ok(unsaid(words.null)),
            Cell::Text(text) => text.trim(),
            Cell::Inexact(text) => text,
            Cell::Other(kind) => return Err(self.other(kind, "a whole number")),
        };
        if words.absent.iter().any(|said| said == text) {
            return Ok(Count::Absent);
        }
        if words.unknown.iter().any(|said| said == text) {
            return Ok(Count::Hidden);
        }
        match self.number(text) {
            Some(number) => Ok(Count::Known(number)),
            None => {
                let most = i64::MAX / self.rule.scale;
                Err(self.wrong(
                    text,
                    format_args!("expected a whole number from 0 to {most}"),
                ))
            }
        }
    }

    fn number(&self, text: &str) -> Option<i64> {
        let rule = self.rule;
        let whole = match text.split_once('.') {
            Some((whole, zeros)) if rule.zero_fraction && zeros.bytes().all(|b| b == b'0') => whole,
            _ => text,
        };
        let digits = match rule.thousands {
            Some(separator) if whole.contains(separator) => ungrouped(whole, separator)?,
            _ => whole.into(),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        digits.parse::<i64>().ok()?.checked_mul(rule.scale)
    }
}

/// The digits of groups of three; `1,23` is a typing error or a fraction, so it is no number.
fn ungrouped(text: &str, separator: char) -> Option<std::borrow::Cow<'_, str>> {
    let mut groups = text.split(separator);
    let first = groups
        .next()
        .filter(|group| (1..=3).contains(&group.len()))?;
    let mut digits = first.to_owned();
    for group in groups {
        if group.len() != 3 {
            return None;
        }
        digits.push_str(group);
    }
    Some(digits.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Metric;

    fn words() -> Words {
        Words {
            unknown: vec![String::new(), "NULL".into()],
            absent: vec!["n/a".into()],
            missing: Unsaid::Absent,
            null: Unsaid::Unknown,
        }
    }

    fn rule() -> CountRule {
        CountRule {
            metric: Metric::Views,
            thousands: None,
            zero_fraction: false,
            scale: 1,
            precision: None,
        }
    }

    fn count(rule: &CountRule, cell: Cell<'_>) -> Result<Count, String> {
        let origin = Origin::Column("view_count".into());
        Bound {
            at: At::Column(0),
            origin: &origin,
            rule,
        }
        .count(&cell, &words())
    }

    fn read(rule: &CountRule, text: &str) -> Result<Count, String> {
        count(rule, Cell::Text(text.into()))
    }

    #[test]
    fn a_count_is_digits_that_fit() {
        let plain = rule();
        assert_eq!(read(&plain, "1234"), Ok(Count::Known(1234)));
        assert_eq!(read(&plain, "0"), Ok(Count::Known(0)));
        assert_eq!(
            read(&plain, "9223372036854775807"),
            Ok(Count::Known(i64::MAX))
        );
        for text in [
            "12.5",
            "12.0",
            "-3",
            "+3",
            "1,234",
            "12k",
            "1e3",
            "9223372036854775808",
            "٣",
        ] {
            let most = i64::MAX;
            let expected =
                format!("column view_count is '{text}': expected a whole number from 0 to {most}");
            assert_eq!(read(&plain, text), Err(expected));
        }
        let long = "x\n".repeat(100);
        assert!(
            read(&plain, &long).is_err_and(|reason| reason.len() < 130 && !reason.contains('\n'))
        );
    }

    #[test]
    fn no_value_is_never_zero() {
        let plain = rule();
        for (text, expected) in [
            ("", Count::Hidden),
            ("  ", Count::Hidden),
            ("NULL", Count::Hidden),
            ("n/a", Count::Absent),
        ] {
            assert_eq!(read(&plain, text), Ok(expected), "{text:?}");
        }
        assert_eq!(count(&plain, Cell::Missing), Ok(Count::Absent));
        assert_eq!(count(&plain, Cell::Null), Ok(Count::Hidden));
        assert!(count(&plain, Cell::Other("an array")).is_err());
        assert!(count(&plain, Cell::Inexact("12.5".into())).is_err());
    }

    #[test]
    fn a_mapping_may_allow_other_forms() {
        let grouped = CountRule {
            thousands: Some(','),
            ..rule()
        };
        assert_eq!(read(&grouped, "1,234,567"), Ok(Count::Known(1_234_567)));
        assert_eq!(read(&grouped, "1234"), Ok(Count::Known(1234)));
        for text in ["1,23", ",123", "1234,567", "1,234,", "1.234"] {
            assert!(read(&grouped, text).is_err(), "{text}");
        }
        let pandas = CountRule {
            zero_fraction: true,
            ..rule()
        };
        assert_eq!(read(&pandas, "146.0"), Ok(Count::Known(146)));
        assert!(read(&pandas, "146.5").is_err());
        let seconds = CountRule {
            scale: 1000,
            ..rule()
        };
        assert_eq!(read(&seconds, "12"), Ok(Count::Known(12_000)));
        assert!(
            read(&seconds, "9223372036854776").is_err(),
            "it would not fit in milliseconds"
        );
    }

    #[test]
    fn text_is_cut_in_order_and_never_shown() {
        let origin = Origin::Column("url".into());
        let between = Some(["/@".to_owned(), "/".to_owned()]);
        let map = |from: &str| [(from.to_owned(), "mapped".to_owned())].into();
        let read = |rule: &TextRule, text: &str| {
            let bound = Bound {
                at: At::Column(0),
                origin: &origin,
                rule,
            };
            bound
                .text(&Cell::Text(text.into()), &words())
                .map(|text| text.map(str::to_owned))
        };
        let rule = TextRule {
            between,
            ..TextRule::default()
        };
        assert_eq!(
            read(&rule, "https://x/@some.one/video/1"),
            Ok(Some("some.one".into()))
        );
        assert_eq!(read(&rule, "NULL"), Ok(None));
        let refused = read(&rule, "https://secret/");
        assert!(refused.is_err_and(|reason| !reason.contains("secret")));
        let rule = TextRule {
            strip_prefix: Some("@".into()),
            ..TextRule::default()
        };
        assert_eq!(read(&rule, "@a"), Ok(Some("a".into())));
        assert_eq!(read(&rule, "a"), Ok(Some("a".into())));
        assert_eq!(read(&rule, "@ "), Ok(None));
        let rule = TextRule {
            map: Some(map("a")),
            strip_prefix: Some("@".into()),
            between: None,
        };
        assert_eq!(read(&rule, "@a"), Ok(Some("mapped".into())));
        let refused = read(&rule, "secret");
        assert!(refused.is_err_and(|reason| reason.ends_with("expected one of a")));
        let long = "x".repeat(MAX_FIELD_BYTES + 1);
        assert!(
            read(&TextRule::default(), &long).is_err_and(|reason| reason.contains("16385 bytes"))
        );
    }
}
