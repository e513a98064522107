//! A folder of invented files, from the mapping to the readings.

use super::*;
use domain::Metric;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder that is gone when the test is.
struct Folder(PathBuf);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("source-{}-{number}", std::process::id()));
        for (name, text) in files {
            let file = path.join(name);
            std::fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
            std::fs::write(file, text).expect("a file");
        }
        Self(path)
    }

    fn open(&self, mapping: &str) -> Result<Source, ImportError> {
        Source::open(Mapping::parse(mapping).expect("a valid mapping"), &self.0)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const POSTS: &str = r#"
name = "t"
creator = { const = "someone" }
platform = { const = "youtube" }
account = { column = "channel" }
observed_at = { column = "at" }
ignore = [{ files = "errors_*.csv", reason = "no numbers" }]
[[table]]
name = "posts"
files = "posts_*.csv"
[table.post]
id = { column = "id" }
title = { column = "title" }
published_at = { column = "published", optional = true }
[table.post.metrics]
views = { column = "views" }
likes = { column = "likes" }
"#;

/// Each row in short: `file:line views likes`, or `file:line! reason`.
fn read(source: &Source) -> Vec<String> {
    let mut seen = Vec::new();
    let mut last = Progress::default();
    let result = source.read(&mut |item, progress| {
        assert!(progress.bytes >= last.bytes && progress.rows == last.rows + 1);
        last = progress;
        seen.push(match item {
            Item::Reading(reading) => {
                let place = &reading.place;
                let values = reading.post.map(|post| post.values).or(reading.metrics);
                let values = values.unwrap_or_default();
                let known = values
                    .known()
                    .map(|(metric, value)| format!(" {metric}={value}"));
                let hidden = values.hidden().map(|metric| format!(" {metric}=?"));
                let said: String = known.chain(hidden).collect();
                format!("{}:{}{said}", place.file, place.line)
            }
            Item::Refused(Refusal { place, reason }) => {
                format!("{}:{}! {reason}", place.file, place.line)
            }
        });
        ControlFlow::Continue(())
    });
    result.expect("readable files");
    assert!(last.bytes <= source.total_bytes());
    seen
}

#[test]
fn a_bad_row_is_refused_and_the_others_are_read() {
    let rows = "\u{feff}id,channel,at,title,views,likes\r\n\
        -a,C1,2025-03-04,\"x, \"\"y\"\"\r\nz\",10,\r\n\
        b,C1,2025-03-04,secret,12k,1\r\n\
        ,C1,2025-03-04,secret,1,1\r\n\
        c,,2025-03-04,secret,1,1\r\n\
        d,C1,2025-02-30,secret,1,1\r\n\
        e,C1,2025-03-04,secret,1\r\n\
        f,C2,2025-03-04T05:06:07Z,,9223372036854775807,0\r\n";
    let folder = Folder::new(&[
        ("posts_1.csv", rows),
        ("posts_2.csv", "id,channel,at,title,views,likes\n"),
        ("posts_3.csv", ""),
        ("errors_1.csv", "x"),
        ("sub/posts_4.csv", "x"),
    ]);
    let source = folder.open(POSTS).expect("a readable folder");
    assert_eq!(source.unmatched(), ["sub/posts_4.csv"]);
    assert_eq!(source.ignored().len(), 1);
    let seen = read(&source);
    assert_eq!(
        seen,
        [
            "posts_1.csv:2 views=10 likes=?",
            "posts_1.csv:4! column views is '12k': expected a whole number from 0 to \
             9223372036854775807",
            "posts_1.csv:5! column id is missing or blank: expected the post's id",
            "posts_1.csv:6! column channel is missing or blank: expected the account's id",
            "posts_1.csv:7! column at is '2025-02-30': expected a time such as \
             2026-03-01T12:00:00Z or a date such as 2026-03-01",
            "posts_1.csv:8! the row has 5 columns: expected 6",
            "posts_1.csv:9 likes=0 views=9223372036854775807",
        ]
    );
    assert_eq!(read(&source), seen, "a source can be read again");
}

#[test]
fn a_reading_is_what_the_row_says() {
    let rows = "id,channel,at,title,views,likes,published\n\
        p,C1,2025-03-04,T,1,2,2025-03-01\np,C1,2025-03-04,T,1,2,2025-04-01\n";
    let folder = Folder::new(&[("posts_1.csv", rows)]);
    let source = folder.open(POSTS).expect("a readable folder");
    let provenance = &source.tables()[0].provenance;
    assert_eq!(provenance.source, "import:t/posts");
    assert!(provenance.names.is_empty(), "the names are ours");
    let mut items = Vec::new();
    let result = source.read(&mut |item, _| {
        items.push(item);
        ControlFlow::Continue(())
    });
    result.expect("readable files");
    let [Item::Reading(reading), Item::Refused(refusal)] = &items[..] else {
        panic!("one reading and one refusal: {items:?}");
    };
    assert!(
        refusal.reason.contains("before the post was published"),
        "{}",
        refusal.reason
    );
    assert_eq!(&*reading.account.platform_account_id, "C1");
    assert_eq!(
        format!("{:?}", reading.account),
        "AccountRef(someone on youtube)"
    );
    assert_eq!(
        reading.observed_at.to_string(),
        "2025-03-04T00:00:00.000000Z"
    );
    assert!(reading.profile.is_none() && reading.metrics.is_none());
    let post = reading.post.as_ref().expect("a post");
    assert_eq!(
        (post.text.platform_post_id.as_str(), post.has_text),
        ("p", true)
    );
    assert_eq!(
        post.published_at.map(|at| at.to_string()).as_deref(),
        Some("2025-03-01T00:00:00.000000Z")
    );
    assert_eq!(post.values.get(Metric::Likes), Some(2));
}

#[test]
fn what_cannot_be_imported_is_said_before_it_begins() {
    let wrong = |files: &[(&str, &str)], mapping: &str| {
        Folder::new(files)
            .open(mapping)
            .expect_err("an error")
            .to_string()
    };
    assert_eq!(
        wrong(&[("posts_1.csv", "id,channel\n")], POSTS),
        "posts_1.csv: table posts names column 'at': expected one of id, channel"
    );
    assert_eq!(
        wrong(&[("posts_1.csv", "id,id\n")], POSTS),
        "posts_1.csv: the header names column 'id' twice: expected different names"
    );
    assert!(wrong(&[("other.csv", "")], POSTS).contains("no file matches 'posts_*.csv'"));
    let listed = |newer: &str| {
        POSTS.replace(
            "name = \"posts\"",
            &format!("name = \"posts\"\nnewer = {newer}"),
        )
    };
    let files = [("posts_1.csv", ""), ("posts_2.csv", "")];
    assert!(
        wrong(&files, &listed("[\"posts_2.csv\"]"))
            .contains("'posts_1.csv' matches but is not listed")
    );
    let missing = wrong(
        &files,
        &listed("[\"posts_2.csv\", \"posts_1.csv\", \"posts_0.csv\"]"),
    );
    assert!(
        missing.contains("'posts_0.csv' is listed but does not match"),
        "{missing}"
    );
    let gone = Source::open(
        Mapping::parse(POSTS).expect("valid"),
        Path::new("/no/such/folder"),
    );
    assert!(gone.is_err_and(|error| {
        error
            .to_string()
            .starts_with("/no/such/folder cannot be read")
    }));
}

#[test]
fn the_newest_file_comes_last() {
    let rows =
        |views: u32| format!("id,channel,at,title,views,likes\np,C,2025-03-04,t,{views},0\n");
    let files = [
        ("posts_a.csv", rows(1)),
        ("posts_b.csv", rows(2)),
        ("posts_c.csv", rows(3)),
    ];
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    let folder = Folder::new(&files);
    let order = |newer: &str| {
        let mapping = POSTS.replace(
            "name = \"posts\"",
            &format!("name = \"posts\"\nnewer = {newer}"),
        );
        let seen = read(&folder.open(&mapping).expect("a readable folder"));
        seen.iter()
            .filter_map(|row| row.chars().nth(6))
            .collect::<String>()
    };
    assert_eq!(order("\"name\""), "abc");
    assert_eq!(
        order("[\"posts_c.csv\", \"posts_a.csv\", \"posts_b.csv\"]"),
        "cab"
    );
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(9);
    let file = std::fs::File::options()
        .write(true)
        .open(folder.0.join("posts_b.csv"));
    file.and_then(|file| file.set_modified(old))
        .expect("a file made old");
    assert_eq!(order("\"modified\"").chars().next(), Some('b'));
}

#[test]
fn a_path_can_name_the_account_and_the_platform() {
    let mapping = r#"
name = "series"
creator = { const = "someone" }
platform = { path = "site", map = { "instagram.com" = "instagram" } }
account = { path = "account" }
observed_at = { column = "at", time = "unix" }
[[table]]
name = "followers"
files = "{site}/{account}/followers.tsi"
columns = ["at", "value"]
[table.metrics]
followers = { column = "value" }
"#;
    let folder = Folder::new(&[
        (
            "instagram.com/secret/followers.tsi",
            "1735689600,100\njunk\n\n1736294400,\r\n1736899200,-5\n1736899200,7",
        ),
        ("twitter.com/secret/followers.tsi", "1735689600,100\n"),
    ]);
    let seen = read(&folder.open(mapping).expect("a readable folder"));
    assert_eq!(
        seen,
        [
            "instagram.com/secret/followers.tsi:1 followers=100",
            "instagram.com/secret/followers.tsi:2! the row has 1 columns: expected 2",
            "instagram.com/secret/followers.tsi:4 followers=?",
            "instagram.com/secret/followers.tsi:5! column value is '-5': expected a whole number \
             from 0 to 9223372036854775807",
            "instagram.com/secret/followers.tsi:6 followers=7",
            "twitter.com/secret/followers.tsi:1! 'twitter.com' is not a supported platform: the \
             part {site} of the file's path is not in its map: expected one of instagram.com",
        ]
    );
}

#[test]
fn json_is_read_by_line_and_by_document() {
    let mapping = r#"
name = "replies"
creator = { const = "someone" }
platform = { const = "tiktok" }
[[table]]
name = "lines"
format = "ndjson"
files = "*.ndjson"
account = { pointer = "/account" }
observed_at = { pointer = "/at", time = "unix_ms" }
[table.post]
id = { pointer = "/id" }
[table.post.metrics]
views = { pointer = "/stats/views" }
likes = { pointer = "/likes" }
[[table]]
name = "document"
format = "json"
files = "*.json"
rows = "/posts/*"
missing = "unknown"
null = "absent"
account = { root = "/id" }
observed_at = { const = "2025-03-05" }
[table.post]
id = { pointer = "/id" }
[table.post.metrics]
views = { pointer = "/views" }
likes = { pointer = "/likes" }
"#;
    let lines = concat!(
        "{\"account\": \"a\", \"at\": 1741064767123, \"id\": 9223372036854775808, \"stats\": \
         {\"views\": \"600\"}, \"likes\": null}\n",
        "[1]\n",
        "{\"account\": \"a\", \"at\": 1741064767123, \"id\": 99223372036854775808, \"likes\": 1}\n",
        "{\"account\": \"a\", \"at\": 1741064767123, \"id\": 1, \"likes\": 12.5}\n",
        "{\"account\": \"a\", \"at\": 1741064767123, \"id\": 1}",
    );
    let document = "{\"id\": 7, \"posts\": [{\"id\": \"p\", \"views\": 3}, {\"id\": \"q\", \
     \"views\": null, \"likes\": 4}]}";
    let folder = Folder::new(&[("a.ndjson", lines), ("b.json", document)]);
    let source = folder.open(mapping).expect("a readable folder");
    let names = &source.tables()[0].provenance.names;
    assert_eq!(
        names.get(&Metric::Views).map(String::as_str),
        Some("stats/views")
    );
    assert_eq!(
        read(&source),
        [
            "a.ndjson:1 views=600 likes=?",
            "a.ndjson:2! pointer '/account' is missing or blank: expected the account's id",
            "a.ndjson:3! pointer '/id' is a number that may have lost digits: expected text or a \
             whole number",
            "a.ndjson:4! pointer '/likes' is '12.5': expected a whole number from 0 to \
             9223372036854775807",
            "a.ndjson:5! the row says nothing: expected a value in at least one field",
            "b.json:1 views=3 likes=?",
            "b.json:2 likes=4",
        ]
    );
}

#[test]
fn a_list_of_accounts_needs_no_numbers() {
    let mapping = r#"
name = "list"
creator = { column = "creator" }
platform = { column = "platform" }
account = { column = "id" }
observed_at = { const = "2025-03-05" }
[[table]]
name = "accounts"
files = "*.csv"
[table.profile]
name = { column = "name" }
"#;
    let rows = "id,creator,platform,name\n1,me,tiktok,N\n2,me,tiktok,\n3,not me,tiktok,N\n\
     4,me,twitter,N\n";
    let folder = Folder::new(&[("a.csv", rows)]);
    let mut profiles = Vec::new();
    let source = folder.open(mapping).expect("a readable folder");
    let result = source.read(&mut |item, progress| {
        profiles.push(match item {
            Item::Reading(reading) => reading.profile.map(|it| it.name).ok_or_else(String::new),
            Item::Refused(refusal) => Err(refusal.reason),
        });
        if progress.rows == 4 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    result.expect("readable files");
    let creator =
        "column creator is no creator id: expected 1 to 128 letters, digits or any of - _ . : @";
    let platform =
        "'twitter' is not a supported platform: expected instagram, tiktok, youtube or facebook";
    assert_eq!(
        profiles,
        [
            Ok(Some("N".into())),
            Ok(None),
            Err(creator.into()),
            Err(platform.into())
        ]
    );
}
