//! The parameter `fields`: an object has what was asked for, and always its id.

use super::error;
use crate::simulator::answer::Answer;
use crate::simulator::play::Call;
use serde_json::{Map, Value};

/// The names in a list of fields; what is in brackets belongs to the name before.
pub(in crate::simulator) fn names(text: &str) -> Vec<&str> {
    split(text)
        .into_iter()
        .map(|field| {
            field
                .split(['.', '{', '('])
                .next()
                .unwrap_or_default()
                .trim()
        })
        .filter(|name| !name.is_empty())
        .collect()
}

/// What stands in the brackets after a name, such as `id,media_type` of `children{id,media_type}`.
pub(in crate::simulator) fn within<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let field = split(text)
        .into_iter()
        .find(|field| field.trim().split(['.', '{', '(']).next() == Some(name))?;
    let (_, inner) = field.split_once('{')?;
    inner.trim_end().strip_suffix('}')
}

/// The fields of a list, separated by commas outside of brackets.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    text.split(|at: char| {
        match at {
            '{' | '(' => depth += 1,
            '}' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at == ',' && depth == 0
    })
    .collect()
}

/// An object with the fields that were asked for. What the platform does not know fails the call;
/// what it knows and has no value for is left out.
pub(in crate::simulator) fn select(
    call: &Call<'_>,
    mut all: Map<String, Value>,
    known: &[&str],
    node: &str,
    default: &str,
) -> Result<Value, Answer> {
    let asked = call.asked.param("fields").unwrap_or(default);
    let mut selected = Map::new();
    for name in names(asked).into_iter().chain(["id"]) {
        if !known.contains(&name) {
            let name: String = name.chars().take(80).collect();
            let why = format!("Tried accessing nonexisting field ({name}) on node type ({node})");
            return Err(error::invalid(&why, call.now));
        }
        if let Some(value) = all.remove(name) {
            selected.insert(name.to_owned(), value);
        }
    }
    Ok(Value::Object(selected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_belong_to_the_name_before() {
        let text = "id, children{id,media_type},reactions.limit(0).summary(total_count)";
        assert_eq!(names(text), ["id", "children", "reactions"]);
        assert_eq!(within(text, "children"), Some("id,media_type"));
        assert_eq!(within(text, "id"), None);
    }
}
