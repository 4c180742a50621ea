//! Finds and reads recorded evaluations: stories, folders of stories, files of log lines.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use environment_gate::github::Limits;
use environment_gate::world::{Player, Story};
use futures_util::{StreamExt as _, stream};
use serde_json::{Map, Value};

use super::record::{Config, Record, Recorded, Unreadable};
use super::{log_lines, stories};

/// How deep a folder is searched.
const FOLDERS_DEEP_MAX: usize = 8;
/// Stories of one workbench.
const STORIES_MAX: usize = 2000;
/// Stories that are played at the same time: each has a GitHub of its own.
const PLAYED_AT_ONCE: usize = 16;
/// Bytes of a file of log lines.
const LOG_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Reads everything that was named; of nothing, the story that is built in. `data` is the table that log lines go by.
///
/// # Errors
/// Nothing of it can be evaluated.
pub(super) async fn read(paths: &[PathBuf], data: Map<String, Value>) -> anyhow::Result<Recorded> {
    let config = Arc::new(data);
    let (mut records, mut unreadable) = (Vec::new(), Vec::new());
    let mut stories = Vec::new();
    for path in paths {
        if path.is_dir() {
            find_stories(path, 0, &mut stories);
        } else {
            let (lines, refused) = log_file(path, &config);
            records.extend(lines);
            unreadable.extend(refused);
        }
    }
    if stories.len() > STORIES_MAX {
        bail!("got {} stories, expected at most {STORIES_MAX}", stories.len());
    }
    let played = played(paths, stories).await?;
    for story in played {
        match story {
            Ok(story) => records.extend(story),
            Err(reason) => unreadable.push(reason),
        }
    }
    if let (true, Some(Unreadable { source, reason })) = (records.is_empty(), unreadable.first()) {
        bail!("got nothing that can be evaluated ({} refused); the first is {source}: {reason}", unreadable.len());
    }
    if records.is_empty() {
        bail!("got folders without stories, expected stories or files of log lines");
    }
    Ok(Recorded::new(records, unreadable))
}

async fn played(paths: &[PathBuf], folders: Vec<PathBuf>) -> anyhow::Result<Vec<Result<Vec<Record>, Unreadable>>> {
    if folders.is_empty() && !paths.is_empty() {
        return Ok(Vec::new());
    }
    // Nobody waits for these answers: what a story repeats, it repeats at once.
    let pause = Duration::from_millis(1);
    let limits = Limits { pause, review_pause: pause, half_turn: pause, ..Limits::default() };
    let player =
        Player::new(limits).context("this machine's random number generator failed, so no key could be made")?;
    if paths.is_empty() {
        return Ok(vec![stories::records(&player, "the story that is built in", &Story::embedded()?).await]);
    }
    let player = &player;
    let play = |folder: PathBuf| async move {
        let source = folder.display().to_string();
        match Story::read(&folder) {
            Ok(story) => stories::records(player, &source, &story).await,
            Err(error) => Err(Unreadable::new(source, &error.to_string())),
        }
    };
    Ok(stream::iter(folders).map(play).buffered(PLAYED_AT_ONCE).collect().await)
}

/// Every story in a folder, by name. A folder inside a story is none.
fn find_stories(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    if folder.join("story.toml").is_file() {
        found.push(folder.to_owned());
        return;
    }
    if depth >= FOLDERS_DEEP_MAX || found.len() > STORIES_MAX {
        return;
    }
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    // Not through links, which may lead in a circle.
    let folders = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut folders: Vec<PathBuf> = folders.map(|entry| entry.path()).collect();
    folders.sort();
    for inner in folders {
        find_stories(&inner, depth.saturating_add(1), found);
    }
}

fn log_file(path: &Path, config: &Config) -> (Vec<Record>, Vec<Unreadable>) {
    let file = path.display().to_string();
    let text = match path.metadata() {
        Ok(found) if found.len() > LOG_BYTES_MAX => {
            Err(format!("got {} bytes, expected at most {LOG_BYTES_MAX}", found.len()))
        }
        _ => std::fs::read_to_string(path).map_err(|error| error.to_string()),
    };
    match text {
        Ok(text) => log_lines::read(&file, &text, config),
        Err(reason) => (Vec::new(), vec![Unreadable::new(file, &reason)]),
    }
}
