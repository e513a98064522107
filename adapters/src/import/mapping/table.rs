//! Checks one table of a mapping, so that whatever is wrong in it is said before a file is read.

use super::field::{CountRule, Field, Origin, Pointer, TextRule};
use super::raw::{
    RawField, RawFormat, RawMapping, RawNewer, RawNewerRule, RawPost, RawProfile, RawTable,
    RawUnsaid,
};
use super::{
    CsvFormat, Format, MappingError, Newer, PostFields, ProfileFields, Step, Table, Unsaid, Words,
};
use crate::import::pattern::Pattern;
use crate::import::time::TimeFormat;
use domain::metric::UnknownMetric;
use domain::observation::{Cause, Provenance};
use domain::{CreatorId, Metric, Platform};
use std::collections::{BTreeMap, BTreeSet};

/// The causes that a file may claim; `observed` is what a sync of ours saw.
const CAUSES: [Cause; 4] = [
    Cause::Imported,
    Cause::Restated,
    Cause::ReParsed,
    Cause::Simulated,
];

/// One table under check, with the keys that lead to it.
struct Check<'r> {
    raw: &'r RawTable,
    key: String,
    format: RawFormat,
    captures: Vec<String>,
}

/// Builds a table from its own keys and those that the mapping gives for all.
pub(super) fn build(raw: &RawTable, shared: &RawMapping) -> Result<Table, MappingError> {
    let key = format!("table.{}", raw.name);
    let files = Pattern::new(&raw.files)
        .map_err(|problem| MappingError::key(format!("{key}.files"), problem))?;
    let format = raw.format.or(shared.format).unwrap_or(RawFormat::Csv);
    let check = Check {
        raw,
        key,
        format,
        captures: files.captures().to_vec(),
    };

    let creator = check.required("creator", &raw.creator, &shared.creator, Field::text)?;
    let platform = check.required("platform", &raw.platform, &shared.platform, Field::text)?;
    check.values("creator", &creator, |text| {
        text.parse::<CreatorId>().err().map(|e| e.to_string())
    })?;
    check.values("platform", &platform, |text| {
        text.parse::<Platform>().err().map(|e| e.to_string())
    })?;
    let account = check.required("account", &raw.account, &shared.account, Field::text)?;
    let observed_at = check.required(
        "observed_at",
        &raw.observed_at,
        &shared.observed_at,
        Field::time,
    )?;

    let profile = raw
        .profile
        .as_ref()
        .map(|profile| check.profile(profile))
        .transpose()?;
    let metrics = check.metrics("metrics", &raw.metrics, Metric::of_account)?;
    let post = raw.post.as_ref().map(|post| check.post(post)).transpose()?;
    if profile.is_none() && metrics.is_empty() && post.is_none() {
        return Err(check.wrong("", "expected at least one of profile, metrics and post"));
    }
    let of_posts = post.iter().flat_map(|post: &PostFields| &post.metrics);
    let provenance = check.provenance(shared, metrics.iter().chain(of_posts))?;
    Ok(Table {
        name: raw.name.clone(),
        format: check.format(shared)?,
        files,
        newer: match &raw.newer {
            None | Some(RawNewer::Rule(RawNewerRule::Name)) => Newer::Name,
            Some(RawNewer::Rule(RawNewerRule::Modified)) => Newer::Modified,
            Some(RawNewer::Files(files)) => Newer::Files(files.clone()),
        },
        optional: raw.optional,
        words: check.words(shared)?,
        creator,
        platform,
        account,
        observed_at,
        profile,
        metrics,
        post,
        provenance,
    })
}

impl Check<'_> {
    fn wrong(&self, key: &str, problem: impl Into<String>) -> MappingError {
        let dot = if key.is_empty() { "" } else { "." };
        MappingError::key(format!("{}{dot}{key}", self.key), problem.into())
    }

    /// Reads one field and checks that its origin exists in this table.
    fn field<R>(
        &self,
        key: &str,
        raw: &RawField,
        read: impl Fn(&RawField) -> Result<Field<R>, String>,
    ) -> Result<Field<R>, MappingError> {
        let field = read(raw).map_err(|problem| self.wrong(key, problem))?;
        let json = self.format != RawFormat::Csv;
        let problem = match &field.origin {
            Origin::Column(_) if json => Some("column is for csv: expected pointer".to_owned()),
            Origin::Column(name) => match &self.raw.columns {
                Some(columns) if !columns.contains(name) => Some(format!(
                    "column is '{name}': expected one of {}",
                    columns.join(", ")
                )),
                _ => None,
            },
            Origin::Pointer(_) if !json => {
                Some("pointer is for json and ndjson: expected column".into())
            }
            Origin::Root(_) if self.format != RawFormat::Json => {
                Some("root is for json only".into())
            }
            Origin::Path(name) if !self.captures.contains(name) => Some(format!(
                "path is '{name}', which the pattern of files does not capture: it captures {}",
                if self.captures.is_empty() {
                    "nothing".into()
                } else {
                    self.captures.join(", ")
                }
            )),
            _ => None,
        };
        problem.map_or(Ok(field), |problem| Err(self.wrong(key, problem)))
    }

    fn required<R>(
        &self,
        key: &str,
        own: &Option<RawField>,
        shared: &Option<RawField>,
        read: impl Fn(&RawField) -> Result<Field<R>, String>,
    ) -> Result<Field<R>, MappingError> {
        let Some(raw) = own.as_ref().or(shared.as_ref()) else {
            let problem =
                "is missing: expected a field such as { column = \"...\" }, here or at the top";
            return Err(self.wrong(key, problem));
        };
        if raw.optional.is_some() {
            return Err(self.wrong(key, "optional has no meaning here: every row needs a value"));
        }
        self.field(key, raw, read)
    }

    fn optional<R>(
        &self,
        key: &str,
        raw: &Option<RawField>,
        read: impl Fn(&RawField) -> Result<Field<R>, String>,
    ) -> Result<Option<Field<R>>, MappingError> {
        raw.as_ref()
            .map(|raw| self.field(key, raw, read))
            .transpose()
    }

    /// Checks what can be known of a field's values without a row: its constant and its map.
    fn values(
        &self,
        key: &str,
        field: &Field<TextRule>,
        problem: impl Fn(&str) -> Option<String>,
    ) -> Result<(), MappingError> {
        let mapped = field
            .rule
            .map
            .iter()
            .flatten()
            .map(|(_, text)| text.as_str());
        let constant = match (&field.origin, &field.rule) {
            (
                Origin::Const(text),
                TextRule {
                    between: None,
                    strip_prefix: None,
                    map: None,
                },
            ) => Some(text.as_str()),
            _ => None,
        };
        match mapped.chain(constant).find_map(problem) {
            Some(problem) => Err(self.wrong(key, problem)),
            None => Ok(()),
        }
    }

    fn profile(&self, raw: &RawProfile) -> Result<ProfileFields, MappingError> {
        Ok(ProfileFields {
            name: self.optional("profile.name", &raw.name, Field::text)?,
            handle: self.optional("profile.handle", &raw.handle, Field::text)?,
            bio: self.optional("profile.bio", &raw.bio, Field::text)?,
            url: self.optional("profile.url", &raw.url, Field::text)?,
            avatar_url: self.optional("profile.avatar_url", &raw.avatar_url, Field::text)?,
        })
    }

    fn post(&self, raw: &RawPost) -> Result<PostFields, MappingError> {
        Ok(PostFields {
            id: self.required("post.id", &Some(raw.id.clone()), &None, Field::text)?,
            title: self.optional("post.title", &raw.title, Field::text)?,
            caption: self.optional("post.caption", &raw.caption, Field::text)?,
            url: self.optional("post.url", &raw.url, Field::text)?,
            thumbnail_url: self.optional("post.thumbnail_url", &raw.thumbnail_url, Field::text)?,
            published_at: self.optional(
                "post.published_at",
                &raw.published_at,
                Field::<TimeFormat>::time,
            )?,
            metrics: self.metrics("post.metrics", &raw.metrics, Metric::of_post)?,
        })
    }

    fn metrics(
        &self,
        key: &str,
        raw: &BTreeMap<String, RawField>,
        find: impl Fn(&str) -> Result<Metric, UnknownMetric>,
    ) -> Result<Vec<Field<CountRule>>, MappingError> {
        let field = |(name, raw): (&String, &RawField)| {
            let key = format!("{key}.{name}");
            let metric = find(name).map_err(|error| self.wrong(&key, error.to_string()))?;
            self.field(&key, raw, |raw| Field::count(metric, raw))
        };
        raw.iter().map(field).collect()
    }

    /// A provenance speaks of all rows of a table, so a metric has one name and one precision.
    fn provenance<'f>(
        &self,
        shared: &RawMapping,
        fields: impl Iterator<Item = &'f Field<CountRule>>,
    ) -> Result<Provenance, MappingError> {
        let cause = match self.raw.cause.as_ref().or(shared.cause.as_ref()) {
            None => Cause::Imported,
            Some(name) => CAUSES
                .into_iter()
                .find(|cause| cause.name() == name)
                .ok_or_else(|| {
                    let expected = CAUSES.map(Cause::name).join(", ");
                    self.wrong("cause", format!("is '{name}': expected one of {expected}"))
                })?,
        };
        let mut said = BTreeMap::new();
        for field in fields {
            let metric = field.rule.metric;
            let says = (field.origin.source_name(), field.rule.precision);
            if said
                .insert(metric, says)
                .is_some_and(|before| before != says)
            {
                let problem = format!(
                    "{metric} has another column or precision for posts than for the account: \
                     expected two tables over the same files"
                );
                return Err(self.wrong("post.metrics", problem));
            }
        }
        let names = said
            .iter()
            .filter_map(|(metric, (name, _))| Some((*metric, (*name)?)));
        let names = names.filter(|(metric, name)| metric.name() != *name);
        let exact = said
            .iter()
            .filter_map(|(metric, (_, precision))| Some((*metric, (*precision)?)));
        Ok(Provenance {
            cause,
            source: format!("import:{}/{}", shared.name, self.raw.name),
            api_version: None,
            names: names
                .map(|(metric, name)| (metric, name.to_owned()))
                .collect(),
            precision: exact.collect(),
        })
    }

    fn format(&self, shared: &RawMapping) -> Result<Format, MappingError> {
        let csv_only = [
            ("delimiter", self.raw.delimiter.is_some()),
            ("quoting", self.raw.quoting.is_some()),
            ("columns", self.raw.columns.is_some()),
        ];
        let csv = self.format == RawFormat::Csv;
        if let Some((key, _)) = csv_only.into_iter().find(|(_, given)| *given && !csv) {
            return Err(self.wrong(key, "is for csv only"));
        }
        if self.raw.rows.is_some() && self.format != RawFormat::Json {
            return Err(self.wrong("rows", "is for json only"));
        }
        Ok(match self.format {
            RawFormat::Csv => Format::Csv(self.csv(shared)?),
            RawFormat::Ndjson => Format::Ndjson,
            RawFormat::Json => Format::Json { rows: self.rows()? },
        })
    }

    fn csv(&self, shared: &RawMapping) -> Result<CsvFormat, MappingError> {
        let delimiter = self.raw.delimiter.as_ref().or(shared.delimiter.as_ref());
        let delimiter = match delimiter.map_or(",", String::as_str).as_bytes() {
            [byte] if byte.is_ascii() && !b"\"\r\n".contains(byte) => *byte,
            _ => {
                return Err(self.wrong(
                    "delimiter",
                    "expected one ASCII character such as \";\" or \"\\t\"",
                ));
            }
        };
        if let Some(columns) = &self.raw.columns {
            let different: BTreeSet<&String> = columns.iter().collect();
            if columns.is_empty() || different.len() < columns.len() {
                return Err(self.wrong("columns", "expected different names, one for each column"));
            }
        }
        Ok(CsvFormat {
            delimiter,
            quoting: self.raw.quoting.unwrap_or(true),
            columns: self.raw.columns.clone(),
        })
    }

    fn rows(&self) -> Result<Vec<Step>, MappingError> {
        let pointer = Pointer::new(self.raw.rows.as_deref().unwrap_or_default());
        let pointer = pointer.map_err(|problem| self.wrong("rows", problem))?;
        let step = |step: String| {
            if step == "*" {
                Step::Each
            } else {
                Step::Key(step)
            }
        };
        Ok(pointer.steps.into_iter().map(step).collect())
    }

    fn words(&self, shared: &RawMapping) -> Result<Words, MappingError> {
        let own_or_shared = |own: &Option<Vec<String>>, shared: &Option<Vec<String>>| {
            own.as_ref()
                .or(shared.as_ref())
                .map(|words| words.iter().map(|w| w.trim().to_owned()).collect())
        };
        let absent: Vec<String> =
            own_or_shared(&self.raw.absent, &shared.absent).unwrap_or_default();
        let unknown = own_or_shared(&self.raw.unknown, &shared.unknown);
        if let Some(both) = unknown.iter().flatten().find(|word| absent.contains(word)) {
            return Err(self.wrong("unknown", format!("has '{both}', which is also in absent")));
        }
        // A blank count says that there is no value, unless the mapping says what it stands for.
        let blank = || {
            if absent.iter().any(String::is_empty) {
                vec![]
            } else {
                vec![String::new()]
            }
        };
        let unsaid = |raw: RawUnsaid| match raw {
            RawUnsaid::Absent => Unsaid::Absent,
            RawUnsaid::Unknown => Unsaid::Unknown,
        };
        Ok(Words {
            unknown: unknown.unwrap_or_else(blank),
            absent,
            missing: self.raw.missing.map_or(Unsaid::Absent, unsaid),
            null: self.raw.null.map_or(Unsaid::Unknown, unsaid),
        })
    }
}
