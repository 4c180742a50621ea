//! A deployment, examined from outside: what is right, what is not, and how to fix it. A mistake found here means that no webhook arrives at all, or that a gate
//! lets anyone through, so no decision would ever reveal it.
//!
//! It reads, and sends the function one signed ping. There is nothing here that could post a review.

mod app;
mod branch_pattern;
mod cloud_trust;
mod environments;
mod function;
mod inspector;
mod item;
mod webhook_url;
mod workflow;
mod workflow_file;
mod workflow_signature;

use std::collections::BTreeSet;
use std::time::Duration;

use secrecy::SecretString;

use crate::config::{Reading, Sources, Variables};
use crate::gate::Policy;
use crate::gate::policy::{RefPattern, RepositoryPattern, Rule};
use crate::github::{AppWire, GithubClient, Limits, RepositoryClient, RepositoryRef};
use crate::http::HttpClient;
use crate::model::{RepositoryName, quoted};
use crate::time::{Clock, Deadline};
use crate::trust;

pub use cloud_trust::trust_facts;
pub use inspector::{EnvironmentPlace, HookFacts, Inspector};
pub use item::{Item, Line, State};
pub use webhook_url::WebhookUrl;

use environments::EnvironmentsOfRule;
use workflow::WorkflowSource;

/// Time for an examination, where nobody says how much.
const TIME: Duration = Duration::from_mins(2);

/// What a person adds to the settings.
#[derive(Debug)]
pub struct ExaminationInput {
    /// The URL that the App's webhook must have; `None` if any URL with our path will do.
    pub webhook_url: Option<WebhookUrl>,
    /// Repositories of an `owner/*` of the policy that are examined, too.
    pub repositories: Vec<RepositoryName>,
    /// The text of the workflow file.
    pub workflow: Option<String>,
    /// A person's token that may read the repositories' contents.
    pub token: Option<SecretString>,
    /// What a cloud trusts, as its own command prints it: all texts together are one trust. Empty if none is examined.
    pub trust: Vec<String>,
    /// Time for the whole examination.
    pub time: Duration,
}

impl Default for ExaminationInput {
    fn default() -> Self {
        Self { webhook_url: None, repositories: Vec::new(), workflow: None, token: None, trust: Vec::new(), time: TIME }
    }
}

/// What is needed to look, and nothing to review with.
#[derive(Debug)]
pub struct Doctor {
    http: HttpClient,
    github: GithubClient,
    sources: Sources,
    input: ExaminationInput,
}

impl Doctor {
    /// Takes the settings' sources; nothing is read yet.
    pub fn new(variables: Variables, limits: Limits, input: ExaminationInput) -> Self {
        // It looks at many things, one after the other.
        let limits = Limits { delivery: input.time, ..limits };
        let github = GithubClient::new(variables.http.clone(), variables.api.clone(), limits);
        Self { http: variables.http.clone(), github, sources: Sources::new(variables), input }
    }

    /// Examines everything that can be seen, in the order in which it is set up.
    pub async fn examine(&self, clock: &Clock) -> Vec<Line> {
        let deadline = Deadline::begin(clock, self.input.time);
        let reading = self.sources.read(deadline.now).await;
        let mut lines = app::settings(&reading);
        let Reading { app: Ok(app), policy, .. } = &reading else {
            lines.push(Line::not_checked(Item::App, "GitHub cannot be asked without the App's id and key"));
            return lines;
        };
        let inspector = Inspector::new(&self.github, app, deadline);
        let facts = match inspector.app().await {
            Ok(facts) => facts,
            Err(error) => {
                lines.push(Line::of_error(Item::App, &error));
                return lines;
            }
        };
        lines.extend(app::rights(&facts));
        lines.extend(self.webhook(&inspector, &reading, clock).await);
        lines.push(match inspector.deliveries().await {
            Ok(deliveries) => app::deliveries(&deliveries, deadline.now),
            Err(error) => Line::of_error(Item::Deliveries, &error),
        });
        if let Ok(policy) = policy {
            let repositories = self.repositories(policy, &mut lines);
            let files = |(name, rules): &(RepositoryName, Vec<&Rule>)| {
                let name = name.to_string();
                rules.iter().map(|rule| (name.clone(), rule.workflow.clone())).collect::<Vec<_>>()
            };
            let workflows = repositories.iter().flat_map(files).collect::<BTreeSet<_>>().len();
            let visit = Visit { doctor: self, inspector: &inspector, facts: &facts, is_one_workflow: workflows == 1 };
            for (repository, rules) in repositories {
                if deadline.time_left().is_zero() {
                    let why = "the time was over: give it more with `--minutes`";
                    lines.push(Line::not_in_time(Item::Installation, why).about(quoted(&repository.to_string())));
                } else {
                    lines.extend(visit.repository(&repository, &rules).await);
                }
            }
        }
        lines
    }

    /// The App's webhook, and the function to which it leads.
    async fn webhook(&self, inspector: &Inspector<'_>, reading: &Reading, clock: &Clock) -> Vec<Line> {
        let hook = match inspector.hook().await {
            Ok(hook) => hook,
            Err(error) => return vec![Line::of_error(Item::HookUrl, &error)],
        };
        let mut lines = app::hook(&hook, self.input.webhook_url.as_ref());
        let leads_to_us = lines.iter().any(|line| line.item == Item::HookUrl && line.state == State::Ok);
        lines.push(match (&reading.secrets, &hook.url) {
            (Ok(secrets), Some(url)) if leads_to_us => function::ping(&self.http, url, secrets, clock).await,
            _ => Line::not_checked(Item::Function, "it cannot be asked without the webhook's URL and secret"),
        });
        lines
    }

    /// The repositories that the policy names, each with its rules, and those of an `owner/*` that the person named.
    fn repositories<'p>(&self, policy: &'p Policy, lines: &mut Vec<Line>) -> Vec<(RepositoryName, Vec<&'p Rule>)> {
        let mut names = Vec::new();
        for pattern in policy.rules.iter().flat_map(|rule| &rule.repositories) {
            match pattern {
                RepositoryPattern::One(name) => names.push(name.clone()),
                RepositoryPattern::AllOf(_) => {
                    let named: Vec<_> = self.input.repositories.iter().filter(|name| pattern.matches(name)).collect();
                    if named.is_empty() {
                        let which = "the App cannot see which repositories these are: name them with `--repository`";
                        lines.push(Line::not_checked(Item::Repositories, which).about(quoted(&pattern.to_string())));
                    }
                    names.extend(named.into_iter().cloned());
                }
            }
        }
        let mut repositories: Vec<(RepositoryName, Vec<&Rule>)> = Vec::new();
        for name in names {
            if repositories.iter().all(|(other, _)| *other != name) {
                let covers = |rule: &&Rule| rule.repositories.iter().any(|pattern| pattern.matches(&name));
                let rules = policy.rules.iter().filter(covers).collect();
                repositories.push((name, rules));
            }
        }
        let is_known = |name: &&RepositoryName| repositories.iter().any(|(other, _)| other == *name);
        for unknown in self.input.repositories.iter().filter(|name| !is_known(name)) {
            let got = format!("{}, which no rule covers", quoted(&unknown.to_string()));
            lines.push(Line::failed(Item::Repositories, got));
        }
        repositories
    }
}

/// The App, once GitHub has confirmed its key, as it goes through the repositories.
struct Visit<'a> {
    doctor: &'a Doctor,
    inspector: &'a Inspector<'a>,
    facts: &'a AppWire,
    /// The policy names one workflow file of one repository, so a file that a person gives can only be that one.
    is_one_workflow: bool,
}

impl Visit<'_> {
    /// The App on one repository, and what the rules rely on there.
    async fn repository(&self, repository: &RepositoryName, rules: &[&Rule]) -> Vec<Line> {
        let about = quoted(&repository.to_string()).to_string();
        let found = match self.inspector.installation(repository).await {
            Ok(found) => found,
            Err(error) => return vec![Line::of_error(Item::Installation, &error).about(about)],
        };
        let mut lines = vec![app::installation(found.as_ref()).about(&about)];
        let Some(found) = found.filter(|_| lines.iter().all(|line| line.state == State::Ok)) else { return lines };
        let client = RepositoryClient::new(&self.inspector.app, found.id, RepositoryRef::Name(repository.clone()));
        let app_id = self.inspector.app.id();
        for rule in rules {
            let (inspector, client, app) = (self.inspector, &client, self.facts);
            let environments = EnvironmentsOfRule { inspector, client, repository, app, rule };
            lines.extend(environments.examine().await);
            lines.extend(self.cloud_trust(client, repository, rule).await.map(|line| line.about(&about)));
            for (at, source) in self.workflows(repository, rule).await {
                let file = format!("{}{at} of {about}", quoted(&rule.workflow));
                lines.extend(workflow::examine(source, rule, app_id).into_iter().map(|line| line.about(&file)));
            }
        }
        once(lines)
    }

    /// Who gets in by what a cloud trusts, if a person asks.
    async fn cloud_trust(
        &self,
        client: &RepositoryClient<'_>,
        repository: &RepositoryName,
        rule: &Rule,
    ) -> Option<Line> {
        let texts: Vec<&str> = self.doctor.input.trust.iter().map(String::as_str).collect();
        if texts.is_empty() {
            return None;
        }
        Some(match trust::read(&texts) {
            Ok(document) => cloud_trust::examine(document.as_ref(), client, repository, &rule.environment).await,
            Err(error) => Line::failed(Item::CloudTrust, error.to_string()),
        })
    }

    /// The workflow file of a rule: the person's, or as it is at each branch or tag that the rule names, read with the person's token.
    async fn workflows(&self, repository: &RepositoryName, rule: &Rule) -> Vec<(String, WorkflowSource)> {
        let input = &self.doctor.input;
        if let Some(text) = &input.workflow {
            let source =
                if self.is_one_workflow { WorkflowSource::Text(text.clone()) } else { WorkflowSource::OneOfSeveral };
            return vec![(String::new(), source)];
        }
        let Some(token) = &input.token else { return vec![(String::new(), WorkflowSource::NotAsked)] };
        let mut refs: Vec<Option<&str>> = rule.refs.iter().filter_map(RefPattern::exact).map(Some).collect();
        if refs.is_empty() {
            // Nobody knows which tags there are: the default branch stands for them.
            refs.push(None);
        }
        let mut sources = Vec::new();
        for name in refs {
            let source = match self.inspector.file(token, repository, &rule.workflow, name).await {
                Ok(Some(text)) => WorkflowSource::Text(text),
                Ok(None) => WorkflowSource::Missing,
                Err(error) => WorkflowSource::Unreadable(error),
            };
            sources.push((name.map(|name| format!(" at {}", quoted(name))).unwrap_or_default(), source));
        }
        sources
    }
}

/// Without repetitions: two rules may rely on one environment.
fn once(lines: Vec<Line>) -> Vec<Line> {
    let mut once: Vec<Line> = Vec::new();
    for line in lines {
        if !once.contains(&line) {
            once.push(line);
        }
    }
    once
}
