//! The table `[data]`.

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::rule::Policy;
use super::source::{PolicyError, Source};

/// What policies in Rego see; a date or a time as its text.
pub(super) fn json(value: toml::Value) -> Json {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(is_true) => is_true.into(),
        toml::Value::Datetime(instant) => instant.to_string().into(),
        toml::Value::Array(items) => items.into_iter().map(json).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, json(value))).collect(),
    }
}

impl Policy {
    /// The gate itself looks into `data.teams`, so it must be a table of lists of logins. Anything else in the table is the policies' own.
    ///
    /// # Errors
    /// What it is instead, with its line.
    pub fn examine_teams(&self) -> Result<(), PolicyError> {
        let source = Source(self.text());
        // It was read before.
        let Ok(root) = DeTable::parse(self.text()) else { return Ok(()) };
        let data = root.get_ref().get("data").and_then(|data| data.get_ref().as_table());
        let Some(teams) = data.and_then(|data| data.get("teams")) else { return Ok(()) };
        let refuse = |at: &Spanned<DeValue<'_>>, key: &str, expected: &str| {
            Err(source.error(&at.span(), key, format!("got {}, expected {expected}", kind(at.get_ref()))))
        };
        let Some(table) = teams.get_ref().as_table() else {
            return refuse(teams, "data.teams", "a table of teams, each with a list of logins");
        };
        for (team, members) in table {
            let key = format!("data.teams.{}", team.get_ref());
            let Some(list) = members.get_ref().as_array() else { return refuse(members, &key, "a list of logins") };
            if let Some(member) = list.iter().find(|member| !member.get_ref().is_str()) {
                return refuse(member, &key, "a login");
            }
        }
        Ok(())
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or a time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    fn examined(data: &str) -> Result<(), String> {
        let policy = Policy::parse(&format!("pause = true\n{data}\n")).unwrap();
        policy.examine_teams().map_err(|error| error.to_string())
    }

    #[test]
    fn teams_are_lists_of_logins() {
        for data in [
            "",
            "[data]\nteam = 1",
            "[data.teams]",
            "[data.teams]\nsre = [\"bob\", \"carol\"]\nnone = []",
            "data.teams.sre = []",
        ] {
            assert_eq!(examined(data), Ok(()), "{data}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_its_line() {
        let list = "a list of logins";
        for (data, line, key, got, expected) in [
            ("[data.teams]\nsre = \"bob\"", 3, ".sre", "a string", list),
            ("[data.teams]\nok = []\nsre = { bob = true }", 4, ".sre", "a table", list),
            ("[data.teams]\nsre = [\n\"bob\",\n1,\n]", 5, ".sre", "a number", "a login"),
            ("[data]\nteams = [\"bob\"]", 3, "", "a list", "a table of teams, each with a list of logins"),
        ] {
            let problem = format!("policy line {line}, `data.teams{key}`: got {got}, expected {expected}");
            assert_eq!(examined(data), Err(problem), "{data}");
        }
    }
}
