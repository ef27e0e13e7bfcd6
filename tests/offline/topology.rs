//! `flowbed topology`.

use crate::flowbed::{Place, complaint, json};

fn printed(arguments: &str) -> String {
    let output = Place::new().run(arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_topology_is_printed_and_read_back_the_same() {
    let place = Place::new();
    for shape in ["tree,2,2", "torus,3,3", "fattree,4", "testbed/tests/topology_zoo/Abilene.graphml"] {
        let toml = printed(&format!("topology {shape}"));
        let file = place.path().join("net.toml");
        std::fs::write(&file, &toml).expect("written");
        assert_eq!(printed(&format!("topology {}", file.display())), toml, "{shape}");
    }
}

#[test]
fn json_says_all_and_dot_draws() {
    let (good, value) =
        json(Place::new().run("topology testbed/tests/topology_zoo/Abilene.graphml,2 --format json"));
    assert!(good);
    assert_eq!(value["hosts"].as_array().map(Vec::len), Some(22));
    assert_eq!(value["switches"][0]["label"], "New York");
    assert_eq!(value["links"][24]["b"], "s11:3", "behind its two hosts");
    let dot = printed("topology minimal --format dot");
    assert!(dot.starts_with("graph network {\n") && dot.contains("\"h2\" -- \"s1\""), "{dot}");
}

#[test]
fn what_is_no_topology_is_told_by_its_place() {
    let place = Place::new();
    let file = place.path().join("net.graphml");
    std::fs::write(&file, "<graphml>\n<graph>\n<node/>\n</graph>\n</graphml>\n").expect("written");
    let told = complaint(&place.run(&format!("topology {}", file.display())));
    assert!(told.contains("net.graphml:3:1: the <node> has no id"), "{told}");
    let told = complaint(&place.run("topology ring,2"));
    assert!(told.contains("column 6"), "{told}");
}
