//! The fuzzer: libFuzzer, of the target that `FLOWBED_FUZZ` names. Built and run by `fuzz/run`.
#![no_main]

use std::sync::OnceLock;

use flowbed_fuzz::{TARGETS, Target};

static TARGET: OnceLock<Target> = OnceLock::new();

fn chosen() -> Target {
    let name = std::env::var("FLOWBED_FUZZ").unwrap_or_default();
    match TARGETS.iter().find(|(target, _)| *target == name) {
        Some((_, target)) => *target,
        None => panic!("FLOWBED_FUZZ names no target: {:?}", TARGETS.map(|(name, _)| name)),
    }
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| TARGET.get_or_init(chosen)(data));
