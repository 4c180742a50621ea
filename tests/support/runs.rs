//! One story after the other, each with a run of its own: a process that has just reviewed a run would ask less of the same one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use environment_gate::world::{AnswerSource, Answers, Canned, Living, Story};
use serde_json::Value;

/// The run of all stories.
const RUN: u64 = 9001;

/// The same with another run, as a number and in URLs.
pub(crate) fn with_run(value: &Value, run: u64) -> Value {
    match value {
        Value::Number(number) if number.as_u64() == Some(RUN) => run.into(),
        Value::String(text) => text.replace(&RUN.to_string(), &run.to_string()).into(),
        Value::Array(items) => items.iter().map(|item| with_run(item, run)).collect(),
        Value::Object(fields) => fields.iter().map(|(name, field)| (name.clone(), with_run(field, run))).collect(),
        other => other.clone(),
    }
}

/// A GitHub that plays one story after the other, and takes its time for each call.
pub(crate) struct Stage {
    latency: Duration,
    playing: Arc<Mutex<Playing>>,
}

#[derive(Default)]
struct Playing {
    answers: Answers,
    counts: BTreeMap<String, usize>,
}

impl Stage {
    pub(crate) fn new(latency: Duration) -> Self {
        Self { latency, playing: Arc::default() }
    }

    /// The answers, for a fake to give; `story` says which token is given out.
    pub(crate) fn source(&self, story: &Story) -> AnswerSource {
        let (playing, latency) = (Arc::clone(&self.playing), self.latency);
        let token = story.answers["access_tokens"][0].body.as_ref().unwrap()["token"].as_str().unwrap().to_owned();
        let living: Living = Arc::new(move |asked| {
            let Playing { answers, counts } = &mut *playing.lock().unwrap();
            let count = counts.entry(asked.name.clone()).or_default();
            let canned = answers.get(&asked.name).and_then(|canned| canned.get(*count).or(canned.last()));
            *count += 1;
            let canned = canned.cloned().unwrap_or_else(|| Canned { status: 500, ..Canned::default() });
            Box::pin(async move {
                if !latency.is_zero() {
                    tokio::time::sleep(latency).await;
                }
                canned
            })
        });
        AnswerSource::Living(living, token)
    }

    /// From now on this story is played, with this run. How many calls it took is told by the next one.
    pub(crate) fn play(&self, story: &Story, run: u64) {
        let mut answers = story.answers.clone();
        for body in answers.values_mut().flatten().filter_map(|canned| canned.body.as_mut()) {
            *body = with_run(body, run);
        }
        *self.playing.lock().unwrap() = Playing { answers, counts: BTreeMap::new() };
    }

    /// Calls since the present story began.
    pub(crate) fn calls(&self) -> usize {
        self.playing.lock().unwrap().counts.values().sum()
    }
}
