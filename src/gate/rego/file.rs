//! A file in Rego: a policy, or tests. Not here: where it is read from.

use serde_json::{Map, Value as Json};

use super::error::RegoError;
use super::policy::RegoPolicy;

/// Ends the name of a file that holds tests alone.
const TEST_FILE: &str = "_test.rego";

/// A text, and what its file is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegoFile {
    /// As it is shown.
    pub path: String,
    /// What is in it.
    pub text: String,
}

impl RegoFile {
    /// The policy's name: the file's without `.rego`.
    pub fn policy_name(&self) -> &str {
        let name = self.path.rsplit(['/', '\\']).next().unwrap_or_default();
        name.strip_suffix(".rego").unwrap_or(name)
    }

    /// Whether it holds tests alone, by its name.
    pub fn is_named_as_test(&self) -> bool {
        self.path.ends_with(TEST_FILE)
    }

    /// Reads it as a policy. An error names the file.
    ///
    /// # Errors
    /// Whatever the function would refuse.
    pub fn policy(&self, config: &Map<String, Json>) -> Result<RegoPolicy, RegoError> {
        let read = RegoPolicy::parse(self.policy_name(), &self.text, config);
        read.map_err(|error| RegoError { policy: self.path.clone(), ..error })
    }
}
