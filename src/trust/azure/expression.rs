//! The expressions of flexible federated identity credentials. Not here: which credential they stand in.

use crate::trust::entry::Entry;
use crate::trust::pattern::Pattern;
use crate::trust::token::Token;

/// What an expression may ask of GitHub's tokens, and with what: `matches` only where it is listed
/// (<https://learn.microsoft.com/entra/workload-id/workload-identities-flexible-federated-identity-credentials>, "Issuer URLs, supported claims, and operators by platform").
const SUPPORTED: [(&str, &[&str]); 4] = [
    ("sub", &["eq", "matches"]),
    ("job_workflow_ref", &["eq", "matches"]),
    ("repository_id", &["eq"]),
    ("repository_owner_id", &["eq"]),
];
/// Characters of a comparand whose meaning the language's page leaves open: `'` is "interpreted as an escape character".
const UNCLEAR: [char; 2] = ['\'', '\\'];

/// Whether a claim of GitHub's can be compared.
pub(super) fn offers(claim: &str) -> bool {
    SUPPORTED.iter().any(|(name, _)| *name == claim)
}

/// The longest pattern that is evaluated: Azure takes no expression near that.
const LONGEST: usize = 1_000;

/// Comparisons, all of which must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expression(Vec<Pattern>);

impl Expression {
    /// Reads `claims['NAME'] eq 'TEXT'` and `claims['NAME'] matches 'PATTERN'`, joined by `and`, with single spaces between.
    /// What is anything else, or asks what the language does not offer for GitHub, cannot be read.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut comparisons = Vec::new();
        let mut rest = text;
        loop {
            let (comparison, after) = comparison(rest)?;
            comparisons.push(comparison);
            if after.is_empty() {
                return Ok(Self(comparisons));
            }
            rest = after.strip_prefix(" and ").ok_or_else(|| {
                format!("the expression goes on with `{after}`; expected its end or ` and claims['NAME'] …`; only `and` joins comparisons")
            })?;
        }
    }

    /// Whether a token's claims satisfy every comparison.
    pub(super) fn admits(&self, token: &Token) -> Entry {
        Entry::from(self.0.iter().all(|pattern| token.text(pattern.claim()).is_some_and(|text| pattern.matches(text))))
    }

    /// The comparisons.
    pub(super) fn patterns(&self) -> &[Pattern] {
        &self.0
    }

    /// Whether a claim is compared at all.
    pub(super) fn looks_at(&self, claim: &str) -> bool {
        self.0.iter().any(|pattern| pattern.claim() == claim)
    }
}

/// One comparison, and what stands after it.
fn comparison(text: &str) -> Result<(Pattern, &str), String> {
    let shape = || {
        format!(
            "the expression has `{text}`; expected `claims['NAME'] eq 'TEXT'` or `claims['NAME'] matches 'PATTERN'`, with single spaces"
        )
    };
    let (claim, after) = text.strip_prefix("claims['").and_then(|rest| rest.split_once("'] ")).ok_or_else(shape)?;
    let (operator, after) = after.split_once(" '").ok_or_else(shape)?;
    let (comparand, after) = after.split_once('\'').ok_or_else(shape)?;
    if after.starts_with('\'') || comparand.contains(UNCLEAR) {
        return Err(format!(
            "the comparand `{comparand}` goes on with a `'` or has a `\\`, which escape in a way that is not documented; use a name without them"
        ));
    }
    let Some((_, operators)) = SUPPORTED.iter().find(|(name, _)| *name == claim) else {
        let names: Vec<&str> = SUPPORTED.iter().map(|(name, _)| *name).collect();
        return Err(format!(
            "the expression asks for `{claim}`; Azure offers {} for GitHub; compare one of these",
            names.join(", ")
        ));
    };
    if !operators.contains(&operator) {
        return Err(format!(
            "the expression has the operator `{operator}` on `{claim}`; Azure offers {} there",
            operators.join(" and ")
        ));
    }
    if comparand.len() > LONGEST {
        return Err(format!("a comparand has more than {LONGEST} bytes, which are not evaluated; shorten it"));
    }
    let pattern = if operator == "eq" { Pattern::literal(claim, comparand) } else { Pattern::glob(claim, comparand) };
    Ok((pattern, after))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::needless_pass_by_value, reason = "a test that cannot go on fails")]

    use super::Expression;
    use crate::trust::entry::Entry;
    use crate::trust::token::Token;

    fn token(claims: serde_json::Value) -> Token {
        Token::new(claims.as_object().unwrap().clone())
    }

    fn admits(expression: &str, claims: serde_json::Value) -> Entry {
        Expression::parse(expression).unwrap().admits(&token(claims))
    }

    #[test]
    fn eq_compares_exactly() {
        let expression = "claims['sub'] eq 'repo:o/r:environment:*'";
        assert_eq!(admits(expression, serde_json::json!({"sub": "repo:o/r:environment:release"})), Entry::StaysOut);
        assert_eq!(admits(expression, serde_json::json!({"sub": "repo:o/r:environment:*"})), Entry::GetsIn);
    }

    #[test]
    fn matches_has_both_wildcards() {
        let expression = "claims['sub'] matches 'repo:o/?:environment:*'";
        assert_eq!(admits(expression, serde_json::json!({"sub": "repo:o/r:environment:release"})), Entry::GetsIn);
        assert_eq!(admits(expression, serde_json::json!({"sub": "repo:o/rr:environment:release"})), Entry::StaysOut);
    }

    #[test]
    fn and_needs_both() {
        let expression = "claims['sub'] matches 'repo:o/r:*' and claims['repository_id'] eq '74'";
        assert_eq!(admits(expression, serde_json::json!({"sub": "repo:o/r:x", "repository_id": "74"})), Entry::GetsIn);
        assert_eq!(
            admits(expression, serde_json::json!({"sub": "repo:o/r:x", "repository_id": "75"})),
            Entry::StaysOut
        );
        assert_eq!(admits(expression, serde_json::json!({"sub": "repo:o/r:x"})), Entry::StaysOut);
    }

    #[test]
    fn an_and_within_a_comparand_is_text() {
        let expression = "claims['sub'] eq 'repo:o/r:environment:this and claims that'";
        assert!(Expression::parse(expression).is_ok());
    }

    #[test]
    fn a_claim_that_azure_does_not_offer_is_not_read() {
        assert!(Expression::parse("claims['environment'] eq 'release'").unwrap_err().contains("repository_id"));
    }

    #[test]
    fn an_id_cannot_be_matched_with_a_pattern() {
        assert!(Expression::parse("claims['repository_id'] matches '*'").unwrap_err().contains("eq"));
    }

    #[test]
    fn what_is_not_the_language_is_not_read() {
        for text in [
            "",
            "true",
            "claims['sub']",
            "claims['sub'] eq",
            "claims['sub'] eq ''x'",
            "claims['sub'] eq 'a' or claims['sub'] eq 'b'",
            "claims['sub'] eq 'a' and",
            "claims['sub'] eq 'a''b'",
            "claims['sub']  eq 'a'",
            "claims[\"sub\"] eq 'a'",
            "claims['sub'] ne 'a'",
            "not claims['sub'] eq 'a'",
            "(claims['sub'] eq 'a')",
            "claims['sub'] eq 'a' ",
            "claims['sub'] eq 'a\\'",
        ] {
            assert!(Expression::parse(text).is_err(), "{text}");
        }
    }
}
