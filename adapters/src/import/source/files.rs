//! Finds the files of a folder and shares them out: to tables, to what is ignored, to nobody.

use super::{IgnoredFile, ImportError};
use crate::import::mapping::{Mapping, Newer, Table};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// More files than this are taken for the wrong folder.
pub const MAX_FILES: usize = 100_000;

/// One file of one table.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) path: PathBuf,
    pub(super) name: Arc<str>,
    pub(super) bytes: u64,
    pub(super) captures: Vec<String>,
    modified: SystemTime,
}

/// The files of each table in the order of reading, and the others.
pub(super) struct Shared {
    pub(super) tables: Vec<Vec<Input>>,
    pub(super) ignored: Vec<IgnoredFile>,
    pub(super) unmatched: Vec<String>,
}

/// Shares out every file below `dir`.
pub(super) fn share(mapping: &Mapping, dir: &Path) -> Result<Shared, ImportError> {
    let found = find(dir)?;
    let mut shared = Shared {
        tables: mapping.tables.iter().map(|_| Vec::new()).collect(),
        ignored: Vec::new(),
        unmatched: Vec::new(),
    };
    for (name, path) in found {
        if let Some(ignore) = mapping
            .ignore
            .iter()
            .find(|it| it.files.find(&name).is_some())
        {
            shared.ignored.push(IgnoredFile {
                file: name,
                reason: ignore.reason.clone(),
            });
            continue;
        }
        let mut matched = false;
        for (table, inputs) in mapping.tables.iter().zip(&mut shared.tables) {
            let Some(captures) = table.files.find(&name) else {
                continue;
            };
            let unreadable = |error| ImportError::unreadable(&name, error);
            let metadata = std::fs::metadata(&path).map_err(unreadable)?;
            // A link to a folder is listed but not gone into: it may lead in circles.
            if !metadata.is_file() {
                continue;
            }
            matched = true;
            inputs.push(Input {
                path: path.clone(),
                name: name.as_str().into(),
                bytes: metadata.len(),
                captures: captures.into_iter().map(str::to_owned).collect(),
                modified: metadata.modified().map_err(unreadable)?,
            });
        }
        if !matched {
            shared.unmatched.push(name);
        }
    }
    for (table, inputs) in mapping.tables.iter().zip(&mut shared.tables) {
        if inputs.is_empty() && !table.optional {
            let (table, pattern) = (table.name.clone(), table.files.text().to_owned());
            return Err(ImportError::NothingMatches { table, pattern });
        }
        order(table, inputs)?;
    }
    Ok(shared)
}

/// Every file below a folder by its relative name, in the order of names.
fn find(dir: &Path) -> Result<BTreeMap<String, PathBuf>, ImportError> {
    let mut found = BTreeMap::new();
    let mut folders = vec![(String::new(), dir.to_owned())];
    while let Some((above, folder)) = folders.pop() {
        let unreadable = |error| ImportError::unreadable(&folder.display().to_string(), error);
        for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = format!("{above}{}", entry.file_name().to_string_lossy());
            if entry.file_type().map_err(unreadable)?.is_dir() {
                folders.push((format!("{name}/"), entry.path()));
            } else {
                found.insert(name, entry.path());
            }
            if found.len() + folders.len() > MAX_FILES {
                return Err(ImportError::TooManyFiles);
            }
        }
    }
    Ok(found)
}

/// Puts the newest file last, so that it has the last word. The files come in the order of names.
fn order(table: &Table, inputs: &mut [Input]) -> Result<(), ImportError> {
    let Newer::Files(listed) = &table.newer else {
        if matches!(table.newer, Newer::Modified) {
            inputs.sort_by_key(|input| input.modified);
        }
        return Ok(());
    };
    let wrong = |problem: String| {
        Err(ImportError::Order {
            table: table.name.clone(),
            problem,
        })
    };
    let place = |input: &Input| listed.iter().position(|name| **name == *input.name);
    if let Some(input) = inputs.iter().find(|input| place(input).is_none()) {
        return wrong(format!("'{}' matches but is not listed", input.name));
    }
    let has = |name: &String| inputs.iter().any(|input| *input.name == **name);
    if let Some(name) = listed.iter().find(|name| !has(name)) {
        return wrong(format!("'{name}' is listed but does not match"));
    }
    inputs.sort_by_key(place);
    Ok(())
}
