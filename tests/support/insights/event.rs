//! A line of the log, and the fields that Logs Insights finds in it
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html>).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::value::Value;

/// A line, and when it was written.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) at: Timestamp,
    pub(crate) message: String,
}

impl Event {
    /// Its fields. In the log of a Lambda function, those of the first JSON in a line are found.
    pub(super) fn fields(&self) -> BTreeMap<String, Value> {
        let mut fields = BTreeMap::new();
        let json = self.message.find('{').and_then(|start| self.message.get(start..));
        let found = json.and_then(|json| serde_json::Deserializer::from_str(json).into_iter().next()?.ok());
        if let Some(found) = found {
            flatten("", &found, &mut fields);
        }
        fields.insert("@timestamp".to_owned(), Value::Time(self.at));
        fields.insert("@message".to_owned(), Value::Text(self.message.clone()));
        fields
    }
}

/// Names inside others come after a dot, and so do positions in a list.
fn flatten(name: &str, json: &Json, into: &mut BTreeMap<String, Value>) {
    let inside = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    let value = match json {
        Json::Null => return,
        Json::Object(object) => return object.iter().for_each(|(key, value)| flatten(&inside(key), value, into)),
        Json::Array(list) => {
            return list.iter().enumerate().for_each(|(at, value)| flatten(&inside(&at.to_string()), value, into));
        }
        Json::Bool(is_so) => Value::Text(is_so.to_string()),
        Json::Number(number) => Value::Number(number.as_f64().unwrap()),
        Json::String(text) => Value::Text(text.clone()),
    };
    into.insert(name.to_owned(), value);
}
