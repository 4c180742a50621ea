//! The jobs whose tokens are tried: the gate's, those of everybody else, and those of a recycled name.

use std::collections::BTreeSet;

use super::alphabet::is_subject_key;
use super::facts::{Facts, Subject};
use super::pattern::{Part, Pattern};
use super::shape::{Choices, Doubt, ISSUER, Job, Origin};

/// What of a trust decides which jobs are worth a try.
#[derive(Debug, Default, Clone)]
pub(super) struct Looked {
    claims: BTreeSet<String>,
    forms: Vec<Subject>,
    issuers: Vec<String>,
    /// Comparisons of `sub` that leave no repository but one.
    anchored: Vec<Pattern>,
    /// Whether a comparison of `sub` leaves open which repository it is of.
    reaches: bool,
    /// Whether a comparison waits for a `*` or a `?` itself.
    starred: bool,
}

impl Looked {
    /// From the claims that a trust looks at and its patterns.
    pub(super) fn new(claims: BTreeSet<String>, patterns: &[Pattern], facts: &Facts) -> Self {
        let of = |claim: &'static str| patterns.iter().filter(move |pattern| pattern.claim() == claim);
        let mut forms = vec![facts.subject.clone()];
        if claims.contains("sub") {
            let named = of("sub").filter_map(|pattern| named_form(&pattern.written()));
            let wild = of("sub").any(|pattern| pattern.parts().contains(&Part::Many));
            let padded = if wild { padded(&facts.subject) } else { Vec::new() };
            for form in [Subject::Default, Subject::Immutable].into_iter().chain(named).chain(padded) {
                if !forms.contains(&form) {
                    forms.push(form);
                }
            }
        }
        let enterprises = of("iss").map(|pattern| pattern.written().replace(['*', '?'], "x"));
        let enterprises = enterprises.filter(|issuer| issuer.starts_with(ISSUER) && issuer != ISSUER);
        let issuers = std::iter::once(ISSUER.to_owned()).chain(enterprises).collect();
        let (anchored, open): (Vec<&Pattern>, Vec<&Pattern>) = of("sub").partition(|pattern| is_anchored(pattern));
        let (anchored, reaches) = (anchored.into_iter().cloned().collect(), !open.is_empty());
        let star = |pattern: &Pattern| pattern.parts().iter().any(|part| matches!(part, Part::Char('*' | '?')));
        let starred = of("sub").chain(of("environment")).any(star);
        Self { claims, forms, issuers, anchored, reaches, starred }
    }

    fn any(&self, claims: &[&str]) -> bool {
        claims.iter().any(|claim| self.claims.contains(*claim))
    }

    /// What a job can have been started for, as far as the trust can see it.
    fn origins(&self, in_environment: bool) -> &'static [Origin] {
        let seen = ["ref", "ref_type", "event_name", "head_ref", "base_ref"];
        let in_sub = self.forms.iter().any(|form| match form {
            Subject::Keys(keys) => keys.iter().any(|key| seen.contains(&key.as_str())),
            Subject::Default | Subject::Immutable => false,
        });
        match in_environment {
            _ if self.any(&seen) || (in_sub && self.any(&["sub"])) => &ALL_ORIGINS,
            true => &[Origin::Branch],
            false => &ORIGINS_IN_SUB,
        }
    }

    fn enterprises(&self) -> &'static [bool] {
        let in_sub = self.forms.iter().any(|form| match form {
            Subject::Keys(keys) => keys.iter().any(|key| key.starts_with("enterprise")),
            Subject::Default | Subject::Immutable => false,
        });
        if in_sub || self.any(&["enterprise", "enterprise_id"]) { &[true, false] } else { &[false] }
    }
}

/// Forms that another repository chooses to write whatever it likes where a pattern has a `*`: a workflow's name is free.
const PADDED: [&[&str]; 3] =
    [&["repo", "workflow", "context"], &["workflow", "context"], &["repo", "context", "workflow"]];

const ALL_ORIGINS: [Origin; 7] =
    [Origin::Branch, Origin::PullRequest, Origin::Tag, Origin::Review, Origin::Target, Origin::Commit, Origin::Merged];
/// The origins that the usual `sub` tells apart.
const ORIGINS_IN_SUB: [Origin; 5] = [Origin::Branch, Origin::PullRequest, Origin::Tag, Origin::Review, Origin::Commit];
/// The keys of `sub` that say which repository it is of.
const REPOSITORY_KEYS: [&str; 3] = ["repo", "repository", "repository_id"];
/// Those, and the keys that say whose it is.
const REPOSITORY_FACTS: [&str; 5] = ["repo", "repository", "repository_id", "repository_owner", "repository_owner_id"];

/// Forms in which another repository writes what it likes where this form has a wildcard.
fn padded(own: &Subject) -> Vec<Subject> {
    let own = match own {
        Subject::Default | Subject::Immutable => vec!["repo".to_owned(), "context".to_owned()],
        Subject::Keys(keys) => keys.clone(),
    };
    let without =
        |these: &[&str]| own.iter().map(String::as_str).filter(|key| !these.contains(key)).collect::<Vec<_>>();
    let (rest, free) = (without(&REPOSITORY_KEYS), without(&REPOSITORY_FACTS));
    let own = [
        [&["workflow"], rest.as_slice()].concat(),
        [&["repo", "workflow"], free.as_slice()].concat(),
        [rest.as_slice(), &["workflow"]].concat(),
        [&["workflow"], without(&[]).as_slice()].concat(),
    ];
    let form = |keys: &[&str]| Subject::Keys(keys.iter().map(|key| (*key).to_owned()).collect());
    PADDED.iter().copied().map(form).chain(own.iter().map(|keys| form(keys))).collect()
}

/// Whether a comparison of `sub` fits no `sub` of another repository but one, whatever keys that one has: it has the repository after its key, and no
/// wildcard in either. What is not a key stands only after one.
fn is_anchored(pattern: &Pattern) -> bool {
    if !pattern.is_wild() {
        return true;
    }
    let written = pattern.written();
    let words: Vec<&str> = written.split(':').collect();
    words.windows(2).any(|words| match words {
        [key, value] => REPOSITORY_KEYS.contains(key) && is_value(value),
        _ => false,
    })
}

/// Whether a word of a `sub` can be a value alone.
fn is_value(word: &str) -> bool {
    !word.is_empty() && !word.contains(['*', '?']) && !is_subject_key(word) && word != "pull_request"
}

/// Jobs of this repository in the gated environment.
pub(super) fn own(facts: &Facts, looked: &Looked) -> Vec<Job> {
    let mut fixed = ours(facts);
    fixed.insert("environment".to_owned(), facts.environment.clone());
    let kind = Kind { form: &facts.subject, fixed, usual: Choices::new(), never: Vec::new(), doubt: None };
    kind.jobs(looked, true)
}

/// Jobs of whoever is not the gate, those of this repository first.
pub(super) fn strangers(facts: &Facts, looked: &Looked) -> Vec<Job> {
    let (owner, _) = names(facts);
    let mut here =
        Kind { form: &facts.subject, fixed: ours(facts), usual: Choices::new(), never: Vec::new(), doubt: None };
    let mut jobs = here.jobs(looked, false);
    here.never = vec![Pattern::literal("environment", &facts.environment).ignoring_case()];
    jobs.extend(here.jobs(looked, true));
    let id = Pattern::literal("repository_id", &facts.repository_id.to_string());
    let usual = Choices::from([
        ("environment".to_owned(), facts.environment.clone()),
        ("name".to_owned(), names(facts).1.to_owned()),
    ]);
    let beside = Choices::from([
        ("owner".to_owned(), owner.to_owned()),
        ("repository_owner_id".to_owned(), facts.owner_id.to_string()),
    ]);
    let not_here = Pattern::literal("repository", &facts.repository).ignoring_case();
    let not_owner = Pattern::literal("repository_owner", owner).ignoring_case();
    let not_owner_id = Pattern::literal("repository_owner_id", &facts.owner_id.to_string());
    for form in &looked.forms {
        let kind = |fixed, never| Kind { form, fixed, usual: usual.clone(), never, doubt: None };
        for kind in [
            kind(beside.clone(), vec![id.clone(), not_here.clone()]),
            kind(Choices::new(), vec![id.clone(), not_owner.clone(), not_owner_id.clone()]),
        ] {
            jobs.extend(kind.jobs(looked, true));
            jobs.extend(kind.jobs(looked, false));
        }
    }
    jobs
}

/// Jobs of whoever is not the gate, of which it is not certain that GitHub writes their tokens.
pub(super) fn doubtful(facts: &Facts, looked: &Looked) -> Vec<Job> {
    let doubted = |job: Job, doubt| Job { doubt: Some(doubt), ..job };
    let own_form = Looked { forms: vec![facts.subject.clone()], ..looked.clone() };
    let mut jobs = Vec::new();
    if looked.starred {
        let all = strangers(facts, &own_form).into_iter().filter(|job| job.in_environment);
        jobs.extend(all.map(|job| doubted(job, Doubt::Star)));
    }
    if looked.reaches {
        let ours = facts.repository_id.to_string();
        let others = strangers(facts, &own_form).into_iter();
        let others = others.filter(|job| job.fixed.get("repository_id") != Some(&ours));
        let others = others.map(|mut job| {
            job.never.extend(looked.anchored.iter().cloned());
            job
        });
        let each = |job: Job| [Doubt::RepositoryFirst, Doubt::AnotherFirst].map(|doubt| doubted(job.clone(), doubt));
        jobs.extend(others.flat_map(each));
    }
    jobs
}

/// Jobs of a repository that took over this repository's name, in an environment of the same name.
pub(super) fn recycled(facts: &Facts, looked: &Looked) -> Vec<Job> {
    let (owner, name) = names(facts);
    let fixed = [("owner", owner), ("name", name), ("environment", &facts.environment)];
    let fixed: Choices = fixed.map(|(choice, value)| (choice.to_owned(), value.to_owned())).into();
    let never = vec![Pattern::literal("repository_id", &facts.repository_id.to_string())];
    let kind = |form| Kind { form, fixed: fixed.clone(), usual: Choices::new(), never: never.clone(), doubt: None };
    looked.forms.iter().flat_map(|form| kind(form).jobs(looked, true)).collect()
}

/// Strangers of like names, whatever the trust compares. `made` are the choices of a token of the gate's that gets in.
pub(super) fn neighbours(facts: &Facts, looked: &Looked, made: &Choices) -> Vec<Job> {
    let (owner, name) = names(facts);
    let mut kept = made.clone();
    for choice in ["owner", "name", "repository_owner_id", "repository_id", "environment", "environment_node_id"] {
        kept.remove(choice);
    }
    let like = |choices: &[(&str, &str)]| -> Choices {
        let own = choices.iter().map(|(choice, value)| ((*choice).to_owned(), (*value).to_owned()));
        kept.clone().into_iter().chain(own).collect()
    };
    let job = |form: &Subject, fixed, origin, in_environment| Job {
        form: form.clone(),
        in_environment,
        origin,
        enterprise: false,
        issuers: looked.issuers.clone(),
        fixed,
        usual: Choices::new(),
        never: Vec::new(),
        doubt: None,
    };
    let here: Choices = like(&[]).into_iter().chain(ours(facts)).collect();
    let mut jobs: Vec<Job> =
        ALL_ORIGINS.iter().map(|origin| job(&facts.subject, here.clone(), *origin, false)).collect();
    for environment in like_names(&facts.environment) {
        let fixed = here.clone().into_iter().chain([("environment".to_owned(), environment)]).collect();
        jobs.push(job(&facts.subject, fixed, Origin::Branch, true));
    }
    let owner_id = facts.owner_id.to_string();
    let (another_id, another_owner_id) = (other_id(facts.repository_id), other_id(facts.owner_id));
    for form in &looked.forms {
        for other in like_names(name) {
            let fixed = [("owner", owner), ("name", other.as_str()), ("repository_owner_id", owner_id.as_str())];
            let rest = [("repository_id", another_id.as_str()), ("environment", facts.environment.as_str())];
            jobs.push(job(form, like(&[&fixed[..], &rest[..]].concat()), Origin::Branch, true));
        }
        for other in like_names(owner) {
            let fixed = [("owner", other.as_str()), ("name", name), ("repository_owner_id", &another_owner_id)];
            let rest = [("repository_id", another_id.as_str()), ("environment", facts.environment.as_str())];
            jobs.push(job(form, like(&[&fixed[..], &rest[..]].concat()), Origin::Branch, true));
        }
    }
    jobs
}

/// Jobs that differ only in what the trust can see of how they were started.
struct Kind<'a> {
    form: &'a Subject,
    fixed: Choices,
    usual: Choices,
    never: Vec<Pattern>,
    doubt: Option<Doubt>,
}

impl Kind<'_> {
    fn jobs(&self, looked: &Looked, in_environment: bool) -> Vec<Job> {
        let origins = looked.origins(in_environment);
        let each = origins.iter().flat_map(|origin| looked.enterprises().iter().map(move |also| (*origin, *also)));
        let job = |(origin, enterprise)| Job {
            form: self.form.clone(),
            in_environment,
            origin,
            enterprise,
            issuers: looked.issuers.clone(),
            fixed: self.fixed.clone(),
            usual: self.usual.clone(),
            never: self.never.clone(),
            doubt: self.doubt,
        };
        each.map(job).collect()
    }
}

fn ours(facts: &Facts) -> Choices {
    let (owner, name) = names(facts);
    [
        ("owner", owner.to_owned()),
        ("name", name.to_owned()),
        ("repository_owner_id", facts.owner_id.to_string()),
        ("repository_id", facts.repository_id.to_string()),
    ]
    .map(|(choice, value)| (choice.to_owned(), value))
    .into()
}

fn names(facts: &Facts) -> (&str, &str) {
    facts.repository.split_once('/').unwrap_or((&facts.repository, ""))
}

fn other_id(id: u64) -> String {
    id.checked_add(1).unwrap_or(1).to_string()
}

/// Names like this one that are not this one, whatever the case.
fn like_names(name: &str) -> Vec<String> {
    let mut shorter = name.to_owned();
    shorter.pop();
    let like = [
        format!("{name}2"),
        format!("{name}-evil"),
        format!("x{name}"),
        "x".to_owned(),
        shorter,
        name.replace(':', "%3A"),
        name.replace("%3A", ":"),
    ];
    like.into_iter().filter(|like| !like.is_empty() && !like.eq_ignore_ascii_case(name)).collect()
}

/// The keys that a `sub` in a trust seems to be made of: another repository can choose the same.
fn named_form(sub: &str) -> Option<Subject> {
    let words: Vec<&str> = sub.split(':').collect();
    let (_, keys) = words.split_last()?;
    let keys: Vec<String> = keys
        .iter()
        .map(|word| word.trim_start_matches(['*', '?']))
        .filter(|word| is_subject_key(word))
        .map(str::to_owned)
        .collect();
    let usual: &[&[&str]] = &[&["repo"], &["repo", "environment"], &["repo", "ref"]];
    (!keys.is_empty() && !usual.contains(&keys.iter().map(String::as_str).collect::<Vec<_>>().as_slice()))
        .then_some(Subject::Keys(keys))
}
