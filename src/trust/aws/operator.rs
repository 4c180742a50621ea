//! Condition operators by their names
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>).

/// An operator: `ForAllValues:StringNotLikeIfExists` has all its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operator {
    pub(super) set: Option<Set>,
    pub(super) test: Test,
    /// `Not…`: true if no value fits, also if the key is absent.
    pub(super) negated: bool,
    /// `…IfExists`: true if the key is absent.
    pub(super) if_exists: bool,
}

/// How several values of a key count
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Set {
    /// All values fit: also if there are none.
    All,
    /// Some value fits.
    Any,
}

/// What one value is tested for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    Equals,
    EqualsIgnoringCase,
    Like,
    Number(Order),
    Bool,
    Absent,
    /// Dates, addresses, ARNs and bytes: no claim of GitHub's is one.
    OtherType,
}

/// How a key's number stands to the policy's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    /// The operator of this name; `None` if there is none.
    pub(super) fn new(name: &str) -> Option<Self> {
        let (set, rest) = match name.split_once(':') {
            Some(("ForAllValues", rest)) => (Some(Set::All), rest),
            Some(("ForAnyValue", rest)) => (Some(Set::Any), rest),
            Some(_) => return None,
            None => (None, name),
        };
        if rest == "Null" {
            return set.is_none().then_some(Self { set, test: Test::Absent, negated: false, if_exists: false });
        }
        let (base, if_exists) = match rest.strip_suffix("IfExists") {
            Some(base) => (base, true),
            None => (rest, false),
        };
        let (test, negated) = test(base)?;
        Some(Self { set, test, negated, if_exists })
    }
}

fn test(base: &str) -> Option<(Test, bool)> {
    let of_number = |order| Some((Test::Number(order), false));
    match base {
        "StringEquals" => Some((Test::Equals, false)),
        "StringNotEquals" => Some((Test::Equals, true)),
        "StringEqualsIgnoreCase" => Some((Test::EqualsIgnoringCase, false)),
        "StringNotEqualsIgnoreCase" => Some((Test::EqualsIgnoringCase, true)),
        "StringLike" => Some((Test::Like, false)),
        "StringNotLike" => Some((Test::Like, true)),
        "NumericEquals" => of_number(Order::Equal),
        "NumericNotEquals" => Some((Test::Number(Order::Equal), true)),
        "NumericLessThan" => of_number(Order::Less),
        "NumericLessThanEquals" => of_number(Order::LessOrEqual),
        "NumericGreaterThan" => of_number(Order::Greater),
        "NumericGreaterThanEquals" => of_number(Order::GreaterOrEqual),
        "Bool" => Some((Test::Bool, false)),
        "DateEquals"
        | "DateLessThan"
        | "DateLessThanEquals"
        | "DateGreaterThan"
        | "DateGreaterThanEquals"
        | "BinaryEquals"
        | "IpAddress"
        | "ArnEquals"
        | "ArnLike" => Some((Test::OtherType, false)),
        "DateNotEquals" | "NotIpAddress" | "ArnNotEquals" | "ArnNotLike" => Some((Test::OtherType, true)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    #[test]
    fn every_part_of_a_name_is_read() {
        let operator = Operator::new("ForAllValues:StringNotLikeIfExists").unwrap();
        assert_eq!(operator, Operator { set: Some(Set::All), test: Test::Like, negated: true, if_exists: true });
    }

    #[test]
    fn what_is_no_operator_is_none() {
        for name in ["StringMatches", "stringequals", "NullIfExists", "ForSomeValues:StringEquals", "", "IfExists"] {
            assert_eq!(Operator::new(name), None, "{name}");
        }
    }
}
