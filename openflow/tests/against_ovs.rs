//! Our encoder and our text against Open vSwitch's: random messages of every type go through
//! `ovs-ofctl ofp-parse`, which must print what we print; random texts go through ovs-ofctl and through our parser, which
//! must take and refuse the same ones and make the same bytes of them. Ignored where ovs-ofctl is
//! missing.
//!
//! `FLOWBED_CASES` sets how many of each; `FLOWBED_SEED` where they start.

mod generate;
mod ofctl;

use std::io::Write;
use std::ops::Range;
use std::process::Command;

use bytes::BytesMut;
use flowbed_openflow as openflow;
use generate::{Gen, ovs, ovs_message, text};
use libtest_mimic::{Arguments, Failed, Trial};
use openflow::error::{BadAction, DecodeError};
use openflow::ids::Xid;
use openflow::msg::flow_mod::FlowMod;
use openflow::multipart::{MultipartBody, MultipartReply};
use openflow::text::{Parser, Strictness, TextError};
use openflow::{Body, Message};

fn main() {
    let missing = Command::new("ovs-ofctl").arg("--version").output().is_err();
    let trials = [
        Trial::test("flows_print_as_open_vswitch_prints_them", flows),
        Trial::test("groups_and_meters_print_as_open_vswitch_prints_them", groups_and_meters),
        Trial::test("messages_print_as_open_vswitch_prints_them", messages),
        Trial::test("flow_texts_are_read_as_open_vswitch_reads_them", flow_texts),
        Trial::test("group_texts_are_read_as_open_vswitch_reads_them", group_texts),
        Trial::test("meter_texts_are_read_as_open_vswitch_reads_them", meter_texts),
        Trial::test("printed_flows_are_read_by_open_vswitch", printed_flows),
        Trial::test("what_open_vswitch_reads_passes_strictly", strict),
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

/// Transaction ids of the barriers that stand behind each message: nothing else has such.
const MARK: u32 = 0x5eb0_0000;

/// What Open vSwitch prints of each of these messages, which have their places as transaction ids.
fn ofp_parse(bodies: impl Iterator<Item = Body>) -> Result<Vec<String>, Failed> {
    let mut stream = BytesMut::new();
    let mut count = 0;
    for body in bodies {
        body.encode(Xid(count), &mut stream)?;
        Body::BarrierReply.encode(Xid(MARK + count), &mut stream)?;
        count += 1;
    }
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(&stream)?;
    let output = Command::new("ovs-ofctl").arg("ofp-parse").arg(file.path()).output()?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut rest = printed.as_str();
    (0..count)
        .map(|xid| {
            let mark = format!("OFPT_BARRIER_REPLY (OF1.3) (xid={:#x}):\n", MARK + xid);
            let (text, behind) =
                rest.split_once(&mark).ok_or_else(|| format!("it ended before message {xid}"))?;
            rest = behind;
            Ok(text.to_owned())
        })
        .collect()
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
        Body::MultipartReply(MultipartReply::last(body))
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

fn groups_and_meters() -> Result<(), Failed> {
    let cases: Vec<_> = seeds().map(|seed| ovs::described(&mut Gen::new(seed))).collect();
    let texts = ofp_parse(cases.iter().map(|body| {
        let body = body.clone();
        Body::MultipartReply(MultipartReply::last(body))
    }))?;
    let mut wrong = Vec::new();
    for (body, theirs) in cases.iter().zip(texts) {
        let ours: Vec<String> = match body {
            MultipartBody::GroupDesc(groups) => groups.iter().map(|group| format!(" {group}\n")).collect(),
            MultipartBody::MeterConfig(meters) => meters.iter().map(|meter| format!("{meter}\n")).collect(),
            other => return Err(format!("neither groups nor meters: {other:?}").into()),
        };
        let theirs = theirs + "\n";
        for ours in ours {
            if !theirs.contains(&ours) {
                wrong.push(format!("ours:\n{ours}theirs:\n{theirs}"));
            }
        }
    }
    report(&wrong)
}

/// Each message's whole text, but for a last end of line.
fn messages() -> Result<(), Failed> {
    let cases: Vec<_> = seeds().map(|seed| ovs_message::body(&mut Gen::new(seed))).collect();
    let texts = ofp_parse(cases.iter().cloned())?;
    let mut wrong = Vec::new();
    for ((xid, seed), (body, theirs)) in (0..).zip(seeds()).zip(cases.into_iter().zip(texts)) {
        let theirs = theirs.strip_suffix('\n').unwrap_or(&theirs);
        let ours = Message { xid: Xid(xid), body }.to_string();
        if ours != theirs {
            wrong.push(format!("seed {seed}\nours:\n{ours}\ntheirs:\n{theirs}\n"));
        }
    }
    report(&wrong)
}

/// A message as bytes, its fields in our order.
fn normalized(mut body: Body) -> Result<String, Failed> {
    if let Body::FlowMod(flow) = &mut body {
        flow.match_ = flow.match_.normalized();
    }
    let mut out = BytesMut::new();
    body.encode(Xid(0), &mut out)?;
    Ok(hex::encode(out))
}

/// What is different between what we make of a text and what ovs-ofctl does, if anything is.
fn difference(
    text: &str,
    ours: impl Fn(&Parser<'_>) -> Result<Body, TextError>,
    theirs: Option<bytes::Bytes>,
) -> Result<Option<String>, Failed> {
    let theirs = match theirs {
        Some(bytes) => Some(normalized(Message::decode(bytes)?.body)?),
        None => None,
    };
    let as_ovs = Parser::new().strictness(Strictness::OpenVswitch);
    Ok(match (ours(&as_ovs), theirs) {
        (Err(error), Some(_)) => Some(format!("{text}\nwe refuse: {error}")),
        (Ok(_), None) => Some(format!("{text}\nthey refuse")),
        (Err(_), None) => None,
        (Ok(body), Some(theirs)) => {
            let strict = ours(&Parser::new());
            let same = strict.as_ref().is_ok_and(|strict| *strict == body);
            let ours = normalized(body)?;
            if ours != theirs {
                Some(format!("{text}\nours:   {ours}\ntheirs: {theirs}"))
            } else if strict.is_ok() && !same {
                Some(format!("{text}\nmeans something else when read strictly"))
            } else {
                None
            }
        }
    })
}

fn flow_texts() -> Result<(), Failed> {
    let texts: Vec<String> = seeds().map(|seed| text::flow(&mut Gen::new(seed))).collect();
    let mut wrong = Vec::new();
    let theirs = ofctl::flow_mods(&texts)?;
    let taken = theirs.iter().flatten().count();
    for (text, theirs) in texts.iter().zip(theirs) {
        wrong.extend(difference(text, |parser| parser.flow(text).map(Body::from), theirs)?);
    }
    if taken * 10 < texts.len() {
        return Err(format!("only {taken} of {} texts are taken at all", texts.len()).into());
    }
    report(&wrong)
}

/// Texts that are sent one by one are fewer.
fn fewer() -> Range<u64> {
    let all = seeds();
    all.start..all.start + (all.end - all.start) / 5
}

fn group_texts() -> Result<(), Failed> {
    let mut wrong = Vec::new();
    for seed in fewer() {
        let text = text::group(&mut Gen::new(seed));
        let theirs = ofctl::sent(&["add-group"], &text)?;
        wrong.extend(difference(&text, |parser| parser.group(&text).map(Body::GroupMod), theirs)?);
    }
    report(&wrong)
}

fn meter_texts() -> Result<(), Failed> {
    let mut wrong = Vec::new();
    for seed in fewer() {
        let text = text::meter(&mut Gen::new(seed));
        let theirs = ofctl::sent(&["add-meter"], &text)?;
        wrong.extend(difference(&text, |parser| parser.meter(&text).map(Body::MeterMod), theirs)?);
    }
    report(&wrong)
}

/// A flow, our text of it, Open vSwitch's bytes of that: the flow's own.
fn printed_flows() -> Result<(), Failed> {
    let flows: Vec<FlowMod> = seeds().map(|seed| ovs::flow_mod(&mut Gen::new(seed))).collect();
    let texts: Vec<String> = flows.iter().map(FlowMod::to_string).collect();
    let mut wrong = Vec::new();
    for ((flow, text), theirs) in flows.iter().zip(&texts).zip(ofctl::flow_mods(&texts)?) {
        let Some(theirs) = theirs else {
            wrong.push(format!("{text}\nthey refuse"));
            continue;
        };
        let ours = normalized(flow.clone().into())?;
        let theirs = normalized(Message::decode(theirs)?.body)?;
        if ours != theirs {
            wrong.push(format!("{text}\nours:   {ours}\ntheirs: {theirs}"));
        }
    }
    report(&wrong)
}

/// What is odd about a message for OpenFlow 1.3, and is not looked at where Open vSwitch prints: flags and reasons that
/// have no names, numbers of meters, ports for packet-outs alone, set-field of what is no header field; and, in what a
/// switch tells, whether actions fit the match and go to a later table.
fn open_vswitch_has_more(body: &Body, error: &DecodeError) -> bool {
    let told = matches!(body, Body::MultipartReply(_));
    match error {
        DecodeError::Unnamed { what, .. } => what.ends_with("flags") || what.ends_with("reason"),
        DecodeError::Misplaced { what, .. } => match *what {
            "meter" | "meter flags" => true,
            "goto_table" => told,
            _ => false,
        },
        DecodeError::Action { action, refusal } => *refusal == BadAction::BadSetType || action == "TABLE",
        DecodeError::Inconsistent { .. } => told,
        _ => false,
    }
}

/// Messages that ovs-ofctl prints without complaint.
fn strict() -> Result<(), Failed> {
    let mut wrong = Vec::new();
    let mut passed = 0;
    for seed in seeds() {
        let message = Message { xid: Xid(1), body: ovs_message::body(&mut Gen::new(seed)) };
        match message.check() {
            Err(error) if !open_vswitch_has_more(&message.body, &error) => {
                wrong.push(format!("{error}\n{message}"));
            }
            result => passed += usize::from(result.is_ok()),
        }
    }
    if passed * 2 < seeds().count() {
        return Err(format!("only {passed} pass").into());
    }
    report(&wrong)
}
