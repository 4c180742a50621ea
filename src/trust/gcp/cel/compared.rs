//! What an expression compares claims with, and whether the search for strangers can follow it.

use std::collections::BTreeSet;

use super::parser::{Attributes, Comparison, Expression, Root};
use crate::trust::pattern::{Part, Pattern};

/// A sum of claims is taken apart in at most this many ways.
const MOST_WAYS: usize = 200;
/// Sums of more parts are not taken apart.
const MOST_PARTS: usize = 6;

/// The patterns of an expression, and all claims that it asks for.
#[derive(Debug, Default)]
pub(in crate::trust::gcp) struct Asked {
    /// Comparisons with text and wildcards.
    pub(in crate::trust::gcp) patterns: Vec<Pattern>,
    /// Claims, compared or not.
    pub(in crate::trust::gcp) claims: BTreeSet<String>,
}

/// What an expression compares.
pub(in crate::trust::gcp) fn compared(expression: &Expression, attributes: &Attributes) -> Asked {
    let mut asked = Asked::default();
    collect(expression, attributes, &mut asked);
    asked
}

/// Whether what a comparison says follows from patterns that the search knows; what is no comparison is made of such that are asked by themselves.
pub(super) fn is_followed(expression: &Expression, attributes: &Attributes) -> bool {
    match expression {
        Expression::Compare(Comparison::Less | Comparison::LessOrEqual, ..) => false,
        Expression::Compare(Comparison::In, one, of) => match of.as_ref() {
            Expression::List(list) => list.iter().all(|other| equality(one, other, attributes).is_some()),
            Expression::Root(Root::Assertion) => matches!(one.as_ref(), Expression::Text(_)),
            _ => false,
        },
        Expression::Compare(_, one, other) => equality(one, other, attributes).is_some(),
        Expression::Call(..) => affix(expression, attributes).is_some(),
        Expression::Matches(text, regular) => regular.is_exact() && claim(text, attributes).is_some(),
        _ => true,
    }
}

fn collect(expression: &Expression, attributes: &Attributes, asked: &mut Asked) {
    match expression {
        Expression::Compare(comparison, one, other) => {
            for (one, other) in pairs(*comparison, one, other) {
                asked.patterns.extend(equality(one, other, attributes).unwrap_or_default());
            }
        }
        Expression::Call(..) => asked.patterns.extend(affix(expression, attributes)),
        Expression::Matches(text, regular) => {
            asked.patterns.extend(claim(text, attributes).map(|claim| regular.patterns(&claim)).unwrap_or_default());
        }
        Expression::Member(of, name) if matches!(of.as_ref(), Expression::Root(_)) => {
            asked.claims.extend(claim(expression, attributes));
            if let Some(mapping) = mapping(of, name, attributes) {
                collect(mapping, &Attributes::new(), asked);
            }
        }
        _ => {}
    }
    if let Expression::Compare(Comparison::In, one, of) = expression
        && let (Expression::Text(name), Expression::Root(Root::Assertion)) = (one.as_ref(), of.as_ref())
    {
        asked.claims.insert(name.clone());
    }
    for inner in inner(expression) {
        collect(inner, attributes, asked);
    }
}

/// The expressions within one.
fn inner(expression: &Expression) -> Vec<&Expression> {
    match expression {
        Expression::Text(_)
        | Expression::Number(_)
        | Expression::Truth(_)
        | Expression::Nothing
        | Expression::Root(_) => Vec::new(),
        Expression::Member(of, _) | Expression::Not(of) | Expression::Has(of) | Expression::Matches(of, _) => vec![of],
        Expression::List(parts)
        | Expression::All(parts)
        | Expression::Any(parts)
        | Expression::Sum(parts)
        | Expression::Call(_, parts) => parts.iter().collect(),
        Expression::Compare(_, one, other) => vec![one, other],
        Expression::Choice(one, two, three) => vec![one, two, three],
    }
}

/// The pairs that a comparison compares: with `in`, one for each of the list.
fn pairs<'a>(
    comparison: Comparison,
    one: &'a Expression,
    other: &'a Expression,
) -> Vec<(&'a Expression, &'a Expression)> {
    match other {
        Expression::List(list) if comparison == Comparison::In => list.iter().map(|other| (one, other)).collect(),
        _ => vec![(one, other)],
    }
}

/// The patterns of which an equality is made, if it is of a claim, or of claims and texts in a row, with text.
fn equality(one: &Expression, other: &Expression, attributes: &Attributes) -> Option<Vec<Pattern>> {
    match (one, other) {
        (
            Expression::Text(_) | Expression::Number(_) | Expression::Truth(_),
            Expression::Text(_) | Expression::Number(_) | Expression::Truth(_),
        ) => Some(Vec::new()),
        (Expression::Text(_), of) | (of, Expression::Text(_)) if is_unmapped(of, attributes) => Some(Vec::new()),
        (Expression::Text(text), of) | (of, Expression::Text(text)) => taken_apart(of, text, attributes),
        _ => None,
    }
}

/// How a text can come out of an expression.
fn taken_apart(of: &Expression, text: &str, attributes: &Attributes) -> Option<Vec<Pattern>> {
    if let Some(claim) = claim(of, attributes) {
        return Some(vec![Pattern::literal(&claim, text)]);
    }
    let (of, attributes) = match of {
        Expression::Member(root, name) => (mapping(root, name, attributes)?, &Attributes::new()),
        of => (of, attributes),
    };
    let Expression::Sum(parts) = of else {
        return None;
    };
    let parts: Vec<SumPart> = parts.iter().map(|part| sum_part(part, attributes)).collect::<Option<_>>()?;
    if parts.len() > MOST_PARTS {
        return None;
    }
    let mut patterns = BTreeSet::new();
    let mut ways = MOST_WAYS;
    ways_apart(&parts, text, &mut ways, &mut patterns)?;
    Some(patterns.into_iter().collect())
}

enum SumPart {
    Claim(String),
    Text(String),
}

fn sum_part(part: &Expression, attributes: &Attributes) -> Option<SumPart> {
    match part {
        Expression::Text(text) => Some(SumPart::Text(text.clone())),
        part => claim(part, attributes).map(SumPart::Claim),
    }
}

/// Every way to read the text as these parts in a row; whether one was found, unless there are too many.
fn ways_apart(parts: &[SumPart], text: &str, ways: &mut usize, patterns: &mut BTreeSet<Pattern>) -> Option<bool> {
    *ways = ways.checked_sub(1)?;
    let Some((first, rest)) = parts.split_first() else {
        return Some(text.is_empty());
    };
    let claim = match first {
        SumPart::Text(own) => {
            return text
                .strip_prefix(own.as_str())
                .map_or(Some(false), |after| ways_apart(rest, after, ways, patterns));
        }
        SumPart::Claim(claim) => claim,
    };
    let mut found = false;
    for end in text.char_indices().map(|(at, _)| at).chain([text.len()]) {
        let Some((value, after)) = text.split_at_checked(end) else { continue };
        if rest.is_empty() && !after.is_empty() {
            continue;
        }
        if ways_apart(rest, after, ways, patterns)? {
            patterns.insert(Pattern::literal(claim, value));
            found = true;
        }
    }
    Some(found)
}

/// The pattern of `startsWith`, `endsWith` or `contains` of a claim with text.
fn affix(expression: &Expression, attributes: &Attributes) -> Option<Pattern> {
    let Expression::Call(name, arguments) = expression else {
        return None;
    };
    let [of, Expression::Text(text)] = arguments.as_slice() else {
        return None;
    };
    let text = text.chars().map(Part::Char);
    let parts = match name.as_str() {
        "startsWith" => text.chain([Part::Many]).collect(),
        "endsWith" => std::iter::once(Part::Many).chain(text).collect(),
        "contains" => std::iter::once(Part::Many).chain(text).chain([Part::Many]).collect(),
        _ => return None,
    };
    Some(Pattern::of_parts(&claim(of, attributes)?, parts))
}

/// The claim that an expression is, by itself or as a mapped attribute.
fn claim(expression: &Expression, attributes: &Attributes) -> Option<String> {
    let Expression::Member(of, name) = expression else {
        return None;
    };
    match of.as_ref() {
        Expression::Root(Root::Assertion) => Some(name.clone()),
        of => claim(mapping(of, name, attributes)?, &Attributes::new()),
    }
}

/// Whether an expression is an attribute that is never there.
fn is_unmapped(expression: &Expression, attributes: &Attributes) -> bool {
    let Expression::Member(of, name) = expression else {
        return false;
    };
    attribute(of, name).is_some_and(|attribute| !attributes.contains_key(&attribute))
}

/// What an attribute is mapped from.
fn mapping<'a>(of: &Expression, name: &str, attributes: &'a Attributes) -> Option<&'a Expression> {
    attributes.get(&attribute(of, name)?)?.as_ref().ok()
}

/// The name under which an attribute is mapped.
fn attribute(of: &Expression, name: &str) -> Option<String> {
    match of {
        Expression::Root(Root::Attribute) => Some(format!("attribute.{name}")),
        Expression::Root(Root::Google) => Some(format!("google.{name}")),
        _ => None,
    }
}
