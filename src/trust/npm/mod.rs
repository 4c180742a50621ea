//! npm: trusted publishers of a package. Each one is a way in.

use serde_json::Value;

use super::document::{Compared, TrustDocument};
use super::entry::Entry;
use super::fields::Fields;
use super::pattern::{Part, Pattern};
use super::token::Token;
use super::unreadable::Unreadable;

/// Where a workflow's file stands within `workflow_ref`.
const WORKFLOWS: &str = "/.github/workflows/";
/// The names under which each field is written.
const REPOSITORY: [&str; 1] = ["repository"];
const OWNER: [&str; 4] = ["owner", "organization", "repository_owner", "user"];
const FILE: [&str; 5] = ["file", "filename", "workflow", "workflow_filename", "workflowFilename"];
const ENVIRONMENT: [&str; 2] = ["environment", "environment_name"];
/// Fields that decide nothing.
const IGNORED: [&str; 6] = ["id", "package", "permissions", "type", "claims", "created_at"];
/// What to do with a list that cannot be read.
const FIX: &str = "give what `npm trust list PACKAGE --json` prints (several publishers in one list: `[…, …]`)";

/// The trusted publishers of a package: what `npm trust list --json` prints (`type`, `file`, `repository`, `environment`), what the registry answers
/// (`type`, `claims.repository`, `claims.workflow_ref.file`, `claims.environment`), or the fields of the form; one, or several in a list.
///
/// "All fields are case-sensitive and must be exact", and the workflow is the calling one, that of `workflow_ref`
/// (<https://docs.npmjs.com/trusted-publishers>; `lib/commands/trust/github.js` of <https://github.com/npm/cli>). Without an environment, every job of that
/// workflow publishes. What a publisher is permitted (`permissions`: to publish, or to stage) is not looked at: either is a way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NpmTrust(Vec<Publisher>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Publisher {
    GitHub {
        repository: String,
        file: String,
        environment: Option<String>,
        unclear: Option<String>,
    },
    /// Of another platform.
    Other(String),
}

impl NpmTrust {
    /// Reads one publisher or a list of them. At fault is what is not such an object, or lacks the repository or the workflow's file.
    pub fn parse(document: &Value) -> Result<Self, Unreadable> {
        let list = document.as_array().map_or(std::slice::from_ref(document), Vec::as_slice);
        Ok(Self(list.iter().map(Publisher::parse).collect::<Result<_, _>>()?))
    }
}

impl Publisher {
    fn parse(value: &Value) -> Result<Self, Unreadable> {
        let outer = Fields::of(value, "a trusted publisher", FIX)?;
        match outer.text("type")? {
            None | Some("github") => {}
            Some(other) => return Ok(Self::Other(other.to_owned())),
        }
        let claims = outer.object("claims")?;
        let fields = claims.unwrap_or(outer);
        let name = first(fields, &REPOSITORY)?.ok_or_else(|| outer.missing("repository"))?;
        let owner = first(fields, &OWNER)?;
        if let Some(owner) = owner.filter(|owner| name.split_once('/').is_some_and(|(own, _)| own != *owner)) {
            return Err(Unreadable::new(format!("the owner `{owner}` of the repository `{name}`"), "one owner", FIX));
        }
        let repository = match owner {
            Some(owner) if !name.contains('/') => format!("{owner}/{name}"),
            _ => name.to_owned(),
        };
        if repository.split('/').filter(|part| !part.is_empty()).count() != 2 || repository.matches('/').count() != 1 {
            return Err(Unreadable::new(format!("`{repository}` in `repository`"), "`OWNER/NAME`", FIX));
        }
        let workflow = fields
            .value("workflow_ref")
            .map(|value| Fields::of(value, "an object in `workflow_ref`", FIX))
            .transpose()?;
        let file = match workflow {
            Some(_) if first(fields, &FILE)?.is_some() => {
                return Err(Unreadable::new(
                    "a workflow's file both in `workflow_ref` and beside it",
                    "one of them",
                    FIX,
                ));
            }
            Some(workflow) => workflow.text("file")?,
            None => first(fields, &FILE)?,
        };
        let unclear = unknown(outer, claims, workflow)
            .map(|field| format!("a publisher has the unknown field `{field}`; remove it if it means nothing"));
        Ok(Self::GitHub {
            repository,
            file: file.ok_or_else(|| outer.missing("file"))?.to_owned(),
            environment: first(fields, &ENVIRONMENT)?.filter(|name| !name.is_empty()).map(str::to_owned),
            unclear,
        })
    }

    fn admits(&self, token: &Token) -> Entry {
        match self {
            Self::Other(platform) => Entry::CannotTell(format!(
                "a publisher is of `{platform}`, whose tokens are not tried; remove it or check it by itself"
            )),
            Self::GitHub { unclear: Some(why), .. } => Entry::CannotTell(why.clone()),
            Self::GitHub { repository, file, environment, .. } => {
                let file_fits = token.text("workflow_ref").is_some_and(|text| workflow(repository, file).matches(text));
                let environment_fits = environment.as_ref().is_none_or(|name| token.text("environment") == Some(name));
                Entry::from(token.text("repository") == Some(repository) && file_fits && environment_fits)
            }
        }
    }
}

/// `OWNER/NAME/.github/workflows/FILE@…`, the calling workflow of a token.
fn workflow(repository: &str, file: &str) -> Pattern {
    let literal = format!("{repository}{WORKFLOWS}{file}@");
    Pattern::of_parts("workflow_ref", literal.chars().map(Part::Char).chain([Part::Many]).collect())
}

/// The text of the one of these names that is there. Two that are there are an error: which of them counts is not known.
fn first<'a>(fields: Fields<'a>, names: &[&str]) -> Result<Option<&'a str>, Unreadable> {
    let there: Vec<&str> = names.iter().copied().filter(|name| fields.value(name).is_some()).collect();
    match there.as_slice() {
        [] => Ok(None),
        [name] => fields.text(name),
        [one, other, ..] => Err(Unreadable::new(format!("both `{one}` and `{other}`"), "one of them", FIX)),
    }
}

/// The first field that is not one of a publisher.
fn unknown(outer: Fields<'_>, claims: Option<Fields<'_>>, workflow: Option<Fields<'_>>) -> Option<String> {
    let fields: Vec<&str> = [REPOSITORY.as_slice(), &OWNER, &FILE, &ENVIRONMENT, &["workflow_ref"]]
        .into_iter()
        .flatten()
        .copied()
        .collect();
    let all: Vec<&str> = fields.iter().copied().chain(IGNORED).collect();
    let own = if claims.is_some() { outer.first_unknown(&IGNORED) } else { outer.first_unknown(&all) };
    let inner = claims.and_then(|claims| claims.first_unknown(&fields));
    own.or(inner).or_else(|| workflow.and_then(|workflow| workflow.first_unknown(&["file"]))).map(str::to_owned)
}

impl TrustDocument for NpmTrust {
    fn admits(&self, token: &Token) -> Entry {
        self.0.iter().fold(Entry::StaysOut, |entry, publisher| entry.or(publisher.admits(token)))
    }

    fn compared(&self) -> Vec<Compared> {
        ["repository", "workflow_ref", "environment"]
            .map(|claim| Compared { claim: claim.to_owned(), samples: Vec::new() })
            .into()
    }

    fn patterns(&self) -> Vec<Pattern> {
        let of = |publisher: &Publisher| match publisher {
            Publisher::Other(_) => Vec::new(),
            Publisher::GitHub { repository, file, environment, .. } => {
                let mut patterns = vec![Pattern::literal("repository", repository), workflow(repository, file)];
                patterns.extend(environment.iter().map(|name| Pattern::literal("environment", name)));
                patterns
            }
        };
        self.0.iter().flat_map(of).collect()
    }

    fn other_ways(&self) -> Entry {
        let platform = self.0.iter().find_map(|publisher| match publisher {
            Publisher::Other(platform) => Some(platform),
            Publisher::GitHub { .. } => None,
        });
        platform.map_or(Entry::StaysOut, |platform| {
            Entry::CannotTell(format!(
                "a publisher is of `{platform}`, whose tokens are not tried; remove it or check it by itself"
            ))
        })
    }

    fn offers(&self, claim: &str) -> bool {
        ["repository", "environment", "workflow_ref"].contains(&claim)
    }
}

#[cfg(test)]
mod tests;
