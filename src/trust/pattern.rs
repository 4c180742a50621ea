//! Patterns that a trust compares claims with: literal text, and wildcards where the provider has them.
//!
//! A pattern is read as an automaton, so the search for a way in can follow several patterns through one token at once.
//! Regular expressions are not here: a provider that has them offers samples instead.

/// A pattern over one claim.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern {
    claim: String,
    parts: Vec<Part>,
    ignores_case: bool,
}

/// One step of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// This character.
    Char(char),
    /// Any one character.
    One,
    /// Any text, also none.
    Many,
}

/// Places within a pattern that the text read so far may have led to.
/// In order, each once.
pub(super) type Places = Vec<usize>;

impl Pattern {
    /// Exactly this text of this claim.
    #[must_use]
    pub fn literal(claim: &str, text: &str) -> Self {
        Self::of_parts(claim, text.chars().map(Part::Char).collect())
    }

    /// Text in which `*` stands for any text and `?` for any one character.
    #[must_use]
    pub fn glob(claim: &str, text: &str) -> Self {
        let part = |character| match character {
            '*' => Part::Many,
            '?' => Part::One,
            other => Part::Char(other),
        };
        Self::of_parts(claim, text.chars().map(part).collect())
    }

    /// These parts, for a provider with its own way to escape wildcards.
    #[must_use]
    pub fn of_parts(claim: &str, mut parts: Vec<Part>) -> Self {
        parts.dedup_by(|a, b| *a == Part::Many && *b == Part::Many);
        Self { claim: claim.to_owned(), parts, ignores_case: false }
    }

    /// The same, whatever the case of its letters `a` to `z`: of others it is not documented what the providers take for the same.
    #[must_use]
    pub fn ignoring_case(self) -> Self {
        Self { ignores_case: true, ..self }
    }

    /// The claim that is compared.
    #[must_use]
    pub fn claim(&self) -> &str {
        &self.claim
    }

    /// The steps, in order.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Whether a text fits the pattern from beginning to end.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let mut places = self.start();
        for character in text.chars() {
            if places.is_empty() {
                return false;
            }
            self.step(&mut places, character);
        }
        self.accepts(&places)
    }

    /// Whether a wildcard is in it.
    pub(super) fn is_wild(&self) -> bool {
        self.parts.iter().any(|part| !matches!(part, Part::Char(_)))
    }

    /// The pattern as it is written with `*` and `?`.
    pub(super) fn written(&self) -> String {
        let written = |part: &Part| match part {
            Part::Char(character) => *character,
            Part::One => '?',
            Part::Many => '*',
        };
        self.parts.iter().map(written).collect()
    }

    /// Where the pattern begins.
    pub(super) fn start(&self) -> Places {
        let mut places = vec![0];
        self.close(&mut places);
        places
    }

    /// Goes where one character leads.
    pub(super) fn step(&self, places: &mut Places, character: char) {
        places.retain_mut(|place| match self.parts.get(*place) {
            Some(Part::Many) => true,
            Some(Part::Char(expected)) if !self.same(*expected, character) => false,
            Some(Part::One | Part::Char(_)) => {
                *place = place.saturating_add(1);
                true
            }
            None => false,
        });
        self.close(places);
    }

    /// Whether the text may end here.
    pub(super) fn accepts(&self, places: &[usize]) -> bool {
        places.contains(&self.parts.len())
    }

    /// The place of a text that has ended and fits.
    pub(super) fn end(&self) -> usize {
        self.parts.len()
    }

    /// The character that a place waits for, if it waits for one: any other leads where all the others lead.
    pub(super) fn awaited(&self, place: usize) -> Option<char> {
        match self.parts.get(place) {
            Some(Part::Char(character)) => Some(*character),
            _ => None,
        }
    }

    pub(super) fn ignores_case(&self) -> bool {
        self.ignores_case
    }

    fn same(&self, expected: char, got: char) -> bool {
        expected == got || (self.ignores_case && expected.eq_ignore_ascii_case(&got))
    }

    /// Steps over `*`, and forgets the places before the last `*`: what they would take, the last `*` takes too.
    fn close(&self, places: &mut Places) {
        let many = |place: &usize| matches!(self.parts.get(*place), Some(Part::Many));
        if let Some(last) = places.iter().copied().filter(many).max() {
            places.push(last.saturating_add(1));
            places.retain(|place| *place >= last);
        }
        places.sort_unstable();
        places.dedup();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_slashes_and_colons_too() {
        let pattern = Pattern::glob("sub", "repo:o/*:environment:relea?e");
        assert!(pattern.matches("repo:o/r:ref:x:environment:release"));
        assert!(!pattern.matches("repo:p/r:environment:release"));
        assert!(!pattern.matches("repo:o/r:environment:releae"));
    }

    #[test]
    fn a_literal_star_is_only_a_star() {
        assert!(!Pattern::literal("sub", "a*").matches("ab"));
        assert!(Pattern::literal("sub", "a*").matches("a*"));
    }

    #[test]
    fn only_a_pattern_that_ignores_case_takes_another_case() {
        assert!(!Pattern::glob("sub", "Rel*").matches("release"));
        assert!(Pattern::glob("sub", "Rel*").ignoring_case().matches("release"));
    }

    #[test]
    fn several_stars_give_back_what_they_took() {
        let pattern = Pattern::glob("sub", "*a*b*ab");
        assert!(pattern.matches("xabab"));
        assert!(pattern.matches("abab"));
        assert!(!pattern.matches("ab"));
        assert!(Pattern::glob("sub", "**").matches(""));
    }

    #[test]
    fn nothing_fits_only_an_empty_pattern_or_a_star() {
        assert!(Pattern::glob("sub", "").matches(""));
        assert!(!Pattern::glob("sub", "?").matches(""));
    }
}
