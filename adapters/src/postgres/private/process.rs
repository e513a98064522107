//! Runs the server's programs, and tells which processes belong to a cluster.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};

use super::PrivateError;

/// How much of a program's words or of the log goes into an error.
const TAIL_LINES: usize = 15;
const TAIL_BYTES: u64 = 4096;

/// Runs a program to its end; anything but success is an error that carries its last words.
pub(super) fn run(
    doing: &'static str,
    path: &Path,
    command: &mut Command,
) -> Result<Output, PrivateError> {
    let program = PathBuf::from(command.get_program());
    let output = command
        .output()
        .map_err(PrivateError::io("run", &program))?;
    if output.status.success() {
        return Ok(output);
    }
    Err(failed(doing, path, program, output.status, &output.stderr))
}

/// The error for a program that did not do what it should.
pub(super) fn failed(
    doing: &'static str,
    path: &Path,
    program: PathBuf,
    status: ExitStatus,
    stderr: &[u8],
) -> PrivateError {
    PrivateError::Program {
        doing,
        path: path.to_path_buf(),
        program,
        status,
        said: last_lines(&String::from_utf8_lossy(stderr)),
    }
}

/// The last lines of a log. One that cannot be read is said to be so: this goes into an error
/// that has something more important to tell.
pub(super) fn log_tail(log: &Path) -> String {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = fs::File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) => last_lines(&String::from_utf8_lossy(&bytes)),
        Err(error) => format!("(cannot be read: {error})"),
    }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let from = lines.len().saturating_sub(TAIL_LINES);
    if lines.is_empty() {
        "(nothing)".to_owned()
    } else {
        lines[from..].join("\n")
    }
}

/// Whether this process works in this folder. A server and all its children work in the
/// cluster's; a number in a pid file may be another process's by now.
pub(super) fn works_in(pid: u32, folder: &Path) -> bool {
    match (
        identity(Path::new(&format!("/proc/{pid}/cwd"))),
        identity(folder),
    ) {
        (Ok(working), Ok(wanted)) => working == wanted,
        _ => false,
    }
}

/// Whether any process works in this folder; "none" means that nobody uses the cluster there.
pub(super) fn anyone_works_in(folder: &Path) -> Result<bool, PrivateError> {
    Ok(!all_in(folder)?.is_empty())
}

/// All processes that work in this folder.
pub(super) fn all_in(folder: &Path) -> Result<Vec<u32>, PrivateError> {
    let wanted = identity(folder).map_err(PrivateError::io("look at the folder", folder))?;
    let proc = Path::new("/proc");
    let processes = fs::read_dir(proc)
        .map_err(PrivateError::io("list the processes in", proc))?
        .flatten();
    // What cannot be looked at has ended meanwhile, is a zombie, or belongs to another user,
    // who cannot run this cluster.
    Ok(processes
        .filter(|process| {
            identity(&process.path().join("cwd")).is_ok_and(|working| working == wanted)
        })
        .filter_map(|process| process.file_name().to_str()?.parse().ok())
        .collect())
}

/// Folders are compared by device and number, not by name: the way there may lead over links.
fn identity(folder: &Path) -> io::Result<(u64, u64)> {
    fs::metadata(folder).map(|found| (found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_text_is_kept() {
        let text: String = (1..=40)
            .map(|number| format!("line {number}\n\n"))
            .collect();
        let kept = last_lines(&text);
        assert!(
            kept.starts_with("line 26\n") && kept.ends_with("\nline 40"),
            "{kept}"
        );
        assert_eq!(last_lines("\n \n"), "(nothing)");
    }

    #[test]
    fn this_process_is_seen_at_work_in_its_folder() {
        let here = std::env::current_dir().expect("a working folder");
        assert!(works_in(std::process::id(), &here));
        assert!(anyone_works_in(&here).expect("/proc can be read"));
        let nobodys = Path::new("/proc/self/fd");
        assert!(!works_in(std::process::id(), nobodys));
        assert!(!anyone_works_in(nobodys).expect("/proc can be read"));
    }
}
