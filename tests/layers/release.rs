//! The files of a release: the same bit for bit wherever they are made, and they say what is in them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde_json::Value;

use crate::support::moto::{Moto, tool};
use crate::template::run;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// A folder of its own, which is gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("environment-gate-release-{:016x}", fastrand::u64(..)));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_string_lossy().into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn package(arguments: &[&str]) -> Output {
    run("python", &[&["release/package.py"], arguments].concat())
}

fn succeeded(output: &Output) {
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

/// The zip of a program under this name, whose file has these permissions and this time.
fn zip_of(program: &[u8], name: &str, mode: &str, time: &str) -> Vec<u8> {
    let folder = Folder::new();
    let file = folder.file("program");
    fs::write(&file, program).unwrap();
    succeeded(&Command::new("chmod").args([mode, &file]).output().unwrap());
    succeeded(&Command::new("touch").args(["-d", time, &file]).output().unwrap());
    succeeded(&package(&["zip", &file, name, &folder.file("package.zip")]));
    fs::read(folder.file("package.zip")).unwrap()
}

#[test]
fn a_package_is_the_same_whatever_the_file_system_says_of_the_program() {
    let one = zip_of(b"program", "bootstrap", "755", "2020-01-01");
    let other = zip_of(b"program", "bootstrap", "600", "2026-01-01");
    assert_eq!(one, other);
    assert_ne!(one, zip_of(b"another", "bootstrap", "755", "2020-01-01"));
}

#[test]
fn a_package_has_one_file_that_can_run() {
    let folder = Folder::new();
    let zip = zip_of(b"program", "bootstrap", "600", "2026-01-01");
    fs::write(folder.file("package.zip"), zip).unwrap();
    let list = "import sys, zipfile\nfor entry in zipfile.ZipFile(sys.argv[1]).infolist(): print(entry.filename, oct(entry.external_attr >> 16))";
    let output = run("python", &["-c", list, &folder.file("package.zip")]);
    assert_eq!(text(&output.stdout), "bootstrap 0o100755\n");
}

#[test]
fn the_template_of_a_release_deploys_its_package_and_builds_nothing() {
    let folder = Folder::new();
    let template = folder.file("release.yaml");
    fs::write(folder.file("release.zip"), "a package").unwrap();
    succeeded(&package(&["template", "template.yaml", "x86_64", "release.zip", &template]));
    succeeded(&run("cfn-lint", &[&template]));
    let written = fs::read_to_string(&template).unwrap();
    assert!(written.contains("      CodeUri: release.zip\n") && !written.contains("BuildMethod"), "{written}");
    let names = ["AppId", "WebhookSecret", "Policy"].map(|name| format!("{name}Parameter=/gate/{name}"));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let stack = ["tests/layers/template.py", "--template", &template, "PrivateKeySecret=gate/private-key"];
    let output = run("python", &[&stack, names.as_slice()].concat());
    succeeded(&output);
    let stack: Value = serde_json::from_slice(&output.stdout).unwrap();
    let function = stack["functions"].as_object().unwrap().values().next().unwrap();
    assert_eq!(function["Architectures"], serde_json::json!(["x86_64"]));
}

#[test]
fn a_template_that_the_packager_does_not_know_is_refused() {
    let folder = Folder::new();
    fs::write(folder.file("other.yaml"), "Resources: {}\n").unwrap();
    let output = package(&["template", &folder.file("other.yaml"), "arm64", "release.zip", &folder.file("out.yaml")]);
    assert!(!output.status.success() && !Path::new(&folder.file("out.yaml")).exists());
    assert!(text(&output.stderr).contains("got 0 matches"), "{}", text(&output.stderr));
}

/// Runs a program with a folder for its own, against this AWS.
fn run_at(moto: &Moto, folder: &Folder, program: &str, arguments: &[&str]) {
    let mut command = Command::new(tool(program));
    let output = command
        .args(arguments)
        .current_dir(&folder.0)
        .envs(moto.variables())
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("SAM_CLI_TELEMETRY", "0")
        .output();
    succeeded(&output.unwrap());
}

const CREATE_BUCKET: &str =
    "import boto3; boto3.client('s3', region_name='us-east-1').create_bucket(Bucket='releases')";
const DOWNLOAD: &str = "import boto3, sys; boto3.client('s3').download_file('releases', sys.argv[1], 'uploaded')";

#[tokio::test]
async fn sam_uploads_the_package_as_it_is_and_what_the_application_repository_asks_for() {
    let (moto, folder) = (Moto::start().await, Folder::new());
    fs::write(folder.file("release.zip"), zip_of(b"program", "bootstrap", "755", "2026-01-01")).unwrap();
    succeeded(&package(&["template", "template.yaml", "arm64", "release.zip", &folder.file("release.yaml")]));
    for named in ["LICENSE-APACHE", "README.md"] {
        fs::copy(Path::new(ROOT).join(named), folder.0.join(named)).unwrap();
    }
    run_at(&moto, &folder, "python", &["-c", CREATE_BUCKET]);
    let bucket = ["--s3-bucket", "releases", "--output-template-file", "packaged.yaml"];
    run_at(&moto, &folder, "sam", &[&["package", "--template-file", "release.yaml"], &bucket[..]].concat());
    let packaged = fs::read_to_string(folder.0.join("packaged.yaml")).unwrap();
    let uploaded = |key: &str| {
        let line = packaged.lines().find_map(|line| line.trim().strip_prefix(&format!("{key}: s3://releases/")));
        line.unwrap_or_else(|| panic!("{key} in {packaged}")).to_owned()
    };
    for (key, file) in [("CodeUri", "release.zip"), ("LicenseUrl", "LICENSE-APACHE"), ("ReadmeUrl", "README.md")] {
        run_at(&moto, &folder, "python", &["-c", DOWNLOAD, &uploaded(key)]);
        assert!(fs::read(folder.0.join("uploaded")).unwrap() == fs::read(folder.0.join(file)).unwrap(), "{key}");
    }
}

/// Where `make` installed a tool of cargo's.
fn cargo_tool(name: &str) -> PathBuf {
    let tools = Path::new(ROOT).join("target/tools-cargo");
    let makefile = fs::read_to_string(Path::new(ROOT).join("Makefile")).unwrap();
    let variable = format!("{}_VERSION := ", name.to_uppercase());
    let version = makefile.lines().find_map(|line| line.strip_prefix(&variable)).unwrap();
    let folder = tools.join(format!("{name}-{version}/bin"));
    assert!(folder.exists(), "{} is not there: run `make test`", folder.display());
    folder
}

/// The SBOM for a target, as it is written.
fn sbom() -> String {
    let folder = Folder::new();
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("release/sbom")
        .args([TARGET, &folder.file("sbom.json")])
        .current_dir(ROOT)
        .env("PATH", format!("{}:{path}", cargo_tool("cyclonedx").display()))
        .output()
        .unwrap();
    succeeded(&output);
    fs::read_to_string(folder.file("sbom.json")).unwrap()
}

#[test]
#[ignore = "needs cargo-cyclonedx, which takes minutes to build: make sbom"]
fn the_sbom_names_every_crate_of_the_function() {
    let sbom: Value = serde_json::from_str(&sbom()).unwrap();
    assert_eq!(sbom["bomFormat"], "CycloneDX");
    let components = sbom["components"].as_array().unwrap().iter().chain([&sbom["metadata"]["component"]]);
    let named: BTreeSet<String> = components
        .map(|component| format!("{} v{}", component["name"].as_str().unwrap(), component["version"].as_str().unwrap()))
        .collect();
    let tree =
        ["tree", "--locked", "--edges", "normal,build", "--target", TARGET, "--prefix", "none", "--format", "{p}"];
    let tree = Command::new(env!("CARGO")).args(tree).current_dir(ROOT).output().unwrap();
    succeeded(&tree);
    let tree = text(&tree.stdout);
    let crates = tree.lines().filter(|line| !line.is_empty());
    let crates: BTreeSet<String> = crates.map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    assert!(crates.len() > 100, "got {} crates", crates.len());
    assert_eq!(crates.difference(&named).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
#[ignore = "needs cargo-cyclonedx, which takes minutes to build: make sbom"]
fn the_sbom_is_the_same_each_time_and_names_no_folder() {
    let one = sbom();
    assert_eq!(one, sbom());
    assert!(!one.contains(ROOT), "the folder in which it was made");
}

/// Makes a release of the present commit in a new folder of this name, and returns its files.
fn release(folder: &Folder, name: &str) -> BTreeMap<String, Vec<u8>> {
    let clone = folder.file(name);
    succeeded(&Command::new("git").args(["clone", "--quiet", ROOT, &clone]).output().unwrap());
    let tools = [tool(""), cargo_tool("auditable"), cargo_tool("cyclonedx")].map(|path| path.display().to_string());
    let path = format!("{}:{}", tools.join(":"), std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new(Path::new(&clone).join("release/run"));
    let output = command.env("PATH", path).output().unwrap();
    succeeded(&output);
    let files = fs::read_dir(Path::new(&clone).join("target/release-files")).unwrap().map(|file| file.unwrap().path());
    files.map(|file| (file.file_name().unwrap().to_string_lossy().into_owned(), fs::read(file).unwrap())).collect()
}

/// A release that the tests below share: it takes many minutes.
fn first() -> &'static BTreeMap<String, Vec<u8>> {
    static FIRST: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| release(&Folder::new(), "one"));
    &FIRST
}

#[test]
#[ignore = "takes as long as a release build: cargo test --test layers release:: -- --ignored"]
fn the_command_line_of_a_release_says_its_commit() {
    let folder = Folder::new();
    let zip = &first()[&format!("gate-{}-x86_64.zip", env!("CARGO_PKG_VERSION"))];
    fs::write(folder.file("gate.zip"), zip).unwrap();
    succeeded(&Command::new("unzip").args(["-q", "gate.zip", "gate"]).current_dir(&folder.0).output().unwrap());
    let commit = Command::new("git").args(["rev-parse", "HEAD"]).current_dir(ROOT).output().unwrap();
    let said = text(&Command::new(folder.file("gate")).arg("--version").output().unwrap().stdout);
    assert!(said.contains(&format!("(commit {}, release build", text(&commit.stdout).trim())), "{said}");
}

#[test]
#[ignore = "takes as long as two release builds, a quarter of an hour or more: cargo test --test layers release:: -- --ignored"]
fn two_releases_of_one_commit_are_the_same_in_whatever_folder() {
    let folder = Folder::new();
    let (one, other) = (first(), release(&folder, "a-folder-with-a-longer-name"));
    assert!(one.keys().any(|name| Path::new(name).extension().is_some_and(|kind| kind == "zip")), "{:?}", one.keys());
    let differ = one.iter().filter(|(name, bytes)| other.get(*name) != Some(*bytes));
    assert_eq!(differ.map(|(name, _)| name).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(one.len(), other.len());
}
