//! The forty basic match fields of OpenFlow 1.3 in one table (OF 1.3.5 §7.2.3.7, table 12).
//!
//! A field is more of the same: one row here, and it is read, written, built, checked, printed and
//! read from text.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::field::{Defect, Payload};
use super::{Isid, Masked, Match, OxmBytes, OxmValue, VlanVid};
use crate::ids::{MacAddr, PortNo};

/// What another field must say before a field means something (OF 1.3.5 §7.2.3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prerequisite {
    /// Nothing.
    None,
    /// `in_port` is matched.
    InPort,
    /// `vlan_vid` is matched and says that there is a tag.
    VlanTag,
    /// `eth_type` is one of these.
    EthType(&'static [u16]),
    /// `ip_proto` is this, over IPv4 or IPv6.
    IpProto(u8),
    /// `ip_proto` is 1 over IPv4. (The specification asks for the protocol alone; switches for both.)
    Icmpv4,
    /// `ip_proto` is 58 over IPv6.
    Icmpv6,
    /// `icmpv6_type` is one of these.
    Icmpv6Type(&'static [u8]),
}

/// Who allows a mask on a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Maskable {
    /// Nobody.
    No,
    /// Open vSwitch does, the specification does not (`ovs-fields(7)`).
    OpenVswitch,
    /// The specification.
    Yes,
}

/// Whether actions may set a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A packet has it; no action sets it.
    ReadOnly,
    /// `set_field` sets it.
    ReadWrite,
}

/// How `ovs-ofctl` writes a value (`ovs-fields(7)`, "Format").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// A number, decimal by custom.
    Decimal,
    /// A number, hexadecimal by custom.
    Hexadecimal,
    /// A port: number, reserved name or name.
    Port,
    /// An Ethernet address.
    Ethernet,
    /// An IPv4 address or network.
    Ipv4,
    /// An IPv6 address or network.
    Ipv6,
}

const IP: Prerequisite = Prerequisite::EthType(&[0x0800, 0x86dd]);
const IPV4: Prerequisite = Prerequisite::EthType(&[0x0800]);
const IPV6: Prerequisite = Prerequisite::EthType(&[0x86dd]);
/// RARP has the packets of ARP, and switches match them alike (`ovs-fields(7)`).
const ARP: Prerequisite = Prerequisite::EthType(&[0x0806, 0x8035]);
const MPLS: Prerequisite = Prerequisite::EthType(&[0x8847, 0x8848]);
const PBB: Prerequisite = Prerequisite::EthType(&[0x88e7]);
const TCP: Prerequisite = Prerequisite::IpProto(6);
const UDP: Prerequisite = Prerequisite::IpProto(17);
const SCTP: Prerequisite = Prerequisite::IpProto(132);
const ICMP: Prerequisite = Prerequisite::Icmpv4;
const ICMPV6: Prerequisite = Prerequisite::Icmpv6;

/// The type that a variant carries.
macro_rules! payload {
    (No, $value:ty) => { $value };
    ($maskable:ident, $value:ty) => { Masked<$value> };
}

/// The setter of [`Match`].
macro_rules! setter {
    ($(#[$doc:meta])* $variant:ident, $setter:ident, No, $value:ty) => {
        $(#[$doc])*
        #[must_use]
        pub fn $setter(self, value: $value) -> Self {
            self.with(OxmField::$variant(value))
        }
    };
    ($(#[$doc:meta])* $variant:ident, $setter:ident, $maskable:ident, $value:ty) => {
        $(#[$doc])*
        #[must_use]
        pub fn $setter(self, value: impl Into<Masked<$value>>) -> Self {
            self.with(OxmField::$variant(value.into()))
        }
    };
}

macro_rules! fields {
    ($($number:literal $variant:ident $setter:ident: $value:ty, $bits:literal bits,
       mask $maskable:ident, needs $needs:expr, $name:literal,
       text [$($alias:literal),*] $syntax:ident $access:ident, place $place:ident, nxm $nxm:expr,
       $doc:literal;)*) => {
        /// A basic match field, by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum FieldId {
            $(#[doc = $doc] $variant = $number,)*
        }

        impl FieldId {
            /// All of them, by number.
            pub const ALL: [FieldId; [$($number),*].len()] = [$(FieldId::$variant),*];

            /// The field with this number in class `0x8000`.
            #[inline]
            pub fn from_number(number: u8) -> Option<FieldId> {
                FieldId::ALL.get(usize::from(number)).copied()
            }

            /// The name of the field in Open vSwitch's words.
            pub fn name(self) -> &'static str {
                match self { $(FieldId::$variant => $name,)* }
            }

            /// Other names that Open vSwitch has for the field (`ovs-fields(7)`).
            pub fn aliases(self) -> &'static [&'static str] {
                match self { $(FieldId::$variant => &[$($alias),*],)* }
            }

            /// Whether an action may set the field (`ovs-fields(7)`, "Access").
            pub fn access(self) -> Access {
                match self { $(FieldId::$variant => Access::$access,)* }
            }

            /// How a value of the field is written.
            pub(crate) fn syntax(self) -> Syntax {
                match self { $(FieldId::$variant => Syntax::$syntax,)* }
            }

            /// The field in whose place Open vSwitch keeps this one: fields that never come together
            /// share a place, so that `tp_dst` is whatever the protocol makes it.
            pub(crate) fn place(self) -> FieldId {
                const PLACE: [FieldId; FieldId::ALL.len()] = [$(FieldId::$place),*];
                PLACE[self as usize]
            }

            /// Class and number of the field in Nicira's numbering, where it has one: there the
            /// actions of Open vSwitch name it by them.
            pub(crate) fn nxm(self) -> Option<(u16, u8)> {
                match self { $(FieldId::$variant => $nxm,)* }
            }

            /// How many bits of the value mean something.
            pub fn bits(self) -> u32 {
                match self { $(FieldId::$variant => $bits,)* }
            }

            /// Bytes of the value on the wire, without a mask.
            #[inline]
            pub fn wire_len(self) -> usize {
                const LEN: [u8; FieldId::ALL.len()] = [$(<$value as OxmValue>::LEN as u8),*];
                usize::from(LEN[self as usize])
            }

            /// Who allows a mask.
            #[inline]
            pub fn maskable(self) -> Maskable {
                const MASKABLE: [Maskable; FieldId::ALL.len()] = [$(Maskable::$maskable),*];
                MASKABLE[self as usize]
            }

            /// What must be matched with it.
            pub fn prerequisite(self) -> Prerequisite {
                match self { $(FieldId::$variant => $needs,)* }
            }
        }

        /// A match field with its value, as a match or a set-field action carries it.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum OxmField {
            $(#[doc = $doc] $variant(payload!($maskable, $value)),)*
            /// A field that this crate does not know: of another class, or a new number.
            Unknown {
                /// OXM class: `0x8000` basic, `0xffff` experimenter, 0 and 1 Nicira's.
                class: u16,
                /// Number of the field in its class, below 128.
                field: u8,
                /// Whether the second half of the bytes is a mask.
                has_mask: bool,
                /// Value and mask; an experimenter's id comes first.
                bytes: OxmBytes,
            },
        }

        impl OxmField {
            /// Which field it is; `None` for one that this crate does not know.
            #[inline]
            pub fn id(&self) -> Option<FieldId> {
                match self {
                    $(OxmField::$variant(_) => Some(FieldId::$variant),)*
                    OxmField::Unknown { .. } => None,
                }
            }

            /// Reads the payload of a basic field.
            #[inline]
            pub(super) fn read(id: FieldId, has_mask: bool, payload: &[u8]) -> Result<OxmField, Defect> {
                match id {
                    $(FieldId::$variant => Payload::read(has_mask, payload).map(OxmField::$variant),)*
                }
            }

            /// Whether it carries a mask, and how many bytes its payload takes.
            #[inline]
            pub(super) fn shape(&self) -> (bool, usize) {
                match self {
                    $(OxmField::$variant(value) => value.shape(),)*
                    OxmField::Unknown { has_mask, bytes, .. } => (*has_mask, bytes.len()),
                }
            }

            /// Writes the payload; `out` has the length that [`OxmField::shape`] told.
            #[inline]
            pub(super) fn write_payload(&self, out: &mut [u8]) {
                match self {
                    $(OxmField::$variant(value) => value.write(out),)*
                    OxmField::Unknown { bytes, .. } => out.copy_from_slice(bytes),
                }
            }

            /// With the bits outside the mask set to zero and a mask of ones dropped.
            #[must_use]
            pub fn normalized(self) -> OxmField {
                match self {
                    $(OxmField::$variant(value) => OxmField::$variant(value.normalized()),)*
                    unknown => unknown,
                }
            }

            /// Whether it is masked out altogether, so that every packet fits.
            pub fn is_wildcard(&self) -> bool {
                match self {
                    $(OxmField::$variant(value) => value.is_wildcard(),)*
                    OxmField::Unknown { .. } => false,
                }
            }
        }

        /// Setters, one a field; each replaces what the field said before.
        impl Match {
            $(setter! { #[doc = $doc] $variant, $setter, $maskable, $value })*
        }
    };
}

fields! {
    0 InPort in_port: PortNo, 32 bits, mask No, needs Prerequisite::None, "in_port",
        text ["in_port_oxm"] Port ReadWrite, place InPort, nxm None,
        "Port on which the packet came in.";
    1 InPhyPort in_phy_port: PortNo, 32 bits, mask No, needs Prerequisite::InPort, "in_phy_port",
        text [] Port ReadOnly, place InPhyPort, nxm None,
        "Physical port under the logical one on which the packet came in.";
    2 Metadata metadata: u64, 64 bits, mask Yes, needs Prerequisite::None, "metadata",
        text [] Hexadecimal ReadWrite, place Metadata, nxm None,
        "What earlier tables left in the metadata register.";
    3 EthDst eth_dst: MacAddr, 48 bits, mask Yes, needs Prerequisite::None, "eth_dst",
        text ["dl_dst"] Ethernet ReadWrite, place EthDst, nxm Some((0, 1)),
        "Ethernet destination address.";
    4 EthSrc eth_src: MacAddr, 48 bits, mask Yes, needs Prerequisite::None, "eth_src",
        text ["dl_src"] Ethernet ReadWrite, place EthSrc, nxm Some((0, 2)),
        "Ethernet source address.";
    5 EthType eth_type: u16, 16 bits, mask No, needs Prerequisite::None, "eth_type",
        text ["dl_type"] Hexadecimal ReadOnly, place EthType, nxm Some((0, 3)),
        "Ethernet type of the payload, behind VLAN tags.";
    6 VlanVid vlan_vid: VlanVid, 13 bits, mask Yes, needs Prerequisite::None, "vlan_vid",
        text [] Decimal ReadWrite, place VlanVid, nxm None,
        "VLAN id, with the bit that says that there is a tag.";
    7 VlanPcp vlan_pcp: u8, 3 bits, mask No, needs Prerequisite::VlanTag, "vlan_pcp",
        text [] Decimal ReadWrite, place VlanPcp, nxm None,
        "VLAN priority, 0 to 7.";
    8 IpDscp ip_dscp: u8, 6 bits, mask No, needs IP, "ip_dscp",
        text [] Decimal ReadWrite, place IpDscp, nxm None,
        "Differentiated services code point, 0 to 63.";
    9 IpEcn ip_ecn: u8, 2 bits, mask No, needs IP, "nw_ecn",
        text ["ip_ecn"] Decimal ReadWrite, place IpEcn, nxm Some((1, 28)),
        "Explicit congestion notification, 0 to 3.";
    10 IpProto ip_proto: u8, 8 bits, mask No, needs IP, "nw_proto",
        text ["ip_proto"] Decimal ReadOnly, place IpProto, nxm Some((0, 6)),
        "Protocol above IPv4 or IPv6.";
    11 Ipv4Src ipv4_src: Ipv4Addr, 32 bits, mask Yes, needs IPV4, "ip_src",
        text ["nw_src"] Ipv4 ReadWrite, place Ipv4Src, nxm Some((0, 7)),
        "IPv4 source address.";
    12 Ipv4Dst ipv4_dst: Ipv4Addr, 32 bits, mask Yes, needs IPV4, "ip_dst",
        text ["nw_dst"] Ipv4 ReadWrite, place Ipv4Dst, nxm Some((0, 8)),
        "IPv4 destination address.";
    13 TcpSrc tcp_src: u16, 16 bits, mask OpenVswitch, needs TCP, "tcp_src",
        text ["tp_src"] Decimal ReadWrite, place TcpSrc, nxm Some((0, 9)),
        "TCP source port.";
    14 TcpDst tcp_dst: u16, 16 bits, mask OpenVswitch, needs TCP, "tcp_dst",
        text ["tp_dst"] Decimal ReadWrite, place TcpDst, nxm Some((0, 10)),
        "TCP destination port.";
    15 UdpSrc udp_src: u16, 16 bits, mask OpenVswitch, needs UDP, "udp_src",
        text [] Decimal ReadWrite, place TcpSrc, nxm Some((0, 11)),
        "UDP source port.";
    16 UdpDst udp_dst: u16, 16 bits, mask OpenVswitch, needs UDP, "udp_dst",
        text [] Decimal ReadWrite, place TcpDst, nxm Some((0, 12)),
        "UDP destination port.";
    17 SctpSrc sctp_src: u16, 16 bits, mask OpenVswitch, needs SCTP, "sctp_src",
        text [] Decimal ReadWrite, place TcpSrc, nxm None,
        "SCTP source port.";
    18 SctpDst sctp_dst: u16, 16 bits, mask OpenVswitch, needs SCTP, "sctp_dst",
        text [] Decimal ReadWrite, place TcpDst, nxm None,
        "SCTP destination port.";
    19 Icmpv4Type icmpv4_type: u8, 8 bits, mask No, needs ICMP, "icmp_type",
        text [] Decimal ReadWrite, place TcpSrc, nxm Some((0, 13)),
        "ICMP type.";
    20 Icmpv4Code icmpv4_code: u8, 8 bits, mask No, needs ICMP, "icmp_code",
        text [] Decimal ReadWrite, place TcpDst, nxm Some((0, 14)),
        "ICMP code.";
    21 ArpOp arp_op: u16, 16 bits, mask No, needs ARP, "arp_op",
        text [] Decimal ReadWrite, place IpProto, nxm Some((0, 15)),
        "ARP operation: 1 request, 2 reply.";
    22 ArpSpa arp_spa: Ipv4Addr, 32 bits, mask Yes, needs ARP, "arp_spa",
        text [] Ipv4 ReadWrite, place Ipv4Src, nxm Some((0, 16)),
        "IPv4 address of ARP's sender.";
    23 ArpTpa arp_tpa: Ipv4Addr, 32 bits, mask Yes, needs ARP, "arp_tpa",
        text [] Ipv4 ReadWrite, place Ipv4Dst, nxm Some((0, 17)),
        "IPv4 address of ARP's target.";
    24 ArpSha arp_sha: MacAddr, 48 bits, mask Yes, needs ARP, "arp_sha",
        text [] Ethernet ReadWrite, place ArpSha, nxm Some((1, 17)),
        "Ethernet address of ARP's sender.";
    25 ArpTha arp_tha: MacAddr, 48 bits, mask Yes, needs ARP, "arp_tha",
        text [] Ethernet ReadWrite, place ArpTha, nxm Some((1, 18)),
        "Ethernet address of ARP's target.";
    26 Ipv6Src ipv6_src: Ipv6Addr, 128 bits, mask Yes, needs IPV6, "ipv6_src",
        text [] Ipv6 ReadWrite, place Ipv6Src, nxm Some((1, 19)),
        "IPv6 source address.";
    27 Ipv6Dst ipv6_dst: Ipv6Addr, 128 bits, mask Yes, needs IPV6, "ipv6_dst",
        text [] Ipv6 ReadWrite, place Ipv6Dst, nxm Some((1, 20)),
        "IPv6 destination address.";
    28 Ipv6Flabel ipv6_flabel: u32, 20 bits, mask Yes, needs IPV6, "ipv6_label",
        text [] Hexadecimal ReadWrite, place Ipv6Flabel, nxm Some((1, 27)),
        "IPv6 flow label, 20 bits.";
    29 Icmpv6Type icmpv6_type: u8, 8 bits, mask No, needs ICMPV6, "icmpv6_type",
        text [] Decimal ReadWrite, place TcpSrc, nxm Some((1, 21)),
        "ICMPv6 type.";
    30 Icmpv6Code icmpv6_code: u8, 8 bits, mask No, needs ICMPV6, "icmpv6_code",
        text [] Decimal ReadWrite, place TcpDst, nxm Some((1, 22)),
        "ICMPv6 code.";
    31 Ipv6NdTarget ipv6_nd_target: Ipv6Addr, 128 bits, mask OpenVswitch,
        needs Prerequisite::Icmpv6Type(&[135, 136]), "nd_target",
        text [] Ipv6 ReadWrite, place Ipv6NdTarget, nxm Some((1, 23)),
        "Target address of a neighbour solicitation or advertisement.";
    32 Ipv6NdSll ipv6_nd_sll: MacAddr, 48 bits, mask OpenVswitch,
        needs Prerequisite::Icmpv6Type(&[135]), "nd_sll",
        text [] Ethernet ReadWrite, place ArpSha, nxm Some((1, 24)),
        "Link-layer source address of a neighbour solicitation.";
    33 Ipv6NdTll ipv6_nd_tll: MacAddr, 48 bits, mask OpenVswitch,
        needs Prerequisite::Icmpv6Type(&[136]), "nd_tll",
        text [] Ethernet ReadWrite, place ArpTha, nxm Some((1, 25)),
        "Link-layer target address of a neighbour advertisement.";
    34 MplsLabel mpls_label: u32, 20 bits, mask No, needs MPLS, "mpls_label",
        text [] Decimal ReadWrite, place MplsLabel, nxm None,
        "Label of the outermost MPLS entry, 20 bits.";
    35 MplsTc mpls_tc: u8, 3 bits, mask No, needs MPLS, "mpls_tc",
        text [] Decimal ReadWrite, place MplsTc, nxm None,
        "Traffic class of the outermost MPLS entry, 0 to 7.";
    36 MplsBos mpls_bos: u8, 1 bits, mask No, needs MPLS, "mpls_bos",
        text [] Decimal ReadOnly, place MplsBos, nxm None,
        "Bottom-of-stack bit of the outermost MPLS entry.";
    37 PbbIsid pbb_isid: Isid, 24 bits, mask Yes, needs PBB, "pbb_isid",
        text [] Decimal ReadWrite, place PbbIsid, nxm None,
        "Service instance of the outermost PBB tag.";
    38 TunnelId tunnel_id: u64, 64 bits, mask Yes, needs Prerequisite::None, "tun_id",
        text ["tunnel_id"] Hexadecimal ReadWrite, place TunnelId, nxm Some((1, 16)),
        "Metadata of the logical port that stands for a tunnel.";
    39 Ipv6Exthdr ipv6_exthdr: u16, 9 bits, mask Yes, needs IPV6, "ipv6_exthdr",
        text [] Hexadecimal ReadOnly, place Ipv6Exthdr, nxm None,
        "Which IPv6 extension headers there are (`OFPIEH_*`).";
}
