//! Black-box tests of `flowbed` that need no privileges: what it says to bad input, and the controller alone.

mod bad_input;
mod controller;
#[path = "../flowbed/mod.rs"]
mod flowbed;
