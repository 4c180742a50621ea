//! Random trusts of a tiny language, compared with brute force over a small world; and what single trusts are.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on fails"
)]

use super::test_support::{Chance, cases, facts, keys, random_facts, world};
use super::*;

/// A tiny language of trusts.
#[derive(Debug, Clone)]
enum Tiny {
    Is(&'static str, String),
    Like(&'static str, String),
    Missing(&'static str),
    All(Vec<Tiny>),
    Any(Vec<Tiny>),
    Not(Box<Tiny>),
    Unknown,
}

impl Tiny {
    fn leaves(&self, patterns: &mut Vec<Pattern>, claims: &mut Vec<Compared>) {
        match self {
            Self::Is(claim, text) => patterns.push(Pattern::literal(claim, text)),
            Self::Like(claim, text) => patterns.push(Pattern::glob(claim, text)),
            Self::Missing(claim) => claims.push(Compared { claim: (*claim).to_owned(), samples: Vec::new() }),
            Self::All(of) | Self::Any(of) => of.iter().for_each(|one| one.leaves(patterns, claims)),
            Self::Not(one) => one.leaves(patterns, claims),
            Self::Unknown => {}
        }
    }
}

impl TrustDocument for Tiny {
    fn admits(&self, token: &Token) -> Entry {
        match self {
            Self::Is(claim, text) => Entry::from(token.text(claim) == Some(text)),
            Self::Like(claim, text) => {
                Entry::from(token.text(claim).is_some_and(|value| Pattern::glob(claim, text).matches(value)))
            }
            Self::Missing(claim) => Entry::from(token.text(claim).is_none()),
            Self::All(of) => of.iter().fold(Entry::GetsIn, |so_far, one| so_far.and(one.admits(token))),
            Self::Any(of) => of.iter().fold(Entry::StaysOut, |so_far, one| so_far.or(one.admits(token))),
            Self::Not(one) => one.admits(token).not(),
            Self::Unknown => Entry::CannotTell("a riddle".to_owned()),
        }
    }

    fn compared(&self) -> Vec<Compared> {
        let (mut patterns, mut claims) = (Vec::new(), Vec::new());
        self.leaves(&mut patterns, &mut claims);
        claims
    }

    fn patterns(&self) -> Vec<Pattern> {
        let (mut patterns, mut claims) = (Vec::new(), Vec::new());
        self.leaves(&mut patterns, &mut claims);
        patterns
    }
}

fn random_leaf(chance: &mut Chance, facts: &Facts, world: &[Token]) -> Tiny {
    const CLAIMS: [&str; 8] = ["sub", "sub", "sub", "environment", "environment", "repository", "repository_id", "ref"];
    const OTHERS: [&str; 4] = ["aud", "event_name", "repository_owner", "repository_owner_id"];
    let claim = if chance.below(5) == 0 { chance.of(&OTHERS) } else { chance.of(&CLAIMS) };
    let gates: Vec<&Token> = world.iter().filter(|token| is_the_gates(token, facts)).collect();
    let token = if chance.below(3) == 0 { &world[chance.below(world.len())] } else { gates[chance.below(gates.len())] };
    let Some(text) = token.text(claim) else { return Tiny::Missing(claim) };
    match chance.below(5) {
        0 | 1 => Tiny::Is(claim, text.to_owned()),
        2 if chance.below(4) == 0 => Tiny::Missing("environment"),
        _ => {
            let characters: Vec<char> = text.chars().collect();
            let from = chance.below(characters.len());
            let to = from + chance.below(characters.len() - from + 1);
            let wild = chance.of(&["*", "?", "*", "*"]);
            let (before, after): (String, String) =
                (characters[..from].iter().collect(), characters[to..].iter().collect());
            Tiny::Like(claim, format!("{before}{wild}{after}"))
        }
    }
}

fn random_trust(chance: &mut Chance, facts: &Facts, world: &[Token], depth: usize) -> Tiny {
    let several = |chance: &mut Chance| {
        let count = 1 + chance.below(3);
        (0..count).map(|_| random_trust(chance, facts, world, depth - 1)).collect()
    };
    match chance.below(if depth == 0 { 4 } else { 10 }) {
        0..4 => random_leaf(chance, facts, world),
        4..7 => Tiny::All(several(chance)),
        7 | 8 => Tiny::Any(several(chance)),
        _ => Tiny::Not(Box::new(random_trust(chance, facts, world, depth - 1))),
    }
}

/// What brute force knows: whether a token of the gate's gets in, and whether a stranger's does.
fn brute(trust: &dyn TrustDocument, facts: &Facts, world: &[Token]) -> (bool, Option<Token>) {
    let gets_in = |token: &&Token| trust.admits(token) == Entry::GetsIn;
    let own = world.iter().filter(|token| is_the_gates(token, facts)).any(|token| gets_in(&token));
    (own, world.iter().filter(|token| !is_the_gates(token, facts)).find(gets_in).cloned())
}

#[test]
fn no_random_trust_hides_a_stranger_from_the_search() {
    nothing_is_hidden(cases(200));
}

/// Takes a minute or two: `cargo test --lib a_thousand -- --ignored`.
#[test]
#[ignore = "takes minutes: run it after a change of the search"]
fn a_thousand_random_trusts_hide_no_stranger_from_the_search() {
    nothing_is_hidden(1000);
}

fn nothing_is_hidden(seeds: u64) {
    let mut answers = std::collections::BTreeMap::new();
    for seed in 0..seeds {
        let mut chance = Chance::new(seed);
        let facts = random_facts(&mut chance);
        let world = world(&facts);
        let trust = random_trust(&mut chance, &facts, &world, 2);
        let (own, stranger) = brute(&trust, &facts, &world);
        let verdict = verdict(&trust, &facts);
        let shown = format!("seed {seed}, {facts:?}, {trust:?}: {verdict:?}, but {own} {stranger:?}");
        *answers.entry(verdict.as_str()).or_insert(0) += 1;
        match verdict.answer {
            Answer::MoreThanTheGate => {
                let proof = verdict.proof.unwrap();
                assert_eq!(trust.admits(&proof), Entry::GetsIn, "{shown}");
                assert!(!is_the_gates(&proof, &facts), "{shown}");
                assert!(!verdict.mend.is_empty(), "{shown}");
            }
            Answer::OnlyTheGate => {
                assert!(stranger.is_none(), "{shown}");
                let proof = verdict.proof.unwrap();
                assert!(is_the_gates(&proof, &facts) && trust.admits(&proof) == Entry::GetsIn, "{shown}");
            }
            Answer::Nobody => assert!(!own && stranger.is_none(), "{shown}"),
            Answer::CannotTell => panic!("{shown}"),
        }
    }
    assert_eq!(answers.len(), 3, "{answers:?}");
    assert!(answers.values().all(|count| *count * 25 > seeds), "{answers:?}");
}

#[test]
fn every_token_that_is_tried_is_one_that_github_could_write() {
    for seed in 200..200 + cases(30) {
        let mut chance = Chance::new(seed);
        let facts = random_facts(&mut chance);
        let world = world(&facts);
        let trust = random_trust(&mut chance, &facts, &world, 2);
        if let Some(token) = verdict(&trust, &facts).proof {
            let repository = format!("{}/", token.text("repository_owner").unwrap());
            assert!(token.text("repository").unwrap().starts_with(&repository), "{token:?}");
            assert!(token.text("workflow_ref").unwrap().starts_with(token.text("repository").unwrap()), "{token:?}");
            let ours = token.text("repository_id") == Some("42");
            assert_eq!(ours, token.text("repository") == Some("o/r"), "{token:?}");
            if ours {
                assert_eq!(token.text("sub").unwrap(), facts.subject.write(&token));
            }
        }
    }
}

fn is(claim: &'static str, text: &str) -> Tiny {
    Tiny::Is(claim, text.to_owned())
}

fn like(claim: &'static str, text: &str) -> Tiny {
    Tiny::Like(claim, text.to_owned())
}

fn said(trust: &Tiny, facts: &Facts) -> &'static str {
    verdict(trust, facts).as_str()
}

#[test]
fn a_stranger_counts_even_if_something_else_is_not_understood() {
    let facts = facts("release", Subject::Default);
    let sub = is("sub", "repo:o/r:environment:release");
    assert_eq!(said(&Tiny::Any(vec![sub.clone(), Tiny::Unknown]), &facts), "cannot-tell");
    assert_eq!(said(&Tiny::Any(vec![like("sub", "repo:o/r:*"), Tiny::Unknown]), &facts), "more-than-the-gate");
    assert_eq!(said(&Tiny::All(vec![sub, Tiny::Unknown]), &facts), "cannot-tell");
}

#[test]
fn a_colon_in_the_environment_needs_the_environment_itself() {
    let facts = facts("a:b", Subject::Default);
    let sub = is("sub", "repo:o/r:environment:a%3Ab");
    let verdict = verdict(&sub, &facts);
    assert_eq!(verdict.as_str(), "more-than-the-gate");
    assert_eq!(verdict.proof.unwrap().text("environment"), Some("a%3Ab"));
    assert!(verdict.mend.contains("`environment`"), "{}", verdict.mend);
    assert_eq!(said(&Tiny::All(vec![sub, is("environment", "a:b")]), &facts), "only-the-gate");
}

#[test]
fn a_recycled_name_is_a_note_and_not_more() {
    let facts = facts("release", Subject::Default);
    let sub = is("sub", "repo:o/r:environment:release");
    let verdict_of = verdict(&sub, &facts);
    assert_eq!((verdict_of.as_str(), verdict_of.notes.len()), ("only-the-gate", 1));
    let bound = Tiny::All(vec![sub, is("repository_id", "42")]);
    assert_eq!(verdict(&bound, &facts).notes.len(), 0);
}

#[test]
fn a_sub_without_the_repository_is_written_by_others_too() {
    let facts = facts("release", keys(&["environment", "workflow"]));
    assert_eq!(said(&like("sub", "environment:release:workflow:*"), &facts), "more-than-the-gate");
    let bound = Tiny::All(vec![is("repository_id", "42"), like("sub", "environment:release:workflow:*")]);
    assert_eq!(said(&bound, &facts), "only-the-gate");
}

#[test]
fn another_repository_chooses_the_keys_of_its_sub() {
    let facts = facts("release", Subject::Default);
    let either =
        Tiny::Any(vec![is("sub", "repo:o/r:environment:release"), like("sub", "repository_owner:o:environment:*")]);
    let verdict = verdict(&either, &facts);
    assert_eq!(verdict.as_str(), "more-than-the-gate");
    assert!(verdict.proof.unwrap().text("sub").unwrap().starts_with("repository_owner:o:environment:"));
}

#[test]
fn another_repository_writes_what_it_likes_where_a_star_is() {
    let facts = facts("release", Subject::Immutable);
    let verdict = verdict(&like("sub", "repo:*/*@42:environment:release"), &facts);
    assert_eq!(verdict.as_str(), "more-than-the-gate");
    assert!(verdict.proof.unwrap().text("workflow").unwrap().ends_with("@42"));
    assert_eq!(said(&like("sub", "*:environment:release:*"), &facts), "more-than-the-gate");
    assert_eq!(said(&like("sub", "repo:o@7/*@42:environment:release"), &facts), "only-the-gate");
    assert_eq!(said(&like("sub", "repo:o@*/r@*:environment:release"), &facts), "only-the-gate");
}

#[test]
fn a_key_that_sub_repeats_agrees_with_itself() {
    let facts = facts("release", keys(&["repository_owner", "repo", "environment"]));
    let sub = "repository_owner:o:repo:o/r:environment:release";
    assert_eq!(said(&is("sub", sub), &facts), "only-the-gate");
    assert_eq!(said(&like("sub", "repository_owner:o:repo:*:environment:release"), &facts), "more-than-the-gate");
    assert_eq!(said(&is("sub", "repository_owner:p:repo:o/r:environment:release"), &facts), "nobody");
}

#[test]
fn what_a_workflow_chooses_never_binds() {
    let facts = facts("release", Subject::Default);
    for (claim, text) in [
        ("actor", "someone"),
        ("ref", "refs/heads/main"),
        ("event_name", "push"),
        ("aud", "sts"),
        ("workflow", "deploy"),
        ("job_workflow_ref", "o/r/.github/workflows/deploy.yml@refs/heads/main"),
        ("repository_owner", "o"),
        ("repository_owner_id", "7"),
    ] {
        assert_eq!(said(&is(claim, text), &facts), "more-than-the-gate", "{claim}");
    }
}

#[test]
fn a_workflow_of_this_repository_binds_the_repository_but_not_the_environment() {
    let facts = facts("release", Subject::Default);
    let workflow = is("workflow_ref", "o/r/.github/workflows/deploy.yml@refs/heads/main");
    assert_eq!(said(&workflow, &facts), "more-than-the-gate");
    assert_eq!(said(&Tiny::All(vec![workflow, is("environment", "release")]), &facts), "only-the-gate");
}

#[test]
fn two_patterns_that_meet_only_at_the_gate_are_the_gate_alone() {
    let facts = facts("release", Subject::Default);
    let both = Tiny::All(vec![like("sub", "repo:o/r:*"), like("sub", "*:environment:release")]);
    assert_eq!(said(&both, &facts), "only-the-gate");
    let wide = Tiny::All(vec![like("sub", "repo:o/*"), like("sub", "*:environment:release")]);
    assert_eq!(said(&wide, &facts), "more-than-the-gate");
    let meet = Tiny::All(vec![like("sub", "repo:o/r:environment:*el*"), like("sub", "*r*e*ase")]);
    assert_eq!(said(&meet, &facts), "more-than-the-gate");
}

#[test]
fn the_mend_is_the_smallest_that_suffices() {
    let facts = facts("release", Subject::Default);
    let loose = verdict(&like("sub", "repo:o/r:*"), &facts);
    assert_eq!(loose.mend, "In every way in, also demand `environment` exactly `release`.");
    let loose = verdict(&like("sub", "*:environment:release"), &facts);
    assert_eq!(loose.mend, "In every way in, also demand `repository_id` exactly `42`.");
}

#[test]
fn facts_that_cannot_be_are_not_judged() {
    let mut facts = facts("release", keys(&[]));
    assert_eq!(said(&is("sub", "x"), &facts), "cannot-tell");
    facts.subject = Subject::Default;
    facts.repository = "o".to_owned();
    assert_eq!(said(&is("sub", "x"), &facts), "cannot-tell");
}

#[test]
fn too_many_comparisons_cannot_be_told() {
    let facts = facts("release", Subject::Default);
    let many = |claim: &'static str| Tiny::Any((0..400).map(|n| is(claim, &format!("{n}a{n}"))).collect());
    let claims = ["sub", "environment", "actor", "workflow", "aud", "job_workflow_ref"];
    let mut all: Vec<Tiny> = claims.into_iter().map(many).collect();
    all.push(is("sub", "repo:o/r:environment:release"));
    assert_eq!(said(&Tiny::All(all), &facts), "cannot-tell");
}

#[test]
fn a_review_of_a_pull_request_writes_its_ref() {
    let facts = facts("release", Subject::Default);
    for sub in ["repo:o/r:ref:refs/pull/*/merge", "repo:o/r:ref:refs/pull/*"] {
        let verdict = verdict(&Tiny::Any(vec![is("sub", "repo:o/r:environment:release"), like("sub", sub)]), &facts);
        assert_eq!(verdict.as_str(), "more-than-the-gate", "{sub}");
        assert_eq!(verdict.proof.unwrap().text("event_name"), Some("pull_request_review"));
    }
}

#[test]
fn a_deployment_of_a_commit_has_an_empty_ref() {
    let facts = facts("release", Subject::Default);
    let verdict = verdict(&is("sub", "repo:o/r:ref:"), &facts);
    assert_eq!(verdict.as_str(), "more-than-the-gate");
    assert_eq!(verdict.proof.unwrap().text("ref"), Some(""));
}

#[test]
fn another_repository_writes_a_name_like_ours_into_the_name_of_its_workflow() {
    let facts = facts("release", keys(&["repo", "context", "actor"]));
    let verdict = verdict(&like("sub", "*:o/r:environment:release:*"), &facts);
    assert_eq!(verdict.as_str(), "more-than-the-gate");
    assert!(verdict.proof.unwrap().text("sub").unwrap().starts_with("workflow:o/r:environment:release:actor:"));
}

#[test]
fn a_wildcard_before_the_repository_cannot_be_told() {
    let facts = facts("release", Subject::Default);
    assert_eq!(said(&like("sub", "**repo:o/r:environment:release"), &facts), "cannot-tell");
    let bound = Tiny::All(vec![like("sub", "**repo:o/r:environment:release"), is("repository_id", "42")]);
    assert_eq!(said(&bound, &facts), "only-the-gate");
}

#[test]
fn a_wildcard_behind_the_repository_is_of_the_repository_alone() {
    let facts = facts("release", keys(&["repository_owner", "repo", "context", "job_workflow_ref"]));
    let sub = "repository_owner:o:repo:o/r:environment:release:job_workflow_ref:*";
    assert_eq!(said(&like("sub", sub), &facts), "only-the-gate");
}

#[test]
fn a_wildcard_meets_a_value_that_sub_repeats() {
    let facts = facts("release", keys(&["repository_owner", "repo", "context"]));
    let verdict = verdict(&like("sub", "repository_owner:oct*:repo:*org/r:environment:release"), &facts);
    assert_eq!(verdict.as_str(), "more-than-the-gate");
    assert_eq!(verdict.proof.unwrap().text("repository_owner"), Some("octorg"));
    let within = like("sub", "repository_owner:oct*x:repo:*org/r:environment:release");
    assert_ne!(said(&within, &facts), "nobody");
}

#[test]
fn a_claim_that_is_not_modelled_cannot_be_told_but_a_stranger_is_more() {
    let facts = facts("release", Subject::Default);
    let own = is("sub", "repo:o/r:environment:release");
    let either = |other: Tiny| Tiny::Any(vec![own.clone(), other]);
    assert_eq!(said(&either(is("something", "x")), &facts), "cannot-tell");
    assert_eq!(said(&Tiny::All(vec![own.clone(), is("something", "x")]), &facts), "cannot-tell");
    assert_eq!(said(&Tiny::Any(vec![is("something", "x"), is("ref", "x")]), &facts), "cannot-tell");
    assert_eq!(said(&either(Tiny::Missing("something")), &facts), "more-than-the-gate");
}

#[test]
fn a_star_that_is_no_wildcard_is_nobodys_alone_and_unclear_beside_the_gates() {
    let facts = facts("release", Subject::Default);
    let star = is("sub", "repo:o/r:environment:*");
    let alone = verdict(&star, &facts);
    assert_eq!(alone.as_str(), "nobody");
    assert!(alone.notes.iter().any(|note| note.contains('*')), "{alone:?}");
    assert_eq!(said(&Tiny::Any(vec![is("sub", "repo:o/r:environment:release"), star]), &facts), "cannot-tell");
}

#[test]
fn another_case_beyond_ascii_is_another_environment() {
    let facts = facts("key", Subject::Default);
    let both = Tiny::Any(vec![is("environment", "key"), is("environment", "\u{212a}ey")]);
    assert_eq!(said(&Tiny::All(vec![is("repository_id", "42"), both]), &facts), "more-than-the-gate");
}
