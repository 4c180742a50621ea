//! A story with other data of its own: what would its policies in Rego see if `[data]` were another? Not here: how the story is played.

use serde_json::{Map, Value};

use super::recorded_policy::inline;
use super::story::Story;

impl Story {
    /// The same story, with this table `[data]` in its policy in TOML. A policy that is not TOML stays as it is.
    #[must_use]
    pub fn with_data(self, data: &Map<String, Value>) -> Self {
        let Ok(mut policy) = toml::from_str::<Map<String, Value>>(&self.policy) else { return self };
        policy.insert("data".to_owned(), Value::Object(data.clone()));
        let keys: Vec<String> = policy.iter().map(|(key, value)| format!("{key} = {}\n", inline(value))).collect();
        Self { policy: keys.concat(), ..self }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use serde_json::json;

    use super::*;
    use crate::gate::Policy;

    #[test]
    fn a_story_with_other_data_keeps_its_rules() {
        let story = Story::embedded().unwrap();
        let story =
            Story { policy: format!("{}\n[data]\nteams = {{ old = [] }}\nday = 2026-01-05\n", story.policy), ..story };
        let before = Policy::parse(&story.policy).unwrap();
        let data = json!({ "teams": { "sre": ["bob"] }, "text": "a \"b\"\n", "list": [1, 2.5, true] });
        let after = Policy::parse(&story.with_data(data.as_object().unwrap()).policy).unwrap();
        assert_eq!((after.rules, after.pause), (before.rules, before.pause));
        assert_eq!(Value::Object(after.data), data);
    }

    #[test]
    fn a_story_whose_policy_is_not_toml_stays_as_it_is() {
        let story = Story { policy: "[[rule]\n".to_owned(), ..Story::embedded().unwrap() };
        assert_eq!(story.with_data(&Map::new()).policy, "[[rule]\n");
    }
}
