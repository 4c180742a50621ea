//! All kinds of token of a shape that a set of patterns tells apart: one token of each.
//!
//! The patterns are followed through the pieces of the shape at once. Two tokens that fit the same patterns are the same to a trust
//! which compares with these patterns alone, so one of them is enough, and every satisfiable combination is found.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use serde_json::{Map, Value};

use super::alphabet::{Alphabet, TIMES};
use super::pattern::{Pattern, Places};
use super::shape::{Choices, Content, Piece, Shape};
use super::subject::escaped;
use super::token::Token;

/// How much may be looked at before the answer is that it cannot be told.
#[derive(Debug)]
pub(super) struct Budget {
    left: usize,
}

/// The budget ran out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMuch;

/// A token, and the choices it was made with.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) token: Token,
    pub(super) choices: Choices,
}

impl Budget {
    pub(super) fn new(left: usize) -> Self {
        Self { left }
    }

    pub(super) fn spend(&mut self, amount: usize) -> Result<(), TooMuch> {
        self.left = self.left.checked_sub(amount).ok_or(TooMuch)?;
        Ok(())
    }
}

/// The places of the patterns that still can fit, each after its pattern's number, in order.
type Alive = Vec<(usize, usize)>;

struct Node {
    alive: Alive,
    /// What was written so far, the last first.
    before: Option<Rc<Text>>,
}

struct Text {
    text: Rc<str>,
    before: Option<Rc<Text>>,
}

/// One token of each kind.
pub(super) fn walk(
    shape: &Shape,
    patterns: &[Pattern],
    never: &[Pattern],
    budget: &mut Budget,
) -> Result<Vec<Found>, TooMuch> {
    let all: Vec<&Pattern> = patterns.iter().chain(never).collect();
    let last = last_pieces(shape);
    let written = |pattern: &Pattern| last.contains_key(pattern.claim());
    let alive = all.iter().enumerate().filter(|(_, pattern)| written(pattern));
    let placed = |number: usize, places: Places| places.into_iter().map(move |place| (number, place));
    let alive = alive.flat_map(|(number, pattern)| placed(number, pattern.start())).collect();
    let mut nodes = vec![Node { alive, before: None }];
    for (index, piece) in shape.pieces.iter().enumerate() {
        nodes = Walker::new(piece, &all, |claim| last.get(claim) == Some(&index)).through(nodes, budget)?;
    }
    let forbidden = |node: &Node| node.alive.iter().any(|(number, _)| *number >= patterns.len());
    Ok(nodes.iter().filter(|node| !forbidden(node)).map(|node| found(shape, node)).collect())
}

/// The last piece of each claim. A claim that is never written fits no pattern.
fn last_pieces(shape: &Shape) -> BTreeMap<&str, usize> {
    let mut last = BTreeMap::new();
    for (index, piece) in shape.pieces.iter().enumerate() {
        let sub = piece.in_sub.then_some("sub");
        for claim in piece.claims.iter().map(String::as_str).chain(sub) {
            last.insert(claim, index);
        }
    }
    last
}

struct Walker<'a> {
    piece: &'a Piece,
    patterns: Vec<Followed<'a>>,
}

/// A pattern, as it stands to a piece.
struct Followed<'a> {
    pattern: &'a Pattern,
    written: Written,
    /// Whether its claim ends with the piece.
    ends: bool,
}

/// Whether a piece is written to a pattern's claim.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    No,
    AsItIs,
    Escaped,
}

impl<'a> Walker<'a> {
    fn new(piece: &'a Piece, patterns: &[&'a Pattern], ends: impl Fn(&str) -> bool) -> Self {
        let followed = |pattern: &&'a Pattern| {
            let written = if piece.claims.iter().any(|claim| claim == pattern.claim()) {
                Written::AsItIs
            } else if piece.in_sub && pattern.claim() == "sub" {
                Written::Escaped
            } else {
                Written::No
            };
            Followed { pattern, written, ends: written != Written::No && ends(pattern.claim()) }
        };
        Self { piece, patterns: patterns.iter().map(followed).collect() }
    }

    fn through(&self, nodes: Vec<Node>, budget: &mut Budget) -> Result<Vec<Node>, TooMuch> {
        if self.patterns.iter().all(|followed| followed.written == Written::No) {
            let text: Rc<str> = self.piece.content.usual().into();
            return Ok(nodes.into_iter().map(|node| wrote(node.alive, Rc::clone(&text), node.before)).collect());
        }
        let mut seen = BTreeSet::new();
        let mut next = Vec::new();
        for node in nodes {
            let moves = |number: &usize| self.patterns.get(*number).is_some_and(|one| one.written != Written::No);
            let (moving, resting): (Alive, Alive) = node.alive.into_iter().partition(|(number, _)| moves(number));
            for (mut alive, text) in self.reached(&moving, budget)? {
                self.end_claims(&mut alive);
                alive.extend(&resting);
                alive.sort_unstable();
                budget.spend(alive.len().saturating_add(1))?;
                if seen.insert(alive.clone()) {
                    next.push(wrote(alive, text.into(), node.before.clone()));
                }
            }
        }
        Ok(next)
    }

    /// Where the texts of this piece lead, each with a text.
    fn reached(&self, moving: &Alive, budget: &mut Budget) -> Result<Vec<(Alive, String)>, TooMuch> {
        let after = |text: &String| (self.after(moving, text), text.clone());
        match &self.piece.content {
            Content::Text(text) => Ok(vec![after(text)]),
            Content::OneOf(texts) => Ok(texts.iter().map(after).collect()),
            Content::Free { alphabet, usual } => self.free(moving, *alphabet, usual, budget),
        }
    }

    /// Where a claim has ended, only the patterns that fit it stay.
    fn end_claims(&self, alive: &mut Alive) {
        alive.retain(|(number, place)| match self.patterns.get(*number) {
            Some(followed) if followed.ends => *place == followed.pattern.end(),
            other => other.is_some(),
        });
    }

    fn after(&self, alive: &Alive, text: &str) -> Alive {
        text.chars().fold(alive.clone(), |alive, character| self.step(&alive, character))
    }

    fn step(&self, alive: &Alive, character: char) -> Alive {
        let mut next = Alive::with_capacity(alive.len().saturating_add(1));
        let mut places = Places::new();
        for one in alive.chunk_by(|a, b| a.0 == b.0) {
            let Some((number, _)) = one.first() else { continue };
            let Some(Followed { pattern, written, .. }) = self.patterns.get(*number) else { continue };
            places.clear();
            places.extend(one.iter().map(|(_, place)| *place));
            if character == ':' && *written == Written::Escaped {
                escaped(":").chars().for_each(|character| pattern.step(&mut places, character));
            } else {
                pattern.step(&mut places, character);
            }
            next.extend(places.iter().map(|place| (*number, *place)));
        }
        next
    }

    /// Every combination of places that some text of one character or more leads to, by the shortest such text.
    fn free(
        &self,
        moving: &Alive,
        alphabet: Alphabet,
        usual: &str,
        budget: &mut Budget,
    ) -> Result<Vec<(Alive, String)>, TooMuch> {
        let first = self.after(moving, usual);
        let mut seen = BTreeSet::from([first.clone()]);
        let mut reached = vec![(first, usual.to_owned())];
        let mut queued = BTreeSet::from([moving.clone()]);
        let mut queue = VecDeque::from([(moving.clone(), String::new())]);
        while let Some((alive, text)) = queue.pop_front() {
            for character in self.characters(&alive, alphabet) {
                budget.spend(alive.len().saturating_add(1))?;
                let next = self.step(&alive, character);
                let (is_new, is_open) = (!seen.contains(&next), !queued.contains(&next));
                let mut longer = if is_new || is_open { text.clone() } else { continue };
                longer.push(character);
                if is_new {
                    seen.insert(next.clone());
                    reached.push((next.clone(), longer.clone()));
                }
                if is_open {
                    queued.insert(next.clone());
                    queue.push_back((next, longer));
                }
            }
        }
        Ok(reached)
    }

    /// The characters that lead to different places, and one for all the others.
    fn characters(&self, alive: &Alive, alphabet: Alphabet) -> Vec<char> {
        let mut awaited = BTreeSet::new();
        for (number, place) in alive {
            let Some(Followed { pattern, written, .. }) = self.patterns.get(*number) else { continue };
            let Some(character) = pattern.awaited(*place) else { continue };
            awaited.insert(character);
            if character == '%' && *written == Written::Escaped {
                awaited.insert(':');
            }
            if pattern.ignores_case() {
                awaited.extend([character.to_ascii_lowercase(), character.to_ascii_uppercase()]);
            }
        }
        let other = alphabet.other_than(&awaited);
        other.into_iter().chain(awaited.into_iter().filter(|character| alphabet.holds(*character))).collect()
    }
}

fn wrote(alive: Alive, text: Rc<str>, before: Option<Rc<Text>>) -> Node {
    Node { alive, before: Some(Rc::new(Text { text, before })) }
}

/// Where a choice that is written twice, and not yet fixed, has its second value.
pub(super) fn again(choice: &str) -> String {
    format!("{choice} again")
}

fn found(shape: &Shape, node: &Node) -> Found {
    let mut texts = Vec::new();
    let mut link = node.before.as_ref();
    while let Some(written) = link {
        texts.push(&*written.text);
        link = written.before.as_ref();
    }
    let (mut claims, mut choices) = (BTreeMap::<&str, String>::new(), Choices::new());
    for (piece, text) in shape.pieces.iter().zip(texts.into_iter().rev()) {
        for claim in &piece.claims {
            claims.entry(claim).or_default().push_str(text);
        }
        if piece.in_sub && !piece.claims.iter().any(|claim| claim == "sub") {
            claims.entry("sub").or_default().push_str(&escaped(text));
        }
        if !piece.choice.is_empty() {
            let first = choices.entry(piece.choice.clone()).or_insert_with(|| text.to_owned());
            if first != text {
                choices.insert(again(&piece.choice), text.to_owned());
            }
        }
    }
    let claims: Map<String, Value> =
        claims.into_iter().map(|(claim, value)| (claim.to_owned(), as_written(claim, value))).collect();
    Found { token: Token::new(claims), choices }
}

/// Times are numbers, every other claim is text.
fn as_written(claim: &str, value: String) -> Value {
    let number = TIMES.contains(&claim).then(|| value.parse::<u64>().ok()).flatten();
    number.map_or_else(|| value.into(), Value::from)
}
