//! The deployed stack, asked where its webhook is: CloudFormation's `DescribeStacks`
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html>).

use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::aws::{Aws, Service, between};
use super::variables::AwsVariables;
use crate::causes::with_causes;
use crate::transport::Connections;

/// The output of the template that is asked for.
const OUTPUT: &str = "WebhookUrl";

/// The stack's webhook URL.
///
/// # Errors
/// No such stack, one without that output, or no leave to ask.
pub async fn webhook_url_of_stack(
    http: &Connections,
    aws: &AwsVariables,
    (stack, now): (&str, Timestamp),
) -> Result<String, String> {
    let error = |problem: String| format!("the stack `{stack}`: {problem}");
    let name = utf8_percent_encode(stack, NON_ALPHANUMERIC);
    let body = format!("Action=DescribeStacks&Version=2010-05-15&StackName={name}");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let aws = Aws::new(http, aws);
    let answer = aws.send((Service::CloudFormation, &headers), body.as_bytes(), now).await;
    let answer = answer.map_err(|problem| error(with_causes(&problem)))?;
    let text = String::from_utf8_lossy(&answer);
    let outputs = text.split("<member>").filter(|member| member.contains(&format!("<OutputKey>{OUTPUT}</OutputKey>")));
    let mut values = outputs.filter_map(|member| between(member, "<OutputValue>", "</OutputValue>"));
    values
        .next()
        .map(|value| value.replace("&amp;", "&"))
        .ok_or_else(|| error(format!("got no output `{OUTPUT}`, expected the one of this project's template")))
}
