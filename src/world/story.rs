//! A story: one delivery, GitHub's answers, and what must come of it: a folder of files that can be read and searched.
//!
//! A story may build on another (`based_on`): its own files replace the other's, and `NAME.patch.json` is a merge patch (RFC 7396) of the other's
//! `NAME.json`. So a folder contains only what its claim is about.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::answers::{Answers, Canned, file_of};
use super::timeline::WRITTEN_ORIGIN;
use crate::model::{ApiUrl, quoted};

/// What a story says of itself.
const STORY: &str = "story.toml";
/// How deep stories may build on each other.
const BASES_MAX: usize = 4;

/// A story, complete.
#[derive(Debug, Clone)]
pub struct Story {
    /// What it shows, in one sentence.
    pub claim: String,
    /// The API of the GitHub that it is about; the fake plays it under the same path.
    pub api: ApiUrl,
    /// The present in which it is played.
    pub present: Timestamp,
    /// The policy, in TOML.
    pub policy: String,
    /// The policies in Rego, by name; none for most stories.
    pub policies: BTreeMap<String, String>,
    /// How the body arrives.
    pub delivery: Delivery,
    /// The webhook's body: JSON, or a string that is sent as it stands.
    pub webhook: Value,
    /// What GitHub answers.
    pub answers: Answers,
    /// What must come of it.
    pub expected: Expected,
}

/// How the body arrives.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Delivery {
    /// `x-github-event`; empty for none.
    pub event: Option<String>,
    /// How it is signed.
    pub signature: Signature,
    /// `content-type`.
    pub content_type: Option<String>,
    /// The HTTP method.
    pub method: Option<String>,
    /// The HTTP path.
    pub path: Option<String>,
    /// API Gateway hands it over as base64.
    pub base64: bool,
    /// The body is padded with blanks to this many bytes.
    pub bytes: Option<usize>,
}

/// How a delivery is signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signature {
    /// With the App's secret.
    #[default]
    Good,
    /// With the previous secret, which still verifies.
    PreviousSecret,
    /// With an unknown secret.
    Forged,
    /// With the App's secret, but over other bytes.
    OtherBody,
    /// Not at all.
    Missing,
    /// With SHA-1 alone.
    Sha1,
    /// 63 digits.
    Malformed,
}

/// What must come of a story.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The HTTP status.
    pub status: u16,
    /// The checks that do not pass, in their order.
    #[serde(default)]
    pub because: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoryToml {
    claim: String,
    based_on: Option<String>,
    /// The API's URL, as in `GITHUB_API_URL`, where it is not github.com's: the webhook and the answers are written with it.
    api: Option<String>,
    present: Option<Timestamp>,
    #[serde(default)]
    delivery: Delivery,
    /// The calls that are made to GitHub, by the names of their answers (those of the base if not given). An answer that is not named
    /// here is not played.
    calls: Option<Vec<String>>,
    expect: Expected,
}

/// A folder that is not a story.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct StoryError {
    path: PathBuf,
    problem: String,
}

/// Files by their path inside a story.
type Files = BTreeMap<String, String>;

impl Story {
    /// Reads the story in `folder`, two levels below the root of all stories.
    ///
    /// # Errors
    /// Files that are missing, cannot be read, or are not what they should be.
    pub fn read(folder: &Path) -> Result<Self, StoryError> {
        let root = folder.parent().and_then(Path::parent).unwrap_or(Path::new(".."));
        let mut files = read_folder(folder)?;
        let mut toml = toml_of(folder, &mut files)?;
        for _ in 0..BASES_MAX {
            let Some(name) = toml.based_on.take() else { break };
            let base = root.join(&name);
            if !base.join(STORY).is_file() {
                return Err(missing_base(folder, &name, root));
            }
            let mut base_files = read_folder(&base)?;
            let base_toml = toml_of(&base, &mut base_files)?;
            toml.based_on = base_toml.based_on;
            toml.api = toml.api.or(base_toml.api);
            toml.present = toml.present.or(base_toml.present);
            toml.calls = toml.calls.or(base_toml.calls);
            files = lay_over(files, base_files);
        }
        Self::of(folder, toml, &files)
    }

    /// The approving story, which is compiled into the program.
    ///
    /// # Errors
    /// Never: a test reads it.
    pub fn embedded() -> Result<Self, StoryError> {
        macro_rules! file {
            ($name:literal) => {
                ($name, include_str!(concat!("../../fixtures/approve/one-human-approved-the-gate/", $name)))
            };
        }
        let files = [
            file!("story.toml"),
            file!("policy.toml"),
            file!("webhook.json"),
            file!("github/access_tokens.json"),
            file!("github/run.json"),
            file!("github/jobs.1.json"),
            file!("github/approvals.json"),
            file!("github/environment.release-gate.json"),
            file!("github/review.json"),
            file!("github/pending_deployments.json"),
        ];
        let folder = Path::new("the embedded story");
        let mut files: Files = files.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
        let toml = toml_of(folder, &mut files)?;
        Self::of(folder, toml, &files)
    }

    fn of(folder: &Path, toml: StoryToml, files: &Files) -> Result<Self, StoryError> {
        let error = |name: &str, problem: &str| StoryError { path: folder.join(name), problem: problem.to_owned() };
        let file = |name: &str| files.get(name).ok_or_else(|| error(name, "is missing"));
        let json = |name: &str| -> Result<Value, StoryError> {
            let text = file(name)?;
            let value = serde_json::from_str(text).map_err(|problem| error(name, &problem.to_string()))?;
            let patches = files.iter().filter(|(patch, _)| patch_of(patch).is_some_and(|patched| patched == name));
            patches.map(|(patch, text)| (patch, serde_json::from_str(text))).try_fold(value, |value, (patch, read)| {
                read.map(|read| merge(value, read)).map_err(|problem| error(patch, &problem.to_string()))
            })
        };
        let mut answers = Answers::new();
        for call in toml.calls.iter().flatten() {
            // `run~2` is the second answer to `run`, and the same as the first where it has no file of its own.
            let name = call.split('~').next().unwrap_or(call);
            let path = if files.contains_key(&file_of(call)) { file_of(call) } else { file_of(name) };
            let canned: Canned =
                serde_json::from_value(json(&path)?).map_err(|problem| error(&path, &problem.to_string()))?;
            answers.entry(name.to_owned()).or_default().push(canned);
        }
        let webhook = match files.get("webhook.txt") {
            Some(text) => Value::String(text.clone()),
            None => json("webhook.json")?,
        };
        let present = toml.present.ok_or_else(|| error(STORY, "`present` is missing"))?;
        let api = ApiUrl::parse(toml.api.as_deref().unwrap_or(WRITTEN_ORIGIN));
        let api = api.map_err(|problem| error(STORY, &format!("`api`: {problem}")))?;
        let policy = file("policy.toml")?.clone();
        let policies = files.iter().filter_map(|(name, text)| {
            let name = name.strip_prefix("policies/")?.strip_suffix(".rego")?;
            Some((name.to_owned(), text.clone()))
        });
        let policies = policies.collect();
        let StoryToml { claim, delivery, expect: expected, .. } = toml;
        Ok(Self { claim, api, present, policy, policies, delivery, webhook, answers, expected })
    }
}

fn missing_base(folder: &Path, name: &str, root: &Path) -> StoryError {
    let problem = format!("got `based_on` {}, but there is no such story in {}", quoted(name), root.display());
    StoryError { path: folder.join(STORY), problem }
}

/// Takes `story.toml` out of a folder's files.
fn toml_of(folder: &Path, files: &mut Files) -> Result<StoryToml, StoryError> {
    let path = folder.join(STORY);
    match files.remove(STORY) {
        Some(text) => toml::from_str(&text).map_err(|error| StoryError { path, problem: error.to_string() }),
        None => Err(StoryError { path, problem: "is missing: no story here".to_owned() }),
    }
}

fn read_folder(folder: &Path) -> Result<Files, StoryError> {
    let mut files = Files::new();
    let under = [(folder.to_owned(), ""), (folder.join("github"), "github/"), (folder.join("policies"), "policies/")];
    for (under, prefix) in under {
        let Ok(entries) = fs::read_dir(&under) else { continue };
        for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path)
                .map_err(|error| StoryError { path: path.clone(), problem: error.to_string() })?;
            files.insert(format!("{prefix}{name}"), text);
        }
    }
    Ok(files)
}

/// The story's own files, and those of the base that it does not replace.
fn lay_over(own: Files, base: Files) -> Files {
    let mut files = base;
    // Replacing a file discards the base's patches of it.
    let replaced: Vec<String> = own.keys().filter(|name| patch_of(name).is_none()).cloned().collect();
    files.retain(|name, _| !patch_of(name).is_some_and(|patched| replaced.contains(&patched)));
    files.extend(own);
    files
}

/// `github/run.json` of `github/run.patch.json`.
fn patch_of(name: &str) -> Option<String> {
    name.strip_suffix(".patch.json").map(|stem| format!("{stem}.json"))
}

/// A merge patch (RFC 7396): objects are merged, null removes, anything else replaces.
fn merge(target: Value, patch: Value) -> Value {
    let Value::Object(patch) = patch else { return patch };
    let mut target = match target {
        Value::Object(target) => target,
        _ => serde_json::Map::new(),
    };
    for (key, change) in patch {
        if change.is_null() {
            target.remove(&key);
        } else {
            let before = target.remove(&key).unwrap_or_default();
            target.insert(key, merge(before, change));
        }
    }
    Value::Object(target)
}
