//! Patterns of file paths: wildcards, literal alternatives, and captures that become fields.

/// A parsed pattern such as `accounts/{site}/{account}/{followers,subscribers}.tsi`.
///
/// `*` is any text within one name, `?` one character, `**` any number of folders, `{a,b}` one of
/// the texts, `{name}` a capture of at least one character, `{name:a,b}` a capture of one of them.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    text: String,
    segments: Vec<Segment>,
    captures: Vec<String>,
}

#[derive(Debug, Clone)]
enum Segment {
    AnyFolders,
    Name(Vec<Piece>),
}

#[derive(Debug, Clone)]
enum Piece {
    Literal(String),
    AnyCharacter,
    AnyText,
    OneOf {
        texts: Vec<String>,
        capture: Option<usize>,
    },
    Capture(usize),
}

impl Pattern {
    /// Parses a pattern; the error says what is wrong with it.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        let mut captures = Vec::new();
        let mut segments = Vec::new();
        for name in text.split('/') {
            segments.push(match name {
                "" => {
                    return Err(format!(
                        "'{text}' has an empty name: expected a path such as folder/*.csv"
                    ));
                }
                "." | ".." => {
                    return Err(format!(
                        "'{text}' leaves the folder: expected a path within it"
                    ));
                }
                "**" => Segment::AnyFolders,
                _ if name.contains("**") => {
                    return Err(format!("'{text}': expected ** alone between slashes"));
                }
                _ => Segment::Name(pieces(name, &mut captures)?),
            });
        }
        Ok(Self {
            text: text.to_owned(),
            segments,
            captures,
        })
    }

    /// The pattern as it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The names of its captures, in order.
    pub(crate) fn captures(&self) -> &[String] {
        &self.captures
    }

    /// What the captures stand for in this path (with `/` between names), if it fits.
    pub(crate) fn find<'p>(&self, path: &'p str) -> Option<Vec<&'p str>> {
        let names: Vec<&str> = path.split('/').collect();
        let mut found = vec![""; self.captures.len()];
        fits_path(&self.segments, &names, &mut found).then_some(found)
    }
}

fn pieces(name: &str, captures: &mut Vec<String>) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let plain = rest.find(['*', '?', '{', '}']).unwrap_or(rest.len());
        let (literal, special) = rest.split_at(plain);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal.to_owned()));
        }
        rest = match special.chars().next() {
            None => "",
            Some('{') => {
                let (inside, after) = special[1..]
                    .split_once('}')
                    .ok_or_else(|| format!("'{name}' opens a brace that it does not close"))?;
                pieces.push(braces(inside, captures)?);
                after
            }
            Some('}') => return Err(format!("'{name}' closes a brace that it does not open")),
            Some(wildcard) => {
                pieces.push(if wildcard == '*' {
                    Piece::AnyText
                } else {
                    Piece::AnyCharacter
                });
                &special[1..]
            }
        };
    }
    Ok(pieces)
}

fn braces(inside: &str, captures: &mut Vec<String>) -> Result<Piece, String> {
    let texts = |list: &str| list.split(',').map(str::to_owned).collect();
    let (name, list) = match inside.split_once(':') {
        Some((name, list)) => (name, Some(list)),
        None if inside.contains(',') => {
            return Ok(Piece::OneOf {
                texts: texts(inside),
                capture: None,
            });
        }
        None => (inside, None),
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(allowed) {
        return Err(format!(
            "'{{{inside}}}' is no capture: expected a name of letters, digits or _"
        ));
    }
    if captures.iter().any(|known| known == name) {
        return Err(format!(
            "'{{{name}}}' is captured twice: expected another name"
        ));
    }
    captures.push(name.to_owned());
    let capture = captures.len() - 1;
    Ok(match list {
        Some(list) => Piece::OneOf {
            texts: texts(list),
            capture: Some(capture),
        },
        None => Piece::Capture(capture),
    })
}

fn fits_path<'p>(segments: &[Segment], names: &[&'p str], found: &mut [&'p str]) -> bool {
    match (segments.split_first(), names.split_first()) {
        (None, None) => true,
        (Some((Segment::AnyFolders, [])), Some(_)) => true,
        (Some((Segment::AnyFolders, after)), Some((_, rest))) => {
            fits_path(after, names, found) || fits_path(segments, rest, found)
        }
        (Some((Segment::Name(pieces), after)), Some((name, rest))) => {
            fits_name(pieces, name, found) && fits_path(after, rest, found)
        }
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// Wildcards and captures take as little as they can.
fn fits_name<'p>(pieces: &[Piece], text: &'p str, found: &mut [&'p str]) -> bool {
    let Some((piece, after)) = pieces.split_first() else {
        return text.is_empty();
    };
    let ends = || text.char_indices().map(|(at, _)| at).chain([text.len()]);
    match piece {
        Piece::Literal(literal) => text
            .strip_prefix(literal.as_str())
            .is_some_and(|rest| fits_name(after, rest, found)),
        Piece::AnyCharacter => {
            let mut rest = text.chars();
            rest.next().is_some() && fits_name(after, rest.as_str(), found)
        }
        Piece::AnyText => ends().any(|end| fits_name(after, &text[end..], found)),
        Piece::OneOf { texts, capture } => texts.iter().any(|option| {
            let Some(rest) = text.strip_prefix(option.as_str()) else {
                return false;
            };
            let fits = fits_name(after, rest, found);
            if let (true, Some(slot)) = (fits, capture.and_then(|index| found.get_mut(index))) {
                *slot = &text[..option.len()];
            }
            fits
        }),
        Piece::Capture(index) => ends().skip(1).any(|end| {
            let fits = fits_name(after, &text[end..], found);
            if let (true, Some(slot)) = (fits, found.get_mut(*index)) {
                *slot = &text[..end];
            }
            fits
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find<'p>(pattern: &str, path: &'p str) -> Option<Vec<&'p str>> {
        Pattern::new(pattern).expect("a valid pattern").find(path)
    }

    #[test]
    fn wildcards_stay_within_a_name() {
        assert!(find("videos_*.csv", "videos_2026-01-21.csv").is_some());
        assert!(find("videos_*.csv", "old/videos_1.csv").is_none());
        assert!(find("*/videos_?.csv", "old/videos_1.csv").is_some());
        assert!(find("*/videos_?.csv", "old/videos_12.csv").is_none());
        assert!(find("?.csv", "é.csv").is_some());
        assert!(find("a.csv", "a.csv.bak").is_none());
    }

    #[test]
    fn two_stars_span_folders() {
        for path in ["a.csv", "x/a.csv", "x/y/a.csv"] {
            assert!(find("**/a.csv", path).is_some(), "{path}");
        }
        assert!(find("x/**", "x/y/z.csv").is_some());
        assert!(find("x/**", "x").is_none());
        assert!(find("x/**/z", "x/z").is_some());
        assert!(find("x/**/z", "y/z").is_none());
    }

    #[test]
    fn captures_and_alternatives() {
        let series = "accounts/{site}/{account}/{followers,subscribers}{,_rounded}.tsi";
        let path = "accounts/youtube.com/some.name/subscribers_rounded.tsi";
        assert_eq!(find(series, path), Some(vec!["youtube.com", "some.name"]));
        assert_eq!(
            find(series, "accounts/youtube.com/some.name/views.tsi"),
            None
        );
        assert_eq!(find(series, "accounts/youtube.com/followers.tsi"), None);
        assert_eq!(
            find("{site:a,ab}/{date}_{rest}.csv", "ab/1_2_3.csv"),
            Some(vec!["ab", "1", "2_3"])
        );
        assert_eq!(find("{name}.csv", ".csv"), None);
    }

    #[test]
    fn a_wrong_pattern_says_why() {
        for (pattern, why) in [
            ("", "empty name"),
            ("a//b", "empty name"),
            ("/a", "empty name"),
            ("../a", "leaves the folder"),
            ("a**", "alone between slashes"),
            ("{a", "does not close"),
            ("a}", "does not open"),
            ("{}", "no capture"),
            ("{a b}", "no capture"),
            ("{a}/{a}", "captured twice"),
        ] {
            let problem = Pattern::new(pattern).expect_err(pattern);
            assert!(problem.contains(why), "{pattern}: {problem}");
        }
    }
}
