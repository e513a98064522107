//! Reads the OpenMetrics text format, strictly: what this refuses Prometheus might refuse.

use anyhow::{Context, bail, ensure};
use std::collections::{BTreeMap, BTreeSet};

/// One line with a value.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) value: f64,
}

/// All that was scraped.
pub(crate) struct Scrape {
    pub(crate) text: String,
    /// The types of the families, by the families' names.
    pub(crate) types: BTreeMap<String, String>,
    pub(crate) samples: Vec<Sample>,
}

/// What the names of a family's samples may end with.
fn endings(kind: &str) -> anyhow::Result<&'static [&'static str]> {
    Ok(match kind {
        "gauge" => &[""],
        "counter" => &["_total"],
        "info" => &["_info"],
        "histogram" => &["_bucket", "_sum", "_count"],
        _ => bail!("the type {kind} is not expected"),
    })
}

impl Scrape {
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let lines = text.strip_suffix("# EOF\n").context("no end")?;
        let mut types = BTreeMap::new();
        let mut helped = BTreeSet::new();
        let mut samples: Vec<Sample> = vec![];
        let mut family = (String::new(), String::new());
        let mut seen = BTreeSet::new();
        for line in lines.lines() {
            let Some(comment) = line.strip_prefix("# ") else {
                let sample = sample(line).with_context(|| line.to_owned())?;
                let end = sample.name.strip_prefix(&family.0).context("no family")?;
                ensure!(endings(&family.1)?.contains(&end), "{line}");
                let same = (sample.name.clone(), sample.labels.clone());
                ensure!(seen.insert(same), "twice: {line}");
                samples.push(sample);
                continue;
            };
            let (word, rest) = comment.split_once(' ').context("a comment")?;
            let (name, said) = rest.split_once(' ').with_context(|| line.to_owned())?;
            match word {
                "HELP" => ensure!(helped.insert(name.to_owned()) && said.len() > 10, "{line}"),
                "TYPE" => {
                    ensure!(helped.contains(name), "{line}");
                    let twice = types.insert(name.to_owned(), said.to_owned());
                    ensure!(twice.is_none(), "twice: {line}");
                    family = (name.to_owned(), said.to_owned());
                }
                "UNIT" => ensure!(name.ends_with(&format!("_{said}")), "{line}"),
                _ => bail!("{line}"),
            }
        }
        let scrape = Self {
            text: text.to_owned(),
            types,
            samples,
        };
        scrape.check_histograms()?;
        Ok(scrape)
    }

    /// Buckets grow, and the last one holds all.
    fn check_histograms(&self) -> anyhow::Result<()> {
        for total in self.samples.iter().filter(|s| s.name.ends_with("_count")) {
            let name = total.name.replace("_count", "_bucket");
            let is_of_it = |sample: &&Sample| {
                let mut labels = sample.labels.clone();
                labels.remove("le");
                sample.name == name && labels == total.labels
            };
            let buckets: Vec<_> = self.samples.iter().filter(is_of_it).collect();
            ensure!(
                buckets.is_sorted_by(|a, b| a.value <= b.value),
                "{buckets:?}"
            );
            let last = buckets.last().context("buckets")?;
            ensure!(
                last.labels["le"] == "+Inf" && last.value == total.value,
                "{total:?}"
            );
        }
        Ok(())
    }

    /// The values of the samples with this name and at least these labels.
    pub(crate) fn values(&self, name: &str, labels: &[(&str, &str)]) -> Vec<f64> {
        let has = |sample: &&Sample| {
            let mut labels = labels.iter();
            sample.name == name
                && labels
                    .all(|(label, value)| sample.labels.get(*label).is_some_and(|v| v == value))
        };
        let found = self.samples.iter().filter(has);
        found.map(|sample| sample.value).collect()
    }

    /// The value of the one sample with this name and at least these labels.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> anyhow::Result<f64> {
        match self.values(name, labels).as_slice() {
            [value] => Ok(*value),
            found => bail!("{name}{labels:?}: {found:?}"),
        }
    }

    /// The one state that a version is in.
    pub(super) fn state(&self, read_model: &str, version: &str) -> Option<String> {
        let is_it = |sample: &&Sample| {
            sample.name == "social_ledger_projection_state"
                && sample.labels["read_model"] == read_model
                && sample.labels["version"] == version
                && sample.value == 1.0
        };
        let mut found = self.samples.iter().filter(is_it);
        let state = found.next()?.labels["state"].clone();
        found.next().is_none().then_some(state)
    }
}

/// `name{label="value",...} 1`. The program's labels need no escapes, so none are read.
fn sample(line: &str) -> anyhow::Result<Sample> {
    let (series, value) = line.rsplit_once(' ').context("no value")?;
    let (name, labels) = match series.split_once('{') {
        Some((name, rest)) => (name, rest.strip_suffix('}').context("no end of labels")?),
        None => (series, ""),
    };
    let is_name =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b == b'_' || b.is_ascii_lowercase());
    ensure!(is_name(name), "a name");
    let mut read = BTreeMap::new();
    let mut rest = labels;
    while !rest.is_empty() {
        let (label, after) = rest.split_once("=\"").context("a label")?;
        let (value, after) = after.split_once('"').context("its value")?;
        ensure!(is_name(label) && !value.contains('\\'), "{label}");
        ensure!(
            read.insert(label.to_owned(), value.to_owned()).is_none(),
            "{label} twice"
        );
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    let value: f64 = value.parse()?;
    ensure!(value.is_finite(), "{value}");
    Ok(Sample {
        name: name.to_owned(),
        labels: read,
        value,
    })
}

#[test]
fn the_parser_refuses_what_is_wrong() {
    let good = "# HELP a what it is for\n# TYPE a counter\na_total{x=\"1\",y=\"2\"} 3\n# EOF\n";
    let scrape = Scrape::parse(good).expect("a good one");
    assert_eq!(scrape.values("a_total", &[("y", "2")]), [3.0]);
    for (from, to) in [
        ("# EOF\n", ""),
        ("a_total", "a"),
        ("counter", "thing"),
        ("} 3", "} x"),
        ("\"2\"", "2"),
        ("} 3\n", "} 3\na_total{x=\"1\",y=\"2\"} 3\n"),
        ("# HELP a what it is for\n", ""),
    ] {
        assert!(Scrape::parse(&good.replace(from, to)).is_err(), "{from}");
    }
}
