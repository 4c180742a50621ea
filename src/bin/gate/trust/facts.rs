//! What must be known of each gated environment: from a file, or from the policy and GitHub.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use environment_gate::config::{LocalFiles, Reading, Sources, person_variables};
use environment_gate::doctor::trust_facts;
use environment_gate::gate::policy::RepositoryPattern;
use environment_gate::github::{AppClient, GithubClient, Limits, RepositoryClient, RepositoryRef};
use environment_gate::model::{EnvironmentName, RepositoryName};
use environment_gate::time::{Clock, Deadline};
use environment_gate::trust::Facts;

use super::TrustOptions;
use crate::output::WrongUse;

/// Bytes of a file that is read.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// A gated environment of one repository.
pub(super) struct Place {
    pub(super) facts: Facts,
    /// The workflow file that enters it.
    pub(super) workflow: String,
}

impl Place {
    pub(super) fn name(&self) -> String {
        format!("`{}` of {}", self.facts.environment, self.facts.repository)
    }
}

/// The gated environments that are asked about.
pub(super) async fn places(options: &TrustOptions) -> anyhow::Result<Vec<Place>> {
    if let Some(path) = &options.facts {
        let facts = serde_json::from_str(&read(path)?).map_err(|error| {
            let expected = "expected `repository`, `repository_id`, `owner_id`, `environment` and `subject`";
            WrongUse(format!("{}: got no facts ({error}), {expected}", path.display()))
        })?;
        return Ok(vec![Place { facts, workflow: "release.yml".to_owned() }]);
    }
    let files = LocalFiles { policy: options.policy.clone(), policies: None };
    let variables = person_variables(files).await.context("without `--facts`, GitHub is asked as the App")?;
    let limits = Limits::default();
    let github = GithubClient::new(variables.http.clone(), variables.api.clone(), limits);
    let Reading { app, policy, .. } = Sources::new(variables).read(Clock::system().now()).await;
    let (app, policy) = (app?, policy?);
    let mut named: Vec<(RepositoryName, EnvironmentName, String)> = Vec::new();
    for rule in &policy.rules {
        let wanted = options.repository.iter().filter(|name| rule.repositories.iter().any(|one| one.matches(name)));
        let own = rule.repositories.iter().filter_map(|pattern| match pattern {
            RepositoryPattern::One(name) if options.repository.is_none() => Some(name),
            RepositoryPattern::One(_) | RepositoryPattern::AllOf(_) => None,
        });
        for name in wanted.chain(own) {
            let place = (name.clone(), rule.environment.clone(), rule.workflow.clone());
            if !named.contains(&place) {
                named.push(place);
            }
        }
    }
    if named.is_empty() {
        bail!("got no repository to ask about, expected one in the policy's rules: name it with `--repository`");
    }
    let client = AppClient::new(&github, &app, Deadline::begin(&Clock::system(), limits.delivery));
    let mut places = Vec::new();
    for (repository, environment, workflow) in named {
        let installation = client.installation(&repository).await?;
        let installation =
            installation.ok_or_else(|| anyhow!("the App is not installed on {repository}: install it there"))?;
        let reader = RepositoryClient::new(&client, installation.id, RepositoryRef::Name(repository.clone()));
        let facts = trust_facts(&reader, &repository, &environment).await?;
        places.push(Place { facts, workflow: workflow.rsplit('/').next().unwrap_or_default().to_owned() });
    }
    Ok(places)
}

/// A file's text, or that of standard input.
pub(super) fn read(path: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    let shown = || path.display().to_string();
    let length = if path.as_os_str() == "-" {
        std::io::stdin().take(FILE_BYTES_MAX).read_to_end(&mut bytes).context("standard input")?
    } else {
        let file = std::fs::File::open(path).with_context(shown)?;
        file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).with_context(shown)?
    };
    if u64::try_from(length).is_ok_and(|length| length >= FILE_BYTES_MAX) {
        return Err(WrongUse(format!("{}: got {FILE_BYTES_MAX} bytes or more, expected a trust alone", shown())).into());
    }
    Ok(String::from_utf8(bytes)
        .map_err(|error| WrongUse(format!("{}: got text that is not UTF-8 ({error}), expected UTF-8", shown())))?)
}
