//! A query's answer.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::event::Event;
use super::order::compare;
use super::parse::parse;
use super::query::{Aggregate, Command, Expression, Test};
use super::value::Value;

/// An answer, as the console shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) columns: Vec<String>,
    /// A field that is not there is empty.
    pub(crate) rows: Vec<Vec<String>>,
}

/// A line, or what `stats` made of several.
#[derive(Debug, Clone, Default)]
struct Row {
    /// `None` after `stats`.
    at: Option<Timestamp>,
    fields: BTreeMap<String, Value>,
}

impl Row {
    /// A field's value. What a query makes of a field that is not there is documented only for some of its words.
    fn needs(&self, field: &str) -> Result<&Value, String> {
        self.fields.get(field).ok_or_else(|| format!("got no `{field}` in {:?}, expected one", self.fields))
    }
}

/// Runs a query over these lines, in whatever order they are.
pub(crate) fn run(query: &str, events: &[Event]) -> Result<Table, String> {
    let lines = events.iter().map(|event| Row { at: Some(event.at), fields: event.fields() });
    let mut rows: Vec<Row> = lines.collect();
    let mut columns: Vec<String> = Vec::new();
    for command in parse(query)? {
        match command {
            Command::Fields(shown) => {
                for row in &mut rows {
                    for (expression, name) in &shown {
                        if let Some(value) = evaluate(expression, row)? {
                            row.fields.insert(name.clone(), value);
                        }
                    }
                }
                columns.extend(shown.into_iter().map(|(_, name)| name));
            }
            Command::Filter(test) => {
                let kept = rows.into_iter().map(|row| Ok(passes(&test, &row)?.then_some(row)));
                rows = kept.collect::<Result<Vec<_>, String>>()?.into_iter().flatten().collect();
            }
            Command::Stats { columns: aggregates, by } => {
                rows = stats(&rows, &aggregates, &by)?;
                columns = by.into_iter().chain(aggregates.into_iter().map(|(_, name)| name)).collect();
            }
            Command::Sort { by, is_descending } => sort(&mut rows, &by, is_descending, &columns)?,
            Command::Limit(most) => rows.truncate(most),
        }
    }
    let shown = |row: &Row| columns.iter().map(|column| cell(row, column)).collect();
    let rows = rows.iter().map(shown).collect();
    Ok(Table { columns, rows })
}

fn cell(row: &Row, column: &str) -> String {
    row.fields.get(column).map(ToString::to_string).unwrap_or_default()
}

fn evaluate(expression: &Expression, row: &Row) -> Result<Option<Value>, String> {
    Ok(match expression {
        Expression::Field(field) => row.fields.get(field).cloned(),
        Expression::Coalesce(fields) => fields.iter().find_map(|field| row.fields.get(field)).cloned(),
        Expression::DateFloor { field, seconds } => {
            let second = row.needs(field)?.time()?.as_second();
            let floor = Timestamp::from_second(second - second.rem_euclid(*seconds));
            Some(Value::Time(floor.map_err(|error| error.to_string())?))
        }
        Expression::StrContains { field, text } => {
            Some(Value::Number(f64::from(u8::from(row.needs(field)?.text()?.contains(text)))))
        }
    })
}

fn passes(test: &Test, row: &Row) -> Result<bool, String> {
    match test {
        Test::All(tests) => {
            for test in tests {
                if !passes(test, row)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Test::Any(tests) => {
            for test in tests {
                if passes(test, row)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Test::IsPresent(field) => Ok(row.fields.contains_key(field)),
        Test::IsOneOf { field, values } => {
            // A line without the field is none that has this value.
            let Some(found) = row.fields.get(field) else { return Ok(false) };
            let equal: Vec<bool> = values.iter().map(|value| found.equals(value)).collect::<Result<_, _>>()?;
            Ok(equal.contains(&true))
        }
        Test::IsNot { field, value } => row.needs(field)?.equals(value).map(|is_equal| !is_equal),
    }
}

/// One row for each group: the fields that it is grouped by, and what is made of its lines.
fn stats(rows: &[Row], aggregates: &[(Aggregate, String)], by: &[String]) -> Result<Vec<Row>, String> {
    let mut groups: BTreeMap<Vec<String>, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        let key = by.iter().map(|field| row.needs(field).map(ToString::to_string)).collect::<Result<_, _>>()?;
        groups.entry(key).or_default().push(row);
    }
    let row_of = |group: Vec<&Row>| {
        let mut fields = BTreeMap::new();
        for field in by {
            fields.insert(field.clone(), group[0].needs(field)?.clone());
        }
        for (aggregate, name) in aggregates {
            fields.insert(name.clone(), aggregated(aggregate, &group)?);
        }
        Ok(Row { at: None, fields })
    };
    groups.into_values().map(row_of).collect()
}

fn aggregated(aggregate: &Aggregate, group: &[&Row]) -> Result<Value, String> {
    let number =
        |count: usize| u32::try_from(count).map(|count| Value::Number(count.into())).map_err(|e| e.to_string());
    match aggregate {
        Aggregate::Count => number(group.len()),
        Aggregate::CountDistinct(field) => {
            let values = group.iter().map(|row| row.needs(field).map(ToString::to_string));
            number(values.collect::<Result<BTreeSet<_>, _>>()?.len())
        }
        Aggregate::Sum(field) => {
            let numbers = group.iter().map(|row| row.needs(field)?.number());
            Ok(Value::Number(numbers.sum::<Result<f64, _>>()?))
        }
        Aggregate::Earliest(field) => written(group, field, Which::First),
        Aggregate::Latest(field) => written(group, field, Which::Last),
    }
}

#[derive(Clone, Copy)]
enum Which {
    First,
    Last,
}

/// The field of the line that was written first or last. Of two that were written at once AWS may take either.
fn written(group: &[&Row], field: &str, which: Which) -> Result<Value, String> {
    let mut lines = group.to_vec();
    lines.sort_by_key(|row| row.at);
    if matches!(which, Which::Last) {
        lines.reverse();
    }
    if let [one, other, ..] = lines.as_slice()
        && one.at == other.at
        && one.fields.get(field) != other.fields.get(field)
    {
        return Err(format!("got two lines of {:?} with another `{field}`, expected one", one.at));
    }
    lines[0].needs(field).cloned()
}

/// Rows of the same rank have no order at AWS; here they are in that of their text, so that a test can rely on it.
fn sort(rows: &mut [Row], by: &str, is_descending: bool, columns: &[String]) -> Result<(), String> {
    rows.iter().try_for_each(|row| row.needs(by).map(drop))?;
    rows.sort_by_cached_key(|row| columns.iter().map(|column| cell(row, column)).collect::<Vec<_>>());
    rows.sort_by(|one, other| {
        let order = compare(&one.fields[by], &other.fields[by]);
        if is_descending { order.reverse() } else { order }
    });
    Ok(())
}
