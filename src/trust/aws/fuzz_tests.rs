//! Random bytes and random changes to a policy: never a panic, and never the gate alone by chance of a misread.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use crate::trust::test_support::{Chance, cases, facts, world};
use crate::trust::{Answer, Entry, Subject, Token, TrustDocument, is_the_gates, verdict};

use super::{read, trust_policy};

const ROUNDS: u64 = 2_000;

fn printed() -> String {
    let arn = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";
    trust_policy(&facts("release", Subject::Default), arn).unwrap()
}

#[test]
fn random_bytes_never_panic() {
    let mut chance = Chance::new(1);
    for _ in 0..cases(ROUNDS) {
        let alphabet = b"{}[]\":,\\%*?$ \n0StaementEfcAllowDyPripFdC7B\xff\xc3";
        let bytes: Vec<u8> = (0..chance.below(200)).map(|_| chance.of(alphabet)).collect();
        assert!(read(&String::from_utf8_lossy(&bytes)).is_err());
    }
}

#[test]
fn random_changes_never_panic_and_a_proof_is_always_one() {
    let (facts, text) = (facts("release", Subject::Default), printed());
    let strangers = world(&facts).into_iter().filter(|token| !is_the_gates(token, &facts));
    let world: Vec<Token> = strangers.step_by(7).collect();
    let words = [
        "*",
        "?",
        "${",
        "}",
        "\"",
        "Deny",
        "IfExists",
        "Not",
        "ForAllValues:",
        "release",
        "[",
        "]",
        "{",
        ":",
        ",",
        "\\u0000",
        "é",
    ];
    let mut chance = Chance::new(2);
    for round in 0..cases(ROUNDS) {
        let mut characters: Vec<char> = text.chars().collect();
        for _ in 0..=chance.below(3) {
            let at = chance.below(characters.len());
            match chance.below(4) {
                0 => drop(characters.remove(at)),
                1 => characters[at] = characters[chance.below(characters.len())],
                2 => {
                    let to = (at + chance.below(40)).min(characters.len());
                    let piece: Vec<char> = characters[at..to].to_vec();
                    let into = chance.below(characters.len());
                    characters.splice(into..into, piece);
                }
                _ => drop(characters.splice(at..at, chance.of(&words).chars())),
            }
        }
        let changed: String = characters.into_iter().collect();
        let Ok(policy) = read(&changed) else { continue };
        let stranger = world.iter().find(|token| policy.admits(token) == Entry::GetsIn);
        if stranger.is_none() && round % 10 > 0 {
            continue;
        }
        let verdict = verdict(&policy, &facts);
        assert!(stranger.is_none() || verdict.answer == Answer::MoreThanTheGate, "{changed}\n{verdict:?}");
        if verdict.answer == Answer::MoreThanTheGate {
            assert!(verdict.proof.is_none_or(|proof| !is_the_gates(&proof, &facts)), "{changed}");
        }
    }
}

#[test]
fn random_nesting_never_panics() {
    let mut chance = Chance::new(3);
    for _ in 0..cases(ROUNDS) {
        let mut text = String::new();
        for _ in 0..chance.below(60) {
            text.push_str(chance.of(&[
                "{\"Statement\":",
                "[",
                "{\"Role\":",
                "{\"AssumeRolePolicyDocument\":",
                "{\"Effect\":",
                "\"Allow\"",
                "null",
                "1e999",
                "}",
                "]",
                ",",
                "{\"Condition\":",
            ]));
        }
        drop(read(&text).map(|policy| verdict(&policy, &facts("release", Subject::Default))));
    }
}
