//! Manual, alert rules and dashboard speak of what the program shows, and of all of it.

use super::{Scrape, is_at_the_head, scrape, scrape_until, serve};
use anyhow::{Context, ensure};
use domain::Platform;
use fancy_regex::Regex;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tests::TestLedger;

/// A file of the project.
fn file(name: &str) -> anyhow::Result<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    std::fs::read_to_string(&path).with_context(|| path.display().to_string())
}

/// A scrape in which every metric has a sample.
async fn whole() -> anyhow::Result<Scrape> {
    let ledger = TestLedger::create().await?;
    ledger.import("creator", Platform::Tiktok, "one").await?;
    let server = serve(&ledger, &["serve"], &[])?;
    scrape_until(&server, "the read models are filled", is_at_the_head).await?;
    // The scrape before is among the requests that this one shows.
    scrape(&server.client, &server.base).await
}

/// A metric as a user of Prometheus names it: its type and labels.
type Metrics = BTreeMap<String, (String, BTreeSet<String>)>;

fn exported(scrape: &Scrape) -> Metrics {
    let name = |family: &str, kind: &str| match kind {
        "counter" => format!("{family}_total"),
        "info" => format!("{family}_info"),
        _ => family.to_owned(),
    };
    let families = scrape.types.iter();
    families
        .map(|(family, kind)| {
            let is_of_it = |sample: &&super::exposition::Sample| {
                let base = sample.name.as_str();
                let ends = ["", "_total", "_info", "_count"];
                ends.iter().any(|end| base == format!("{family}{end}"))
            };
            let samples = scrape.samples.iter().filter(is_of_it);
            let labels = samples.flat_map(|sample| sample.labels.keys().cloned());
            (name(family, kind), (kind.clone(), labels.collect()))
        })
        .collect()
}

/// The rows of the manual's tables of metrics.
fn documented(manual: &str) -> anyhow::Result<Metrics> {
    let mut found = Metrics::new();
    for line in manual
        .lines()
        .filter(|line| line.starts_with("| `social_ledger_"))
    {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, kind, unit, labels, meaning] = cells[..] else {
            anyhow::bail!("not five cells: {line}");
        };
        ensure!(!unit.is_empty() && !meaning.is_empty(), "{line}");
        let name = name.trim_matches('`').to_owned();
        let labels = labels.split(", ").filter(|label| !label.is_empty());
        let labels = labels.map(|label| label.trim_matches('`').to_owned());
        let twice = found.insert(name, (kind.to_owned(), labels.collect()));
        ensure!(twice.is_none(), "twice: {line}");
    }
    Ok(found)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manual_has_every_metric_and_no_other() -> anyhow::Result<()> {
    let scrape = whole().await?;
    let (exported, documented) = (exported(&scrape), documented(&file("docs/monitoring.md")?)?);
    ensure!(exported.len() > 30, "{exported:?}");
    let only = |here: &Metrics, there: &Metrics| -> Vec<_> {
        let lacks = here
            .iter()
            .filter(|(name, as_here)| there.get(*name) != Some(*as_here));
        lacks
            .map(|(name, as_here)| format!("{name} {as_here:?}"))
            .collect()
    };
    let (undocumented, invented) = (only(&exported, &documented), only(&documented, &exported));
    ensure!(
        undocumented.is_empty() && invented.is_empty(),
        "exported otherwise than documented: {undocumented:#?}\n\
         documented otherwise than exported: {invented:#?}"
    );
    Ok(())
}

/// Fails unless an expression names metrics and labels that the scrape has, and for labels with
/// few values only such values.
fn check_expression(expression: &str, scrape: &Scrape) -> anyhow::Result<()> {
    let series = Regex::new(r"(social_ledger_\w+)(?:\{([^}]*)\})?")?;
    let matcher = Regex::new(r#"(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)""#)?;
    let mut named = 0;
    for found in series.captures_iter(expression) {
        let found = found?;
        let name = &found[1];
        let samples: Vec<_> = scrape.samples.iter().filter(|s| s.name == name).collect();
        ensure!(!samples.is_empty(), "nobody exports {name}: {expression}");
        named += 1;
        let matchers = found.get(2).map_or("", |labels| labels.as_str());
        for pair in matcher.captures_iter(matchers) {
            let pair = pair?;
            let has = |value: &str| {
                let mut samples = samples.iter();
                samples.any(|sample| sample.labels.get(&pair[1]).is_some_and(|v| v == value))
            };
            let is_there = samples[0].labels.contains_key(&pair[1]);
            ensure!(is_there, "{name} has no {}: {expression}", &pair[1]);
            if ["state", "outcome"].contains(&&pair[1]) {
                let mut values = pair[2].split('|');
                ensure!(
                    values.all(has),
                    "{name} has no such {}: {expression}",
                    &pair[1]
                );
            }
        }
    }
    ensure!(named > 0, "it names no metric: {expression}");
    let depth = expression.chars().try_fold(0_i32, |depth, c| match c {
        '(' | '{' | '[' => Some(depth + 1),
        ')' | '}' | ']' => (depth > 0).then_some(depth - 1),
        _ => Some(depth),
    });
    ensure!(depth == Some(0), "unbalanced: {expression}");
    Ok(())
}

/// A file of rules, as Prometheus reads it: it refuses fields that it does not know.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    alert: String,
    expr: String,
    #[serde(default)]
    r#for: Option<String>,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_ask_for_what_there_is_and_the_manual_says_what_to_do() -> anyhow::Result<()> {
    let scrape = whole().await?;
    let manual = file("docs/monitoring.md")?;
    let rules: Rules = serde_saphyr::from_str(&file("docs/monitoring/alerts.yaml")?)?;
    let duration = Regex::new(r"^\d+[smh]$")?;
    let mut names = BTreeSet::new();
    for rule in rules.groups.iter().flat_map(|group| &group.rules) {
        check_expression(&rule.expr, &scrape)?;
        let heading = format!("\n### {}\n\n", rule.alert);
        ensure!(manual.contains(&heading), "the manual lacks {}", rule.alert);
        ensure!(names.insert(rule.alert.clone()), "{} twice", rule.alert);
        let severity = rule.labels.get("severity").map(String::as_str);
        ensure!(
            ["critical", "warning"].map(Some).contains(&severity),
            "{}",
            rule.alert
        );
        let summary = rule.annotations.get("summary");
        ensure!(
            summary.is_some_and(|said| said.len() > 20),
            "{}",
            rule.alert
        );
        if let Some(held) = &rule.r#for {
            ensure!(duration.is_match(held)?, "{}: {held}", rule.alert);
        }
    }
    ensure!(rules.groups.len() == 1 && rules.groups[0].name == "social-ledger");
    ensure!(names.len() > 10, "{names:?}");
    let (_, told) = manual.split_once("\n## Alerts\n").context("its alerts")?;
    ensure!(
        told.matches("\n### ").count() == names.len(),
        "an alert is gone"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_asks_for_what_there_is() -> anyhow::Result<()> {
    let scrape = whole().await?;
    let dashboard: Value = serde_json::from_str(&file("docs/monitoring/dashboard.json")?)?;
    let panels = dashboard["panels"].as_array().context("panels")?;
    let mut asked = String::new();
    let mut ids = BTreeSet::new();
    for panel in panels {
        ensure!(
            ids.insert(panel["id"].as_u64().context("an id")?),
            "{panel}"
        );
        if panel["type"] == "row" {
            continue;
        }
        let targets = panel["targets"].as_array().context("targets")?;
        ensure!(!targets.is_empty(), "{panel}");
        for target in targets {
            let expression = target["expr"].as_str().context("an expression")?;
            check_expression(&expression.replace("$__rate_interval", "5m"), &scrape)?;
            asked.push_str(expression);
        }
    }
    // Nothing is exported that nobody would see.
    for name in documented(&file("docs/monitoring.md")?)?.keys() {
        ensure!(asked.contains(name.as_str()), "no panel shows {name}");
    }
    Ok(())
}
