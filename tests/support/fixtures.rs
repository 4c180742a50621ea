//! The stories in `fixtures/`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use environment_gate::github::Limits;
use environment_gate::world::Story;

/// The outcomes, as the folders of `fixtures/` spell them and as the log does.
pub(crate) const OUTCOMES: [(&str, &str); 6] = [
    ("approve", "approved"),
    ("reject", "rejected"),
    ("ignore", "ignored"),
    ("refuse", "refused"),
    ("defer", "deferred"),
    ("fail", "failed"),
];

/// A story and where it stands.
pub(crate) struct Fixture {
    /// `approve/one-human-approved-the-gate`.
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) story: Story,
    /// What the folder's name says must come of it.
    pub(crate) outcome: &'static str,
}

/// The root of all stories.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// Every story, by name.
pub(crate) fn all() -> Vec<Fixture> {
    let mut fixtures = Vec::new();
    for (kind, outcome) in OUTCOMES {
        for entry in std::fs::read_dir(root().join(kind)).expect("a folder for each outcome") {
            let folder = entry.unwrap().path();
            let name = format!("{kind}/{}", folder.file_name().unwrap().to_string_lossy());
            let story = Story::read(&folder).unwrap_or_else(|error| panic!("{name}: {error}"));
            fixtures.push(Fixture { name, folder, story, outcome });
        }
    }
    fixtures.sort_by(|a, b| a.name.cmp(&b.name));
    fixtures
}

/// One story by its name.
pub(crate) fn one(name: &str) -> Story {
    Story::read(&root().join(name)).unwrap_or_else(|error| panic!("{error}"))
}

/// What ships, but with hardly a pause before a call is made, or a review posted, again.
pub(crate) fn limits() -> Limits {
    let pause = Duration::from_millis(1);
    Limits { pause, review_pause: pause, ..Limits::default() }
}
