//! Under whom Postgres runs: the user of this program, or for root a service user.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, fchown, lchown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::PrivateError;

/// The users that may run Postgres for root, best first.
const SERVICE_USERS: [&str; 2] = ["social-ledger", "postgres"];

/// The user who owns the cluster and runs its programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) name: String,
    pub(super) uid: u32,
    /// The group to switch to together with the user; `None` when no switch is needed.
    gid: Option<u32>,
}

impl Owner {
    /// For root: the user of the existing cluster, else the first service user there is.
    /// An existing cluster stays with its user even when a better one appears later, because
    /// thousands of files inside belong to them.
    pub(super) fn of(cluster: &Path) -> Result<Self, PrivateError> {
        let path = Path::new("/etc/passwd");
        let passwd = fs::read(path).map_err(PrivateError::io("read", path))?;
        let passwd = String::from_utf8_lossy(&passwd);
        let uid = effective_uid()?;
        if uid != 0 {
            return Ok(Self {
                name: name_of(&passwd, uid),
                uid,
                gid: None,
            });
        }
        match fs::metadata(cluster) {
            Ok(found) if found.uid() != 0 => {
                let (uid, gid) = (found.uid(), found.gid());
                Ok(Self {
                    name: name_of(&passwd, uid),
                    uid,
                    gid: Some(gid),
                })
            }
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(PrivateError::io("look at the cluster", cluster)(error))
            }
            Ok(_) | Err(_) => service_user(&passwd).ok_or(PrivateError::NoServiceUser),
        }
    }

    /// Whether this is another user than the one who runs the program.
    pub(super) fn is_service_user(&self) -> bool {
        self.gid.is_some()
    }

    /// Hands a file or folder over to this user, when that is somebody else. Never through a
    /// symbolic link: root must not be led to give away something else.
    pub(super) fn take(&self, path: &Path) -> Result<(), PrivateError> {
        if !self.is_service_user() {
            return Ok(());
        }
        lchown(path, Some(self.uid), self.gid)
            .map_err(PrivateError::io("hand over to the service user", path))
    }

    /// The same for a file that is open.
    pub(super) fn take_file(&self, file: &File, path: &Path) -> Result<(), PrivateError> {
        if !self.is_service_user() {
            return Ok(());
        }
        fchown(file, Some(self.uid), self.gid)
            .map_err(PrivateError::io("hand over to the service user", path))
    }

    /// Root can put the data folder where the service user cannot go. Every program would then
    /// fail with a bare "permission denied"; this says which folder is in the way.
    pub(super) fn check_can_enter(&self, folder: &Path) -> Result<(), PrivateError> {
        if !self.is_service_user() {
            return Ok(());
        }
        let shell = Path::new("/bin/sh");
        match self.command(shell, folder).args(["-c", ":"]).status() {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                let closed = folder
                    .ancestors()
                    .filter(|way| fs::metadata(way).is_ok_and(|found| found.mode() & 0o001 == 0))
                    .last();
                Err(PrivateError::NotReachable {
                    user: self.name.clone(),
                    data_dir: folder.to_path_buf(),
                    closed: closed.unwrap_or(folder).to_path_buf(),
                })
            }
            outcome => outcome.map(drop).map_err(PrivateError::io("run", shell)),
        }
    }

    /// A command that runs as this user in this folder, without input.
    pub(super) fn command(&self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        // Messages in English, because one place reads them.
        command
            .current_dir(folder)
            .stdin(Stdio::null())
            .env("LC_ALL", "C");
        // PGDATA, PGPORT and the like are meant for other servers of this user.
        for (name, _) in env::vars_os().filter(|(name, _)| names_postgres(name)) {
            command.env_remove(name);
        }
        if let Some(gid) = self.gid {
            // Switching from root also drops root's other groups.
            command.uid(self.uid).gid(gid).env("HOME", folder);
        }
        command
    }
}

/// Whether root runs this program.
pub(super) fn is_root() -> Result<bool, PrivateError> {
    Ok(effective_uid()? == 0)
}

/// From `/proc`, because the standard library cannot tell and asking libc is unsafe code.
fn effective_uid() -> Result<u32, PrivateError> {
    let path = Path::new("/proc/self/status");
    let status = fs::read_to_string(path).map_err(PrivateError::io("read", path))?;
    // "Uid:", then the real, the effective, the saved and the file system's user.
    status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .and_then(|uids| uids.split_whitespace().nth(1)?.parse().ok())
        .ok_or_else(|| PrivateError::io("find this program's user in", path)(no_uid()))
}

fn no_uid() -> io::Error {
    io::Error::new(
        ErrorKind::InvalidData,
        "it has no line \"Uid:\" with an effective user",
    )
}

fn names_postgres(variable: &OsStr) -> bool {
    variable.as_bytes().starts_with(b"PG")
}

fn service_user(passwd: &str) -> Option<Owner> {
    SERVICE_USERS.iter().find_map(|wanted| {
        let (name, uid, gid) = users(passwd).find(|(name, ..)| name == wanted)?;
        Some(Owner {
            name: name.to_owned(),
            uid,
            gid: Some(gid),
        })
    })
}

/// A user's name for messages; the number when they are not in `/etc/passwd`.
fn name_of(passwd: &str, wanted: u32) -> String {
    users(passwd)
        .find(|(_, uid, _)| *uid == wanted)
        .map_or_else(|| wanted.to_string(), |(name, ..)| name.to_owned())
}

/// Name, user and group of each sound line: `name:password:uid:gid:...`.
fn users(passwd: &str) -> impl Iterator<Item = (&str, u32, u32)> {
    passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some((name, uid, gid))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
                          broken line\n\
                          postgres:x:101:104:PostgreSQL,,,:/var/lib/postgresql:/bin/bash\n";

    #[test]
    fn the_own_service_user_comes_before_postgres() {
        let postgres = service_user(PASSWD).expect("postgres is there");
        assert_eq!(
            (postgres.name.as_str(), postgres.uid, postgres.gid),
            ("postgres", 101, Some(104))
        );
        let both = format!("{PASSWD}social-ledger:x:998:997::/nowhere:/bin/false\n");
        let own = service_user(&both).expect("social-ledger is there");
        assert_eq!(
            (own.name.as_str(), own.uid, own.gid),
            ("social-ledger", 998, Some(997))
        );
    }

    #[test]
    fn no_service_user_is_told_apart_from_one_with_a_similar_name() {
        assert_eq!(service_user("postgres2:x:1:1::/:/bin/sh\n"), None);
    }

    #[test]
    fn a_user_without_a_name_is_shown_by_number() {
        assert_eq!(name_of(PASSWD, 101), "postgres");
        assert_eq!(name_of(PASSWD, 4711), "4711");
    }
}
