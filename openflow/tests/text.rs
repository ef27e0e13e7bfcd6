//! Text in the words of ovs-ofctl: read as Open vSwitch reads it, printed and read back the same.
//! `golden/README.md` tells how Open vSwitch's verdicts were got.

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod generate;

use std::str::FromStr;

use bytes::BytesMut;
use flowbed_openflow as openflow;
use generate::{Gen, ovs, sound_match, text};
use openflow::action::{Action, Actions};
use openflow::ids::{PortNo, Xid};
use openflow::instruction::{Instruction, Instructions};
use openflow::msg::flow_mod::FlowModCommand;
use openflow::msg::group_mod::GroupModCommand;
use openflow::msg::meter_mod::MeterModCommand;
use openflow::multipart::{FlowStats, GroupDesc, MeterConfig, MultipartBody};
use openflow::oxm::{FieldId, Maskable, Match, OxmBytes, OxmField};
use openflow::text::{Parser, Ports, Problem, Strictness, TextError};
use openflow::{Body, FlowMod, Message};
use proptest::prelude::*;

const TEXTS: &str = include_str!("golden/texts.golden");

/// What we make of a text that is given to ovs-ofctl with this command.
fn ours(parser: &Parser<'_>, command: &str, text: &str) -> Result<Body, TextError> {
    let flow = |command| parser.flow_change(text, command).map(Body::from);
    let group = |command| parser.group_change(text, command).map(Body::GroupMod);
    let meter = |command| parser.meter_change(text, command).map(Body::MeterMod);
    match command {
        "add" => flow(FlowModCommand::Add),
        "mod" => flow(FlowModCommand::Modify),
        "mod_strict" => flow(FlowModCommand::ModifyStrict),
        "del" => flow(FlowModCommand::Delete),
        "del_strict" => flow(FlowModCommand::DeleteStrict),
        "group" => group(GroupModCommand::Add),
        "mod_group" => group(GroupModCommand::Modify),
        "del_group" => group(GroupModCommand::Delete),
        "meter" => meter(MeterModCommand::Add),
        "mod_meter" => meter(MeterModCommand::Modify),
        "del_meter" => meter(MeterModCommand::Delete),
        other => panic!("no such command: {other}"),
    }
}

/// The bytes of a message whose match, if it has one, has its fields in our order.
fn bytes(mut body: Body) -> String {
    if let Body::FlowMod(flow) = &mut body {
        flow.match_ = flow.match_.normalized();
    }
    let mut out = BytesMut::new();
    body.encode(Xid(0), &mut out).unwrap();
    hex::encode(out)
}

fn verdicts() -> impl Iterator<Item = (&'static str, Option<String>, &'static str)> {
    TEXTS.lines().map(|line| {
        let [command, sent, text] = line.splitn(3, '\t').collect::<Vec<_>>()[..] else {
            panic!("three columns: {line}")
        };
        let sent = (sent != "refused").then(|| {
            let message = Message::decode(hex::decode(sent).unwrap().into()).unwrap();
            bytes(message.body)
        });
        (command, sent, text)
    })
}

#[test]
fn what_open_vswitch_takes_and_refuses() {
    let parser = Parser::new().strictness(Strictness::OpenVswitch);
    let mut wrong = Vec::new();
    for (command, theirs, text) in verdicts() {
        let ours = ours(&parser, command, text);
        match (ours, theirs) {
            (Ok(ours), Some(theirs)) => {
                let ours = bytes(ours);
                if ours != theirs {
                    wrong.push(format!("{command} {text}\n  ours   {ours}\n  theirs {theirs}"));
                }
            }
            (Err(error), Some(_)) => wrong.push(format!("{command} {text}\n  we refuse: {error}")),
            (Ok(_), None) => wrong.push(format!("{command} {text}\n  they refuse")),
            (Err(_), None) => {}
        }
    }
    assert!(wrong.is_empty(), "{} texts:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn strictness_changes_no_meaning() {
    let (strict, as_ovs) = (Parser::new(), Parser::new().strictness(Strictness::OpenVswitch));
    let (mut both, mut strict_refuses) = (0, 0);
    for (command, _, text) in verdicts() {
        match (ours(&strict, command, text), ours(&as_ovs, command, text)) {
            (Ok(a), Ok(b)) => {
                assert_eq!(a, b, "{command} {text}");
                both += 1;
            }
            (Ok(_), Err(error)) => panic!("{command} {text}: strict takes it, but {error}"),
            (Err(_), Ok(_)) => strict_refuses += 1,
            (Err(_), Err(_)) => {}
        }
    }
    assert!(both > 250 && strict_refuses > 50, "{both} {strict_refuses}");
}

/// Every error that a strict reader makes names the place, the reason and what helps.
#[test]
fn errors_point_and_help() {
    let says = |text: &str| Parser::new().flow(text).unwrap_err().to_string();
    for (text, error) in [
        ("actions=otput:2", "column 9: unknown action \"otput\"; did you mean \"output\"?"),
        ("in_prt=1,actions=drop", "column 1: unknown field \"in_prt\"; did you mean \"in_port\"?"),
        ("ip,prioirty=3,actions=drop", "column 4: unknown field \"prioirty\"; did you mean \"priority\"?"),
        ("tpc,actions=drop", "column 1: unknown field \"tpc\"; did you mean \"tcp\"?"),
        ("actions=floood", "column 9: unknown action \"floood\"; did you mean \"FLOOD\"?"),
        ("ip", "column 3: actions= is missing"),
        ("ip,actions", "column 11: = behind actions is missing"),
        ("tp_dst=80,actions=drop", "column 1: match field tp_dst needs ip_proto=6; add it to the match"),
        (
            "ip,icmp6,actions=drop",
            "column 4: \"icmp6\": ip said something else before, which would be lost; leave one",
        ),
        (
            "udp,tcp_dst=80,actions=drop",
            "column 5: match field tcp_dst needs ip_proto=6; add it to the match",
        ),
        (
            "ip,nw_src=10.0.0.256,actions=drop",
            "column 11: nw_src can't be \"10.0.0.256\"; expected an IPv4 address, alone or with /length or /mask",
        ),
        (
            "priority=70000,actions=drop",
            "column 10: the priority can't be \"70000\"; expected a number from 0 to 65535",
        ),
        ("priority=,actions=drop", "column 10: the value of priority is missing"),
        (
            "importance=3,actions=drop",
            "column 1: \"importance\": OpenFlow 1.3 has no importance, 1.4 and later have; leave it out",
        ),
        (
            "actions=dec_ttl",
            "column 9: \"dec_ttl\": the flow must match ip or ipv6, or packets would come that this can't be done to",
        ),
        (
            "ip,actions=set_field:80->tcp_dst",
            "column 26: match field tcp_dst needs ip_proto=6; add it to the match",
        ),
        (
            "tcp,actions=set_field:80->tcp_dts",
            "column 27: unknown field \"tcp_dts\"; did you mean \"tcp_dst\"?",
        ),
        ("actions=output:1,meter:3", "column 18: \"meter\": meter must stand before an action"),
        (
            "actions=write_actions(goto_table:3)",
            "column 23: \"goto_table\": an instruction; only actions can stand here",
        ),
        ("table=3,actions=goto_table:3", "column 28: \"3\": packets go to later tables alone"),
        ("actions=goto_table:0", "column 20: \"0\": packets go to later tables alone"),
        (
            "dl_vlan=5000,actions=drop",
            "column 9: dl_vlan can't be \"5000\"; expected no other bits than 0xfff",
        ),
    ] {
        assert_eq!(says(text), error, "{text}");
    }
    let group = Parser::new().group("group_id=1,type=all,bucket=bucket_id:3,actions=output:1");
    assert_eq!(
        group.unwrap_err().to_string(),
        "column 28: \"bucket_id\": OpenFlow 1.3 can't say it, 1.5 can; leave it out"
    );
    let meter = Parser::new().meter("meter=1 kbps bands=type=drop rat=5").unwrap_err();
    assert_eq!(meter.to_string(), "column 30: unknown keyword \"rat\"; did you mean \"rate\"?");
    assert_eq!((meter.column(), meter.length(), meter.suggestion()), (30, 3, Some("rate")));
}

#[test]
fn every_error_of_a_file_is_told() {
    let file = "# flows\nin_port=1 actions=output:2\n\n  delete out_prt=3 # no more\nmodify ip actions=drp\n";
    let errors = Parser::new().flows(file).unwrap_err();
    let places: Vec<_> = errors.iter().map(|e| (e.ordinal(), e.line(), e.column(), e.length())).collect();
    assert_eq!(places, [(Some(2), Some(4), 10, 7), (Some(3), Some(5), 19, 3)]);
    assert_eq!(
        errors[1].to_string(),
        "flow 3 (line 5), column 19: unknown action \"drp\"; did you mean \"drop\"?"
    );
    assert!(matches!(errors[0].problem(), Problem::Unknown { suggestion: Some("out_port"), .. }));
    let commands = "add ip actions=drop\ndelete_strict priority=4,ip\nmod ip actions=1\nip actions=2\n";
    let flows: Vec<_> = Parser::new().flows(commands).unwrap().into_iter().map(|it| it.command).collect();
    use FlowModCommand::{Add, DeleteStrict, Modify};
    assert_eq!(flows, [Add, DeleteStrict, Modify, Add]);
}

#[test]
fn a_dump_is_read_with_its_head() {
    let dump = "OFPST_FLOW reply (OF1.3) (xid=0x2):\n \
        cookie=0x5, duration=12.345s, table=1, n_packets=3, n_bytes=180, idle_timeout=60, idle_age=4, \
        send_flow_rem priority=10,tcp,in_port=\"s1-eth1\",dl_vlan=5,tp_dst=80 \
        actions=pop_vlan,output:eth2,goto_table:2\n";
    let ports = Ports::new().with("s1-eth1", PortNo(1)).with("eth2", PortNo(2));
    let flows = Parser::new().ports(&ports).dump(dump).unwrap();
    assert_eq!(
        flows[0].to_string(),
        "cookie=0x5, duration=12.345s, table=1, n_packets=3, n_bytes=180, idle_timeout=60, \
         send_flow_rem priority=10,tcp,in_port=1,dl_vlan=5,tp_dst=80 actions=pop_vlan,output:2,goto_table:2"
    );
}

/// As the text of it is read back: an output but to the controller has no length, and what does
/// nothing is not there.
fn readable(instructions: Instructions) -> Instructions {
    let actions = |actions: Actions| -> Actions { actions.into_iter().map(readable_action).collect() };
    let order = |it: &Instruction| match it {
        Instruction::Meter(_) => 0,
        Instruction::ApplyActions(_) => 1,
        Instruction::ClearActions => 2,
        Instruction::WriteActions(_) => 3,
        Instruction::WriteMetadata { .. } => 4,
        _ => 5,
    };
    let mut all: Vec<_> = instructions
        .into_iter()
        .map(|it| match it {
            Instruction::ApplyActions(list) => Instruction::ApplyActions(actions(list)),
            Instruction::WriteActions(list) => Instruction::WriteActions(actions(list)),
            other => other,
        })
        .filter(|it| {
            !matches!(it, Instruction::ApplyActions(list) | Instruction::WriteActions(list) if list.is_empty())
        })
        .collect();
    all.sort_by_key(order);
    all.into()
}

fn readable_action(action: Action) -> Action {
    match action {
        Action::Output { port, .. } if port != PortNo::CONTROLLER => Action::output(port),
        other => other,
    }
}

/// A match of any fields, and of unknown ones; but for the wide registers, which are read as narrow ones.
fn any_sound_match(g: &mut Gen) -> Match {
    let mut matched: Match = sound_match(g, |id| !(FieldId::Xreg0..=FieldId::Xxreg3).contains(&id))
        .fields()
        .map(|field| match (field.id(), field.to_bits()) {
            // Ports of OpenFlow 1.3 that are none of Open vSwitch's have no words.
            (Some(FieldId::InPort | FieldId::InPhyPort | FieldId::ActsetOutput), Some((value, _))) => {
                OxmField::from_bits(field.id().unwrap(), value & 0x7fff, None).unwrap()
            }
            (Some(FieldId::ArpOp), Some((value, _))) => OxmField::ArpOp(value as u16 & 0xff),
            // Fragments have five words.
            (Some(FieldId::IpFrag), Some((value, _))) => {
                let words = [(0, None), (1, Some(1)), (1, None), (3, None), (0, Some(2))];
                let (value, mask) = words[value as usize % words.len()];
                OxmField::IpFrag(openflow::oxm::Masked { value, mask })
            }
            // Their masks say which bits there are.
            (Some(FieldId::CtState | FieldId::TunFlags), _) => field,
            // A mask of all the bits that a field has is none.
            (Some(id), Some((value, mask)))
                if id.maskable() != Maskable::No && mask == u128::MAX >> (128 - id.bits()) =>
            {
                OxmField::from_bits(id, value, None).unwrap()
            }
            _ => field,
        })
        .collect();
    let discovery = [
        FieldId::Ipv6NdTarget,
        FieldId::Ipv6NdSll,
        FieldId::Ipv6NdTll,
        FieldId::NdReserved,
        FieldId::NdOptionsType,
    ];
    if discovery.iter().any(|id| matched.get(*id).is_some()) {
        matched.remove(FieldId::Icmpv6Code.key());
    }
    if g.chance(4) {
        let has_mask = g.chance(2);
        let bytes = g.bytes(8);
        let bytes = OxmBytes::try_from(&bytes[..]).unwrap();
        matched.insert(OxmField::Unknown { class: 0x1234, field: g.u8() & 0x7f, has_mask, bytes });
    }
    matched
}

fn read_back<T: FromStr<Err = TextError> + ToString + PartialEq + std::fmt::Debug>(
    it: &T,
) -> Result<(), TestCaseError> {
    let text = it.to_string();
    match text.parse::<T>() {
        Ok(read) => prop_assert_eq!(&read, it, "{}", text),
        Err(error) => prop_assert!(false, "{text}\n{error}"),
    }
    Ok(())
}

/// Reads a text as everything that it could be; errors must point into it.
fn read_as_anything(text: &str) {
    let check = |error: &TextError, text: &str| {
        let width = text.chars().count();
        assert!(error.column() + error.length() <= width + 1, "{text:?}: {error}");
        assert!(error.to_string().len() < 1000, "{error}");
    };
    for strictness in [Strictness::Strict, Strictness::OpenVswitch] {
        let parser = Parser::new().strictness(strictness);
        for command in [FlowModCommand::Add, FlowModCommand::Modify, FlowModCommand::DeleteStrict] {
            parser.flow_change(text, command).inspect_err(|e| check(e, text)).ok();
        }
        parser.flow_stats(text).inspect_err(|e| check(e, text)).ok();
        parser.matching(text).inspect_err(|e| check(e, text)).ok();
        parser.instructions(text).inspect_err(|e| check(e, text)).ok();
        for command in [GroupModCommand::Add, GroupModCommand::Delete] {
            parser.group_change(text, command).inspect_err(|e| check(e, text)).ok();
        }
        for command in [MeterModCommand::Add, MeterModCommand::Delete] {
            parser.meter_change(text, command).inspect_err(|e| check(e, text)).ok();
        }
        if let Err(errors) = parser.flows(text) {
            for error in errors {
                check(&error, text.lines().nth(error.line().unwrap() - 1).unwrap());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn printed_flows_are_read_back(seed: u64) {
        let mut flow = ovs::flow_mod(&mut Gen::new(seed));
        flow.match_ = flow.match_.normalized();
        flow.instructions = readable(flow.instructions);
        read_back::<FlowMod>(&flow)?;
    }

    #[test]
    fn printed_dumps_are_read_back(seed: u64) {
        let mut flow = ovs::flow_stats(&mut Gen::new(seed));
        flow.match_ = flow.match_.normalized();
        flow.instructions = readable(flow.instructions);
        read_back::<FlowStats>(&flow)?;
    }

    #[test]
    fn printed_matches_are_read_back(seed: u64) {
        read_back(&any_sound_match(&mut Gen::new(seed)))?;
    }

    #[test]
    fn printed_groups_and_meters_are_read_back(seed: u64) {
        let mut g = Gen::new(seed);
        match ovs::described(&mut g) {
            MultipartBody::GroupDesc(groups) => for mut group in groups {
                for bucket in &mut group.buckets {
                    bucket.actions = bucket.actions.iter().cloned().map(readable_action).collect();
                }
                read_back::<GroupDesc>(&group)?;
            },
            MultipartBody::MeterConfig(meters) => for meter in meters {
                read_back::<MeterConfig>(&meter)?;
            },
            other => prop_assert!(false, "{other:?}"),
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_text_does_harm(text in "\\PC{0,120}") {
        read_as_anything(&text);
    }

    #[test]
    fn no_slip_of_the_pen_does_harm(seed: u64, cut: prop::sample::Index, extra in "[a-z=:(),/ö\"->#\n]{0,6}") {
        let mut g = Gen::new(seed);
        let text = match g.below(3) {
            0 => text::group(&mut g),
            1 => text::meter(&mut g),
            _ => text::flow(&mut g),
        };
        let at = cut.index(text.len() + 1);
        read_as_anything(&text[..at]);
        read_as_anything(&format!("{}{extra}{}", &text[..at], &text[at..]));
    }
}

#[test]
fn depth_and_length_do_no_harm() {
    for piece in
        ["write_actions(", "(", "a(", "bucket=", "=", "actions=", "action", "output:1,", "->", "0x", "/"]
    {
        let text = piece.repeat(10_000);
        read_as_anything(&text);
        read_as_anything(&format!("actions={text}"));
        read_as_anything(&format!("metadata={text},actions=drop"));
    }
}
