//! What git knows of the repository.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn git(arguments: &[&str]) -> Output {
    Command::new("git").arg("-C").arg(env!("CARGO_MANIFEST_DIR")).args(arguments).output().unwrap()
}

#[test]
fn the_project_speaks_of_itself_alone() {
    let paths = git(&["grep", "-nIE", "(^|[^a-zA-Z0-9_.$}])/(home|root)/[a-z.]"]);
    assert_eq!(String::from_utf8_lossy(&paths.stdout), "", "paths of a machine");
}

/// `make broken` sees a test fail for each.
#[test]
fn every_patch_that_breaks_an_invariant_applies() {
    let patches = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken").read_dir().unwrap();
    let patches = patches.map(|entry| entry.unwrap().path());
    let patches: Vec<PathBuf> = patches.filter(|path| path.extension().is_some_and(|name| name == "patch")).collect();
    assert!(patches.len() >= 10, "got {} patches", patches.len());
    for patch in patches {
        let check = git(&["apply", "--check", &patch.to_string_lossy()]);
        assert!(check.status.success(), "{}: {}", patch.display(), String::from_utf8_lossy(&check.stderr));
    }
}
