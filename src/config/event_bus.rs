//! The bus that decisions are sent to.

use aws_types::SdkConfig;

use super::ConfigError;
use super::environment::variable_or_blank;

const VARIABLE: &str = "EVENT_BUS_NAME";
/// Characters of a bus's name (<https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html>).
const NAME_CHARS_MAX: usize = 256;

/// A bus, and how AWS is reached to send something there.
#[derive(Debug)]
pub struct EventBus {
    /// Its name, or its ARN.
    pub name: String,
    /// AWS, with the time limits of events.
    pub aws: SdkConfig,
}

/// `EVENT_BUS_NAME`: the name or ARN of a bus; `None` where events are not wanted.
pub(super) fn bus_from_env() -> Result<Option<String>, ConfigError> {
    match variable_or_blank(VARIABLE)? {
        Some(name) if !is_bus(&name) => {
            let problem = format!(
                "got {}, expected the name of an event bus, such as `default`, or its ARN",
                crate::model::quoted(&name)
            );
            Err(ConfigError::of_variable(VARIABLE, problem))
        }
        name => Ok(name),
    }
}

/// Whether AWS would take it for a bus: `releases`, or `arn:aws:events:eu-central-1:123456789012:event-bus/releases`.
fn is_bus(text: &str) -> bool {
    let name = match text.split(':').collect::<Vec<_>>().as_slice() {
        [name] => name,
        ["arn", partition, "events", region, account, resource] => {
            let is_place = partition.starts_with("aws") && !region.is_empty();
            let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
            resource.strip_prefix("event-bus/").filter(|_| is_place && is_account).unwrap_or_default()
        }
        _ => return false,
    };
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'-' | b'_');
    (1..=NAME_CHARS_MAX).contains(&name.len()) && name.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::is_bus;

    #[test]
    fn a_bus_is_given_by_name_or_arn() {
        for good in ["default", "aws.partner/x.com/1", "arn:aws-cn:events:cn-north-1:123456789012:event-bus/releases"] {
            assert!(is_bus(good), "{good}");
        }
        for bad in [
            "a bus",
            "arn:aws:events:eu-central-1:123456789012:rule/releases",
            "arn:aws:events:eu-central-1:1234:event-bus/releases",
            "arn:aws:events:eu-central-1:123456789012:event-bus/",
            "arn:aws:sns:eu-central-1:123456789012:event-bus/releases",
            "https://example.com",
        ] {
            assert!(!is_bus(bad), "{bad}");
        }
    }
}
