//! The `# METADATA` block before a policy's `package`: what it is, and which rules it attaches itself to.
//!
//! The form is OPA's (<https://www.openpolicyagent.org/docs/policy-language#annotations>): YAML in comments. Ours stands under `custom`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::{Location, Spanned};

use super::error::{Place, RegoError};
use super::spelling::nearest;
use crate::model::{quoted, with_causes};

/// When a policy is evaluated, and what it may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyType {
    /// Before gates are judged: may deny any run.
    Initialization,
    /// Before gates are judged: may deny a run that a person started by hand.
    Task,
    /// After every other check: must approve.
    Approval,
}

impl PolicyType {
    /// All of them, in the order in which they are evaluated.
    pub const ALL: [Self; 3] = [Self::Initialization, Self::Task, Self::Approval];

    /// The name in metadata.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initialization => "initialization",
            Self::Task => "task",
            Self::Approval => "approval",
        }
    }
}

/// Which rules of the TOML policy a policy attaches itself to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attachment {
    /// `"*"`: every rule.
    Every,
    /// `"label:production"`: every rule that has this label.
    Label(String),
}

/// What a policy says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// `title`.
    pub title: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// `custom.type`; `None` where there is no block at all.
    pub policy_type: Option<PolicyType>,
    /// `custom.attach`.
    pub attach: Vec<Attachment>,
    /// `custom.labels`: keywords, for people who look for a policy.
    pub labels: Vec<String>,
}

/// What is read under `custom`.
const KEYS: [&str; 3] = ["type", "attach", "labels"];

/// The keys that we read; OPA knows more.
#[derive(Deserialize)]
struct Annotations {
    title: Option<String>,
    description: Option<String>,
    custom: Option<Spanned<Custom>>,
}

#[derive(Deserialize)]
struct Custom {
    #[serde(rename = "type")]
    policy_type: Option<Spanned<String>>,
    #[serde(default)]
    attach: Vec<Spanned<String>>,
    #[serde(default)]
    labels: Vec<String>,
}

impl Metadata {
    /// Reads the block before `package`; without one, nothing is said.
    ///
    /// # Errors
    /// Text that is not YAML, a missing or unknown type, an attachment that is neither a label nor `*`.
    pub(super) fn read(policy: &str, text: &str) -> Result<Self, RegoError> {
        let Some(block) = Block::find(text) else { return Ok(Self::default()) };
        let error = |place: Place, problem: String| RegoError::at(policy, place, format!("METADATA: {problem}"));
        let annotations: Annotations = serde_saphyr::from_str(&block.yaml).map_err(|problem| {
            let place = problem.location().map_or(block.heading(), |location| block.place(location));
            let problem = with_causes(problem.without_snippet());
            // It names a place in the YAML, which is another in the text.
            let problem = problem.lines().next().and_then(|line| line.split(" at line ").next()).unwrap_or_default();
            let problem = if problem == "expected sequence start" {
                "got something else than a list, expected one, such as `[\"label:production\"]`".to_owned()
            } else {
                format!("cannot be read: {problem}")
            };
            error(place, problem)
        })?;
        let types = PolicyType::ALL.map(|known| format!("`{}`", known.as_str())).join(", ");
        let no_type = |place| error(place, format!("got no `custom.type`, expected one of {types}"));
        let custom = annotations.custom.ok_or_else(|| no_type(block.heading()))?;
        let place_of_custom = block.place(custom.referenced);
        let Custom { policy_type, attach, labels } = custom.value;
        let named = policy_type.ok_or_else(|| no_type(place_of_custom))?;
        let policy_type = PolicyType::ALL.into_iter().find(|known| known.as_str() == named.value).ok_or_else(|| {
            let problem = format!("got `custom.type` {}, expected one of {types}", quoted(&named.value));
            error(block.place(named.referenced), problem)
        })?;
        let attach = attach.iter().map(|text| {
            attachment(&text.value).ok_or_else(|| {
                let problem = format!("got `custom.attach` {}, expected `label:NAME` or `*`", quoted(&text.value));
                error(block.place(text.referenced), problem)
            })
        });
        let attach = attach.collect::<Result<_, _>>()?;
        let Annotations { title, description, .. } = annotations;
        Ok(Self { title, description, policy_type: Some(policy_type), attach, labels })
    }
}

/// The keys under `custom` that are not ours and nearly are: where the block stands, the key, and ours.
pub(super) fn unread_keys(text: &str) -> Vec<(Place, String, &'static str)> {
    #[derive(Deserialize)]
    struct Keys {
        custom: BTreeMap<String, serde_json::Value>,
    }
    let Some(block) = Block::find(text) else { return Vec::new() };
    let Ok(Keys { custom }) = serde_saphyr::from_str(&block.yaml) else { return Vec::new() };
    let meant = custom.into_keys().filter(|key| !KEYS.contains(&key.as_str())).filter_map(|key| {
        let ours = nearest(&key, KEYS)?;
        Some((block.heading(), key, ours))
    });
    meant.collect()
}

fn attachment(text: &str) -> Option<Attachment> {
    match text {
        "*" => Some(Attachment::Every),
        _ => text
            .strip_prefix("label:")
            .filter(|label| !label.is_empty())
            .map(|label| Attachment::Label(label.to_owned())),
    }
}

/// The first block before `package`.
struct Block<'t> {
    /// The line of its heading.
    line: u32,
    /// Its lines, as they stand in the text.
    lines: Vec<&'t str>,
    yaml: String,
}

impl<'t> Block<'t> {
    fn find(text: &'t str) -> Option<Self> {
        let before = text.lines().zip(1_u32..).take_while(|(line, _)| !line.trim_start().starts_with("package"));
        let mut lines = before.skip_while(|(line, _)| !is_heading(line));
        let (_, line) = lines.next()?;
        let lines = lines.map(|(line, _)| line).take_while(|line| yaml_of(line).is_some());
        let lines: Vec<&str> = lines.collect();
        let yaml: Vec<&str> = lines.iter().filter_map(|line| yaml_of(line)).collect();
        Some(Self { line, yaml: yaml.join("\n"), lines })
    }

    fn heading(&self) -> Place {
        Place { line: self.line, column: 1 }
    }

    /// Where something of the YAML stands in the text.
    fn place(&self, of_yaml: Location) -> Place {
        let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let line = number(of_yaml.line());
        let written = usize::try_from(line).ok().and_then(|line| self.lines.get(line.checked_sub(1)?));
        let Some(written) = written else { return self.heading() };
        let chars = |text: &str| u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        let comment = chars(written).saturating_sub(chars(yaml_of(written).unwrap_or_default()));
        Place { line: self.line.saturating_add(line), column: number(of_yaml.column()).saturating_add(comment) }
    }
}

/// What a line of a block says, without the comment's sign.
fn yaml_of(line: &str) -> Option<&str> {
    let yaml = line.trim_start().strip_prefix('#')?;
    Some(yaml.strip_prefix(' ').unwrap_or(yaml))
}

fn is_heading(line: &str) -> bool {
    line.trim_start().strip_prefix('#').is_some_and(|heading| heading.trim() == "METADATA")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<Metadata, String> {
        let text = format!("# Copyright\n\n# METADATA\n{yaml}package p\n# METADATA\n# title: of a rule\nx = 1\n");
        Metadata::read("p", &text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_policy_without_a_block_says_nothing() {
        assert_eq!(Metadata::read("p", "package p\n# METADATA\n# title: x\n"), Ok(Metadata::default()));
    }

    #[test]
    fn a_block_names_type_and_attachments() {
        let read = read(
            "# title: No weekends\n# custom: { type: task, attach: [\"label:production\", \"*\"], labels: [time] }\n",
        );
        let expected = Metadata {
            title: Some("No weekends".to_owned()),
            description: None,
            policy_type: Some(PolicyType::Task),
            attach: vec![Attachment::Label("production".to_owned()), Attachment::Every],
            labels: vec!["time".to_owned()],
        };
        assert_eq!(read, Ok(expected));
    }

    #[test]
    fn keys_of_opas_own_are_left_alone() {
        let read = read("# scope: package\n# authors:\n# - Anne\n# custom:\n#   type: approval\n#   team: sre\n");
        assert!(read.is_ok_and(|metadata| metadata.policy_type == Some(PolicyType::Approval)));
    }

    #[test]
    fn a_block_without_a_type_is_refused() {
        let expected = "METADATA: got no `custom.type`, expected one of `initialization`, `task`, `approval`";
        assert_eq!(read("# title: x\n"), Err(format!("policy `p`, line 3, column 1: {expected}")));
        let without = read("# title: x\n# custom: { attach: [] }\n");
        assert_eq!(without, Err(format!("policy `p`, line 5, column 11: {expected}")));
    }

    #[test]
    fn an_unknown_type_is_refused() {
        let error = read("# title: x\n# custom:\n#   type: plan\n");
        assert!(
            error.is_err_and(
                |text| text.starts_with("policy `p`, line 6, column 11: METADATA: got `custom.type` `plan`")
            )
        );
    }

    #[test]
    fn an_attachment_that_is_no_label_is_refused() {
        for attach in ["production", "label:", ""] {
            let text = read(&format!("# custom: {{ type: task, attach: [\"{attach}\"] }}\n"));
            let expected = "policy `p`, line 4, column 34: METADATA: got `custom.attach` ";
            assert!(
                text.is_err_and(|text| text.starts_with(expected) && text.contains("expected `label:NAME` or `*`")),
                "{attach}"
            );
        }
    }

    #[test]
    fn one_attachment_that_is_no_list_is_refused_with_what_to_write() {
        let read = read("# custom: { type: task, attach: \"*\" }\n");
        let expected = "METADATA: got something else than a list, expected one, such as `[\"label:production\"]`";
        assert!(read.is_err_and(|text| text.ends_with(expected)));
    }

    #[test]
    fn what_is_not_yaml_is_refused_in_one_line() {
        let text = read("# custom: { type: [\n");
        assert!(text.is_err_and(|text| text.starts_with("policy `p`, line 4, column ")
            && text.contains(": METADATA: cannot be read: ")
            && !text.contains('\n')));
    }
}
