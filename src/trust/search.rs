//! The search for a token that gets in: the gate's own, and a stranger's.

use std::collections::BTreeSet;

use super::document::TrustDocument;
use super::entry::Entry;
use super::facts::Facts;
use super::jobs::{self, Looked};
use super::pattern::Pattern;
use super::shape::{Choices, Content, Doubt, Job, is_modelled};
use super::token::Token;
use super::walk::{Budget, Found, TooMuch, again, walk};

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// A token of the gate's that gets in.
    pub(super) own: Option<Token>,
    /// A token of somebody else's that gets in.
    pub(super) stranger: Option<Token>,
    /// A token of a repository that took over the name.
    pub(super) recycled: Option<Token>,
    /// Why it cannot be told whether the gate's tokens get in.
    pub(super) own_unclear: Option<String>,
    /// Why it cannot be told whether a stranger gets in.
    pub(super) stranger_unclear: Option<String>,
    /// Whether a stranger gets in if an environment may be named with a `*` or a `?`.
    pub(super) starred: bool,
}

/// Steps of patterns: some hundred milliseconds.
const OWN_BUDGET: usize = 400_000;
const STRANGERS_BUDGET: usize = 1_200_000;
const RECYCLED_BUDGET: usize = 200_000;
/// Values of a choice that `sub` repeats.
const MOST_REPEATED: usize = 400;
const FORM: &str = "a wildcard in `sub` stands before the repository has been compared, and another repository chooses the keys of its `sub`";
const TWICE: &str = "a wildcard meets a value that `sub` has twice, and not every value was tried";
/// Samples that are followed as patterns.
const MOST_PATTERNS: usize = 5_000;

/// Tries all kinds of token.
pub(super) fn search(document: &dyn TrustDocument, facts: &Facts) -> Findings {
    let prepared = match Prepared::new(document, facts) {
        Ok(prepared) => prepared,
        Err(why) => {
            return Findings { own_unclear: Some(why.clone()), stranger_unclear: Some(why), ..Findings::default() };
        }
    };
    let own = prepared.own();
    let made = own.gets_in.as_ref().map(|found| found.choices.clone()).unwrap_or_default();
    let stranger = prepared.stranger(&made);
    let recycled = if stranger.gets_in.is_some() { Outcome::default() } else { prepared.recycled() };
    Findings {
        own: own.gets_in.map(|found| found.token),
        own_unclear: own.unclear.or_else(|| prepared.unmodelled.clone()),
        stranger: stranger.gets_in.map(|found| found.token),
        stranger_unclear: stranger.unclear.or_else(|| prepared.unmodelled.clone()),
        starred: stranger.starred,
        recycled: recycled.gets_in.map(|found| found.token),
    }
}

/// A token of the gate's that gets in, if there is one.
pub(super) fn own(document: &dyn TrustDocument, facts: &Facts) -> Option<Token> {
    Prepared::new(document, facts).ok()?.own().gets_in.map(|found| found.token)
}

/// Whether the gate gets in, definitely nobody else does, and nothing is left open.
pub(super) fn is_alone(document: &dyn TrustDocument, facts: &Facts) -> bool {
    let Ok(prepared) = Prepared::new(document, facts) else { return false };
    let Some(own) = prepared.own().gets_in else { return false };
    let stranger = prepared.stranger(&own.choices);
    stranger.gets_in.is_none() && stranger.unclear.is_none() && !stranger.starred && prepared.unmodelled.is_none()
}

/// What a document compares, made ready.
struct Prepared<'a> {
    document: &'a dyn TrustDocument,
    facts: &'a Facts,
    patterns: Vec<Pattern>,
    looked: Looked,
    /// A claim that is compared and that no token here has: why it cannot be told what follows from it.
    unmodelled: Option<String>,
}

impl<'a> Prepared<'a> {
    fn new(document: &'a dyn TrustDocument, facts: &'a Facts) -> Result<Self, String> {
        let mut claims: BTreeSet<String> = BTreeSet::new();
        let mut patterns: BTreeSet<Pattern> = document.patterns().into_iter().collect();
        for compared in document.compared() {
            patterns.extend(compared.samples.iter().map(|sample| Pattern::literal(&compared.claim, sample)));
            claims.insert(compared.claim);
        }
        if patterns.len() > MOST_PATTERNS {
            return Err(format!("it compares {} values, and at most {MOST_PATTERNS} are looked at", patterns.len()));
        }
        let patterns: Vec<Pattern> = patterns.into_iter().collect();
        claims.extend(patterns.iter().map(|pattern| pattern.claim().to_owned()));
        let unmodelled = claims.iter().find(|claim| !is_modelled(claim));
        let unmodelled = unmodelled.map(|claim| {
            format!("it asks for the claim `{claim}`, of which it is not known who has it; compare another claim")
        });
        let looked = Looked::new(claims, &patterns, facts);
        Ok(Self { document, facts, patterns, looked, unmodelled })
    }

    fn searcher(&self) -> Searcher<'_> {
        Searcher { document: self.document, patterns: &self.patterns }
    }

    fn own(&self) -> Outcome {
        self.searcher().first(&jobs::own(self.facts, &self.looked), &mut Budget::new(OWN_BUDGET))
    }

    fn stranger(&self, made: &Choices) -> Outcome {
        let near = Searcher { document: self.document, patterns: &[] };
        let neighbours = jobs::neighbours(self.facts, &self.looked, made);
        let near = near.first(&neighbours, &mut Budget::new(STRANGERS_BUDGET));
        if near.gets_in.is_some() {
            return near;
        }
        let strangers = jobs::strangers(self.facts, &self.looked);
        let certain = self.searcher().first(&strangers, &mut Budget::new(STRANGERS_BUDGET)).or(near);
        if certain.gets_in.is_some() {
            return certain;
        }
        let doubtful = jobs::doubtful(self.facts, &self.looked);
        certain.or(self.searcher().first(&doubtful, &mut Budget::new(STRANGERS_BUDGET)))
    }

    fn recycled(&self) -> Outcome {
        self.searcher().first(&jobs::recycled(self.facts, &self.looked), &mut Budget::new(RECYCLED_BUDGET))
    }
}

#[derive(Default)]
struct Outcome {
    gets_in: Option<Found>,
    unclear: Option<String>,
    starred: bool,
}

impl Outcome {
    fn or(self, other: Self) -> Self {
        Self {
            gets_in: self.gets_in.or(other.gets_in),
            unclear: self.unclear.or(other.unclear),
            starred: self.starred || other.starred,
        }
    }
}

struct Searcher<'a> {
    document: &'a dyn TrustDocument,
    patterns: &'a [Pattern],
}

impl Searcher<'_> {
    /// The first token that gets in; without one, why it cannot be told.
    fn first(&self, jobs: &[Job], budget: &mut Budget) -> Outcome {
        let (mut unclear, mut starred) = (None, false);
        for job in jobs {
            let tokens = self.tokens(job, budget).unwrap_or_else(|TooMuch| {
                unclear.get_or_insert_with(|| "it compares too much to try every combination".to_owned());
                Vec::new()
            });
            for found in tokens {
                match self.document.admits(&found.token) {
                    Entry::GetsIn if job.doubt == Some(Doubt::Star) => starred = true,
                    Entry::GetsIn if job.doubt.is_some() => _ = unclear.get_or_insert_with(|| FORM.to_owned()),
                    Entry::GetsIn if is_torn(&found, job) => _ = unclear.get_or_insert_with(|| TWICE.to_owned()),
                    Entry::GetsIn => return Outcome { gets_in: Some(found), ..Outcome::default() },
                    Entry::CannotTell(why) => _ = unclear.get_or_insert(why),
                    Entry::StaysOut => {}
                }
            }
        }
        Outcome { gets_in: None, unclear, starred }
    }

    fn tokens(&self, job: &Job, budget: &mut Budget) -> Result<Vec<Found>, TooMuch> {
        let shape = job.shape();
        let found = walk(&shape, self.patterns, &job.never, budget)?;
        if shape.repeated.is_empty() {
            return Ok(found);
        }
        let is_wild = self.patterns.iter().any(|pattern| pattern.claim() == "sub" && pattern.is_wild());
        let gets_in = |found: &&Found| is_torn(found, job) && self.document.admits(&found.token) != Entry::StaysOut;
        let torn: Vec<Found> = found.iter().filter(|_| is_wild).filter(gets_in).cloned().collect();
        let mut made = vec![Choices::new()];
        for choice in &shape.repeated {
            let mut values: BTreeSet<String> = BTreeSet::new();
            for found in &found {
                values.extend(found.choices.get(choice).cloned());
                values.extend(found.choices.get(&again(choice)).cloned());
            }
            values.extend(torn.iter().filter_map(|found| joined(found, choice)));
            values.extend(usual_values(&shape.pieces, choice));
            let with = |made: &Choices, value: &String| {
                let mut made = made.clone();
                made.insert(choice.clone(), value.clone());
                made
            };
            made = made.iter().flat_map(|made| values.iter().map(move |value| with(made, value))).collect();
            if made.len() > MOST_REPEATED {
                return Err(TooMuch);
            }
        }
        let mut tokens = Vec::new();
        for made in made {
            let mut job = job.clone();
            job.fixed.extend(made);
            tokens.extend(walk(&job.shape(), self.patterns, &job.never, budget)?);
        }
        tokens.extend(torn);
        Ok(tokens)
    }
}

/// Whether a token has two values for one choice: whether one value fits both places of `sub` is not known.
fn is_torn(found: &Found, job: &Job) -> bool {
    job.shape().repeated.iter().any(|choice| found.choices.contains_key(&again(choice)))
}

/// Both values of a choice in a row, which fits a `*` after the first and before the second.
fn joined(found: &Found, choice: &str) -> Option<String> {
    Some(format!("{}{}", found.choices.get(choice)?, found.choices.get(&again(choice))?))
}

fn usual_values(pieces: &[super::shape::Piece], choice: &str) -> Vec<String> {
    let of = pieces.iter().filter(|piece| piece.choice == choice);
    of.flat_map(|piece| match &piece.content {
        Content::Text(text) => vec![text.clone()],
        Content::OneOf(texts) => texts.clone(),
        Content::Free { usual, .. } => vec![usual.clone()],
    })
    .collect()
}
