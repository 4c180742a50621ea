//! What an event says: the same report as the log's line, as JSON. `docs/event.schema.json` describes it. A field, once there, never leaves or changes its type.
//!
//! Not here: how it gets to a bus, secrets, and the comment on GitHub.

use serde::Serialize;

use crate::gate::{Finding, PassedGate, Verdict};
use crate::model::Request;
use crate::outcome::{Outcome, Report};

/// The shape's version. It changes only with a shape that an old reader would misread.
const VERSION: u32 = 1;

/// Bytes of a detail. `PutEvents` takes ten events with 256 KiB in all, source and time of each included
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html>).
pub const DETAIL_BYTES_MAX: usize = 24 * 1024;
/// Bytes of each list in it, as JSON, and of its reason: together they leave two thousand for the rest, whose names GitHub bounds.
const FINDINGS_BYTES_MAX: usize = 14 * 1024;
const APPROVERS_BYTES_MAX: usize = 3 * 1024;
const GATE_JOBS_BYTES_MAX: usize = 1024;
const FLAGS_BYTES_MAX: usize = 1024;
const REASON_BYTES_MAX: usize = 2 * 1024;
/// Bytes of each text of a finding.
const TEXT_BYTES_MAX: usize = 1024;

/// A decision. The names are those of the log's line.
#[derive(Serialize)]
struct Detail<'a> {
    version: u32,
    outcome: &'static str,
    status: u16,
    reason: String,
    delivery: &'a str,
    repository: String,
    repository_id: u64,
    installation_id: u64,
    run_id: String,
    run_url: String,
    environment: &'a str,
    sha: &'a str,
    rule: Option<usize>,
    policy: Option<&'a str>,
    checks_failed: Vec<&'static str>,
    findings: Vec<FindingDetail<'a>>,
    approvers: Vec<ApproverDetail<'a>>,
    gate_jobs: Vec<u64>,
    flags: Vec<&'a str>,
    /// Entries of the lists that did not fit.
    omitted: usize,
    github_calls: u32,
    github_calls_left: Option<u64>,
    took_ms: u64,
}

/// What one check found.
#[derive(Serialize)]
struct FindingDetail<'a> {
    check: &'static str,
    gate: Option<&'a str>,
    policy: Option<&'a str>,
    verdict: &'static str,
    got: String,
    expected: String,
    /// What to do; null for a check that passed.
    fix: Option<String>,
}

/// Somebody whose approval counted.
#[derive(Serialize)]
struct ApproverDetail<'a> {
    login: &'a str,
    id: u64,
    environment: &'a str,
}

/// The event's detail: JSON of at most [`DETAIL_BYTES_MAX`] bytes. `None` where nothing was decided for anybody: a delivery that was refused, one that asked for nothing or for something
/// that no rule is about, and one that another review had settled. `web` is the origin of GitHub's pages.
pub fn detail(report: &Report, web: &str) -> Option<String> {
    match report.outcome {
        Outcome::Approved(_) | Outcome::Rejected(_) | Outcome::Deferred(_) | Outcome::Failed(_) => {
            serde_json::to_string(&detail_of(report, report.request.as_ref()?, web)).ok()
        }
        Outcome::Ignored(_) | Outcome::Refused(_) => None,
    }
}

fn detail_of<'a>(report: &'a Report, request: &'a Request, web: &str) -> Detail<'a> {
    let (outcome, repository, run_id) = (&report.outcome, request.repository.name.to_string(), request.run.to_string());
    let flags = outcome.rego().map(|rego| rego.flags.as_slice()).unwrap_or_default();
    let findings = fitting(outcome.findings().iter().map(finding), FINDINGS_BYTES_MAX);
    let approvers = fitting(approvers(outcome.gates()), APPROVERS_BYTES_MAX);
    let gate_jobs = fitting(outcome.gates().iter().filter_map(|gate| gate.job_id), GATE_JOBS_BYTES_MAX);
    let flags = fitting(flags.iter().map(String::as_str), FLAGS_BYTES_MAX);
    let omitted = [findings.omitted, approvers.omitted, gate_jobs.omitted, flags.omitted];
    Detail {
        version: VERSION,
        outcome: outcome.name(),
        status: outcome.status(),
        reason: cut(&outcome.reason(), REASON_BYTES_MAX),
        delivery: &report.delivery_id,
        repository_id: request.repository.id,
        installation_id: request.installation_id,
        run_url: format!("{web}/{repository}/actions/runs/{run_id}"),
        repository,
        run_id,
        environment: request.environment.as_str(),
        sha: request.sha.as_str(),
        rule: outcome.rule(),
        policy: report.policy.as_deref(),
        checks_failed: checks_failed(outcome.findings()),
        findings: findings.items,
        approvers: approvers.items,
        gate_jobs: gate_jobs.items,
        flags: flags.items,
        omitted: omitted.into_iter().fold(0, usize::saturating_add),
        github_calls: report.calls,
        github_calls_left: report.calls_left,
        took_ms: u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
    }
}

fn finding(finding: &Finding) -> FindingDetail<'_> {
    let cut = |text: &str| cut(text, TEXT_BYTES_MAX);
    FindingDetail {
        check: finding.check.id(),
        gate: finding.gate.as_deref(),
        policy: finding.policy.as_deref(),
        verdict: finding.verdict.as_str(),
        got: cut(&finding.got),
        expected: cut(&finding.expected),
        fix: (finding.verdict != Verdict::Pass).then(|| cut(&finding.fix)),
    }
}

fn approvers(gates: &[PassedGate]) -> impl Iterator<Item = ApproverDetail<'_>> {
    gates.iter().flat_map(|gate| {
        gate.approvers.iter().map(|approver| ApproverDetail {
            login: &approver.login,
            id: approver.id,
            environment: &gate.environment,
        })
    })
}

/// The ids of the checks that did not pass, each once.
fn checks_failed(findings: &[Finding]) -> Vec<&'static str> {
    let mut ids = Vec::new();
    for finding in findings.iter().filter(|finding| finding.verdict != Verdict::Pass) {
        if !ids.contains(&finding.check.id()) {
            ids.push(finding.check.id());
        }
    }
    ids
}

/// The beginning of a list, and how many entries did not fit.
struct Fitting<T> {
    items: Vec<T>,
    omitted: usize,
}

/// As many entries as fit into `bytes_max` as JSON.
fn fitting<T: Serialize>(all: impl Iterator<Item = T>, bytes_max: usize) -> Fitting<T> {
    let mut fitting = Fitting { items: Vec::new(), omitted: 0 };
    let mut left = bytes_max;
    for item in all {
        // With a comma.
        let bytes = json_bytes(&item).saturating_add(1);
        match left.checked_sub(bytes).filter(|_| fitting.omitted == 0) {
            Some(rest) => {
                left = rest;
                fitting.items.push(item);
            }
            None => fitting.omitted = fitting.omitted.saturating_add(1),
        }
    }
    fitting
}

/// The text, or as much of it as fits into `bytes_max` as JSON, and an ellipsis.
fn cut(text: &str, bytes_max: usize) -> String {
    if json_bytes(&text) <= bytes_max {
        return text.to_owned();
    }
    // Quotation marks and the ellipsis.
    let mut left = bytes_max.saturating_sub(5);
    let fits = |c: &char| {
        let bytes = json_bytes(c).saturating_sub(2);
        let rest = left.checked_sub(bytes);
        left = rest.unwrap_or_default();
        rest.is_some()
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

fn json_bytes(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX, |json| json.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_where_its_json_would_be_too_long() {
        for text in ["x".repeat(2000), "\u{1}".repeat(2000), "😀".repeat(2000), "\"".repeat(2000)] {
            let short = cut(&text, TEXT_BYTES_MAX);
            let bytes = json_bytes(&short);
            assert!((TEXT_BYTES_MAX.saturating_sub(6)..=TEXT_BYTES_MAX).contains(&bytes), "{bytes}: {short}");
            assert!(short.ends_with('…'), "{short}");
        }
    }

    #[test]
    fn a_text_that_fits_stays_as_it_is() {
        assert_eq!(cut("got `main`", TEXT_BYTES_MAX), "got `main`");
    }

    #[test]
    fn what_does_not_fit_into_a_list_is_counted() {
        let short = fitting(["aa", "bb", "cc", "d"].into_iter(), 12);
        assert_eq!((short.items, short.omitted), (vec!["aa", "bb"], 2));
    }

    #[test]
    fn ten_events_fit_into_one_call() {
        const CALL_BYTES_MAX: usize = 256 * 1024;
        let lists = [FINDINGS_BYTES_MAX, APPROVERS_BYTES_MAX, GATE_JOBS_BYTES_MAX, FLAGS_BYTES_MAX, REASON_BYTES_MAX];
        let detail = lists.into_iter().fold(2 * 1024, usize::saturating_add);
        assert!(detail <= DETAIL_BYTES_MAX, "{detail}");
        // With its source, its type, its bus and its time.
        assert!(DETAIL_BYTES_MAX.saturating_add(1024).saturating_mul(10) <= CALL_BYTES_MAX);
    }
}
