//! Results of tests as XML in the form of `JUnit`, which CI services read: a suite for each package.

use std::fmt::{self, Write as _};
use std::time::Duration;

use environment_gate::gate::rego::TestVerdict;

use super::line;
use super::test_report::{TestReport, TestRun};

pub(super) fn in_xml(report: &TestReport<'_>) -> Result<String, fmt::Error> {
    let mut packages: Vec<&str> = report.runs.iter().map(|run| run.test.package.as_str()).collect();
    packages.sort_unstable();
    packages.dedup();
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    writeln!(text, "<testsuites {}>", counts(report.runs.iter()))?;
    for package in packages {
        let runs = report.runs.iter().filter(|run| run.test.package == package);
        writeln!(text, "  <testsuite name=\"{}\" {}>", escaped(package), counts(runs.clone()))?;
        runs.into_iter().try_for_each(|run| test_case(&mut text, run))?;
        writeln!(text, "  </testsuite>")?;
    }
    writeln!(text, "</testsuites>")?;
    Ok(text)
}

fn counts<'r>(runs: impl Iterator<Item = &'r TestRun> + Clone) -> String {
    let count = |is: fn(&TestVerdict) -> bool| runs.clone().filter(|run| is(&run.outcome.verdict)).count();
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\"",
        runs.clone().count(),
        count(|verdict| matches!(verdict, TestVerdict::Fail(_))),
        count(|verdict| matches!(verdict, TestVerdict::Error(_))),
        count(|verdict| *verdict == TestVerdict::Skipped),
        seconds(runs.map(|run| run.took).sum()),
    )
}

fn test_case(text: &mut String, TestRun { test, outcome, took }: &TestRun) -> fmt::Result {
    write!(
        text,
        "    <testcase name=\"{}\" classname=\"{}\" file=\"{}\" line=\"{}\" time=\"{}\">",
        escaped(&test.name),
        escaped(&test.package),
        escaped(&test.file),
        test.place.line,
        seconds(*took),
    )?;
    match &outcome.verdict {
        TestVerdict::Pass => {}
        TestVerdict::Skipped => write!(text, "<skipped/>")?,
        TestVerdict::Fail(problem) => {
            write!(text, "<failure message=\"{}\">", escaped(problem))?;
            for (case, _) in outcome.cases.iter().filter(|(_, passed)| !passed) {
                writeln!(text, "{}: FAIL", escaped(&case.join(": ")))?;
            }
            write!(text, "</failure>")?;
        }
        TestVerdict::Error(error) => write!(text, "<error message=\"{}\"/>", escaped(&line(error)))?,
    }
    if !outcome.printed.is_empty() {
        write!(text, "<system-out>{}</system-out>", escaped(&outcome.printed.join("\n")))?;
    }
    writeln!(text, "</testcase>")
}

fn seconds(time: Duration) -> String {
    format!("{:.6}", time.as_secs_f64())
}

/// For an attribute or a text. Characters that XML 1.0 cannot hold are replaced.
fn escaped(text: &str) -> String {
    let escape = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\t' | '\n' | '\r' => format!("&#{};", u32::from(c)),
        c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => '\u{fffd}'.to_string(),
        c => c.to_string(),
    };
    text.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_in_xml_is_escaped() {
        assert_eq!(escaped("<a b=\"1\">&'\u{0}\n"), "&lt;a b=&quot;1&quot;&gt;&amp;'\u{fffd}&#10;");
    }
}
