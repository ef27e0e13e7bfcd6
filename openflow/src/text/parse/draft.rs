//! A match while its text is read: what each field said, before it is known which protocol makes
//! what of it.
//!
//! Open vSwitch keeps one place for fields that never come together: `nw_src` is the sender of IPv4
//! or of ARP, `tp_dst` a port of TCP, UDP or SCTP or an ICMP code, whichever the Ethernet type and
//! the protocol say in the end (`ovs-fields(7)`). So the order of fields in a text is free.

use smallvec::SmallVec;

use super::Strictness;
use super::error::Fault;
use super::field::TextField;
use super::number::Bits;
use crate::oxm::registers;
use crate::oxm::{
    CONNECTION_PORTS, FieldId, LATER, Maskable, Masked, Match, NOT_LATER, OxmField, Prerequisite, VlanVid,
    describe, is_of_connection,
};

/// Bits of a tag's control information (IEEE 802.1Q): id, "there is a tag" (in the place of a bit
/// that says something else on the wire), priority.
mod tci {
    pub(super) const ID: u16 = 0x0fff;
    pub(super) const PRESENT: u16 = 0x1000;
    pub(super) const PRIORITY: u16 = 0xe000;
    pub(super) const PRIORITY_SHIFT: u32 = 13;
    /// What `dl_vlan` is where there is no tag.
    pub(super) const NO_TAG: u16 = 0xffff;
}

/// What the text said about one place.
#[derive(Clone, Copy, Debug)]
struct Said<'t> {
    place: FieldId,
    bits: Bits,
    /// The field that was named last.
    field: FieldId,
    /// Its name in the text.
    name: &'t str,
}

/// The fields of a match, as far as they have been read.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft<'t> {
    said: SmallVec<[Said<'t>; 8]>,
    /// Whether a word said that packets are Ethernet's.
    ethernet: bool,
}

impl<'t> Draft<'t> {
    fn bits(&self, place: FieldId) -> Bits {
        let said = self.said.iter().find(|said| said.place == place);
        said.map_or(Bits { value: 0, mask: 0 }, |said| said.bits)
    }

    /// The Ethernet type; 0 where the match says none.
    pub(super) fn eth_type(&self) -> u16 {
        self.bits(FieldId::EthType).value as u16
    }

    /// The protocol above IP, or ARP's operation; 0 where the match says none.
    pub(super) fn ip_proto(&self) -> u8 {
        self.bits(FieldId::IpProto).value as u8
    }

    /// Whether the match says that there is a tag.
    pub(super) fn has_vlan(&self) -> bool {
        self.bits(FieldId::VlanVid).value as u16 & tci::PRESENT != 0
    }

    /// Whether the match takes fragments that are not the first.
    pub(super) fn later_fragments(&self) -> bool {
        self.bits(FieldId::IpFrag).value as u8 & LATER != 0
    }

    /// Whether the match says that packets are of a connection.
    pub(super) fn has_connection(&self) -> bool {
        let Bits { value, mask } = self.bits(FieldId::CtState);
        is_of_connection(Masked { value: value as u32, mask: Some(mask as u32) })
    }

    /// The states of connections that the match asks for: the flags of `ct_state`.
    pub(super) fn states(&self) -> u32 {
        self.bits(FieldId::CtState).value as u32
    }

    /// Whether the match says that the connection has ports.
    pub(super) fn has_connection_ports(&self) -> bool {
        CONNECTION_PORTS.contains(&(self.bits(FieldId::CtNwProto).value as u8))
    }

    /// What is matched in the place of TCP's ports, values alone.
    pub(super) fn ports(&self) -> (u16, u16) {
        (self.bits(FieldId::TcpSrc).value as u16, self.bits(FieldId::TcpDst).value as u16)
    }

    /// Says something about a place, instead of what was said before.
    fn put(
        &mut self,
        field: FieldId,
        bits: Bits,
        name: &'t str,
        strictness: Strictness,
    ) -> Result<(), Fault<'t>> {
        let place = field.place();
        let bits = Bits { value: bits.value & bits.mask, mask: bits.mask };
        let said = Said { place, bits, field, name };
        match self.said.iter_mut().find(|said| said.place == place) {
            Some(before) if strictness == Strictness::Strict && contradicts(place, before.bits, bits) => {
                Err(Fault::refused(
                    name,
                    format!("{} said something else before, which would be lost; leave one", before.name),
                ))
            }
            Some(before) => {
                *before = said;
                Ok(())
            }
            None => {
                self.said.push(said);
                Ok(())
            }
        }
    }

    /// The word `eth`, or a field that only Ethernet's packets have.
    pub(super) fn ethernet(&mut self) {
        self.ethernet = true;
    }

    /// A word such as `tcp`.
    pub(super) fn protocol(
        &mut self,
        name: &'t str,
        eth_type: u16,
        ip_proto: Option<u8>,
        strictness: Strictness,
    ) -> Result<(), Fault<'t>> {
        self.ethernet();
        let all = |value: u128, mask| Bits { value, mask };
        self.put(FieldId::EthType, all(eth_type.into(), 0xffff), name, strictness)?;
        match ip_proto {
            Some(proto) => self.put(FieldId::IpProto, all(proto.into(), 0xff), name, strictness),
            None => Ok(()),
        }
    }

    /// A field with its value.
    pub(super) fn field(
        &mut self,
        field: TextField,
        name: &'t str,
        bits: Bits,
        text: &'t str,
        strictness: Strictness,
    ) -> Result<(), Fault<'t>> {
        let valid = match (field, bits.value as u16) {
            (TextField::DlVlan, tci::NO_TAG) => 0xffff,
            _ => field.valid_bits(),
        };
        // What Open vSwitch would do with a field that it has not is nobody's guess.
        let too_wide = matches!(field, TextField::Oxm(FieldId::PbbIsid | FieldId::Ipv6Exthdr));
        let own = u128::MAX >> (u128::BITS - field_bits(field));
        let value = if bits.mask & own == own { bits.value } else { bits.value & bits.mask };
        if value & !valid != 0 && (strictness == Strictness::Strict || too_wide) {
            return Err(Fault::value(name, text, format!("no other bits than {valid:#x}")));
        }
        if !is_of_any_packet(field) {
            self.ethernet();
        }
        let exact = bits.mask == field.ones();
        match field {
            TextField::DlVlan | TextField::DlVlanPcp | TextField::VlanTci => {
                let tci = self.vlan(field, bits, exact);
                self.put(FieldId::VlanVid, tci, name, strictness)
            }
            TextField::Oxm(FieldId::VlanVid | FieldId::VlanPcp) => {
                let tci = self.vlan(field, bits, exact);
                self.put(FieldId::VlanVid, tci, name, strictness)
            }
            TextField::NwTos => {
                let bits = Bits { value: bits.value >> 2, mask: if exact { 0x3f } else { 0 } };
                self.put(FieldId::IpDscp, bits, name, strictness)
            }
            TextField::InPort => {
                let mask = if exact { u32::MAX.into() } else { 0 };
                self.put(FieldId::InPort, Bits { mask, ..bits }, name, strictness)
            }
            TextField::Oxm(id) if registers::parts(id).is_some() => {
                let (first, count) = registers::parts(id).unwrap_or_default();
                // Open vSwitch knows them as registers of 32 bits.
                for n in 0..count {
                    let shift = 32 * (count - 1 - n) as u32;
                    let part = |bits: u128| bits >> shift & u128::from(u32::MAX);
                    let register = FieldId::ALL[FieldId::Reg0 as usize + first + n];
                    let bits = Bits { value: part(bits.value), mask: part(bits.mask) };
                    self.put(register, bits, name, strictness)?;
                }
                Ok(())
            }
            TextField::Oxm(id) => {
                let ones = u128::MAX >> (u128::BITS - id.bits());
                // What has no bits beyond the field's counts as without a mask.
                let mask = match (bits.mask & ones == ones, id) {
                    // Open vSwitch sends all bits of it, and switches refuse those beyond the field.
                    (true, FieldId::Ipv6Flabel) => u32::MAX.into(),
                    (true, _) => place_ones(id),
                    (false, FieldId::Ipv6Flabel) => bits.mask,
                    (false, _) => bits.mask & ones,
                };
                self.put(id, Bits { value: bits.value, mask }, name, strictness)
            }
        }
    }

    /// What the control information of the tag is to be, after another of its fields was given.
    fn vlan(&self, field: TextField, bits: Bits, exact: bool) -> Bits {
        let before = self.bits(FieldId::VlanVid);
        let (tci, seen) = (before.value as u16, before.mask as u16);
        let (value, mask) = (bits.value as u16, bits.mask as u16);
        let id = tci::ID | tci::PRESENT;
        let (tci, seen) = match field {
            TextField::VlanTci => (value & mask, mask),
            // Masked out: the other half stays.
            TextField::DlVlan | TextField::Oxm(FieldId::VlanVid) if mask == 0 => match seen & tci::PRIORITY {
                0 => (0, 0),
                _ => (tci & !tci::ID, seen & !tci::ID),
            },
            TextField::DlVlanPcp | TextField::Oxm(FieldId::VlanPcp) if mask == 0 => match seen & tci::ID {
                0 => (0, 0),
                _ => (tci & !tci::PRIORITY, seen & !tci::PRIORITY),
            },
            TextField::DlVlan if value == tci::NO_TAG => (0, 0xffff),
            TextField::DlVlan => (tci & !tci::ID | tci::PRESENT | value & tci::ID, seen | id),
            TextField::DlVlanPcp | TextField::Oxm(FieldId::VlanPcp) => (
                tci & !tci::PRIORITY | tci::PRESENT | (value & 7) << tci::PRIORITY_SHIFT,
                seen | tci::PRESENT | tci::PRIORITY,
            ),
            _ => {
                let mask = if exact { id } else { mask & id };
                (tci & !id | value & mask, mask | seen & tci::PRIORITY)
            }
        };
        Bits { value: tci.into(), mask: seen.into() }
    }

    /// Whether the match has what a field needs, as Open vSwitch sees it.
    fn satisfies(&self, needs: Prerequisite, strictness: Strictness) -> bool {
        let (eth_type, proto) = (self.eth_type(), self.ip_proto());
        match needs {
            Prerequisite::None => true,
            Prerequisite::InPort => self.bits(FieldId::InPort).mask != 0,
            Prerequisite::VlanTag => self.has_vlan(),
            Prerequisite::IpProto(_) if strictness == Strictness::Strict && self.later_fragments() => false,
            Prerequisite::Connection(_) if strictness == Strictness::OpenVswitch => true,
            Prerequisite::ConnectionPorts if strictness == Strictness::OpenVswitch => {
                self.bits(FieldId::CtNwProto).value != 0
            }
            Prerequisite::Connection(types) => {
                self.has_connection() && (types.is_empty() || types.contains(&eth_type))
            }
            Prerequisite::ConnectionPorts => self.has_connection() && self.has_connection_ports(),
            other => satisfied(other, eth_type, proto, self.ports()),
        }
    }

    /// The match.
    ///
    /// # Errors
    /// A field that means nothing here, if that is to be an error: Open vSwitch leaves it out.
    pub(super) fn finish(&self, strictness: Strictness) -> Result<Match, Fault<'t>> {
        let mut matched = Match::new();
        for said in self.said.iter().filter(|said| said.bits.mask != 0) {
            if said.place == FieldId::VlanVid {
                vlan_fields(said, &mut matched, strictness)?;
                continue;
            }
            let shared =
                |id: FieldId| id.place() == said.place && self.satisfies(id.prerequisite(), strictness);
            // Open vSwitch sends a label whatever IP it is.
            let label_of_ip = strictness == Strictness::OpenVswitch
                && said.place == FieldId::Ipv6Flabel
                && self.satisfies(FieldId::IpProto.prerequisite(), strictness);
            let found = if shared(said.field) || label_of_ip {
                Some(said.field)
            } else if strictness == Strictness::Strict && !is_loose(said.name) {
                None
            } else {
                FieldId::ALL.into_iter().find(|id| shared(*id))
            };
            match found {
                Some(FieldId::CtNwProto) if strictness == Strictness::OpenVswitch && said.bits.value == 0 => {
                }
                Some(id) => matched.insert(said.as_field(id)),
                None if strictness == Strictness::Strict && self.later_fragments() => {
                    return Err(Fault::prerequisite(said.name, NOT_LATER.to_owned()));
                }
                None if strictness == Strictness::Strict => {
                    return Err(Fault::prerequisite(said.name, describe(said.field.prerequisite())));
                }
                None => {}
            }
        }
        let implied = matched
            .fields()
            .any(|field| field.id().is_none_or(|id| id == FieldId::PacketType || !any_packet_has(id)));
        if self.ethernet && !implied {
            matched.insert(ethernet_packets());
        }
        Ok(matched)
    }
}

/// Whether a field is matched whatever the packet is.
fn is_of_any_packet(field: TextField) -> bool {
    match field {
        TextField::InPort => true,
        TextField::Oxm(id) => any_packet_has(id),
        _ => false,
    }
}

/// Whether a field is one of any packet, Ethernet's or not.
fn any_packet_has(id: FieldId) -> bool {
    match id {
        FieldId::InPort | FieldId::InPhyPort | FieldId::Metadata | FieldId::TunnelId => true,
        // Open vSwitch's own that need nothing of a packet.
        other => other as usize >= FieldId::BASIC.len() && other.prerequisite() == Prerequisite::None,
    }
}

/// OpenFlow 1.5's `packet_type=(0,0)`: what Open vSwitch adds to a match that takes packets of
/// Ethernet alone and has no field left that says so.
fn ethernet_packets() -> OxmField {
    OxmField::PacketType(0)
}

/// How many bits of the value mean something.
fn field_bits(field: TextField) -> u32 {
    match field {
        TextField::Oxm(id) => id.bits(),
        older => 8 * older.bytes() as u32,
    }
}

/// All bits of a field in its place.
fn place_ones(id: FieldId) -> u128 {
    u128::MAX >> (u128::BITS - id.place().bits())
}

/// Whether something that was said of a place gets lost by what is said now.
fn contradicts(place: FieldId, before: Bits, now: Bits) -> bool {
    if place == FieldId::VlanVid {
        return (before.value ^ now.value) & before.mask & now.mask != 0 || before.mask & !now.mask != 0;
    }
    before != now && before.mask != 0
}

/// Names that by custom stand for the fields of several protocols.
fn is_loose(name: &str) -> bool {
    ["nw_", "tp_", "icmp_"].iter().any(|prefix| name.starts_with(prefix))
}

/// Whether a packet of this kind has what a field needs, tags and ports of entry apart.
pub(super) fn satisfied(needs: Prerequisite, eth_type: u16, ip_proto: u8, ports: (u16, u16)) -> bool {
    const IP: u16 = 0x0800;
    const IPV6: u16 = 0x86dd;
    match needs {
        Prerequisite::None
        | Prerequisite::InPort
        | Prerequisite::VlanTag
        | Prerequisite::Connection(_)
        | Prerequisite::ConnectionPorts => true,
        Prerequisite::EthType(types) => types.contains(&eth_type),
        Prerequisite::IpProto(proto) => matches!(eth_type, IP | IPV6) && ip_proto == proto,
        Prerequisite::Icmpv4 => eth_type == IP && ip_proto == 1,
        Prerequisite::Icmpv6 => eth_type == IPV6 && ip_proto == 58,
        // Neighbour discovery has no codes but 0 (RFC 4861 §4.3).
        Prerequisite::Icmpv6Type(types) => {
            let (kind, code) = ports;
            eth_type == IPV6 && ip_proto == 58 && code == 0 && types.iter().any(|t| u16::from(*t) == kind)
        }
    }
}

impl Said<'_> {
    /// What was said, as this field of the place.
    fn as_field(&self, id: FieldId) -> OxmField {
        let own = u128::MAX >> (u128::BITS - id.bits());
        let Bits { value, mask } = self.bits;
        if id == FieldId::Ipv6Flabel {
            let mask = (mask & own != own).then_some(mask as u32);
            return OxmField::Ipv6Flabel(Masked { value: value as u32, mask });
        }
        // Of these Open vSwitch sends a mask of the bits that there are.
        let always = matches!(id, FieldId::CtState | FieldId::TunFlags);
        let mask = (always || id.maskable() != Maskable::No && mask & own != own).then_some(mask & own);
        OxmField::from_bits(id, value & own, mask)
            .expect("cut to the bits of the field, masked only where it may be")
    }
}

/// Id and priority of a tag.
fn vlan_fields<'t>(said: &Said<'t>, matched: &mut Match, strictness: Strictness) -> Result<(), Fault<'t>> {
    let (value, mask) = (said.bits.value as u16, said.bits.mask as u16);
    let id = tci::ID | tci::PRESENT;
    match mask & id {
        0 => {}
        some if some == id => matched.insert(OxmField::VlanVid(VlanVid(value & id).into())),
        some => matched.insert(OxmField::VlanVid(Masked::new(VlanVid(value & id), VlanVid(some)))),
    }
    let (priority, seen) = (value >> tci::PRIORITY_SHIFT, mask >> tci::PRIORITY_SHIFT);
    if value & id != 0 && seen != 0 {
        matched.insert(OxmField::VlanPcp(priority as u8));
    }
    let said_all = match seen {
        0 => true,
        // Without a tag there is no priority to match.
        7 => value & tci::PRESENT != 0 || value == 0 && mask == 0xffff,
        _ => false,
    };
    if strictness == Strictness::Strict && !said_all {
        return Err(Fault::refused(
            said.name,
            "OpenFlow 1.3 matches all of a tag's priority, of packets with a tag; give dl_vlan_pcp alone",
        ));
    }
    Ok(())
}
