//! The text of a policy, and errors that name a place in it.

use std::ops::Range;

use toml::Spanned;

use crate::model::InvalidName;

/// Why a text is not a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("policy line {line}, `{key}`: {problem}")]
pub struct PolicyError {
    /// Counted from 1.
    pub line: usize,
    /// The key, from the top: `rule.gate.environment`.
    pub key: String,
    /// What was got and what was expected.
    pub problem: String,
}

/// The policy's text, to find the line of an error in.
pub(super) struct Source<'t>(pub(super) &'t str);

impl Source<'_> {
    /// An error at this place.
    pub(super) fn error(&self, at: &Range<usize>, key: impl Into<String>, problem: impl Into<String>) -> PolicyError {
        PolicyError { line: self.line(at), key: key.into(), problem: problem.into() }
    }

    /// The line of a place, from 1.
    pub(super) fn line(&self, at: &Range<usize>) -> usize {
        let before = self.0.get(..at.start).unwrap_or_default();
        before.matches('\n').count().saturating_add(1)
    }

    /// Reads one value.
    pub(super) fn one<T>(
        &self,
        text: &Spanned<String>,
        key: &str,
        parse: impl Fn(&str) -> Result<T, InvalidName>,
    ) -> Result<T, PolicyError> {
        parse(text.get_ref()).map_err(|error| self.error(&text.span(), key, error.to_string()))
    }

    /// Reads each entry of a list.
    pub(super) fn each<T>(
        &self,
        list: &[Spanned<String>],
        key: &str,
        parse: impl Fn(&str) -> Result<T, InvalidName>,
    ) -> Result<Vec<T>, PolicyError> {
        list.iter().map(|text| self.one(text, key, &parse)).collect()
    }

    /// An empty list proves nothing: it is a mistake.
    pub(super) fn filled<'l, T>(&self, list: &'l Spanned<Vec<T>>, key: &str) -> Result<&'l [T], PolicyError> {
        if list.get_ref().is_empty() {
            return Err(self.error(&list.span(), key, "got an empty list, expected at least one entry"));
        }
        Ok(list.get_ref())
    }
}
