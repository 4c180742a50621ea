//! `gate workbench`, with a real browser: seven recorded runs, one for each day of a week, and a policy about days.

mod week;

use std::path::Path;
use std::process::Output;

use serde_json::json;
use tokio::net::TcpListener;
use tokio::process::Command;

use self::week::{Week, command, policy};

use crate::support::browser::Browser;
use crate::support::function::{self, Files};
use crate::support::github::Staged;
use crate::support::{PATIENCE, fixtures};

const SIZE: (u32, u32) = (1400, 1000);

/// Keeps a picture, for people to look at.
async fn keep_picture(browser: &Browser, name: &str) -> Vec<u8> {
    let picture = browser.picture().await;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("workbench");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}.png")), &picture).unwrap();
    picture
}

/// Keeps the picture of the documents; `BLESS=1` writes it there.
async fn document_picture(browser: &Browser, scheme: &str) {
    browser.look(SIZE, scheme).await;
    let picture = keep_picture(browser, scheme).await;
    if std::env::var_os("BLESS").is_some_and(|bless| !bless.is_empty()) {
        let path = format!("docs/workbench-{scheme}.png");
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(path), picture).unwrap();
    }
}

/// Waits for what the selected run's outcome says.
async fn outcome(browser: &Browser, words: &str) {
    browser.until(&format!("document.querySelector('#outcome').innerText.includes({})", json!(words))).await;
}

/// Whether the list says that the record of a day is selected.
fn is_selected(day: &str) -> String {
    let chosen = "document.getElementById(document.querySelector('#records').getAttribute('aria-activedescendant'))";
    format!("{chosen}?.innerText.includes('a {day}')")
}

/// Selects the record of a day.
async fn select(browser: &Browser, day: &str) {
    let rows = "[...document.querySelectorAll('[role=option]')]";
    browser.until(&format!("{rows}.length === 7")).await;
    browser.run(&format!("{rows}.find(row => row.innerText.includes('a {day}')).click()")).await;
    browser.until(&is_selected(day)).await;
}

#[tokio::test]
async fn as_a_policy_is_edited_its_decisions_follow_and_it_is_saved() {
    let week = Week::new();
    let served = week.open(&["week", "--edit", "business-hours.rego"]).await;
    let browser = Browser::start().await;
    browser.look(SIZE, "light").await;
    browser.open(&served.url).await;
    select(&browser, "Sunday").await;
    outcome(&browser, "now: fail").await;
    outcome(&browser, "denied: no releases on weekends").await;
    outcome(&browser, "recorded: pass").await;
    outcome(&browser, "This decision would change.").await;
    the_difference_is_shown(&browser).await;
    document_picture(&browser, "dark").await;
    document_picture(&browser, "light").await;
    a_run_is_drawn(&browser).await;
    every_record_is_evaluated(&browser).await;
    what_is_wrong_is_shown_at_its_line(&browser).await;
    the_input_is_edited(&browser).await;
    it_is_saved(&browser, &week).await;
    assert!(browser.run("return document.querySelector('#broken').hidden").await == true);
    browser.quit().await;
}

async fn the_difference_is_shown(browser: &Browser) {
    browser.press("#show-difference").await;
    let lines = |kind: &str| {
        format!("return [...document.querySelectorAll('#difference tr.{kind}')].map(row => row.innerText.trim())")
    };
    let removed = browser.run(&lines("removed")).await.to_string();
    let added = browser.run(&lines("added")).await.to_string();
    assert!(removed.contains("no releases on Saturdays") && !removed.contains("weekends"), "{removed}");
    assert!(added.contains("no releases on weekends") && added.contains("data.config.closed"), "{added}");
}

async fn a_run_is_drawn(browser: &Browser) {
    let words = browser.run("return document.querySelector('#timeline svg').getAttribute('aria-label')").await;
    let words = words.as_str().unwrap().to_owned();
    for part in [
        "attempt 1, started by alice",
        "gate release-gate, attempt 1: success",
        "review 1: approved by bob: release-gate",
        "release-gate has the approvals 1",
        "asked at 10:15:00, and stopped",
    ] {
        assert!(words.contains(part), "{part} is not in {words}");
    }
}

async fn every_record_is_evaluated(browser: &Browser) {
    browser.keys("#policy", "\u{e009}\u{e007}\u{e000}").await;
    browser.until("document.querySelector('#all-words').innerText === '1 of 7 recorded decisions would change.'").await;
    let row = browser.text(".changes tbody tr").await;
    assert!(row.contains("pass") && row.contains("fail") && row.contains("A release on a Sunday"), "{row}");
    assert_eq!(browser.text("#progress-words").await, "7 of 7");
    keep_picture(browser, "all").await;
}

async fn what_is_wrong_is_shown_at_its_line(browser: &Browser) {
    browser.fill("#policy", "package business_hours\n\ndeny[\"x\"] {\n  input.run.id = = 1\n}\n").await;
    browser.until("document.querySelector('#policy-problem').innerText.includes('Line 4')").await;
    assert!(browser.text(".gutter .wrong").await.contains('4'));
    outcome(browser, "Not evaluated: the policy cannot be read.").await;
    browser.until("document.querySelector('#all-words').innerText.includes('cannot be read (line 4)')").await;
    keep_picture(browser, "wrong").await;
    browser.keys("#policy", "\u{e038}").await;
    let cursor = "return document.querySelector('#policy').value.slice(0, document.querySelector('#policy').selectionStart).split('\\n').length";
    assert_eq!(browser.run(cursor).await, 4, "F8 goes there");
}

async fn the_input_is_edited(browser: &Browser) {
    browser
        .fill("#policy", "package business_hours\n\ndeny[\"alice started it\"] { input.session.login == \"alice\" }\n")
        .await;
    outcome(browser, "now: fail").await;
    browser.press("#tab-input").await;
    let bob = "const area = document.querySelector('#input'); area.value = area.value.replaceAll('alice', 'bob'); area.dispatchEvent(new Event('input'))";
    browser.run(bob).await;
    outcome(browser, "now: pass").await;
    outcome(browser, "its input was edited").await;
    keep_picture(browser, "input").await;
    browser.fill("#input", "{ \"run\": ").await;
    browser.until("document.querySelector('#input-problem').innerText.includes('Line 1')").await;
    browser.press("#restore-input").await;
    outcome(browser, "now: fail").await;
}

async fn it_is_saved(browser: &Browser, week: &Week) {
    let text = "package business_hours\n\ndeny[\"never\"] { false }\n";
    browser.fill("#policy", text).await;
    browser.keys("#policy", "\u{e009}s\u{e000}").await;
    browser.until("document.querySelector('#saved').innerText === 'saved'").await;
    assert_eq!(std::fs::read_to_string(week.path("business-hours.rego")).unwrap(), text);
    // Somebody else changes it meanwhile.
    std::fs::write(week.path("business-hours.rego"), "package theirs\n").unwrap();
    browser.fill("#policy", "package ours\n\ndeny[\"never\"] { false }\n").await;
    browser.press("#save").await;
    browser.until("document.querySelector('#conflict').open").await;
    assert!(browser.text("#conflict-difference").await.contains("package theirs"));
    keep_picture(browser, "conflict").await;
    assert_eq!(std::fs::read_to_string(week.path("business-hours.rego")).unwrap(), "package theirs\n");
    browser.press("#conflict-overwrite").await;
    browser.until("document.querySelector('#saved').innerText === 'saved'").await;
    assert!(std::fs::read_to_string(week.path("business-hours.rego")).unwrap().starts_with("package ours"));
}

#[tokio::test]
async fn everything_is_reached_with_the_keyboard() {
    let week = Week::new();
    let served = week.open(&["week", "--edit", "business-hours.rego"]).await;
    let browser = Browser::start().await;
    browser.look(SIZE, "light").await;
    browser.open(&served.url).await;
    browser.until("document.querySelector('[role=option][aria-selected=true]')").await;
    // From the beginning of the page to its end with the tab key alone.
    let mut reached = Vec::new();
    for _ in 0..25 {
        browser.keys("html", "\u{e004}").await;
        reached.push(browser.run("return document.activeElement.id").await.as_str().unwrap().to_owned());
    }
    for id in
        ["policy", "filter-outcome", "filter-policy", "filter-type", "filter-words", "records", "tab-run", "values"]
    {
        assert!(reached.iter().any(|other| other == id), "{id} is not in {reached:?}");
    }
    browser.run("document.querySelector('#records').focus()").await;
    browser.keys("#records", "\u{e010}").await;
    browser.until(&is_selected("Monday")).await;
    browser.run("document.querySelector('#policy').focus()").await;
    browser.keys("#policy", "\u{e00a}\u{e013}\u{e000}").await;
    browser.until(&is_selected("Tuesday")).await;
    browser.keys("#records", "?").await;
    browser.until("document.querySelector('#keys').open").await;
    keep_picture(&browser, "keys").await;
    browser.keys("#keys", "\u{e00c}").await;
    browser.until("!document.querySelector('#keys').open").await;
    browser.run("document.querySelector('#tab-run').focus()").await;
    browser.keys("#tab-run", "\u{e014}").await;
    browser.until("!document.querySelector('#panel-input').hidden").await;
    every_field_has_a_name(&browser).await;
    browser.look((480, 900), "dark").await;
    keep_picture(&browser, "narrow").await;
    let overflow = "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
    assert_eq!(browser.run(overflow).await, false, "nothing is cut off on a narrow screen");
    browser.quit().await;
}

/// What readers of screens would call it.
async fn every_field_has_a_name(browser: &Browser) {
    let nameless = browser
        .run(
            "return [...document.querySelectorAll('button, input, select, textarea, [role]:not([role=option]), [tabindex]')].filter(part => \
             !(part.textContent.trim() || part.labels?.length || part.ariaLabel || part.getAttribute('aria-labelledby') || part.role === 'status' || part.role === 'alert'))\
             .map(part => part.outerHTML)",
        )
        .await;
    assert_eq!(nameless, json!([]));
}

#[tokio::test]
async fn nobody_but_the_page_itself_is_answered() {
    let week = Week::new();
    let served = week.open(&["week/1-monday"]).await;
    let place = served.url.strip_prefix(&served.origin()).unwrap().to_owned();
    let host = served.origin().replace("http://", "host: ");
    let origin = served.origin().replace("http://", "origin: http://");
    let get = format!("GET {place} HTTP/1.1");
    let page = served.raw(&[&get, &host]).await;
    assert!(page.starts_with("http/1.1 200") && page.contains("<!doctype html>"), "{page}");
    for part in [
        "content-security-policy: default-src 'none'; script-src 'self'",
        "frame-ancestors 'none'",
        "cache-control: no-store",
        "x-content-type-options: nosniff",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    assert!(!page.contains("access-control-"), "{page}");
    let elsewhere = served.raw(&[&get, "host: evil.example.com"]).await;
    assert!(elsewhere.starts_with("http/1.1 403") && !elsewhere.contains("<!doctype"), "{elsewhere}");
    for guess in ["/", "/state", &format!("/{}/state", "0".repeat(64))] {
        let answer = served.raw(&[&format!("GET {guess} HTTP/1.1"), &host]).await;
        assert!(answer.starts_with("http/1.1 404"), "{guess}: {answer}");
    }
    // What another page could make a browser send.
    let post = format!("POST {place}evaluate HTTP/1.1");
    let preflight = format!("OPTIONS {place}evaluate HTTP/1.1");
    for lines in [
        vec![post.as_str(), &host, "content-type: application/json", "content-length: 0"],
        vec![&post, &host, "origin: http://evil.example.com", "content-type: application/json", "content-length: 0"],
        vec![&post, &host, &origin, "content-type: text/plain", "content-length: 0"],
        vec![&preflight, &host, "origin: http://evil.example.com", "access-control-request-method: POST"],
    ] {
        let answer = served.raw(&lines).await;
        assert!(answer.starts_with("http/1.1 403") && !answer.contains("access-control-"), "{lines:?}: {answer}");
    }
    assert_eq!(served.post("evaluate", json!({ "name": 1 })).await.0, 400);
    assert_eq!(served.post("save", json!({ "text": "x", "known": null })).await.0, 404, "there is no file");
    assert_eq!(served.get("records/99").await.0, 404);
}

#[tokio::test]
async fn what_the_function_logs_can_be_opened() {
    let week = Week::new();
    let rego = "package p\n\nsample { true }\n\ndeny[\"not alice\"] { input.session.login == \"alice\" }\n";
    let mut story = fixtures::one("approve/one-human-approved-the-gate");
    story.policy += "policies = [\"people\"]\n";
    story.policies.insert("people".to_owned(), rego.to_owned());
    let Staged { github, event } = Staged::new(&story).await;
    let player = fixtures::player();
    let files = Files::of_story(player, &story);
    let mut function = function::start(player, &files, &github.url(), &[]).await;
    function.invoke(event).await;
    let log = function.log();
    std::fs::write(week.path("log.json"), &log).unwrap();
    let cut: String =
        log.lines().find(|line| line.contains("environment_gate::sample")).unwrap().chars().take(900).collect();
    std::fs::write(week.path("cut.json"), cut).unwrap();
    let served = week.open(&["log.json", "cut.json"]).await;
    let (_, state) = served.get("state").await;
    assert_eq!(state["policy"]["name"], "people", "{state:#}");
    assert_eq!(state["records"][0]["outcome"], "fail", "{state:#}");
    let reason = state["unreadable"][0]["reason"].as_str().unwrap();
    assert!(reason.starts_with("it is cut off, or is not JSON"), "{reason}");
    let (_, record) = served.get("records/0").await;
    assert_eq!(record["text"], rego);
    let asked = json!({ "name": "people", "text": rego.replace("alice\" }", "bob\" }"), "records": [0] });
    let (_, answer) = served.post("evaluate-all", asked).await;
    assert_eq!(answer["results"][0]["outcome"], "pass", "{answer:#}");
}

#[tokio::test]
async fn the_stories_of_this_repository_can_be_opened() {
    let week = Week::new();
    let stories = fixtures::root().to_string_lossy().into_owned();
    let served = week.open(&[&stories]).await;
    let (_, state) = served.get("state").await;
    let records = state["records"].as_array().unwrap();
    assert!(records.len() > 100, "{:?}", served.told);
    for entry in state["unreadable"].as_array().unwrap() {
        let reason = entry["reason"].as_str().unwrap();
        assert!(reason.starts_with("no policy is asked: "), "{entry}");
        assert_eq!(reason.lines().count(), 1);
    }
    // Each gives the outcome again that was recorded, with the text that was recorded.
    for record in records.iter().filter(|record| !record["policy"].is_null()) {
        let (_, recorded) = served.get(&format!("records/{}", record["id"])).await;
        let asked = json!({ "name": record["policy"], "text": recorded["text"], "record": record["id"], "input": recorded["input"] });
        let (_, answer) = served.post("evaluate", asked).await;
        assert_eq!(answer["result"]["outcome"], record["outcome"], "{record} {answer:#}");
        assert_eq!(answer["difference"], json!([]));
    }
}

/// `gate workbench` to its end.
async fn ended(week: &Week, arguments: &[&str]) -> Output {
    let output = command(arguments).current_dir(&week.folder).output();
    tokio::time::timeout(PATIENCE, output).await.expect("it ends").unwrap()
}

#[tokio::test]
async fn what_cannot_be_opened_is_one_clear_line() {
    let week = Week::new();
    std::fs::write(week.path("nothing.json"), "hello\n").unwrap();
    std::fs::write(week.path("a policy.rego"), policy()).unwrap();
    std::fs::write(week.path("bad.toml"), "rule = 1\n").unwrap();
    std::fs::create_dir_all(week.path("empty")).unwrap();
    std::fs::create_dir_all(week.path("broken")).unwrap();
    std::fs::write(week.path("broken/story.toml"), "claim = \n").unwrap();
    let occupied = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = occupied.local_addr().unwrap().to_string();
    let cases: [(&[&str], &str); 8] = [
        (&["nowhere"], "No such file"),
        (&["nothing.json"], "got no log line of `environment_gate::sample`"),
        (&["empty"], "got folders without stories"),
        (&["broken"], "broken/story.toml: TOML parse error"),
        (&["week", "--edit", "a policy.rego"], "got a name with other characters"),
        (&["week", "--policy", "bad.toml"], "bad.toml: policy line 1"),
        (&["week", "--listen", "0.0.0.0:0"], "expected a loopback address"),
        (&["week", "--listen", &address], "choose another address with `--listen`"),
    ];
    for (arguments, expected) in cases {
        let output = ended(&week, arguments).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && said.contains(expected) && said.lines().count() == 1,
            "{arguments:?}: {output:?}"
        );
    }
}

#[tokio::test]
async fn it_ends_when_it_is_interrupted() {
    let week = Week::new();
    let served = week.open(&["week/1-monday"]).await;
    let id = served.child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().await.unwrap().success());
    let output = tokio::time::timeout(PATIENCE, served.child.wait_with_output()).await.expect("it ends").unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}
