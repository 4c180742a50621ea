//! The order of `sort`: numbers by their value, after everything else; other values piece by piece
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Sort.html>).

use std::cmp::Ordering;

use super::value::Value;

/// The ascending order.
pub(super) fn compare(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Time(one), Value::Time(other)) => one.cmp(other),
        _ => match (number(one), number(other)) {
            (Some(one), Some(other)) => one.total_cmp(&other),
            (Some(_), None) => Ordering::Greater,
            (None, Some(_)) => Ordering::Less,
            (None, None) => by_pieces(&one.to_string(), &other.to_string()),
        },
    }
}

/// A value of digits alone is a number, wherever it comes from.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => Some(*number),
        Value::Text(text) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    }
}

/// Digits by their length, then by their value; everything else by its Unicode values.
fn by_pieces(one: &str, other: &str) -> Ordering {
    let (ones, others) = (pieces(one), pieces(other));
    let is_digits = |piece: &str| piece.starts_with(|c: char| c.is_ascii_digit());
    let mut orders = ones.iter().zip(&others).map(|(one, other)| {
        if is_digits(one) && is_digits(other) {
            one.len().cmp(&other.len()).then(one.cmp(other))
        } else {
            one.cmp(other)
        }
    });
    orders.find(|order| order.is_ne()).unwrap_or_else(|| ones.len().cmp(&others.len()))
}

/// Digits that follow each other are one piece, and so are letters.
fn pieces(text: &str) -> Vec<&str> {
    let kind = |c: char| (c.is_ascii_digit(), c.is_alphabetic());
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_run = kind(first) != (false, false);
        let length = rest.find(|c| !is_run || kind(c) != kind(first)).filter(|at| *at > 0);
        let length = if is_run { length.unwrap_or(rest.len()) } else { first.len_utf8() };
        let (piece, after) = rest.split_at(length);
        pieces.push(piece);
        rest = after;
    }
    pieces
}

#[test]
fn the_order_is_that_of_the_documentation() {
    let order =
        ["!:", "#", "*%04", "0#", "5A", "111A", "2345_", "@", "@_", "A", "A9876fghj", "a12345hfh", "0", "1", "2", "3"];
    let mut sorted = order.map(|text| Value::Text(text.to_owned()));
    sorted.reverse();
    sorted.sort_by(compare);
    assert_eq!(sorted.map(|value| value.to_string()), order);
}
