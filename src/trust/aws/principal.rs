//! Who a statement is about (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>).

use super::HOST;
use crate::trust::{Entry, Token};

/// Who a statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Principals {
    These(Vec<Principal>),
    /// `NotPrincipal`: who is left is not understood.
    AllBut,
}

/// One principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Principal {
    /// `*`, and `AWS: *`, which AWS takes for the same.
    Everybody,
    /// GitHub's provider; with an enterprise's name, that enterprise's issuer.
    GitHub { enterprise: Option<String> },
    /// Accounts, users and roles.
    Aws(String),
    /// Another provider of identities.
    Federated(String),
    /// A service of AWS, or a canonical user.
    Service(String),
}

/// Calls of STS by which a role is assumed (<https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html>).
pub(super) const WEB_IDENTITY: &str = "sts:AssumeRoleWithWebIdentity";
const SAML: &str = "sts:AssumeRoleWithSAML";
pub(super) const CALLS: [&str; 3] = ["sts:AssumeRole", SAML, WEB_IDENTITY];

impl Principal {
    pub(super) fn new(sort: &str, name: &str) -> Self {
        let name = name.to_owned();
        match sort {
            "AWS" if name == "*" => Self::Everybody,
            "AWS" => Self::Aws(name),
            "Federated" => github(&name).unwrap_or(Self::Federated(name)),
            _ => Self::Service(name),
        }
    }

    /// The issuer of the tokens that this provider takes.
    pub(super) fn issuer(&self) -> Option<String> {
        match self {
            Self::GitHub { enterprise: None } => Some(format!("https://{HOST}")),
            Self::GitHub { enterprise: Some(name) } => Some(format!("https://{HOST}/{name}")),
            _ => None,
        }
    }

    /// Whether whoever comes with this token of GitHub's is this principal.
    fn is_bearer(&self, token: &Token) -> Entry {
        match self {
            Self::Everybody => Entry::GetsIn,
            Self::GitHub { .. } => Entry::from(self.issuer().as_deref() == token.text("iss")),
            Self::Federated(name) if name.to_ascii_lowercase().contains(HOST) || name.contains('*') => {
                Entry::CannotTell(format!("the principal `{name}` is not the ARN of GitHub's provider, but like it"))
            }
            Self::Aws(_) | Self::Federated(_) | Self::Service(_) => Entry::StaysOut,
        }
    }

    /// Whether somebody without a token of GitHub's is this principal when they make this call.
    fn is_another(&self, call: &str) -> Entry {
        let whoever = |name: &String| {
            Entry::CannotTell(format!("it also admits the principal `{name}`, who needs no token of GitHub's"))
        };
        match self {
            Self::Everybody => Entry::GetsIn,
            Self::GitHub { .. } => Entry::StaysOut,
            Self::Aws(_) if call == WEB_IDENTITY || call == SAML => Entry::StaysOut,
            Self::Federated(_) if call == "sts:AssumeRole" => Entry::StaysOut,
            Self::Aws(name) | Self::Federated(name) | Self::Service(name) => whoever(name),
        }
    }
}

impl Principals {
    pub(super) fn admit(&self, token: Option<&Token>, call: &str) -> Entry {
        let one = |principal: &Principal| match token {
            Some(token) => principal.is_bearer(token),
            None => principal.is_another(call),
        };
        match self {
            Self::These(all) => all.iter().fold(Entry::StaysOut, |so_far, principal| so_far.or(one(principal))),
            Self::AllBut => Entry::CannotTell("`NotPrincipal` is not understood".to_owned()),
        }
    }

    pub(super) fn each(&self) -> &[Principal] {
        match self {
            Self::These(all) => all,
            Self::AllBut => &[],
        }
    }
}

/// GitHub's provider from `arn:PARTITION:iam::ACCOUNT:oidc-provider/token.actions.githubusercontent.com`, also of an enterprise
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>).
fn github(arn: &str) -> Option<Principal> {
    let mut fields = arn.splitn(6, ':');
    let mut field = || fields.next().unwrap_or_default();
    let (arn, partition, service, region, account, resource) = (field(), field(), field(), field(), field(), field());
    let provider = resource.strip_prefix("oidc-provider/")?.strip_prefix(HOST)?;
    let of_iam = arn == "arn" && service == "iam" && region.is_empty();
    let known = partition == "aws" || partition.starts_with("aws-");
    let named = !account.is_empty() && account.chars().all(|digit| digit.is_ascii_digit());
    let slug = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let enterprise = match provider.strip_prefix('/') {
        None if provider.is_empty() => None,
        Some(name) if !name.is_empty() && name.chars().all(slug) => Some(name.to_owned()),
        _ => return None,
    };
    (of_iam && known && named).then_some(Principal::GitHub { enterprise })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    #[test]
    fn githubs_provider_is_known_in_every_partition() {
        for partition in ["aws", "aws-cn", "aws-us-gov"] {
            let arn = format!("arn:{partition}:iam::111122223333:oidc-provider/{HOST}");
            assert_eq!(Principal::new("Federated", &arn), Principal::GitHub { enterprise: None });
        }
        let arn = format!("arn:aws:iam::111122223333:oidc-provider/{HOST}/octo-enterprise");
        assert_eq!(Principal::new("Federated", &arn).issuer().unwrap(), format!("https://{HOST}/octo-enterprise"));
    }

    #[test]
    fn another_provider_is_not_githubs() {
        for name in [
            "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com.evil.example",
            "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com/",
            "arn:aws:iam::111122223333:oidc-provider/gitlab.com",
            "arn:aws:iam::*:oidc-provider/token.actions.githubusercontent.com",
            "arn:aws:s3::111122223333:oidc-provider/token.actions.githubusercontent.com",
            "accounts.google.com",
        ] {
            assert!(matches!(Principal::new("Federated", name), Principal::Federated(_)), "{name}");
        }
    }
}
