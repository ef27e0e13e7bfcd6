//! Scenario files: what is read of them, what is refused and where, and how a network is judged.

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::time::Instant;

use flowbed_verify as verify;
use verify::scenario::{Home, Report, SCHEMA, Scenario, ScenarioError, Soft, run};
use verify::{Host, Network};

/// `h1`, `h2` and `h3` at ports 1, 2 and 3 of `s1`.
fn network(now: Instant) -> Network {
    let mut network = Network::new();
    network.add_switch("s1", openflow::DatapathId(1)).unwrap();
    for n in 1..=3 {
        let host = Host::new(format!("h{n}")).mac([0, 0, 0, 0, 0, n].into()).ipv4([10, 0, 0, n].into());
        network.add_host(host).unwrap();
        network.connect((&format!("h{n}"), 0), ("s1", n.into()), now).unwrap();
    }
    network
}

fn read(text: &str) -> Result<Scenario, ScenarioError> {
    Scenario::read(text, "net.toml", &mut |name| match name {
        "a.flows" => Ok("arp actions=FLOOD\nip actions=otput:1\n".to_owned()),
        _ => Err("no such file".to_owned()),
    })
}

fn ran(text: &str) -> Result<Report, ScenarioError> {
    let now = Instant::now();
    run(&read(text)?, &network(now), &mut Soft::new(network(now), now))
}

const RULES: &str =
    "topology = \"single,3\"\n[rules.s1]\nflows = '''\nin_port=1,ip actions=2\n'''\n[[steps]]\n";

/// What a probe's expectations complain of, without the ways.
fn complaints(step: &str) -> Vec<String> {
    let report = ran(&format!("{RULES}{step}")).unwrap();
    report.failures().map(|(_, failure)| failure.what.clone()).collect()
}

#[test]
fn mistakes_are_told_with_their_line_and_column() {
    let step = |step: &str| format!("topology = \"x\"\n[[steps]]\n{step}");
    for (text, told) in [
        ("name = 3\ntopology = \"x\"", "1:8: name is to be a string"),
        ("topolgy = \"x\"", "1:1: unknown key \"topolgy\"; expected one of name, about, topology"),
        ("name = \"x\"", "1:1: topology is missing"),
        (
            "topology = \"x\"\n[rules]\ns1 = { flow = \"\" }",
            "3:8: unknown key \"flow\"; expected one of flows, groups",
        ),
        ("topology = \"x\"\n[rules]\ns1 = { flows = { file = \"b\" } }", "3:25: b: no such file"),
        ("topology = \"x\n", "1:14: invalid basic string"),
        (
            &step("from = \"h1\"\npacket = \"arp\""),
            "2:1: expect is missing: who gets the packet; [] is nobody",
        ),
        (&step("from = \"h1\"\nexpect = []"), "2:1: expected one of packet, hex"),
        (&step("from = \"h1\"\nhex = \"0g\"\nexpect = []"), "4:7: expected an even number of hex digits"),
        (&step("from = \"h1\"\nhex = \"00\"\nto = \"h2\"\nexpect = []"), "5:6: to is to be left out: hex"),
        (&step("do = \"unplug h1\""), "3:6: expected \"link A B up\" or \"link A B down\""),
        (&step("do = \"link a b up\"\nfrom = \"h1\""), "3:6: from and do exclude each other"),
        (&step("do = \"link a b up\"\ncount = 2"), "4:1: count has no place with do"),
        (&step("advance = \"5 years\""), "3:11: expected a time such as 5s"),
        (&step("switch = \"s1\""), "2:1: expected some of flows, groups, meters"),
        (&step("dump = \"s1\""), "2:1: is is missing"),
        (&step("from = \"h1\"\npacket = \"arp\"\nexpect = [{ any = true }]"), "5:11: at is missing"),
        (
            &step("from = \"h1\"\npacket = \"arp\"\nexpect = [{ at = \"h2\", any = false }]"),
            "5:30: any is to be true",
        ),
        (
            &step("from = \"h1\"\npacket = \"arp\"\nexpect = [{ at = \"h2\", count = -1 }]"),
            "5:32: count is to be a whole",
        ),
        (
            &step("from = \"h1\"\npacket = \"arp\"\nexpect = [{ at = [\"h2\", \"controller\"] }]"),
            "5:11: the controller stands",
        ),
        (
            &step("from = \"h1\"\npacket = \"arp\"\nexpect = []\nothers = \"x\""),
            "6:10: others is to be \"ignored\"",
        ),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.starts_with(&format!("net.toml:{told}")), "{text}\n{error}");
    }
}

#[test]
fn mistakes_in_rules_and_packets_are_told_with_the_place_in_their_text() {
    let step = |step: &str| format!("topology = \"x\"\n[[steps]]\n{step}");
    for (text, told) in [
        (
            "topology = \"x\"\n[rules]\ns1 = { flows = { file = \"a.flows\" } }",
            "a.flows:2:12: unknown action \"otput\"",
        ),
        (
            "topology = \"x\"\n[rules.s1]\nflows = '''\n\narp actions=flod'''",
            "net.toml:5:13: unknown action \"flod\"",
        ),
        (
            "topology = \"x\"\n[rules.s1]\nflows = \"arp actions=flod\"",
            "net.toml:3:22: unknown action \"flod\"",
        ),
        ("topology = \"x\"\n[rules.s9]\nflows = \"\"", "net.toml:2:8: there is no switch named s9"),
        (
            &step("from = \"h9\"\npacket = \"arp\"\nexpect = []"),
            "net.toml:2:1: there is no host named h9; there is h1",
        ),
        (
            &step("from = \"h1\"\npacket = \"arp\"\nexpect = [\"h2\", \"h9\"]"),
            "net.toml:5:17: there is no host named h9",
        ),
        (
            &step("from = \"h1\"\npacket = \"tcp,tp_dts=1\"\nexpect = []"),
            "net.toml:4:15: unknown field \"tp_dts\"",
        ),
        (
            &step("from = \"h1\"\npacket = \"ip,nw_dst=10.0.0.0/8\"\nexpect = []"),
            "net.toml:4:11: nw_dst=10.0.0.0/8: a packet has",
        ),
        (
            &step("from = \"h1\"\npacket = \"ip\"\nexpect = [{ at = \"h2\", with = \"nw_ttl=x\" }]"),
            "net.toml:5:",
        ),
        (&step("do = \"link h1 h2 down\""), "net.toml:2:1: there is no link between h1 and h2"),
        (
            &step("dump = \"s1\"\nis = '''\narp actions=1\nip actions=flod'''"),
            "net.toml:6:12: unknown action",
        ),
    ] {
        let error = ran(text).unwrap_err().to_string();
        assert!(error.starts_with(told), "{text}\n{error}");
    }
}

#[test]
fn who_gets_what_is_judged() {
    let packet = "from = \"h1\"\nto = \"h2\"\npacket = \"udp,tp_dst=53\"\nexpect = ";
    for (expect, told) in [
        ("[\"h2\"]", &[][..]),
        ("[{ at = [\"h2\", \"h3\"] }]", &[]),
        ("[{ at = \"h2\", match = \"udp,tp_dst=53\" }]", &[]),
        ("[{ at = \"h2\", with = \"tp_dst=53\" }]", &[]),
        ("[{ at = \"h2\", any = true }]", &[]),
        ("[]\nothers = \"ignored\"", &[]),
        ("[]", &["h2: got what nobody expected there:\n  udp,"]),
        (
            "[\"h3\"]",
            &["h3: expected 1 packets unchanged, got 0", "h2: got what nobody expected there:\n  udp,"],
        ),
        (
            "[{ at = \"h2\", with = \"tp_dst=54\" }]",
            &["h2: expected 1 packets with tp_dst=54, got 0", "h2: got what"],
        ),
        (
            "[{ at = \"h2\", match = \"tcp\" }]",
            &["h2: expected 1 packets that match tcp, got 0", "h2: got what"],
        ),
        ("[{ at = \"h2\", count = 2 }]", &["h2: expected 2 packets unchanged, got 1"]),
        (
            "[{ at = \"h2\", at_least = 2, any = true }]",
            &["h2: expected at least 2 packets of any kind, got 1"],
        ),
        ("[\"controller\"]\nothers = \"ignored\"", &["controller: expected 1 packets unchanged, got 0"]),
    ] {
        let complaints = complaints(&format!("{packet}{expect}"));
        assert_eq!(complaints.len(), told.len(), "{expect}: {complaints:?}");
        for (complaint, told) in complaints.iter().zip(told) {
            assert!(complaint.starts_with(told), "{expect}: {complaint}");
        }
    }
}

#[test]
fn numbered_packets_are_each_looked_for() {
    let many = "from = \"h1\"\nto = \"h2\"\npacket = \"udp,tp_src={n}\"\ncount = 5\nexpect = ";
    assert!(complaints(&format!("{many}[\"h2\"]")).is_empty());
    assert!(complaints(&format!("{many}[{{ at = \"h2\", with = \"tp_src={{n}}\" }}]")).is_empty());
    let told = complaints(&format!("{many}[{{ at = \"h2\", with = \"tp_src=3\" }}]"));
    assert_eq!(told[0], "h2: expected 5 packets with tp_src=3, got 1");
    // What comes twice was sent once.
    let text = RULES.replace("actions=2", "actions=2,2") + many + "[\"h2\"]";
    let report = ran(&text).unwrap();
    assert_eq!(report.failures().count(), 5, "{report}");
}

#[test]
fn a_failure_shows_the_way_and_the_rule() {
    let step = "name = \"not to h3\"\nfrom = \"h1\"\nto = \"h3\"\npacket = \"udp,tp_dst=53\"\npayload = \"x\"\nexpect = [\"h3\"]";
    let report = ran(&format!("{RULES}{step}")).unwrap();
    assert!(!report.passed());
    let told = report.to_string();
    for part in [
        "net.toml:6: not to h3: h3: expected 1 packets unchanged, got 0",
        "h1 sends udp,vlan_tci=0x0000,",
        " 0. ip,in_port=1, priority 32768    [net.toml:4]\n    output:2\n     -> port 2: h2",
    ] {
        assert!(told.contains(part), "{part}\n---\n{told}");
    }
}

#[test]
fn a_refused_rule_fails_the_scenario() {
    let report = ran("topology = \"x\"\n[rules.s1]\nflows = 'arp actions=group:7'").unwrap();
    assert!(report.to_string().contains("net.toml:3: s1 refuses \"arp actions=group:7\""), "{report}");
}

#[test]
fn rewritten_packets_are_those_that_would_have_been_sent_so() {
    let text = "topology = \"x\"\n[rules.s1]\nflows = '''\n\
        in_port=1,udp,dl_vlan=5 actions=pop_vlan,dec_ttl,set_field:10.0.0.9->ip_dst,set_field:99->udp_dst,2\n\
        in_port=2 actions=push_vlan:0x8100,set_field:4105->vlan_vid,1\n'''\n\
        [[steps]]\nfrom = \"h1\"\nto = \"h2\"\npacket = \"udp,dl_vlan=5,tp_dst=53\"\npayload = \"odd\"\nlength = 60\n\
        expect = [{ at = \"h2\", with = \"vlan_tci=0,nw_ttl=63,nw_dst=10.0.0.9,tp_dst=99\" }]\n\
        [[steps]]\nfrom = \"h2\"\nto = \"h1\"\npacket = \"icmp\"\nlength = 98\nexpect = [{ at = \"h1\", with = \"dl_vlan=9\" }]\n\
        [[steps]]\nfrom = \"h2\"\nhex = \"ffffffffffff 020000000009 88b5 00\"\nexpect = [{ at = \"h1\", match = \"dl_vlan=9\" }]\n";
    let report = ran(text).unwrap();
    assert!(report.passed(), "{report}");
    assert_eq!(report.outcomes.len(), 3);
}

#[test]
fn flows_are_compared_however_they_are_written() {
    let text = |is: &str| format!("{RULES}dump = \"s1\"\nis = {is}");
    let same = text("'''\n# the way\nactions=output:2 priority=32768,in_port=s1-eth1,dl_type=0x800'''");
    assert!(ran(&same).is_err(), "actions stand last");
    let same = text("'''\n# the way\nin_port=s1-eth1,dl_type=0x800,priority=32768 actions=output:2'''");
    assert!(ran(&same).unwrap().passed());
    let other = text("'''\nin_port=1,ip actions=3\n'''");
    let report = ran(&other).unwrap();
    let (_, failure) = report.failures().next().unwrap();
    assert_eq!(
        failure.what,
        "the flows of s1 are others (- expected, + found):\n  - ip,in_port=1 actions=output:3\n  + ip,in_port=1 actions=output:2"
    );
    let snapshot = &report.snapshots[0];
    assert_eq!(snapshot.text, "ip,in_port=1 actions=output:2\n");
    let Home::Literal(span) = &snapshot.home else { panic!("{snapshot:?}") };
    assert_eq!(&other[span.clone()], "'''\nin_port=1,ip actions=3\n'''");
}

#[test]
fn the_schema_has_the_keys_that_are_read() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    let keys = |path: &str| -> Vec<String> {
        let properties = schema.pointer(&format!("{path}/properties")).and_then(|it| it.as_object());
        let mut keys: Vec<_> = properties.unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    // An unknown key is answered with all that there are.
    let known = |text: &str| -> Vec<String> {
        let error = read(text).unwrap_err().to_string();
        let (_, list) = error.split_once("expected one of ").unwrap();
        let mut keys: Vec<_> = list.split(", ").map(str::to_owned).collect();
        keys.sort();
        keys
    };
    let step = "topology = \"x\"\n[[steps]]\n";
    for (path, text) in [
        ("", "unknown = 1".to_owned()),
        ("/$defs/rules", "topology = \"x\"\n[rules.s1]\nunknown = 1".to_owned()),
        ("/$defs/step", format!("{step}unknown = 1")),
        (
            "/$defs/expectation",
            format!("{step}from = \"h1\"\npacket = \"arp\"\nexpect = [{{ unknown = 1 }}]"),
        ),
        ("/$defs/file", format!("{step}dump = \"s1\"\nis = {{ unknown = 1 }}")),
    ] {
        assert_eq!(keys(path), known(&text), "{path}");
    }
}

#[test]
fn files_of_any_content_do_no_harm() {
    let mut text = include_str!("../../examples/scenarios/nat.toml").to_owned();
    assert!(read(&text).is_ok());
    // Every beginning of a file, and every file with a byte that is another.
    for at in (0..text.len()).rev().step_by(7) {
        let _: Result<Scenario, ScenarioError> = read(&text[..at]);
    }
    for at in (0..text.len()).step_by(11) {
        let was = text.as_bytes()[at];
        text.replace_range(at..=at, "\"");
        let read = read(&text).and_then(|scenario| {
            let now = Instant::now();
            run(&scenario, &network(now), &mut Soft::new(network(now), now))
        });
        if let Err(error) = read {
            assert!(error.place.line >= 1 && error.place.column >= 1);
        }
        text.replace_range(at..=at, &char::from(was).to_string());
    }
}
