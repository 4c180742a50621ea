//! The workflow file: does its release really wait for the gate?
//! (<https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax>)

use std::collections::{BTreeMap, BTreeSet};

use yaml_rust2::parser::{Event, Parser};
use yaml_rust2::{Yaml, YamlLoader};

use super::{Item, Line};
use crate::gate::policy::Rule;
use crate::model::{EnvironmentName, listed, quoted};

/// Bytes of a workflow file; GitHub's own limit for a file that this call reads.
const FILE_BYTES_MAX: usize = 1024 * 1024;

/// How deep a workflow may be nested; real ones are some ten deep.
const DEPTH_MAX: usize = 64;
/// Bytes of a workflow with every alias written out.
const TREE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Where the file's text comes from.
#[derive(Debug)]
pub enum Source {
    /// Here it is.
    Text(String),
    /// There is no such file.
    Missing,
    /// It could not be read.
    Unreadable(String),
    /// The App may not read it, and nobody else was asked to.
    NotAsked,
    /// A person gave one file, and the policy names several.
    OneOfSeveral,
}

/// One job, as far as it matters here.
struct Job {
    id: String,
    name: String,
    /// GitHub shows several jobs, or others' names.
    is_matrix: bool,
    environment: Environment,
    needs: Vec<String>,
    makes_no_deployment: bool,
    is_elsewhere: bool,
}

/// The environment that a job names.
enum Environment {
    None,
    Named(String),
    /// By an expression: which it is only a run shows.
    Computed,
}

/// Examines the file of a rule.
pub fn examine(source: Source, rule: &Rule) -> Vec<Line> {
    let all = [Item::WorkflowFile, Item::WorkflowGate, Item::WorkflowRelease, Item::WorkflowDeployment];
    let unseen = |why: &str| all.map(|item| Line::not_seen(item, why)).into();
    let text = match source {
        Source::Text(text) => text,
        Source::Missing => {
            return vec![Line::wrong(Item::WorkflowFile, "no such file, or the token may not see the repository")];
        }
        Source::Unreadable(why) => return unseen(&why),
        Source::NotAsked => {
            return unseen("the App may not read files: give a person's `--token`, or the file with `--workflow`");
        }
        Source::OneOfSeveral => {
            return unseen("the policy names several workflow files: a person's `--token` reads them all");
        }
    };
    let jobs = match jobs_of(&text) {
        Ok(jobs) => jobs,
        Err(problem) => return vec![Line::wrong(Item::WorkflowFile, problem)],
    };
    let mut lines = vec![Line::right(Item::WorkflowFile, format!("jobs: {}", jobs.len()))];
    lines.extend(rule.gates.iter().map(|gate| self::gate(&jobs, (&gate.job, &gate.environment))));
    lines.push(release(&jobs, rule));
    lines.push(deployments(&jobs, rule));
    lines
}

fn gate(jobs: &[Job], (name, environment): (&str, &EnvironmentName)) -> Line {
    let named: Vec<&Job> = jobs.iter().filter(|job| job.name == name).collect();
    let may_be_shown_so =
        |job: &Job| is_computed(&job.name) || (job.is_elsewhere && name.starts_with(&format!("{} / ", job.name)));
    if named.is_empty() && jobs.iter().any(may_be_shown_so) {
        return Line::not_seen(Item::WorkflowGate, format!("which job is shown as {} only a run tells", quoted(name)));
    }
    let [job] = named.as_slice() else {
        return Line::wrong(Item::WorkflowGate, format!("{} jobs of the name {}", named.len(), quoted(name)));
    };
    if job.is_matrix || job.is_elsewhere {
        let kind = if job.is_matrix { "a matrix" } else { "a call of another workflow file" };
        let got = format!("job {} is {kind}: GitHub shows no job of that name alone", quoted(name));
        return Line::wrong(Item::WorkflowGate, got);
    }
    match &job.environment {
        Environment::Named(named) if is(named, environment) => {
            Line::right(Item::WorkflowGate, format!("job {} in {}", quoted(name), quoted(named)))
        }
        Environment::Named(named) => {
            Line::wrong(Item::WorkflowGate, format!("job {} in {}", quoted(name), quoted(named)))
        }
        Environment::None => Line::wrong(Item::WorkflowGate, format!("job {} in no environment", quoted(name))),
        Environment::Computed => {
            Line::not_seen(Item::WorkflowGate, format!("job {} computes its environment", quoted(name)))
        }
    }
}

/// Each job of the protected environment must come after every gate.
fn release(jobs: &[Job], rule: &Rule) -> Line {
    let gates: Vec<&str> = rule.gates.iter().map(|gate| gate.job.as_str()).collect();
    if !gates.iter().all(|gate| jobs.iter().any(|job| job.name == *gate)) {
        return Line::not_seen(Item::WorkflowRelease, "needs the gates' jobs");
    }
    let entering: Vec<&Job> = jobs.iter().filter(|job| job.enters(&rule.environment)).collect();
    let is_early = |job: &Job| {
        let before = needed(jobs, job);
        !gates.iter().all(|gate| before.contains(gate))
    };
    let early: Vec<String> =
        entering.iter().filter(|job| is_early(job)).map(|job| quoted(&job.name).to_string()).collect();
    if !early.is_empty() {
        return Line::wrong(Item::WorkflowRelease, format!("jobs that do not need every gate: {}", listed(early)));
    }
    let unclear = jobs.iter().filter(|job| job.may_enter_unseen() && is_early(job));
    let unclear: Vec<String> = unclear.map(|job| quoted(&job.name).to_string()).collect();
    if !unclear.is_empty() {
        let got = format!("jobs that need no gate and whose environment only a run shows: {}", listed(unclear));
        return Line::not_seen(Item::WorkflowRelease, got);
    }
    let names = entering.iter().map(|job| quoted(&job.name).to_string());
    if entering.is_empty() {
        let got = format!("no job in {}", quoted(rule.environment.as_str()));
        return Line::wrong(Item::WorkflowRelease, got);
    }
    Line::right(Item::WorkflowRelease, listed(names))
}

fn deployments(jobs: &[Job], rule: &Rule) -> Line {
    let protected = |job: &&Job| {
        job.enters(&rule.environment)
            || rule.gates.iter().any(|gate| job.enters(&gate.environment))
            || matches!(job.environment, Environment::Computed)
    };
    let without = jobs.iter().filter(protected).filter(|job| job.makes_no_deployment);
    let without: Vec<String> = without.map(|job| quoted(&job.name).to_string()).collect();
    let elsewhere: Vec<String> =
        jobs.iter().filter(|job| job.is_elsewhere).map(|job| quoted(&job.name).to_string()).collect();
    if without.is_empty() && !elsewhere.is_empty() {
        let got = format!("jobs in other workflow files: {}", listed(elsewhere));
        return Line::not_seen(Item::WorkflowDeployment, got);
    }
    let got =
        if without.is_empty() { "none".to_owned() } else { format!("jobs that say it: {}", listed(without.clone())) };
    Line::holds(Item::WorkflowDeployment, without.is_empty(), got)
}

impl Job {
    fn enters(&self, environment: &EnvironmentName) -> bool {
        matches!(&self.environment, Environment::Named(name) if is(name, environment))
    }

    fn may_enter_unseen(&self) -> bool {
        self.is_elsewhere || matches!(self.environment, Environment::Computed)
    }
}

/// The names of all jobs that a job waits for, and those that these wait for.
fn needed<'j>(jobs: &'j [Job], job: &'j Job) -> BTreeSet<&'j str> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut names = BTreeSet::new();
    let mut left: Vec<&str> = job.needs.iter().map(String::as_str).collect();
    while let Some(id) = left.pop() {
        if let Some(before) = jobs.iter().find(|other| other.id == id)
            && seen.insert(id)
        {
            names.insert(before.name.as_str());
            left.extend(before.needs.iter().map(String::as_str));
        }
    }
    names
}

fn is_computed(text: &str) -> bool {
    text.contains("${{")
}

fn is(named: &str, environment: &EnvironmentName) -> bool {
    EnvironmentName::parse(named).is_ok_and(|name| name == *environment)
}

fn jobs_of(text: &str) -> Result<Vec<Job>, String> {
    if text.len() > FILE_BYTES_MAX {
        return Err(format!("more than {FILE_BYTES_MAX} bytes"));
    }
    bounded(text)?;
    let documents =
        YamlLoader::load_from_str(text).map_err(|error| format!("no YAML, in line {}", error.marker().line()))?;
    let jobs = documents.first().map(|workflow| &workflow["jobs"]).and_then(Yaml::as_hash);
    let jobs = jobs.ok_or("no `jobs`: it is no workflow")?;
    Ok(jobs.iter().filter_map(|(id, job)| id.as_str().map(|id| job_of(id, job))).collect())
}

/// A tree is built by recursion, and each alias copies what it stands for: whoever may change one file must not end the examination of
/// all. So depth and size are known before.
fn bounded(text: &str) -> Result<(), String> {
    let mut parser = Parser::new_from_str(text);
    // Of what is open: its anchor, and how many bytes it has so far. At the bottom the whole.
    let mut open: Vec<(usize, usize)> = vec![(0, 0)];
    let mut anchored: BTreeMap<usize, usize> = BTreeMap::new();
    loop {
        let (event, marker) =
            parser.next_token().map_err(|error| format!("no YAML, in line {}", error.marker().line()))?;
        let closed = match event {
            Event::MappingStart(anchor, _) | Event::SequenceStart(anchor, _) => {
                open.push((anchor, 1));
                None
            }
            Event::MappingEnd | Event::SequenceEnd => open.pop(),
            Event::Scalar(text, _, anchor, _) => Some((anchor, text.len().saturating_add(1))),
            Event::Alias(anchor) => Some((0, anchored.get(&anchor).copied().unwrap_or(1))),
            Event::StreamEnd => return Ok(()),
            _ => None,
        };
        if let Some((anchor, bytes)) = closed {
            anchored.insert(anchor, bytes);
            if let Some((_, all)) = open.last_mut() {
                *all = all.saturating_add(bytes);
            }
        }
        if open.len() > DEPTH_MAX || open.iter().any(|(_, bytes)| *bytes > TREE_BYTES_MAX) {
            let line = marker.line();
            return Err(format!(
                "nested deeper than {DEPTH_MAX}, or over {TREE_BYTES_MAX} bytes with its aliases, in line {line}"
            ));
        }
    }
}

fn job_of(id: &str, job: &Yaml) -> Job {
    let environment = &job["environment"];
    let name = environment.as_str().or_else(|| environment["name"].as_str());
    let deployment = &environment["deployment"];
    let needs = &job["needs"];
    let needs = needs.as_vec().map_or_else(|| vec![needs], |list| list.iter().collect());
    Job {
        id: id.to_owned(),
        name: job["name"].as_str().unwrap_or(id).to_owned(),
        is_matrix: !job["strategy"]["matrix"].is_badvalue(),
        environment: match name {
            Some(name) if is_computed(name) => Environment::Computed,
            Some(name) => Environment::Named(name.to_owned()),
            None => Environment::None,
        },
        needs: needs.into_iter().filter_map(Yaml::as_str).map(ToOwned::to_owned).collect(),
        // An expression may be false.
        makes_no_deployment: deployment.as_bool() == Some(false) || deployment.as_str().is_some_and(is_computed),
        is_elsewhere: job["uses"].as_str().is_some(),
    }
}
