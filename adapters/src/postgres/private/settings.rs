//! The settings of the private Postgres, as the text of a file beside `postgresql.conf`.

use std::path::Path;

use super::PrivateError;

/// The name of the file, which `postgresql.conf` includes. Every start writes it anew.
pub(super) const FILE: &str = "social-ledger.conf";

/// For a small machine that Postgres shares with the program; the given settings come after and
/// win. Without compilation of queries: ours are short, and compiling takes longer than running.
const OURS: [(&str, &str); 12] = [
    ("cluster_name", "social-ledger"),
    ("max_connections", "200"),
    ("max_wal_size", "2GB"),
    ("checkpoint_timeout", "15min"),
    ("wal_compression", "lz4"),
    ("synchronous_commit", "on"),
    ("jit", "off"),
    ("autovacuum", "on"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("lc_messages", "C"),
    ("log_line_prefix", "%m [%p] "),
];

/// How much memory Postgres keeps pages in: an eighth of the machine's, within these bounds. A
/// projector that catches up changes pages all over its tables.
const BUFFERS_MIB: std::ops::RangeInclusive<u64> = 128..=2_048;

/// The megabytes of shared buffers for a machine with such a `/proc/meminfo`.
fn shared_buffers(meminfo: &str) -> u64 {
    let total = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next())
        .and_then(|kib| kib.parse::<u64>().ok())
        .unwrap_or(0);
    (total / 1_024 / 8).clamp(*BUFFERS_MIB.start(), *BUFFERS_MIB.end())
}

/// The file's text. How the server is reached comes last, so that no given setting opens it to
/// the network or moves the socket away from where clients look.
pub(super) fn text(given: &[(String, String)], run_dir: &Path) -> Result<String, PrivateError> {
    let run_dir = run_dir.to_string_lossy();
    let fixed = [
        ("listen_addresses", ""),
        ("port", "5432"),
        ("unix_socket_directories", run_dir.as_ref()),
        ("unix_socket_permissions", "0700"),
    ];
    let mut text = "# Written by social-ledger at every start; changes here are lost.\n".to_owned();
    let given = given
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let buffers = format!("{}MB", shared_buffers(&meminfo));
    let sized = [("shared_buffers", buffers.as_str())];
    let all = OURS.into_iter().chain(sized).chain(given).chain(fixed);
    for (name, value) in all {
        let bad = |reason| PrivateError::BadSetting {
            name: name.to_owned(),
            path: FILE.into(),
            reason,
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.".contains(&byte);
        if name.is_empty() || !name.bytes().all(plain) {
            return Err(bad("a name has only letters, digits, _ and ."));
        }
        if value.contains(['\n', '\r', '\0']) {
            return Err(bad("its value has more than one line"));
        }
        let value = value.replace('\\', "\\\\").replace('\'', "''");
        text.push_str(&format!("{name} = '{value}'\n"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_with(name: &str, value: &str) -> Result<String, PrivateError> {
        text(
            &[(name.to_owned(), value.to_owned())],
            Path::new("/data/run"),
        )
    }

    #[test]
    fn given_settings_win_over_ours_but_not_over_how_the_server_is_reached() {
        let text = text_with("listen_addresses", "*").expect("a sound setting");
        let last = text
            .lines()
            .rfind(|line| line.starts_with("listen_addresses"));
        assert_eq!(last, Some("listen_addresses = ''"));
        let text = text_with("jit", "on").expect("a sound setting");
        let last = text.lines().rfind(|line| line.starts_with("jit"));
        assert_eq!(last, Some("jit = 'on'"));
        assert!(
            text.contains("unix_socket_directories = '/data/run'\n"),
            "{text}"
        );
    }

    #[test]
    fn buffers_follow_the_memory_of_the_machine() {
        assert_eq!(shared_buffers("MemTotal:       16384000 kB\n"), 2_000);
        assert_eq!(shared_buffers("MemFree: 1 kB\nMemTotal: 999 kB\n"), 128);
        assert_eq!(shared_buffers("MemTotal:  263921384 kB"), 2_048);
        assert_eq!(shared_buffers("nothing of the kind"), 128);
    }

    #[test]
    fn a_value_cannot_break_out_of_its_quotes() {
        let text = text_with("a.b", r"it's \ here").expect("a sound setting");
        assert!(text.contains(r"a.b = 'it''s \\ here'"), "{text}");
        assert!(text_with("a", "one\ntwo").is_err());
        assert!(text_with("a = 'x'\nb", "1").is_err());
        assert!(text_with("", "1").is_err());
    }
}
