//! Tolerant reading of JSON: numbers or strings, missing or null, and nothing made up.
//!
//! A count is a whole number from zero on, or it is unknown. What has a value that cannot be one
//! leaves a doubt behind, so that the reply counts as partial and somebody can look.

use serde_json::Value;

/// The longest id that is taken, in bytes.
const MAX_ID_BYTES: usize = 256;

/// The most doubts that are kept of one reply; more say no more.
const MAX_DOUBTS: usize = 16;

/// The most digits of a fraction that count.
const MILLIONTHS_DIGITS: usize = 4;

/// Why a value was left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// A count below zero.
    Negative,
    /// A number with a fraction, or one past 64 bits.
    NotWhole,
    /// Neither a number nor text that is one.
    NotANumber,
    /// A thing without its id.
    NoId,
    /// The same thing again.
    Twice,
    /// A time that is none.
    NotATime,
    /// More to come, and no way to it.
    NoCursor,
}

/// A value that was left out, by the platform's name of its field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Doubt {
    /// The field.
    pub field: &'static str,
    /// Why.
    pub why: Why,
}

/// Collects what was left out.
#[derive(Debug, Default)]
pub(super) struct Doubts(Vec<Doubt>);

impl Doubts {
    pub(super) fn add(&mut self, field: &'static str, why: Why) {
        if self.0.len() < MAX_DOUBTS {
            self.0.push(Doubt { field, why });
        }
    }

    pub(super) fn into_vec(self) -> Vec<Doubt> {
        self.0
    }

    /// A count, or `None` where it is missing, null or no count.
    pub(super) fn count(&mut self, of: &Value, field: &'static str) -> Option<i64> {
        match whole(of.get(field)?) {
            Ok(count) => count,
            Err(why) => {
                self.add(field, why);
                None
            }
        }
    }

    /// A time in one of the forms that carry an offset.
    pub(super) fn time(&mut self, of: &Value, field: &'static str) -> Option<domain::Timestamp> {
        let text = text(of, field)?;
        let at = super::moment::parse(text);
        if at.is_none() {
            self.add(field, Why::NotATime);
        }
        at
    }
}

/// A count: a whole number, or text of digits alone. Null is no count and no error.
pub(super) fn whole(value: &Value) -> Result<Option<i64>, Why> {
    match value {
        Value::Null => Ok(None),
        Value::Number(number) => match (number.as_i64(), number.is_f64()) {
            (Some(count), _) if count >= 0 => Ok(Some(count)),
            (Some(_), _) => Err(Why::Negative),
            (None, _) => Err(Why::NotWhole),
        },
        Value::String(text) => {
            let text = text.trim();
            let digits = text.strip_prefix('-').unwrap_or(text);
            if digits.is_empty() || !digits.bytes().all(|it| it.is_ascii_digit()) {
                return Err(Why::NotANumber);
            }
            match text.parse::<i64>() {
                Ok(count) if count >= 0 => Ok(Some(count)),
                Ok(_) => Err(Why::Negative),
                Err(_) => Err(Why::NotWhole),
            }
        }
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(Why::NotANumber),
    }
}

/// A share in percent as millionths of the whole: 0.7 % is 7,000. Worked out from the digits, so
/// that no float rounds; past the fourth decimal digits are cut. More than the whole is no share.
pub(super) fn percent_millionths(value: &Value) -> Result<i64, Why> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return Err(Why::NotANumber),
    };
    if text.starts_with('-') {
        return Err(Why::Negative);
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let is_digits = |text: &str| text.bytes().all(|it| it.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return Err(Why::NotANumber);
    }
    let fraction = fraction.get(..MILLIONTHS_DIGITS.min(fraction.len()));
    let digits = format!(
        "{whole}{:0<MILLIONTHS_DIGITS$}",
        fraction.unwrap_or_default()
    );
    match digits.parse() {
        Ok(share @ 0..=1_000_000) => Ok(share),
        _ => Err(Why::NotANumber),
    }
}

/// Text that is not blank.
pub(super) fn text<'v>(of: &'v Value, field: &str) -> Option<&'v str> {
    let text = of.get(field)?.as_str()?;
    (!text.trim().is_empty()).then_some(text)
}

/// An id: text as it stands, leading zeros included, or a whole number that lost no digits.
pub(super) fn id(of: &Value, field: &str) -> Option<String> {
    let id = match of.get(field)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) if number.is_u64() => number.to_string(),
        _ => return None,
    };
    (!id.is_empty() && id.len() <= MAX_ID_BYTES).then_some(id)
}

/// The entries of a list; what is no list has none.
pub(super) fn list<'v>(of: &'v Value, field: &str) -> &'v [Value] {
    let list = of.get(field).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

/// Text of at most so many bytes, cut between characters; the platforms' own limits are lower
/// but for Facebook's messages.
pub(super) fn cut(text: &str) -> String {
    let most = commands::text::MAX_FIELD_BYTES;
    let end = (0..=most.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at));
    text.get(..end.unwrap_or(0)).unwrap_or_default().to_owned()
}

/// A text field, cut where it is too long.
pub(super) fn owned(of: &Value, field: &str) -> Option<String> {
    text(of, field).map(cut)
}

/// An address; one that is too long or no web address would lead nowhere, and is left out.
pub(super) fn url(of: &Value, field: &str) -> Option<String> {
    let url = text(of, field)?;
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    (is_web && url.len() <= commands::text::MAX_FIELD_BYTES).then(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_count_is_a_whole_number_or_nothing() {
        for value in [json!(7), json!("7"), json!(" 007 ")] {
            assert_eq!(whole(&value), Ok(Some(7)), "{value}");
        }
        assert_eq!(whole(&json!(i64::MAX)), Ok(Some(i64::MAX)));
        assert_eq!(whole(&Value::Null), Ok(None));
        for (value, why) in [
            (json!(-1), Why::Negative),
            (json!("-1"), Why::Negative),
            (json!(41.27), Why::NotWhole),
            (json!(7.0), Why::NotWhole),
            (json!(u64::MAX), Why::NotWhole),
            (json!("99999999999999999999"), Why::NotWhole),
            (json!("1.2K"), Why::NotANumber),
            (json!(""), Why::NotANumber),
            (json!(true), Why::NotANumber),
            (json!([1]), Why::NotANumber),
        ] {
            assert_eq!(whole(&value), Err(why), "{value}");
        }
    }

    #[test]
    fn ids_keep_every_digit() {
        let of = json!({"a": "09894", "b": 17841405793187218_u64, "c": 1e30, "d": "", "e": -1});
        assert_eq!(id(&of, "a").as_deref(), Some("09894"));
        assert_eq!(id(&of, "b").as_deref(), Some("17841405793187218"));
        for field in ["c", "d", "e", "f"] {
            assert_eq!(id(&of, field), None, "{field}");
        }
    }

    #[test]
    fn percents_are_read_digit_by_digit() {
        assert_eq!(percent_millionths(&json!(0.7)), Ok(7_000));
        assert_eq!(percent_millionths(&json!(30.1)), Ok(301_000));
        assert_eq!(percent_millionths(&json!(100)), Ok(1_000_000));
        assert_eq!(percent_millionths(&json!("12.34567")), Ok(123_456));
        assert_eq!(percent_millionths(&json!(-0.1)), Err(Why::Negative));
        for value in [json!(1e300), json!(100.1), json!("x"), json!(null)] {
            assert!(percent_millionths(&value).is_err(), "{value}");
        }
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let text = "ש".repeat(commands::text::MAX_FIELD_BYTES);
        assert!(cut(&text).len() <= commands::text::MAX_FIELD_BYTES);
        let of = json!({"a": "javascript:alert(1)", "b": "https://x.example/"});
        assert_eq!((url(&of, "a"), url(&of, "b").is_some()), (None, true));
    }
}
