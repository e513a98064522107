//! How much of a wrong value the reason of a refusal repeats.

/// How much of a wrong value a reason shows.
const SHOWN_CHARACTERS: usize = 40;
/// The longest run of letters of a wrong value that a reason shows.
const LETTERS_SHOWN: usize = 2;

/// A wrong value as a reason shows it: cut, and without characters that confuse a terminal.
pub(super) fn shown(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(SHOWN_CHARACTERS).map(plain).collect()
}

/// A value that is no number or time, with every word in it left out: where columns are shifted, a
/// title may stand in a number's place, and refused rows outlive an erasure.
pub(super) fn without_words(text: &str) -> String {
    let mut kept = String::new();
    let mut word = String::new();
    for c in shown(text).chars().chain(['\0']) {
        if c.is_alphabetic() {
            word.push(c);
            continue;
        }
        if word.chars().count() > LETTERS_SHOWN {
            word = "...".to_owned();
        }
        kept.push_str(&word);
        word.clear();
        kept.push(c);
    }
    kept.pop();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_value_is_shown_without_its_words() {
        for (text, expected) in [
            ("12k", "12k"),
            ("2025-02-30T10:00Z", "2025-02-30T10:00Z"),
            ("k.A.", "k.A."),
            ("caf\u{e9}_luna 12", "..._... 12"),
            ("\u{1f424} my post", "\u{1f424} my ..."),
            ("word", "..."),
            ("", ""),
        ] {
            assert_eq!(without_words(text), expected);
        }
    }
}
