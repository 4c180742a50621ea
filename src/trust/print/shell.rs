//! Words of a POSIX shell (<https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02>).

/// A word that the shell takes as exactly this text: plain ones as they are, others between single quotes, within which only `'` must be written otherwise.
pub(super) fn word(text: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./:@%+".contains(character);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// An option with its value, in one word, so that a value that begins with `-` is a value.
pub(super) fn option(name: &str, value: &str) -> String {
    word(&format!("{name}={value}")).replacen(&format!("'{name}="), &format!("{name}='"), 1)
}

/// A command: each argument on a line of its own.
pub(super) fn command(start: &str, arguments: &[String]) -> String {
    std::iter::once(start.to_owned()).chain(arguments.iter().cloned()).collect::<Vec<_>>().join(" \\\n  ")
}
