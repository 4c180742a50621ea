//! `gate trust`: what to configure so that a cloud lets in the gate alone, and who else gets in to what is configured. Not here: how a trust is evaluated,
//! which is the library's.

mod check;
mod facts;
mod print;

use std::path::PathBuf;

use environment_gate::model::RepositoryName;

use crate::output::{CommandOutput, WrongUse};
use crate::role::RoleArn;
use crate::values;

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("configured").args(["check", "role"])))]
pub(crate) struct TrustOptions {
    /// Print what to configure at this provider, for each rule of the policy
    #[arg(value_enum, required_unless_present = "configured", conflicts_with_all = ["configured", "token", "json"])]
    provider: Option<Provider>,
    /// Show who gets in by the trust in these files, as the provider's own command prints it; `-` is standard input
    #[arg(long, value_name = "FILE", num_args = 1.., value_parser = values::file_or_stdin)]
    check: Vec<PathBuf>,
    /// Show who gets in by the trust of this role, which IAM is asked for
    #[arg(long, value_name = "ARN", value_parser = RoleArn::parse)]
    role: Option<RoleArn>,
    /// Show whether one token gets in, whose claims are in this file as JSON
    #[arg(long, value_name = "FILE", requires = "configured", value_parser = values::file_or_stdin)]
    token: Option<PathBuf>,
    /// What GitHub would be asked, as JSON, for work offline: `repository`, `repository_id`, `owner_id`, `environment`, `subject`
    #[arg(long, value_name = "FILE", value_parser = values::file_or_stdin)]
    facts: Option<PathBuf>,
    /// The policy, instead of the function's
    #[arg(long, value_name = "FILE", conflicts_with = "facts", value_parser = values::file)]
    policy: Option<PathBuf>,
    /// Only this repository of the policy
    #[arg(long, value_name = "OWNER/NAME", conflicts_with = "facts", value_parser = values::repository)]
    repository: Option<RepositoryName>,
    /// For npm and crates.io, the package to publish
    #[arg(long, value_name = "NAME")]
    package: Option<String>,
    /// For Vault, the audience that the jobs ask for
    #[arg(long, value_name = "AUDIENCE", default_value = "vault")]
    audience: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Where a trust is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Provider {
    /// An IAM role of AWS
    Aws,
    /// A workload identity pool of Google Cloud
    Gcp,
    /// A federated credential of Microsoft Entra
    Azure,
    /// A role of Vault
    Vault,
    /// A trusted publisher of npm
    Npm,
    /// A trusted publisher of the Python Package Index
    Pypi,
    /// A trusted publisher of crates.io
    CratesIo,
}

/// Prints or checks. The answer is no if anybody but the gate gets in, or if that cannot be told.
pub(crate) async fn trust(options: TrustOptions) -> anyhow::Result<CommandOutput> {
    if let Some(token) = &options.token {
        // Whoever holds it: who that is does not matter.
        return check::check_token(&options, token).await;
    }
    let places = facts::places(&options).await?;
    if let Some(provider) = options.provider {
        return print::print(provider, &options, &places);
    }
    let [place] = places.as_slice() else {
        let names: Vec<String> = places.iter().map(facts::Place::name).collect();
        let got = format!("the policy has several gated environments ({})", names.join(", "));
        return Err(WrongUse(format!("{got}: name one with `--repository`, or give `--facts`")).into());
    };
    check::check(&options, place).await
}
