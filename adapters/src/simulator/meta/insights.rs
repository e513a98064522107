//! Entries of insights, in the two shapes that the Graph API has for them.

use crate::simulator::play::Call;
use serde_json::{Value, json};

/// The metrics that were asked for.
pub(in crate::simulator) fn metrics<'a>(call: &'a Call<'_>) -> Vec<&'a str> {
    let named = call.asked.param("metric").unwrap_or_default();
    let names = named.split(',').map(str::trim);
    names.filter(|it| !it.is_empty()).collect()
}

/// A title made of a metric's name.
fn title(metric: &str) -> String {
    let words = metric.split('_').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|it| it.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    words.collect::<Vec<_>>().join(" ")
}

/// An entry with values.
pub(in crate::simulator) fn values(node: &str, metric: &str, period: &str, values: Value) -> Value {
    json!({
        "name": metric,
        "period": period,
        "values": values,
        "title": title(metric),
        "description": "…",
        "id": format!("{node}/insights/{metric}/{period}"),
    })
}

/// An entry with a total.
pub(in crate::simulator) fn total(node: &str, metric: &str, period: &str, total: Value) -> Value {
    json!({
        "name": metric,
        "period": period,
        "title": title(metric),
        "description": "…",
        "total_value": total,
        "id": format!("{node}/insights/{metric}/{period}"),
    })
}

/// The parts of a total by one or several dimensions.
pub(in crate::simulator) fn breakdown(keys: &[&str], parts: &[(Vec<String>, i64)]) -> Value {
    let results: Vec<_> = parts
        .iter()
        .map(|(values, value)| json!({"dimension_values": values, "value": value}))
        .collect();
    json!([{"dimension_keys": keys, "results": results}])
}
