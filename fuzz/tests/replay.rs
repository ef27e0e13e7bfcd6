//! Every target holds for what the fuzzer found worth keeping (`corpus`), and for what it once failed on
//! (`regressions`, each named for what was wrong).

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::path::Path;

/// What a folder holds for each target.
fn replay(name: &str) {
    let (_, target) = flowbed_fuzz::TARGETS.into_iter().find(|(it, _)| *it == name).unwrap();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for folder in ["corpus", "regressions"].map(|folder| here.join(folder).join(name)) {
        for entry in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let input = std::fs::read(&path).unwrap();
            let outcome = std::panic::catch_unwind(|| target(&input));
            assert!(outcome.is_ok(), "target {name} fails on {}", path.display());
            count += 1;
        }
    }
    assert!(count > 0, "no inputs of {name}");
}

macro_rules! replays {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            replay(stringify!($name));
        }
    )*};
}

replays! { frame message text capture session }

#[test]
fn every_target_is_replayed() {
    let names = flowbed_fuzz::TARGETS.map(|(name, _)| name);
    assert_eq!(names, ["frame", "message", "text", "capture", "session"]);
}
