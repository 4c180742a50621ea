//! Which characters and values a claim can have at GitHub.

/// The characters of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alphabet {
    /// A user or an organization.
    Owner,
    /// A repository.
    Name,
    /// An actor, also an app (`dependabot[bot]`).
    Actor,
    /// An id.
    Digits,
    /// A commit.
    Hex,
    /// A branch or a tag, after `refs/heads/` (<https://git-scm.com/docs/git-check-ref-format>).
    Ref,
    /// An environment. `*` and `?` are left out: in a trust they are a wildcard that was misplaced, not a name.
    Environment,
    /// The name of a workflow's file.
    File,
    /// A random id of a token.
    Uuid,
    /// Whatever a workflow's author writes.
    Any,
}

/// Characters to stand for all those that a trust does not wait for, those that read well first.
const STRANGERS: &str = "xzqjkwvyu0123456789abcdefghilmnoprst-XZQJKWVYUABCDEFGHILMNOPRST_.~|";

impl Alphabet {
    pub(super) fn holds(self, character: char) -> bool {
        let plain = character.is_ascii_alphanumeric();
        match self {
            Self::Owner => plain || matches!(character, '-' | '_'),
            Self::Name => plain || matches!(character, '-' | '_' | '.'),
            Self::Actor => plain || matches!(character, '-' | '_' | '[' | ']'),
            Self::Digits => character.is_ascii_digit(),
            Self::Hex => matches!(character, '0'..='9' | 'a'..='f'),
            Self::Ref => !character.is_control() && !" ~^:?*[\\".contains(character),
            Self::Environment => !character.is_control() && !matches!(character, '*' | '?'),
            Self::File => !character.is_control() && character != '/',
            Self::Uuid => matches!(character, '0'..='9' | 'a'..='f' | '-'),
            Self::Any => !character.is_control(),
        }
    }

    /// A character that is none of those awaited.
    pub(super) fn other_than(self, awaited: &std::collections::BTreeSet<char>) -> Option<char> {
        STRANGERS.chars().find(|character| self.holds(*character) && !awaited.contains(character))
    }
}

/// The events that start a workflow, but for `pull_request`
/// (<https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows>), and `dynamic`, Dependabot's.
pub(super) const EVENTS: [&str; 37] = [
    "push",
    "workflow_dispatch",
    "pull_request_target",
    "schedule",
    "workflow_run",
    "workflow_call",
    "repository_dispatch",
    "release",
    "deployment",
    "deployment_status",
    "merge_group",
    "create",
    "delete",
    "issues",
    "issue_comment",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_comment",
    "discussion",
    "discussion_comment",
    "branch_protection_rule",
    "check_run",
    "check_suite",
    "fork",
    "gollum",
    "image_version",
    "label",
    "milestone",
    "page_build",
    "project",
    "project_card",
    "project_column",
    "public",
    "registry_package",
    "status",
    "watch",
    "dynamic",
];

/// The events that a pull request's review starts a workflow for.
pub(super) const REVIEWS: [&str; 2] = ["pull_request_review", "pull_request_review_comment"];
/// The events of a deployment, which can be made with a commit instead of a branch or a tag.
pub(super) const DEPLOYMENTS: [&str; 2] = ["deployment", "deployment_status"];
/// Claims that are numbers.
pub(super) const TIMES: [&str; 3] = ["iat", "nbf", "exp"];
/// How the claims begin that an organization names itself, its repositories' custom properties
/// (<https://docs.github.com/en/actions/reference/security/oidc>).
pub(super) const PROPERTY: &str = "repo_property_";

/// Whether a word may be a key of `sub`.
pub(super) fn is_subject_key(word: &str) -> bool {
    SUBJECT_KEYS.contains(&word) || word.starts_with(PROPERTY)
}

/// What a key of `sub` may be (`claims_supported` of <https://token.actions.githubusercontent.com/.well-known/openid-configuration>, and `repo`, `context`).
pub(super) const SUBJECT_KEYS: [&str; 36] = [
    "repo",
    "context",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "repository_visibility",
    "environment",
    "environment_node_id",
    "ref",
    "ref_type",
    "ref_protected",
    "sha",
    "head_ref",
    "base_ref",
    "event_name",
    "actor",
    "actor_id",
    "workflow",
    "workflow_ref",
    "workflow_sha",
    "job_workflow_ref",
    "job_workflow_sha",
    "run_id",
    "run_number",
    "run_attempt",
    "check_run_id",
    "runner_environment",
    "enterprise",
    "enterprise_id",
    "issuer_scope",
    "aud",
    "jti",
    "iat",
    "nbf",
    "exp",
];
