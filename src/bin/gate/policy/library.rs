//! The library of policies, compiled into the program. Not here: what is in them, which is in `policies/`.

use environment_gate::gate::rego::{RegoError, RegoPolicy};
use serde_json::Map;

/// A policy to start from.
pub(super) struct Template {
    /// Its path in `policies/`, without `.rego`.
    pub(super) name: &'static str,
    pub(super) policy: &'static str,
    pub(super) tests: &'static str,
}

macro_rules! templates {
    ($($name:literal,)*) => {
        [$(Template {
            name: $name,
            policy: include_str!(concat!("../../../../policies/", $name, ".rego")),
            tests: include_str!(concat!("../../../../policies/", $name, "_test.rego")),
        },)*]
    };
}

/// All of them. A test sees that none is missing.
pub(super) static TEMPLATES: [Template; 19] = templates![
    "admins-by-hand",
    "allow-list",
    "business-hours",
    "flag-by-ref",
    "freeze-calendar",
    "no-weekends",
    "no-weekends-approval",
    "sample-denied",
    "sample-every-tenth",
    "two-from-team-when-flagged",
    "warn-on-reruns",
    "spacelift/flag-for-review",
    "spacelift/network-review",
    "spacelift/no-weekends",
    "spacelift/no-weekends-approval",
    "spacelift/only-admins",
    "spacelift/role-based-approval",
    "spacelift/two-approvals-no-rejections",
    "spacelift/two-to-approve-two-to-reject",
];

impl Template {
    /// The name of its policy, and of the file that it is written to.
    pub(super) fn file_name(&self) -> &'static str {
        self.name.rsplit('/').next().unwrap_or(self.name)
    }

    /// The policy, as the function would read it.
    pub(super) fn read(&self) -> Result<RegoPolicy, RegoError> {
        RegoPolicy::parse(self.file_name(), self.policy, &Map::new())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// The policies in a folder under `policies/`.
    fn policies_in(folder: &str) -> BTreeSet<String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies").join(folder);
        let files = path.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let names = files.filter_map(|file| file.strip_suffix(".rego").map(|name| format!("{folder}{name}")));
        names.filter(|name| !name.ends_with("_test")).collect()
    }

    #[test]
    fn every_policy_of_the_folder_is_in_the_library() {
        let there: BTreeSet<String> = ["", "spacelift/"].into_iter().flat_map(policies_in).collect();
        let listed: BTreeSet<String> = TEMPLATES.iter().map(|template| template.name.to_owned()).collect();
        assert_eq!(listed, there);
    }

    #[test]
    fn every_policy_of_the_library_is_one() {
        for template in &TEMPLATES {
            let problem = template.read().err();
            assert_eq!(problem, None, "{}", template.name);
        }
    }
}
