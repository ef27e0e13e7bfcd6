//! `flowbed test` on files: the examples, what fails, what is broken, and what is written.

use std::path::Path;

use crate::flowbed::{Place, complaint, json};

const FAILING: &str = "topology = \"minimal\"
[rules.s1]
flows = '''
in_port=1 actions=2
'''
[[steps]]
name = \"nobody\"
from = \"h1\"
to = \"h2\"
packet = \"icmp\"
expect = []
[[steps]]
dump = \"s1\"
is = ''
";

fn written(place: &Place, name: &str, text: &str) -> String {
    let file = place.path().join(name);
    std::fs::write(&file, text).expect("written");
    file.display().to_string()
}

#[test]
fn every_example_passes_on_soft_switches() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/scenarios");
    let (good, ran) = json(Place::new().run(&format!("test {} --json", folder.display())));
    let scenarios = ran["scenarios"].as_array().expect("an array");
    for scenario in scenarios {
        assert_eq!(scenario["verdict"], "passed", "{scenario:#}");
        assert!(!scenario["steps"].as_array().expect("steps").is_empty());
    }
    assert!(good);
    assert!(scenarios.len() >= 8);
}

#[test]
fn the_same_from_rust() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/scenarios");
    for name in ["acl.toml", "learning.toml"] {
        let report = flowbed::scenario::run(folder.join(name)).expect("a scenario");
        assert!(report.passed(), "{report}");
    }
}

#[test]
fn what_fails_is_told_with_the_way_and_the_rule() {
    let place = Place::new();
    let file = written(&place, "wrong.toml", FAILING);
    let output = place.run(&format!("test {file}"));
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stdout).expect("text");
    for part in [
        &format!("FAILED  {file}: wrong\n"),
        ":6: nobody: h2: got what nobody expected there:\n",
        "         0. in_port=1, priority 32768    [",
        "wrong.toml:4]\n",
        "          + in_port=1 actions=output:2\n",
        "0 passed, 1 failed\n",
    ] {
        assert!(told.contains(part), "{part}\n---\n{told}");
    }
}

#[test]
fn what_is_broken_is_told_with_its_place() {
    let place = Place::new();
    let broken = written(&place, "broken.toml", "topology = \"minimal\"\n[[steps]]\nfrm = \"h1\"\n");
    written(&place, "net.toml", "[[hosts]]\nname = \"h1\"\n");
    written(&place, "shape.toml", "topology = \"ring,2\"\nsteps = []\n");
    written(&place, "ring.toml", "topology = \"net.toml\"\nsteps = []\n");
    let output = place.run(&format!("test {}", place.path().display()));
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stdout).expect("text");
    assert!(told.contains(&format!("BROKEN  {broken}:3:1: unknown key \"frm\"")), "{told}");
    assert!(told.contains("shape.toml:1:12: "), "{told}");
    assert!(told.contains("ring.toml: ring (0 steps"), "{told}");
    assert!(told.contains("1 passed, 0 failed, 2 broken\n"), "{told}");
    let missing = place.run("test nowhere.toml");
    assert_eq!(missing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&missing.stdout).contains("cannot read nowhere.toml"));
    let model = place.run(&format!("test {broken} --engine model"));
    assert!(complaint(&model).contains("not there yet"));
}

#[test]
fn review_writes_what_was_found() {
    let place = Place::new();
    let inline = written(&place, "inline.toml", &FAILING.replace("expect = []", "expect = [\"h2\"]"));
    let beside =
        FAILING.replace("expect = []", "expect = [\"h2\"]").replace("is = ''", "is = { file = \"flows\" }");
    let beside = written(&place, "beside.toml", &beside);
    let flows = written(&place, "flows", "");
    let output = place.run(&format!("test --review {inline} {beside}"));
    assert!(output.status.success(), "{output:?}");
    let now = std::fs::read_to_string(&inline).expect("text");
    assert!(now.ends_with("dump = \"s1\"\nis = '''\nin_port=1 actions=output:2\n'''\n"), "{now}");
    assert_eq!(std::fs::read_to_string(&flows).expect("text"), "in_port=1 actions=output:2\n");
    assert!(place.run(&format!("test {inline} {beside}")).status.success());
}

#[test]
fn junit_tells_every_step() {
    let place = Place::new();
    let file = written(&place, "wrong.toml", FAILING);
    let xml = place.path().join("junit.xml");
    let output = place.run(&format!("test {file} --junit {}", xml.display()));
    assert_eq!(output.status.code(), Some(1));
    let xml = std::fs::read_to_string(xml).expect("XML");
    assert!(xml.contains("tests=\"2\" skipped=\"0\" failures=\"2\" errors=\"0\""), "{xml}");
    assert!(xml.contains("<testcase name=\"nobody\" classname=\"wrong\""), "{xml}");
}

#[test]
fn the_schema_is_printed() {
    let (good, schema) = json(Place::new().run("schema scenario"));
    assert!(good && schema["title"] == "Flowbed scenario");
}
