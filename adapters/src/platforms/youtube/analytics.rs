//! Reports of the Analytics API: a table, read by the names of its columns.

use crate::platforms::call::Call;
use crate::platforms::class::Class;
use crate::platforms::failure::Failure;
use crate::platforms::json::{Doubts, Why, cut, list, percent_millionths, text, whole};
use crate::platforms::moment;
use crate::platforms::understood::{Content, Figure, FigureUnit, Insights, Understood};
use domain::observation::Period;
use serde_json::Value;
use std::collections::BTreeMap;

/// The most figures of one report that are taken: 90 days by 50 countries and two metrics.
const MAX_FIGURES: usize = 9_000;

/// The most columns of a report.
const MAX_COLUMNS: usize = 64;

/// The metrics that are read, the unit they become, and what one of theirs has of it. Money is
/// none of the ledger's business.
const METRICS: [(&str, FigureUnit, i64); 10] = [
    ("views", FigureUnit::Count, 1),
    ("engagedViews", FigureUnit::Count, 1),
    ("likes", FigureUnit::Count, 1),
    ("comments", FigureUnit::Count, 1),
    ("shares", FigureUnit::Count, 1),
    ("subscribersGained", FigureUnit::Count, 1),
    ("subscribersLost", FigureUnit::Count, 1),
    ("estimatedMinutesWatched", FigureUnit::Milliseconds, 60_000),
    ("averageViewDuration", FigureUnit::Milliseconds, 1_000),
    ("viewerPercentage", FigureUnit::Millionths, 1),
];

enum Column<'v> {
    Day,
    Dimension(&'v str),
    Metric(&'static (&'static str, FigureUnit, i64)),
    Other,
}

/// Reads a report. Rows are left out, or empty, where there is nothing to know. None of the
/// figures is a total of the ledger: they are amounts within a span.
pub(super) fn report(call: &Call, json: &Value) -> Result<Understood, Failure> {
    let headers = list(json, "columnHeaders");
    let is_report = text(json, "kind") == Some("youtubeAnalytics#resultTable");
    if !is_report && headers.is_empty() {
        return Err(Failure::new(Class::Transient, "no_report"));
    }
    let columns: Vec<_> = headers.iter().take(MAX_COLUMNS).map(column).collect();
    let rows = list(json, "rows");
    let mut doubts = Doubts::default();
    let mut insights = Insights::default();
    for row in rows {
        let cells = row.as_array().map(Vec::as_slice).unwrap_or_default();
        if cells.len() != headers.len() {
            doubts.add("rows", Why::NotANumber);
            continue;
        }
        read_row(call.span, &columns, cells, &mut insights, &mut doubts);
        if insights.figures.len() > MAX_FIGURES {
            return Err(Failure::new(Class::Transient, "too_many_entries"));
        }
    }
    let found = Understood::new(Content::Insights(insights), doubts);
    Ok(match rows.is_empty() {
        true => found.classed(Class::OkNoData),
        false => found,
    })
}

fn column(header: &Value) -> Column<'_> {
    let name = text(header, "name").unwrap_or_default();
    match text(header, "columnType") {
        Some("DIMENSION") if name == "day" => Column::Day,
        Some("DIMENSION") => Column::Dimension(name),
        _ => METRICS
            .iter()
            .find(|(known, _, _)| *known == name)
            .map_or(Column::Other, Column::Metric),
    }
}

fn read_row(
    span: Option<Period>,
    columns: &[Column<'_>],
    cells: &[Value],
    insights: &mut Insights,
    doubts: &mut Doubts,
) {
    let mut period = span;
    let mut part = BTreeMap::new();
    for (column, cell) in columns.iter().zip(cells) {
        match (column, cell.as_str()) {
            (Column::Day, day) => {
                period = day.and_then(moment::pacific_day);
                // Its numbers would stand for another day, or for all of them.
                if period.is_none() {
                    doubts.add("day", Why::NotATime);
                    return;
                }
            }
            (Column::Dimension(name), Some(value)) => {
                part.insert(cut(name), cut(value));
            }
            (Column::Dimension(_), None) => {
                doubts.add("rows", Why::NotANumber);
                return;
            }
            (Column::Metric(_) | Column::Other, _) => {}
        }
    }
    for (column, cell) in columns.iter().zip(cells) {
        let Column::Metric((name, unit, scale)) = column else {
            continue;
        };
        let value = match unit {
            FigureUnit::Millionths => percent_millionths(cell).map(Some),
            FigureUnit::Count | FigureUnit::Milliseconds => whole(cell),
        };
        match value.map(|it| it.map(|value| value.checked_mul(*scale))) {
            Ok(None) => {}
            Ok(Some(Some(value))) => insights.figures.push(Figure {
                name,
                metric: None,
                unit: *unit,
                period,
                part: part.clone(),
                value,
            }),
            Ok(Some(None)) => doubts.add(name, Why::NotWhole),
            Err(why) => doubts.add(name, why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platforms::call::Endpoint;
    use serde_json::json;

    fn read(headers: Value, rows: Value) -> (Class, Vec<Figure>) {
        let headers: Vec<_> = headers
            .as_array()
            .expect("a list")
            .iter()
            .map(|name| {
                let name = name.as_str().expect("a name");
                let kind = if ["day", "country", "gender"].contains(&name) {
                    "DIMENSION"
                } else {
                    "METRIC"
                };
                json!({"name": name, "columnType": kind})
            })
            .collect();
        let json =
            json!({"kind": "youtubeAnalytics#resultTable", "columnHeaders": headers, "rows": rows});
        let found = report(&Call::to(Endpoint::AccountInsights), &json).expect("a report");
        match found.content {
            Content::Insights(insights) => (found.class, insights.figures),
            _ => panic!("insights"),
        }
    }

    #[test]
    fn columns_are_found_by_their_names() {
        let (class, figures) = read(
            json!(["estimatedMinutesWatched", "day", "grossRevenue", "views"]),
            json!([[2, "2022-06-20", 2.249, "778"]]),
        );
        assert_eq!(class, Class::Ok);
        let found: Vec<_> = figures.iter().map(|it| (it.name, it.value)).collect();
        assert_eq!(
            found,
            [("estimatedMinutesWatched", 120_000), ("views", 778)]
        );
        let from = figures[0].period.expect("a day").from;
        assert_eq!(from.to_string(), "2022-06-20T07:00:00.000000Z");
    }

    #[test]
    fn rows_that_do_not_fit_are_left_out() {
        let (class, figures) = read(
            json!(["day", "views"]),
            json!([
                ["2022-06-20"],
                ["yesterday", 5],
                ["2022-06-21", 7.5],
                ["2022-06-22", -1],
                "x",
                ["2022-06-23", null]
            ]),
        );
        assert_eq!((class, figures), (Class::Partial, vec![]));
        assert_eq!(read(json!(["day", "views"]), json!([])).0, Class::OkNoData);
        assert_eq!(
            read(json!(["day", "views"]), json!(null)).0,
            Class::OkNoData
        );
    }

    #[test]
    fn shares_are_millionths() {
        let (_, figures) = read(
            json!(["gender", "viewerPercentage"]),
            json!([["female", 0.7]]),
        );
        assert_eq!(
            (figures[0].value, figures[0].unit),
            (7_000, FigureUnit::Millionths)
        );
        assert_eq!(figures[0].part["gender"], "female");
    }
}
