//! `flowbed trace` on files of rules.

use crate::flowbed::{Place, complaint, json};

/// A folder with rules for two switches in a row.
fn place() -> (Place, String) {
    let place = Place::new();
    for (name, text) in [
        ("s1.flows", "# to the other switch\nip,in_port=1 actions=dec_ttl,group:5\n"),
        ("s1.groups", "group_id=5,type=ff,bucket=watch_port:2,actions=output:2\n"),
        (
            "s2.flows",
            "tcp,tp_dst=80 actions=set_field:02:00:00:00:00:09->eth_dst,output:1\narp actions=CONTROLLER\n",
        ),
    ] {
        std::fs::write(place.path().join(name), text).expect("written");
    }
    let folder = place.path().display().to_string();
    let arguments = format!(
        "trace --topo linear,2 --flows s1={folder}/s1.flows --groups s1={folder}/s1.groups --flows s2={folder}/s2.flows"
    );
    (place, arguments)
}

#[test]
fn the_way_is_told_with_rules_and_lines() {
    let (place, trace) = place();
    let output = place.run(&format!("{trace} h1 tcp,tp_dst=80 --to h2"));
    assert!(output.status.success(), "{output:?}");
    let told =
        String::from_utf8(output.stdout).expect("text").replace(&place.path().display().to_string(), "DIR");
    let frame = |dst: &str, ttl: u8| {
        format!(
            "tcp,vlan_tci=0x0000,dl_src=00:00:00:00:00:01,dl_dst={dst},nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_tos=0,\
             nw_ecn=0,nw_ttl={ttl},nw_frag=no,tp_src=0,tp_dst=80,tcp_flags=0 tcp_csum:9b92"
        )
    };
    let expected = format!(
        "h1 sends {}

s1, port 1
----------
 0. ip,in_port=1, priority 32768    [DIR/s1.flows:2]
    dec_ttl
    group:5
     -> group 5, bucket 0    [DIR/s1.groups:1]
    output:2
     -> port 2: s2, port 2
        as {}

s2, port 2 (from s1)
--------------------
 0. tcp,tp_dst=80, priority 32768    [DIR/s2.flows:1]
    set_field:02:00:00:00:00:09->eth_dst
    output:1
     -> port 1: h2
        as {}

gets to: h2
",
        frame("00:00:00:00:00:02", 64),
        frame("00:00:00:00:00:02", 63),
        frame("02:00:00:00:00:09", 63)
    );
    assert_eq!(told, expected);
    let output = place.run(&format!("{trace} h1 tcp,tp_dst=80 --to h2 --down s1-s2"));
    let told = String::from_utf8(output.stdout).expect("text");
    assert!(told.contains("-> dropped: group 5 has no live bucket\n"), "{told}");
    assert!(told.ends_with("\ngets to: nobody\n"), "{told}");
}

#[test]
fn programs_get_an_object() {
    let (place, trace) = place();
    let (good, journey) = json(place.run(&format!("{trace} h1 tcp,tp_dst=80 --to h2 --json")));
    assert!(good);
    assert_eq!(journey["deliveries"][0]["host"], "h2");
    let rule = &journey["visits"][1]["steps"][0]["rule"];
    assert_eq!((&rule["match"], &rule["origin"]["line"]), (&"tcp,tp_dst=80".into(), &1.into()));
    let outputs = journey["visits"][0]["steps"].as_array().expect("steps");
    let output = outputs.iter().find(|step| step["type"] == "output").expect("an output");
    assert_eq!(output["next"], serde_json::json!({ "type": "visit", "visit": 1 }));
    assert_eq!(journey["visits"][1]["parent"], 0);
    let (_, journey) = json(place.run(&format!("{trace} h2 arp --to h1 --json")));
    assert_eq!(journey["to_controller"][0]["switch"], "s2");
}

#[test]
fn mistakes_are_told() {
    let (place, trace) = place();
    let flows = place.path().join("bad.flows");
    std::fs::write(&flows, "arp actions=2\nip actions=otput:1\ntcp actions=group:9\n").expect("written");
    let flows = flows.display();
    for (arguments, told) in [
        (format!("{trace} h9 arp"), "there is no host named h9; there is h1, h2"),
        (format!("{trace} h1 tcp,tp_dts=1"), "\"tcp,tp_dts=1\" from h1: column 5: unknown field \"tp_dts\""),
        (format!("{trace} h1 arp --down s1-s3"), "there is no link s1-s3; there is"),
        (format!("trace --flows {flows} h1 arp"), "bad.flows:2:12: unknown action \"otput\""),
        ("trace --flows nowhere h1 arp".to_owned(), "cannot read nowhere"),
        (format!("trace --flows s7={flows} h1 arp"), "there is no switch named s7"),
    ] {
        let complaint = complaint(&place.run(&arguments));
        assert!(complaint.contains(told), "{arguments}: {complaint}");
    }
}
