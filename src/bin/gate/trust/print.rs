//! `gate trust PROVIDER`: what to configure.

use std::fmt::Write as _;

use anyhow::Context as _;
use environment_gate::trust::print::{Printed, azure, azure_flexible, crates_io, gcp, npm, pypi, vault};
use environment_gate::trust::{Facts, aws};

use super::facts::Place;
use super::{Provider, TrustOptions};
use crate::output::{CommandAnswer, CommandOutput, WrongUse};

/// The account of the provider's ARN is the reader's to fill in.
const PROVIDER_ARN: &str = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";

/// One part for each gated environment. The answer is no if a provider cannot bind one of them.
pub(super) fn print(provider: Provider, options: &TrustOptions, places: &[Place]) -> anyhow::Result<CommandOutput> {
    let mut text = String::new();
    let mut answer = CommandAnswer::Yes;
    for place in places {
        match part(provider, options, place)? {
            Ok(part) => writeln!(text, "# {}\n{}\n", place.name(), part.trim_end())?,
            Err(refused) => {
                writeln!(text, "# {}\n# nothing to configure: {refused}\n", place.name())?;
                answer = CommandAnswer::No;
            }
        }
    }
    Ok(CommandOutput { text: text.trim_end().to_owned() + "\n", answer })
}

fn part(provider: Provider, options: &TrustOptions, place: &Place) -> anyhow::Result<Result<String, String>> {
    let facts = &place.facts;
    let workflow = &place.workflow;
    let package = || {
        options
            .package
            .as_deref()
            .context("name the package")
            .map_err(|error| WrongUse(format!("`--package`: {error}")))
    };
    Ok(match provider {
        Provider::Aws => aws_part(facts).map_err(|error| error.to_string()),
        Provider::Gcp => shown(gcp(facts)),
        Provider::Azure => azure_part(facts),
        Provider::Vault => shown(vault(facts, &options.audience)),
        Provider::Npm => shown(npm(facts, package()?, workflow)),
        Provider::Pypi => shown(pypi(facts, workflow)),
        Provider::CratesIo => shown(crates_io(facts, package()?, workflow)),
    })
}

fn shown<E: ToString>(printed: Result<Printed, E>) -> Result<String, String> {
    let Printed { text, notes, .. } = printed.map_err(|refused| refused.to_string())?;
    let notes = notes.into_iter().map(|note| format!("# {note}"));
    Ok(notes.chain([text]).collect::<Vec<_>>().join("\n"))
}

fn aws_part(facts: &Facts) -> Result<String, aws::PrintError> {
    let policy = aws::trust_policy(facts, PROVIDER_ARN)?;
    let template = aws::cloudformation(facts)?;
    Ok(format!(
        "# The role's trust policy, with your account's number:\n{}\n\n# Or as CloudFormation:\n{template}",
        policy.trim_end()
    ))
}

/// The classic form everywhere; the flexible one where a preview is wanted.
fn azure_part(facts: &Facts) -> Result<String, String> {
    let classic = shown(azure(facts))?;
    let flexible = shown(azure_flexible(facts)).unwrap_or_else(|refused| format!("# none: {refused}"));
    Ok(format!(
        "# A federated credential:\n{}\n\n# Or a flexible one, which also binds the repository's id:\n{flexible}",
        classic.trim_end()
    ))
}
