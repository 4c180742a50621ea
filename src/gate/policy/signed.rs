//! The keys of a signed rule: from TOML to checked values.

use toml::Spanned;

use super::rule::Runner;
use super::source::{PolicyError, Source};
use crate::model::{InvalidName, RepositoryName, quoted};

/// What a rule says of signatures.
pub(super) struct SignedKeys {
    pub(super) signed: bool,
    pub(super) gate_workflows: Vec<String>,
    pub(super) runner: Option<Runner>,
}

/// Reads `gate_workflows` and `runner`. Without `signed = true` nothing would look at them.
pub(super) fn signed_keys(
    source: &Source<'_>,
    signed: bool,
    gate_workflows: Option<&Spanned<Vec<Spanned<String>>>>,
    runner: Option<&Spanned<String>>,
) -> Result<SignedKeys, PolicyError> {
    let idle = gate_workflows.map(|key| (key.span(), "rule.gate_workflows"));
    let idle = idle.or(runner.map(|key| (key.span(), "rule.runner"))).filter(|_| !signed);
    if let Some((span, key)) = idle {
        return Err(source.error(&span, key, "got it in a rule without `signed = true`, expected it in a signed rule"));
    }
    let gate_workflows = match gate_workflows {
        Some(list) => source.each(source.filled(list, "rule.gate_workflows")?, "rule.gate_workflows", workflow_ref)?,
        None => Vec::new(),
    };
    let runner = runner.map(|runner| source.one(runner, "rule.runner", parse_runner)).transpose()?;
    Ok(SignedKeys { signed, gate_workflows, runner })
}

/// `OWNER/NAME/.github/workflows/FILE@REF`, as in the claim `job_workflow_ref`.
fn workflow_ref(text: &str) -> Result<String, InvalidName> {
    let is_valid = text.split_once('@').is_some_and(|(file, at)| {
        let (repository, path) = file.split_once("/.github/workflows/").unwrap_or_default();
        let is_file = [".yml", ".yaml"].iter().any(|end| path.len() > end.len() && path.ends_with(end));
        RepositoryName::parse(repository).is_ok() && is_file && !path.contains('/') && at.starts_with("refs/")
    });
    if is_valid && !text.contains('*') {
        return Ok(text.to_owned());
    }
    let expected =
        "a workflow file at a full ref, such as `octo-org/shared/.github/workflows/gate.yml@refs/heads/main`";
    Err(InvalidName::new(text, expected))
}

fn parse_runner(text: &str) -> Result<Runner, InvalidName> {
    let known = [Runner::GithubHosted, Runner::SelfHosted];
    known.into_iter().find(|runner| runner.as_str() == text).ok_or_else(|| {
        let names = known.map(|runner| quoted(runner.as_str()).to_string()).join(" or ");
        InvalidName::new(text, names)
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::super::Policy;
    use super::*;

    const RULE: &str = "[[rule]]\nrepositories = [\"octo-org/widgets\"]\nrefs = [\"refs/tags/v*\"]\nsigned = true\n";

    fn problem(policy: &str) -> String {
        Policy::parse(policy).unwrap_err().to_string()
    }

    #[test]
    fn a_signed_rule_may_tell_tags_from_branches() {
        let policy = Policy::parse(RULE).unwrap();
        assert!(policy.rules.first().unwrap().signed);
        let unsigned = problem(&RULE.replace("true", "false"));
        assert!(unsigned.contains("expected the short name of a branch or tag"), "{unsigned}");
    }

    #[test]
    fn the_runner_and_the_gates_workflows_are_read() {
        let more = "runner = \"github-hosted\"\ngate_workflows = [\"octo-org/shared/.github/workflows/gate.yml@refs/heads/main\"]\n";
        let policy = Policy::parse(&format!("{RULE}{more}")).unwrap();
        let rule = policy.rules.first().unwrap();
        assert_eq!((rule.runner, rule.gate_workflows.len()), (Some(Runner::GithubHosted), 1));
    }

    #[test]
    fn what_nothing_would_look_at_is_refused() {
        let without = RULE.replace("refs/tags/v*", "v*").replace("signed = true\n", "");
        for more in ["runner = \"github-hosted\"\n", "gate_workflows = [\"x\"]\n"] {
            assert!(problem(&format!("{without}{more}")).contains("a rule without `signed = true`"));
        }
    }

    #[test]
    fn a_workflow_without_its_full_ref_is_refused() {
        for bad in [
            "gate.yml",
            "octo-org/shared/.github/workflows/gate.yml",
            "octo-org/shared/.github/workflows/gate.yml@main",
            "octo-org/shared/.github/workflows/*.yml@refs/heads/main",
            "octo-org/shared/gate.yml@refs/heads/main",
        ] {
            let problem = problem(&format!("{RULE}gate_workflows = [\"{bad}\"]\n"));
            assert!(problem.contains("expected a workflow file at a full ref"), "{problem}");
        }
    }

    #[test]
    fn a_runner_that_does_not_exist_is_refused() {
        let problem = problem(&format!("{RULE}runner = \"cloud\"\n"));
        assert!(problem.contains("got `cloud`, expected `github-hosted` or `self-hosted`"), "{problem}");
    }
}
