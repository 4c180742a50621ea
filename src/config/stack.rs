//! The deployed stack, asked where its webhook is: CloudFormation's `DescribeStacks`
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html>).

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::ExposeSecret as _;

use super::aws::said;
use super::variables::AwsVariables;
use crate::transport::Connections;

/// The output of the template that is asked for.
const OUTPUT: &str = "WebhookUrl";
/// Time for the one call.
const TIME_MAX: Duration = Duration::from_secs(10);

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
    let request = request(aws, stack, now).map_err(error)?;
    let mut request: reqwest::Request = request.try_into().map_err(|problem| error(said(&problem)))?;
    *request.timeout_mut() = Some(TIME_MAX);
    let answer = http.pool().client().execute(request).await.map_err(|problem| error(said(&problem.without_url())))?;
    let status = answer.status();
    let text = answer.text().await.map_err(|problem| error(said(&problem.without_url())))?;
    if !status.is_success() {
        let why = between(&text, "<Message>", "</Message>").unwrap_or("nothing");
        return Err(error(format!("got {status}, AWS says {}", crate::model::quoted(why))));
    }
    let outputs = text.split("<member>").filter(|member| member.contains(&format!("<OutputKey>{OUTPUT}</OutputKey>")));
    let mut values = outputs.filter_map(|member| between(member, "<OutputValue>", "</OutputValue>"));
    values
        .next()
        .map(|value| value.replace("&amp;", "&"))
        .ok_or_else(|| error(format!("got no output `{OUTPUT}`, expected the one of this project's template")))
}

/// The request, signed.
fn request(aws: &AwsVariables, stack: &str, now: Timestamp) -> Result<http::Request<Vec<u8>>, String> {
    let url = aws.endpoint.clone().unwrap_or_else(|| format!("https://cloudformation.{}.amazonaws.com", aws.region));
    let url = format!("{}/", url.trim_end_matches('/'));
    let name = utf8_percent_encode(stack, NON_ALPHANUMERIC);
    let body = format!("Action=DescribeStacks&Version=2010-05-15&StackName={name}").into_bytes();
    let content_type = ("content-type", "application/x-www-form-urlencoded");
    let session = aws.session_token.as_ref().map(|token| token.expose_secret().to_owned());
    let (id, secret) = &aws.access_key;
    let identity = Credentials::new(id.as_str(), secret.expose_secret(), session, None, "the environment").into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(&aws.region)
        .name("cloudformation")
        .time(SystemTime::from(now))
        .settings(SigningSettings::default())
        .build()
        .map_err(|problem| said(&problem))?
        .into();
    let signable = SignableRequest::new("POST", &url, std::iter::once(content_type), SignableBody::Bytes(&body))
        .map_err(|problem| said(&problem))?;
    let (instructions, _) = sign(signable, &parameters).map_err(|problem| said(&problem))?.into_parts();
    let mut request = http::Request::post(&url)
        .header(content_type.0, content_type.1)
        .body(body)
        .map_err(|problem| said(&problem))?;
    instructions.apply_to_request_http1x(&mut request);
    Ok(request)
}

fn between<'t>(text: &'t str, before: &str, behind: &str) -> Option<&'t str> {
    text.split_once(before)?.1.split_once(behind).map(|(value, _)| value)
}
