//! What every provider's trust can be asked.

use super::entry::Entry;
use super::pattern::Pattern;
use super::token::Token;

/// A trust of one provider, read.
pub trait TrustDocument {
    /// Whether a token gets in.
    fn admits(&self, token: &Token) -> Entry;

    /// What the document compares claims with: whoever looks for a way in tries these values.
    ///
    /// Every claim that the answer of [`Self::admits`] depends on is listed here or in [`Self::patterns`], also if there is nothing to try.
    fn compared(&self) -> Vec<Compared>;

    /// The comparisons that are literal text or wildcards. The search covers every combination of these; for what else a document
    /// compares (numbers, regular expressions), [`Self::compared`] offers one sample of each kind of value.
    fn patterns(&self) -> Vec<Pattern> {
        Vec::new()
    }

    /// Whether somebody gets in without any token of GitHub's.
    fn other_ways(&self) -> Entry {
        Entry::StaysOut
    }

    /// Whether the provider can demand an exact value of this claim.
    fn offers(&self, _claim: &str) -> bool {
        true
    }

    /// What the reader should know whatever the verdict is.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Values of one claim that a document's comparison would take, or nearly so: a literal as it is, a pattern with its wildcards filled in several ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// The claim's name, such as `sub`.
    pub claim: String,
    /// Values to try.
    pub samples: Vec<String>,
}
