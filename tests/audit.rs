//! What docs/audit.md promises: each of its questions has a query, whose answer stands there as it comes out of lines that the function wrote.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::audit::{NOISE, log, policy_hashes};
use crate::support::documents;
use crate::support::insights::Event;
use crate::support::insights::run::{Table, run};

const PAGE: &str = "docs/audit.md";

fn answer(query: &str, events: &[Event]) -> Table {
    run(query, events).unwrap_or_else(|error| panic!("{query}\n{error}"))
}

/// A table of Markdown.
fn table(answer: &Table) -> String {
    let row = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rule = answer.columns.iter().map(|_| "---".to_owned()).collect::<Vec<_>>();
    let rows = answer.rows.iter().map(|cells| row(cells));
    [row(&answer.columns), row(&rule)].into_iter().chain(rows).collect()
}

/// What a query of one's own gives for one line.
fn of_line(query: &str, line: &str) -> Result<Table, String> {
    let event = Event { at: "2026-01-05T10:15:00Z".parse().unwrap(), message: line.to_owned() };
    run(query, &[event])
}

#[tokio::test]
async fn the_answers_that_the_page_shows_are_those_of_its_queries() {
    let log = log().await;
    for (name, query) in documents::queries() {
        let answer = answer(&query, log);
        assert!(!answer.rows.is_empty(), "{name}: no line answers it");
        documents::shows(PAGE, &name, &format!("\n{}\n", table(&answer)));
    }
}

#[tokio::test]
async fn lines_of_the_platform_change_no_answer() {
    let log = log().await;
    // At every moment at which the function wrote.
    let noise = log.iter().flat_map(|event| NOISE.map(|line| Event { at: event.at, message: line.to_owned() }));
    let noisy: Vec<Event> = noise.chain(log.iter().cloned()).collect();
    for (name, query) in documents::queries() {
        assert_eq!(answer(&query, &noisy), answer(&query, log), "{name}");
    }
}

#[tokio::test]
async fn every_decision_of_the_gate_names_its_policy() {
    let lines = log().await.iter().filter_map(|event| serde_json::from_str::<Value>(&event.message).ok());
    let decisions = lines.filter(|line| line["target"] == "environment_gate::decision");
    let named: BTreeSet<(String, String)> = decisions
        .filter_map(|line| Some((line["run_id"].as_str()?.to_owned(), line["policy"].as_str()?.to_owned())))
        .collect();
    assert_eq!(named, policy_hashes().into_iter().collect());
}

#[test]
fn the_page_links_each_query_and_no_other() {
    let page = documents::read(PAGE);
    let linked: BTreeSet<&str> =
        page.split("](../queries/").skip(1).filter_map(|rest| rest.split(".logs-insights)").next()).collect();
    let queries = documents::queries();
    assert_eq!(linked, queries.keys().map(String::as_str).collect());
}

#[test]
fn every_query_begins_with_what_it_answers() {
    for (name, query) in documents::queries() {
        let first = query.lines().next().unwrap();
        assert!(first.starts_with("# ") && first.ends_with('.'), "{name}: {first}");
    }
}

#[test]
fn a_query_cannot_use_what_is_not_known_here() {
    for query in [
        "filter a like /b/ | sort a asc | limit 1",
        "filter not ispresent(a) | sort a asc | limit 1",
        "filter a = 1 and b = 2 or c = 3 | sort a asc | limit 1",
        "filter a > 1 | sort a asc | limit 1",
        "filter a = 'b' | sort a asc | limit 1",
        "parse @message \"*\" as a | sort a asc | limit 1",
        "fields a | dedup a | sort a asc | limit 1",
        "fields upper(a) as b | sort a asc | limit 1",
        "fields bin(1d) as day | sort day asc | limit 1",
        "fields datefloor(@timestamp, 1w) as week | sort week asc | limit 1",
        "stats max(a) as b by c | sort b asc | limit 1",
        "stats count(*) by c | sort c asc | limit 1",
        "fields a | sort a | limit 1",
        "fields a | sort a asc | limit 10001",
        "fields a | limit 1",
        "fields a | sort a asc",
        "fields a-b | sort a asc | limit 1",
    ] {
        assert!(of_line(query, r#"{"a":"x"}"#).is_err(), "{query}");
    }
}

#[test]
fn what_the_documentation_leaves_open_is_an_error() {
    for (query, line) in [
        ("filter a = 1 | sort a asc | limit 1", r#"{"a":"1"}"#),
        ("filter a in [\"1\"] | sort a asc | limit 1", r#"{"a":1}"#),
        ("filter b != \"1\" | sort a asc | limit 1", r#"{"a":"1"}"#),
        ("fields datefloor(b, 1d) as c | sort a asc | limit 1", r#"{"a":"1"}"#),
        ("fields strcontains(b, \"1\") as c | sort a asc | limit 1", r#"{"a":"1"}"#),
        ("stats count(*) as n by b | sort n asc | limit 1", r#"{"a":"1"}"#),
        ("stats sum(b) as n by a | sort n asc | limit 1", r#"{"a":"1"}"#),
        ("stats latest(b) as n by a | sort a asc | limit 1", r#"{"a":"1"}"#),
        ("fields a | sort b asc | limit 1", r#"{"a":"1"}"#),
    ] {
        assert!(of_line(query, line).is_err(), "{query}");
    }
}

#[test]
fn fields_are_found_in_the_first_json_of_a_line() {
    let found =
        of_line("fields a.b, c.0 | sort @timestamp asc | limit 1", r#"text {"a":{"b":1},"c":["x"]} {"a":{"b":2}}"#);
    assert_eq!(found.unwrap().rows, [["1", "x"]]);
}
