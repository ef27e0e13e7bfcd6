//! Messages that other implementations made: printed as Open vSwitch prints them, and as JSON.
//! `golden/README.md` tells how each was got.

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use flowbed_openflow as openflow;
use openflow::json::Json;
use openflow::{Body, Message, MultipartBody, MultipartReply};

const OS_KEN: &str = include_str!("golden/os_ken.hex");
const OVS: &str = include_str!("golden/ovs.hex");
const OVS_EXTENSIONS: &str = include_str!("golden/ovs_extensions.hex");
const OFP_PRINT: &str = include_str!("golden/ofp_print.txt");

fn all() -> impl Iterator<Item = (&'static str, Message)> {
    OS_KEN.lines().chain(OVS.lines()).chain(OVS_EXTENSIONS.lines()).map(|line| {
        let (name, hex) = line.split_once(' ').expect("a name and hex");
        (name, Message::decode(hex::decode(hex).expect(name).into()).expect(name))
    })
}

/// What Open vSwitch prints of each message, without the last end of line.
fn prints() -> impl Iterator<Item = (&'static str, &'static str)> {
    OFP_PRINT.split("== ").skip(1).map(|entry| {
        let (name, print) = entry.split_once('\n').expect("a name, then the print");
        (name, print.strip_suffix('\n').unwrap_or(print))
    })
}

/// Messages with bytes of experimenters, which are opaque here: Open vSwitch's words for them are not
/// ours.
const EXTENDED: [&str; 2] = ["experimenter", "error_bad_stat"];

/// Without what Open vSwitch does not print: the priority of a monitored flow.
fn ours(message: Message) -> String {
    let text = without_continuation(&message.to_string());
    match message.body {
        Body::MultipartReply(MultipartReply { body: MultipartBody::FlowMonitor(_), .. }) => {
            ["1", "7", "9"].iter().fold(text, |text, it| text.replace(&format!(" priority={it},"), " "))
        }
        _ => text,
    }
}

/// Without what a switch needs to go on with a packet. It is opaque to us; Open vSwitch made it, and looks into it.
fn without_continuation(text: &str) -> String {
    let lines = text.split('\n').filter(|line| !line.starts_with(" continuation"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn messages_print_as_ovs_ofctl_prints_them() {
    let mut compared = 0;
    let mut wrong = Vec::new();
    for ((name, message), (of, theirs)) in all().zip(prints()) {
        assert_eq!(name, of, "make_ofp_print.sh has not been run");
        let ours = ours(message);
        let theirs = &without_continuation(theirs);
        let complains = theirs.contains("***decode error");
        if EXTENDED.contains(&name) || complains {
            // It has no words for all of this; we have some for each message.
            assert!(ours.starts_with("OFP") && ours.contains("(OF1.3) (xid=0x"), "{name}: {ours}");
        } else if ours != *theirs {
            wrong.push(format!("{name}\nours:\n{ours}\ntheirs:\n{theirs}"));
        } else {
            compared += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 60, "{compared}");
}

/// Every golden message is one JSON object, the same each time, and starts with its type and id.
#[test]
fn messages_are_json_objects() {
    let mut types = std::collections::BTreeSet::new();
    for (name, message) in all() {
        let text = serde_json::to_string(&Json(&message)).unwrap();
        assert_eq!(serde_json::to_string(&Json(&message.clone())).unwrap(), text, "{name}");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let kind = value["type"].as_str().unwrap().to_owned();
        assert!(text.starts_with(&format!("{{\"type\":\"{kind}\",\"xid\":{}", message.xid.0)), "{text}");
        types.insert(value["multipart_type"].as_str().map_or(kind.clone(), |of| format!("{kind} {of}")));
    }
    // 30 types, two of which are multiparts: fifteen kinds asked for, fourteen answered. Four messages, one question and
    // one answer are experimenters'.
    assert_eq!(types.len(), 28 + 14 + 15 + 6, "{types:#?}");
}
