//! The values that a policy compares a key with: text, wildcards, policy variables
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>).

use crate::trust::Part;

/// The version of the policy language: variables are there only since 2012, before they are plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    V2008,
    V2012,
}

/// A value, with `*` and `?` as wildcards or as themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Template {
    Parts(Vec<Part>),
    /// It has a policy variable, whose value is not known here, or one that is never closed.
    Variable,
}

/// Whether `*` and `?` are wildcards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wildcards {
    Read,
    Plain,
}

impl Template {
    pub(super) fn new(text: &str, wildcards: Wildcards, language: Language) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            if let Some(variable) = rest.strip_prefix("${").filter(|_| language == Language::V2012) {
                let Some((name, after)) = variable.split_once('}') else { return Self::Variable };
                let escaped = match name {
                    "*" => '*',
                    "?" => '?',
                    "$" => '$',
                    _ => return Self::Variable,
                };
                parts.push(Part::Char(escaped));
                rest = after;
                continue;
            }
            parts.push(match (character, wildcards) {
                ('*', Wildcards::Read) => Part::Many,
                ('?', Wildcards::Read) => Part::One,
                (other, _) => Part::Char(other),
            });
            rest = rest.get(character.len_utf8()..).unwrap_or_default();
        }
        Self::Parts(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Template {
        Template::Parts(text.chars().map(Part::Char).collect())
    }

    #[test]
    fn an_escaped_wildcard_is_itself() {
        assert_eq!(Template::new("a${*}${?}${$}{x", Wildcards::Read, Language::V2012), plain("a*?${x"));
    }

    #[test]
    fn a_variable_is_one_only_in_the_language_of_2012() {
        assert_eq!(Template::new("a${aws:x}", Wildcards::Plain, Language::V2012), Template::Variable);
        assert_eq!(Template::new("a${aws:x", Wildcards::Plain, Language::V2012), Template::Variable);
        assert_eq!(Template::new("a${aws:x}", Wildcards::Plain, Language::V2008), plain("a${aws:x}"));
    }
}
