//! The file alone: what is written is read back, and nothing else passes for it.

use super::*;

const MASTER: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn book(path: &Path, master: &str) -> Book {
    let master = MasterKey::parse(master, "a test").expect("32 bytes in base64");
    Book {
        path: path.to_owned(),
        key: HmacKey::new(&derive(master.bytes(), "social-ledger/master/erasures/1")),
        read: Mutex::default(),
    }
}

fn erasure(number: u8) -> Erasure {
    Erasure {
        account: AccountId::from_uuid(uuid::Uuid::from_bytes([number; 16])),
        at: "2026-06-01T09:00:00Z".parse().expect("a time in RFC 3339"),
        reason: ErasureReason::Requested,
        key: (number.is_multiple_of(2)).then_some(Fingerprint([number; 16])),
    }
}

fn unseen() -> Seen {
    Seen {
        lines: 0,
        last: None,
    }
}

fn read(path: &Path) -> Result<Vec<Erasure>, String> {
    let read = book(path, MASTER).all(&unseen());
    read.map(|(all, _)| all).map_err(|error| error.0)
}

type Failed = Box<dyn std::error::Error>;

/// A file with three erasures.
fn three() -> Result<(tempfile::TempDir, PathBuf), Failed> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("beside the key/erasures.log");
    let book = book(&path, MASTER);
    for number in 1..=3 {
        assert_eq!(book.write(erasure(number))?.0, erasure(number));
    }
    Ok((folder, path))
}

#[test]
fn what_is_written_is_read_back_once_for_each_account() -> Result<(), Failed> {
    let (_folder, path) = three()?;
    let all = [1, 2, 3].map(erasure).to_vec();
    assert_eq!(read(&path)?, all);
    let later = Erasure {
        at: "2026-07-01T09:00:00Z".parse()?,
        ..erasure(2)
    };
    assert_eq!(book(&path, MASTER).write(later)?.0, erasure(2));
    assert_eq!(read(&path)?, all);
    assert_eq!(read(Path::new("/nowhere/at/all")), Ok(vec![]));
    Ok(())
}

#[test]
fn two_processes_write_one_chain() -> Result<(), Failed> {
    let (_folder, path) = three()?;
    let (one, other) = (book(&path, MASTER), book(&path, MASTER));
    for number in 4_u8..10 {
        let writer = if number.is_multiple_of(2) {
            &one
        } else {
            &other
        };
        assert_eq!(writer.write(erasure(number))?.1, usize::from(number));
    }
    assert_eq!(read(&path)?.len(), 9);
    Ok(())
}

#[test]
fn every_change_is_found_and_its_line_named() -> Result<(), Failed> {
    let (_folder, path) = three()?;
    let text = std::fs::read_to_string(&path)?;
    let lines: Vec<&str> = text.lines().collect();
    let join = |lines: &[&str]| format!("{}\n", lines.join("\n"));
    let changed = text.replacen("requested", "retention_ended", 2);
    let moved = text.replacen("2026-06-01", "2026-06-02", 1);
    let cases = [
        (changed, 1),
        (moved, 1),
        (join(&lines[1..]), 1),
        (join(&[lines[0], lines[2]]), 2),
        (join(&[lines[0], lines[2], lines[1]]), 2),
        (join(&[lines[0], "", lines[1]]), 2),
    ];
    for (wrong, line) in cases {
        std::fs::write(&path, &wrong)?;
        let said = read(&path).unwrap_err();
        assert!(
            said.contains(&format!("line {line} does not hold")),
            "{said}"
        );
    }
    std::fs::write(&path, &text)?;
    let other = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    let said = book(&path, other).all(&unseen()).unwrap_err().0;
    assert!(said.contains("line 1 does not hold"), "{said}");
    Ok(())
}

#[test]
fn every_torn_end_is_passed_over_and_written_over() -> Result<(), Failed> {
    let (_folder, path) = three()?;
    let whole = std::fs::read(&path)?;
    let third = whole[..whole.len() - 1]
        .iter()
        .rposition(|byte| *byte == b'\n');
    for end in third.ok_or("two lines")? + 1..whole.len() {
        std::fs::write(&path, &whole[..end])?;
        assert_eq!(read(&path)?, [1, 2].map(erasure));
        book(&path, MASTER).write(erasure(3))?;
        assert_eq!(std::fs::read(&path)?, whole);
    }
    Ok(())
}

#[test]
fn lines_that_a_database_has_seen_may_not_be_missing() -> Result<(), Failed> {
    let (_folder, path) = three()?;
    let (_, last) = book(&path, MASTER).all(&unseen())?;
    let seen = Seen {
        lines: 3,
        last: last.map(|last| last.to_vec()),
    };
    assert!(book(&path, MASTER).all(&seen).is_ok());
    let text = std::fs::read_to_string(&path)?;
    let two: Vec<_> = text.lines().take(2).collect();
    std::fs::write(&path, format!("{}\n", two.join("\n")))?;
    let said = book(&path, MASTER).all(&seen).unwrap_err().0;
    assert!(
        said.contains("has 2 lines") && said.contains("seen 3"),
        "{said}"
    );
    std::fs::remove_file(&path)?;
    let said = book(&path, MASTER).all(&seen).unwrap_err().0;
    assert!(said.contains("has 0 lines"), "{said}");
    // And one that grows shorter under a running process.
    std::fs::write(&path, &text)?;
    let running = book(&path, MASTER);
    running.all(&seen)?;
    std::fs::write(&path, "")?;
    assert!(running.all(&seen).is_err());
    Ok(())
}
