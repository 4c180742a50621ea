//! The log: one JSON line for one decision, and how logging is set up.

mod metrics;

use jiff::Timestamp;
use tracing::level_filters::LevelFilter;
use tracing::{Metadata, error, info, warn};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{FilterFn, Targets};
use tracing_subscriber::fmt::format::{JsonFields, format};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use self::metrics::Lines;
use crate::gate::{PassedGate, Verdict};
use crate::outcome::{Outcome, Report};
use crate::probe::Probe;
use crate::recovery::{Found, FoundEnd, Sweep};
use crate::time::Clock;

/// The modules whose log lines are ours.
const OURS: &str = "environment_gate";

/// Bytes of a sample's input and result. `CloudWatch` takes lines of 256 kB; in ours JSON is escaped once more, and the policy's text comes beside it.
const SAMPLE_BYTES_MAX: usize = 100_000;

/// Logs JSON lines to standard output, with CloudWatch's metrics if they have a namespace. `filter` is a `RUST_LOG` (`info`, `environment_gate::github=debug`); one that
/// does not parse counts as `info`. Other crates never log more than `info`, because some of them log whole events.
pub fn init(filter: &str, namespace: Option<String>) {
    let targets: Targets = filter.parse().unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO));
    let ours_or_quiet = FilterFn::new(|metadata: &Metadata<'_>| {
        metadata.target().starts_with(OURS) || *metadata.level() <= LevelFilter::INFO
    });
    let json = format().json().flatten_event(true).with_current_span(false).with_span_list(false);
    let lines = tracing_subscriber::fmt::layer()
        .fmt_fields(JsonFields::new())
        .event_format(Lines { json, namespace, clock: Clock::system() })
        .with_writer(std::io::stdout);
    // Set twice only where a test starts the function twice; the first one stays.
    let _ = tracing_subscriber::registry().with(lines.with_filter(targets).with_filter(ours_or_quiet)).try_init();
}

/// Writes the one line of a decision. An audit is a query over these fields.
pub fn record(report: &Report) {
    let outcome = &report.outcome;
    let request = report.request.as_ref();
    let failed = failed_checks(outcome);
    let gates = match outcome {
        Outcome::Approved(approval) => approval.gates(),
        Outcome::Rejected(rejection) => rejection.gates(),
        _ => &[],
    };
    let took_ms = u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX);
    macro_rules! decision {
        ($level:ident) => {
            $level!(
                target: "environment_gate::decision",
                outcome = outcome.name(),
                status = outcome.status(),
                reason = outcome.reason(),
                check = failed.first().copied().unwrap_or("none"),
                checks_failed = failed.join(","),
                approvers = approvers_of(gates),
                gate_jobs = jobs_of(gates),
                rule = outcome.rule(),
                policy = report.policy,
                policies_failed = failed_policies(outcome),
                flags = outcome.rego().map(|rego| rego.flags.join(",")).filter(|flags| !flags.is_empty()),
                delivery = report.delivery_id,
                repository = request.map(|request| request.repository.name.to_string()),
                repository_id = request.map(|request| request.repository.id),
                installation_id = request.map(|request| request.installation_id),
                run_id = request.map(|request| request.run.to_string()),
                environment = request.map(|request| request.environment.as_str()),
                sha = request.map(|request| request.sha.as_str()),
                github_calls = report.calls,
                github_calls_left = report.calls_left,
                took_ms,
                "decision"
            )
        };
    }
    match outcome {
        Outcome::Failed(_) => decision!(error),
        Outcome::Deferred(_) | Outcome::Refused(_) => decision!(warn),
        Outcome::Approved(_) | Outcome::Rejected(_) | Outcome::Ignored(_) => decision!(info),
    }
    record_rego(report);
}

/// Writes a line for each policy in Rego that could not be evaluated, which raises an alarm, and for each evaluation that a policy wants to see.
fn record_rego(report: &Report) {
    let Some(rego) = report.outcome.rego() else { return };
    for failed in &rego.errors {
        error!(target: "environment_gate::policy", policy = failed.policy, reason = %failed, "policy not evaluated");
    }
    for sample in &rego.samples {
        let input = sample.input.as_json().to_string();
        let result = serde_json::Value::Object(sample.result.clone()).to_string();
        let is_whole = input.len().saturating_add(result.len()) <= SAMPLE_BYTES_MAX;
        info!(
            target: "environment_gate::sample",
            policy = sample.policy,
            policy_type = sample.policy_type.as_str(),
            hash = sample.hash,
            text = sample.text,
            input = is_whole.then_some(&input),
            // What does not fit into a line says so.
            input_bytes_omitted = (!is_whole).then_some(input.len()),
            result = is_whole.then_some(&result),
            verdict = sample.verdict.as_str(),
            delivery = report.delivery_id,
            "sample"
        );
    }
}

/// Writes the line of a sweep, and one for each request that it settled.
pub fn record_sweep(sweep: &Sweep, now: Timestamp) {
    for Found { end, .. } in &sweep.found {
        if let FoundEnd::Settled(report) = end {
            record(report);
        }
    }
    info!(
        target: "environment_gate::sweep",
        found = sweep.found.len(),
        left = sweep.left,
        oldest_wait_seconds = sweep.oldest_wait(now).as_secs(),
        github_calls = sweep.calls,
        paused = sweep.paused,
        complete = sweep.is_complete(),
        completed = u8::from(sweep.is_complete()),
        problems = sweep.problems.join("; "),
        "sweep"
    );
}

/// Writes the line of a probe; an alarm looks at its `wrong_decisions`.
pub fn record_probe(probe: &Probe) {
    let (decisions, wrong_decisions, problems) = (probe.decisions, probe.wrong.len(), probe.wrong.join("; "));
    if probe.wrong.is_empty() {
        info!(target: "environment_gate::probe", decisions, wrong_decisions, "probe");
    } else {
        error!(target: "environment_gate::probe", decisions, wrong_decisions, problems, "probe");
    }
}

/// The ids of the checks that did not pass.
fn failed_checks(outcome: &Outcome) -> Vec<&'static str> {
    let failed = outcome.findings().iter().filter(|finding| finding.verdict != Verdict::Pass);
    failed.map(|finding| finding.check.id()).collect()
}

/// The policies in Rego that did not agree.
fn failed_policies(outcome: &Outcome) -> Option<String> {
    let failed = outcome.findings().iter().filter(|finding| finding.verdict != Verdict::Pass);
    let names: Vec<&str> = failed.filter_map(|finding| finding.policy.as_deref()).collect();
    (!names.is_empty()).then(|| names.join(","))
}

fn approvers_of(gates: &[PassedGate]) -> String {
    let approvers = gates.iter().flat_map(|gate| {
        gate.approvers.iter().map(|approver| format!("{} ({}) for {}", approver.login, approver.id, gate.environment))
    });
    approvers.collect::<Vec<_>>().join(", ")
}

fn jobs_of(gates: &[PassedGate]) -> String {
    gates.iter().filter_map(|gate| gate.job_id).map(|id| id.to_string()).collect::<Vec<_>>().join(",")
}
