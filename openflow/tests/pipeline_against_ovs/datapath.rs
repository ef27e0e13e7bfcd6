//! What Open vSwitch tells its datapath to do with a packet, carried out step by step.
//!
//! The last line of `ofproto/trace` has the actions. Each is put into the words of OpenFlow, and a
//! switch that knows no flow carries them out as a packet-out.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Instant;

use bytes::Bytes;
use flowbed_openflow as openflow;
use openflow::action::Action;
use openflow::ids::{MacAddr, PortNo};
use openflow::msg::packet_in::{PacketIn, PacketInReason};
use openflow::msg::packet_out::PacketOut;
use openflow::nicira::{ActionField, NxAction, Subfield};
use openflow::oxm::{FieldId, OxmField};
use openflow::pipeline::{Config, Controller, Effect, Sink, Switch};
use openflow::{Body, Message, Xid};

use super::ovs::{Ovs, Result};

/// Something that leaves a switch.
#[derive(Clone, Debug, PartialEq)]
pub enum Came {
    Frame(PortNo, Vec<u8>),
    /// Why, and for which controllers.
    PacketIn(PacketInReason, u16, Vec<u8>),
}

/// Collects what leaves a switch.
#[derive(Default)]
pub struct Out(pub Vec<Came>);

impl Sink for Out {
    fn effect(&mut self, effect: Effect<'_>) {
        match effect {
            Effect::Output { port, frame, .. } => self.0.push(Came::Frame(port, frame.to_vec())),
            Effect::PacketIn(it) => self.0.push(Came::PacketIn(it.reason, 0, it.data.to_vec())),
            _ => {}
        }
    }

    fn packet_in(&mut self, id: u16, _: &Bytes, it: PacketIn) {
        self.0.push(Came::PacketIn(it.reason, id, it.data.to_vec()));
    }
}

/// The ports' numbers in the datapath, and those that OpenFlow has for them.
pub struct Numbers(HashMap<u32, PortNo>);

impl Numbers {
    pub fn ask(ovs: &mut Ovs) -> Result<Numbers> {
        let mut numbers = HashMap::new();
        for line in ovs.appctl("dpif/show", &[])?.lines() {
            let Some(pair) = line.split_whitespace().nth(1).and_then(|word| word.strip_suffix(':')) else {
                continue;
            };
            if let Some((of, dp)) = pair.split_once('/') {
                let of: u32 = of.parse()?;
                numbers.insert(dp.parse()?, if of == 65534 { PortNo::LOCAL } else { PortNo(of) });
            }
        }
        Ok(Numbers(numbers))
    }
}

/// Splits at commas that are outside all parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, char) in text.char_indices() {
        match char {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// `name(rest)` as its two parts.
fn call(text: &str) -> Option<(&str, &str)> {
    text.strip_suffix(')')?.split_once('(')
}

fn number(text: &str) -> Result<u128> {
    Ok(match text.strip_prefix("0x") {
        Some(digits) => u128::from_str_radix(digits, 16)?,
        None => text.parse()?,
    })
}

fn address(text: &str) -> Result<u128> {
    if let Ok(mac) = text.parse::<MacAddr>() {
        return Ok(mac.0.iter().fold(0, |all, byte| all << 8 | u128::from(*byte)));
    }
    if let Ok(v4) = text.parse::<Ipv4Addr>() {
        return Ok(v4.to_bits().into());
    }
    if let Ok(v6) = text.parse::<Ipv6Addr>() {
        return Ok(v6.to_bits());
    }
    number(text)
}

fn set(id: FieldId, value: u128) -> Result<Action> {
    OxmField::from_bits(id, value, None).map(Action::SetField).ok_or_else(|| format!("{id:?} {value}").into())
}

/// The actions that set what `header(key=value,…)` says.
fn set_header(text: &str, out: &mut Vec<Action>) -> Result<()> {
    let (header, members) = call(text).ok_or("no header")?;
    // Of a tunnel nothing is seen on these ports.
    if header == "tunnel" {
        return Ok(());
    }
    for member in members.split(',') {
        let (key, value) = member.split_once('=').ok_or("no value")?;
        let (value, mask) = match value.split_once('/') {
            Some((value, mask)) => (value, Some(address(mask)?)),
            None => (value, None),
        };
        let value = address(value)?;
        let id = match (header, key) {
            ("eth", "src") => FieldId::EthSrc,
            ("eth", "dst") => FieldId::EthDst,
            ("ipv4", "src") => FieldId::Ipv4Src,
            ("ipv4", "dst") => FieldId::Ipv4Dst,
            ("ipv6", "src") => FieldId::Ipv6Src,
            ("ipv6", "dst") => FieldId::Ipv6Dst,
            ("ipv6", "label") => FieldId::Ipv6Flabel,
            ("tcp", "src") => FieldId::TcpSrc,
            ("tcp", "dst") => FieldId::TcpDst,
            ("udp", "src") => FieldId::UdpSrc,
            ("udp", "dst") => FieldId::UdpDst,
            ("sctp", "src") => FieldId::SctpSrc,
            ("sctp", "dst") => FieldId::SctpDst,
            ("icmp", "type") => FieldId::Icmpv4Type,
            ("icmp", "code") => FieldId::Icmpv4Code,
            ("icmpv6", "type") => FieldId::Icmpv6Type,
            ("icmpv6", "code") => FieldId::Icmpv6Code,
            ("arp", "sip") => FieldId::ArpSpa,
            ("arp", "tip") => FieldId::ArpTpa,
            ("arp", "op") => FieldId::ArpOp,
            ("arp", "sha") => FieldId::ArpSha,
            ("arp", "tha") => FieldId::ArpTha,
            ("nd", "target") => FieldId::Ipv6NdTarget,
            ("nd", "sll") => FieldId::Ipv6NdSll,
            ("nd", "tll") => FieldId::Ipv6NdTll,
            ("mpls", "label") => FieldId::MplsLabel,
            ("mpls", "tc") => FieldId::MplsTc,
            ("mpls", "ttl") => {
                out.push(Action::SetMplsTtl(value as u8));
                continue;
            }
            ("mpls", "bos") => continue,
            ("ipv4", "ttl") | ("ipv6", "hlimit") => {
                out.push(Action::SetNwTtl(value as u8));
                continue;
            }
            ("ipv4", "tos") | ("ipv6", "tclass") => {
                let mask = mask.unwrap_or(0xff);
                set_bits(ActionField::NwTos, value, mask & 0xfc, out)?;
                set_bits(FieldId::IpEcn.into(), value, mask & 3, out)?;
                continue;
            }
            other => return Err(format!("set {other:?}").into()),
        };
        match mask {
            Some(mask) => set_bits(id.into(), value, mask, out)?,
            None => out.push(set(id, value)?),
        }
    }
    Ok(())
}

/// The actions that set the bits of a mask, each those in a row.
fn set_bits(field: ActionField, value: u128, mask: u128, out: &mut Vec<Action>) -> Result<()> {
    let mut left = mask;
    while left != 0 {
        let offset = left.trailing_zeros();
        let bits = (left >> offset).trailing_ones().min(64);
        let row = u128::from(u64::MAX >> (64 - bits));
        let to = Subfield::new(field, offset as u16, bits as u16).ok_or("bits that the field has not")?;
        out.push(NxAction::Load { to, value: (value >> offset & row) as u64 }.into());
        left &= !(row << offset);
    }
    Ok(())
}

fn member<'a>(members: &'a str, key: &str) -> Option<&'a str> {
    let of_key = |part: &&'a str| part.split_once('=').is_some_and(|(name, _)| name == key);
    split(members).into_iter().find(of_key).and_then(|part| part.split_once('=')).map(|(_, value)| value)
}

/// A packet on its way through the datapath.
pub struct Datapath<'a> {
    numbers: &'a Numbers,
    switch: Switch,
    frame: Vec<u8>,
    out: Vec<Came>,
    /// To so many bytes the next output is cut.
    truncate: Option<u32>,
}

impl<'a> Datapath<'a> {
    pub fn new(numbers: &'a Numbers, frame: &[u8]) -> Datapath<'a> {
        let mut switch = Switch::new(Config::default());
        for number in numbers.0.values() {
            let port = openflow::Port { number: *number, ..Default::default() };
            switch.set_port(port, Instant::now(), &mut Out::default());
        }
        Datapath { numbers, switch, frame: frame.to_vec(), out: Vec::new(), truncate: None }
    }

    /// What comes out for the actions of a trace; `None` where the trace does not tell all.
    pub fn run(mut self, trace: &str) -> Result<Option<Vec<Came>>> {
        let line = trace.lines().rev().find_map(|line| line.strip_prefix("Datapath actions: "));
        let actions = line.ok_or("no datapath actions")?;
        if actions.contains("recirc(") {
            return Ok(None);
        }
        self.actions(Vec::new(), actions)?;
        Ok(Some(self.out))
    }

    fn actions(&mut self, mut before: Vec<Action>, text: &str) -> Result<()> {
        for action in split(text) {
            if action == "drop" {
                continue;
            }
            if action == "pop_vlan" {
                before.push(Action::PopVlan);
                continue;
            }
            if let Ok(number) = action.parse() {
                let port = *self.numbers.0.get(&number).ok_or("an unknown port")?;
                let output = match self.truncate.take() {
                    Some(max_len) => NxAction::OutputTruncated { port, max_len }.into(),
                    None => Action::output(port),
                };
                self.emit(&before, output)?;
                continue;
            }
            let (name, rest) = call(action).ok_or_else(|| format!("what is {action}?"))?;
            match name {
                "set" => set_header(rest, &mut before)?,
                "clone" => self.actions(before.clone(), rest)?,
                "trunc" => self.truncate = Some(rest.parse()?),
                "check_pkt_len" => {
                    let size = number(member(rest, "size").ok_or("no size")?)? as usize;
                    let parts = split(rest);
                    let branch = if self.length(&before)? > size { "gt(" } else { "le(" };
                    let branch = parts.into_iter().find(|part| part.starts_with(branch));
                    let (_, actions) = branch.and_then(call).ok_or("no branch")?;
                    self.actions(before.clone(), actions)?;
                }
                "push_vlan" => {
                    let tpid = member(rest, "tpid").map_or(Ok(0x8100), number)?;
                    before.push(Action::PushVlan(tpid as u16));
                    let vid = number(member(rest, "vid").ok_or("no vid")?)?;
                    before.push(set(FieldId::VlanVid, 0x1000 | vid)?);
                    before.push(set(FieldId::VlanPcp, number(member(rest, "pcp").ok_or("no pcp")?)?)?);
                }
                "push_mpls" => {
                    let get = |key| member(rest, key).ok_or("a member is missing").map(number);
                    before.push(Action::PushMpls(get("eth_type")?? as u16));
                    before.push(set(FieldId::MplsLabel, get("label")??)?);
                    before.push(set(FieldId::MplsTc, get("tc")??)?);
                    before.push(Action::SetMplsTtl(get("ttl")?? as u8));
                }
                "pop_mpls" => {
                    let kind = number(member(rest, "eth_type").ok_or("no type")?)?;
                    before.push(Action::PopMpls(kind as u16));
                }
                "userspace" => {
                    let controller =
                        split(rest).into_iter().find_map(|part| part.strip_prefix("controller("));
                    let reason = controller.and_then(|members| member(members, "reason")).ok_or(rest)?;
                    // Later versions have reasons that are one of these in OpenFlow 1.3: action
                    // set, group and packet-out; the table-miss flow.
                    let reason = match number(reason)? as u8 {
                        3..=5 => PacketInReason::Action,
                        6 => PacketInReason::NoMatch,
                        other => other.into(),
                    };
                    let id = controller.and_then(|members| member(members, "controller_id")).ok_or(rest)?;
                    let id = number(id)? as u16;
                    self.emit(&before, Action::controller())?;
                    if let Some(Came::PacketIn(why, to, _)) = self.out.last_mut() {
                        (*why, *to) = (reason, id);
                    }
                }
                other => return Err(format!("what is {other}?").into()),
            }
        }
        Ok(())
    }

    /// How long the packet is then, without a VLAN tag.
    fn length(&mut self, before: &[Action]) -> Result<usize> {
        self.emit(before, Action::controller())?;
        match self.out.pop() {
            Some(Came::PacketIn(.., frame)) => {
                let tagged = matches!(frame.get(12..14), Some([0x81, 0] | [0x88, 0xa8]));
                Ok(frame.len() - if tagged { 4 } else { 0 })
            }
            other => Err(format!("no packet but {other:?}").into()),
        }
    }

    fn emit(&mut self, before: &[Action], last: Action) -> Result<()> {
        let actions: Vec<Action> = before.iter().cloned().chain([last]).collect();
        let body = Body::from(PacketOut::new(self.frame.clone().into(), actions));
        let mut out = Out::default();
        let message = Message { xid: Xid(0), body };
        let handled = self.switch.handle(&mut Controller::default(), message, Instant::now(), &mut out);
        handled.map_err(|error| error.to_string())?;
        self.out.append(&mut out.0);
        Ok(())
    }
}
