//! Setting a field of a packet (OF 1.3.5 §7.2.5, `OFPAT_SET_FIELD`).

use super::super::key::Key;
use super::Packet;
use super::parse::{ICMP, ICMPV6, SCTP, TCP, UDP};
use crate::oxm::FieldId;

impl Packet {
    /// Sets a field and the checksums over it. A packet without the field's header stays as it is,
    /// and so does a field that no action sets.
    fn put_field(&mut self, id: FieldId, value: u128) {
        // A tag that is there stays there.
        let value = if id == FieldId::VlanVid { value | 0x1000 } else { value };
        if self.write_field(id, value).is_some() {
            self.key.set(id, value);
        }
    }

    /// Sets a field, and reads the frame anew where the field tells what else is there.
    pub(crate) fn set_field(&mut self, id: FieldId, value: u128) {
        match id {
            FieldId::EthType
            | FieldId::IpProto
            | FieldId::Icmpv4Type
            | FieldId::Icmpv4Code
            | FieldId::Icmpv6Type
            | FieldId::Icmpv6Code
            | FieldId::ArpOp => {
                if self.write_field(id, value).is_some() {
                    self.parse();
                }
            }
            id if Key::keeps(id) => self.key.set(id, value),
            _ => self.put_field(id, value),
        }
    }

    /// Writes the bytes; `None` where there is no such header, or the key does not follow.
    fn write_field(&mut self, id: FieldId, value: u128) -> Option<()> {
        let there = |offset: usize| (offset != 0).then_some(offset);
        let l = self.layout;
        let mac = &(value as u64).to_be_bytes()[2..];
        let word = &(value as u32).to_be_bytes();
        match id {
            FieldId::EthDst => self.overwrite(there(l.eth_type).map(|_| 0)?, mac),
            FieldId::EthSrc => self.overwrite(there(l.eth_type).map(|_| 6)?, mac),
            FieldId::EthType => self.overwrite(there(l.eth_type)?, &word[2..]),
            FieldId::VlanVid => self.merge(there(l.vlan)?, 0x0fff, value as u16),
            FieldId::VlanPcp => self.merge(there(l.vlan)?, 0xe000, (value as u16) << 13),
            FieldId::MplsLabel => self.merge_mpls(there(l.mpls)?, 0xffff_f000, (value as u32) << 12),
            FieldId::MplsTc => self.merge_mpls(there(l.mpls)?, 0x0e00, (value as u32) << 9),
            FieldId::MplsBos => self.merge_mpls(there(l.mpls)?, 0x0100, (value as u32) << 8),
            FieldId::PbbIsid => self.overwrite(there(l.pbb)? + 1, &word[1..]),
            FieldId::ArpOp => self.overwrite(there(l.arp)? + 6, &word[2..]),
            FieldId::ArpSha => self.overwrite(there(l.arp)? + 8, mac),
            FieldId::ArpSpa => self.overwrite(there(l.arp)? + 14, word),
            FieldId::ArpTha => self.overwrite(there(l.arp)? + 18, mac),
            FieldId::ArpTpa => self.overwrite(there(l.arp)? + 24, word),
            FieldId::Ipv4Src => self.ipv4_address(there(l.ipv4)?, 12, word),
            FieldId::Ipv4Dst => self.ipv4_address(there(l.ipv4)?, 16, word),
            FieldId::Ipv6Src => self.ipv6_address(there(l.ipv6)?, 8, value),
            FieldId::Ipv6Dst => self.ipv6_address(there(l.ipv6)?, 24, value),
            FieldId::Ipv6Flabel => {
                let at = there(l.ipv6)?;
                let first = u32::from_be_bytes(self.read(at)) & !0xf_ffff | value as u32 & 0xf_ffff;
                self.overwrite(at, &first.to_be_bytes())
            }
            FieldId::IpDscp => self.traffic_class(0xfc, (value as u8) << 2),
            FieldId::IpEcn => self.traffic_class(0x03, value as u8),
            FieldId::IpProto => self.protocol(value as u8),
            FieldId::TcpSrc => self.ports(TCP, 0, &word[2..]),
            FieldId::TcpDst => self.ports(TCP, 2, &word[2..]),
            FieldId::UdpSrc => self.ports(UDP, 0, &word[2..]),
            FieldId::UdpDst => self.ports(UDP, 2, &word[2..]),
            FieldId::SctpSrc => self.ports(SCTP, 0, &word[2..]),
            FieldId::SctpDst => self.ports(SCTP, 2, &word[2..]),
            FieldId::Icmpv4Type => self.icmp(ICMP, 0, value as u8),
            FieldId::Icmpv4Code => self.icmp(ICMP, 1, value as u8),
            FieldId::Icmpv6Type => self.icmp(ICMPV6, 0, value as u8),
            FieldId::Icmpv6Code => self.icmp(ICMPV6, 1, value as u8),
            FieldId::Ipv6NdTarget => {
                self.write_transport(there(l.nd_target)?, &value.to_be_bytes());
                Some(())
            }
            FieldId::Ipv6NdSll => {
                self.write_transport(there(l.nd_sll)?, mac);
                Some(())
            }
            FieldId::Ipv6NdTll => {
                self.write_transport(there(l.nd_tll)?, mac);
                Some(())
            }
            _ => None,
        }
    }

    fn overwrite(&mut self, at: usize, bytes: &[u8]) -> Option<()> {
        self.write(at, bytes);
        Some(())
    }

    fn merge(&mut self, at: usize, mask: u16, value: u16) -> Option<()> {
        let old = u16::from_be_bytes(self.read(at));
        self.overwrite(at, &(old & !mask | value & mask).to_be_bytes())
    }

    fn merge_mpls(&mut self, at: usize, mask: u32, value: u32) -> Option<()> {
        let old = u32::from_be_bytes(self.read(at));
        self.overwrite(at, &(old & !mask | value & mask).to_be_bytes())
    }

    fn ipv4_address(&mut self, at: usize, offset: usize, new: &[u8; 4]) -> Option<()> {
        self.update_transport(at + offset, new, false);
        self.write_ipv4(offset, new);
        Some(())
    }

    fn ipv6_address(&mut self, at: usize, offset: usize, value: u128) -> Option<()> {
        let new = value.to_be_bytes();
        // With a routing header the checksum is made with the last destination (RFC 8200 §8.1).
        if offset == 8 || !self.layout.routed {
            self.update_transport(at + offset, &new, false);
        }
        self.overwrite(at + offset, &new)
    }

    pub(super) fn traffic_class(&mut self, mask: u8, value: u8) -> Option<()> {
        let l = self.layout;
        if l.ipv4 != 0 {
            let [version, old] = self.read(l.ipv4);
            self.write_ipv4(0, &[version, old & !mask | value & mask]);
            return Some(());
        }
        if l.ipv6 == 0 {
            return None;
        }
        let shifted = |octet: u8| u16::from(octet) << 4;
        self.merge(l.ipv6, shifted(mask), shifted(value))
    }

    /// The protocol of IPv4, or the last "next header" of IPv6. It is part of the pseudo-header of
    /// the transport's checksum, but with it the transport is another one, so that stays.
    fn protocol(&mut self, value: u8) -> Option<()> {
        let l = self.layout;
        if l.ipv4 != 0 {
            let [ttl, _] = self.read(l.ipv4 + 8);
            self.write_ipv4(8, &[ttl, value]);
            return Some(());
        }
        if l.proto == 0 {
            return None;
        }
        self.overwrite(l.proto, &[value])
    }

    /// Of a fragment the ports are not in the key.
    fn ports(&mut self, proto: u8, offset: usize, new: &[u8]) -> Option<()> {
        let at = self.transport_of(proto)?;
        self.write_transport(at + offset, new);
        (!self.layout.fragment).then_some(())
    }

    fn icmp(&mut self, proto: u8, offset: usize, new: u8) -> Option<()> {
        let at = self.transport_of(proto)?;
        let mut both: [u8; 2] = self.read(at);
        both[offset] = new;
        self.write_transport(at, &both);
        Some(())
    }

    pub(super) fn transport_of(&self, proto: u8) -> Option<usize> {
        let at = self.layout.transport;
        (at != 0 && self.frame()[self.layout.proto] == proto).then_some(at)
    }
}
