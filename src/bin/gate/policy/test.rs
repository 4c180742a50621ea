//! `gate policy test`: runs the tests of policies, by the conventions of `opa test`. Not here: how results are shown.

use std::path::PathBuf;
use std::time::Duration;

use environment_gate::gate::rego::{RegoError, TestCase, TestSuite};
use environment_gate::time::{Clock, Deadline};
use regex::Regex;

use super::test_report::{TestReport, TestRun};
use super::{config, files, junit, line, path, report, test_json};
use crate::output::{CommandAnswer, CommandOutput};
use crate::values;

/// Everything is covered.
const PERCENT_MAX: f64 = 100.0;

#[derive(clap::Args)]
pub(crate) struct TestOptions {
    /// Policies and their tests, and folders of them
    #[arg(value_name = "PATH", required = true, value_parser = path)]
    paths: Vec<PathBuf>,
    /// Run only tests whose full name, such as `data.example.test_ok`, matches this regular expression
    #[arg(short, long, value_name = "REGEX", value_parser = regex)]
    run: Option<Regex>,
    /// Show which part of the policies the tests evaluate
    #[arg(short, long)]
    coverage: bool,
    /// Show the coverage, and exit with 1 if it is lower than this
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    threshold: Option<f64>,
    /// Show all tests, with what they printed, and the lines that are not covered
    #[arg(short, long)]
    verbose: bool,
    /// How results are printed
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The policy in TOML whose `[data]` is seen as `data.config`
    #[arg(long, value_name = "FILE", value_parser = values::file)]
    policy: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    #[value(alias = "pretty")]
    Text,
    Json,
    Junit,
}

/// Runs the tests. The answer is no if one fails, or if there are none.
pub(super) fn test(options: &TestOptions) -> anyhow::Result<CommandOutput> {
    let config = config(options.policy.as_ref())?;
    let files = files::rego_files(&options.paths)?;
    let mut suite = match TestSuite::read(&files, &config) {
        Ok(suite) => suite,
        Err(errors) => return unreadable(&errors, options.format),
    };
    if options.coverage || options.threshold.is_some() {
        suite.measure_coverage();
    }
    let mut tests = suite.tests();
    tests.retain(|test| options.run.as_ref().is_none_or(|run| run.is_match(&test.full_name())));
    let clock = Clock::system();
    let run = |test: TestCase| {
        let began = Deadline::begin(&clock, Duration::MAX);
        let outcome = suite.run(&test);
        TestRun { test, outcome, took: began.elapsed() }
    };
    let runs = tests.into_iter().map(run).collect();
    let report = TestReport {
        runs,
        coverage: suite.coverage(),
        threshold: options.threshold,
        shared_packages: suite.shared_packages(),
        undefined: suite.undefined(),
        has_policies: suite.has_policies(),
    };
    let text = match options.format {
        Format::Text => {
            report::in_words(&report, if options.verbose { report::Shown::All } else { report::Shown::NotPassed })?
        }
        Format::Json => format!("{:#}\n", test_json::in_json(&report)),
        Format::Junit => junit::in_xml(&report)?,
    };
    let answer = if report.is_good() { CommandAnswer::Yes } else { CommandAnswer::No };
    Ok(CommandOutput { text, answer })
}

/// What cannot be read, a line each; for machines, on standard error.
fn unreadable(errors: &[RegoError], format: Format) -> anyhow::Result<CommandOutput> {
    let lines: Vec<String> = errors.iter().map(line).collect();
    if format != Format::Text {
        anyhow::bail!(lines.join("; "));
    }
    Ok(CommandOutput { text: format!("{}\n", lines.join("\n")), answer: CommandAnswer::No })
}

fn regex(text: &str) -> Result<Regex, String> {
    // The library shows the place in lines of their own.
    Regex::new(text).map_err(|error| error.to_string().lines().last().unwrap_or_default().to_owned())
}

fn percent(text: &str) -> Result<f64, String> {
    let percent = text.strip_suffix('%').unwrap_or(text).parse().ok();
    percent.filter(|percent| (0.0..=PERCENT_MAX).contains(percent)).ok_or_else(|| "expected 0 to 100".to_owned())
}
