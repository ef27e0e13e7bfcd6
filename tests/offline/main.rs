//! Black-box tests of `flowbed` that need no privileges: what it says to bad input, the controller alone,
//! and what its documents promise.

mod bad_input;
mod controller;
mod decode;
#[path = "../flowbed/mod.rs"]
mod flowbed;
mod scenarios;
mod topology;
mod trace;

/// The README shows an app that runs: the text of the example, which another test compiles.
#[test]
fn the_readme_shows_the_example_as_it_is() {
    let readme = include_str!("../../README.md");
    let example = include_str!("../../examples/learning_switch.rs");
    let (_, app) = example.split_once("\n\n").expect("a comment, then the app");
    assert!(readme.contains(&format!("```rust\n{app}```")), "copy the example's text into README.md");
    let scenario = include_str!("../../examples/scenarios/web.toml");
    assert!(readme.contains(&format!("```toml\n{scenario}```")), "copy the scenario's text into README.md");
}
