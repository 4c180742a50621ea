//! What the tests of trusts share: facts, seeded chance, and all tokens of a small world.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a test that cannot go on fails"
)]

use serde_json::{Map, Value};

use super::facts::{Facts, Subject};
use super::token::Token;

/// How many of so many generated cases are tried: a tenth, so that `cargo test` is quick, and all where `THOROUGH` is set, as `make test` does.
#[expect(clippy::disallowed_methods, reason = "no setting of the program")]
pub(super) fn cases(all: u64) -> u64 {
    if std::env::var_os("THOROUGH").is_some() { all } else { all / 10 }
}

/// Seeded chance (xorshift), so that a failure can be repeated.
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }

    pub(super) fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

pub(super) fn facts(environment: &str, subject: Subject) -> Facts {
    Facts { repository: "o/r".to_owned(), repository_id: 42, owner_id: 7, environment: environment.to_owned(), subject }
}

pub(super) fn keys(keys: &[&str]) -> Subject {
    Subject::Keys(keys.iter().map(|key| (*key).to_owned()).collect())
}

pub(super) fn random_facts(chance: &mut Chance) -> Facts {
    let subject = match chance.below(5) {
        0 | 1 => Subject::Default,
        2 => Subject::Immutable,
        3 => keys(&["repo", "environment"]),
        _ => keys(&["repository_owner", "environment", "ref"]),
    };
    facts(chance.of(&["release", "a:b", "prod"]), subject)
}

/// Every token of five repositories, eight environments, three refs, two events and two audiences.
pub(super) fn world(facts: &Facts) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (repository, id, owner_id) in
        [("o/r", 42, 7), ("o/r2", 43, 7), ("ox/r", 44, 8), ("p/q", 45, 9), ("o/rx", 46, 7)]
    {
        for environment in ["", "release", "release2", "rel", "x", "a:b", "a%3Ab", "prod"] {
            for (reference, event) in [
                ("refs/heads/main", "push"),
                ("refs/heads/release", "workflow_dispatch"),
                ("refs/tags/main", "push"),
                ("refs/pull/1/merge", "pull_request"),
            ] {
                for audience in ["sts.amazonaws.com", "x"] {
                    let own = [facts.subject.clone()];
                    let any = [facts.subject.clone(), Subject::Default, Subject::Immutable];
                    for form in if id == 42 { &own[..] } else { &any[..] } {
                        let claims = [
                            ("repository", repository),
                            ("repository_owner", repository.split_once('/').unwrap().0),
                            ("repository_id", &id.to_string()),
                            ("repository_owner_id", &owner_id.to_string()),
                            ("ref", reference),
                            ("event_name", event),
                            ("aud", audience),
                            ("iss", super::shape::ISSUER),
                        ];
                        tokens.push(token(&claims, environment, form));
                    }
                }
            }
        }
    }
    tokens
}

pub(super) fn token(claims: &[(&str, &str)], environment: &str, form: &Subject) -> Token {
    let mut map: Map<String, Value> =
        claims.iter().map(|(claim, value)| ((*claim).to_owned(), Value::from(*value))).collect();
    if !environment.is_empty() {
        map.insert("environment".to_owned(), environment.into());
    }
    let sub = form.write(&Token::new(map.clone()));
    map.insert("sub".to_owned(), sub.into());
    Token::new(map)
}
