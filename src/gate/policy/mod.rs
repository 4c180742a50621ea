//! The policy: which runs may enter which environment.

mod attach;
mod data;
mod event;
mod gates;
mod job;
mod max_age;
mod read;
mod ref_pattern;
mod repository_pattern;
mod rule;
mod signed;
mod source;
mod warning;

pub use self::attach::AttachError;
pub use self::max_age::MaxAge;
pub use self::ref_pattern::RefPattern;
pub use self::repository_pattern::RepositoryPattern;
pub use self::rule::{Gate, PauseReason, Policy, PolicyName, Rule, Runner};
pub use self::source::PolicyError;
pub use self::warning::PolicyWarning;
