//! Files in, trusts or errors out.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use super::read;
use crate::trust::entry::Entry;
use crate::trust::facts::{Facts, Subject};
use crate::trust::token::Token;
use crate::trust::verdict::{Answer, verdict};

const AZURE: &str = r#"{"name": "gate", "issuer": "https://token.actions.githubusercontent.com", "subject": "repo:o/r:environment:release", "audiences": ["api://AzureADTokenExchange"]}"#;
const VAULT: &str = r#"{"data": {"role_type": "jwt", "user_claim": "repository", "bound_audiences": ["v"], "bound_subject": "repo:o/r:environment:release", "bound_claims": null}}"#;
const NPM: &str = r#"{"id": "1", "type": "github", "file": "publish.yml", "repository": "o/r", "environment": "release", "permissions": ["createPackage"]}"#;
const PROVIDER: &str = r#"{"attributeCondition": "assertion.repository == 'o/r'", "attributeMapping": {"google.subject": "assertion.sub"}, "oidc": {"issuerUri": "https://token.actions.githubusercontent.com"}}"#;
const POLICY: &str = r#"{"bindings": [{"role": "roles/iam.workloadIdentityUser", "members": ["principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/subject/repo:o/r:environment:release"]}]}"#;
const AWS: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::1:oidc-provider/token.actions.githubusercontent.com"}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com", "token.actions.githubusercontent.com:sub": "repo:o/r:environment:release"}}}]}"#;

fn judged(files: &[&str]) -> Answer {
    let subject = Subject::Default;
    let facts = Facts {
        repository: "o/r".to_owned(),
        repository_id: 74,
        owner_id: 65,
        environment: "release".to_owned(),
        subject,
    };
    verdict(read(files).unwrap().as_ref(), &facts).answer
}

fn refused(files: &[&str]) -> String {
    match read(files) {
        Ok(_) => panic!("it was read"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_provider_is_recognized() {
    for file in [AZURE, VAULT, NPM, AWS] {
        assert_eq!(judged(&[file]), Answer::OnlyTheGate, "{file}");
    }
    assert_eq!(judged(&[PROVIDER]), Answer::MoreThanTheGate);
}

#[test]
fn lists_are_recognized_too() {
    assert_eq!(judged(&[&format!("[{AZURE}, {AZURE}]")]), Answer::OnlyTheGate);
    assert_eq!(judged(&[&format!("{{\"value\": [{AZURE}]}}")]), Answer::OnlyTheGate);
    assert_eq!(judged(&[&format!("[{NPM}]")]), Answer::OnlyTheGate);
}

#[test]
fn a_provider_and_a_policy_are_two_files_in_any_order() {
    assert_eq!(judged(&[PROVIDER, POLICY]), Answer::OnlyTheGate);
    assert_eq!(judged(&[POLICY, PROVIDER]), Answer::OnlyTheGate);
    assert_eq!(judged(&[&format!("{{\"provider\": {PROVIDER}, \"policy\": {POLICY}}}")]), Answer::OnlyTheGate);
}

#[test]
fn files_of_two_providers_are_refused() {
    assert!(refused(&[AZURE, NPM]).contains("azure, npm"));
    assert!(refused(&[AZURE, AZURE]).contains("check each file"));
}

#[test]
fn fields_of_two_providers_in_one_object_are_refused() {
    assert!(refused(&[r#"{"issuer": "x", "Statement": []}"#]).contains("aws and azure"));
}

#[test]
fn a_key_twice_is_refused() {
    let twice = AZURE.replacen('{', r#"{"subject": "x", "#, 1);
    assert!(refused(&[&twice]).contains("`subject` twice"));
}

#[test]
fn json5_is_refused_by_its_name() {
    for file in ["{issuer: 'x'}", "// a comment\n{}", "{\"issuer\": 'x'}", "{\"issuer\": \"x\",\n}"] {
        assert!(refused(&[file]).contains("JSON5"), "{file}");
    }
}

#[test]
fn what_is_no_trust_is_refused_with_what_to_do() {
    for file in ["", "{}", "[]", "null", "1", "\"x\"", "{\"a\": 1}", "[1]", "nonsense", "{", "{} {}"] {
        assert!(refused(&[file]).contains("; expected "), "{file}");
    }
    assert!(refused(&[]).contains("no file"));
}

#[test]
fn megabytes_are_refused() {
    assert!(refused(&[&format!("\"{}\"", "x".repeat(2_000_000))]).contains("100000"));
}

#[test]
fn deep_nesting_is_refused() {
    assert!(refused(&[&"[".repeat(50_000)]).contains("recursion"));
    assert!(refused(&[&"{\"data\":".repeat(10_000)]).contains("recursion"));
}

/// Seeded chance (xorshift), so that a failure can be repeated.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap().checked_rem(bound).unwrap_or(0)
    }
}

/// A text with some of its pieces replaced, doubled or left out.
fn mutated(text: &str, chance: &mut Chance) -> String {
    const PIECES: [&str; 24] = [
        "\"",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "null",
        "1",
        "*",
        "?",
        "'",
        "\\",
        "\\u0000",
        " and ",
        "==",
        "&&",
        "(",
        ")",
        "assertion.",
        "é",
        "matches('(a|b)*')",
        "!",
        "subject",
    ];
    let mut characters: Vec<String> = text.chars().map(String::from).collect();
    for _ in 0..=chance.below(6) {
        let at = chance.below(characters.len());
        match chance.below(3) {
            0 => characters[at] = PIECES[chance.below(PIECES.len())].to_owned(),
            1 => characters[at].push_str(PIECES[chance.below(PIECES.len())]),
            _ => characters[at].clear(),
        }
    }
    characters.concat()
}

#[test]
fn no_mutation_of_a_trust_is_a_panic() {
    let claims = serde_json::json!({"iss": "https://token.actions.githubusercontent.com", "aud": "v", "sub": "repo:o/r:environment:other", "repository": "o/r", "repository_id": "74", "environment": "other"});
    let token = Token::new(claims.as_object().unwrap().clone());
    let mut chance = Chance(0x5eed);
    let mut read_well = 0;
    for round in 0..2_000 {
        for file in [AZURE, VAULT, NPM, PROVIDER, POLICY] {
            let text = mutated(file, &mut chance);
            let files: &[&str] = if file == POLICY { &[PROVIDER, &text] } else { &[&text] };
            if let Ok(trust) = read(files) {
                read_well += 1;
                let entry = trust.admits(&token);
                let may_get_in = file == PROVIDER || file == NPM || entry != Entry::GetsIn;
                assert!(may_get_in || !text.contains("release"), "round {round}: {text}");
                let _ = (trust.compared(), trust.patterns(), trust.notes(), trust.other_ways());
            }
        }
    }
    assert!(read_well > 1_000, "{read_well}");
}
