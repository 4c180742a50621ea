//! The stories in `fixtures/`.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use environment_gate::github::Limits;
use environment_gate::world::{Player, Story};
use futures_util::stream::{self, StreamExt as _};

use super::is_thorough;

/// The outcomes, as the folders of `fixtures/` spell them and as the log does.
pub(crate) const OUTCOMES: [(&str, &str); 6] = [
    ("approve", "approved"),
    ("reject", "rejected"),
    ("ignore", "ignored"),
    ("refuse", "refused"),
    ("defer", "deferred"),
    ("fail", "failed"),
];

/// Where a story stands.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// `approve/one-human-approved-the-gate`.
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    /// What the folder's name says must come of it.
    pub(crate) outcome: &'static str,
}

/// A story, and where it stands.
pub(crate) struct Fixture {
    pub(crate) name: String,
    pub(crate) story: Story,
    pub(crate) outcome: &'static str,
}

/// The root of all stories.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// Where every story stands, by name.
pub(crate) fn places() -> Vec<Place> {
    let mut places = Vec::new();
    for (kind, outcome) in OUTCOMES {
        for entry in std::fs::read_dir(root().join(kind)).expect("a folder for each outcome") {
            let folder = entry.unwrap().path();
            let name = format!("{kind}/{}", folder.file_name().unwrap().to_string_lossy());
            places.push(Place { name, folder, outcome });
        }
    }
    places.sort_by(|a, b| a.name.cmp(&b.name));
    places
}

/// Every story, by name.
pub(crate) fn all() -> Vec<Fixture> {
    let read = |Place { name, outcome, .. }: Place| Fixture { story: one(&name), name, outcome };
    places().into_iter().map(read).collect()
}

/// What comes of every story when a program plays it, in no order; of every third, unless the tests are to be thorough. Several play at a time, because a
/// story mostly waits.
pub(crate) async fn each<T>(play: impl AsyncFn(Fixture) -> T) -> Vec<T> {
    let step = if is_thorough() { 1 } else { 3 };
    stream::iter(all().into_iter().step_by(step).map(|fixture| play(fixture))).buffer_unordered(8).collect().await
}

/// One story by its name.
pub(crate) fn one(name: &str) -> Story {
    Story::read(&root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What ships, but with hardly a pause before a call is made, or a review posted, again.
pub(crate) fn limits() -> Limits {
    let pause = Duration::from_millis(1);
    Limits { pause, review_pause: pause, half_turn: pause, ..Limits::default() }
}

/// The player of this process: to make a key takes longer than to play a story.
pub(crate) fn player() -> &'static Player {
    static PLAYER: LazyLock<Player> = LazyLock::new(|| Player::new(limits()).unwrap());
    &PLAYER
}
