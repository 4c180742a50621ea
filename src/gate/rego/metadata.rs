//! The `# METADATA` block before a policy's `package`: what it is, and which rules it attaches itself to.
//!
//! The form is OPA's (<https://www.openpolicyagent.org/docs/policy-language#annotations>): YAML in comments. Ours stands under `custom`.

use serde::Deserialize;

use super::error::{Place, RegoError};
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

/// The keys that we read; OPA knows more.
#[derive(Deserialize)]
struct Annotations {
    title: Option<String>,
    description: Option<String>,
    custom: Option<Custom>,
}

#[derive(Deserialize)]
struct Custom {
    #[serde(rename = "type")]
    policy_type: Option<String>,
    #[serde(default)]
    attach: Vec<String>,
    #[serde(default)]
    labels: Vec<String>,
}

impl Metadata {
    /// Reads the block before `package`; without one, nothing is said.
    ///
    /// # Errors
    /// Text that is not YAML, a missing or unknown type, an attachment that is neither a label nor `*`.
    pub(super) fn read(policy: &str, text: &str) -> Result<Self, RegoError> {
        let Some((line, yaml)) = block(text) else { return Ok(Self::default()) };
        let error = |problem: String| RegoError::at(policy, Place { line, column: 1 }, format!("METADATA: {problem}"));
        let annotations: Annotations = serde_saphyr::from_str(&yaml).map_err(|problem| {
            let problem = with_causes(&problem);
            error(format!("got {}", problem.lines().next().unwrap_or_default()))
        })?;
        let custom = annotations.custom;
        let named = custom.as_ref().and_then(|custom| custom.policy_type.as_deref());
        let types = PolicyType::ALL.map(|known| format!("`{}`", known.as_str())).join(", ");
        let policy_type = match named {
            None => return Err(error(format!("got no `custom.type`, expected one of {types}"))),
            Some(name) => PolicyType::ALL.into_iter().find(|known| known.as_str() == name),
        };
        if policy_type.is_none() {
            let got = quoted(named.unwrap_or_default()).to_string();
            return Err(error(format!("got `custom.type` {got}, expected one of {types}")));
        }
        let (attach, labels) = custom.map(|custom| (custom.attach, custom.labels)).unwrap_or_default();
        let attach = attach.iter().map(|text| {
            attachment(text)
                .ok_or_else(|| error(format!("got `custom.attach` {}, expected `label:NAME` or `*`", quoted(text))))
        });
        let attach = attach.collect::<Result<_, _>>()?;
        Ok(Self { title: annotations.title, description: annotations.description, policy_type, attach, labels })
    }
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

/// The YAML of the first block before `package`, and the line of its heading.
fn block(text: &str) -> Option<(u32, String)> {
    let before = text.lines().zip(1_u32..).take_while(|(line, _)| !line.trim_start().starts_with("package"));
    let mut lines = before.skip_while(|(line, _)| !is_heading(line));
    let (_, number) = lines.next()?;
    let yaml = lines.map_while(|(line, _)| line.trim_start().strip_prefix('#'));
    let lines: Vec<&str> = yaml.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    Some((number, lines.join("\n")))
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
        let expected = "policy `p`, line 3, column 1: METADATA: got no `custom.type`, expected one of `initialization`, `task`, `approval`";
        assert_eq!(read("# title: x\n"), Err(expected.to_owned()));
    }

    #[test]
    fn an_unknown_type_is_refused() {
        assert!(read("# custom: { type: plan }\n").is_err_and(|text| text.contains("got `custom.type` `plan`")));
    }

    #[test]
    fn an_attachment_that_is_no_label_is_refused() {
        for attach in ["production", "label:", ""] {
            let text = read(&format!("# custom: {{ type: task, attach: [\"{attach}\"] }}\n"));
            assert!(text.is_err_and(|text| text.contains("expected `label:NAME` or `*`")), "{attach}");
        }
    }

    #[test]
    fn what_is_not_yaml_is_refused_in_one_line() {
        let text = read("# custom: { type: [\n");
        assert!(text.is_err_and(
            |text| text.starts_with("policy `p`, line 3, column 1: METADATA: got ") && !text.contains('\n')
        ));
    }
}
