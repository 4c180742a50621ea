//! What `gate --version` says: which version this is, from which commit, and how it was built.

use std::env::consts::{ARCH, OS};
use std::sync::LazyLock;

/// The commit, as whoever built this said: `make gate` does, a plain `cargo build` does not. Not from a build script, which would make the library, too, another
/// one with each commit.
const COMMIT: Option<&str> = option_env!("ENVIRONMENT_GATE_COMMIT");

static VERSION: LazyLock<String> = LazyLock::new(|| version_of(COMMIT));

/// Such as `0.1.0 (commit unknown, release build for x86_64-linux)`.
pub(crate) fn version() -> &'static str {
    &VERSION
}

fn version_of(commit: Option<&str>) -> String {
    let commit = commit.filter(|commit| !commit.is_empty()).unwrap_or("unknown");
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    format!("{} (commit {commit}, {profile} build for {ARCH}-{OS})", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commit_is_the_one_that_was_given() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        assert!(version_of(Some(commit)).contains(&format!("(commit {commit}, ")));
    }

    #[test]
    fn without_a_commit_it_is_unknown() {
        for commit in [None, Some("")] {
            assert!(version_of(commit).contains("(commit unknown, "), "{commit:?}");
        }
    }
}
