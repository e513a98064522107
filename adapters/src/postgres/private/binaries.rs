//! Finds the programs of an installed Postgres server.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::PrivateError;
use super::owner::Owner;
use super::process::run;

/// Names a folder with the programs, for an installation in an unusual place.
const FOLDER_VARIABLE: &str = "SOCIAL_LEDGER_PG_BIN";

/// Debian keeps each major version in a folder of its own here, and none of them on `PATH`.
const DEBIAN_FOLDER: &str = "/usr/lib/postgresql";

const PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

/// The folder of one complete installation.
#[derive(Debug)]
pub(super) struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// The installation to use: for an existing cluster one of its major version, since no other
    /// can open it; else the first of the named folder, `PATH`, and Debian's newest.
    pub(super) fn find(
        cluster: &Path,
        cluster_major: Option<&str>,
        owner: &Owner,
        data_dir: &Path,
    ) -> Result<Self, PrivateError> {
        let (looked_in, folders) = candidates();
        let mut found = Vec::new();
        for folder in folders {
            let Some(wanted) = cluster_major else {
                return Ok(Self { folder });
            };
            let major = major_of(&folder, owner, data_dir)?;
            if major == wanted {
                return Ok(Self { folder });
            }
            found.push(format!("Postgres {major} in {}", folder.display()));
        }
        Err(match cluster_major {
            Some(wanted) if !found.is_empty() => PrivateError::WrongVersion {
                path: cluster.to_path_buf(),
                cluster: wanted.to_owned(),
                found: found.join(", "),
            },
            _ => PrivateError::BinariesMissing { looked_in },
        })
    }

    pub(super) fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }
}

/// A client's program that can speak to a server of this major version: one of the same version,
/// else the oldest newer one. Also from an installation of clients alone.
pub(crate) fn tool(program: &str, server_major: u32) -> Option<PathBuf> {
    let (_, mut folders) = candidates();
    let path = env::var_os("PATH").unwrap_or_default();
    folders.extend(env::split_paths(&path).filter(|folder| folder.is_absolute()));
    let version = |path: &Path| {
        let output = Command::new(path).arg("--version").output().ok()?;
        major_in(&String::from_utf8_lossy(&output.stdout))
            .parse::<u32>()
            .ok()
    };
    let found = folders
        .into_iter()
        .map(|folder| folder.join(program))
        .filter_map(|path| Some((version(&path)?, path)));
    let fitting = found.filter(|(major, _)| *major >= server_major);
    fitting
        .min_by_key(|(major, _)| *major)
        .map(|(_, path)| path)
}

/// The places looked at, in words, and the complete installations there, best first. The
/// variables tell where the machine keeps its programs; they are paths, which need not be UTF-8.
fn candidates() -> (String, Vec<PathBuf>) {
    if let Some(folder) = env::var_os(FOLDER_VARIABLE).filter(|folder| !folder.is_empty()) {
        let folder = PathBuf::from(folder);
        // Programs run in the data folder, where a relative path would mean another place.
        let folder = folder.canonicalize().unwrap_or(folder);
        let looked_in = format!("{} (from {FOLDER_VARIABLE})", folder.display());
        return (
            looked_in,
            Some(folder)
                .into_iter()
                .filter(|folder| is_complete(folder))
                .collect(),
        );
    }
    let mut folders = on_path(&env::var_os("PATH").unwrap_or_default());
    folders.extend(debian_folders(Path::new(DEBIAN_FOLDER)));
    (
        format!("the folders of PATH and in {DEBIAN_FOLDER}/*/bin"),
        folders,
    )
}

/// Links are resolved, because the three programs must come from one installation.
fn on_path(path: &OsStr) -> Vec<PathBuf> {
    env::split_paths(path)
        .filter_map(|folder| folder.join(PROGRAMS[0]).canonicalize().ok())
        .filter_map(|program| program.parent().map(Path::to_path_buf))
        .filter(|folder| is_complete(folder))
        .collect()
}

/// Newest first. By number: as text, 9 would come after 15.
fn debian_folders(root: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(root) else {
        return Vec::new();
    };
    let mut versions: Vec<(Vec<u32>, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| Some((version_number(entry.file_name().to_str()?)?, entry.path())))
        .collect();
    versions.sort_unstable();
    versions
        .into_iter()
        .rev()
        .map(|(_, folder)| folder.join("bin"))
        .filter(|folder| is_complete(folder))
        .collect()
}

/// `15` as `[15]`, `9.6` as `[9, 6]`; `None` for a folder that names no version.
fn version_number(name: &str) -> Option<Vec<u32>> {
    name.split('.').map(|part| part.parse().ok()).collect()
}

fn is_complete(folder: &Path) -> bool {
    PROGRAMS.iter().all(|program| {
        fs::metadata(folder.join(program))
            .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    })
}

fn major_of(folder: &Path, owner: &Owner, data_dir: &Path) -> Result<String, PrivateError> {
    let mut command = owner.command(&folder.join("postgres"), data_dir);
    let output = run(
        "ask for the version of Postgres in",
        folder,
        command.arg("--version"),
    )?;
    Ok(major_in(&String::from_utf8_lossy(&output.stdout)).to_owned())
}

/// The `15` of `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, as a cluster's
/// `PG_VERSION` has it.
fn major_in(answer: &str) -> &str {
    let version = answer.split_whitespace().nth(2).unwrap_or_default();
    version
        .split(|letter: char| !letter.is_ascii_digit())
        .next()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        let mut versions = ["9.6", "15", "9", "10"].map(version_number);
        versions.sort_unstable();
        assert_eq!(versions, ["9", "9.6", "10", "15"].map(version_number));
        assert_eq!(version_number("common"), None);
    }

    #[test]
    fn the_major_version_is_read_from_what_postgres_says() {
        assert_eq!(
            major_in("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"),
            "15"
        );
        assert_eq!(major_in("postgres (PostgreSQL) 17rc1\n"), "17");
        assert_eq!(major_in("something else"), "");
    }
}
