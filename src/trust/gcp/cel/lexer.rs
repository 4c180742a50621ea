//! The words of a CEL expression. Not here: their order.

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    Name(String),
    Text(String),
    Number(i64),
    Sign(&'static str),
}

/// The signs, longer ones first.
const SIGNS: [&str; 24] = [
    "==", "!=", "<=", ">=", "&&", "||", "(", ")", "[", "]", "{", "}", ".", ",", ":", "?", "!", "<", ">", "+", "-", "*",
    "/", "%",
];
/// How many digits each escape of a character's number has, and their base.
const NUMBERED: [(char, usize, u32); 4] = [('x', 2, 16), ('X', 2, 16), ('u', 4, 16), ('U', 8, 16)];

/// All words of the text. What is not one, such as bytes or a number with a point, is an error with its reason
/// (<https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax>).
pub(super) fn words(text: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if let Some(comment) = rest.strip_prefix("//") {
            rest = comment.split_once('\n').map_or("", |(_, after)| after).trim_start();
            continue;
        }
        let (word, after) = word(rest)?;
        words.push(word);
        rest = after.trim_start();
    }
    Ok(words)
}

fn word(text: &str) -> Result<(Word, &str), String> {
    if let Some(after) = text.strip_prefix(['\'', '"']) {
        return quoted(text, after, Escapes::Read);
    }
    if let Some(after) = text.strip_prefix(['r', 'R']).filter(|after| after.starts_with(['\'', '"'])) {
        return quoted(after, after.strip_prefix(['\'', '"']).unwrap_or(after), Escapes::Raw);
    }
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        return number(text);
    }
    if text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
        let (name, after) = split_while(text, |character| character.is_ascii_alphanumeric() || character == '_');
        if after.starts_with(['\'', '"']) {
            return Err(format!("the text after `{name}` is of a kind that is not evaluated; write plain text"));
        }
        return Ok((Word::Name(name.to_owned()), after));
    }
    let sign = SIGNS.iter().find_map(|sign| text.strip_prefix(sign).map(|after| (Word::Sign(sign), after)));
    sign.ok_or_else(|| {
        format!("the expression has `{}`, which is not of CEL", text.chars().take(20).collect::<String>())
    })
}

fn number(text: &str) -> Result<(Word, &str), String> {
    let (digits, after) = split_while(text, |character| character.is_ascii_alphanumeric() || character == '.');
    let number = digits.parse().map_err(|_| format!("the number `{digits}` is not evaluated; write a whole number"))?;
    Ok((Word::Number(number), after))
}

fn split_while(text: &str, accepts: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|character| !accepts(character)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    Read,
    Raw,
}

/// A text, from its first quote on; three quotes let it run over lines.
fn quoted<'a>(text: &'a str, after: &'a str, escapes: Escapes) -> Result<(Word, &'a str), String> {
    let long = ["'''", "\"\"\""].into_iter().find(|quotes| text.starts_with(quotes));
    let short = if text.starts_with('\'') { "'" } else { "\"" };
    let quotes = long.unwrap_or(short);
    let mut rest = long.and_then(|quotes| text.strip_prefix(quotes)).unwrap_or(after);
    let mut value = String::new();
    loop {
        if let Some(after) = rest.strip_prefix(quotes) {
            return Ok((Word::Text(value), after));
        }
        let mut characters = rest.chars();
        match characters.next() {
            None => return Err("a text has no end; close its quote".to_owned()),
            Some('\n' | '\r') if long.is_none() => {
                return Err("a text runs over the end of its line; close its quote".to_owned());
            }
            Some('\\') if escapes == Escapes::Read => {
                let (character, after) = escaped(characters.as_str())?;
                value.push(character);
                rest = after;
            }
            Some('\\') if escapes == Escapes::Raw && characters.as_str().starts_with(quotes) => {
                return Err(
                    "a raw text has an escaped quote, which is not evaluated; write the text otherwise".to_owned()
                );
            }
            Some(character) => {
                value.push(character);
                rest = characters.as_str();
            }
        }
    }
}

/// The character of an escape, from behind its backslash on.
fn escaped(text: &str) -> Result<(char, &str), String> {
    let wrong = || format!("the escape `\\{}` is not of CEL", text.chars().take(3).collect::<String>());
    let mut characters = text.chars();
    let first = characters.next().ok_or_else(wrong)?;
    if let Some((_, digits, base)) = NUMBERED.iter().find(|(letter, ..)| *letter == first) {
        return numbered(characters.as_str(), *digits, *base).ok_or_else(wrong);
    }
    let character = match first {
        '0'..='3' => return numbered(text, 3, 8).ok_or_else(wrong),
        '\\' | '\'' | '"' | '`' | '?' => first,
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        _ => return Err(wrong()),
    };
    Ok((character, characters.as_str()))
}

fn numbered(text: &str, digits: usize, base: u32) -> Option<(char, &str)> {
    let (number, after) = text.split_at_checked(digits)?;
    let digits_only = number.chars().all(|character| character.is_digit(base));
    let character = u32::from_str_radix(number, base).ok().filter(|_| digits_only).and_then(char::from_u32)?;
    Some((character, after))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::{Word, words};

    fn text(source: &str) -> String {
        match words(source).unwrap().as_slice() {
            [Word::Text(text)] => text.clone(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn both_quotes_are_read() {
        assert_eq!((text("'a\"b'"), text("\"a'b\"")), ("a\"b".to_owned(), "a'b".to_owned()));
    }

    #[test]
    fn escapes_are_read() {
        assert_eq!(text(r"'\'\x41\u00e9\101\n\\'"), "'AéA\n\\");
    }

    #[test]
    fn raw_text_keeps_its_backslashes() {
        assert_eq!(text(r"r'a\.b'"), r"a\.b");
    }

    #[test]
    fn three_quotes_run_over_lines() {
        assert_eq!(text("'''a'\nb'''"), "a'\nb");
    }

    #[test]
    fn what_is_not_of_the_language_is_an_error() {
        for source in [
            "'a",
            "'a\nb'",
            r"'\q'",
            r"'\x4'",
            "b'a'",
            "1.5",
            "0x1f",
            "a = b",
            "'\\ud800'",
            "@",
            "é",
            "1u",
            r"'\400'",
            "\\",
        ] {
            assert!(words(source).is_err(), "{source}");
        }
    }

    #[test]
    fn comments_are_left_out() {
        assert_eq!(words("a // b\n == c").unwrap().len(), 3);
    }
}
