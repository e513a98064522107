//! Faults of the line: what a proxy, a full disk or a pulled cable does to an answer.

use crate::simulator::answer::{Answer, Body, Broken};

/// Their names.
pub(in crate::simulator) const LINE_FAULTS: [&str; 14] = [
    "hang",
    "drip",
    "truncated",
    "cut_off",
    "reset",
    "huge",
    "nested",
    "html_502",
    "html_200",
    "html_401",
    "empty_body",
    "empty_500",
    "not_utf8",
    "redirect",
];

/// The page of a proxy in trouble.
const PAGE: &str =
    "<html><head><title>Error</title></head><body>Sorry, something went wrong.</body></html>";

/// The answer of a fault of the line.
pub(super) fn named(name: &str, base: &str) -> Option<Answer> {
    let broken = |broken| Answer {
        status: 200,
        headers: Vec::new(),
        body: Body::Broken(broken),
    };
    let empty = |status| Answer {
        status,
        headers: Vec::new(),
        body: Body::Empty,
    };
    Some(match name {
        "hang" => broken(Broken::Hang),
        "drip" => broken(Broken::Drip),
        "truncated" => broken(Broken::Truncated),
        "cut_off" => broken(Broken::CutOff),
        "reset" => broken(Broken::Reset),
        "huge" => broken(Broken::Huge),
        "nested" => broken(Broken::Nested),
        "not_utf8" => broken(Broken::NotUtf8),
        "html_502" => Answer::html(502, PAGE.to_owned()),
        "html_200" => Answer::html(200, PAGE.to_owned()),
        "html_401" => Answer::html(401, PAGE.to_owned()),
        "empty_body" => empty(200),
        "empty_500" => empty(500),
        // Whoever follows it is counted, and what came along is known to have left.
        "redirect" => Answer::redirect(format!("{base}/_simulator/elsewhere")),
        _ => return None,
    })
}
