//! Which functions a policy may call. Not here: what they do, which is the library's.

use regorus::unstable::BUILTINS;

use super::{functions, spelling};

/// Functions that the library has and that policies may not call, and why: they look outside, are not the same each time, or could use up all memory.
const REFUSED: [(&str, &str); 17] = [
    ("time.now_ns", "it differs each time: use `input.request.timestamp_ns`"),
    ("rand.intn", "it differs each time: use `input.request.timestamp_ns`"),
    ("uuid.rfc4122", "it differs each time"),
    ("http.send", "a policy cannot look outside: what it may know is in `input` and `data.config`"),
    ("opa.runtime", "a policy cannot look outside: what it may know is in `input` and `data.config`"),
    ("net.lookup_ip_addr", "a policy cannot look outside: what it may know is in `input` and `data.config`"),
    ("rego.parse_module", "a policy cannot read policies"),
    ("rego.metadata.chain", "a policy cannot read policies"),
    ("rego.metadata.rule", "a policy cannot read policies"),
    ("trace", "it writes outside the decision: use `warn`"),
    ("exec", "policies run inside the function, where there is no command to run"),
    ("bits.lsh", "its result may take all memory"),
    ("net.cidr_expand", "its result may take all memory: use `net.cidr_contains`"),
    ("numbers.range_step", "its result may take all memory: use `numbers.range`"),
    ("graph.reachable_paths", "its result may take all memory"),
    ("test.sleep", "it waits"),
    ("yaml.unmarshal", "its result may take all memory: use `json.unmarshal`"),
];
/// A family of functions that no policy may call.
const REFUSED_FAMILY: (&str, &str) = ("io.jwt.", "tokens are verified by the rule's `signed`, not by a policy");

/// Arguments of functions that take any number.
const ANY: [&str; 1] = ["print"];

/// How many arguments a function takes; `None` for any number.
///
/// # Errors
/// Why a policy may not call it.
pub(super) fn arguments(name: &str) -> Result<Option<usize>, String> {
    arguments_beside(name, &[])
}

/// The same; the policy's own functions may have been meant, too.
pub(super) fn arguments_beside(name: &str, own: &[String]) -> Result<Option<usize>, String> {
    if let Some(why) = refusal(name) {
        return Err(format!("`{name}` cannot be called: {why}"));
    }
    if ANY.contains(&name) {
        return Ok(None);
    }
    let library = || BUILTINS.get(name).filter(|_| !name.starts_with("__")).map(|(_, expected)| *expected);
    let expected = functions::arguments(name).or_else(library).ok_or_else(|| unknown(name, own))?;
    Ok(Some(usize::from(expected)))
}

/// Why no policy may call a function of the library.
fn refusal(name: &str) -> Option<&'static str> {
    let refused = REFUSED.iter().find(|(refused, _)| *refused == name).map(|(_, why)| *why);
    refused.or(name.starts_with(REFUSED_FAMILY.0).then_some(REFUSED_FAMILY.1))
}

fn unknown(name: &str, own: &[String]) -> String {
    let library = BUILTINS.keys().copied().filter(|known| !known.starts_with("__") && refusal(known).is_none());
    let known = library.chain(functions::names()).chain(own.iter().map(String::as_str));
    match spelling::nearest(name, known) {
        Some(known) => format!("there is no function `{name}`; did you mean `{known}`?"),
        None => format!("there is no function `{name}`"),
    }
}

/// Whether a call has as many arguments as its function takes. Rego lets a call name its result as one more: `plus(1, 2, x)`.
///
/// # Errors
/// What was got and what was expected.
pub(super) fn fits(name: &str, expected: Option<usize>, got: usize) -> Result<(), String> {
    match expected {
        Some(expected) if got != expected && got != expected.saturating_add(1) => {
            Err(format!("`{name}` got {got} arguments, expected {expected}"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pure_functions_may_be_called() {
        for (name, expected) in [("count", Some(1)), ("time.weekday", Some(1)), ("re_match", Some(2)), ("print", None)]
        {
            assert_eq!(arguments(name), Ok(expected), "{name}");
        }
    }

    #[test]
    fn what_looks_outside_or_differs_each_time_may_not() {
        for (name, _) in REFUSED {
            assert!(arguments(name).is_err_and(|why| why.contains("cannot be called")), "{name}");
        }
        assert!(arguments("io.jwt.decode").is_err_and(|why| why.contains("cannot be called")));
    }

    #[test]
    fn what_does_not_exist_may_not() {
        for name in ["foo", "walk", "__builtin_sets.union", ""] {
            assert_eq!(arguments(name), Err(format!("there is no function `{name}`")));
        }
    }

    #[test]
    fn a_function_that_is_spelled_alike_is_proposed() {
        let own = ["is_workday".to_owned()];
        for (name, meant) in [
            ("startwith", "startswith"),
            ("time.weekdays", "time.weekday"),
            ("sanitised", "sanitized"),
            ("isworkday", "is_workday"),
        ] {
            let expected = format!("there is no function `{name}`; did you mean `{meant}`?");
            assert_eq!(arguments_beside(name, &own), Err(expected));
        }
        assert!(arguments("http.sent").is_err_and(|problem| !problem.contains("http.send")));
    }

    #[test]
    fn the_number_of_arguments_is_checked() {
        let call = |got| fits("count", Some(1), got);
        assert_eq!([call(1), call(2)], [Ok(()), Ok(())]);
        assert_eq!(call(3), Err("`count` got 3 arguments, expected 1".to_owned()));
        assert_eq!(call(0), Err("`count` got 0 arguments, expected 1".to_owned()));
        assert_eq!(fits("print", None, 9), Ok(()));
    }
}
