//! The trust policy that admits the gate alone, and a CloudFormation template with a role that has it.

use std::collections::BTreeMap;

use serde::Serialize;
use thiserror::Error;

use super::principal::Principal;
use super::read;
use crate::trust::{Answer, Facts, Subject, escaped, verdict};

/// The audience that `aws-actions/configure-aws-credentials` asks for.
const AUDIENCE: &str = "sts.amazonaws.com";

/// Why nothing is printed.
#[derive(Debug, Error)]
pub enum PrintError {
    /// A name has a character that IAM does not take in a policy.
    #[error(
        "the {what} `{name}` has the character {character:?}, which an IAM policy cannot have; rename it with characters from U+0020 to U+00FF"
    )]
    Character {
        /// Whose name it is.
        what: &'static str,
        /// The name.
        name: String,
        /// The character.
        character: char,
    },
    /// A name is not one that GitHub gives.
    #[error("the {what} is `{name}`; expected {expected}")]
    Name {
        /// Whose name it is.
        what: &'static str,
        /// The name.
        name: String,
        /// What is expected.
        expected: &'static str,
    },
    /// The provider is not GitHub's.
    #[error(
        "the provider is `{got}`; expected `arn:aws:iam::ACCOUNT:oidc-provider/token.actions.githubusercontent.com`"
    )]
    Provider {
        /// What was given.
        got: String,
    },
    /// The policy would not admit the gate alone.
    #[error("no policy admits the gate alone: {reason}")]
    NotAlone {
        /// Why.
        reason: String,
    },
    /// The policy could not be written as JSON.
    #[error("the policy could not be written")]
    Json(#[from] serde_json::Error),
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Policy<'a> {
    version: &'a str,
    statement: [Statement<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement<'a> {
    effect: &'a str,
    principal: BTreeMap<&'a str, &'a str>,
    action: &'a str,
    condition: &'a Conditions,
}

type Conditions = BTreeMap<&'static str, BTreeMap<String, String>>;

/// The trust policy, as JSON, of a role that only the gate may assume: exact `aud`, `sub`, `repository_id` and `environment`.
/// Where the form of `sub` has claims that a workflow chooses, these are `*`, and `repository_id` and `environment` bind.
///
/// `provider` is the ARN of GitHub's provider in the account.
///
/// # Errors
/// A name cannot stand in a policy, the provider is not GitHub's, or the policy, judged like any other, would not admit the gate alone.
pub fn trust_policy(facts: &Facts, provider: &str) -> Result<String, PrintError> {
    let Principal::GitHub { enterprise } = Principal::new("Federated", provider) else {
        return Err(PrintError::Provider { got: provider.to_owned() });
    };
    let host = enterprise.map_or_else(|| super::HOST.to_owned(), |name| format!("{}/{name}", super::HOST));
    let conditions = conditions(facts, &host)?;
    let statement = Statement {
        effect: "Allow",
        principal: BTreeMap::from([("Federated", provider)]),
        action: "sts:AssumeRoleWithWebIdentity",
        condition: &conditions,
    };
    let text = serde_json::to_string_pretty(&Policy { version: "2012-10-17", statement: [statement] })?;
    alone(&text, facts)?;
    Ok(text)
}

/// A CloudFormation template, as YAML: the provider, unless the parameter `ExistingProviderArn` names one, and a role that only the gate may assume
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html>). What the role may do is left to add.
///
/// # Errors
/// As [`trust_policy`].
pub fn cloudformation(facts: &Facts) -> Result<String, PrintError> {
    trust_policy(facts, &format!("arn:aws:iam::111122223333:oidc-provider/{}", super::HOST))?;
    let mut lines: Vec<String> = Vec::new();
    for (operator, keys) in conditions(facts, super::HOST)? {
        lines.push(format!("              {operator}:"));
        for (key, value) in keys {
            lines.push(format!("                {key}: {}", serde_json::to_string(&value)?));
        }
    }
    let description =
        serde_json::to_string(&format!("A role for {}, environment {}", facts.repository, facts.environment))?;
    Ok(template(&description, &lines.join("\n")))
}

fn template(description: &str, conditions: &str) -> String {
    let host = super::HOST;
    format!(
        r#"AWSTemplateFormatVersion: "2010-09-09"
Description: {description}
Parameters:
  ExistingProviderArn:
    Type: String
    Default: ""
    AllowedPattern: "(arn:aws[a-z-]*:iam::[0-9]{{12}}:oidc-provider/token[.]actions[.]githubusercontent[.]com)?"
    Description: The ARN of the provider of GitHub's tokens, if this account has it already. An account has at most one.
Conditions:
  CreatesProvider: !Equals [!Ref ExistingProviderArn, ""]
Resources:
  Provider:
    Type: AWS::IAM::OIDCProvider
    Condition: CreatesProvider
    Properties:
      Url: https://{host}
      ClientIdList:
        - {AUDIENCE}
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal:
              Federated: !If [CreatesProvider, !Ref Provider, !Ref ExistingProviderArn]
            Action: sts:AssumeRoleWithWebIdentity
            Condition:
{conditions}
Outputs:
  RoleArn:
    Value: !GetAtt Role.Arn
"#
    )
}

fn conditions(facts: &Facts, host: &str) -> Result<Conditions, PrintError> {
    named(facts)?;
    let key = |claim: &str| format!("{host}:{claim}");
    let mut equals = BTreeMap::from([
        (key("aud"), AUDIENCE.to_owned()),
        (key("environment"), plain(&facts.environment)),
        (key("repository_id"), facts.repository_id.to_string()),
    ]);
    let (fixed, sub) = sub(facts);
    let mut conditions = Conditions::new();
    if fixed {
        equals.insert(key("sub"), sub);
    } else {
        conditions.insert("StringLike", BTreeMap::from([(key("sub"), sub)]));
    }
    conditions.insert("StringEquals", equals);
    Ok(conditions)
}

/// The gate's `sub`: exact, or as a pattern if a workflow chooses some of it.
fn sub(facts: &Facts) -> (bool, String) {
    let (owner, name) = facts.repository.split_once('/').unwrap_or((&facts.repository, ""));
    let environment = escaped(&facts.environment);
    let context = format!("environment:{environment}");
    let keys = match &facts.subject {
        Subject::Default => return (true, plain(&format!("repo:{}:{context}", facts.repository))),
        Subject::Immutable => {
            let (owner_id, id) = (facts.owner_id, facts.repository_id);
            return (true, plain(&format!("repo:{owner}@{owner_id}/{name}@{id}:{context}")));
        }
        Subject::Keys(keys) => keys,
    };
    let pieces: Vec<Option<String>> = keys
        .iter()
        .map(|key| match key.as_str() {
            "repo" | "repository" => Some(format!("{key}:{}", facts.repository)),
            "context" => Some(context.clone()),
            "environment" => Some(format!("environment:{environment}")),
            "repository_id" => Some(format!("repository_id:{}", facts.repository_id)),
            "repository_owner" => Some(format!("repository_owner:{owner}")),
            "repository_owner_id" => Some(format!("repository_owner_id:{}", facts.owner_id)),
            _ => None,
        })
        .collect();
    let fixed = pieces.iter().all(Option::is_some);
    let written = |(piece, key): (Option<String>, &String)| match piece {
        Some(text) if fixed => plain(&text),
        Some(text) => unread(&text),
        None => format!("{key}:*"),
    };
    let written: Vec<String> = pieces.into_iter().zip(keys).map(written).collect();
    (fixed, written.join(":"))
}

/// Text in which nothing is a policy variable.
fn plain(text: &str) -> String {
    text.replace("${", "${$}{")
}

/// Text in which nothing is a wildcard either.
fn unread(text: &str) -> String {
    let escape = |character: char| match character {
        '*' | '?' | '$' => format!("${{{character}}}"),
        other => other.to_string(),
    };
    text.chars().map(escape).collect()
}

/// IAM takes only these characters in a policy (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAssumeRolePolicy.html>).
fn named(facts: &Facts) -> Result<(), PrintError> {
    let outside = |character: &char| !matches!(character, '\u{20}'..='\u{7e}' | '\u{a0}'..='\u{ff}');
    for (what, name) in [("environment", &facts.environment), ("repository", &facts.repository)] {
        if let Some(character) = name.chars().find(outside) {
            return Err(PrintError::Character { what, name: name.clone(), character });
        }
    }
    let named = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    let repository = facts.repository.split_once('/').is_some_and(|(owner, name)| named(owner) && named(name));
    if !repository {
        let (name, expected) = (facts.repository.clone(), "`OWNER/NAME` of letters, digits, `-`, `_` and `.`");
        return Err(PrintError::Name { what: "repository", name, expected });
    }
    if facts.environment.is_empty() || facts.environment.chars().count() > 255 {
        let (name, expected) = (facts.environment.clone(), "1 to 255 characters");
        return Err(PrintError::Name { what: "environment", name, expected });
    }
    Ok(())
}

/// What is printed is judged like any other policy first.
fn alone(text: &str, facts: &Facts) -> Result<(), PrintError> {
    let policy = read(text).map_err(|error| PrintError::NotAlone { reason: error.to_string() })?;
    let verdict = verdict(&policy, facts);
    match verdict.answer {
        Answer::OnlyTheGate => Ok(()),
        _ => Err(PrintError::NotAlone { reason: verdict.reason }),
    }
}
