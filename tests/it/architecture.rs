//! The architecture as a test: which crate may use which, and the house rules no compiler knows.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The longest source file: what one can still read in one go.
const LINES_LIMIT: usize = 400;

/// What one crate of the workspace may and must not name under `[dependencies]`.
struct Rule {
    name: &'static str,
    /// Crates of this workspace.
    may_use: &'static [&'static str],
    /// Crates of others; a `*` at the end stands for any ending. Those not listed are allowed.
    must_not_use: &'static [&'static str],
    instead: &'static str,
}

/// `tests -> bin -> adapters -> commands -> domain`, and `adapters -> projections -> domain`.
/// Whoever stands further left may also name what is further right; `migrations`, the SQL beside
/// the adapters, is for them and for `tests`.
const RULES: &[Rule] = &[
    Rule {
        name: "domain",
        may_use: &[],
        must_not_use: &[
            "tokio*",
            "futures*",
            "tracing*",
            "axum*",
            "reqwest",
            "eventstore",
            "kurrentdb",
            "deadpool*",
            "getrandom",
            "rand*",
            "anyhow",
        ],
        instead: "the domain is pure: take times, ids and whatever was looked up as arguments, and \
                  let commands or adapters fetch them",
    },
    Rule {
        name: "commands",
        may_use: &["domain"],
        must_not_use: &[
            "axum*",
            "reqwest",
            "eventstore",
            "kurrentdb",
            "tokio-postgres",
            "deadpool*",
            "anyhow",
        ],
        instead: "name what a use case needs in a port, implement the port in adapters, and \
                  describe failures with thiserror",
    },
    Rule {
        name: "projections",
        may_use: &["domain"],
        must_not_use: &[
            "axum*",
            "reqwest",
            "eventstore",
            "kurrentdb",
            "deadpool*",
            "anyhow",
        ],
        instead: "the read side reads events through its port EventFeed and is handed its database \
                  client; HTTP, pools and logs belong to adapters, and failures to thiserror",
    },
    Rule {
        name: "adapters",
        may_use: &["commands", "domain", "migrations", "projections"],
        must_not_use: &["anyhow"],
        instead: "adapters know nothing of the executable that wires them: take what is needed as \
                  an argument, and describe failures with thiserror",
    },
    Rule {
        name: "migrations",
        may_use: &[],
        must_not_use: &["tokio*", "deadpool*", "anyhow"],
        instead: "this crate only embeds SQL; adapters run it",
    },
    Rule {
        name: "bin",
        may_use: &["adapters", "commands", "domain", "projections"],
        must_not_use: &["tokio-postgres", "deadpool*", "axum*"],
        instead: "the executable only configures and wires: put SQL and handlers into adapters and \
                  call a function there",
    },
    Rule {
        name: "tests",
        may_use: &[
            "adapters",
            "bin",
            "commands",
            "domain",
            "migrations",
            "projections",
        ],
        must_not_use: &[],
        instead: "",
    },
];

/// A crate of the workspace with the names of its direct dependencies, ours and others'.
struct Crate {
    name: String,
    uses: Vec<String>,
}

/// One sentence for each edge that breaks a rule, and for each crate without rule or the reverse.
fn violations(crates: &[Crate], rules: &[Rule]) -> Vec<String> {
    let mut found = Vec::new();
    for rule in rules {
        if !crates.iter().any(|known| known.name == rule.name) {
            found.push(format!(
                "there is a rule for {}, but no such crate: remove it",
                rule.name
            ));
        }
    }
    for Crate { name, uses } in crates {
        let Some(rule) = rules.iter().find(|rule| rule.name == name) else {
            found.push(format!(
                "the crate {name} has no rule: say in RULES what it may use"
            ));
            continue;
        };
        for used in uses {
            let is_ours = rules.iter().any(|rule| rule.name == used);
            let is_allowed = if is_ours {
                rule.may_use.contains(&used.as_str())
            } else {
                !rule
                    .must_not_use
                    .iter()
                    .any(|pattern| matches(pattern, used))
            };
            if !is_allowed {
                found.push(format!("{name} -> {used} is forbidden: {}", rule.instead));
            }
        }
    }
    found
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

fn workspace() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    Ok(root
        .context("the tests crate has no parent folder")?
        .to_path_buf())
}

fn workspace_crates() -> Result<Vec<Crate>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(workspace()?)
        .output()
        .context("running cargo metadata")?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo metadata failed: {stderr}");
    let metadata: Value = serde_json::from_slice(&output.stdout).context("reading its JSON")?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    packages.iter().map(workspace_crate).collect()
}

fn workspace_crate(package: &Value) -> Result<Crate> {
    let name = package["name"]
        .as_str()
        .context("a package without a name")?;
    let dependencies = package["dependencies"]
        .as_array()
        .context("no dependencies")?;
    let uses = dependencies
        .iter()
        // Those for tests and build scripts have a kind.
        .filter(|dependency| dependency["kind"].is_null())
        // A renamed one counts under both names.
        .flat_map(|dependency| [&dependency["name"], &dependency["rename"]])
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    Ok(Crate {
        name: name.to_owned(),
        uses,
    })
}

/// Every file of the workspace with one of these endings, with its text.
fn sources(endings: &[&str]) -> Result<Vec<(PathBuf, String)>> {
    let root = workspace()?;
    let mut folders = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("listing {folder:?}"))? {
            let entry = entry?;
            let path = entry.path();
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if entry.file_type()?.is_dir() {
                // The tag marks a build folder, whatever its name.
                let is_built = name == "target" || path.join("CACHEDIR.TAG").exists();
                if !is_built && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if path
                .extension()
                .is_some_and(|found| endings.iter().any(|it| found == *it))
            {
                let text = fs::read_to_string(&path).with_context(|| format!("{path:?}"))?;
                found.push((path.strip_prefix(&root)?.to_path_buf(), text));
            }
        }
    }
    let this_file = Path::new("tests/it/architecture.rs");
    ensure!(
        found.iter().any(|(path, _)| path == this_file),
        "the search misses this very file"
    );
    Ok(found)
}

/// The files to which a rule answers with a complaint; the test fails with all of them at once.
fn complain(files: &[(PathBuf, String)], rule: impl Fn(&str) -> Option<String>) -> Result<()> {
    let complaints: Vec<String> = files
        .iter()
        .filter_map(|(path, text)| Some(format!("{}: {}", path.display(), rule(text)?)))
        .collect();
    ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
    Ok(())
}

#[test]
fn crates_use_only_what_they_may() -> Result<()> {
    let found = violations(&workspace_crates()?, RULES);
    ensure!(found.is_empty(), "{}", found.join("\n"));
    Ok(())
}

#[test]
fn a_forbidden_edge_is_refused() {
    // The whole workspace without dependencies, then one edge at a time.
    let with_edge = |from: &str, to: &[&str]| {
        let mut crates: Vec<Crate> = RULES
            .iter()
            .map(|rule| Crate {
                name: rule.name.to_owned(),
                uses: Vec::new(),
            })
            .collect();
        for known in crates.iter_mut().filter(|known| known.name == from) {
            known.uses = to.iter().map(|&name| name.to_owned()).collect();
        }
        violations(&crates, RULES)
    };
    assert_eq!(
        with_edge("adapters", &["projections", "axum", "serde"]),
        Vec::<String>::new()
    );
    for (from, to) in [
        ("projections", "commands"),
        ("commands", "projections"),
        ("commands", "adapters"),
        ("adapters", "bin"),
        ("bin", "migrations"),
        ("bin", "tokio-postgres"),
        ("domain", "futures-util"),
        ("commands", "eventstore"),
    ] {
        let found = with_edge(from, &["serde", to]);
        assert_eq!(found.len(), 1, "{from} -> {to}: {found:?}");
        assert!(
            found[0].starts_with(&format!("{from} -> {to} is forbidden: ")),
            "{found:?}"
        );
    }
    let stray = [Crate {
        name: "helpers".to_owned(),
        uses: Vec::new(),
    }];
    assert!(violations(&stray, &[])[0].contains("helpers has no rule"));
    assert!(violations(&[], RULES)[0].contains("no such crate"));
}

#[test]
fn every_file_says_what_it_is_and_is_short() -> Result<()> {
    complain(&sources(&["rs"])?, |text| {
        if !text.starts_with("//!") {
            return Some("its first line must say what it is: start it with //!".to_owned());
        }
        let lines = text.lines().count();
        (lines > LINES_LIMIT)
            .then(|| format!("{lines} lines, at most {LINES_LIMIT}: split it by what it does"))
    })
}

// The needles below are put together from parts, so that this file need not be left out.

#[test]
fn sql_names_its_columns() -> Result<()> {
    complain(&sources(&["rs", "sql"])?, |text| {
        let words = text
            .to_lowercase()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        words.contains(concat!("select", " *")).then(|| {
            "a statement takes all columns: name them, so that a new column changes no query"
                .to_owned()
        })
    })
}

#[test]
fn nothing_is_left_for_later() -> Result<()> {
    let unfinished = [
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("dbg", "!("),
    ];
    complain(&sources(&["rs"])?, |text| {
        let found = unfinished.iter().find(|needle| text.contains(**needle))?;
        Some(format!("{found}...) is left: build it, or leave it out"))
    })
}
