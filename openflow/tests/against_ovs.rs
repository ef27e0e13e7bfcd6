//! Our encoder and our text against Open vSwitch's reader and Open vSwitch's text: random flows go
//! through `ovs-ofctl ofp-parse`, which must print what we print. Ignored where ovs-ofctl is missing.
//!
//! `FLOWBED_CASES` sets how many flows; `FLOWBED_SEED` where they start.

mod generate;

use std::io::Write;
use std::ops::Range;
use std::process::Command;

use bytes::BytesMut;
use flowbed_openflow as openflow;
use generate::{Gen, ovs};
use libtest_mimic::{Arguments, Failed, Trial};
use openflow::Body;
use openflow::ids::Xid;
use openflow::multipart::{MultipartBody, MultipartReply};

fn main() {
    let missing = Command::new("ovs-ofctl").arg("--version").output().is_err();
    let trials = [
        Trial::test("flows_print_as_open_vswitch_prints_them", flows),
        Trial::test("messages_are_read_without_complaint", messages),
    ];
    let trials = trials.map(|trial| trial.with_ignored_flag(missing)).into();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn number(name: &str, default: u64) -> u64 {
    let set = std::env::var(name).ok();
    set.and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn seeds() -> Range<u64> {
    let first = number("FLOWBED_SEED", 0);
    first..first + number("FLOWBED_CASES", 500)
}

/// What Open vSwitch reads in these messages: one text each, by transaction id.
fn ofp_parse(bodies: impl Iterator<Item = Body>) -> Result<Vec<String>, Failed> {
    let mut stream = BytesMut::new();
    let mut count = 0;
    for body in bodies {
        body.encode(Xid(count), &mut stream)?;
        count += 1;
    }
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(&stream)?;
    let output = Command::new("ovs-ofctl").arg("ofp-parse").arg(file.path()).output()?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut rest = printed.as_str();
    let mut texts = Vec::new();
    for xid in 0..count {
        // A text reaches to the next message's head; what is in a packet can't look like one.
        let next = format!("(OF1.3) (xid={:#x}):", xid + 1);
        let end = rest.find(&next).map_or(rest.len(), |at| rest[..at].rfind('\n').unwrap_or(0));
        texts.push(rest[..end].to_owned());
        rest = &rest[end..];
    }
    Ok(texts)
}

fn report(wrong: &[String]) -> Result<(), Failed> {
    match wrong.len() {
        0 => Ok(()),
        n => Err(format!("{n} differ:\n{}", wrong[..n.min(20)].join("\n")).into()),
    }
}

fn flows() -> Result<(), Failed> {
    let cases: Vec<_> = seeds().map(|seed| ovs::flow_stats(&mut Gen::new(seed))).collect();
    let texts = ofp_parse(cases.iter().map(|flow| {
        let body = MultipartBody::Flow(vec![flow.clone()]);
        Body::MultipartReply(MultipartReply { more: false, body })
    }))?;
    let mut wrong = Vec::new();
    for (seed, (flow, theirs)) in seeds().zip(cases.iter().zip(texts)) {
        let ours = format!(" {flow}");
        if !theirs.lines().any(|line| line == ours) {
            wrong.push(format!("seed {seed}\nours:  {ours}\ntheirs: {theirs}"));
        }
    }
    report(&wrong)
}

fn messages() -> Result<(), Failed> {
    let cases: Vec<_> = seeds().map(|seed| ovs::body(&mut Gen::new(seed))).collect();
    let texts = ofp_parse(cases.iter().cloned())?;
    let mut wrong = Vec::new();
    for (seed, (body, theirs)) in seeds().zip(cases.iter().zip(texts)) {
        if !theirs.contains("(OF1.3)") || theirs.contains("***") {
            wrong.push(format!("seed {seed}: {body:?}\ntheirs: {theirs}"));
        }
    }
    report(&wrong)
}
