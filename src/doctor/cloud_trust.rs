//! What a cloud trusts: does anything but the gated environment get in? And what GitHub says of a repository and of the `sub` of its tokens, which that rests on.

use serde::Deserialize;

use super::{Item, Line};
use crate::github::{GithubError, RepositoryClient};
use crate::model::{EnvironmentName, RepositoryName, quoted};
use crate::trust::{Answer, Facts, Subject, TrustDocument, verdict};

const REPOSITORY: &str = "GET /repos/{owner}/{repo}";
const SUBJECT: &str = "GET /repos/{owner}/{repo}/actions/oidc/customization/sub";

/// <https://docs.github.com/rest/repos/repos#get-a-repository>
#[derive(Deserialize)]
struct RepositoryWire {
    id: u64,
    full_name: String,
    owner: OwnerWire,
}

#[derive(Deserialize)]
struct OwnerWire {
    id: u64,
}

/// <https://docs.github.com/rest/actions/oidc#get-the-customization-template-for-an-oidc-subject-claim-for-a-repository>
#[derive(Deserialize)]
struct SubjectWire {
    use_default: bool,
    include_claim_keys: Option<Vec<String>>,
    use_immutable_subject: Option<bool>,
    sub_claim_prefix: Option<String>,
}

/// Judges a trust for the protected environment of a rule.
pub(super) async fn examine(
    document: &dyn TrustDocument,
    client: &RepositoryClient<'_>,
    repository: &RepositoryName,
    environment: &EnvironmentName,
) -> Line {
    const ITEM: Item = Item::CloudTrust;
    let facts = match trust_facts(client, repository, environment).await {
        Ok(facts) => facts,
        Err(error) => return Line::of_error(ITEM, &error),
    };
    let verdict = verdict(document, &facts);
    let got = format!("{}: {}", quoted(environment.as_str()), verdict.reason);
    match verdict.answer {
        Answer::OnlyTheGate => Line::ok(ITEM, got),
        Answer::MoreThanTheGate | Answer::Nobody => Line::failed(ITEM, got),
        Answer::CannotTell => Line::not_checked(ITEM, got),
    }
}

/// The facts of one environment that [`verdict`] needs, as GitHub knows them.
///
/// # Errors
/// Any error of the calls to GitHub.
pub async fn trust_facts(
    client: &RepositoryClient<'_>,
    repository: &RepositoryName,
    environment: &EnvironmentName,
) -> Result<Facts, GithubError> {
    let found: RepositoryWire = client.get(REPOSITORY, format!("/repos/{repository}")).await?;
    let subject: SubjectWire =
        client.get(SUBJECT, format!("/repos/{repository}/actions/oidc/customization/sub")).await?;
    Ok(Facts {
        repository: found.full_name,
        repository_id: found.id,
        owner_id: found.owner.id,
        environment: environment.as_str().to_owned(),
        subject: subject.into_model(),
    })
}

impl SubjectWire {
    /// The prefix shows which form is in effect where the organization decides.
    fn into_model(self) -> Subject {
        let is_immutable = self.use_immutable_subject == Some(true)
            || self.sub_claim_prefix.as_deref().is_some_and(|prefix| prefix.contains('@'));
        match self.include_claim_keys.filter(|keys| !self.use_default && !keys.is_empty()) {
            Some(keys) => Subject::Keys(keys),
            None if is_immutable => Subject::Immutable,
            None => Subject::Default,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    fn subject(json: &str) -> Subject {
        serde_json::from_str::<SubjectWire>(json).unwrap().into_model()
    }

    #[test]
    fn each_form_of_sub_is_known() {
        assert_eq!(subject(r#"{"use_default":true}"#), Subject::Default);
        assert_eq!(subject(r#"{"use_default":true,"use_immutable_subject":true}"#), Subject::Immutable);
        let prefix = r#"{"use_default":true,"sub_claim_prefix":"repo:octo-org@77/widgets@4242"}"#;
        assert_eq!(subject(prefix), Subject::Immutable);
        let keys = r#"{"use_default":false,"include_claim_keys":["repo","context"]}"#;
        assert_eq!(subject(keys), Subject::Keys(vec!["repo".to_owned(), "context".to_owned()]));
        assert_eq!(subject(r#"{"use_default":true,"include_claim_keys":["repo"]}"#), Subject::Default);
    }
}
