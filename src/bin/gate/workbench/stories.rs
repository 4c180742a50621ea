//! Recorded evaluations from stories: each is played as the function would decide it. Not here: which stories.

use std::sync::Arc;

use environment_gate::gate::rego::{PolicyType, RegoPolicy};
use environment_gate::gate::{Finding, Policy, RegoReport};
use environment_gate::outcome::Outcome;
use environment_gate::world::{Player, Story};

use super::record::{Config, EvaluationOutcome, Record, Unreadable};

/// Plays a story, and takes what policies of each type see, and what came of the story's own.
pub(super) async fn records(player: &Player, source: &str, story: &Story) -> Result<Vec<Record>, Unreadable> {
    let unreadable = |reason: &str| Unreadable::new(source, reason);
    let inputs = player.policy_inputs(story, false).await.map_err(|error| unreadable(&error.to_string()))?;
    let outcome = &inputs.played.report.outcome;
    let config = Policy::parse(&story.policy)
        .map(|policy| Config::new(policy.data))
        .map_err(|error| unreadable(&error.to_string()))?;
    let mut records = Vec::new();
    for policy_type in PolicyType::ALL {
        let Some(input) = inputs.of(policy_type) else { continue };
        let blank = || Record {
            source: source.to_owned(),
            claim: Some(story.claim.clone()),
            policy: None,
            policy_type,
            text: None,
            outcome: None,
            input: input.clone(),
            config: Arc::clone(&config),
        };
        let asked = asked(outcome, story, policy_type, &config);
        if asked.is_empty() {
            records.push(blank());
        }
        records.extend(asked.into_iter().map(|(name, outcome)| {
            let text = story.policies.get(&name).cloned();
            Record { text, policy: Some(name), outcome: Some(outcome), ..blank() }
        }));
    }
    if records.is_empty() {
        return Err(unreadable(&format!("no policy is asked: {}: {}", outcome.name(), outcome.reason())));
    }
    Ok(records)
}

/// The story's own policies of this type that were asked, and what came of them.
fn asked(
    outcome: &Outcome,
    story: &Story,
    policy_type: PolicyType,
    config: &Config,
) -> Vec<(String, EvaluationOutcome)> {
    let failed = |name: &str| {
        outcome.rego().is_some_and(|RegoReport { errors, .. }| errors.iter().any(|error| error.policy == name))
    };
    let found = |finding: &Finding| {
        let name = finding.policy.clone()?;
        let policy = RegoPolicy::parse(&name, story.policies.get(&name)?, config).ok()?;
        let came = if failed(&name) { EvaluationOutcome::Error } else { EvaluationOutcome::Verdict(finding.verdict) };
        (policy.policy_type() == policy_type).then_some((name, came))
    };
    outcome.findings().iter().filter_map(found).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

    use environment_gate::gate::Verdict;
    use environment_gate::github::Limits;

    use super::*;

    const DENIES: &str =
        "package p\n\ndeny[\"not on Mondays\"] { time.weekday(input.request.timestamp_ns) == \"Monday\" }\n";
    const FAILS: &str = "package p\n\ndeny[\"x\"] { 1 / (input.run.attempt - 1) == 1 }\n";

    async fn records(change: impl FnOnce(&mut Story)) -> Result<Vec<Record>, Unreadable> {
        let mut story = Story::embedded().unwrap();
        change(&mut story);
        super::records(&Player::new(Limits::default()).unwrap(), "story", &story).await
    }

    fn with_policy(story: &mut Story, text: &str) {
        story.policy = format!("{}\n[data.teams]\nsre = [\"bob\"]\n", story.policy)
            .replace("[[rule]]", "[[rule]]\npolicies = [\"p\"]");
        story.policies.insert("p".to_owned(), text.to_owned());
    }

    #[tokio::test]
    async fn a_story_without_policies_has_an_input_for_each_type() {
        let records = records(|_| {}).await.unwrap();
        assert_eq!(records.iter().map(|record| record.policy_type).collect::<Vec<_>>(), PolicyType::ALL);
        for Record { policy, text, outcome, input, .. } in records {
            assert_eq!((policy, text, outcome), (None, None, None));
            assert!(!input.as_json().to_string().contains("probe"), "{input:?}");
            assert_eq!(input.as_json()["run"]["id"], 9001);
        }
    }

    #[tokio::test]
    async fn what_came_of_a_storys_own_policy_is_kept() {
        let records = records(|story| with_policy(story, DENIES)).await.unwrap();
        let own: Vec<&Record> = records.iter().filter(|record| record.policy.is_some()).collect();
        assert_eq!((own.len(), own[0].policy_type), (1, PolicyType::Initialization));
        assert_eq!(
            (own[0].outcome, own[0].text.as_deref()),
            (Some(EvaluationOutcome::Verdict(Verdict::Fail)), Some(DENIES))
        );
        assert_eq!(own[0].config["teams"]["sre"][0], "bob");
        let approval = records.iter().find(|record| record.policy_type == PolicyType::Approval).unwrap();
        let checks = approval.input.as_json()["checks"].as_array().unwrap();
        assert_eq!(checks.iter().filter(|check| check["id"] == "policy").count(), 1, "its own alone");
    }

    #[tokio::test]
    async fn a_policy_that_failed_is_an_error() {
        let records = records(|story| with_policy(story, FAILS)).await.unwrap();
        assert!(records.iter().any(|record| record.outcome == Some(EvaluationOutcome::Error)), "{records:?}");
    }

    #[tokio::test]
    async fn a_story_that_asks_no_policy_says_why() {
        let why = records(|story| story.policy = "pause = true\n".to_owned()).await.unwrap_err();
        assert_eq!(why.reason, "no policy is asked: deferred: the policy says `pause = true`");
    }
}
