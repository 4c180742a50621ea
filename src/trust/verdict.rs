//! Who gets in: the gate alone, more, nobody, or it cannot be told.

use super::document::{Compared, TrustDocument};
use super::entry::Entry;
use super::facts::{Facts, Subject};
use super::pattern::Pattern;
use super::search::{Findings, is_alone, own, search};
use super::token::Token;

/// The answer about a trust, with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Who gets in.
    pub answer: Answer,
    /// A token that gets in: a stranger's for [`Answer::MoreThanTheGate`] (none if no token of GitHub's is needed), the gate's for [`Answer::OnlyTheGate`].
    pub proof: Option<Token>,
    /// Why, in one or two sentences.
    pub reason: String,
    /// The smallest change that leaves the gate alone; empty if there is nothing to change.
    pub mend: String,
    /// What else the reader should know, such as that a recycled name would get in.
    pub notes: Vec<String>,
}

/// Who gets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Tokens of this repository in this environment, and no others.
    OnlyTheGate,
    /// Somebody else too.
    MoreThanTheGate,
    /// Not even the gate.
    Nobody,
    /// Something decides that is not understood.
    CannotTell,
}

impl Verdict {
    /// The answer's name: `only-the-gate`, `more-than-the-gate`, `nobody` or `cannot-tell`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        self.answer.as_str()
    }
}

impl Answer {
    /// `only-the-gate`, `more-than-the-gate`, `nobody` or `cannot-tell`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnlyTheGate => "only-the-gate",
            Self::MoreThanTheGate => "more-than-the-gate",
            Self::Nobody => "nobody",
            Self::CannotTell => "cannot-tell",
        }
    }
}

/// Who gets in to what a document guards.
///
/// A stranger who definitely gets in is [`Answer::MoreThanTheGate`], even if something else is not understood.
/// [`Answer::OnlyTheGate`] needs that a token of the gate's definitely gets in, that no other can, and that the search left nothing open.
/// The claims that a workflow chooses (`aud`, `ref`, `actor` …) may take whatever value the document compares them with.
pub fn verdict(document: &dyn TrustDocument, facts: &Facts) -> Verdict {
    if let Err(reason) = usable(facts) {
        let mend = "Correct what is known of the repository.".to_owned();
        return Verdict { answer: Answer::CannotTell, proof: None, reason, mend, notes: document.notes() };
    }
    let findings = search(document, facts);
    let (answer, reason) = judge(&findings, document.other_ways(), facts);
    let mut notes = document.notes();
    if answer == Answer::OnlyTheGate && findings.recycled.is_some() {
        notes.push(recycled_note(facts));
    }
    if answer == Answer::Nobody && findings.starred {
        notes.push(STAR_NOTE.to_owned());
    }
    let mend = mend(document, facts, answer);
    let proof = match answer {
        Answer::OnlyTheGate => findings.own,
        Answer::MoreThanTheGate => findings.stranger,
        Answer::Nobody | Answer::CannotTell => None,
    };
    Verdict { answer, proof, reason, mend, notes }
}

/// Whether one given token gets in.
#[must_use]
pub fn entry_name(entry: &Entry) -> &'static str {
    match entry {
        Entry::GetsIn => "gets-in",
        Entry::StaysOut => "stays-out",
        Entry::CannotTell(_) => "cannot-tell",
    }
}

/// Whether a token is the gate's: of this repository by its id, in this environment.
/// GitHub compares the names of environments without regard to case, so another spelling is the same environment; of letters beyond ASCII that is not documented,
/// and another spelling is taken for another environment.
#[must_use]
pub fn is_the_gates(token: &Token, facts: &Facts) -> bool {
    token.text("repository_id") == Some(facts.repository_id.to_string().as_str())
        && token.text("environment").is_some_and(|environment| environment.eq_ignore_ascii_case(&facts.environment))
}

const STAR: &str = "a `*` or a `?` stands where it is no wildcard, and whoever may name an environment so gets in";
const STAR_NOTE: &str =
    "A `*` or a `?` stands where it is no wildcard: remove it, or whoever may name an environment so gets in.";

fn usable(facts: &Facts) -> Result<(), String> {
    let (owner, name) = facts.repository.split_once('/').unwrap_or_default();
    if owner.is_empty() || name.is_empty() || name.contains('/') {
        return Err(format!("the repository is `{}`; expected `OWNER/NAME`", facts.repository));
    }
    if facts.environment.is_empty() {
        return Err("the environment's name is empty".to_owned());
    }
    match &facts.subject {
        Subject::Keys(keys) if keys.is_empty() => Err("the form of `sub` has no keys".to_owned()),
        Subject::Keys(keys) if keys.iter().any(|key| key == "sub" || key.is_empty()) => {
            Err("the form of `sub` has the key `sub` or an empty one, which GitHub does not know".to_owned())
        }
        _ => Ok(()),
    }
}

fn judge(findings: &Findings, other_ways: Entry, facts: &Facts) -> (Answer, String) {
    if let Some(token) = &findings.stranger {
        return (Answer::MoreThanTheGate, described(token, facts));
    }
    let why = match other_ways {
        Entry::GetsIn => {
            return (Answer::MoreThanTheGate, "Somebody gets in without any token of GitHub's.".to_owned());
        }
        Entry::CannotTell(why) => Some(why),
        Entry::StaysOut => None,
    };
    let own_unclear = findings.own_unclear.clone().filter(|_| findings.own.is_none());
    if let Some(why) = findings.stranger_unclear.clone().or(own_unclear).or(why) {
        return (Answer::CannotTell, format!("It cannot be told who gets in: {why}."));
    }
    if findings.own.is_some() && findings.starred {
        return (Answer::CannotTell, format!("It cannot be told who gets in: {STAR}."));
    }
    if findings.own.is_some() {
        let reason = format!("Only jobs of `{}` in the environment `{}` get in.", facts.repository, facts.environment);
        return (Answer::OnlyTheGate, reason);
    }
    (Answer::Nobody, nobody(facts))
}

fn nobody(facts: &Facts) -> String {
    format!(
        "No token of `{}` in the environment `{}` gets in. Its `sub` is {}`{}`.",
        facts.repository,
        facts.environment,
        if facts.subject.is_fixed() { "" } else { "like " },
        own_sub(facts)
    )
}

/// The gate's `sub`; for a form with claims that a workflow chooses, one of them.
fn own_sub(facts: &Facts) -> String {
    own(&Open, facts).and_then(|token| token.text("sub").map(str::to_owned)).unwrap_or_default()
}

fn described(token: &Token, facts: &Facts) -> String {
    let text = |claim: &str| token.text(claim).unwrap_or_default();
    let place = match token.text("environment") {
        Some(environment) => format!("in the environment `{environment}`"),
        None => format!("in no environment (`{}`, `{}`)", text("event_name"), text("ref")),
    };
    let who = if text("repository_id") == facts.repository_id.to_string() {
        "this repository".to_owned()
    } else {
        format!("another repository, such as `{}`,", text("repository"))
    };
    format!("A job of {who} {place} gets in, with the `sub` `{}`.", text("sub"))
}

fn recycled_note(facts: &Facts) -> String {
    format!(
        "This binds the repository by its name alone: whoever gets the name `{}` after a rename or a deletion gets in. Bind `repository_id` to `{}` too.",
        facts.repository, facts.repository_id
    )
}

fn mend(document: &dyn TrustDocument, facts: &Facts, answer: Answer) -> String {
    if answer == Answer::OnlyTheGate {
        return String::new();
    }
    let environment = ("environment", facts.environment.clone());
    let id = ("repository_id", facts.repository_id.to_string());
    let sub = ("sub", own_sub(facts));
    let can = |claim: &str| document.offers(claim) && (claim != "sub" || facts.subject.is_fixed());
    let offered = |demands: &[(&str, String)]| demands.iter().all(|(claim, _)| can(claim));
    let candidates = [
        vec![environment.clone()],
        vec![id.clone()],
        vec![sub.clone()],
        vec![environment.clone(), id.clone()],
        vec![environment.clone(), sub.clone()],
    ];
    if answer == Answer::MoreThanTheGate && document.other_ways() == Entry::StaysOut {
        let offered = candidates.into_iter().filter(|demands| offered(demands));
        let mut sufficient = offered.filter(|demands| is_alone(&Narrowed { document, demands }, facts));
        if let Some(demands) = sufficient.next() {
            return format!("In every way in, also demand {}.", listed(&demands));
        }
    }
    let whole = [vec![id, environment.clone()], vec![sub.clone(), environment], vec![sub]];
    let bound =
        whole.into_iter().find(|demands| offered(demands) && is_alone(&Narrowed { document: &Open, demands }, facts));
    match bound {
        Some(demands) => format!("Keep one way in, for a token of GitHub's, that demands {}.", listed(&demands)),
        None => "This provider cannot demand both this repository and this environment: change the form of `sub` so that it has both.".to_owned(),
    }
}

fn listed(demands: &[(&str, String)]) -> String {
    let listed: Vec<String> = demands.iter().map(|(claim, value)| format!("`{claim}` exactly `{value}`")).collect();
    listed.join(" and ")
}

/// Everybody gets in.
struct Open;

impl TrustDocument for Open {
    fn admits(&self, _token: &Token) -> Entry {
        Entry::GetsIn
    }

    fn compared(&self) -> Vec<Compared> {
        Vec::new()
    }
}

/// A document that demands more.
struct Narrowed<'a> {
    document: &'a dyn TrustDocument,
    demands: &'a [(&'a str, String)],
}

impl TrustDocument for Narrowed<'_> {
    fn admits(&self, token: &Token) -> Entry {
        let demanded = self.demands.iter().all(|(claim, value)| token.text(claim) == Some(value));
        Entry::from(demanded).and(self.document.admits(token))
    }

    fn compared(&self) -> Vec<Compared> {
        self.document.compared()
    }

    fn patterns(&self) -> Vec<Pattern> {
        let demanded = self.demands.iter().map(|(claim, value)| Pattern::literal(claim, value));
        self.document.patterns().into_iter().chain(demanded).collect()
    }
}
