//! A workflow file's YAML into types, as far as it matters here. Someone who can change one file must not be able to stop the whole examination: depth, aliases and size are bounded.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::Options;

use crate::model::quoted;

/// Bytes of a workflow file; GitHub's own limit for a file that is read with this call.
const FILE_BYTES_MAX: usize = 1024 * 1024;
/// How deep a workflow may be nested; real ones are some ten deep.
const DEPTH_MAX: usize = 64;
/// Nodes of a workflow; a file of a megabyte has fewer.
const NODES_MAX: usize = 200_000;

/// A workflow file.
#[derive(Debug)]
pub(super) struct WorkflowFile {
    pub(super) jobs: Vec<WorkflowJob>,
}

/// One job.
#[derive(Debug)]
pub(super) struct WorkflowJob {
    pub(super) id: String,
    /// What GitHub shows.
    pub(super) name: String,
    pub(super) environment: JobEnvironment,
    /// The ids of the jobs that it waits for.
    pub(super) needs: Vec<String>,
    /// GitHub shows several jobs under other names.
    pub(super) is_matrix: bool,
    /// It says `deployment: false`, or an expression that may be false.
    pub(super) may_create_no_deployment: bool,
    /// It calls another workflow file.
    pub(super) is_elsewhere: bool,
    /// It has the permission `id-token: write`, of its own or of the workflow's.
    pub(super) tokens: TokenPermission,
    pub(super) steps: Vec<WorkflowStep>,
}

/// Whether a job may fetch tokens of the OIDC provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenPermission {
    /// `id-token: write`.
    Granted,
    /// Anything else.
    Missing,
}

/// One step of a job.
#[derive(Debug)]
pub(super) struct WorkflowStep {
    /// The action; empty for a script.
    pub(super) uses: String,
    /// The action's input `app-id`.
    pub(super) app_id: Option<String>,
}

/// The environment that a job names.
#[derive(Debug)]
pub(super) enum JobEnvironment {
    None,
    Named(String),
    /// By an expression: only a run shows which it is.
    Computed,
}

#[derive(Deserialize)]
struct WorkflowWire {
    permissions: Option<PermissionsWire>,
    jobs: BTreeMap<String, WorkflowJobWire>,
}

#[derive(Deserialize)]
struct WorkflowJobWire {
    name: Option<String>,
    environment: Option<EnvironmentNameWire>,
    needs: Option<NeedsWire>,
    strategy: Option<StrategyWire>,
    uses: Option<String>,
    permissions: Option<PermissionsWire>,
    steps: Option<Vec<StepWire>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum PermissionsWire {
    /// `read-all` or `write-all`.
    All(String),
    Each(BTreeMap<String, String>),
}

#[derive(Deserialize)]
struct StepWire {
    uses: Option<String>,
    with: Option<InputsWire>,
}

#[derive(Deserialize)]
struct InputsWire {
    #[serde(rename = "app-id")]
    app_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum EnvironmentNameWire {
    Name(String),
    Object { name: Option<String>, deployment: Option<DeploymentWire> },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum DeploymentWire {
    Literal(bool),
    Expression(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum NeedsWire {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
struct StrategyWire {
    matrix: Option<IgnoredAny>,
}

impl WorkflowFile {
    /// Reads YAML; an error says in one line what is wrong.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > FILE_BYTES_MAX {
            return Err(format!("more than {FILE_BYTES_MAX} bytes"));
        }
        let wire: WorkflowWire = serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
            let line = error.location().map(|place| format!(", line {}", place.line())).unwrap_or_default();
            let problem = error.without_snippet().to_string();
            format!("not a workflow file{line}: {}", quoted(&problem))
        })?;
        let of_all = wire.permissions.as_ref().map_or(TokenPermission::Missing, PermissionsWire::tokens);
        Ok(Self { jobs: wire.jobs.into_iter().map(|(id, job)| WorkflowJob::of(id, job, of_all)).collect() })
    }
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: DEPTH_MAX, max_nodes: NODES_MAX },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: NODES_MAX },
        with_snippet: false,
    }
}

impl WorkflowJob {
    fn of(id: String, wire: WorkflowJobWire, of_all: TokenPermission) -> Self {
        let (environment, deployment) = match wire.environment {
            None => (None, None),
            Some(EnvironmentNameWire::Name(name)) => (Some(name), None),
            Some(EnvironmentNameWire::Object { name, deployment }) => (name, deployment),
        };
        Self {
            name: wire.name.unwrap_or_else(|| id.clone()),
            id,
            environment: match environment {
                None => JobEnvironment::None,
                Some(name) if is_expression(&name) => JobEnvironment::Computed,
                Some(name) => JobEnvironment::Named(name),
            },
            needs: match wire.needs {
                None => Vec::new(),
                Some(NeedsWire::One(id)) => vec![id],
                Some(NeedsWire::Several(ids)) => ids,
            },
            is_matrix: wire.strategy.is_some_and(|strategy| strategy.matrix.is_some()),
            may_create_no_deployment: match deployment {
                None => false,
                Some(DeploymentWire::Literal(creates)) => !creates,
                Some(DeploymentWire::Expression(text)) => is_expression(&text),
            },
            is_elsewhere: wire.uses.is_some(),
            tokens: wire.permissions.as_ref().map_or(of_all, PermissionsWire::tokens),
            steps: wire.steps.into_iter().flatten().map(WorkflowStep::of).collect(),
        }
    }

    /// Only a run shows how it is called.
    pub(super) fn has_computed_name(&self) -> bool {
        is_expression(&self.name)
    }
}

impl WorkflowStep {
    fn of(wire: StepWire) -> Self {
        Self { uses: wire.uses.unwrap_or_default(), app_id: wire.with.and_then(|inputs| inputs.app_id) }
    }
}

impl PermissionsWire {
    fn tokens(&self) -> TokenPermission {
        let is_granted = match self {
            Self::All(all) => all == "write-all",
            Self::Each(each) => each.get("id-token").is_some_and(|access| access == "write"),
        };
        if is_granted { TokenPermission::Granted } else { TokenPermission::Missing }
    }
}

fn is_expression(text: &str) -> bool {
    text.contains("${{")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    fn job(text: &str) -> WorkflowJob {
        WorkflowFile::parse(&format!("on: push\njobs:\n  a:\n    runs-on: x\n{text}")).unwrap().jobs.remove(0)
    }

    fn error(text: &str) -> String {
        let error = WorkflowFile::parse(text).unwrap_err();
        assert_eq!(error.lines().count(), 1, "{error}");
        error
    }

    #[test]
    fn a_job_without_a_name_is_called_by_its_id() {
        assert_eq!((job("").name, job("    name: Gate\n").name), ("a".to_owned(), "Gate".to_owned()));
        assert_eq!(job("    name: 1.0\n").name, "1.0");
        assert!(job("    name: ${{ inputs.name }}\n").has_computed_name());
    }

    #[test]
    fn an_environment_is_a_name_or_an_object() {
        let named = |text: &str| matches!(job(text).environment, JobEnvironment::Named(name) if name == "release");
        assert!(named("    environment: release\n") && named("    environment: { name: release, url: https://x }\n"));
        assert!(matches!(job("    environment:\n").environment, JobEnvironment::None));
        assert!(matches!(job("    environment: ${{ inputs.to }}\n").environment, JobEnvironment::Computed));
    }

    #[test]
    fn a_deployment_may_be_switched_off() {
        let off = |value: &str| {
            job(&format!("    environment: {{ name: release, deployment: {value} }}\n")).may_create_no_deployment
        };
        assert!(off("false") && off("\"${{ inputs.off }}\""));
        assert!(!off("true") && !job("    environment: release\n").may_create_no_deployment);
    }

    #[test]
    fn needs_are_one_or_several() {
        assert_eq!(job("    needs: b\n").needs, ["b"]);
        assert_eq!(job("    needs: [b, c]\n").needs, ["b", "c"]);
        assert!(job("").needs.is_empty() && job("    needs: []\n").needs.is_empty());
    }

    #[test]
    fn a_matrix_and_a_call_are_seen() {
        assert!(job("    strategy: { matrix: { os: [x, y] } }\n").is_matrix);
        assert!(job("    strategy: { matrix: \"${{ fromJSON(needs.b.outputs.m) }}\" }\n").is_matrix);
        assert!(!job("    strategy: { fail-fast: false }\n").is_matrix);
        assert!(job("    uses: ./.github/workflows/b.yml\n").is_elsewhere);
    }

    #[test]
    fn anchors_are_followed() {
        let file = WorkflowFile::parse("jobs:\n  a: &a\n    environment: release\n  b: *a\n").unwrap();
        assert!(
            file.jobs.iter().all(|job| matches!(&job.environment, JobEnvironment::Named(name) if name == "release"))
        );
    }

    #[test]
    fn what_is_not_a_workflow_is_an_error_of_one_line() {
        for text in
            ["", "jobs: [", "jobs:\n", "a: b\n", "jobs: { a: b }\n", "- jobs\n", "jobs: { a: {}, a: {} }\n", "\u{0}"]
        {
            assert!(error(text).starts_with("not a workflow file"), "{text}");
        }
        assert!(error(&" ".repeat(FILE_BYTES_MAX + 1)).starts_with("more than"));
    }

    #[test]
    fn depth_is_bounded() {
        for text in
            ["- ".repeat(100_000), "[".repeat(100_000), "{a: ".repeat(100_000), "  ".to_owned() + &"? ".repeat(100_000)]
        {
            error(&format!("jobs:\n{text}"));
        }
    }

    #[test]
    fn aliases_of_aliases_are_bounded() {
        let next = |level: usize| {
            let before = level.checked_sub(1).map_or("x".to_owned(), |before| format!("*a{before}"));
            format!("a{level}: &a{level} [{}]\n", [before.as_str(); 9].join(", "))
        };
        let text: String = (0..9).map(next).collect();
        error(&(text + "jobs: { x: {} }\n"));
    }
}
