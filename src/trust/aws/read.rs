//! A trust policy from text: the policy itself, or what `aws iam get-role` and CloudFormation wrap around it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::trust::strict::each_key_once;
use thiserror::Error;

use super::condition::Condition;
use super::policy::{Actions, Effect, Statement, TrustPolicy};
use super::principal::{Principal, Principals};
use super::value::Language;

/// The longest text that is read. IAM's own limit for a trust policy is 4,096 characters
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>); what the command line prints around it is longer.
pub const MAX_BYTES: usize = 100_000;

/// Why a text is not read as a trust policy.
#[derive(Debug, Error)]
pub enum AwsError {
    /// The text is too long.
    #[error("got {got} bytes; expected a trust policy of at most {MAX_BYTES}")]
    TooLong {
        /// The text's length in bytes.
        got: usize,
    },
    /// The text is not JSON, or has a key twice.
    #[error("expected the JSON of a trust policy, each key once")]
    Json(#[source] serde_json::Error),
    /// The text is URL-encoded, but not to UTF-8.
    #[error("expected URL-encoded UTF-8 text")]
    Encoding,
    /// The JSON is not an IAM trust policy, or one that IAM would not take.
    #[error("not an IAM trust policy: {0}")]
    Policy(String),
}

/// Reads a trust policy (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>), also within
/// `{"Role":{"AssumeRolePolicyDocument":…}}` as `aws iam get-role` prints it, within a CloudFormation role, and URL-encoded as the API returns it.
///
/// # Errors
/// The text is longer than [`MAX_BYTES`], is not JSON, has a key twice, or has an element that a trust policy does not have.
pub fn read(text: &str) -> Result<TrustPolicy, AwsError> {
    if text.len() > MAX_BYTES {
        return Err(AwsError::TooLong { got: text.len() });
    }
    policy(unwrapped(parsed(text)?, 0)?)
}

fn refused<T>(reason: impl Into<String>) -> Result<T, AwsError> {
    Err(AwsError::Policy(reason.into()))
}

fn parsed(text: &str) -> Result<Value, AwsError> {
    let text = text.trim();
    let encoded = text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("%7B"));
    let decoded = if encoded { decoded(text)? } else { text.to_owned() };
    each_key_once(&decoded).map_err(AwsError::Json)
}

fn decoded(text: &str) -> Result<String, AwsError> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next(), rest.next()].map(|digit| digit.and_then(hex));
        let [Some(high), Some(low)] = digits else { return Err(AwsError::Encoding) };
        bytes.push((high << 4) | low);
    }
    String::from_utf8(bytes).map_err(|_| AwsError::Encoding)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Elements around a policy, of which one stands at a time.
const WRAPPINGS: [&str; 3] = ["Role", "Properties", "AssumeRolePolicyDocument"];

/// What is within the wrappings.
fn unwrapped(value: Value, depth: usize) -> Result<Map<String, Value>, AwsError> {
    if depth > 4 {
        return refused("`AssumeRolePolicyDocument` is within itself");
    }
    let mut object = match value {
        Value::Object(object) => object,
        Value::String(text) => return unwrapped(parsed(&text)?, depth.saturating_add(1)),
        other => return refused(format!("got {}; expected an object with `Statement`", kind(&other))),
    };
    if object.contains_key("Statement") {
        return Ok(object);
    }
    if WRAPPINGS.iter().filter(|wrapping| object.contains_key(**wrapping)).count() > 1 {
        return refused("it has several of `Role`, `Properties` and `AssumeRolePolicyDocument` side by side; give one");
    }
    for wrapping in WRAPPINGS {
        if let Some(within) = object.remove(wrapping) {
            return unwrapped(within, depth.saturating_add(1));
        }
    }
    let keys: Vec<String> = object.keys().take(8).map(|key| format!("`{key}`")).collect();
    refused(format!(
        "got an object with {}; expected `Statement`",
        if keys.is_empty() { "no keys".to_owned() } else { keys.join(", ") }
    ))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn policy(mut object: Map<String, Value>) -> Result<TrustPolicy, AwsError> {
    let language = match object.remove("Version") {
        None => Language::V2008,
        Some(Value::String(version)) if version == "2008-10-17" => Language::V2008,
        Some(Value::String(version)) if version == "2012-10-17" => Language::V2012,
        Some(other) => return refused(format!("`Version` is `{other}`; expected \"2012-10-17\"")),
    };
    let statements = match object.remove("Statement") {
        Some(Value::Array(statements)) => statements,
        Some(statement @ Value::Object(_)) => vec![statement],
        _ => return refused("`Statement` is neither an object nor a list"),
    };
    object.remove("Id");
    if let Some(key) = object.keys().next() {
        return refused(format!("it has the element `{key}`; expected `Version`, `Id` and `Statement`"));
    }
    let statements = statements.into_iter().map(|value| statement(value, language)).collect::<Result<_, _>>()?;
    Ok(TrustPolicy { statements })
}

fn statement(value: Value, language: Language) -> Result<Statement, AwsError> {
    let Value::Object(mut object) = value else { return refused("a statement is not an object") };
    let effect = match object.remove("Effect").as_ref().and_then(Value::as_str) {
        Some("Allow") => Effect::Allow,
        Some("Deny") => Effect::Deny,
        other => return refused(format!("`Effect` is {other:?}; expected \"Allow\" or \"Deny\"")),
    };
    let principals = match (object.remove("Principal"), object.remove("NotPrincipal")) {
        (Some(value), None) => Principals::These(principals(value)?),
        (None, Some(_)) => Principals::AllBut,
        _ => return refused("a statement needs either `Principal` or `NotPrincipal`"),
    };
    let actions = match (object.remove("Action"), object.remove("NotAction")) {
        (Some(value), None) => Actions::These(texts(value, "Action")?),
        (None, Some(value)) => Actions::AllBut(texts(value, "NotAction")?),
        _ => return refused("a statement needs either `Action` or `NotAction`"),
    };
    let conditions = match object.remove("Condition") {
        None => Vec::new(),
        Some(value) => conditions(value, language)?,
    };
    match object.remove("Sid") {
        None | Some(Value::String(_)) => {}
        Some(other) => return refused(format!("`Sid` is {}; expected a string", kind(&other))),
    }
    if let Some(key) = object.keys().next() {
        return refused(format!("a statement has the element `{key}`, which a trust policy does not have"));
    }
    Ok(Statement { effect, principals, actions, conditions })
}

fn principals(value: Value) -> Result<Vec<Principal>, AwsError> {
    match value {
        Value::String(text) if text == "*" => Ok(vec![Principal::Everybody]),
        Value::Object(object) => {
            let mut all = Vec::new();
            for (sort, value) in object {
                if !matches!(sort.as_str(), "AWS" | "Federated" | "Service" | "CanonicalUser") {
                    return refused(format!("`Principal` has `{sort}`; expected `AWS`, `Federated` or `Service`"));
                }
                all.extend(texts(value, &sort)?.iter().map(|name| Principal::new(&sort, name)));
            }
            Ok(all)
        }
        other => refused(format!("`Principal` is {}; expected an object or \"*\"", kind(&other))),
    }
}

fn conditions(value: Value, language: Language) -> Result<Vec<Condition>, AwsError> {
    let Value::Object(operators) = value else { return refused("`Condition` is not an object") };
    let mut all = Vec::new();
    for (operator, keys) in operators {
        let Value::Object(keys) = keys else {
            return refused(format!("`{operator}` is {}; expected an object of condition keys", kind(&keys)));
        };
        let mut seen = BTreeSet::new();
        for (key, values) in keys {
            if !seen.insert(key.to_ascii_lowercase()) {
                return refused(format!(
                    "`{operator}` has the key `{key}` twice, in other case; keys have no case: remove one of the two"
                ));
            }
            all.push(Condition::new(&operator, &key, &scalars(values, &key)?, language));
        }
    }
    Ok(all)
}

fn texts(value: Value, name: &str) -> Result<Vec<String>, AwsError> {
    let text = |value: Value| match value {
        Value::String(text) => Ok(text),
        other => refused(format!("`{name}` has {}; expected strings", kind(&other))),
    };
    match value {
        Value::Array(values) => values.into_iter().map(text).collect(),
        one => Ok(vec![text(one)?]),
    }
}

/// Values of a condition: IAM takes numbers and booleans for their text.
fn scalars(value: Value, key: &str) -> Result<Vec<String>, AwsError> {
    let text = |value: Value| match value {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(boolean) => Ok(boolean.to_string()),
        other => refused(format!("`{key}` is compared with {}; expected strings", kind(&other))),
    };
    match value {
        Value::Array(values) => values.into_iter().map(text).collect(),
        one => Ok(vec![text(one)?]),
    }
}
