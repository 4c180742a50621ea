//! What a run of tests came to, before it is printed in any form.

use std::collections::BTreeMap;
use std::time::Duration;

use environment_gate::gate::rego::{Coverage, TestCase, TestOutcome, TestVerdict};

/// A test that was run.
pub(super) struct TestRun {
    pub(super) test: TestCase,
    pub(super) outcome: TestOutcome,
    pub(super) took: Duration,
}

/// All that a run of tests came to.
pub(super) struct TestReport<'s> {
    pub(super) runs: Vec<TestRun>,
    pub(super) coverage: Option<&'s Coverage>,
    pub(super) threshold: Option<f64>,
    pub(super) shared_packages: &'s [(String, Vec<String>)],
    /// What the files look at and none of them defines, each with what may be meant.
    pub(super) undefined: &'s BTreeMap<String, Option<String>>,
    /// Whether any of the files is a policy.
    pub(super) has_policies: bool,
}

impl TestReport<'_> {
    /// How many tests came out so.
    pub(super) fn count(&self, is: impl Fn(&TestVerdict) -> bool) -> usize {
        self.runs.iter().filter(|run| is(&run.outcome.verdict)).count()
    }

    /// Whether tests were run, none failed, and they cover enough.
    pub(super) fn is_good(&self) -> bool {
        let is_bad = |verdict: &TestVerdict| matches!(verdict, TestVerdict::Fail(_) | TestVerdict::Error(_));
        !self.runs.is_empty() && self.count(is_bad) == 0 && !self.is_below_threshold()
    }

    pub(super) fn is_below_threshold(&self) -> bool {
        self.coverage.zip(self.threshold).is_some_and(|(coverage, threshold)| coverage.percent() < threshold)
    }
}

/// To two digits, as OPA rounds.
pub(super) fn rounded(percent: f64) -> f64 {
    (percent * 100.0).round() / 100.0
}
