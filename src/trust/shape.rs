//! The shape of the tokens that one kind of job can get: which claims are written from which choice, in which order.
//!
//! Every token of a shape is consistent, because claims that share a choice (`sub`, `repository`, `workflow_ref` …) are written together.
//! Which tokens are looked at is decided in `walk`, who is tried in `search`.

use std::collections::{BTreeMap, BTreeSet};

use super::alphabet::{Alphabet, DEPLOYMENTS, EVENTS, PROPERTY, REVIEWS, SUBJECT_KEYS};
use super::facts::Subject;
use super::pattern::Pattern;

/// The issuer of GitHub's tokens; an enterprise may add its name (<https://docs.github.com/en/enterprise-cloud@latest/actions/reference/security/oidc>).
pub(super) const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// The claims of every token but `sub` and `repository_owner`, in the order in which they are written.
const REST: [&str; 33] = [
    "repository",
    "repository_owner_id",
    "repository_id",
    "environment",
    "ref",
    "ref_type",
    "event_name",
    "workflow_ref",
    "job_workflow_ref",
    "iss",
    "aud",
    "actor",
    "actor_id",
    "workflow",
    "workflow_sha",
    "job_workflow_sha",
    "sha",
    "head_ref",
    "base_ref",
    "ref_protected",
    "repository_visibility",
    "runner_environment",
    "run_id",
    "run_number",
    "run_attempt",
    "check_run_id",
    "environment_node_id",
    "enterprise",
    "enterprise_id",
    "jti",
    "iat",
    "nbf",
    "exp",
];

/// Whether a claim is one of those that are tried.
pub(super) fn is_modelled(claim: &str) -> bool {
    REST.contains(&claim) || ["sub", "repository_owner"].contains(&claim)
}

/// Choices that are known already, by their name.
pub(super) type Choices = BTreeMap<String, String>;

/// A kind of job.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// How its repository writes `sub`.
    pub(super) form: Subject,
    pub(super) in_environment: bool,
    pub(super) origin: Origin,
    /// Whether the repository belongs to an enterprise.
    pub(super) enterprise: bool,
    /// Who issues its tokens.
    pub(super) issuers: Vec<String>,
    /// Choices that are made.
    pub(super) fixed: Choices,
    /// What is tried first for choices that are free.
    pub(super) usual: Choices,
    /// What no token of this job may have.
    pub(super) never: Vec<Pattern>,
    /// Why its tokens may be none that GitHub writes.
    pub(super) doubt: Option<Doubt>,
}

/// Why it is not certain that GitHub writes a job's tokens: by them alone it cannot be told who gets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// The environment's name may have a `*` or a `?`.
    Star,
    /// `sub` begins with the repository and goes on in whichever way.
    RepositoryFirst,
    /// `sub` begins with another key and goes on in whichever way.
    AnotherFirst,
}

/// What a job was started for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Branch,
    Tag,
    /// An open pull request.
    PullRequest,
    /// A pull request that was merged: its event, but the branch it went to.
    Merged,
    /// A review of a pull request, whose `sub` has the pull request's ref
    /// (<https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows#pull_request_review>).
    Review,
    /// `pull_request_target`: the branch that a pull request goes to.
    Target,
    /// A deployment of a commit, which has no ref
    /// (<https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows#deployment>).
    Commit,
}

impl Origin {
    fn has_pull_request(self) -> bool {
        matches!(self, Self::PullRequest | Self::Merged | Self::Review | Self::Target)
    }

    fn events(self) -> &'static [&'static str] {
        match self {
            Self::Branch | Self::Tag => &EVENTS,
            Self::PullRequest | Self::Merged => &["pull_request"],
            Self::Review => &REVIEWS,
            Self::Target => &["pull_request_target"],
            Self::Commit => &DEPLOYMENTS,
        }
    }
}

/// The claims of a kind of job, piece by piece.
#[derive(Debug, Default)]
pub(super) struct Shape {
    pub(super) pieces: Vec<Piece>,
    /// Free choices that are written twice: their tokens agree with themselves only once these are fixed.
    pub(super) repeated: BTreeSet<String>,
}

/// A piece of text, and the claims it is written to.
#[derive(Debug)]
pub(super) struct Piece {
    /// The choice's name; empty for text between choices.
    pub(super) choice: String,
    /// The claims it is written to as it is.
    pub(super) claims: Vec<String>,
    /// Whether it is written to `sub` too, with `:` as `%3A`.
    pub(super) in_sub: bool,
    pub(super) content: Content,
}

/// What a piece can be.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Text(String),
    OneOf(Vec<String>),
    Free { alphabet: Alphabet, usual: String },
}

impl Job {
    /// The claims of this job's tokens.
    pub(super) fn shape(&self) -> Shape {
        let mut writer = Writer { job: self, shape: Shape::default(), written: BTreeSet::new() };
        writer.subject();
        writer.rest();
        writer.shape
    }
}

struct Writer<'a> {
    job: &'a Job,
    shape: Shape,
    written: BTreeSet<String>,
}

impl Writer<'_> {
    fn subject(&mut self) {
        match &self.job.form {
            _ if matches!(self.job.doubt, Some(Doubt::RepositoryFirst | Doubt::AnotherFirst)) => self.unknown_form(),
            Subject::Default | Subject::Immutable => {
                let ids = self.job.form == Subject::Immutable;
                self.between(&["sub"], "repo:");
                self.repository(true, ids);
                self.between(&["sub"], ":");
                self.context();
            }
            Subject::Keys(keys) => {
                for (index, key) in keys.iter().enumerate() {
                    if index > 0 {
                        self.between(&["sub"], ":");
                    }
                    if key == "context" {
                        self.context();
                    } else {
                        self.between(&["sub"], &format!("{key}:"));
                        self.claim(key, true);
                    }
                }
            }
        }
    }

    /// A `sub` of which the beginning alone is known.
    fn unknown_form(&mut self) {
        if self.job.doubt == Some(Doubt::RepositoryFirst) {
            self.between(&["sub"], "repo:");
            self.repository(true, false);
            self.between(&["sub"], ":");
        }
        let keys = SUBJECT_KEYS.into_iter().filter(|key| *key != "repo" && *key != "context");
        let starts = keys.chain(["pull_request"]).map(|key| format!("{key}:")).chain([PROPERTY.to_owned()]);
        self.write("", &["sub"], false, Content::OneOf(starts.collect()));
        self.write("", &["sub"], false, Content::Free { alphabet: Alphabet::Any, usual: "x".to_owned() });
    }

    /// The claims that `sub` does not have.
    fn rest(&mut self) {
        for claim in REST {
            self.claim(claim, false);
        }
    }

    fn claim(&mut self, claim: &str, in_sub: bool) {
        match claim {
            "repo" | "repository" => self.repository(in_sub, false),
            "repository_owner" => self.choice("owner", in_sub),
            "ref" => self.reference(in_sub),
            "workflow_ref" => self.workflow(in_sub),
            "job_workflow_ref" => self.job_workflow(in_sub),
            "environment" | "environment_node_id" if !self.job.in_environment => {}
            "enterprise" | "enterprise_id" if !self.job.enterprise => {}
            "head_ref" | "base_ref" if !self.job.origin.has_pull_request() => self.constant(claim, "", in_sub),
            "ref_type" if self.job.origin != Origin::Commit => {
                self.constant(claim, if self.job.origin == Origin::Tag { "tag" } else { "branch" }, in_sub);
            }
            other => self.choice(other, in_sub),
        }
    }

    fn context(&mut self) {
        if self.job.in_environment {
            self.between(&["sub"], "environment:");
            self.choice("environment", true);
        } else if matches!(self.job.origin, Origin::PullRequest | Origin::Merged) {
            self.between(&["sub"], "pull_request");
        } else {
            self.between(&["sub"], "ref:");
            self.reference(true);
        }
    }

    fn repository(&mut self, in_sub: bool, ids: bool) {
        self.choice("owner", in_sub);
        if ids {
            self.between(&["sub"], "@");
            self.choice("repository_owner_id", true);
        }
        let first = !self.written.contains("name");
        let own: &[&str] = if first { &["repository", "workflow_ref"] } else { &[] };
        self.write("", own, in_sub, Content::Text("/".to_owned()));
        self.choice("name", in_sub);
        if ids {
            self.between(&["sub"], "@");
            self.choice("repository_id", true);
        }
    }

    fn reference(&mut self, in_sub: bool) {
        let (name, before, after) = match self.job.origin {
            Origin::Commit => return self.constant("ref", "", in_sub),
            Origin::Branch | Origin::Target | Origin::Merged => ("branch", "refs/heads/", ""),
            Origin::Tag => ("tag", "refs/tags/", ""),
            Origin::PullRequest | Origin::Review => ("pull", "refs/pull/", "/merge"),
        };
        let own: &[&str] = if self.written.contains(name) { &[] } else { &["ref"] };
        self.write("", own, in_sub, Content::Text(before.to_owned()));
        self.choice(name, in_sub);
        self.write("", own, in_sub, Content::Text(after.to_owned()));
    }

    /// `OWNER/NAME/.github/workflows/FILE@REF` of this repository.
    fn workflow(&mut self, in_sub: bool) {
        if in_sub || !self.written.contains("name") {
            self.repository(in_sub, false);
        }
        let own: &[&str] = if self.written.contains("workflow_file") { &[] } else { &["workflow_ref"] };
        self.write("", own, in_sub, Content::Text("/.github/workflows/".to_owned()));
        self.choice("workflow_file", in_sub);
        self.write("", own, in_sub, Content::Text("@".to_owned()));
        self.choice("workflow_at", in_sub);
    }

    /// The same of whichever repository the called workflow is in.
    fn job_workflow(&mut self, in_sub: bool) {
        let own: &[&str] = if self.written.contains("job_owner") { &[] } else { &["job_workflow_ref"] };
        for (name, after) in
            [("job_owner", "/"), ("job_name", "/.github/workflows/"), ("job_file", "@"), ("job_at", "")]
        {
            self.choice(name, in_sub);
            self.write("", own, in_sub, Content::Text(after.to_owned()));
        }
    }

    fn between(&mut self, claims: &[&str], text: &str) {
        self.write("", claims, false, Content::Text(text.to_owned()));
    }

    fn constant(&mut self, claim: &str, text: &str, in_sub: bool) {
        let own: &[&str] = if self.written.insert(claim.to_owned()) { &[claim] } else { &[] };
        self.write("", own, in_sub, Content::Text(text.to_owned()));
    }

    fn choice(&mut self, name: &str, in_sub: bool) {
        let first = self.written.insert(name.to_owned());
        if !first && !in_sub {
            return;
        }
        let possible = |value: &&String| name != "event_name" || self.job.origin.events().contains(&value.as_str());
        let content = match self.job.fixed.get(name).filter(possible) {
            Some(value) => Content::Text(value.clone()),
            None => self.free(name),
        };
        if !first && !matches!(content, Content::Text(_)) {
            self.shape.repeated.insert(name.to_owned());
        }
        let claims = if first { claims_of(name) } else { Vec::new() };
        self.write(name, &claims, in_sub, content);
    }

    fn free(&self, name: &str) -> Content {
        let (alphabet, usual) = usual(name);
        let usual = self.job.usual.get(name).map_or_else(|| usual.to_owned(), Clone::clone);
        match name {
            "event_name" => Content::OneOf(self.job.origin.events().iter().map(|event| (*event).to_owned()).collect()),
            "ref_type" => Content::OneOf(["", "branch", "tag"].map(str::to_owned).to_vec()),
            "environment" if self.job.doubt == Some(Doubt::Star) => Content::Free { alphabet: Alphabet::Any, usual },
            "iss" => Content::OneOf(self.job.issuers.clone()),
            "ref_protected" => Content::OneOf(vec!["true".to_owned(), "false".to_owned()]),
            "runner_environment" => Content::OneOf(vec!["github-hosted".to_owned(), "self-hosted".to_owned()]),
            "repository_visibility" => Content::OneOf(["private", "public", "internal"].map(str::to_owned).to_vec()),
            _ => Content::Free { alphabet, usual },
        }
    }

    fn write(&mut self, choice: &str, claims: &[&str], in_sub: bool, content: Content) {
        let claims: Vec<String> = claims.iter().map(|claim| (*claim).to_owned()).collect();
        if !claims.is_empty() || in_sub {
            self.shape.pieces.push(Piece { choice: choice.to_owned(), claims, in_sub, content });
        }
    }
}

impl Content {
    /// What is written if nobody looks.
    pub(super) fn usual(&self) -> &str {
        match self {
            Self::Text(text) | Self::Free { usual: text, .. } => text,
            Self::OneOf(texts) => texts.first().map_or("", String::as_str),
        }
    }
}

fn claims_of(choice: &str) -> Vec<&str> {
    match choice {
        "owner" => vec!["repository_owner", "repository", "workflow_ref"],
        "name" => vec!["repository", "workflow_ref"],
        "branch" | "tag" | "pull" => vec!["ref"],
        "workflow_file" | "workflow_at" => vec!["workflow_ref"],
        "job_owner" | "job_name" | "job_file" | "job_at" => vec!["job_workflow_ref"],
        other => vec![other],
    }
}

/// The characters of a choice, and what is tried first.
fn usual(choice: &str) -> (Alphabet, &'static str) {
    match choice {
        "owner" | "job_owner" => (Alphabet::Owner, "somebody"),
        "name" | "job_name" => (Alphabet::Name, "something"),
        "repository_owner_id" => (Alphabet::Digits, "1000001"),
        "repository_id" => (Alphabet::Digits, "1000002"),
        "environment" => (Alphabet::Environment, "another"),
        "branch" | "base_ref" => (Alphabet::Ref, "main"),
        "head_ref" => (Alphabet::Ref, "change"),
        "tag" => (Alphabet::Ref, "v1"),
        "pull" | "run_number" | "run_attempt" => (Alphabet::Digits, "1"),
        "actor" => (Alphabet::Actor, "somebody"),
        "actor_id" | "run_id" | "check_run_id" | "enterprise_id" => (Alphabet::Digits, "1000003"),
        "sha" | "workflow_sha" | "job_workflow_sha" => (Alphabet::Hex, "0123456789abcdef0123456789abcdef01234567"),
        "workflow_file" | "job_file" => (Alphabet::File, "deploy.yml"),
        "workflow_at" | "job_at" => (Alphabet::Ref, "refs/heads/main"),
        "enterprise" => (Alphabet::Name, "an-enterprise"),
        "iat" | "nbf" => (Alphabet::Digits, "1700000000"),
        "exp" => (Alphabet::Digits, "1700000300"),
        "jti" => (Alphabet::Uuid, "01234567-89ab-cdef-0123-456789abcdef"),
        "aud" => (Alphabet::Any, "an-audience"),
        _ => (Alphabet::Any, "anything"),
    }
}
