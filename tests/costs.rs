//! The costs of docs/deploy.md are the arithmetic of its unit prices.

use crate::support::documents;

/// What one delivery takes.
const GIGABYTES: f64 = 0.25;
const SECONDS: f64 = 1.0;
const LOG_GIGABYTES: f64 = 3e-6;
/// Sweeps in a month of 31 days, one a minute, and what one takes.
const SWEEPS: f64 = 31.0 * 24.0 * 60.0;
const SWEEP_SECONDS: f64 = 0.5;
const SWEEP_LOG_GIGABYTES: f64 = 1.0e-6;
/// Reads of the settings in a month: one every five minutes.
const READINGS: f64 = SWEEPS / 5.0;
/// Signatures in a month: the sweeps use one for eight minutes.
const SIGNATURES: f64 = SWEEPS / 8.0;
const ALARMS: f64 = 12.0;
/// Those that have a value in every hour: of sweeps, settings and the probe.
const METRICS: f64 = 4.0;
const DASHBOARDS: f64 = 1.0;

fn rows(page: &str) -> Vec<(String, f64)> {
    let cells = page.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | $"));
    cells.map(|(name, price)| (name.to_owned(), price.parse().unwrap())).collect()
}

#[test]
fn the_costs_add_up() {
    let page = documents::read("docs/deploy.md");
    let rows = rows(&page);
    let price =
        |unit: &str| rows.iter().find(|(name, _)| name == unit).unwrap_or_else(|| panic!("no price of {unit}")).1;
    let invocation = |seconds: f64| {
        price("1,000,000 invocations") / 1e6 + GIGABYTES * seconds * price("1,000,000 GB-seconds, arm64") / 1e6
    };
    let log = price("1 GB of log");
    let fixed = SWEEPS * (invocation(SWEEP_SECONDS) + SWEEP_LOG_GIGABYTES * log)
        + READINGS * price("10,000 reads of a secret") / 1e4
        + price("1 secret a month")
        + ALARMS * price("1 alarm a month")
        + METRICS * price("1 metric a month")
        + DASHBOARDS * price("1 dashboard a month");
    let secret = READINGS * price("10,000 reads of a secret") / 1e4 + price("1 secret a month");
    let kms = SIGNATURES * price("10,000 signatures by KMS") / 1e4 + price("1 KMS key a month");
    assert!(page.contains(&format!("a month costs ${:.2} more", kms - secret)), "{:.3}", kms - secret);
    for (name, deployments) in [("10", 10.0_f64), ("1,000", 1_000.0), ("100,000", 100_000.0)] {
        let each = invocation(SECONDS) + price("1,000,000 HTTP API requests") / 1e6 + LOG_GIGABYTES * log;
        let cost = fixed + deployments * each;
        let told = price(name);
        assert!((cost - told).abs() < 0.005, "{name}: {cost:.3}, told {told}");
    }
}
