//! The values of arguments: an invalid one is refused before a command begins.

use std::net::SocketAddr;
use std::path::PathBuf;

use environment_gate::doctor::WebhookUrl;
use environment_gate::model::{EnvironmentName, InvalidName, RepositoryName};
use jiff::Timestamp;

/// Characters of an App's name on GitHub.
pub(crate) const APP_NAME_CHARS_MAX: usize = 34;
/// Characters of an alias in KMS, which has 256 with `alias/`.
const KMS_ALIAS_CHARS_MAX: usize = 250;

/// A file that exists.
pub(crate) fn file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match path.metadata() {
        Ok(found) if found.is_dir() => Err("got a folder, expected a file".to_owned()),
        Ok(_) => Ok(path),
        Err(error) => Err(error.to_string()),
    }
}

/// A file that exists, or `-` for standard input.
pub(crate) fn file_or_stdin(text: &str) -> Result<PathBuf, String> {
    if text == "-" { Ok(PathBuf::from(text)) } else { file(text) }
}

/// The folder of a story.
pub(crate) fn story(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.join("story.toml").is_file() {
        return Ok(path);
    }
    Err("got a folder without `story.toml`, expected a story's folder".to_owned())
}

/// A folder.
pub(crate) fn folder(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match path.metadata() {
        Ok(found) if found.is_dir() => Ok(path),
        Ok(_) => Err("got a file, expected a folder".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// A folder that does not exist yet.
pub(crate) fn new_folder(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.exists() { Err("exists already, expected a new folder".to_owned()) } else { Ok(path) }
}

pub(crate) fn environment(text: &str) -> Result<EnvironmentName, InvalidName> {
    EnvironmentName::parse(text)
}

pub(crate) fn repository(text: &str) -> Result<RepositoryName, InvalidName> {
    RepositoryName::parse(text)
}

/// The login of an organization.
pub(crate) fn owner(text: &str) -> Result<String, InvalidName> {
    RepositoryName::new(text, "any").map(|name| name.owner().to_owned())
}

pub(crate) fn app_name(text: &str) -> Result<String, String> {
    match text.chars().count() {
        1..=APP_NAME_CHARS_MAX => Ok(text.to_owned()),
        chars => Err(format!("got {chars} characters, expected 1 to {APP_NAME_CHARS_MAX}")),
    }
}

/// The prefix of the settings' names in AWS.
pub(crate) fn prefix(text: &str) -> Result<String, String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'/');
    if !text.trim_matches('/').is_empty() && text.bytes().all(fits) {
        return Ok(text.to_owned());
    }
    Err("expected letters, digits, `.`, `-`, `_` and `/`".to_owned())
}

/// The URL of the function's webhook: over TLS, or on loopback.
pub(crate) fn webhook_url(text: &str) -> Result<WebhookUrl, String> {
    WebhookUrl::parse(text)
        .ok_or_else(|| "expected `https://…/github/webhook`, with at most one stage before it".to_owned())
}

/// Any URL that HTTP can reach.
pub(crate) fn http_url(text: &str) -> Result<String, String> {
    let is_http = |url: &url::Url| matches!(url.scheme(), "http" | "https");
    match url::Url::parse(text).ok().filter(is_http) {
        Some(_) => Ok(text.to_owned()),
        None => Err("expected an `http` or `https` URL".to_owned()),
    }
}

pub(crate) fn loopback(text: &str) -> Result<SocketAddr, String> {
    match text.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() => Ok(address),
        _ => Err("expected a loopback address with a port, such as `127.0.0.1:9124`".to_owned()),
    }
}

/// An alias of a KMS key, which may leave out `alias/` (<https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html>).
pub(crate) fn kms_alias(text: &str) -> Result<String, String> {
    let name = text.strip_prefix("alias/").unwrap_or(text);
    let fits = (1..=KMS_ALIAS_CHARS_MAX).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-'))
        && !name.starts_with("aws/");
    if !fits {
        return Err(format!(
            "expected an alias of 1 to {KMS_ALIAS_CHARS_MAX} letters, digits, `/`, `_` and `-`, such as `alias/environment-gate`"
        ));
    }
    Ok(format!("alias/{name}"))
}

pub(crate) fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "expected an instant such as `2026-01-05T10:15:00Z`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_listens_on_loopback_only() {
        assert!(loopback("127.0.0.1:0").is_ok() && loopback("[::1]:80").is_ok());
        for bad in ["0.0.0.0:0", "192.0.2.1:80", "[::]:80", "127.0.0.1", "localhost:80", ""] {
            assert!(loopback(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_webhook_has_the_functions_path_over_tls() {
        assert!(webhook_url("https://abc.example.com/github/webhook").is_ok());
        assert!(webhook_url("http://127.0.0.1:9123/github/webhook").is_ok());
        assert!(webhook_url("https://abc.example.com/prod/github/webhook").is_ok());
        for bad in [
            "https://abc.example.com/a/b/github/webhook",
            "http://example.com/github/webhook",
            "https://example.com",
            "https://example.com/webhook",
            "",
            "/github/webhook",
        ] {
            assert!(webhook_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_apps_name_has_1_to_34_characters() {
        assert!(app_name(&"ä".repeat(34)).is_ok() && app_name("x").is_ok());
        assert!(app_name("").is_err() && app_name(&"x".repeat(35)).is_err());
    }

    #[test]
    fn an_alias_may_leave_out_what_every_alias_begins_with() {
        assert_eq!(kms_alias("team/gate").as_deref(), Ok("alias/team/gate"));
        assert_eq!(kms_alias("alias/gate").as_deref(), Ok("alias/gate"));
        let long = "x".repeat(251);
        for bad in ["", "alias/", "a b", "alias/aws/ssm", "arn:aws:kms:us-east-1:123456789012:alias/gate", &long] {
            assert!(kms_alias(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_prefix_is_made_of_what_names_in_aws_may_have() {
        assert!(prefix("environment-gate").is_ok() && prefix("/team/gate").is_ok());
        assert!(prefix("").is_err() && prefix("/").is_err() && prefix("a b").is_err());
    }

    #[test]
    fn a_url_is_one_of_http() {
        assert!(http_url("http://127.0.0.1:9123/github/webhook").is_ok());
        assert!(http_url("ftp://127.0.0.1").is_err() && http_url("nonsense").is_err());
    }

    #[test]
    fn what_does_not_exist_is_not_a_file() {
        assert!(file("Cargo.toml").is_ok() && file("src").is_err() && file("nowhere").is_err());
        assert!(new_folder("nowhere").is_ok() && new_folder("src").is_err());
        assert!(story("src").is_err());
    }
}
