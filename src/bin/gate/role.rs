//! A role of IAM and its trust policy. Not here: who gets in by it.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow, bail};
use environment_gate::config::{aws_for_person, aws_problem, http_from_env};

use crate::values;

/// A role by its ARN, `arn:aws:iam::ACCOUNT:role/PATH/NAME`.
#[derive(Debug, Clone)]
pub(crate) struct RoleArn(String);

/// Where a trust is configured.
#[derive(Debug, Clone)]
pub(crate) enum TrustSource {
    /// A file, as the provider's own command prints it.
    File(PathBuf),
    /// A role, which IAM is asked for.
    Role(RoleArn),
}

impl RoleArn {
    /// For `clap`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let expected = || "expected the ARN of a role, `arn:aws:iam::123456789012:role/NAME`".to_owned();
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, "iam", "", account, resource] = parts.as_slice() else { return Err(expected()) };
        let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        let name = resource.strip_prefix("role/").and_then(|path| path.rsplit('/').next());
        let is_role = partition.starts_with("aws") && is_account && name.is_some_and(|name| !name.is_empty());
        if is_role { Ok(Self(text.to_owned())) } else { Err(expected()) }
    }

    fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The ARN.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads its trust policy, with the credentials of whoever runs `gate`.
    pub(crate) async fn trust_policy(&self) -> anyhow::Result<String> {
        let aws = aws_for_person(&http_from_env()?).await?;
        let asked = aws_sdk_iam::Client::new(&aws).get_role().role_name(self.name()).send().await;
        let asked = asked.map_err(|error| anyhow!(aws_problem(&error)));
        let asked = asked.with_context(|| {
            format!("`{}` (with the right `iam:GetRole`, or give what `aws iam get-role` prints to `--check`)", self.0)
        })?;
        let role = asked.role.with_context(|| format!("`{}`: got an answer of IAM without a role", self.0))?;
        // The call names no account: it finds a role of that name in the account of the credentials.
        if role.arn != self.0 {
            bail!(
                "got `{}`, expected `{}`: use credentials of that account, and the role's whole path",
                role.arn,
                self.0
            );
        }
        let document = role.assume_role_policy_document.context("got a role without a trust policy")?;
        // IAM encodes it as in a URL (RFC 3986).
        let document = percent_encoding::percent_decode_str(&document).decode_utf8();
        Ok(document.context("the role's trust policy is not UTF-8")?.into_owned())
    }
}

impl TrustSource {
    /// For `clap`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with("arn:") { RoleArn::parse(text).map(Self::Role) } else { values::file(text).map(Self::File) }
    }

    /// What is configured there, as text.
    pub(crate) async fn read(&self) -> anyhow::Result<String> {
        match self {
            Self::File(path) => std::fs::read_to_string(path).with_context(|| path.display().to_string()),
            Self::Role(role) => role.trust_policy().await,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    #[test]
    fn a_role_is_named_by_its_arn() {
        for (arn, name) in [
            ("arn:aws:iam::123456789012:role/release", "release"),
            ("arn:aws-us-gov:iam::123456789012:role/teams/widgets/release", "release"),
        ] {
            assert_eq!(RoleArn::parse(arn).unwrap().name(), name);
        }
    }

    #[test]
    fn other_arns_are_refused() {
        for arn in [
            "release",
            "arn:aws:iam::123456789012:user/release",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::1234:role/release",
            "arn:aws:iam:us-east-1:123456789012:role/release",
            "arn:aws:sts::123456789012:assumed-role/release/session",
        ] {
            assert!(RoleArn::parse(arn).is_err(), "{arn}");
        }
    }
}
