//! What a mapping accepts, and how it says what is wrong.

use super::*;
use domain::Metric;
use domain::observation::{Cause, Precision};

const SMALL: &str = r#"
name = "small"
creator = { const = "someone" }
platform = { const = "youtube" }
account = { column = "channel" }
observed_at = { column = "day" }
[[table]]
name = "daily"
files = "daily_*.csv"
"#;

fn problem(rest: &str) -> String {
    Mapping::parse(&format!("{SMALL}{rest}"))
        .expect_err(rest)
        .to_string()
}

#[test]
fn a_table_takes_what_the_mapping_says_for_all() {
    let text = format!(
        "{SMALL}[table.metrics]\nfollowers = {{ column = \"subs\", significant_digits = 3 }}\n\
         views = {{ column = \"views\" }}"
    );
    let mapping = Mapping::parse(&text).expect("a valid mapping");
    let provenance = &mapping.tables[0].provenance;
    assert_eq!(provenance.source, "import:small/daily");
    assert_eq!(provenance.cause, Cause::Imported);
    assert_eq!(
        provenance.names.get(&Metric::Followers).map(String::as_str),
        Some("subs")
    );
    assert_eq!(
        provenance.names.get(&Metric::Views),
        None,
        "the name is ours"
    );
    let precision = provenance.precision.get(&Metric::Followers);
    assert_eq!(precision, Some(&Precision::SignificantDigits(3)));
    assert_eq!(
        mapping.tables[0].words.unknown,
        [""],
        "blank is unknown by default"
    );
}

#[test]
fn every_error_names_its_key() {
    for (rest, expected) in [
        ("", "table.daily: expected at least one of profile"),
        ("colour = 1", "unknown field `colour`"),
        (
            "[table.metrics]\nfolowers = { column = \"x\" }",
            "table.daily.metrics.folowers: 'folowers' is not a metric",
        ),
        (
            "[table.metrics]\nsaves = { column = \"x\" }",
            "'saves' is not a metric of an account",
        ),
        (
            "[table.metrics]\nviews = { }",
            "table.daily.metrics.views: expected exactly one of column",
        ),
        (
            "[table.metrics]\nviews = { column = \"a\", const = \"1\" }",
            "views: a constant is no observation",
        ),
        (
            "[table.metrics]\nviews = { column = \"a\", path = \"b\" }",
            "expected exactly one of",
        ),
        (
            "[table.metrics]\nviews = { column = \"a\", time = \"iso\" }",
            "time has no meaning for a metric",
        ),
        (
            "[table.metrics]\nviews = { pointer = \"/a\" }",
            "pointer is for json and ndjson",
        ),
        (
            "[table.metrics]\nviews = { path = \"a\" }",
            "it captures nothing",
        ),
        (
            "[table.metrics]\nviews = { column = \"a\", scale = 0 }",
            "scale is 0: expected",
        ),
        (
            "[table.metrics]\nviews = { column = \"a\", thousands = \"ab\" }",
            "thousands is 'ab'",
        ),
        (
            "columns = [\"day\"]\n[table.metrics]\nviews = { column = \"a\" }",
            "table.daily.account: column is 'channel': expected one of day",
        ),
        (
            "platform = { const = \"twitter\" }",
            "table.daily.platform: 'twitter' is not a supported platform",
        ),
        (
            "platform = { column = \"p\", map = { x = \"twitter\" } }",
            "table.daily.platform: 'twitter'",
        ),
        (
            "creator = { const = \"a b\" }",
            "table.daily.creator: 'a b' is not a valid creator id",
        ),
        (
            "observed_at = { const = \"soon\" }",
            "table.daily.observed_at: const is 'soon': expected a time",
        ),
        (
            "observed_at = { column = \"d\", zone = \"Mars\" }",
            "zone is 'Mars'",
        ),
        (
            "account = { column = \"a\", optional = true }",
            "account: optional has no meaning here",
        ),
        (
            "cause = \"observed\"\n[table.metrics]\nviews = { column = \"a\" }",
            "table.daily.cause: is 'observed': expected one of imported",
        ),
        ("format = \"xml\"", "unknown variant `xml`"),
        (
            "newer = \"size\"",
            "expected \"name\", \"modified\" or a list",
        ),
        (
            "delimiter = \"ab\"\n[table.profile]\nname = { column = \"a\" }",
            "table.daily.delimiter: expected one ASCII",
        ),
        (
            "rows = \"/a\"\n[table.profile]\nname = { column = \"a\" }",
            "table.daily.rows: is for json only",
        ),
        (
            "unknown = [\"x\"]\nabsent = [\"x\"]\n[table.profile]\nname = { column = \"a\" }",
            "table.daily.unknown: has 'x'",
        ),
        (
            "[table.metrics]\nviews = { column = \"a\" }\n[table.post]\nid = { column = \"i\" \
             }\n[table.post.metrics]\nviews = { column = \"b\" }",
            "expected two tables over the same files",
        ),
        (
            "[table.profile]\nname = { column = \"a\" }\n[[table]]\nname = \"daily\"\nfiles = \
             \"x\"\n[table.profile]\nname = { column = \"a\" }",
            "table.daily: occurs twice",
        ),
    ] {
        let problem = problem(rest);
        assert!(
            problem.contains(expected),
            "{rest}\n gave {problem}\n expected {expected}"
        );
    }
    let unnamed = Mapping::parse("name = \"A b\"\ntable = []").expect_err("a wrong name");
    assert_eq!(
        unnamed.to_string(),
        "name: is 'A b': expected 1 to 64 of a-z, 0-9, _ and -"
    );
}

#[test]
fn the_mappings_that_come_with_the_project_are_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder of mappings") {
        let path = entry.expect("an entry").path();
        let mapping = Mapping::load(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        assert_eq!(
            path.file_stem().and_then(|stem| stem.to_str()),
            Some(mapping.name())
        );
        names.push(mapping.name().to_owned());
    }
    assert!(names.len() >= 5, "found {names:?}");
}
