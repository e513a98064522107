//! A field of a mapping: where its value is, and the rule that makes it text, a time or a count.

use super::raw::RawField;
use crate::import::time::TimeFormat;
use domain::Metric;
use domain::observation::Precision;
use std::collections::BTreeMap;
use std::fmt;

/// Where a value is, with the rule that reads it.
#[derive(Debug, Clone)]
pub(crate) struct Field<R> {
    pub(crate) origin: Origin,
    /// Whether a file may lack the column altogether.
    pub(crate) optional: bool,
    pub(crate) rule: R,
}

/// Where a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Column(String),
    Const(String),
    Path(String),
    Pointer(Pointer),
    Root(Pointer),
}

/// A JSON pointer (RFC 6901), taken apart once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pointer {
    text: String,
    pub(crate) steps: Vec<String>,
}

/// How text is cut out of a value; the steps are done in the order of these fields.
#[derive(Debug, Clone, Default)]
pub(crate) struct TextRule {
    pub(crate) between: Option<[String; 2]>,
    pub(crate) strip_prefix: Option<String>,
    pub(crate) map: Option<BTreeMap<String, String>>,
}

/// How a count is read, and what the source is known to do to it.
#[derive(Debug, Clone)]
pub(crate) struct CountRule {
    pub(crate) metric: Metric,
    pub(crate) thousands: Option<char>,
    pub(crate) zero_fraction: bool,
    pub(crate) scale: i64,
    pub(crate) precision: Option<Precision>,
}

/// No source states more digits than a 64-bit integer has.
const MAX_SIGNIFICANT_DIGITS: u8 = 18;

impl Pointer {
    pub(super) fn new(text: &str) -> Result<Self, String> {
        if !text.is_empty() && !text.starts_with('/') {
            return Err(format!(
                "'{text}' is no JSON pointer: expected \"\" or a text such as /a/b"
            ));
        }
        let steps = text.split('/').skip(1);
        let steps = steps
            .map(|step| step.replace("~1", "/").replace("~0", "~"))
            .collect();
        Ok(Self {
            text: text.to_owned(),
            steps,
        })
    }
}

impl Origin {
    fn new(raw: &RawField) -> Result<Self, String> {
        let mut found = Vec::new();
        found.extend(raw.column.clone().map(Self::Column));
        found.extend(raw.constant.clone().map(Self::Const));
        found.extend(raw.path.clone().map(Self::Path));
        for (pointer, origin) in [
            (&raw.pointer, Self::Pointer as fn(Pointer) -> Self),
            (&raw.root, Self::Root),
        ] {
            found.extend(
                pointer
                    .as_deref()
                    .map(Pointer::new)
                    .transpose()?
                    .map(origin),
            );
        }
        match (found.pop(), found.is_empty()) {
            (Some(Self::Column(name) | Self::Const(name) | Self::Path(name)), true)
                if name.trim().is_empty() =>
            {
                Err("the name or constant is blank: expected text".to_owned())
            }
            (Some(origin), true) => Ok(origin),
            _ => Err("expected exactly one of column, const, path, pointer and root".to_owned()),
        }
    }

    /// What the source calls the value, if it calls it anything.
    pub(crate) fn source_name(&self) -> Option<&str> {
        match self {
            Self::Column(name) => Some(name),
            Self::Pointer(pointer) | Self::Root(pointer) => {
                Some(pointer.text.trim_start_matches('/'))
            }
            Self::Const(_) | Self::Path(_) => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(name) => write!(f, "column {name}"),
            Self::Const(_) => f.write_str("the constant"),
            Self::Path(name) => write!(f, "the part {{{name}}} of the file's path"),
            Self::Pointer(pointer) => write!(f, "pointer '{}'", pointer.text),
            Self::Root(pointer) => write!(f, "root '{}'", pointer.text),
        }
    }
}

impl Field<TextRule> {
    pub(super) fn text(raw: &RawField) -> Result<Self, String> {
        only(raw, "text", &["between", "strip_prefix", "map"])?;
        let rule = TextRule {
            between: raw.between.clone(),
            strip_prefix: raw.strip_prefix.clone(),
            map: raw.map.clone(),
        };
        Field::new(raw, rule)
    }
}

impl Field<TimeFormat> {
    pub(super) fn time(raw: &RawField) -> Result<Self, String> {
        only(raw, "a time", &["time", "zone"])?;
        let format = TimeFormat::new(raw.time.as_deref(), raw.zone.as_deref())
            .map_err(|error| error.to_string())?;
        if let Some(constant) = &raw.constant {
            format
                .parse(constant)
                .map_err(|error| format!("const is '{constant}': {error}"))?;
        }
        Field::new(raw, format)
    }
}

impl Field<CountRule> {
    pub(super) fn count(metric: Metric, raw: &RawField) -> Result<Self, String> {
        only(
            raw,
            "a metric",
            &["thousands", "zero_fraction", "scale", "significant_digits"],
        )?;
        if raw.constant.is_some() {
            return Err(
                "a constant is no observation: expected column, pointer or root".to_owned(),
            );
        }
        let separator = raw.thousands.as_deref().map(|text| {
            let mut characters = text.chars();
            match (characters.next(), characters.next()) {
                (Some(c), None) if !c.is_ascii_alphanumeric() && c != '-' => Ok(c),
                _ => Err(format!(
                    "thousands is '{text}': expected one separator such as \",\""
                )),
            }
        });
        let scale = raw.scale.unwrap_or(1);
        if scale < 1 {
            return Err(format!("scale is {scale}: expected a whole number from 1"));
        }
        let digits = raw.significant_digits;
        if digits.is_some_and(|digits| !(1..=MAX_SIGNIFICANT_DIGITS).contains(&digits)) {
            return Err(format!(
                "significant_digits: expected 1 to {MAX_SIGNIFICANT_DIGITS}"
            ));
        }
        let rule = CountRule {
            metric,
            thousands: separator.transpose()?,
            zero_fraction: raw.zero_fraction.unwrap_or(false),
            scale,
            precision: digits.map(Precision::SignificantDigits),
        };
        Field::new(raw, rule)
    }
}

impl<R> Field<R> {
    fn new(raw: &RawField, rule: R) -> Result<Self, String> {
        Ok(Self {
            origin: Origin::new(raw)?,
            optional: raw.optional.unwrap_or(false),
            rule,
        })
    }
}

/// Refuses keys that have no meaning for this kind of field.
fn only(raw: &RawField, kind: &str, fitting: &[&str]) -> Result<(), String> {
    let given = [
        ("between", raw.between.is_some()),
        ("strip_prefix", raw.strip_prefix.is_some()),
        ("map", raw.map.is_some()),
        ("time", raw.time.is_some()),
        ("zone", raw.zone.is_some()),
        ("thousands", raw.thousands.is_some()),
        ("zero_fraction", raw.zero_fraction.is_some()),
        ("scale", raw.scale.is_some()),
        ("significant_digits", raw.significant_digits.is_some()),
    ];
    let stray = given
        .iter()
        .find(|(key, given)| *given && !fitting.contains(key));
    stray.map_or(Ok(()), |(key, _)| {
        Err(format!(
            "{key} has no meaning for {kind}: expected only {}",
            fitting.join(", ")
        ))
    })
}
