//! Files of a trust: which provider wrote them, and what they say.

use serde_json::Value;

use super::aws;
use super::azure::AzureTrust;
use super::document::TrustDocument;
use super::fields::kind;
use super::gcp::GcpTrust;
use super::npm::NpmTrust;
use super::strict::strict;
use super::unreadable::Unreadable;
use super::vault::VaultTrust;

/// Who wrote a trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// A trust policy of an IAM role.
    Aws,
    /// Federated identity credentials.
    Azure,
    /// A provider of a workload identity pool, and policies.
    Gcp,
    /// Trusted publishers of npm.
    Npm,
    /// A role of Vault's JWT auth method.
    Vault,
}

/// The fields of which each one is a provider's sign.
const SIGNS: [(Provider, &[&str]); 5] = [
    (Provider::Aws, &["Statement", "AssumeRolePolicyDocument", "Role", "Properties"]),
    (Provider::Azure, &["issuer", "claimsMatchingExpression", "audiences", "subject"]),
    (Provider::Gcp, &["attributeMapping", "attributeCondition", "oidc", "bindings", "provider"]),
    (Provider::Vault, &["bound_audiences", "bound_claims", "bound_subject", "role_type", "user_claim"]),
    (Provider::Npm, &["file", "claims", "workflow", "workflow_filename", "workflow_ref", "permissions"]),
];
/// What to do with a file that no provider wrote.
const FIX: &str = "give what one of these prints as JSON: `aws iam get-role`, `az ad app federated-credential list`, `gcloud iam workload-identity-pools providers describe`, `vault read auth/jwt/role/NAME`, `npm trust list`";

impl Provider {
    /// The provider's name: `aws`, `azure`, `gcp`, `npm` or `vault`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Azure => "azure",
            Self::Gcp => "gcp",
            Self::Npm => "npm",
            Self::Vault => "vault",
        }
    }
}

/// Reads the texts of one or several files as a trust. Several are read for Google Cloud alone: a provider and the policies of service accounts.
/// At fault is text that is longer than 100,000 bytes, not JSON, JSON with a key twice or nested very deeply, and what no provider or several wrote.
pub fn read(files: &[&str]) -> Result<Box<dyn TrustDocument>, Unreadable> {
    if let [file] = files
        && is_encoded(file)
    {
        return aws(file);
    }
    let values: Vec<Value> = files.iter().map(|file| strict(file)).collect::<Result<_, _>>()?;
    let providers: Vec<Provider> = values.iter().map(detect).collect::<Result<_, _>>()?;
    match (files, values.as_slice(), providers.as_slice()) {
        ([], ..) => Err(Unreadable::new("no file", "one or several", FIX)),
        (_, values, [Provider::Gcp, rest @ ..]) if rest.iter().all(|provider| *provider == Provider::Gcp) => {
            Ok(Box::new(GcpTrust::parse(values)?))
        }
        ([file], _, [Provider::Aws]) => aws(file),
        (_, [value], [Provider::Azure]) => Ok(Box::new(AzureTrust::parse(value)?)),
        (_, [value], [Provider::Npm]) => Ok(Box::new(NpmTrust::parse(value)?)),
        (_, [value], [Provider::Vault]) => Ok(Box::new(VaultTrust::parse(value)?)),
        (_, _, providers) => {
            let names: Vec<&str> = providers.iter().map(|provider| provider.as_str()).collect();
            Err(Unreadable::new(
                format!("several files, of {}", names.join(", ")),
                "one file, or a provider of Google Cloud with policies",
                "check each file by itself",
            ))
        }
    }
}

/// Which provider wrote a value, by the names of its fields, also in a list (`[…]`, Graph's `value`) or within `data` (Vault) and `properties` (Azure).
pub fn detect(value: &Value) -> Result<Provider, Unreadable> {
    let first = |value: &'_ Value| {
        value.as_array().map_or_else(|| value.clone(), |list| list.first().cloned().unwrap_or_default())
    };
    let one = first(value.get("value").unwrap_or(value));
    let inner = ["data", "properties"].iter().find_map(|name| one.get(name).filter(|inner| inner.is_object()));
    let has = |name: &&str| one.get(name).is_some() || inner.is_some_and(|inner| inner.get(name).is_some());
    let signs = SIGNS.iter().filter(|(_, signs)| signs.iter().any(has));
    let found: Vec<Provider> = signs.map(|(provider, _)| *provider).collect();
    match found.as_slice() {
        [provider] => Ok(*provider),
        [] if value.as_str().is_some_and(|text| text.contains("Statement")) => Ok(Provider::Aws),
        [] if one.get("type").is_some() && value.is_array() => Ok(Provider::Npm),
        [] => Err(Unreadable::new(unknown(&one), "a trust of AWS, Azure, Google Cloud, Vault or npm", FIX)),
        several => {
            let names: Vec<&str> = several.iter().map(|provider| provider.as_str()).collect();
            Err(Unreadable::new(format!("fields of {}", names.join(" and ")), "the fields of one provider", FIX))
        }
    }
}

fn unknown(value: &Value) -> String {
    match value.as_object() {
        None => kind(value).to_owned(),
        Some(object) => {
            let names: Vec<String> =
                object.keys().take(6).map(|name| format!("`{}`", name.chars().take(40).collect::<String>())).collect();
            format!("an object with {}", if names.is_empty() { "no fields".to_owned() } else { names.join(", ") })
        }
    }
}

/// Whether a text is a policy as AWS's API returns it.
fn is_encoded(text: &str) -> bool {
    text.trim_start().get(..3).is_some_and(|start| start.eq_ignore_ascii_case("%7b"))
}

fn aws(text: &str) -> Result<Box<dyn TrustDocument>, Unreadable> {
    let policy = aws::read(text).map_err(|error| {
        let cause = std::error::Error::source(&error).map(|source| format!(" ({source})")).unwrap_or_default();
        Unreadable::new(
            format!("a file that cannot be read: {error}{cause}"),
            "the trust policy of an IAM role",
            "give what `aws iam get-role --role-name NAME` prints",
        )
    })?;
    Ok(Box::new(policy))
}

#[cfg(test)]
mod tests;
