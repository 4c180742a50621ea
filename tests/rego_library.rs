//! The library of policies in Rego: every policy in `policies/` is read as the function reads it, describes itself, and has tests that pass and cover it. What
//! docs/rego.md shows is true, and docs/rego-input.schema.json is what policies see.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use environment_gate::gate::rego::{Evaluation, Input, PolicyType, RegoFile, RegoPolicy, TestSuite, TestVerdict};
use environment_gate::world::{Played, Present, Story};
use serde_json::{Map, Value as Json};

use crate::support::{documents, fixtures};

/// Where policies in Spacelift's own form are; they are in Rego v0.
const SPACELIFT: &str = "spacelift/";

/// What a standard SSM parameter holds.
const STANDARD_PARAMETER_BYTES: usize = 4096;

/// A policy and its tests.
struct Template {
    /// `no-weekends`, `spacelift/no-weekends`.
    name: String,
    text: String,
    tests: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("policies")
}

/// The files of a folder that end in `.rego`, by the name before it.
fn rego_files(folder: &Path) -> BTreeMap<String, String> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "rego"));
    files
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap()))
        .collect()
}

fn library() -> Vec<Template> {
    let mut library = Vec::new();
    for under in ["", SPACELIFT] {
        let mut files = rego_files(&folder().join(under));
        let names: Vec<String> = files.keys().filter(|name| !name.ends_with("_test")).cloned().collect();
        for name in names {
            let tests = files.remove(&format!("{name}_test")).unwrap_or_else(|| panic!("{name} has no tests"));
            library.push(Template { text: files.remove(&name).unwrap(), name: format!("{under}{name}"), tests });
        }
        assert_eq!(files, BTreeMap::new(), "tests of no policy");
    }
    assert!(library.len() >= 19, "got {}", library.len());
    library
}

fn read(name: &str, text: &str) -> RegoPolicy {
    let name = name.rsplit('/').next().unwrap();
    RegoPolicy::parse(name, text, &Map::new()).unwrap_or_else(|error| panic!("{error}"))
}

/// Whether an evaluation was stopped only because this machine had something else to do.
fn is_slow(problem: &str) -> bool {
    problem.contains("time limit")
}

/// Evaluates a policy, however busy the machine is.
pub(crate) fn evaluate(policy: &RegoPolicy, input: &Input) -> Evaluation {
    let mut evaluations = std::iter::repeat_with(|| policy.evaluate(input));
    let evaluation = evaluations.find(|evaluation| !evaluation.as_ref().is_err_and(|error| is_slow(&error.problem)));
    evaluation.unwrap().unwrap_or_else(|error| panic!("{error}\n{}", policy.text()))
}

/// Plays a story, however busy the machine is.
pub(crate) fn play(story: &Story) -> Played {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut plays =
        std::iter::repeat_with(|| runtime.block_on(fixtures::player().play(story, Present::Story)).unwrap());
    let slow = |played: &Played| {
        played.report.outcome.rego().is_some_and(|rego| rego.errors.iter().any(|error| is_slow(&error.problem)))
    };
    plays.find(|played| !slow(played)).unwrap()
}

/// Runs every test, as `gate policy test` does; the lines of the policy that none of them reached.
fn run_tests(name: &str, text: &str, tests: &str) -> BTreeSet<u32> {
    let file = |path: String, text: &str| RegoFile { path, text: text.to_owned() };
    let policy = format!("{name}.rego");
    let files = [file(policy.clone(), text), file(format!("{name}_test.rego"), tests)];
    let mut suite = TestSuite::read(&files, &Map::new()).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
    suite.measure_coverage();
    assert!(!suite.tests().is_empty(), "{name} has no tests");
    for test in suite.tests() {
        assert_eq!(suite.run(&test).verdict, TestVerdict::Pass, "{name}: {}", test.name);
    }
    suite.coverage().unwrap().files[&policy].not_covered.clone()
}

#[test]
fn every_policy_of_the_library_is_read_as_the_function_reads_it() {
    for Template { name, text, .. } in library() {
        let policy = read(&name, &text);
        assert!(text.contains(&format!("type: {}", policy.policy_type().as_str())), "{name}");
        assert!(text.len() <= STANDARD_PARAMETER_BYTES, "{name} needs an advanced parameter");
    }
}

#[test]
fn no_policy_of_the_library_or_of_the_page_is_warned_of() {
    let templates = library().into_iter().map(|template| template.text);
    for text in templates.chain(blocks("rego").into_iter().filter(|block| block.contains("package "))) {
        let policy = read("p", &text);
        assert_eq!(policy.warnings(), [], "{text}");
    }
}

#[test]
fn every_policy_of_the_library_describes_itself() {
    for Template { name, text, .. } in library() {
        let policy = read(&name, &text);
        let metadata = policy.metadata();
        let filled = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
        assert!(filled(&metadata.title) && filled(&metadata.description), "{name}");
        assert!(!metadata.labels.is_empty() && metadata.attach.is_empty(), "{name}");
        assert_eq!(metadata.labels.contains(&"spacelift".to_owned()), name.starts_with(SPACELIFT), "{name}");
    }
}

#[test]
fn every_policy_of_the_library_has_tests_that_pass_and_cover_it() {
    for Template { name, text, tests } in library() {
        assert_eq!(run_tests(&name, &text, &tests), BTreeSet::new(), "{name}: lines that no test reaches");
    }
}

#[test]
fn policies_in_spacelifts_form_are_in_v0_and_the_others_in_v1() {
    for Template { name, text, tests } in library() {
        for text in [text, tests] {
            assert_eq!(text.contains("import rego.v1"), !name.starts_with(SPACELIFT), "{name}");
            let reads_as_v1 = regorus::Engine::new().add_policy(name.clone(), text).is_ok();
            assert_eq!(reads_as_v1, !name.starts_with(SPACELIFT), "{name}");
        }
    }
}

#[test]
fn no_two_policies_of_the_library_share_a_package() {
    let library = library();
    let own = library.iter().filter(|template| !template.name.starts_with(SPACELIFT));
    for Template { name, text, .. } in own {
        assert!(text.contains(&format!("\npackage {}\n", name.replace('-', "_"))), "{name}");
    }
}

#[test]
fn a_policy_of_the_library_that_is_required_and_lacks_its_data_denies() {
    let input = sampled("approve/one-human-approved-the-gate", PolicyType::Initialization);
    let input = Input::new(input).unwrap();
    for name in ["freeze-calendar", "allow-list", "flag-by-ref"] {
        let text = fs::read_to_string(folder().join(name).with_extension("rego")).unwrap();
        let evaluation = evaluate(&read(name, &text), &input);
        assert!(evaluation.results.deny.texts.iter().any(|text| text.contains("[data] has no list")), "{name}");
    }
}

#[test]
fn the_page_lists_every_policy_of_the_library_with_its_type() {
    let page = documents::read("docs/rego.md");
    for Template { name, text, .. } in library().into_iter().filter(|template| !template.name.starts_with(SPACELIFT)) {
        let row = format!("\n| `{name}` | `{}` |", read(&name, &text).policy_type().as_str());
        assert!(page.contains(&row), "{row}");
    }
}

/// What stands between the fences of a language on the page, without the indent of a list.
fn blocks(language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block: Option<(usize, String)> = None;
    for line in documents::read("docs/rego.md").lines() {
        let indent = line.len() - line.trim_start_matches(' ').len();
        match &mut block {
            None if line.trim() == format!("```{language}") => block = Some((indent, String::new())),
            Some(_) if line.trim() == "```" => blocks.extend(block.take().map(|(_, text)| text)),
            Some((indent, text)) => {
                text.push_str(line.get(*indent..).unwrap_or_default());
                text.push('\n');
            }
            None => {}
        }
    }
    blocks
}

#[test]
fn every_policy_that_the_page_shows_is_one_and_its_tests_pass() {
    let blocks = blocks("rego");
    let is_test = |block: &&String| block.starts_with("test_");
    for block in blocks.iter().filter(|block| !is_test(block)) {
        read("shown", block);
    }
    let appended = blocks.iter().find(is_test).unwrap();
    let tests = fs::read_to_string(folder().join("no-weekends_test.rego")).unwrap();
    run_tests("shown", &blocks[0], &format!("{tests}\n{appended}"));
    assert!(blocks.len() >= 8, "got {}", blocks.len());
}

#[test]
fn the_first_policy_that_the_page_shows_is_the_librarys() {
    let text = fs::read_to_string(folder().join("no-weekends.rego")).unwrap();
    let without_comments: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(blocks("rego")[0].trim_end(), without_comments.join("\n").trim_end());
}

/// The outcome and the reason of a run of `ref`, with the policies `hotfix_review` and `sre_review` of the page, and these members of the team.
fn with_the_pages_flags(branch: &str, members: &str) -> (&'static str, String) {
    let mut story = fixtures::one("approve/one-human-approved-the-gate");
    story.policy = story.policy.replace("\"main\"", "\"main\", \"hotfix/*\"");
    story.policy = format!("{}\n[data.teams]\nsre = [{members}]\n", story.policy);
    let named =
        |name: &str| blocks("rego").into_iter().find(|block| block.contains(&format!("package {name}\n"))).unwrap();
    story.policies = ["hotfix_review", "sre_review"].map(|name| (name.to_owned(), named(name))).into();
    for answer in story.answers.get_mut("run").unwrap() {
        answer.body.as_mut().unwrap()["head_branch"] = branch.into();
    }
    story.webhook["deployment"]["ref"] = branch.into();
    // Before a rejection, everything is read once more.
    for name in ["run", "jobs.1", "approvals", "environment.release-gate"] {
        let answers = story.answers.get_mut(name).unwrap();
        answers.extend(answers.clone());
    }
    let outcome = play(&story).report.outcome;
    (outcome.name(), outcome.reason())
}

#[test]
fn what_one_policy_of_the_page_flags_the_other_has_approved_by_the_team() {
    let rejected = "policy (`sre_review`): rejected: `this run needs an approval by the team sre: start it again and let one of them approve its gate`";
    assert_eq!(with_the_pages_flags("main", "").0, "approved");
    assert_eq!(with_the_pages_flags("hotfix/login", "\"Bob\"").0, "approved");
    assert_eq!(with_the_pages_flags("hotfix/login", "\"carol\""), ("rejected", rejected.to_owned()));
}

/// A policy that lets everything in, attaches itself to every rule and samples.
fn sampling(policy_type: PolicyType) -> String {
    let decides = if policy_type == PolicyType::Approval { "approve { true }\n" } else { "" };
    let policy_type = policy_type.as_str();
    format!(
        "# METADATA\n# custom: {{ type: {policy_type}, attach: [\"*\"] }}\npackage see\n{decides}sample {{ true }}\n"
    )
}

/// What policies of every type saw in a story.
fn samples(name: &str) -> Vec<(PolicyType, Json)> {
    let mut story = fixtures::one(name);
    story.policies.extend(PolicyType::ALL.map(|policy_type| (policy_type.as_str().to_owned(), sampling(policy_type))));
    let played = play(&story);
    let rego = played.report.outcome.rego();
    let samples = rego.into_iter().flat_map(|rego| &rego.samples);
    samples.map(|sample| (sample.policy_type, sample.input.as_json().clone())).collect()
}

/// What a policy of one type saw.
fn sampled(name: &str, policy_type: PolicyType) -> Json {
    let samples = samples(name);
    samples.into_iter().find(|(sampled, _)| *sampled == policy_type).map(|(_, input)| input).unwrap()
}

fn schema() -> Json {
    serde_json::from_str(&documents::read("docs/rego-input.schema.json")).unwrap()
}

fn validator() -> jsonschema::Validator {
    jsonschema::options().with_draft(jsonschema::Draft::Draft202012).build(&schema()).unwrap()
}

fn problems(validator: &jsonschema::Validator, input: &Json) -> Vec<String> {
    validator.iter_errors(input).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn what_policies_see_in_every_story_is_as_the_schema_says() {
    let validator = validator();
    let mut seen = BTreeMap::new();
    // In the others nothing is judged, or GitHub does not answer.
    let judged = fixtures::places().into_iter().filter(|place| ["approved", "rejected"].contains(&place.outcome));
    for place in judged {
        for (policy_type, input) in samples(&place.name) {
            assert_eq!(problems(&validator, &input), Vec::<String>::new(), "{}: {input:#}", place.name);
            *seen.entry(policy_type.as_str()).or_insert(0) += 1;
        }
    }
    assert!(seen.len() == PolicyType::ALL.len() && seen.values().all(|count| *count > 10), "{seen:?}");
}

#[test]
fn the_schema_takes_no_field_that_it_does_not_describe_and_misses_none_that_is_gone() {
    let validator = validator();
    let golden: Json = serde_json::from_str(&documents::read("tests/golden/rego-input.json")).unwrap();
    assert_eq!(problems(&validator, &golden), Vec::<String>::new());
    let mut input = sampled("approve/one-human-approved-the-gate", PolicyType::Approval);
    input["session"]["permission"] = "write".into();
    input["session"]["admin"] = false.into();
    assert_eq!(problems(&validator, &input), Vec::<String>::new());
    for pointer in [
        "",
        "/run",
        "/run/actor",
        "/session",
        "/jobs/0",
        "/gates/0",
        "/gates/0/approvers/0",
        "/reviews",
        "/reviews/all/0",
        "/checks/0",
    ] {
        let mut more = input.clone();
        more.pointer_mut(pointer).unwrap()["brand_new"] = 1.into();
        assert_eq!(problems(&validator, &more).len(), 1, "{pointer} takes a field that is not described");
        let fields: Vec<String> = input.pointer(pointer).unwrap().as_object().unwrap().keys().cloned().collect();
        for field in fields.iter().filter(|field| !["permission", "admin"].contains(&field.as_str())) {
            let mut less = input.clone();
            less.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(field);
            assert!(!validator.is_valid(&less), "{pointer} may lack {field}");
        }
    }
}

/// Every object of the schema, with the path to it.
fn objects(path: &str, schema: &Json, found: &mut Vec<(String, Map<String, Json>)>) {
    match schema {
        Json::Object(object) => {
            if object.get("type").is_some_and(|kind| kind == "object") {
                found.push((path.to_owned(), object.clone()));
            }
            object.iter().for_each(|(key, inner)| objects(&format!("{path}/{key}"), inner, found));
        }
        Json::Array(items) => items.iter().for_each(|inner| objects(path, inner, found)),
        _ => {}
    }
}

#[test]
fn the_schema_describes_each_field_in_one_line() {
    let mut found = Vec::new();
    objects("", &schema(), &mut found);
    assert!(found.len() > 15, "got {}", found.len());
    for (path, object) in found {
        assert_eq!(object["additionalProperties"], false, "{path}");
        for (field, described) in object["properties"].as_object().unwrap() {
            let description = described["description"].as_str().unwrap_or_default();
            assert!(!description.is_empty() && !description.contains('\n'), "{path}/{field}");
        }
    }
}
