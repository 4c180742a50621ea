//! The deployed stack: where its webhook is.

use anyhow::{Context as _, anyhow};
use aws_config::SdkConfig;
use aws_sdk_cloudformation::types::Stack;
use environment_gate::config::aws_problem;
use environment_gate::doctor::WebhookUrl;

use crate::values;

/// The output of the template that holds the webhook's URL.
const OUTPUT: &str = "WebhookUrl";

/// The webhook's URL, from the stack's outputs.
pub(crate) async fn webhook_url(aws: &SdkConfig, name: &str) -> anyhow::Result<WebhookUrl> {
    output(aws, name).await.with_context(|| format!("the stack `{name}`"))
}

async fn output(aws: &SdkConfig, name: &str) -> anyhow::Result<WebhookUrl> {
    let client = aws_sdk_cloudformation::Client::new(aws);
    let described =
        client.describe_stacks().stack_name(name).send().await.map_err(|error| anyhow!(aws_problem(&error)))?;
    let outputs = described.stacks().iter().flat_map(Stack::outputs);
    let url = outputs.filter(|output| output.output_key() == Some(OUTPUT)).find_map(|output| output.output_value());
    let url = url.with_context(|| format!("got no output `{OUTPUT}`, expected a stack of this project's template"))?;
    values::webhook_url(url).map_err(|expected| anyhow!("got the webhook `{url}`, {expected}"))
}
