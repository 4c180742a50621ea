//! The URL at which the function takes deliveries: what `gate setup` accepts, `gate doctor` expects and the function answers.

use std::fmt;

use crate::model::ApiUrl;

/// The path of the function's webhook.
const PATH: &str = "/github/webhook";

/// A URL of the function's webhook: over `https`, or `http` on loopback, with at most one stage before the path (`https://host/prod/github/webhook`), which the function takes off. The host's case and a default port make no difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookUrl(ApiUrl);

impl WebhookUrl {
    /// Where the webhook of a new App leads until there is a function: a name that is reserved for examples (RFC 2606).
    pub const PLACEHOLDER: &str = "https://example.com/github/webhook";

    /// Reads a URL; `None` for one at which the function does not answer.
    pub fn parse(text: &str) -> Option<Self> {
        let base = text.strip_suffix(PATH).filter(|base| !base.ends_with('/'))?;
        let base = ApiUrl::parse(base).ok()?;
        let stages = base.base_path().matches('/').count();
        (stages <= 1).then_some(Self(base))
    }
}

impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(PATH))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_before_the_path_is_fine() {
        for text in [
            "https://abc.example.com/github/webhook",
            "https://abc.example.com/prod/github/webhook",
            "http://127.0.0.1:9123/github/webhook",
            WebhookUrl::PLACEHOLDER,
        ] {
            assert_eq!(WebhookUrl::parse(text).map(|url| url.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn where_the_function_does_not_answer_is_no_webhook() {
        for text in [
            "https://abc.example.com/a/b/github/webhook",
            "https://abc.example.com//github/webhook",
            "https://abc.example.com/github/webhook/",
            "https://abc.example.com/github/webhook?x=1",
            "https://abc.example.com/github",
            "https://abc.example.com",
            "http://abc.example.com/github/webhook",
            "/github/webhook",
            "",
        ] {
            assert_eq!(WebhookUrl::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_case_of_a_host_and_a_default_port_make_no_difference() {
        let plain = WebhookUrl::parse("https://abc.example.com/github/webhook");
        assert_eq!(WebhookUrl::parse("https://ABC.example.com:443/github/webhook"), plain);
        assert_ne!(WebhookUrl::parse("https://abc.example.com/prod/github/webhook"), plain);
    }
}
