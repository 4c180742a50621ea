//! One condition: an operator, a key, and the values it is compared with
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html>).

use std::cmp::Ordering;

use super::operator::{Operator, Order, Set, Test};
use super::value::{Language, Template, Wildcards};
use super::{CLAIMS, HOST, is_undocumented};
use crate::trust::{Compared, Entry, Pattern, Token};

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    name: String,
    operator: Option<Operator>,
    key: Key,
    values: Vec<Compare>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    /// A claim of a token of this issuer.
    Claim { issuer: String, claim: String },
    /// A claim that AWS does not offer as a key.
    NeverThere(String),
    /// A key that is not about tokens of GitHub's.
    Foreign(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Compare {
    Pattern(Pattern),
    Number(Order, i128),
    Bool(bool),
    /// Why it cannot be compared.
    Unclear(String),
}

impl Condition {
    pub(super) fn new(operator: &str, key: &str, values: &[String], language: Language) -> Self {
        let (name, key) = (operator.to_owned(), Key::new(key));
        let operator = Operator::new(operator);
        let compare = |value: &String| operator.map(|operator| Compare::new(operator, &key, value, language));
        let values = values.iter().filter_map(compare).collect();
        Self { name, operator, key, values }
    }

    /// Whether it holds for whoever comes with this token of GitHub's, or with none.
    pub(super) fn holds(&self, token: Option<&Token>) -> Entry {
        let Some(operator) = self.operator else {
            return Entry::CannotTell(format!("the condition operator `{}` is not one that is known", self.name));
        };
        let value = match &self.key {
            Key::Foreign(key) => {
                return Entry::CannotTell(format!("the condition key `{key}` is not about GitHub's token"));
            }
            Key::NeverThere(_) => None,
            Key::Claim { issuer, claim } => {
                let token = token.filter(|token| token.text("iss").is_some_and(|iss| iss.eq_ignore_ascii_case(issuer)));
                match token.and_then(|token| token.claim(claim)) {
                    None => None,
                    Some(serde_json::Value::String(text)) => Some(text.as_str()),
                    Some(_) if operator.test == Test::Absent => Some(""),
                    Some(_) => return Entry::CannotTell(format!("the token's `{claim}` is not text")),
                }
            }
        };
        self.compared_with(operator, value)
    }

    fn compared_with(&self, operator: Operator, value: Option<&str>) -> Entry {
        let any =
            |text: &str| self.values.iter().fold(Entry::StaysOut, |so_far, compare| so_far.or(compare.fits(text)));
        match (operator.test, value, operator.set) {
            (Test::Absent, value, _) => any(if value.is_none() { "true" } else { "false" }),
            (_, None, _) if operator.if_exists => Entry::GetsIn,
            (_, None, Some(Set::All)) => Entry::GetsIn,
            (_, None, Some(Set::Any)) => Entry::StaysOut,
            (_, None, None) => Entry::from(operator.negated),
            (_, Some(""), Some(Set::All)) => {
                Entry::CannotTell("`ForAllValues` may take an empty claim for an absent one".to_owned())
            }
            (_, Some(text), _) if operator.negated => any(text).not(),
            (_, Some(text), _) => any(text),
        }
    }

    fn claim(&self) -> Option<&str> {
        match &self.key {
            Key::Claim { claim, .. } => Some(claim),
            Key::NeverThere(_) | Key::Foreign(_) => None,
        }
    }

    /// The issuer whose claims the key is about.
    pub(super) fn issuer(&self) -> Option<String> {
        match &self.key {
            Key::Claim { issuer, .. } => Some(issuer.clone()),
            Key::NeverThere(_) | Key::Foreign(_) => None,
        }
    }

    /// The key, if it is of GitHub's provider, but no claim of its tokens.
    pub(super) fn never_there(&self) -> Option<&str> {
        match &self.key {
            Key::NeverThere(key) => Some(key),
            Key::Claim { .. } | Key::Foreign(_) => None,
        }
    }

    /// The key, if it is one of GitHub's claims that AWS does not document.
    pub(super) fn undocumented(&self) -> Option<&str> {
        self.claim().filter(|claim| is_undocumented(claim))
    }

    /// The claim, with numbers to either side of those it is compared with.
    pub(super) fn compared(&self) -> Option<Compared> {
        let sample = |compare: &Compare| match compare {
            Compare::Number(_, number) => {
                [number.saturating_sub(1), *number, number.saturating_add(1)].map(|near| near.to_string()).to_vec()
            }
            Compare::Bool(_) => ["true", "false", "True", "False"].map(str::to_owned).to_vec(),
            Compare::Pattern(_) | Compare::Unclear(_) => Vec::new(),
        };
        let samples = self.values.iter().flat_map(sample).collect();
        self.claim().map(|claim| Compared { claim: claim.to_owned(), samples })
    }

    pub(super) fn patterns(&self) -> Vec<Pattern> {
        let pattern = |compare: &Compare| match compare {
            Compare::Pattern(pattern) => Some(pattern.clone()),
            Compare::Number(..) | Compare::Bool(_) | Compare::Unclear(_) => None,
        };
        self.claim().map(|_| self.values.iter().filter_map(pattern).collect()).unwrap_or_default()
    }
}

impl Key {
    /// Keys are compared without regard to case.
    fn new(key: &str) -> Self {
        let lower = key.to_ascii_lowercase();
        let Some((provider, claim)) = lower.rsplit_once(':') else { return Self::Foreign(key.to_owned()) };
        let is_githubs = provider.strip_prefix(HOST).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if !is_githubs {
            return Self::Foreign(key.to_owned());
        }
        if !CLAIMS.contains(&claim) && !is_undocumented(claim) {
            return Self::NeverThere(key.to_owned());
        }
        let written = key.get(HOST.len()..provider.len()).unwrap_or_default();
        Self::Claim { issuer: format!("https://{HOST}{written}"), claim: claim.to_owned() }
    }

    fn name(&self) -> &str {
        match self {
            Self::Claim { claim: name, .. } | Self::NeverThere(name) | Self::Foreign(name) => name,
        }
    }
}

impl Compare {
    fn new(operator: Operator, key: &Key, value: &str, language: Language) -> Self {
        let unclear = |what: &str| Self::Unclear(format!("`{}` is compared with `{value}`, {what}", key.name()));
        let pattern = |wildcards| match Template::new(value, wildcards, language) {
            Template::Parts(parts) => Ok(Pattern::of_parts(key.name(), parts)),
            Template::Variable => Err(unclear("a policy variable")),
        };
        let boolean = match value {
            _ if value.eq_ignore_ascii_case("true") => Some(true),
            _ if value.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        };
        let compare = match operator.test {
            Test::Equals => pattern(Wildcards::Plain).map(Self::Pattern),
            Test::EqualsIgnoringCase => pattern(Wildcards::Plain).map(|pattern| Self::Pattern(pattern.ignoring_case())),
            Test::Like => pattern(Wildcards::Read).map(Self::Pattern),
            Test::Number(order) => match value.parse() {
                Ok(number) => Ok(Self::Number(order, number)),
                Err(_) => Err(unclear("which is not a whole number")),
            },
            Test::Bool | Test::Absent => boolean.map(Self::Bool).ok_or_else(|| unclear("which is not a boolean")),
            Test::OtherType => Err(unclear("as a date, an address, an ARN or bytes, which no claim of GitHub's is")),
        };
        compare.unwrap_or_else(|unclear| unclear)
    }

    /// Whether a text is one that is meant.
    fn fits(&self, text: &str) -> Entry {
        match self {
            Self::Pattern(pattern) => Entry::from(pattern.matches(text)),
            Self::Number(order, expected) => match text.parse::<i128>() {
                Ok(number) => Entry::from(order.holds(number.cmp(expected))),
                Err(_) => Entry::CannotTell(format!("`{text}` is compared with the number {expected}")),
            },
            Self::Bool(expected) if text.eq_ignore_ascii_case(&expected.to_string()) => Entry::GetsIn,
            Self::Bool(expected) if text.eq_ignore_ascii_case(&(!expected).to_string()) => Entry::StaysOut,
            Self::Bool(_) => Entry::CannotTell(format!("`{text}` is compared with a boolean")),
            Self::Unclear(why) => Entry::CannotTell(why.clone()),
        }
    }
}

impl Order {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}
