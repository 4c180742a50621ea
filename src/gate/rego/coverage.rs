//! Which lines of policies their tests evaluate. A line counts if an expression begins in it. Not here: tests, which are not counted themselves.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Engine;

use super::test_case::test_lines;

/// Which lines of the policies were evaluated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// By file.
    pub files: BTreeMap<String, CoveredLines>,
}

/// Which lines of one policy were evaluated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CoveredLines {
    /// Lines that were.
    pub covered: BTreeSet<u32>,
    /// Lines that were not.
    pub not_covered: BTreeSet<u32>,
}

impl CoveredLines {
    /// The lines that were evaluated, out of a hundred.
    pub fn percent(&self) -> f64 {
        percent(self.covered.len(), self.not_covered.len())
    }
}

impl Coverage {
    /// Takes the lines of policies, as not covered yet: of the first `policies` texts of the engine.
    pub(super) fn expect(&mut self, engine: &Engine, policies: usize) {
        let modules = engine.clone().get_modules().clone();
        for (number, module) in modules.iter().enumerate().take(policies) {
            let tests = test_lines(module);
            let is_test = |line: &u32| tests.iter().any(|(first, end)| (first..end).contains(&line));
            let lines = lines_of(engine, number).into_iter().filter(|line| !is_test(line));
            self.files.entry(module.package.span.source.file().clone()).or_default().not_covered.extend(lines);
        }
    }

    /// Takes what an engine has evaluated.
    pub(super) fn add(&mut self, engine: &Engine) {
        let Ok(report) = engine.get_coverage_report() else { return };
        for seen in report.files {
            let Some(lines) = self.files.get_mut(&seen.path) else { continue };
            let new: Vec<u32> = seen.covered.into_iter().filter(|line| lines.not_covered.remove(line)).collect();
            lines.covered.extend(new);
        }
    }

    /// Lines that were evaluated, and all.
    pub fn lines(&self) -> (usize, usize) {
        let covered: usize = self.files.values().map(|lines| lines.covered.len()).sum();
        let not_covered: usize = self.files.values().map(|lines| lines.not_covered.len()).sum();
        (covered, covered.saturating_add(not_covered))
    }

    /// The lines that were evaluated, out of a hundred.
    pub fn percent(&self) -> f64 {
        let (covered, all) = self.lines();
        percent(covered, all.saturating_sub(covered))
    }
}

/// If there is nothing to cover, all of it is covered.
fn percent(covered: usize, not_covered: usize) -> f64 {
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let all = covered.saturating_add(not_covered);
    if all == 0 { 100.0 } else { 100.0 * number(covered) / number(all) }
}

/// The lines that the library counts. It names them only for texts of which something was evaluated, so one rule after the other is, until they are there.
fn lines_of(engine: &Engine, number: usize) -> BTreeSet<u32> {
    let mut engine = engine.clone();
    engine.set_enable_coverage(true);
    let Some(module) = engine.get_modules().get(number).cloned() else { return BTreeSet::new() };
    for rule in &module.policy {
        // What it says, or that it fails, is not asked.
        let _ = engine.eval_rule_in_module(&module, rule, false);
        let file = module.package.span.source.file();
        let report = engine.get_coverage_report().ok();
        let report = report.and_then(|report| report.files.into_iter().find(|seen| seen.path == *file));
        if let Some(seen) = report {
            return seen.covered.into_iter().chain(seen.not_covered).collect();
        }
    }
    BTreeSet::new()
}
