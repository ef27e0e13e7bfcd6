//! Every public type of the protocol cites its source: a section of the specification, or of what Open vSwitch says.

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::path::{Path, PathBuf};

/// Rooms whose types are not the protocol's, but ours.
const OURS: [&str; 7] = ["capture", "text", "json", "session", "session.rs", "error.rs", "ids.rs"];
/// Types that stand for no structure of the protocol, or for a part of one that is said by the room.
const EXEMPT: [&str; 6] = ["FrameError", "FixedStr", "FixedStrError", "Masked", "Isid", "Fields"];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// The type that a line begins to define: as Rust says it, or a row of `wire_enum!` and `wire_flags!`.
fn defined(line: &str) -> Option<&str> {
    let line = line.trim_start();
    if let Some(name) = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum ")) {
        return name.split(|c: char| !c.is_alphanumeric()).next().filter(|name| !name.is_empty());
    }
    let (name, behind) = line.split_once(": u")?;
    let is_type = name.starts_with(char::is_uppercase) && name.chars().all(char::is_alphanumeric);
    (is_type && ["8 {", "16 {", "32 {", "64 {"].contains(&behind)).then_some(name)
}

/// The documents that say what the protocol's types are.
const SOURCES: [&str; 7] = [
    "OF 1.3.5 §",
    "virtio 1.2 §",
    "ONF EXT-",
    "ovs-actions(7)",
    "ovs-fields(7)",
    "ovs-ofctl(8)",
    "nicira-ext.h",
];

#[test]
fn every_type_of_the_protocol_cites_its_section() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    files(&source, &mut all);
    let (mut cited, mut missing) = (0, Vec::new());
    for path in all {
        let place = path.strip_prefix(&source).unwrap();
        if place.iter().next().is_some_and(|room| OURS.iter().any(|ours| *room == **ours)) {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        // Tables of fields and their macros are documented as a whole.
        let room_cites = place.starts_with("oxm")
            && lines.iter().any(|line| line.starts_with("//!") && line.contains("OF 1.3.5 §"));
        for (at, line) in lines.iter().enumerate() {
            let Some(name) = defined(line).filter(|name| !EXEMPT.contains(name)) else { continue };
            let above = lines[..at].iter().rev().map(|line| line.trim_start());
            let mut doc = above.take_while(|line| line.starts_with("//") || line.starts_with("#["));
            if room_cites || doc.any(|line| SOURCES.iter().any(|source| line.contains(source))) {
                cited += 1;
            } else {
                missing.push(format!("{}:{}: {name}", place.display(), at + 1));
            }
        }
    }
    assert!(missing.is_empty(), "types without their section:\n{}", missing.join("\n"));
    assert!(cited > 80, "{cited}");
}
