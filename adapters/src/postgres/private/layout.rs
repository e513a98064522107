//! Where things lie in the data folder, and the folders' owners and modes.

use std::fs::{self, DirBuilder, Permissions};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::PrivateError;
use super::owner::{self, Owner};

/// The name of the cluster's folder in the data folder.
pub(super) const CLUSTER_FOLDER: &str = "postgres";

const SOCKET_FILE: &str = ".s.PGSQL.5432";

/// The longest path a Unix socket may have on Linux: 108 bytes with the one that ends it.
const SOCKET_PATH_LIMIT: usize = 107;

/// The paths of one private Postgres, all absolute.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) data_dir: PathBuf,
    /// The cluster (PGDATA).
    pub(super) cluster: PathBuf,
    /// The folder of the socket.
    pub(super) run_dir: PathBuf,
    pub(super) log: PathBuf,
}

impl Layout {
    /// Makes the data folder when it is absent, and one that the service user can pass through
    /// when root runs the program. Passing is all it may: what else lies there stays root's.
    pub(super) fn prepare(data_dir: &Path) -> Result<Self, PrivateError> {
        let root = owner::is_root()?;
        DirBuilder::new()
            .recursive(true)
            .mode(if root { 0o711 } else { 0o700 })
            .create(data_dir)
            .map_err(PrivateError::io("make the data folder", data_dir))?;
        let data_dir = data_dir
            .canonicalize()
            .map_err(PrivateError::io("find the data folder", data_dir))?;
        if root {
            let found = fs::metadata(&data_dir)
                .map_err(PrivateError::io("look at", &data_dir))?
                .mode();
            if found & 0o711 != 0o711 {
                let open = Permissions::from_mode((found | 0o711) & 0o7777);
                fs::set_permissions(&data_dir, open)
                    .map_err(PrivateError::io("open to the service user", &data_dir))?;
            }
        }
        Ok(Self {
            cluster: data_dir.join(CLUSTER_FOLDER),
            run_dir: run_dir(&data_dir),
            log: data_dir.join("postgres.log"),
            data_dir,
        })
    }

    pub(super) fn start_lock(&self) -> PathBuf {
        self.data_dir.join("start.lock")
    }

    pub(super) fn users_lock(&self) -> PathBuf {
        self.data_dir.join("users.lock")
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.run_dir.join(SOCKET_FILE)
    }

    pub(super) fn socket_lock(&self) -> PathBuf {
        self.run_dir.join(format!("{SOCKET_FILE}.lock"))
    }

    /// Makes the folder of the socket, open to nobody but its owner: with `trust` in
    /// `pg_hba.conf` this folder is what keeps others out.
    pub(super) fn prepare_run_dir(&self, owner: &Owner) -> Result<(), PrivateError> {
        let path = &self.run_dir;
        match DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(PrivateError::io("make the folder", path)(error)),
        }
        // Looked at even when just made: in /tmp somebody else could have been faster. A folder
        // that is still root's is one that a killed predecessor had no time to hand over.
        let found =
            fs::symlink_metadata(path).map_err(PrivateError::io("look at the folder", path))?;
        let ours = found.uid() == owner.uid || (owner.is_service_user() && found.uid() == 0);
        if !found.is_dir() || !ours || found.mode() & 0o077 != 0 {
            return Err(PrivateError::ForeignFolder {
                path: path.clone(),
                user: owner.name.clone(),
            });
        }
        if found.uid() == owner.uid {
            Ok(())
        } else {
            owner.take(path)
        }
    }
}

/// `<data>/run`, unless its path would be too long for a socket, or has characters that the
/// server's or the client's settings would read as separators. Then a folder in `/tmp` whose name
/// follows from the data folder's, so that every process of one cluster finds the same.
fn run_dir(data_dir: &Path) -> PathBuf {
    let inside = data_dir.join("run");
    let bytes = inside.as_os_str().as_bytes();
    let fits = bytes.len() + 1 + SOCKET_FILE.len() <= SOCKET_PATH_LIMIT;
    let plain = bytes
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(byte));
    if fits && plain {
        return inside;
    }
    let name = Uuid::new_v5(&Uuid::NAMESPACE_URL, data_dir.as_os_str().as_bytes());
    PathBuf::from(format!("/tmp/social-ledger-{}", name.simple()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_lies_in_the_data_folder_when_it_can() {
        assert_eq!(
            run_dir(Path::new("/var/lib/social-ledger")),
            Path::new("/var/lib/social-ledger/run")
        );
    }

    #[test]
    fn a_path_too_long_or_with_separators_moves_the_socket_to_tmp() {
        let room = SOCKET_PATH_LIMIT - "/run/".len() - SOCKET_FILE.len();
        let longest = format!("/{}", "a".repeat(room - 1));
        let too_long = format!("/{}", "a".repeat(room));
        assert_eq!(
            run_dir(Path::new(&longest)),
            Path::new(&longest).join("run")
        );
        for elsewhere in [
            too_long.as_str(),
            "/home/a b",
            "/home/a,b",
            "/home/ä",
            "/home/it's",
        ] {
            let moved = run_dir(Path::new(elsewhere));
            assert!(moved.starts_with("/tmp"), "{}", moved.display());
            assert!(moved.join(SOCKET_FILE).as_os_str().len() <= SOCKET_PATH_LIMIT);
            assert_eq!(
                moved,
                run_dir(Path::new(elsewhere)),
                "the name must be stable"
            );
        }
        assert_ne!(
            run_dir(Path::new("/home/a b")),
            run_dir(Path::new("/home/a,b"))
        );
    }
}
