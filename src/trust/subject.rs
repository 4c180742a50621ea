//! The claim `sub`: written from the other claims, and read back.
//!
//! The formats are those of <https://docs.github.com/en/actions/reference/security/oidc>. A `:` within a value is written `%3A`,
//! so a written `:` always ends a value.

use super::facts::Subject;
use super::token::Token;

/// What a `sub` says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SubjectParts {
    /// `OWNER/NAME`, if `sub` has the repository.
    pub repository: Option<String>,
    /// The owner's id, if `sub` has it.
    pub owner_id: Option<String>,
    /// The repository's id, if `sub` has it.
    pub repository_id: Option<String>,
    /// Where the job ran, if `sub` has it.
    pub context: Option<SubjectContext>,
    /// The other claims, in order.
    pub claims: Vec<(String, String)>,
}

/// Where a job ran. `%3A` is read back as `:`, although a name may have `%3A` itself: `sub` alone does not say which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectContext {
    /// In this environment.
    Environment(String),
    /// In no environment, for this branch or tag (`refs/heads/…`).
    Ref(String),
    /// In no environment, for a pull request.
    PullRequest,
}

impl Subject {
    /// The `sub` of a token with these claims. A claim that the token does not have is written as nothing.
    #[must_use]
    pub fn write(&self, token: &Token) -> String {
        let claim = |name: &str| escaped(token.text(name).unwrap_or_default());
        let repository = claim("repository");
        match self {
            Self::Default => format!("repo:{repository}:{}", context(token)),
            Self::Immutable => {
                let (owner, name) = repository.split_once('/').unwrap_or((&repository, ""));
                let (owner_id, id) = (claim("repository_owner_id"), claim("repository_id"));
                format!("repo:{owner}@{owner_id}/{name}@{id}:{}", context(token))
            }
            Self::Keys(keys) => {
                let written = |key: &String| match key.as_str() {
                    "repo" => format!("repo:{repository}"),
                    "context" => context(token),
                    other => format!("{other}:{}", claim(other)),
                };
                keys.iter().map(written).collect::<Vec<_>>().join(":")
            }
        }
    }

    /// Whether all jobs of one repository in one environment have the same `sub`: no workflow chooses a part of it.
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        const FIXED: [&str; 7] = [
            "repo",
            "context",
            "repository",
            "repository_id",
            "repository_owner",
            "repository_owner_id",
            "environment",
        ];
        match self {
            Self::Default | Self::Immutable => true,
            Self::Keys(keys) => keys.iter().all(|key| FIXED.contains(&key.as_str())),
        }
    }

    /// What a `sub` of this form says; `None` if it is not of this form.
    #[must_use]
    pub fn read(&self, sub: &str) -> Option<SubjectParts> {
        let mut words = sub.split(':');
        let mut parts = SubjectParts::default();
        match self {
            Self::Default => read_keys(&["repo", "context"], &mut words, &mut parts)?,
            Self::Immutable => {
                read_keys(&["repo", "context"], &mut words, &mut parts)?;
                split_ids(&mut parts)?;
            }
            Self::Keys(keys) => {
                let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                read_keys(&keys, &mut words, &mut parts)?;
            }
        }
        words.next().is_none().then_some(parts)
    }
}

/// A value as it stands in `sub`.
#[must_use]
pub fn escaped(value: &str) -> String {
    value.replace(':', "%3A")
}

fn context(token: &Token) -> String {
    let claim = |name: &str| token.text(name).unwrap_or_default();
    match token.text("environment") {
        Some(environment) => format!("environment:{}", escaped(environment)),
        None if claim("event_name") == "pull_request" => "pull_request".to_owned(),
        None => format!("ref:{}", escaped(claim("ref"))),
    }
}

fn read_keys<'a>(keys: &[&str], words: &mut impl Iterator<Item = &'a str>, parts: &mut SubjectParts) -> Option<()> {
    for key in keys {
        let word = words.next()?;
        let context = match (*key, word) {
            ("context", "pull_request") => Some(SubjectContext::PullRequest),
            ("context", "environment") => Some(SubjectContext::Environment(unescaped(words.next()?))),
            ("context", "ref") => Some(SubjectContext::Ref(unescaped(words.next()?))),
            (_, word) if word == *key => None,
            _ => return None,
        };
        match context {
            Some(context) => parts.context = Some(context),
            None => keep(parts, key, unescaped(words.next()?)),
        }
    }
    Some(())
}

fn keep(parts: &mut SubjectParts, key: &str, value: String) {
    match key {
        "repo" | "repository" => parts.repository = Some(value),
        "repository_owner_id" => parts.owner_id = Some(value),
        "repository_id" => parts.repository_id = Some(value),
        "environment" if !value.is_empty() => parts.context = Some(SubjectContext::Environment(value)),
        other => parts.claims.push((other.to_owned(), value)),
    }
}

/// `OWNER@OWNER_ID/NAME@ID`: `@` is in no name.
fn split_ids(parts: &mut SubjectParts) -> Option<()> {
    let repository = parts.repository.take()?;
    let (owner, name) = repository.split_once('/')?;
    let (owner, owner_id) = owner.split_once('@')?;
    let (name, id) = name.split_once('@')?;
    parts.repository = Some(format!("{owner}/{name}"));
    parts.owner_id = Some(owner_id.to_owned());
    parts.repository_id = Some(id.to_owned());
    Some(())
}

fn unescaped(value: &str) -> String {
    value.replace("%3A", ":")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    fn token(environment: Option<&str>) -> Token {
        let claims = serde_json::json!({
            "repository": "o/r", "repository_id": "42", "repository_owner_id": "7", "repository_owner": "o",
            "ref": "refs/heads/main", "event_name": "push",
        });
        let mut claims = claims.as_object().cloned().unwrap();
        if let Some(environment) = environment {
            claims.insert("environment".to_owned(), environment.into());
        }
        Token::new(claims)
    }

    fn keys(keys: &[&str]) -> Subject {
        Subject::Keys(keys.iter().map(|key| (*key).to_owned()).collect())
    }

    #[test]
    fn each_form_is_written_as_github_writes_it() {
        assert_eq!(Subject::Default.write(&token(Some("release"))), "repo:o/r:environment:release");
        assert_eq!(Subject::Default.write(&token(None)), "repo:o/r:ref:refs/heads/main");
        assert_eq!(Subject::Immutable.write(&token(Some("a:b"))), "repo:o@7/r@42:environment:a%3Ab");
        let form = keys(&["repository_owner", "repo", "context"]);
        assert_eq!(form.write(&token(Some("x"))), "repository_owner:o:repo:o/r:environment:x");
    }

    #[test]
    fn what_was_written_is_read_back() {
        for form in [Subject::Default, Subject::Immutable, keys(&["repo", "environment", "repository_owner"])] {
            let parts = form.read(&form.write(&token(Some("a:b")))).unwrap();
            assert_eq!(parts.repository.as_deref(), Some("o/r"), "{form:?}");
            assert_eq!(parts.context, Some(SubjectContext::Environment("a:b".to_owned())), "{form:?}");
        }
        assert_eq!(Subject::Immutable.read("repo:o@7/r@42:pull_request").unwrap().owner_id.as_deref(), Some("7"));
    }

    #[test]
    fn a_sub_of_another_form_is_not_read() {
        assert_eq!(Subject::Immutable.read("repo:o/r:environment:release"), None);
        assert_eq!(Subject::Default.read("repo:o/r:environment:release:more"), None);
        assert_eq!(Subject::Default.read("repo:o/r"), None);
        assert_eq!(keys(&["repo"]).read("environment:x"), None);
    }
}
