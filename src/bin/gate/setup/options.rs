//! What `gate setup` is asked to do.

use std::net::SocketAddr;
use std::path::PathBuf;

use environment_gate::doctor::WebhookUrl;

use crate::values;

#[derive(clap::Args)]
pub(crate) struct SetupOptions {
    /// The policy to store, in TOML; needed until there is one in AWS
    #[arg(long, value_name = "FILE", value_parser = values::file)]
    pub(super) policy: Option<PathBuf>,
    /// A folder of policies in Rego to store, each as a parameter of its own
    #[arg(long, value_name = "DIR", value_parser = values::folder)]
    pub(super) policies: Option<PathBuf>,
    /// The organization that will own the App; by default, whoever presses the button
    #[arg(long, value_name = "ORGANIZATION", value_parser = values::owner)]
    pub(super) owner: Option<String>,
    /// The App's name, at most 34 characters and unique on GitHub; you can still change it on the page
    #[arg(long, value_parser = values::app_name)]
    pub(super) name: Option<String>,
    /// The deployed stack whose webhook the App should call
    #[arg(long, value_name = "STACK", conflicts_with = "webhook_url")]
    pub(super) stack: Option<String>,
    /// The webhook URL that the App should call, if it does not come from `--stack`
    #[arg(long, value_name = "URL", value_parser = values::webhook_url)]
    pub(super) webhook_url: Option<WebhookUrl>,
    /// The prefix of the names in AWS, unless one of the function's variables says otherwise
    #[arg(long, default_value = "environment-gate", value_parser = values::prefix)]
    pub(super) prefix: String,
    /// Keep the App's key in KMS, which signs with it, under this alias (`alias/environment-gate`); by default it is a secret in Secrets Manager
    #[arg(long, value_name = "ALIAS", value_parser = values::kms_alias)]
    pub(super) kms: Option<String>,
    /// A key that GitHub generated for the App that is there: import it as a new KMS key, and point the alias at that
    #[arg(long, value_name = "FILE", requires = "kms", conflicts_with = "save", value_parser = values::file)]
    pub(super) private_key: Option<PathBuf>,
    /// Also keep the App's id, secret and key in this folder, readable by you alone; a later run uses them
    #[arg(long, value_name = "DIR")]
    pub(super) save: Option<PathBuf>,
    /// The loopback address on which to serve the page for the browser; port 0 picks a free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = values::loopback)]
    pub(super) listen: SocketAddr,
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}
