//! Turns one row into a reading: whose it is, when it was true, and what it says.

mod cells;
mod shown;

use super::mapping::{CountRule, Field, Origin, Pointer, Table, TextRule};
use super::rows::{Cell, Row};
use super::source::{AccountRef, Place, PostRow, Reading};
use super::time::TimeFormat;
use cells::{Bound, Count};
use commands::text::{PostText, ProfileText};
use domain::platform::UnknownPlatform;
use domain::time::DAY_MICROS;
use domain::{Platform, Timestamp, Values};
use shown::shown;

/// How long before its publication a post may be observed. A date without a time is that day's
/// midnight, so up to a day is no contradiction; more is a wrong unit or a swapped column.
const MAX_OBSERVED_BEFORE_PUBLISHED_MICROS: i64 = DAY_MICROS;

/// Where a field's value is in the rows of one file.
enum At<'t> {
    Column(usize),
    Fixed(String),
    Pointer(&'t Pointer),
    Root(&'t Pointer),
    /// An optional column that this file lacks.
    Nowhere,
}

/// The column that a mapping names and a file lacks.
#[derive(Debug)]
pub(crate) struct MissingColumn(pub(crate) String);

/// Reads the rows of one file of one table.
pub(crate) struct Extractor<'t> {
    table: &'t Table,
    index: usize,
    creator: Bound<'t, TextRule>,
    platform: Bound<'t, TextRule>,
    account: Bound<'t, TextRule>,
    observed_at: Bound<'t, TimeFormat>,
    profile: Option<Profile<'t>>,
    metrics: Vec<Bound<'t, CountRule>>,
    post: Option<Post<'t>>,
    // Rows of one account, and of one moment, mostly stand together.
    last_account: Option<LastAccount>,
    last_observed: Option<(String, Timestamp)>,
}

type MaybeText<'t> = Option<Bound<'t, TextRule>>;

struct Profile<'t> {
    name: MaybeText<'t>,
    handle: MaybeText<'t>,
    bio: MaybeText<'t>,
    url: MaybeText<'t>,
    avatar_url: MaybeText<'t>,
}

struct Post<'t> {
    id: Bound<'t, TextRule>,
    title: MaybeText<'t>,
    caption: MaybeText<'t>,
    url: MaybeText<'t>,
    thumbnail_url: MaybeText<'t>,
    published_at: Option<Bound<'t, TimeFormat>>,
    metrics: Vec<Bound<'t, CountRule>>,
}

struct LastAccount {
    creator: String,
    platform: String,
    account: String,
    reference: AccountRef,
}

/// Finds fields in one file: by its columns and the captures of its path.
struct Binder<'f> {
    columns: &'f [String],
    captures: Vec<(&'f str, &'f str)>,
}

impl Binder<'_> {
    fn bind<'t, R>(&self, field: &'t Field<R>) -> Result<Bound<'t, R>, MissingColumn> {
        let at = match &field.origin {
            Origin::Column(name) => match self.columns.iter().position(|column| column == name) {
                Some(index) => At::Column(index),
                None if field.optional => At::Nowhere,
                None => return Err(MissingColumn(name.clone())),
            },
            Origin::Const(text) => At::Fixed(text.clone()),
            Origin::Path(name) => {
                let found = self.captures.iter().find(|(capture, _)| capture == name);
                At::Fixed(
                    found
                        .map(|(_, text)| (*text).to_owned())
                        .unwrap_or_default(),
                )
            }
            Origin::Pointer(pointer) => At::Pointer(pointer),
            Origin::Root(pointer) => At::Root(pointer),
        };
        Ok(Bound {
            at,
            origin: &field.origin,
            rule: &field.rule,
        })
    }

    fn maybe<'t, R>(
        &self,
        field: &'t Option<Field<R>>,
    ) -> Result<Option<Bound<'t, R>>, MissingColumn> {
        field.as_ref().map(|field| self.bind(field)).transpose()
    }

    fn all<'t, R>(&self, fields: &'t [Field<R>]) -> Result<Vec<Bound<'t, R>>, MissingColumn> {
        fields.iter().map(|field| self.bind(field)).collect()
    }
}

impl<'t> Extractor<'t> {
    /// Finds the fields of a table in one file.
    pub(crate) fn bind(
        table: &'t Table,
        index: usize,
        columns: &[String],
        captures: &[String],
    ) -> Result<Self, MissingColumn> {
        let names = table.files.captures().iter().map(String::as_str);
        let captures = names.zip(captures.iter().map(String::as_str)).collect();
        let binder = Binder { columns, captures };
        let profile = table.profile.as_ref().map(|profile| {
            Ok(Profile {
                name: binder.maybe(&profile.name)?,
                handle: binder.maybe(&profile.handle)?,
                bio: binder.maybe(&profile.bio)?,
                url: binder.maybe(&profile.url)?,
                avatar_url: binder.maybe(&profile.avatar_url)?,
            })
        });
        let post = table.post.as_ref().map(|post| {
            Ok(Post {
                id: binder.bind(&post.id)?,
                title: binder.maybe(&post.title)?,
                caption: binder.maybe(&post.caption)?,
                url: binder.maybe(&post.url)?,
                thumbnail_url: binder.maybe(&post.thumbnail_url)?,
                published_at: binder.maybe(&post.published_at)?,
                metrics: binder.all(&post.metrics)?,
            })
        });
        Ok(Self {
            table,
            index,
            creator: binder.bind(&table.creator)?,
            platform: binder.bind(&table.platform)?,
            account: binder.bind(&table.account)?,
            observed_at: binder.bind(&table.observed_at)?,
            profile: profile.transpose()?,
            metrics: binder.all(&table.metrics)?,
            post: post.transpose()?,
            last_account: None,
            last_observed: None,
        })
    }

    /// What a row says, or why it is refused.
    pub(crate) fn reading(&mut self, row: Row<'_>, place: Place) -> Result<Reading, String> {
        let account = self.account(row)?;
        let observed_at = self.observed_at(row)?;
        let metrics = self.values(&self.metrics, row)?;
        let metrics = Some(metrics).filter(|values| !values.is_empty());
        let post = self
            .post
            .as_ref()
            .map(|post| self.post(post, row, observed_at))
            .transpose()?;
        let post = post
            .filter(|post| post.has_text || post.published_at.is_some() || !post.values.is_empty());
        let alone = metrics.is_none() && post.is_none();
        let profile = match &self.profile {
            Some(profile) => self.profile(profile, row, &account)?,
            None => None,
        };
        // A list of accounts may say no more than that they exist.
        let lists_accounts = self.metrics.is_empty() && self.post.is_none();
        let profile = match profile {
            None if lists_accounts => Some(id_only(&account)),
            profile => profile,
        };
        if alone && profile.is_none() {
            return Err("the row says nothing: expected a value in at least one field".to_owned());
        }
        Ok(Reading {
            account,
            observed_at,
            table: self.index,
            place,
            profile,
            metrics,
            post,
        })
    }

    fn account(&mut self, row: Row<'_>) -> Result<AccountRef, String> {
        let words = &self.table.words;
        let (creator, platform, account) = (
            self.creator.cell(row),
            self.platform.cell(row),
            self.account.cell(row),
        );
        let platform = self
            .platform
            .text(&platform, words)
            .map_err(|reason| match &platform {
                // The platform is the one text that a reason shows: it names nobody.
                Cell::Text(text) => {
                    format!("'{}' is not a supported platform: {reason}", shown(text))
                }
                _ => reason,
            })?;
        let platform = said(platform, "the platform", &self.platform)?;
        let creator = said(
            self.creator.text(&creator, words)?,
            "the creator",
            &self.creator,
        )?;
        let account = said(
            self.account.text(&account, words)?,
            "the account's id",
            &self.account,
        )?;
        if let Some(last) = &self.last_account
            && (last.account == account && last.creator == creator && last.platform == platform)
        {
            return Ok(last.reference.clone());
        }
        let reference = AccountRef {
            creator: creator.parse().map_err(|_| {
                let expected = "expected 1 to 128 letters, digits or any of - _ . : @";
                format!("{} is no creator id: {expected}", self.creator.origin)
            })?,
            platform: platform
                .parse::<Platform>()
                .map_err(|_| UnknownPlatform(shown(platform)).to_string())?,
            platform_account_id: account.into(),
        };
        self.last_account = Some(LastAccount {
            creator: creator.to_owned(),
            platform: platform.to_owned(),
            account: account.to_owned(),
            reference: reference.clone(),
        });
        Ok(reference)
    }

    fn observed_at(&mut self, row: Row<'_>) -> Result<Timestamp, String> {
        let cell = self.observed_at.cell(row);
        let text = self.observed_at.time_text(&cell, &self.table.words)?;
        let text = said(text, "the time of observation", &self.observed_at)?;
        if let Some((last, at)) = &self.last_observed
            && last == text
        {
            return Ok(*at);
        }
        let at = self.observed_at.time(text)?;
        self.last_observed = Some((text.to_owned(), at));
        Ok(at)
    }

    fn values(&self, fields: &[Bound<'_, CountRule>], row: Row<'_>) -> Result<Values, String> {
        let mut values = Values::new();
        for field in fields {
            let said = match field.count(&field.cell(row), &self.table.words)? {
                Count::Absent => Ok(()),
                Count::Hidden => values.insert_hidden(field.rule.metric),
                Count::Known(value) => values.insert(field.rule.metric, value),
            };
            said.map_err(|error| error.to_string())?;
        }
        Ok(values)
    }

    fn text(&self, field: &MaybeText<'_>, row: Row<'_>) -> Result<Option<String>, String> {
        let Some(field) = field else { return Ok(None) };
        let cell = field.cell(row);
        Ok(field.text(&cell, &self.table.words)?.map(str::to_owned))
    }

    fn profile(
        &self,
        fields: &Profile<'_>,
        row: Row<'_>,
        account: &AccountRef,
    ) -> Result<Option<ProfileText>, String> {
        let name = self.text(&fields.name, row)?;
        let handle = self.text(&fields.handle, row)?;
        let bio = self.text(&fields.bio, row)?;
        let url = self.text(&fields.url, row)?;
        let avatar_url = self.text(&fields.avatar_url, row)?;
        let said = [&name, &handle, &bio, &url, &avatar_url]
            .into_iter()
            .any(Option::is_some);
        let ProfileText {
            platform_account_id,
            ..
        } = id_only(account);
        let profile = ProfileText {
            platform_account_id,
            handle,
            name,
            bio,
            url,
            avatar_url,
        };
        Ok(said.then_some(profile))
    }

    fn post(
        &self,
        fields: &Post<'_>,
        row: Row<'_>,
        observed_at: Timestamp,
    ) -> Result<PostRow, String> {
        let words = &self.table.words;
        let cell = fields.id.cell(row);
        let id = said(fields.id.text(&cell, words)?, "the post's id", &fields.id)?;
        let title = self.text(&fields.title, row)?;
        let caption = self.text(&fields.caption, row)?;
        let url = self.text(&fields.url, row)?;
        let thumbnail_url = self.text(&fields.thumbnail_url, row)?;
        let has_text = [&title, &caption, &url, &thumbnail_url]
            .into_iter()
            .any(Option::is_some);
        let text = PostText {
            platform_post_id: id.to_owned(),
            title,
            caption,
            url,
            thumbnail_url,
        };
        let published_at = match &fields.published_at {
            None => None,
            Some(field) => {
                let cell = field.cell(row);
                field
                    .time_text(&cell, words)?
                    .map(|text| field.time(text))
                    .transpose()?
            }
        };
        if let Some(published_at) = published_at
            && published_at.micros() - observed_at.micros() > MAX_OBSERVED_BEFORE_PUBLISHED_MICROS
        {
            return Err(format!(
                "the row was observed at {observed_at}, before the post was published at \
                 {published_at}: expected a later time (is its unit right?)"
            ));
        }
        let values = self.values(&fields.metrics, row)?;
        Ok(PostRow {
            text,
            has_text,
            published_at,
            values,
        })
    }
}

fn id_only(account: &AccountRef) -> ProfileText {
    let platform_account_id = account.platform_account_id.as_ref().to_owned();
    ProfileText {
        platform_account_id,
        ..ProfileText::default()
    }
}

/// A value that every row needs. None of them, ids above all, has a meaning for space around it.
fn said<'c, R>(text: Option<&'c str>, what: &str, field: &Bound<'_, R>) -> Result<&'c str, String> {
    text.map(str::trim)
        .ok_or_else(|| format!("{} is missing or blank: expected {what}", field.origin))
}
