//! `gate trust`, as a person runs it.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::documents;

const SUB: &str = "repo:octo-org/widgets:environment:release";
const ISSUER: &str = "https://token.actions.githubusercontent.com";
const ALONE: &str = "only-the-gate";
const MORE: &str = "more-than-the-gate";
const NOBODY: &str = "nobody";
const UNCLEAR: &str = "cannot-tell";

/// A trust in words, the file, and the verdict.
type Row = (&'static str, Value, &'static str);

/// A folder of files, gone when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = Self(std::env::temp_dir().join(format!("environment-gate-{:016x}", fastrand::u64(..))));
        fs::create_dir_all(&folder.0).unwrap();
        folder.with("facts.json", facts("release").to_string())
    }

    fn with(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        fs::write(self.0.join(name), text).unwrap();
        self
    }

    /// `gate trust`, in this folder.
    fn trust(&self, arguments: &[&str]) -> Output {
        self.fed(arguments, "")
    }

    fn fed(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gate"));
        command.arg("trust").args(arguments).current_dir(&self.0);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Whoever does not read standard input may have closed it.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// What `--check --json` prints of one trust, with the exit code that belongs to it.
    fn checked(&self, trust: &Value) -> Value {
        self.judged(&trust.to_string(), &[])
    }

    fn judged(&self, trust: &str, more: &[&str]) -> Value {
        let arguments = ["--check", "-", "--facts", "facts.json", "--json"];
        let output = self.fed(&[&arguments[..], more].concat(), trust);
        let told = json_of(&output);
        assert_eq!(output.status.code(), Some(i32::from(told["verdict"] != ALONE)), "{output:?}");
        told
    }

    /// One line on standard error, nothing on standard output, exit code 2.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.trust(&[arguments, &["--facts", "facts.json"]].concat());
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(2), true), "{arguments:?}: {error}");
        assert!(error.starts_with("gate: ") && error.lines().count() == 1, "{error}");
        error
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn text(output: &Output) -> String {
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn facts(environment: &str) -> Value {
    let (repository, subject) = ("octo-org/widgets", "default");
    json!({
        "repository": repository, "repository_id": 4242, "owner_id": 77, "environment": environment, "subject": subject
    })
}

/// A statement with conditions on claims: `{"StringEquals": {"sub": …}}`.
fn statement(conditions: &Value) -> Value {
    let keys = |keys: &Value| -> Value {
        let keys = keys.as_object().unwrap().iter();
        keys.map(|(claim, value)| (format!("token.actions.githubusercontent.com:{claim}"), value.clone())).collect()
    };
    let conditions: Value =
        conditions.as_object().unwrap().iter().map(|(name, one)| (name.clone(), keys(one))).collect();
    json!({
        "Effect": "Allow",
        "Principal": { "Federated": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com" },
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": conditions,
    })
}

fn role(statements: &[Value]) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn aws(conditions: &Value) -> Value {
    role(&[statement(conditions)])
}

fn not_principal() -> Value {
    let mut statement = statement(&json!({ "StringEquals": { "sub": SUB } }));
    let fields = statement.as_object_mut().unwrap();
    fields.remove("Principal");
    fields.insert("NotPrincipal".to_owned(), json!({ "AWS": "arn:aws:iam::111122223333:root" }));
    role(&[statement])
}

fn gcp(condition: &str) -> Value {
    json!({
        "name": "projects/1/locations/global/workloadIdentityPools/pool/providers/github",
        "attributeCondition": condition,
        "attributeMapping": { "google.subject": "assertion.sub" },
        "oidc": { "issuerUri": ISSUER },
    })
}

fn azure(subject: &str) -> Value {
    json!({ "name": "gate", "issuer": ISSUER, "subject": subject, "audiences": ["api://AzureADTokenExchange"] })
}

fn flexible(expression: &str) -> Value {
    json!({
        "name": "gate", "issuer": ISSUER, "audiences": ["api://AzureADTokenExchange"],
        "claimsMatchingExpression": { "value": expression, "languageVersion": 1 },
    })
}

fn vault(kind: &str, claims: &Value) -> Value {
    json!({
        "role_type": "jwt", "user_claim": "repository", "bound_audiences": ["vault"],
        "bound_claims_type": kind, "bound_claims": claims,
    })
}

fn npm(environment: Option<&str>) -> Value {
    let mut publisher = json!({ "type": "github", "file": "release.yml", "repository": "octo-org/widgets" });
    if let Some(environment) = environment {
        publisher["environment"] = json!(environment);
    }
    publisher
}

fn every_row_is_what_it_should_be(rows: &[Row]) {
    let folder = Folder::new();
    for (trust, file, expected) in rows {
        let told = folder.checked(file);
        assert_eq!(told["verdict"], *expected, "{trust}: {told:#}");
        // Whoever gets in is shown, and whatever is wrong has a fix.
        assert_eq!(told["token"].is_object(), *expected == MORE, "{trust}: {told:#}");
        assert_eq!(told["fix"] == "", *expected == ALONE, "{trust}: {told:#}");
    }
}

fn aws_rows() -> Vec<Row> {
    let equals = |claims: Value| aws(&json!({ "StringEquals": claims }));
    let like = |sub: &str| aws(&json!({ "StringLike": { "sub": sub } }));
    let workflow = "octo-org/widgets/.github/workflows/release.yml@refs/heads/main";
    let beside_id = |operator: &str| {
        aws(&json!({ "StringEquals": { "repository_id": "4242" }, operator: { "environment": "release" } }))
    };
    let exact = statement(&json!({ "StringEquals": { "sub": SUB } }));
    let loose = statement(&json!({ "StringLike": { "sub": "repo:octo-org/*" } }));
    vec![
        ("exact sub", equals(json!({ "sub": SUB })), ALONE),
        ("id and environment, no sub", equals(json!({ "repository_id": "4242", "environment": "release" })), ALONE),
        ("every branch", like("repo:octo-org/widgets:*"), MORE),
        ("every repository", like("repo:octo-org/*"), MORE),
        ("no sub", equals(json!({ "aud": "sts.amazonaws.com" })), MORE),
        ("every repository's environment", like("*:environment:release"), MORE),
        ("every environment", like("repo:octo-org/widgets:environment:*"), MORE),
        ("release and what begins like it", like("repo:octo-org/widgets:environment:release*"), MORE),
        ("names that begin like ours", like("repo:octo-org*/widgets*:environment:release"), MORE),
        ("a list with one loose value", equals(json!({ "sub": [SUB, "repo:octo-org/widgets:pull_request"] })), MORE),
        ("ForAllValues", beside_id("ForAllValues:StringEquals"), MORE),
        ("IfExists", beside_id("StringEqualsIfExists"), MORE),
        ("a second, looser statement", role(&[exact, loose]), MORE),
        ("StringEquals with a star", equals(json!({ "sub": "repo:octo-org/widgets:*" })), NOBODY),
        ("owner", equals(json!({ "repository_owner_id": "77" })), MORE),
        ("workflow", equals(json!({ "workflow": "release" })), MORE),
        ("actor", equals(json!({ "actor": "alice" })), MORE),
        ("ref", equals(json!({ "repository_id": "4242", "ref": "refs/heads/main" })), MORE),
        ("job_workflow_ref", equals(json!({ "job_workflow_ref": workflow })), MORE),
        ("unknown operator", aws(&json!({ "StringMatches": { "sub": SUB } })), UNCLEAR),
        ("NotPrincipal", not_principal(), UNCLEAR),
        ("policy variable", equals(json!({ "sub": "repo:octo-org/widgets:environment:${aws:username}" })), UNCLEAR),
    ]
}

#[test]
fn a_role_of_aws_is_judged_by_what_it_admits() {
    every_row_is_what_it_should_be(&aws_rows());
}

#[test]
fn a_provider_of_google_cloud_is_judged_by_what_it_admits() {
    every_row_is_what_it_should_be(&[
        ("exact sub", gcp(&format!("assertion.sub == '{SUB}'")), ALONE),
        ("id and environment", gcp("assertion.repository_id == '4242' && assertion.environment == 'release'"), ALONE),
        ("everybody", gcp("true"), MORE),
        ("unanchored", gcp(&format!("assertion.sub.matches('{SUB}')")), MORE),
        ("every branch", gcp("assertion.sub.startsWith('repo:octo-org/widgets:')"), MORE),
        ("every repository's environment", gcp("assertion.environment == 'release'"), MORE),
        ("owner", gcp("assertion.repository_owner == 'octo-org'"), MORE),
        ("a star in ==", gcp("assertion.sub == 'repo:octo-org/widgets:*'"), NOBODY),
        ("a function that is not evaluated", gcp("assertion.sub.split(':').size() > 2"), UNCLEAR),
        ("an expression that cannot be read", gcp("assertion.sub =="), UNCLEAR),
    ]);
}

#[test]
fn a_credential_of_azure_is_judged_by_what_it_admits() {
    every_row_is_what_it_should_be(&[
        ("exact sub", azure(SUB), ALONE),
        ("a star", azure("repo:octo-org/widgets:*"), NOBODY),
        ("a branch", azure("repo:octo-org/widgets:ref:refs/heads/main"), MORE),
        ("a second, looser credential", json!([azure(SUB), azure("repo:octo-org/widgets:pull_request")]), MORE),
        ("every environment", flexible("claims['sub'] matches 'repo:octo-org/widgets:environment:*'"), MORE),
        ("flexible, exact", flexible(&format!("claims['sub'] eq '{SUB}'")), ALONE),
        ("an operator that does not exist", flexible("claims['sub'] startsWith 'repo:'"), UNCLEAR),
    ]);
}

#[test]
fn a_role_of_vault_is_judged_by_what_it_admits() {
    every_row_is_what_it_should_be(&[
        ("exact sub", vault("string", &json!({ "sub": SUB })), ALONE),
        ("id and environment", vault("string", &json!({ "repository_id": "4242", "environment": "release" })), ALONE),
        ("audience alone", vault("string", &json!({})), MORE),
        ("every branch", vault("glob", &json!({ "sub": "repo:octo-org/widgets:*" })), MORE),
        ("every environment", vault("glob", &json!({ "repository_id": "4242", "environment": "*" })), MORE),
        (
            "a list with one loose value",
            vault("string", &json!({ "repository_id": "4242", "environment": ["release", "test"] })),
            MORE,
        ),
        ("a star that is none", vault("string", &json!({ "sub": "repo:octo-org/widgets:*" })), NOBODY),
    ]);
}

#[test]
fn a_publisher_of_npm_is_judged_by_what_it_admits() {
    every_row_is_what_it_should_be(&[
        ("environment", npm(Some("release")), ALONE),
        ("no environment", npm(None), MORE),
        ("another environment", npm(Some("test")), MORE),
        ("a second publisher without an environment", json!([npm(Some("release")), npm(None)]), MORE),
        (
            "another platform",
            json!({ "type": "gitlab", "repository": "octo-org/widgets", "file": "release.yml" }),
            UNCLEAR,
        ),
    ]);
}

#[test]
fn the_form_of_sub_decides() {
    let mut immutable = facts("release");
    immutable["subject"] = json!("immutable");
    let folder = Folder::new().with("facts.json", immutable.to_string());
    assert_eq!(folder.checked(&aws(&json!({ "StringEquals": { "sub": SUB } })))["verdict"], NOBODY);
    let ids = "repo:octo-org@77/widgets@4242:environment:release";
    assert_eq!(folder.checked(&aws(&json!({ "StringEquals": { "sub": ids } })))["verdict"], ALONE);
}

#[test]
fn a_colon_twin_gets_in_unless_the_environment_is_bound_too() {
    let folder = Folder::new().with("facts.json", facts("eu:release").to_string());
    let sub = "repo:octo-org/widgets:environment:eu%3Arelease";
    let told = folder.checked(&aws(&json!({ "StringEquals": { "sub": sub } })));
    assert_eq!((&told["verdict"], &told["token"]["environment"]), (&json!(MORE), &json!("eu%3Arelease")));
    let both = json!({ "StringEquals": { "sub": sub, "environment": "eu:release" } });
    assert_eq!(folder.checked(&aws(&both))["verdict"], ALONE);
}

#[test]
fn a_name_that_can_be_taken_over_is_a_note() {
    let folder = Folder::new();
    let told = folder.checked(&aws(&json!({ "StringEquals": { "sub": SUB } })));
    assert!(told["notes"][0].as_str().unwrap().contains("Bind `repository_id` to `4242` too"), "{told:#}");
    let both = json!({ "StringEquals": { "sub": SUB, "repository_id": "4242" } });
    assert_eq!(folder.checked(&aws(&both))["notes"], json!([]));
}

#[test]
fn json_names_what_the_verdict_is_about() {
    let told = Folder::new().checked(&aws(&json!({ "StringLike": { "sub": "repo:octo-org/widgets:*" } })));
    let names: Vec<&String> = told.as_object().unwrap().keys().collect();
    assert_eq!(names, ["environment", "fix", "notes", "reason", "repository", "token", "verdict"]);
    assert_eq!((&told["repository"], &told["environment"]), (&json!("octo-org/widgets"), &json!("release")));
    assert_eq!(told["token"]["sub"], "repo:octo-org/widgets:ref:refs/heads/main");
}

#[test]
fn a_provider_and_the_policy_of_its_account_are_judged_together() {
    let pool = "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/*";
    let mapped =
        format!("principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/subject/{SUB}");
    for (member, expected) in [(pool.to_owned(), MORE), (mapped, ALONE), ("allUsers".to_owned(), MORE)] {
        let policy = json!({ "bindings": [{ "role": "roles/iam.workloadIdentityUser", "members": [member] }] });
        let provider = gcp("assertion.repository_id == '4242'").to_string();
        let folder = Folder::new().with("provider.json", &provider).with("policy.json", policy.to_string());
        let files = ["--check", "provider.json", "policy.json", "--facts", "facts.json", "--json"];
        assert_eq!(json_of(&folder.trust(&files))["verdict"], expected, "{member}");
    }
}

/// The claims of a job in this environment.
fn claims(environment: &str) -> Value {
    json!({
        "iss": ISSUER, "aud": "sts.amazonaws.com", "repository": "octo-org/widgets", "repository_id": "4242",
        "environment": environment, "sub": format!("repo:octo-org/widgets:environment:{environment}"),
    })
}

#[test]
fn one_token_gets_in_stays_out_or_it_cannot_be_told() {
    let exact = aws(&json!({ "StringEquals": { "sub": SUB } })).to_string();
    let strange = aws(&json!({ "StringMatches": { "sub": SUB } })).to_string();
    for (trust, environment, expected, code) in
        [(&exact, "release", "gets-in", 0), (&exact, "test", "stays-out", 1), (&strange, "release", "cannot-tell", 1)]
    {
        let folder = Folder::new().with("role.json", trust).with("token.json", claims(environment).to_string());
        let arguments = ["--check", "role.json", "--token", "token.json"];
        let output = folder.trust(&arguments);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert_eq!(text(&output).lines().next(), Some(expected));
        let told = json_of(&folder.trust(&[&arguments[..], &["--json"]].concat()));
        assert_eq!((&told["verdict"], told["reason"].is_string()), (&json!(expected), expected == UNCLEAR), "{told}");
    }
}

#[test]
fn what_cannot_be_read_is_refused_in_one_line() {
    let exact = aws(&json!({ "StringEquals": { "sub": SUB } })).to_string();
    let twice = exact.replacen('{', "{\"Version\": \"2012-10-17\", ", 1);
    let folder = Folder::new()
        .with("role.json", &exact)
        .with("azure.json", azure(SUB).to_string())
        .with("mixed.json", json!({ "Statement": [], "issuer": ISSUER }).to_string())
        .with("json5.json", "{issuer: 'x', // mine\n}")
        .with("twice.json", twice)
        .with("big.json", format!("\"{}\"", "x".repeat(2_000_000)))
        .with("long.json", format!("\"{}\"", "x".repeat(200_000)))
        .with("deep.json", "[".repeat(50_000))
        .with("bytes.json", b"\xff\xfe{\"Statement\": []}")
        .with("other.json", "{\"a\": 1}")
        .with("empty.json", "");
    for (files, expected) in [
        (&["azure.json", "role.json"][..], "several files, of azure, aws"),
        (&["mixed.json"], "fields of aws and azure"),
        (&["json5.json"], "JSON5"),
        (&["twice.json"], "twice"),
        (&["big.json"], "1048576 bytes or more"),
        (&["long.json"], "200002"),
        (&["deep.json"], "recursion"),
        (&["bytes.json"], "not UTF-8"),
        (&["other.json"], "an object with `a`"),
        (&["empty.json"], "empty.json: "),
        (&["nowhere.json"], "'nowhere.json' for '--check <FILE>...'"),
    ] {
        let error = folder.refused(&[&["--check"], files].concat());
        assert!(error.contains(expected), "{expected} is not in {error}");
    }
}

#[test]
fn facts_and_claims_that_are_none_are_refused() {
    let exact = aws(&json!({ "StringEquals": { "sub": SUB } })).to_string();
    let folder = Folder::new().with("role.json", &exact).with("list.json", "[]");
    let error = folder.refused(&["--check", "role.json", "--token", "list.json"]);
    assert!(error.contains("list.json: got no claims"), "{error}");
    let folder = folder.with("facts.json", &exact);
    let error = folder.refused(&["--check", "role.json"]);
    assert!(error.contains("facts.json: got no facts") && error.contains("expected `repository`"), "{error}");
}

#[test]
fn ten_statements_that_contradict_each_other_are_never_the_gate_alone() {
    let mut statements = Vec::new();
    for number in 0..5 {
        let sub = json!({ "StringLike": { "sub": format!("repo:octo-org/widgets:environment:r*{number}") } });
        let (allow, mut deny) = (statement(&sub), statement(&sub));
        deny["Effect"] = json!("Deny");
        statements.extend([allow, deny]);
    }
    assert_eq!(Folder::new().checked(&role(&statements))["verdict"], NOBODY);
    statements.push(statement(&json!({ "StringLike": { "sub": "repo:octo-org/widgets:*" } })));
    assert_eq!(Folder::new().checked(&role(&statements))["verdict"], MORE);
}

/// What `gate trust PROVIDER` prints.
fn printed(folder: &Folder, arguments: &[&str]) -> String {
    let output = folder.trust(&[arguments, &["--facts", "facts.json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    text(&output)
}

/// The JSON between single quotes, as a shell reads them.
fn quoted_json(text: &str) -> Vec<String> {
    let commands: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let unquoted = commands.join("\n").replace("'\\''", "\u{0}");
    let words = unquoted.split('\'').skip(1).step_by(2);
    words.map(|word| word.replace('\u{0}', "'")).filter(|word| word.starts_with('{')).collect()
}

#[test]
fn what_is_printed_admits_the_gate_alone() {
    for environment in ["release", "Pro duction", "it's", "a*b"] {
        let folder = Folder::new().with("facts.json", facts(environment).to_string());
        let aws = printed(&folder, &["aws"]);
        let policy = aws.split("\n{\n").nth(1).unwrap().split("\n}\n").next().unwrap();
        assert_eq!(folder.judged(&format!("{{{policy}}}"), &[])["verdict"], ALONE, "{environment}");
        let vault = quoted_json(&printed(&folder, &["vault", "--audience", "https://vault.example.com"]));
        let azure = quoted_json(&printed(&folder, &["azure"]));
        assert_eq!((vault.len(), azure.len()), (1, if environment == "it's" { 1 } else { 2 }));
        for document in vault.iter().chain(&azure) {
            assert_eq!(folder.judged(document, &[])["verdict"], ALONE, "{environment}: {document}");
        }
    }
}

#[test]
fn what_is_printed_for_google_cloud_and_npm_admits_the_gate_alone() {
    let folder = Folder::new();
    let shown = printed(&folder, &["gcp"]).replace("'\\''", "\"");
    let value = |option: &str| shown.split(option).nth(1).unwrap().split('\'').next().unwrap();
    let provider = json!({
        "name": "projects/PROJECT_NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER",
        "attributeCondition": value("--attribute-condition='"),
        "attributeMapping": { "google.subject": "assertion.sub", "attribute.repository_id": "assertion.repository_id" },
        "oidc": { "issuerUri": value("--issuer-uri='") },
    });
    let members = json!([value("--member='")]);
    let policy = json!({ "bindings": [{ "role": "roles/iam.workloadIdentityUser", "members": members }] });
    assert_eq!(folder.checked(&json!({ "provider": provider, "policy": policy }))["verdict"], ALONE);
    let shown = printed(&folder, &["npm", "--package", "widgets"]);
    let value = |option: &str| shown.split(option).nth(1).unwrap().split('\'').next().unwrap();
    let publisher = json!({
        "type": "github", "repository": value("--repository='"), "file": value("--file='"),
        "environment": value("--environment='"),
    });
    assert_eq!(folder.checked(&publisher)["verdict"], ALONE);
}

#[test]
fn what_a_provider_cannot_bind_is_refused_with_the_reason() {
    let cases: [(&str, &[&str], &str); 7] = [
        ("eu:release", &["azure"], "twin of the same `sub`"),
        ("eu%3Arelease", &["azure"], "twin of the same `sub`"),
        ("größe ✓", &["aws"], "which an IAM policy cannot have"),
        (&"x".repeat(110), &["gcp"], "Google takes 127"),
        ("it's", &["npm", "--package", "widgets"], "the registry takes no environment"),
        ("a;b", &["pypi"], "the registry takes no environment"),
        ("a\\b", &["crates-io", "--package", "widgets"], "the registry takes no environment"),
    ];
    for (environment, arguments, expected) in cases {
        let folder = Folder::new().with("facts.json", facts(environment).to_string());
        let output = folder.trust(&[arguments, &["--facts", "facts.json"]].concat());
        let text = text(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains("\n# nothing to configure: ") && text.contains(expected), "{text}");
        assert!(text.lines().all(|line| line.starts_with('#')), "nothing to paste: {text}");
    }
}

#[test]
fn wrong_use_of_trust_says_so_in_one_line() {
    let folder = Folder::new().with("role.json", aws(&json!({})).to_string());
    let cases: [(&[&str], &str); 6] = [
        (&[], "not provided: <PROVIDER>"),
        (&["nonsense"], "'nonsense' for '[PROVIDER]'"),
        (&["npm"], "`--package`: name the package"),
        (&["aws", "--check", "role.json"], "cannot be used with"),
        (&["aws", "--json"], "cannot be used with"),
        (&["--check", "role.json", "--policy", "role.json"], "cannot be used with"),
    ];
    for (arguments, expected) in cases {
        let error = folder.refused(arguments);
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
}

/// The usual trusts, with the verdicts that the program gives.
fn table() -> String {
    let folder = Folder::new();
    let mut table = "| trust | verdict | why |\n|---|---|---|\n".to_owned();
    for (trust, file, why) in shown_rows() {
        let verdict = folder.checked(&file)["verdict"].as_str().unwrap().to_owned();
        writeln!(table, "| {trust} | `{verdict}` | {why} |").unwrap();
    }
    table
}

/// A trust as the page writes it, the file, and why it is what it is.
fn shown_rows() -> Vec<(&'static str, Value, &'static str)> {
    let equals = |claims: Value| aws(&json!({ "StringEquals": claims }));
    let like = |sub: &str| aws(&json!({ "StringLike": { "sub": sub } }));
    let loose =
        json!({ "StringEquals": { "repository_id": "4242" }, "StringEqualsIfExists": { "environment": "release" } });
    vec![
        (
            "`sub` exactly `repo:octo-org/widgets:environment:release`",
            equals(json!({ "sub": SUB })),
            "a note recommends `repository_id`",
        ),
        (
            "`repository_id` and `environment` exactly, no `sub`",
            equals(json!({ "repository_id": "4242", "environment": "release" })),
            "`sub` only repeats them",
        ),
        ("`repo:octo-org/widgets:*`", like("repo:octo-org/widgets:*"), "every branch, tag and pull request"),
        ("`repo:octo-org/*`", like("repo:octo-org/*"), "every repository of the owner"),
        (
            "`*:environment:release`",
            like("*:environment:release"),
            "any repository of GitHub can name an environment `release`",
        ),
        (
            "`…:environment:release*`",
            like("repo:octo-org/widgets:environment:release*"),
            "`release2` is one more environment, without the gate",
        ),
        (
            "`repo:octo-org*/widgets*:environment:release`",
            like("repo:octo-org*/widgets*:environment:release"),
            "`octo-org-evil/widgets` is somebody else",
        ),
        ("only `aud`", equals(json!({ "aud": "sts.amazonaws.com" })), "a workflow chooses its audience"),
        (
            "only `ref`, `workflow`, `job_workflow_ref`, `actor` or the owner",
            equals(json!({ "job_workflow_ref": "octo-org/widgets/.github/workflows/release.yml@refs/heads/main" })),
            "a job without the environment has them too",
        ),
        (
            "AWS: `StringEqualsIfExists` or `ForAllValues:` on `environment`",
            aws(&loose),
            "true for a job in no environment",
        ),
        ("AWS: `StringEquals` with a `*`", equals(json!({ "sub": "repo:octo-org/widgets:*" })), "the star is a star"),
        ("AWS: `NotPrincipal`, a policy variable, an operator that is not known", not_principal(), "not evaluated"),
        (
            "Google Cloud: `assertion.sub.matches('repo:octo-org/widgets:environment:release')`",
            gcp(&format!("assertion.sub.matches('{SUB}')")),
            "without `^` and `$` it matches `…release2`",
        ),
        ("Azure: `subject` with a `*`", azure("repo:octo-org/widgets:*"), "the star is a star"),
        (
            "Azure: `claims['sub'] matches '…:environment:*'`",
            flexible("claims['sub'] matches 'repo:octo-org/widgets:environment:*'"),
            "every environment",
        ),
        ("Vault: `bound_audiences` alone", vault("string", &json!({})), "a workflow chooses its audience"),
        ("npm: no environment", npm(None), "every job of the workflow publishes"),
    ]
}

#[test]
fn the_page_shows_the_verdicts_that_are_given() {
    documents::shows("docs/cloud-trust.md", "trusts", &table());
}

/// Whether this was printed; a line `…` stands for any lines.
fn is_shown(shown: &str, printed: &str) -> bool {
    let parts: Vec<&str> = shown.split("…\n").collect();
    let (first, last) = (parts[0], parts[parts.len() - 1]);
    if !printed.starts_with(first) || !printed.ends_with(last) {
        return false;
    }
    let mut rest = printed;
    parts.iter().all(|part| rest.split_once(part).map(|(_, after)| rest = after).is_some())
}

/// The text of each block of one language.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    page.split(&format!("```{language}\n")).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn the_page_shows_what_the_program_prints() {
    let page = documents::read("docs/cloud-trust.md");
    let [shown_role, shown_facts] = blocks(&page, "json")[..] else { panic!("a role and facts") };
    let role: Value = serde_json::from_str(shown_role).unwrap();
    let got = json!({ "Role": { "RoleName": "release", "AssumeRolePolicyDocument": role } });
    let folder = Folder::new().with("facts.json", shown_facts).with("role.json", got.to_string());
    let program = PathBuf::from(env!("CARGO_BIN_EXE_gate"));
    let mut commands = 0;
    for block in blocks(&page, "console") {
        for shown in block.split("$ ").skip(1) {
            let (command, expected) = shown.split_once('\n').unwrap();
            let script =
                format!("gate() {{ \"{}\" \"$@\"; }}\naws() {{ cat role.json; }}\n{command}", program.display());
            let output = Command::new("sh").args(["-c", &script]).current_dir(&folder.0).output().unwrap();
            assert!(is_shown(expected, &text(&output)), "{command}\n{}", text(&output));
            commands += 1;
        }
    }
    assert!(commands >= 3, "got {commands}");
}
