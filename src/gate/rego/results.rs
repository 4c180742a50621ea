//! What the rules of a policy said.

use std::collections::BTreeSet;

use regorus::Value;

use super::metadata::PolicyType;

/// Texts of one rule.
const TEXTS_MAX: usize = 50;
/// Characters of one text.
const TEXT_CHARS_MAX: usize = 1000;

/// A rule that is asked for; a policy may have any others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleName {
    /// `deny`: texts why the run may not go on.
    Deny,
    /// `approve`.
    Approve,
    /// `reject`.
    Reject,
    /// `approve_with_note`: as `approve`, with texts.
    ApproveWithNote,
    /// `reject_with_note`: as `reject`, with texts.
    RejectWithNote,
    /// `warn`: texts for people to read.
    Warn,
    /// `flag`: texts for policies of later types.
    Flag,
    /// `sample`: whether to log the evaluation.
    Sample,
}

impl RuleName {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Deny,
        Self::Approve,
        Self::Reject,
        Self::ApproveWithNote,
        Self::RejectWithNote,
        Self::Warn,
        Self::Flag,
        Self::Sample,
    ];

    /// The rule's name in a policy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::ApproveWithNote => "approve_with_note",
            Self::RejectWithNote => "reject_with_note",
            Self::Warn => "warn",
            Self::Flag => "flag",
            Self::Sample => "sample",
        }
    }

    /// The types of policy in which the rule has a meaning; `None` for all.
    pub(super) fn types(self) -> Option<&'static [PolicyType]> {
        match self {
            Self::Deny => Some(&[PolicyType::Initialization, PolicyType::Task]),
            Self::Approve | Self::Reject | Self::ApproveWithNote | Self::RejectWithNote => {
                Some(&[PolicyType::Approval])
            }
            Self::Warn | Self::Flag | Self::Sample => None,
        }
    }

    fn is_boolean(self) -> bool {
        matches!(self, Self::Approve | Self::Reject | Self::Sample)
    }

    /// What its value may be.
    fn kind(self) -> &'static str {
        match self {
            Self::Approve | Self::Reject | Self::Sample => "a boolean",
            Self::Flag => "a set of strings",
            Self::Deny | Self::ApproveWithNote | Self::RejectWithNote | Self::Warn => "a set of strings or a boolean",
        }
    }
}

/// What one evaluation of a policy said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Results {
    /// Whether a rule said `deny`, and why.
    pub deny: Texts,
    /// Whether a rule said `approve`.
    pub approve: Texts,
    /// Whether a rule said `reject`.
    pub reject: Texts,
    /// For people to read.
    pub warn: Texts,
    /// For policies of later types.
    pub flag: BTreeSet<String>,
    /// Whether to log the evaluation.
    pub sample: bool,
}

/// What a rule said: nothing, yes, or yes with texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    /// Whether it said anything.
    pub is_said: bool,
    /// Its texts, where it has any.
    pub texts: BTreeSet<String>,
}

impl Results {
    /// Takes the value of a rule.
    ///
    /// # Errors
    /// A value of the wrong type, or too much of it.
    pub(super) fn take(&mut self, rule: RuleName, value: &Value) -> Result<(), String> {
        let name = rule.as_str();
        let said = read(value).map_err(|Unfit { got, expected }| {
            format!("`{name}` got {got}, expected {}", expected.as_deref().unwrap_or(rule.kind()))
        })?;
        if rule.is_boolean() && !said.texts.is_empty() {
            return Err(format!("`{name}` got strings, expected a boolean"));
        }
        if rule == RuleName::Flag && said.is_said && said.texts.is_empty() {
            return Err(format!("`{name}` got `true`, expected a set of strings"));
        }
        match rule {
            RuleName::Deny => self.deny.join(said),
            RuleName::Approve | RuleName::ApproveWithNote => self.approve.join(said),
            RuleName::Reject | RuleName::RejectWithNote => self.reject.join(said),
            RuleName::Warn => self.warn.join(said),
            RuleName::Flag => self.flag.extend(said.texts),
            RuleName::Sample => self.sample = said.is_said,
        }
        Ok(())
    }
}

impl Texts {
    fn join(&mut self, other: Self) {
        self.is_said |= other.is_said;
        self.texts.extend(other.texts);
    }
}

/// A value that says nothing that can be read.
struct Unfit {
    got: String,
    /// `None` for a value of the rule's type.
    expected: Option<String>,
}

impl Unfit {
    fn of(got: impl Into<String>) -> Self {
        Self { got: got.into(), expected: None }
    }
}

/// What kind of value it is, in words.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Undefined => "nothing",
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Set(_) => "a set",
        Value::Object(_) => "an object",
    }
}

/// A boolean, or a set or an array of strings. What is undefined says nothing.
fn read(value: &Value) -> Result<Texts, Unfit> {
    let texts: Vec<&Value> = match value {
        Value::Undefined | Value::Bool(false) => Vec::new(),
        Value::Bool(true) => return Ok(Texts { is_said: true, texts: BTreeSet::new() }),
        Value::Set(set) => set.iter().collect(),
        Value::Array(array) => array.iter().collect(),
        Value::Object(_) => return Err(Unfit::of("an object (in Rego v1, write `contains`)")),
        Value::Null | Value::Number(_) | Value::String(_) => return Err(Unfit::of(kind(value))),
    };
    if texts.len() > TEXTS_MAX {
        let got = format!("{} strings", texts.len());
        return Err(Unfit { got, expected: Some(format!("at most {TEXTS_MAX}")) });
    }
    let text = |element: &Value| match element {
        Value::String(text) if text.chars().count() <= TEXT_CHARS_MAX => Ok(text.to_string()),
        Value::String(text) => {
            let got = format!("a string of {} characters", text.chars().count());
            Err(Unfit { got, expected: Some(format!("at most {TEXT_CHARS_MAX}")) })
        }
        other => Err(Unfit::of(format!("{} with {} in it", kind(value), kind(other)))),
    };
    let texts: BTreeSet<String> = texts.into_iter().map(text).collect::<Result<_, _>>()?;
    Ok(Texts { is_said: !texts.is_empty(), texts })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    fn said(rule: RuleName, json: &str) -> Result<Results, String> {
        let mut results = Results::default();
        results.take(rule, &Value::from_json_str(json).unwrap()).map(|()| results)
    }

    #[test]
    fn texts_are_kept() {
        let results = said(RuleName::Deny, r#"["b", "a"]"#).unwrap();
        assert!(results.deny.is_said && results.deny.texts.iter().eq(["a", "b"]));
    }

    #[test]
    fn a_boolean_says_it_without_a_text() {
        assert!(said(RuleName::Deny, "true").unwrap().deny.is_said);
        assert!(!said(RuleName::Deny, "false").unwrap().deny.is_said);
        assert!(!said(RuleName::Deny, "[]").unwrap().deny.is_said);
    }

    #[test]
    fn what_is_undefined_says_nothing() {
        let mut results = Results::default();
        for rule in RuleName::ALL {
            results.take(rule, &Value::Undefined).unwrap();
        }
        assert_eq!(results, Results::default());
    }

    #[test]
    fn a_note_counts_like_the_rule_that_it_explains() {
        let results = said(RuleName::RejectWithNote, r#"["why"]"#).unwrap();
        assert!(results.reject.is_said && results.reject.texts.contains("why"));
        assert!(said(RuleName::ApproveWithNote, r#"["why"]"#).unwrap().approve.is_said);
    }

    #[test]
    fn other_types_are_refused() {
        for json in ["1", "\"x\"", "null", "{\"x\": true}", "[1]", "[\"x\", null]"] {
            for rule in RuleName::ALL {
                assert!(said(rule, json).unwrap_err().starts_with(&format!("`{}` got ", rule.as_str())), "{json}");
            }
        }
        for rule in [RuleName::Approve, RuleName::Reject, RuleName::Sample] {
            assert!(said(rule, r#"["x"]"#).unwrap_err().ends_with("expected a boolean"));
        }
        assert!(said(RuleName::Flag, "true").is_err());
    }

    #[test]
    fn what_a_list_may_not_have_in_it_is_named() {
        let error = said(RuleName::Deny, "[\"x\", {}]").unwrap_err();
        assert_eq!(error, "`deny` got an array with an object in it, expected a set of strings or a boolean");
    }

    #[test]
    fn too_much_is_refused() {
        let many: Vec<String> = (0..=TEXTS_MAX).map(|number| format!("\"{number}\"")).collect();
        assert!(said(RuleName::Warn, &format!("[{}]", many.join(","))).is_err());
        assert!(said(RuleName::Warn, &format!("[\"{}\"]", "x".repeat(TEXT_CHARS_MAX + 1))).is_err());
        assert!(said(RuleName::Warn, &format!("[\"{}\"]", "x".repeat(TEXT_CHARS_MAX))).is_ok());
    }
}
