//! The modules import each other without a cycle, and in the direction that ARCHITECTURE.md draws.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Which module uses which, by path: `github::client` → `http`.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// A source file, and the module that it is.
struct Module {
    path: String,
    /// The names in its `use` lines and paths, each from the root of the crate.
    names: Vec<String>,
    /// What it re-exports, and from which module below it.
    reexports: BTreeMap<String, String>,
}

/// A file of tests alone, beside the code that it tests.
fn is_test(file: &Path) -> bool {
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    name == "tests" || name == "test_support" || name.ends_with("_tests")
}

fn files(under: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(under).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// `a::{b, c::{d, e}}` as `a::b`, `a::c::d`, `a::c::e`.
fn expand(tree: &str) -> Vec<String> {
    let Some((before, rest)) = tree.split_once('{') else { return vec![tree.trim().to_owned()] };
    let inside = rest.rsplit_once('}').map_or(rest, |(inside, _)| inside);
    let (mut depth, mut parts, mut part) = (0, Vec::new(), String::new());
    for c in inside.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    parts.push(part);
    let parts = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty());
    parts.flat_map(|part| expand(&format!("{}{part}", before.trim()))).collect()
}

/// A name from the root of the crate, as the module at `path` writes it.
fn absolute(path: &str, name: &str) -> Option<String> {
    let name = name.split(" as ").next().unwrap_or(name).trim();
    if let Some(rest) = name.strip_prefix("crate::") {
        return Some(rest.to_owned());
    }
    let mut base: Vec<&str> = path.split("::").filter(|part| !part.is_empty()).collect();
    let mut name = name.strip_prefix("self::").unwrap_or(name);
    let mut is_relative = false;
    while let Some(rest) = name.strip_prefix("super::") {
        base.pop();
        (name, is_relative) = (rest, true);
    }
    is_relative.then(|| base.into_iter().chain([name]).collect::<Vec<_>>().join("::"))
}

fn read(root: &Path, file: &Path) -> Module {
    let relative = file.strip_prefix(root).unwrap().with_extension("");
    let parts: Vec<String> = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let is_facade = matches!(parts.last().map(String::as_str), Some("mod" | "main" | "lib"));
    let path = parts[..parts.len() - usize::from(is_facade)].join("::");
    let text = fs::read_to_string(file).unwrap();
    let code: String = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap()
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let (mut names, mut reexports) = (Vec::new(), BTreeMap::new());
    for statement in code.split(';') {
        let Some((visibility, tree)) = statement.split_once("use ") else { continue };
        let is_reexport = visibility.trim_end().ends_with("pub") || visibility.trim_end().ends_with(')');
        for name in expand(&tree.replace('\n', " ")) {
            if is_reexport && is_facade {
                let name = name.trim_start_matches("self::");
                if let Some((module, item)) = name.split_once("::") {
                    reexports.insert(item.to_owned(), format!("{path}::{module}").trim_start_matches("::").to_owned());
                }
            } else {
                names.extend(absolute(&path, &name));
            }
        }
    }
    // Paths that are written out: `gate::decide(…)` needs a `use crate::gate`, `crate::x::y` and `super::x` do not.
    for (start, _) in code.match_indices("crate::").chain(code.match_indices("super::")) {
        let name: String = code
            .get(start..)
            .unwrap_or_default()
            .chars()
            .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':'))
            .collect();
        names.extend(absolute(&path, name.trim_end_matches(':')));
    }
    Module { path, names, reexports }
}

/// The graph of the modules under a folder. A façade (`mod.rs`) that only re-exports is looked through.
fn graph(under: &str, skip: &str) -> Graph {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(under);
    let sources = files(&root).into_iter().filter(|file| file.extension().is_some_and(|end| end == "rs"));
    let modules: Vec<Module> = sources
        .filter(|file| !is_test(file) && (skip.is_empty() || !file.starts_with(root.join(skip))))
        .map(|file| read(&root, &file))
        .collect();
    let by_path: BTreeMap<&str, &Module> = modules.iter().map(|module| (module.path.as_str(), module)).collect();
    let resolve = |name: &str| -> Option<String> {
        let mut parts: Vec<&str> = name.split("::").collect();
        let mut rest: Vec<&str> = Vec::new();
        while !parts.is_empty() {
            if let Some(module) = by_path.get(parts.join("::").as_str()) {
                let item = rest.last().copied().unwrap_or_default();
                return Some(module.reexports.get(item).cloned().unwrap_or_else(|| module.path.clone()));
            }
            rest.push(parts.pop().unwrap());
        }
        None
    };
    let mut graph = Graph::new();
    for module in &modules {
        let used = module.names.iter().filter_map(|name| resolve(name)).filter(|used| *used != module.path);
        graph.insert(module.path.clone(), used.collect());
    }
    graph
}

/// A way from a module back to itself.
fn circle(graph: &Graph) -> Option<Vec<String>> {
    fn walk(graph: &Graph, way: &mut Vec<String>, done: &mut BTreeSet<String>) -> bool {
        let here = way.last().unwrap().clone();
        for next in graph.get(&here).into_iter().flatten() {
            let is_seen = way.contains(next);
            way.push(next.clone());
            if is_seen || (!done.contains(next) && walk(graph, way, done)) {
                return true;
            }
            way.pop();
        }
        done.insert(here);
        false
    }
    let mut done = BTreeSet::new();
    for start in graph.keys() {
        let mut way = vec![start.clone()];
        if walk(graph, &mut way, &mut done) {
            return Some(way);
        }
    }
    None
}

#[test]
fn no_module_of_the_library_imports_itself_by_way_of_others() {
    let graph = graph("src", "bin");
    assert!(graph["handler"].contains("review_loop"), "the graph is read: {graph:?}");
    assert_eq!(circle(&graph), None);
}

#[test]
fn no_module_of_the_command_line_imports_itself_by_way_of_others() {
    let graph = graph("src/bin/gate", "");
    assert!(graph["replay"].contains("render"), "the graph is read: {graph:?}");
    assert_eq!(circle(&graph), None);
}

#[test]
fn imports_point_one_way() {
    // Each room may use those after it, and of those beside it only what stands here.
    let layers: [&[&str]; 9] = [
        &["world"],
        &["lambda", "simulation", "doctor"],
        &["telemetry", "notification"],
        &["recovery", "probe"],
        &["handler"],
        &["review_loop"],
        &["outcome", "config"],
        &["webhook", "github"],
        &["gate", "http", "time"],
    ];
    let layer = |module: &str| {
        let room = module.split("::").next().unwrap().to_owned();
        (layers.iter().position(|rooms| rooms.contains(&room.as_str())).unwrap_or(layers.len()), room)
    };
    for (module, used) in graph("src", "bin") {
        let (from, room) = layer(&module);
        for other in used.iter().filter(|_| module != "lib" && !module.is_empty()) {
            let (to, other_room) = layer(other);
            assert!(other_room == room || to > from, "{module} uses {other}");
        }
    }
}

#[test]
fn who_judges_the_trust_of_a_cloud_uses_nothing_else_and_the_function_does_not_use_it() {
    let graph = graph("src", "bin");
    let is_trust = |module: &str| module.split("::").next() == Some("trust");
    assert!(graph.keys().any(|module| is_trust(module)), "the graph is read: {graph:?}");
    assert_eq!(circle(&graph.clone().into_iter().filter(|(module, _)| is_trust(module)).collect()), None);
    for (module, used) in graph.iter().filter(|(module, _)| module.split("::").next() != Some("doctor")) {
        let strange = used.iter().find(|other| is_trust(other) != is_trust(module));
        assert_eq!(strange, None, "{module}");
    }
}
