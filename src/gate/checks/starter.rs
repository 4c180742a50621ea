//! The check `starter`: who started the run, and may they?

use super::case::Case;
use super::history::History;
use crate::gate::check::{Check, Finding, Verdict};
use crate::model::{Account, AccountType, Login, listed, quoted, quoted_list};

/// Who started the run, and the attempts of it in which a gate may have run; or an attempt whose starter GitHub does not report.
pub(super) fn starters<'a>(case: &Case<'a>, histories: &[History<'_>]) -> Result<Vec<&'a Account>, u32> {
    let run = &case.evidence.run;
    let mut starters: Vec<&Account> = run.actor.iter().collect();
    for attempt in histories.iter().flat_map(History::attempts) {
        let triggering_actor = if Some(attempt) == run.attempt {
            run.triggering_actor.as_ref()
        } else {
            let earlier = case.evidence.earlier_attempts.iter().find(|earlier| earlier.attempt == attempt);
            earlier.and_then(|earlier| earlier.triggering_actor.as_ref())
        };
        let Some(account) = triggering_actor else {
            return Err(attempt);
        };
        if !starters.iter().any(|known| known.id == account.id) {
            starters.push(account);
        }
    }
    Ok(starters)
}

/// The finding for an attempt whose starter GitHub does not report.
pub(super) fn unknown_starter(attempt: u32) -> Finding {
    let got = format!("GitHub's answer lacks the `triggering_actor` of attempt {attempt}");
    Finding::new(Check::Starter, Verdict::Wait, got, "who started each attempt that ran a gate")
}

pub(super) fn starter(case: &Case<'_>, starters: &[&Account]) -> Finding {
    let may_start = |account: &Account| {
        account.account_type == AccountType::User
            || case.rule.self_approval
            || case.rule.starters.contains(&account.login)
    };
    let got = format!("started by {}", listed(starters.iter().map(|account| account_text(account))));
    let expected = if case.rule.starters.is_empty() {
        "a person (`starters` of the rule is empty)".to_owned()
    } else {
        format!("a person, or one of `starters`: {}", logins(&case.rule.starters))
    };
    match starters.iter().find(|account| !may_start(account)) {
        None => Finding::new(Check::Starter, Verdict::Pass, got, expected),
        Some(refused) => Finding::new(Check::Starter, Verdict::Fail, got, expected).because(format!(
            "{} {}, but is not in the rule's `starters`",
            account_text(refused),
            what_started(case, refused)
        )),
    }
}

/// What a starter of the run, or of an attempt that ran a gate, did.
pub(super) fn what_started(case: &Case<'_>, starter: &Account) -> &'static str {
    let is_actor = case.evidence.run.actor.as_ref().is_some_and(|actor| actor.id == starter.id);
    if is_actor { "started the run" } else { "re-ran the gate" }
}

pub(super) fn account_text(account: &Account) -> String {
    let login = quoted(account.login.as_str());
    match account.account_type {
        AccountType::User => login.to_string(),
        AccountType::Bot => format!("{login} (a bot)"),
        AccountType::Unknown => format!("{login} (not a person)"),
    }
}

pub(super) fn logins(logins: &[Login]) -> String {
    quoted_list(logins.iter().map(Login::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::tests::{World, bot, found};

    fn verdict(check: Check, change: impl FnOnce(&mut World)) -> Verdict {
        found(check, change).verdict
    }

    /// Carol re-ran all jobs of the run.
    fn rerun_by_carol(world: &mut World) {
        world.rerun_with_gate();
    }

    #[test]
    fn a_person_may_start_a_run() {
        let finding = found(Check::Starter, |_| {});
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Pass, "started by `alice`"));
    }

    #[test]
    fn a_bot_may_not_start_a_run() {
        let finding = found(Check::Starter, |world| world.facts.run.actor = Some(bot()));
        let reason = "`a-bot[bot]` (a bot) started the run, but is not in the rule's `starters`";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Fail, reason));
        assert_eq!(finding.got, "started by `a-bot[bot]` (a bot), `alice`");
    }

    #[test]
    fn a_bot_may_not_re_run_a_gate() {
        let finding = found(Check::Starter, |world| {
            rerun_by_carol(world);
            world.facts.run.triggering_actor = Some(bot());
        });
        let reason = "`a-bot[bot]` (a bot) re-ran the gate, but is not in the rule's `starters`";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Fail, reason));
    }

    #[test]
    fn a_bot_that_the_rule_names_may_start_a_run() {
        let finding = found(Check::Starter, |world| {
            world.policy += "starters = [\"A-bot[bot]\"]\n";
            world.facts.run.actor = Some(bot());
        });
        assert_eq!(finding.verdict, Verdict::Pass);
        assert_eq!(finding.expected, "a person, or one of `starters`: `A-bot[bot]`");
    }

    #[test]
    fn anyone_may_start_a_run_that_they_may_approve() {
        let passes = verdict(Check::Starter, |world| {
            world.policy += "self_approval = true\n";
            world.facts.run.actor = Some(bot());
        });
        assert_eq!(passes, Verdict::Pass);
    }

    #[test]
    fn an_attempt_that_nobody_is_known_to_have_started_waits() {
        let finding = found(Check::Starter, |world| {
            rerun_by_carol(world);
            world.facts.earlier_attempts.iter_mut().for_each(|attempt| attempt.triggering_actor = None);
        });
        let reason = "GitHub's answer lacks the `triggering_actor` of attempt 1";
        assert_eq!((finding.verdict, finding.reason.as_str()), (Verdict::Wait, reason));
    }
}
