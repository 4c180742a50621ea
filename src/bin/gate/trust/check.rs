//! `gate trust --check` and `--role`: who gets in to what is configured.

use std::fmt::Write as _;
use std::path::Path;

use environment_gate::trust::{Answer, Entry, Token, TrustDocument, Verdict, entry_name, read, verdict};
use serde_json::{Map, Value, json};

use super::TrustOptions;
use super::facts::{self, Place};
use crate::output::{CommandAnswer, CommandOutput, WrongUse};
use crate::render::{BOLD, GREEN, RED, YELLOW};

/// Columns of a claim's name.
const CLAIM_COLUMNS: usize = 24;

/// Judges the trust in the files, or of the role.
pub(super) async fn check(options: &TrustOptions, place: &Place) -> anyhow::Result<CommandOutput> {
    let verdict = verdict(document(options).await?.as_ref(), &place.facts);
    let answer = if verdict.answer == Answer::OnlyTheGate { CommandAnswer::Yes } else { CommandAnswer::No };
    let text = if options.json { format!("{:#}\n", in_json(place, &verdict)) } else { in_words(place, &verdict)? };
    Ok(CommandOutput { text, answer })
}

/// Whether the token whose claims are in a file gets in.
pub(super) async fn check_token(options: &TrustOptions, path: &Path) -> anyhow::Result<CommandOutput> {
    let claims: Map<String, Value> = serde_json::from_str(&facts::read(path)?)
        .map_err(|error| WrongUse(format!("{}: got no claims ({error}), expected a JSON object", path.display())))?;
    let entry = document(options).await?.admits(&Token::new(claims));
    let (answer, style) = match entry {
        Entry::GetsIn => (CommandAnswer::Yes, GREEN),
        Entry::StaysOut => (CommandAnswer::No, RED),
        Entry::CannotTell(_) => (CommandAnswer::No, YELLOW),
    };
    let reason = if let Entry::CannotTell(why) = &entry { Some(why) } else { None };
    let name = entry_name(&entry);
    let text = if options.json {
        format!("{:#}\n", json!({ "verdict": name, "reason": reason }))
    } else {
        let reason = reason.map(|why| format!("  {why}\n")).unwrap_or_default();
        format!("{style}{name}{style:#}\n{reason}")
    };
    Ok(CommandOutput { text, answer })
}

/// The trust that is configured, read from all of the files together, or by IAM's answer.
async fn document(options: &TrustOptions) -> anyhow::Result<Box<dyn TrustDocument>> {
    if let Some(role) = &options.role {
        let policy = role.trust_policy().await?;
        return read(&[policy.as_str()]).map_err(|error| anyhow::anyhow!("{}: {error}", role.as_str()));
    }
    let texts = options.check.iter().map(|path| facts::read(path)).collect::<Result<Vec<_>, _>>()?;
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let names: Vec<String> = options.check.iter().map(|path| path.display().to_string()).collect();
    Ok(read(&texts).map_err(|error| WrongUse(format!("{}: {error}", names.join(", "))))?)
}

fn in_json(place: &Place, verdict: &Verdict) -> Value {
    json!({
        "verdict": verdict.as_str(),
        "repository": place.facts.repository,
        "environment": place.facts.environment,
        "reason": verdict.reason,
        "token": verdict.proof.as_ref().filter(|_| verdict.answer == Answer::MoreThanTheGate).map(Token::claims),
        "fix": verdict.mend,
        "notes": verdict.notes,
    })
}

fn in_words(place: &Place, verdict: &Verdict) -> Result<String, std::fmt::Error> {
    let style = match verdict.answer {
        Answer::OnlyTheGate => GREEN,
        Answer::MoreThanTheGate => RED,
        Answer::Nobody | Answer::CannotTell => YELLOW,
    };
    let mut text = String::new();
    writeln!(text, "{style}{}{style:#}  {}\n  {}", verdict.as_str(), place.name(), verdict.reason)?;
    if let (Answer::MoreThanTheGate, Some(token)) = (verdict.answer, &verdict.proof) {
        writeln!(text, "\nA token that gets in")?;
        for (name, value) in token.claims() {
            writeln!(
                text,
                "  {name:<CLAIM_COLUMNS$}  {}",
                value.as_str().map_or_else(|| value.to_string(), str::to_owned)
            )?;
        }
    }
    if !verdict.mend.is_empty() {
        writeln!(text, "\n{BOLD}Fix:{BOLD:#} {}", verdict.mend)?;
    }
    for note in &verdict.notes {
        writeln!(text, "\nNote: {note}")?;
    }
    Ok(text)
}
