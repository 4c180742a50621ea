//! The README's costs are the arithmetic of its unit prices.

use std::path::Path;

/// What one delivery takes.
const GIGABYTES: f64 = 0.25;
const SECONDS: f64 = 1.0;
const LOG_GIGABYTES: f64 = 2e-6;
/// Readings of the settings in a month: one every five minutes at most.
const READINGS_MAX: f64 = 31.0 * 24.0 * 12.0;

fn rows(readme: &str) -> Vec<(String, f64)> {
    let cells = readme.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | $"));
    cells.map(|(name, price)| (name.to_owned(), price.parse().unwrap())).collect()
}

#[test]
fn the_readmes_costs_add_up() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let rows = rows(&readme);
    let price =
        |unit: &str| rows.iter().find(|(name, _)| name == unit).unwrap_or_else(|| panic!("no price of {unit}")).1;
    let alarms = 3.0;
    for (name, deployments) in [("10", 10.0_f64), ("1,000", 1_000.0), ("100,000", 100_000.0)] {
        let each = price("1,000,000 invocations") / 1e6
            + GIGABYTES * SECONDS * price("1,000,000 GB-seconds, arm64") / 1e6
            + price("1,000,000 HTTP API requests") / 1e6
            + LOG_GIGABYTES * price("1 GB of log");
        let reads = deployments.min(READINGS_MAX) * price("10,000 reads of a secret") / 1e4;
        let cost = deployments * each + reads + price("1 secret a month") + alarms * price("1 alarm a month");
        let told = price(name);
        assert!((cost - told).abs() < 0.005, "{name}: {cost:.3}, told {told}");
    }
}
