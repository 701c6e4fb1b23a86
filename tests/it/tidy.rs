//! The house rules that a compiler does not know: layers, who may use what, file sizes, names.
//!
//! Layers and their reasons: `ARCHITECTURE.md`. An import points down.

use std::path::{Path, PathBuf};

/// The layer of each top-level module of the hub.
const LAYERS: &[(u8, &[&str])] = &[
    (7, &["main", "cli", "app"]),
    (6, &["http", "simulate"]),
    (5, &["service"]),
    (4, &["federation", "auth", "access_log"]),
    (3, &["store", "egress"]),
    (2, &["policy", "verdict", "tlog", "seal", "review"]),
    (1, &["domain"]),
];

/// Sideways imports that are allowed within a layer, besides a module's own.
const SIDEWAYS: &[(&str, &str)] = &[("verdict", "policy"), ("cli", "app")];

/// Modules below that may be used from above only by these.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("config", "app", "settings are read once and handed down"),
    ("config", "cli", "settings are read once and handed down"),
];

/// Crates that only some files may use: crate, path prefixes, what to do instead.
const FENCES: &[(&str, &[&str], &str)] = &[
    (
        "sqlx",
        &["src/store", "src/simulate", "connectors/src/source", "connectors/src/golden"],
        "put the statement into src/store",
    ),
    (
        "axum",
        &["src/http", "src/app.rs", "src/app", "src/simulate/service", "connectors/src/serve"],
        "handlers live in src/http",
    ),
    ("reqwest", &["src/cli/caller.rs"], "ask through egress::client"),
    (
        "hyper",
        &["src/egress", "connectors/src/source", "connectors/src/caller.rs"],
        "ask through egress::client, or source::web beside a department",
    ),
    (
        "tokio_rustls",
        &["src/egress", "connectors/src/source/web", "connectors/src/caller.rs"],
        "ask through egress::client",
    ),
    (
        "hyper_util",
        &["src/egress", "src/app", "connectors/src/source/web", "connectors/src/caller.rs"],
        "ask through egress::client",
    ),
    (
        "clap",
        &["src/cli", "src/main.rs", "connectors/src/cli", "connectors/src/main.rs"],
        "arguments are read in src/cli",
    ),
    (
        "tokio",
        &[
            "src/access_log",
            "src/app",
            "src/cli",
            "src/egress",
            "src/federation",
            "src/http",
            "src/main.rs",
            "src/service",
            "src/store",
            "src/simulate",
            "connectors/src",
        ],
        "domain, policy, verdict, tlog and seal are synchronous",
    ),
];

const MAX_LINES: usize = 600;
const BANNED_NAMES: &[&str] = &["utils", "util", "common", "helpers", "helper", "manager", "misc"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// A file: its path from the root, its numbered code lines without comments and without what stands below
/// `#[cfg(test)]`, and how many lines it has in all.
type Source = (String, Vec<(usize, String)>, usize);

fn sources(folders: &[&str]) -> Vec<Source> {
    let mut files = Vec::new();
    for folder in folders {
        rust_files(&root().join(folder), &mut files);
    }
    files.sort();
    assert!(!files.is_empty(), "the walk finds the sources");
    files
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
            let code = text
                .lines()
                .enumerate()
                .take_while(|(_, line)| !line.trim_start().starts_with("#[cfg(test)]"))
                .filter(|(_, line)| !line.trim_start().starts_with("//"))
                .map(|(index, line)| (index + 1, line.to_owned()))
                .collect();
            let lines = text.lines().count();
            (name, code, lines)
        })
        .collect()
}

fn layer(module: &str) -> Option<u8> {
    LAYERS.iter().find(|(_, modules)| modules.contains(&module)).map(|(layer, _)| *layer)
}

#[test]
fn every_import_points_down_a_layer() {
    let mut faults = Vec::new();
    for (file, code, _) in sources(&["src"]) {
        let module = file.trim_start_matches("src/").split(['/', '.']).next().unwrap().to_owned();
        if module == "lib" || module == "config" || file.ends_with("/tests.rs") {
            continue;
        }
        let from = layer(&module).unwrap_or_else(|| {
            panic!("{file}: give module `{module}` a layer in tests/it/tidy.rs and ARCHITECTURE.md")
        });
        for (number, line) in code {
            for part in line.split("crate::").skip(1) {
                let target: String =
                    part.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect();
                let allowed = target.is_empty()
                    || target == module
                    || EXCEPTIONS.iter().any(|(name, user, _)| *name == target && *user == module)
                    || SIDEWAYS.contains(&(module.as_str(), target.as_str()))
                    || layer(&target).is_some_and(|to| to < from);
                if !allowed {
                    faults.push(format!("{file}:{number}: `{module}` (layer {from}) imports `{target}`: imports point down; move the code or pass the value in"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn each_outside_crate_stays_in_its_rooms() {
    let mut faults = Vec::new();
    for (file, code, _) in sources(&["src", "connectors/src"]) {
        for (number, line) in code {
            for (name, rooms, instead) in FENCES {
                let used = line.contains(&format!("use {name}::"))
                    || line.contains(&format!("{name}::")) && !line.contains(&format!("_{name}::"));
                if used && !rooms.iter().any(|room| file.starts_with(room)) && !file.ends_with("/tests.rs") {
                    faults.push(format!("{file}:{number}: uses {name}: {instead}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn the_connectors_package_knows_nothing_of_the_hub() {
    let manifest = std::fs::read_to_string(root().join("connectors/Cargo.toml")).unwrap();
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap();
    assert!(!dependencies.lines().any(|line| line.starts_with("hedui")), "connectors must not depend on the hub");
}

#[test]
fn files_are_short_and_named_for_what_they_hold() {
    let mut faults = Vec::new();
    for (file, _, lines) in sources(&["src", "connectors/src", "tests", "benches"]) {
        if lines > MAX_LINES {
            faults.push(format!("{file}: {lines} lines; above {MAX_LINES} a file has two jobs: split it"));
        }
        let stem = Path::new(&file).file_stem().unwrap().to_string_lossy().into_owned();
        if BANNED_NAMES.contains(&stem.as_str()) || stem == "mod" && !file.starts_with("tests/") {
            faults.push(format!("{file}: name the file for the question a reader would ask"));
        }
        let text = std::fs::read_to_string(root().join(&file)).unwrap();
        if !text.starts_with("//!") {
            faults.push(format!("{file}: begin with `//!`: what the file is for, and what it leaves to others"));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
