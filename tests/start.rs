//! A function that cannot start says in one line which setting is wrong, and no secret.

use secrecy::ExposeSecret as _;

use crate::support::fixtures;
use crate::support::function::Files;
use crate::support::lambda::Lambda;

/// Variables, and what is said of them.
type Case<'a> = (Vec<(&'a str, String)>, Vec<&'a str>);

async fn fails(variables: &[(&str, &str)]) -> String {
    let mut lambda = Lambda::start(variables).await;
    assert!(!lambda.end().await.success(), "it started");
    lambda.log()
}

#[tokio::test]
async fn what_is_wrong_is_said_with_the_variables_name() {
    let player = fixtures::player();
    let files = Files::new(player, "[[rule]]\nrepositories = [\"octo-org/widgets\"]\nrefs = [\"*\"]\n");
    let good_policy = Files::new(player, "[[rule]]\nrepositories = [\"octo-org/widgets\"]\nrefs = [\"main\"]\n");
    let (policy, key, bad_policy) =
        (good_policy.path("policy.toml"), good_policy.path("key.pem"), files.path("policy.toml"));
    let nowhere = files.path("nothing.pem");
    let empty = files.path("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let no_switch = files.path("no-switch.toml");
    std::fs::write(&no_switch, "pause = True\n").unwrap();
    let good = [
        ("APP_ID", "123456"),
        ("WEBHOOK_SECRET", "a-very-secret-thing"),
        ("POLICY_FILE", &policy),
        ("PRIVATE_KEY_FILE", &key),
    ];
    let with = |name: &'static str, value: &str| {
        let mut variables: Vec<(&str, String)> =
            good.iter().map(|(name, value)| (*name, (*value).to_owned())).filter(|(other, _)| *other != name).collect();
        variables.push((name, value.to_owned()));
        variables
    };
    let without = |name: &str| {
        good.iter()
            .filter(|(other, _)| *other != name)
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect::<Vec<_>>()
    };
    let mut two_places = without("PRIVATE_KEY_FILE");
    two_places.extend([("PRIVATE_KEY_SECRET", "a-name".to_owned()), ("PRIVATE_KEY_KMS_KEY", "alias/gate".to_owned())]);
    let cases: Vec<Case<'_>> = vec![
        (without("APP_ID"), vec!["APP_ID_PARAMETER", "APP_ID"]),
        (without("WEBHOOK_SECRET"), vec!["WEBHOOK_SECRET_PARAMETER"]),
        (without("POLICY_FILE"), vec!["POLICY_PARAMETER"]),
        (without("PRIVATE_KEY_FILE"), vec!["PRIVATE_KEY_SECRET", "PRIVATE_KEY_KMS_KEY", "PRIVATE_KEY_FILE"]),
        (two_places, vec!["PRIVATE_KEY_KMS_KEY", "PRIVATE_KEY_SECRET", "expected one of them"]),
        (with("APP_ID", "not an id"), vec!["APP_ID", "not an App id"]),
        (with("WEBHOOK_SECRET", " \n "), vec!["WEBHOOK_SECRET", "empty"]),
        (with("POLICY_FILE", &bad_policy), vec!["POLICY_FILE", "line 3", "rule.refs"]),
        (with("POLICY_FILE", &nowhere), vec!["POLICY_FILE", "nothing.pem"]),
        (
            with("WEBHOOK_SECRET", "a-very-secret-thing\n# a-very-secret-thing"),
            vec!["WEBHOOK_SECRET", "comment", "line 2"],
        ),
        (with("WEBHOOK_SECRET", "short"), vec!["WEBHOOK_SECRET", "too short", "line 1 (length 5)", "16 to 256"]),
        (with("POLICY_FILE", &no_switch), vec!["POLICY_FILE", "policy line 1"]),
        (with("PRIVATE_KEY_FILE", &policy), vec!["PRIVATE_KEY_FILE", "text that is not PEM", "store the file"]),
        (with("PRIVATE_KEY_FILE", &empty), vec!["PRIVATE_KEY_FILE", "got nothing", "store the file"]),
        (with("PRIVATE_KEY_FILE", &nowhere), vec!["PRIVATE_KEY_FILE", "nothing.pem"]),
        (with("GITHUB_API_URL", "http://github.example"), vec!["GITHUB_API_URL", "https"]),
        (with("GITHUB_API_URL", "https://user@github.example"), vec!["GITHUB_API_URL"]),
        (with("GITHUB_API_URL", ""), vec!["GITHUB_API_URL", "empty"]),
        (with("SSL_CERT_FILE", &nowhere), vec!["SSL_CERT_FILE", "nothing.pem"]),
        (with("SSL_CERT_FILE", &empty), vec!["SSL_CERT_FILE", "no certificate"]),
        (with("SSL_CERT_FILE", &policy), vec!["SSL_CERT_FILE", "certificate"]),
    ];
    for (variables, wanted) in cases {
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let log = fails(&variables).await;
        let lines: Vec<&str> = log.lines().collect();
        assert_eq!(lines.len(), 1, "{variables:?}: {log}");
        for part in wanted {
            assert!(log.contains(part), "{variables:?}: got {log}, expected {part} in it");
        }
        assert!(!log.contains("a-very-secret-thing"), "{log}");
        assert!(!log.contains(player.app().1.expose_secret()), "{log}");
    }
}
