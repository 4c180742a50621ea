//! A query, cut into tokens. Comments are gone.

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name or a word of the language: `@timestamp`, `stats`.
    Word(String),
    /// A text, without its quotes.
    Text(String),
    Number(f64),
    /// `1d`.
    Period(String),
    /// `(`, `|`, `!=`.
    Sign(&'static str),
}

const SIGNS: [&str; 9] = ["!=", "=", "(", ")", "[", "]", ",", "|", "*"];

/// Cuts a query into tokens.
pub(super) fn tokens(query: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = query.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '#' => {
                rest = rest.trim_start_matches(|c| c != '\n').trim_start();
                continue;
            }
            '"' => text(rest)?,
            c if c.is_ascii_digit() => {
                let (word, after) = while_it_is(rest, |c| c.is_ascii_alphanumeric());
                (word.parse().map_or_else(|_| Token::Period(word.to_owned()), Token::Number), after)
            }
            c if c.is_ascii_alphabetic() || c == '@' => {
                // Other names would need backticks.
                let (word, after) = while_it_is(rest, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '@'));
                (Token::Word(word.to_owned()), after)
            }
            other => {
                let sign = SIGNS.into_iter().find_map(|sign| Some((Token::Sign(sign), rest.strip_prefix(sign)?)));
                sign.ok_or_else(|| format!("got `{other}`, expected a sign that is known here"))?
            }
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

/// The text in quotes with which this begins, and what follows it.
fn text(rest: &str) -> Result<(Token, &str), String> {
    let inside = rest.strip_prefix('"').and_then(|rest| rest.split_once('"'));
    match inside {
        Some((text, after)) if !text.contains(['\\', '\n']) => Ok((Token::Text(text.to_owned()), after)),
        _ => Err(format!("got `{rest}`, expected a text of one line without escapes")),
    }
}

/// What belongs together, and what follows it.
fn while_it_is(rest: &str, is_part: impl Fn(char) -> bool) -> (&str, &str) {
    rest.split_at(rest.find(|c| !is_part(c)).unwrap_or(rest.len()))
}
