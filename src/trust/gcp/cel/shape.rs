//! Which texts a regular expression takes, as patterns of literal text and wildcards: all that it takes, or some. Not here: whether a given text is taken.

use crate::trust::pattern::Part;

/// Literal text and wildcards in a row.
pub(super) type Glob = Vec<Part>;

/// What an expression takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Language {
    /// What one of these takes, and nothing else.
    Exactly(Vec<Glob>),
    /// What one of these takes, and more.
    Among(Vec<Glob>),
}

/// More texts than these are not listed.
const MOST: usize = 120;
/// Deeper groups are not looked into.
const DEEPEST: usize = 20;
/// Characters of which those are tried that a point or a class takes.
const TRIED: [char; 14] = ['x', '-', '/', ':', '.', '_', 'a', 'e', 'z', 'A', 'Z', '0', '9', '@'];

/// What a repetition of a class is tried with.
const FILLERS: [&str; 7] = ["x", "-x", "/x", ":x", "x/x", "repo:x", "environment:x"];

/// A piece of an expression.
enum Piece {
    Character(char),
    /// Any character; a claim has no line break, the one that it does not take.
    Point,
    /// A class by its ranges; `outside` if it takes what is not in them.
    Class {
        ranges: Vec<(char, char)>,
        outside: bool,
    },
    Repeat {
        of: Box<Piece>,
        least: usize,
        most: Option<usize>,
    },
    Branches(Vec<Vec<Piece>>),
    Start,
    End,
}

/// The language of an expression, unless it has something that is not looked into, such as flags or boundaries.
pub(super) fn language(pattern: &str) -> Option<Language> {
    let mut rest: Vec<char> = pattern.chars().rev().collect();
    let branches = branches(&mut rest, 0)?;
    if !rest.is_empty() {
        return None;
    }
    let mut exact = true;
    let mut samples: Vec<Glob> = Vec::new();
    for branch in unwrapped(branches) {
        let (globs, whole) = anchored(&branch)?;
        exact &= whole;
        samples.extend(globs);
    }
    samples.sort();
    samples.dedup();
    exact &= samples.len() <= MOST;
    samples.truncate(MOST);
    Some(if exact { Language::Exactly(samples) } else { Language::Among(samples) })
}

/// The branches, with those of groups that are all of a branch: `(^a)|(b$)` is `^a|b$`.
fn unwrapped(branches: Vec<Vec<Piece>>) -> Vec<Vec<Piece>> {
    let one = |mut branch: Vec<Piece>| match (branch.len(), branch.pop()) {
        (1, Some(Piece::Branches(inner))) => unwrapped(inner),
        (_, last) => {
            branch.extend(last);
            vec![branch]
        }
    };
    branches.into_iter().flat_map(one).collect()
}

/// What one branch takes, and whether that is all. Without an anchor anything may stand there.
fn anchored(branch: &[Piece]) -> Option<(Vec<Glob>, bool)> {
    let starts = branch.iter().take_while(|piece| matches!(piece, Piece::Start)).count();
    let ends = branch.iter().rev().take_while(|piece| matches!(piece, Piece::End)).count();
    let body = branch.get(starts..branch.len().saturating_sub(ends)).unwrap_or_default();
    let (globs, whole) = sequence(body)?;
    let open = |anchors: usize| if anchors > 0 { Vec::new() } else { vec![Part::Many] };
    let globs = globs.into_iter().map(|glob| [open(starts), glob, open(ends)].concat());
    Some((globs.collect(), whole))
}

/// What pieces in a row take: every combination if they are few, else the first of each with one piece varied at a time.
fn sequence(pieces: &[Piece]) -> Option<(Vec<Glob>, bool)> {
    let pieces: Vec<(Vec<Glob>, bool)> = pieces.iter().map(globs).collect::<Option<_>>()?;
    let combinations = pieces.iter().fold(1_usize, |product, (globs, _)| product.saturating_mul(globs.len()));
    if combinations <= MOST {
        let all = pieces.iter().fold(vec![Glob::new()], |heads, (globs, _)| {
            heads.iter().flat_map(|head| globs.iter().map(move |glob| [head.as_slice(), glob].concat())).collect()
        });
        return Some((all, pieces.iter().all(|(_, whole)| *whole)));
    }
    let longest = pieces.iter().map(|(globs, _)| globs.len()).max().unwrap_or(0);
    let varied = (0..pieces.len()).flat_map(|place| (0..longest).map(move |choice| (place, choice)));
    let there = varied.filter(|(place, choice)| pieces.get(*place).is_some_and(|(globs, _)| *choice < globs.len()));
    let with = |(place, choice): (usize, usize)| {
        let pick = |(at, (globs, _)): (usize, &(Vec<Glob>, bool))| {
            globs.get(if at == place { choice } else { 0 }).cloned().unwrap_or_default()
        };
        pieces.iter().enumerate().flat_map(pick).collect::<Glob>()
    };
    Some((there.map(with).take(MOST).collect(), false))
}

/// What one piece takes, and whether that is all.
fn globs(piece: &Piece) -> Option<(Vec<Glob>, bool)> {
    match piece {
        Piece::Character(character) => Some((vec![vec![Part::Char(*character)]], true)),
        Piece::Point => Some((vec![vec![Part::One]], true)),
        Piece::Class { .. } => Some(characters(piece)),
        Piece::Branches(branches) => {
            let all: Vec<(Vec<Glob>, bool)> = branches.iter().map(|branch| sequence(branch)).collect::<Option<_>>()?;
            let whole = all.iter().all(|(_, whole)| *whole);
            let globs: Vec<Glob> = all.into_iter().flat_map(|(globs, _)| globs).collect();
            let few = globs.len() <= MOST;
            Some((globs.into_iter().take(MOST).collect(), whole && few))
        }
        Piece::Repeat { of, least, most } => repeated(of, *least, *most),
        Piece::Start | Piece::End => None,
    }
}

/// The characters of a class: all if they are few, else those that are tried.
fn characters(class: &Piece) -> (Vec<Glob>, bool) {
    let Piece::Class { ranges, outside } = class else {
        return (Vec::new(), false);
    };
    let one = |character: char| vec![Part::Char(character)];
    let width = |(from, to): &(char, char)| u32::from(*to).saturating_sub(u32::from(*from)).saturating_add(1);
    let size = ranges.iter().fold(0_u32, |size, range| size.saturating_add(width(range)));
    if !outside && size <= 12 {
        return (ranges.iter().flat_map(|(from, to)| *from..=*to).map(one).collect(), true);
    }
    let edges = ranges.iter().flat_map(|(from, to)| [*from, *to]);
    let taken = TRIED.into_iter().chain(edges).filter(|character| accepts(class, *character));
    (taken.map(one).collect(), false)
}

fn accepts(piece: &Piece, character: char) -> bool {
    match piece {
        Piece::Class { ranges, outside } => {
            *outside != ranges.iter().any(|(from, to)| (*from..=*to).contains(&character))
        }
        Piece::Point => true,
        _ => false,
    }
}

/// What a repetition takes: of points all; else of each text as few and one more, and what is tried where it fits.
fn repeated(of: &Piece, least: usize, most: Option<usize>) -> Option<(Vec<Glob>, bool)> {
    let (inner, whole) = globs(of)?;
    if least > MOST || most.is_some_and(|most| most > MOST) {
        return None;
    }
    let times = |count: usize| inner.iter().map(move |glob| glob.repeat(count));
    let single = inner.len() == 1;
    match most {
        None if matches!(of, Piece::Point) => {
            return Some((vec![[vec![Part::One; least], vec![Part::Many]].concat()], true));
        }
        Some(most) if single && most.saturating_sub(least) < 20 => {
            return Some(((least..=most).flat_map(times).collect(), whole));
        }
        Some(most) if most <= 1 => {
            return Some((
                (least..=most).flat_map(|count| if count == 0 { vec![Glob::new()] } else { inner.clone() }).collect(),
                whole,
            ));
        }
        _ => {}
    }
    let fits = |count: usize| count >= least && most.is_none_or(|most| count <= most);
    let counts = [least, least.saturating_add(1)].into_iter().filter(|count| fits(*count));
    let mut all: Vec<Glob> = counts.flat_map(times).collect();
    let filler_fits =
        |filler: &&str| fits(filler.chars().count()) && filler.chars().all(|character| accepts(of, character));
    all.extend(
        FILLERS.into_iter().filter(|filler| filler_fits(filler)).map(|filler| filler.chars().map(Part::Char).collect()),
    );
    all.sort();
    all.dedup();
    Some((all.into_iter().take(MOST).collect(), false))
}

/// Branches up to the end or a closing bracket, which is left. The characters that are left stand in reverse.
fn branches(rest: &mut Vec<char>, depth: usize) -> Option<Vec<Vec<Piece>>> {
    if depth > DEEPEST {
        return None;
    }
    let mut branches = Vec::new();
    let mut branch = Vec::new();
    while let Some(next) = rest.last().copied().filter(|next| *next != ')') {
        rest.pop();
        if next == '|' {
            branches.push(std::mem::take(&mut branch));
            continue;
        }
        let part = match next {
            '^' => Piece::Start,
            '$' => Piece::End,
            '.' => Piece::Point,
            '[' => class(rest)?,
            '(' => group(rest, depth)?,
            '\\' => Piece::Character(escaped(rest)?),
            '*' | '+' | '?' | '{' | '}' => return None,
            literal => Piece::Character(literal),
        };
        branch.push(quantified(part, rest)?);
    }
    branches.push(branch);
    Some(branches)
}

/// A group from behind its bracket on; flags and other extensions are not looked into.
fn group(rest: &mut Vec<char>, depth: usize) -> Option<Piece> {
    if rest.last() == Some(&'?') {
        rest.pop();
        if rest.pop() != Some(':') {
            return None;
        }
    }
    let inner = branches(rest, depth.saturating_add(1))?;
    (rest.pop() == Some(')')).then_some(Piece::Branches(inner))
}

/// The character of an escape; letters and digits are classes, boundaries and such.
fn escaped(rest: &mut Vec<char>) -> Option<char> {
    rest.pop().filter(|character| character.is_ascii_punctuation() || *character == ' ')
}

/// A class from behind its bracket on.
fn class(rest: &mut Vec<char>) -> Option<Piece> {
    let outside = rest.last() == Some(&'^');
    if outside {
        rest.pop();
    }
    let mut ranges = Vec::new();
    loop {
        let from = match rest.pop()? {
            ']' if !ranges.is_empty() => return Some(Piece::Class { ranges, outside }),
            '[' => return None,
            '\\' => escaped(rest)?,
            literal => literal,
        };
        let is_range = rest.last() == Some(&'-') && rest.iter().rev().nth(1).is_some_and(|after| *after != ']');
        if !is_range {
            ranges.push((from, from));
            continue;
        }
        rest.pop();
        let to = match rest.pop()? {
            '[' => return None,
            '\\' => escaped(rest)?,
            literal => literal,
        };
        ranges.push((from, to));
    }
}

/// A part with its quantifier, if one follows.
fn quantified(part: Piece, rest: &mut Vec<char>) -> Option<Piece> {
    let (least, most) = match rest.last() {
        Some('*') => (0, None),
        Some('+') => (1, None),
        Some('?') => (0, Some(1)),
        Some('{') => return counted(part, rest),
        _ => return Some(part),
    };
    rest.pop();
    finished(part, least, most, rest)
}

/// A part with `{n}`, `{n,}` or `{n,m}`.
fn counted(part: Piece, rest: &mut Vec<char>) -> Option<Piece> {
    rest.pop();
    let mut inside = String::new();
    loop {
        match rest.pop()? {
            '}' => break,
            character => inside.push(character),
        }
    }
    let (least, most) = match inside.split_once(',') {
        None => (inside.parse().ok()?, Some(inside.parse().ok()?)),
        Some((least, "")) => (least.parse().ok()?, None),
        Some((least, most)) => (least.parse().ok()?, Some(most.parse().ok()?)),
    };
    finished(part, least, most, rest)
}

/// The repetition, without the `?` of a lazy one; one more quantifier is not looked into.
fn finished(part: Piece, least: usize, most: Option<usize>, rest: &mut Vec<char>) -> Option<Piece> {
    if rest.last() == Some(&'?') {
        rest.pop();
    }
    let another = matches!(rest.last(), Some('*' | '+' | '?' | '{'));
    (!another).then(|| Piece::Repeat { of: Box::new(part), least, most })
}
