//! What reads the arguments of actions.
//!
//! What an action makes of the packet is followed along the list, as Open vSwitch does: some words
//! mean different actions to different packets (`mod_vlan_vid`, `mod_tp_dst`), and some can't be
//! carried out on some.

use nom::Parser;
use nom::bytes::complete::{is_a, is_not, take_while};
use nom::combinator::rest;
use nom::sequence::{preceded, separated_pair};

use super::error::Fault;
use super::lexer::{Lexed, Pair, Pairs};
use super::list::List;
use super::number;
use super::packet::{MOST_TAGS, Surroundings};
use super::{Strictness, nicira};
use crate::action::{Action, WHOLE_PACKET};
use crate::ids::{GroupId, PortNo, QueueId};
use crate::nicira::NxAction;
use crate::oxm::OxmField;

/// Ethernet types of VLAN tags.
const VLAN_TYPES: [u16; 2] = [0x8100, 0x88a8];

/// A port of the transport, for each protocol.
pub(super) struct L4Port {
    pub(super) tcp: fn(u16) -> OxmField,
    pub(super) udp: fn(u16) -> OxmField,
    pub(super) sctp: fn(u16) -> OxmField,
    /// `OFPAT_SET_TP_SRC` or `_DST` of OpenFlow 1.1.
    pub(super) of_1_1: u16,
}

pub(super) const L4_SRC: L4Port = L4Port {
    tcp: |port| OxmField::TcpSrc(port.into()),
    udp: |port| OxmField::UdpSrc(port.into()),
    sctp: |port| OxmField::SctpSrc(port.into()),
    of_1_1: 9,
};

pub(super) const L4_DST: L4Port = L4Port {
    tcp: |port| OxmField::TcpDst(port.into()),
    udp: |port| OxmField::UdpDst(port.into()),
    sctp: |port| OxmField::SctpDst(port.into()),
    of_1_1: 10,
};

pub(super) fn is_mpls(eth_type: u16) -> bool {
    matches!(eth_type, 0x8847 | 0x8848)
}

pub(super) fn output<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    if pair.value.contains("port") && pair.value.contains("max_len") {
        return output_trunc(list, pair);
    }
    if list.reading.port(pair.value).is_none()
        && let Some(read) = nicira::output_field(list, pair)
    {
        return read;
    }
    let port = list.reading.port_value("the port of output", pair.value)?;
    list.check_output(port, pair.value)?;
    list.push(Action::output(port))
}

/// `output(port=1,max_len=100)`.
pub(super) fn output_trunc<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    // The shortest that is left of a packet: an Ethernet header.
    const SHORTEST: u32 = 14;
    let (mut port, mut max_len) = (PortNo(0), 0);
    for inner in Pairs::of(pair.value) {
        match inner.key {
            "port" => {
                port = list.reading.port_value("the port of output", inner.value)?;
                if port > PortNo::MAX && !matches!(port, PortNo::LOCAL | PortNo::IN_PORT) {
                    return Err(Fault::refused(
                        inner.value,
                        "only ordinary ports, LOCAL and IN_PORT can cut packets",
                    ));
                }
            }
            "max_len" => {
                max_len = number::u32("max_len", inner.value, list.reading.strictness)?;
                if max_len < SHORTEST {
                    return Err(Fault::value("max_len", inner.value, "14 bytes or more"));
                }
            }
            _ => return Err(Fault::unknown("key", inner.key, ["port", "max_len"])),
        }
    }
    list.check_output(port, pair.value)?;
    list.push(NxAction::OutputTruncated { port, max_len }.into())
}

pub(super) fn controller<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    if !pair.value.bytes().all(|b| b.is_ascii_digit()) {
        return nicira::controller(list, pair);
    }
    let max_len = match pair.value {
        "" => WHOLE_PACKET,
        value => number::small("max_len", value, 65535)?,
    };
    list.push(Action::Output { port: PortNo::CONTROLLER, max_len })
}

/// `enqueue:PORT:QUEUE`, also with `q` or a comma between.
pub(super) fn enqueue<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let between = || is_a::<_, _, ()>(":q,");
    let mut halves =
        separated_pair(preceded(take_while(|c| ":q,".contains(c)), is_not(":q,")), between(), rest);
    let split: Lexed<'t, (&str, &str)> = halves.parse(pair.value);
    let Some((port_text, queue)) =
        split.ok().map(|(_, halves)| halves).filter(|(_, queue)| !queue.is_empty())
    else {
        return Err(Fault::value(pair.key, pair.value, "PORT:QUEUE"));
    };
    let port = list.reading.port_value("the port of enqueue", port_text)?;
    let queue = number::u32("the queue of enqueue", queue, list.reading.strictness)?;
    let ordinary = port < PortNo(0xff00) || matches!(port, PortNo::LOCAL | PortNo::IN_PORT);
    let unchecked =
        matches!(list.around, Surroundings::Nothing) && list.reading.strictness == Strictness::OpenVswitch;
    if !ordinary && !unchecked {
        return Err(Fault::refused(port_text, "it has no queues; name an ordinary port, LOCAL or IN_PORT"));
    }
    list.push(Action::SetQueue(QueueId(queue)))?;
    list.push(Action::Output { port, max_len: WHOLE_PACKET })?;
    list.push(NxAction::PopQueue.into())
}

pub(super) fn group<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let group = number::u32("the group", pair.value, list.reading.strictness)?;
    list.push(Action::Group(GroupId(group)))
}

pub(super) fn set_queue<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let queue = number::u32("the queue", pair.value, list.reading.strictness)?;
    list.push(Action::SetQueue(QueueId(queue)))
}

pub(super) fn set_tunnel<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let id = number::u64("the tunnel", pair.value)?;
    list.push(Action::SetField(OxmField::TunnelId(id.into())))
}

pub(super) fn push_vlan<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let eth_type: u16 = number::small(pair.key, pair.value, 65535)?;
    if !VLAN_TYPES.contains(&eth_type) {
        return Err(Fault::value(pair.key, pair.value, "0x8100 or 0x88a8"));
    }
    if let Some(packet) = list.around.packet() {
        if packet.tags[MOST_TAGS - 1] {
            return Err(Fault::refused(pair.key, "Open vSwitch knows two tags, and they are there; pop one"));
        }
        packet.tags = [true, packet.tags[0]];
    }
    list.push(Action::PushVlan(eth_type))
}

pub(super) fn pop_vlan<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    list.require_tag(pair.key)?;
    if let Some(packet) = list.around.packet() {
        packet.tags = [packet.tags[1], false];
    }
    list.push(Action::PopVlan)
}

pub(super) fn push_mpls<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let eth_type = number::small(pair.key, pair.value, 65535)?;
    if list.reading.strictness == Strictness::Strict && !is_mpls(eth_type) {
        return Err(Fault::value(pair.key, pair.value, "0x8847 or 0x8848"));
    }
    if let Some(packet) = list.around.packet() {
        packet.eth_type = eth_type;
        // What is under the label is not looked at.
        packet.ip_proto = 0;
    }
    list.push(Action::PushMpls(eth_type))
}

pub(super) fn pop_mpls<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let eth_type = number::small(pair.key, pair.value, 65535)?;
    list.require_mpls(pair.key)?;
    if let Some(packet) = list.around.packet() {
        packet.eth_type = eth_type;
    }
    list.push(Action::PopMpls(eth_type))
}

pub(super) fn push_pbb<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let eth_type = number::small(pair.key, pair.value, 65535)?;
    list.push(Action::PushPbb(eth_type))
}

pub(super) fn set_mpls_label<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let label = number::small(pair.key, pair.value, 0xf_ffff)?;
    list.require_mpls(pair.key)?;
    list.push(Action::SetField(OxmField::MplsLabel(label)))
}

pub(super) fn set_mpls_tc<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let tc = number::small(pair.key, pair.value, 7)?;
    list.require_mpls(pair.key)?;
    list.push(Action::SetField(OxmField::MplsTc(tc)))
}

pub(super) fn set_mpls_ttl<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let ttl = number::small(pair.key, pair.value, 255)?;
    list.require_mpls(pair.key)?;
    list.push(Action::SetMplsTtl(ttl))
}

pub(super) fn dec_mpls_ttl<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    list.require_mpls(pair.key)?;
    list.push(Action::DecMplsTtl)
}

pub(super) fn mod_nw_tos<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let tos: u8 = number::small(pair.key, pair.value, 255)?;
    if tos & 3 != 0 {
        return Err(Fault::value(pair.key, pair.value, "a multiple of 4: the two low bits are the ECN's"));
    }
    list.require_ip(pair.key)?;
    list.push(Action::SetField(OxmField::IpDscp(tos >> 2)))
}

pub(super) fn mod_nw_ecn<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let ecn = number::small(pair.key, pair.value, 3)?;
    list.require_ip(pair.key)?;
    list.push(Action::SetField(OxmField::IpEcn(ecn)))
}

pub(super) fn mod_nw_ttl<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let ttl = number::small(pair.key, pair.value, 255)?;
    list.require_ip(pair.key)?;
    list.push(Action::SetNwTtl(ttl))
}

/// `dec_ttl`, or `dec_ttl(ID,...)` with the controllers that hear of packets whose TTL is over.
pub(super) fn dec_ttl<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    list.require_ip(pair.key)?;
    if pair.value.is_empty() {
        return list.push(Action::DecNwTtl);
    }
    let ids = pair.value.split([',', ' ']).filter(|id| !id.is_empty());
    let ids: Result<Vec<u16>, Fault<'t>> = ids
        .map(|id| match list.reading.strictness {
            Strictness::Strict => number::small("the id of a controller", id, 65535),
            // C's atoi, cut to 16 bits.
            Strictness::OpenVswitch => Ok(number::leading_decimal(id) as u16),
        })
        .collect();
    let ids = ids?;
    if ids.is_empty() {
        return Err(Fault::missing("the id of a controller", pair.value));
    }
    list.push(NxAction::DecTtl(ids).into())
}
