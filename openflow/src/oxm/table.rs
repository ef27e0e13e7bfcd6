//! The match fields in one table: the forty basic ones of OpenFlow 1.3 (OF 1.3.5 §7.2.3.7, table 12),
//! then those of Open vSwitch and others (`ovs-fields(7)`).
//!
//! A field is more of the same: one row here, and it is read, written, built, checked, printed and
//! read from text.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::field::{CLASS_BASIC, CLASS_EXPERIMENTER, Defect, Payload};
use super::{Bits128, Isid, Masked, Match, OxmBytes, OxmValue, VlanVid};
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
    /// `ct_state` says that the packet is of a connection, of one of these Ethernet types if there
    /// are any (`ovs-fields(7)`).
    Connection(&'static [u16]),
    /// The same, and `ct_nw_proto` is one that has ports.
    ConnectionPorts,
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
    /// Flags of the connection's state: `+trk-inv`, `trk|est`.
    ConnectionState,
    /// Flags of a tunnel: `+oam`.
    TunnelFlags,
    /// Flags of TCP: `+syn-ack`, `syn|ack`, a number.
    TcpFlags,
    /// A word for what part of a packet it is: `first`, `not_later`, ...
    Fragment,
    /// Namespace and type: `(1,0x800)`.
    PacketType,
}

/// By what a field is known on the wire (OF 1.3.5 §7.2.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OxmKey {
    /// OXM class: `0x8000` basic, `0xffff` experimenter, 0 and 1 Nicira's.
    pub class: u16,
    /// Whose field it is, in class `0xffff`.
    pub experimenter: Option<u32>,
    /// Number of the field in its class, below 128.
    pub field: u8,
}

/// A field of the class that OpenFlow defines.
const fn basic(field: u8) -> OxmKey {
    OxmKey { class: CLASS_BASIC, experimenter: None, field }
}

/// A field of Nicira's second class.
const fn nicira(field: u8) -> OxmKey {
    OxmKey { class: 0x0001, experimenter: None, field }
}

/// A field of the class of OpenFlow 1.5's packet registers.
const fn packet_register(field: u8) -> OxmKey {
    OxmKey { class: 0x8001, experimenter: None, field }
}

/// A field of Ericsson's class.
const fn ericsson(field: u8) -> OxmKey {
    OxmKey { class: 0x1000, experimenter: None, field }
}

/// A field of an experimenter.
const fn experimenter(id: u32, field: u8) -> OxmKey {
    OxmKey { class: CLASS_EXPERIMENTER, experimenter: Some(id), field }
}

const NICIRA: u32 = 0x2320;
const ONF: u32 = 0x4f4e_4600;
const NSH_ID: u32 = 0x005a_d650;

const IP: Prerequisite = Prerequisite::EthType(&[0x0800, 0x86dd]);
const IPV4: Prerequisite = Prerequisite::EthType(&[0x0800]);
const IPV6: Prerequisite = Prerequisite::EthType(&[0x86dd]);
/// RARP has the packets of ARP, and switches match them alike (`ovs-fields(7)`).
const ARP: Prerequisite = Prerequisite::EthType(&[0x0806, 0x8035]);
const MPLS: Prerequisite = Prerequisite::EthType(&[0x8847, 0x8848]);
const NSH: Prerequisite = Prerequisite::EthType(&[0x894f]);
const PBB: Prerequisite = Prerequisite::EthType(&[0x88e7]);
const TCP: Prerequisite = Prerequisite::IpProto(6);
const UDP: Prerequisite = Prerequisite::IpProto(17);
const SCTP: Prerequisite = Prerequisite::IpProto(132);
const ICMP: Prerequisite = Prerequisite::Icmpv4;
const CT_IPV4: Prerequisite = Prerequisite::Connection(&[0x0800]);
const CT_IPV6: Prerequisite = Prerequisite::Connection(&[0x86dd]);
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
       text [$($alias:literal),*] $syntax:ident $access:ident, place $place:ident, key $class:ident($($at:tt)*) as $called:literal, nxm $nxm:expr,
       $doc:literal;)*) => {
        /// A match field, by name: a basic one, or one of Open vSwitch.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum FieldId {
            $(#[doc = $doc] $variant = $number,)*
        }

        impl FieldId {
            /// All of them: the forty basic ones by number, then the others.
            pub const ALL: [FieldId; [$($number),*].len()] = [$(FieldId::$variant),*];

            const KEYS: [OxmKey; FieldId::ALL.len()] = [$($class($($at)*)),*];

            /// By what the field is known on the wire.
            #[inline]
            pub fn key(self) -> OxmKey {
                FieldId::KEYS[self as usize]
            }

            /// The name by which actions tell the field in text, as in `NXM_NX_REG0[0..15]`.
            pub(crate) fn header_name(self) -> &'static str {
                match self { $(FieldId::$variant => $called,)* }
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
        text ["in_port_oxm"] Port ReadWrite, place InPort, key basic(0) as "OXM_OF_IN_PORT", nxm None,
        "Port on which the packet came in.";
    1 InPhyPort in_phy_port: PortNo, 32 bits, mask No, needs Prerequisite::InPort, "in_phy_port",
        text [] Port ReadOnly, place InPhyPort, key basic(1) as "OXM_OF_IN_PHY_PORT", nxm None,
        "Physical port under the logical one on which the packet came in.";
    2 Metadata metadata: u64, 64 bits, mask Yes, needs Prerequisite::None, "metadata",
        text [] Hexadecimal ReadWrite, place Metadata, key basic(2) as "OXM_OF_METADATA", nxm None,
        "What earlier tables left in the metadata register.";
    3 EthDst eth_dst: MacAddr, 48 bits, mask Yes, needs Prerequisite::None, "eth_dst",
        text ["dl_dst"] Ethernet ReadWrite, place EthDst, key basic(3) as "NXM_OF_ETH_DST", nxm Some((0, 1)),
        "Ethernet destination address.";
    4 EthSrc eth_src: MacAddr, 48 bits, mask Yes, needs Prerequisite::None, "eth_src",
        text ["dl_src"] Ethernet ReadWrite, place EthSrc, key basic(4) as "NXM_OF_ETH_SRC", nxm Some((0, 2)),
        "Ethernet source address.";
    5 EthType eth_type: u16, 16 bits, mask No, needs Prerequisite::None, "eth_type",
        text ["dl_type"] Hexadecimal ReadOnly, place EthType, key basic(5) as "NXM_OF_ETH_TYPE", nxm Some((0, 3)),
        "Ethernet type of the payload, behind VLAN tags.";
    6 VlanVid vlan_vid: VlanVid, 13 bits, mask Yes, needs Prerequisite::None, "vlan_vid",
        text [] Decimal ReadWrite, place VlanVid, key basic(6) as "OXM_OF_VLAN_VID", nxm None,
        "VLAN id, with the bit that says that there is a tag.";
    7 VlanPcp vlan_pcp: u8, 3 bits, mask No, needs Prerequisite::VlanTag, "vlan_pcp",
        text [] Decimal ReadWrite, place VlanPcp, key basic(7) as "OXM_OF_VLAN_PCP", nxm None,
        "VLAN priority, 0 to 7.";
    8 IpDscp ip_dscp: u8, 6 bits, mask No, needs IP, "ip_dscp",
        text [] Decimal ReadWrite, place IpDscp, key basic(8) as "OXM_OF_IP_DSCP", nxm None,
        "Differentiated services code point, 0 to 63.";
    9 IpEcn ip_ecn: u8, 2 bits, mask No, needs IP, "nw_ecn",
        text ["ip_ecn"] Decimal ReadWrite, place IpEcn, key basic(9) as "NXM_NX_IP_ECN", nxm Some((1, 28)),
        "Explicit congestion notification, 0 to 3.";
    10 IpProto ip_proto: u8, 8 bits, mask No, needs IP, "nw_proto",
        text ["ip_proto"] Decimal ReadOnly, place IpProto, key basic(10) as "NXM_OF_IP_PROTO", nxm Some((0, 6)),
        "Protocol above IPv4 or IPv6.";
    11 Ipv4Src ipv4_src: Ipv4Addr, 32 bits, mask Yes, needs IPV4, "ip_src",
        text ["nw_src"] Ipv4 ReadWrite, place Ipv4Src, key basic(11) as "NXM_OF_IP_SRC", nxm Some((0, 7)),
        "IPv4 source address.";
    12 Ipv4Dst ipv4_dst: Ipv4Addr, 32 bits, mask Yes, needs IPV4, "ip_dst",
        text ["nw_dst"] Ipv4 ReadWrite, place Ipv4Dst, key basic(12) as "NXM_OF_IP_DST", nxm Some((0, 8)),
        "IPv4 destination address.";
    13 TcpSrc tcp_src: u16, 16 bits, mask OpenVswitch, needs TCP, "tcp_src",
        text ["tp_src"] Decimal ReadWrite, place TcpSrc, key basic(13) as "NXM_OF_TCP_SRC", nxm Some((0, 9)),
        "TCP source port.";
    14 TcpDst tcp_dst: u16, 16 bits, mask OpenVswitch, needs TCP, "tcp_dst",
        text ["tp_dst"] Decimal ReadWrite, place TcpDst, key basic(14) as "NXM_OF_TCP_DST", nxm Some((0, 10)),
        "TCP destination port.";
    15 UdpSrc udp_src: u16, 16 bits, mask OpenVswitch, needs UDP, "udp_src",
        text [] Decimal ReadWrite, place TcpSrc, key basic(15) as "NXM_OF_UDP_SRC", nxm Some((0, 11)),
        "UDP source port.";
    16 UdpDst udp_dst: u16, 16 bits, mask OpenVswitch, needs UDP, "udp_dst",
        text [] Decimal ReadWrite, place TcpDst, key basic(16) as "NXM_OF_UDP_DST", nxm Some((0, 12)),
        "UDP destination port.";
    17 SctpSrc sctp_src: u16, 16 bits, mask OpenVswitch, needs SCTP, "sctp_src",
        text [] Decimal ReadWrite, place TcpSrc, key basic(17) as "OXM_OF_SCTP_SRC", nxm None,
        "SCTP source port.";
    18 SctpDst sctp_dst: u16, 16 bits, mask OpenVswitch, needs SCTP, "sctp_dst",
        text [] Decimal ReadWrite, place TcpDst, key basic(18) as "OXM_OF_SCTP_DST", nxm None,
        "SCTP destination port.";
    19 Icmpv4Type icmpv4_type: u8, 8 bits, mask No, needs ICMP, "icmp_type",
        text [] Decimal ReadWrite, place TcpSrc, key basic(19) as "NXM_OF_ICMP_TYPE", nxm Some((0, 13)),
        "ICMP type.";
    20 Icmpv4Code icmpv4_code: u8, 8 bits, mask No, needs ICMP, "icmp_code",
        text [] Decimal ReadWrite, place TcpDst, key basic(20) as "NXM_OF_ICMP_CODE", nxm Some((0, 14)),
        "ICMP code.";
    21 ArpOp arp_op: u16, 16 bits, mask No, needs ARP, "arp_op",
        text [] Decimal ReadWrite, place IpProto, key basic(21) as "NXM_OF_ARP_OP", nxm Some((0, 15)),
        "ARP operation: 1 request, 2 reply.";
    22 ArpSpa arp_spa: Ipv4Addr, 32 bits, mask Yes, needs ARP, "arp_spa",
        text [] Ipv4 ReadWrite, place Ipv4Src, key basic(22) as "NXM_OF_ARP_SPA", nxm Some((0, 16)),
        "IPv4 address of ARP's sender.";
    23 ArpTpa arp_tpa: Ipv4Addr, 32 bits, mask Yes, needs ARP, "arp_tpa",
        text [] Ipv4 ReadWrite, place Ipv4Dst, key basic(23) as "NXM_OF_ARP_TPA", nxm Some((0, 17)),
        "IPv4 address of ARP's target.";
    24 ArpSha arp_sha: MacAddr, 48 bits, mask Yes, needs ARP, "arp_sha",
        text [] Ethernet ReadWrite, place ArpSha, key basic(24) as "NXM_NX_ARP_SHA", nxm Some((1, 17)),
        "Ethernet address of ARP's sender.";
    25 ArpTha arp_tha: MacAddr, 48 bits, mask Yes, needs ARP, "arp_tha",
        text [] Ethernet ReadWrite, place ArpTha, key basic(25) as "NXM_NX_ARP_THA", nxm Some((1, 18)),
        "Ethernet address of ARP's target.";
    26 Ipv6Src ipv6_src: Ipv6Addr, 128 bits, mask Yes, needs IPV6, "ipv6_src",
        text [] Ipv6 ReadWrite, place Ipv6Src, key basic(26) as "NXM_NX_IPV6_SRC", nxm Some((1, 19)),
        "IPv6 source address.";
    27 Ipv6Dst ipv6_dst: Ipv6Addr, 128 bits, mask Yes, needs IPV6, "ipv6_dst",
        text [] Ipv6 ReadWrite, place Ipv6Dst, key basic(27) as "NXM_NX_IPV6_DST", nxm Some((1, 20)),
        "IPv6 destination address.";
    28 Ipv6Flabel ipv6_flabel: u32, 20 bits, mask Yes, needs IPV6, "ipv6_label",
        text [] Hexadecimal ReadWrite, place Ipv6Flabel, key basic(28) as "NXM_NX_IPV6_LABEL", nxm Some((1, 27)),
        "IPv6 flow label, 20 bits.";
    29 Icmpv6Type icmpv6_type: u8, 8 bits, mask No, needs ICMPV6, "icmpv6_type",
        text [] Decimal ReadWrite, place TcpSrc, key basic(29) as "NXM_NX_ICMPV6_TYPE", nxm Some((1, 21)),
        "ICMPv6 type.";
    30 Icmpv6Code icmpv6_code: u8, 8 bits, mask No, needs ICMPV6, "icmpv6_code",
        text [] Decimal ReadWrite, place TcpDst, key basic(30) as "NXM_NX_ICMPV6_CODE", nxm Some((1, 22)),
        "ICMPv6 code.";
    31 Ipv6NdTarget ipv6_nd_target: Ipv6Addr, 128 bits, mask OpenVswitch,
        needs Prerequisite::Icmpv6Type(&[135, 136]), "nd_target",
        text [] Ipv6 ReadWrite, place Ipv6NdTarget, key basic(31) as "NXM_NX_ND_TARGET", nxm Some((1, 23)),
        "Target address of a neighbour solicitation or advertisement.";
    32 Ipv6NdSll ipv6_nd_sll: MacAddr, 48 bits, mask OpenVswitch,
        needs Prerequisite::Icmpv6Type(&[135]), "nd_sll",
        text [] Ethernet ReadWrite, place ArpSha, key basic(32) as "NXM_NX_ND_SLL", nxm Some((1, 24)),
        "Link-layer source address of a neighbour solicitation.";
    33 Ipv6NdTll ipv6_nd_tll: MacAddr, 48 bits, mask OpenVswitch,
        needs Prerequisite::Icmpv6Type(&[136]), "nd_tll",
        text [] Ethernet ReadWrite, place ArpTha, key basic(33) as "NXM_NX_ND_TLL", nxm Some((1, 25)),
        "Link-layer target address of a neighbour advertisement.";
    34 MplsLabel mpls_label: u32, 20 bits, mask No, needs MPLS, "mpls_label",
        text [] Decimal ReadWrite, place MplsLabel, key basic(34) as "OXM_OF_MPLS_LABEL", nxm None,
        "Label of the outermost MPLS entry, 20 bits.";
    35 MplsTc mpls_tc: u8, 3 bits, mask No, needs MPLS, "mpls_tc",
        text [] Decimal ReadWrite, place MplsTc, key basic(35) as "OXM_OF_MPLS_TC", nxm None,
        "Traffic class of the outermost MPLS entry, 0 to 7.";
    36 MplsBos mpls_bos: u8, 1 bits, mask No, needs MPLS, "mpls_bos",
        text [] Decimal ReadOnly, place MplsBos, key basic(36) as "OXM_OF_MPLS_BOS", nxm None,
        "Bottom-of-stack bit of the outermost MPLS entry.";
    37 PbbIsid pbb_isid: Isid, 24 bits, mask Yes, needs PBB, "pbb_isid",
        text [] Decimal ReadWrite, place PbbIsid, key basic(37) as "OXM_OF_PBB_ISID", nxm None,
        "Service instance of the outermost PBB tag.";
    38 TunnelId tunnel_id: u64, 64 bits, mask Yes, needs Prerequisite::None, "tun_id",
        text ["tunnel_id"] Hexadecimal ReadWrite, place TunnelId, key basic(38) as "NXM_NX_TUN_ID", nxm Some((1, 16)),
        "Metadata of the logical port that stands for a tunnel.";
    39 Ipv6Exthdr ipv6_exthdr: u16, 9 bits, mask Yes, needs IPV6, "ipv6_exthdr",
        text [] Hexadecimal ReadOnly, place Ipv6Exthdr, key basic(39) as "OXM_OF_IPV6_EXTHDR", nxm None,
        "Which IPv6 extension headers there are (`OFPIEH_*`).";

    // Fields of Open vSwitch and others (`ovs-fields(7)`).
    40 Reg0 reg0: u32, 32 bits, mask OpenVswitch, needs Prerequisite::None, "reg0",
        text [] Hexadecimal ReadWrite, place Reg0, key nicira(0) as "NXM_NX_REG0", nxm None,
        "Register 0 of Open vSwitch.";
    41 Reg1 reg1: u32, 32 bits, mask OpenVswitch, needs Prerequisite::None, "reg1",
        text [] Hexadecimal ReadWrite, place Reg1, key nicira(1) as "NXM_NX_REG1", nxm None,
        "Register 1 of Open vSwitch.";
    42 Reg2 reg2: u32, 32 bits, mask OpenVswitch, needs Prerequisite::None, "reg2",
        text [] Hexadecimal ReadWrite, place Reg2, key nicira(2) as "NXM_NX_REG2", nxm None,
        "Register 2 of Open vSwitch.";
    43 Reg3 reg3: u32, 32 bits, mask OpenVswitch, needs Prerequisite::None, "reg3",
        text [] Hexadecimal ReadWrite, place Reg3, key nicira(3) as "NXM_NX_REG3", nxm None,
        "Register 3 of Open vSwitch.";
    44 Reg4 reg4: u32, 32 bits, mask OpenVswitch, needs Prerequisite::None, "reg4",
        text [] Hexadecimal ReadWrite, place Reg4, key nicira(4) as "NXM_NX_REG4", nxm None,
        "Register 4 of Open vSwitch.";
    45 Reg5 reg5: u32, 32 bits, mask OpenVswitch, needs Prerequisite::None, "reg5",
        text [] Hexadecimal ReadWrite, place Reg5, key nicira(5) as "NXM_NX_REG5", nxm None,
        "Register 5 of Open vSwitch.";
    46 Reg6 reg6: u32, 32 bits, mask OpenVswitch, needs Prerequisite::None, "reg6",
        text [] Hexadecimal ReadWrite, place Reg6, key nicira(6) as "NXM_NX_REG6", nxm None,
        "Register 6 of Open vSwitch.";
    47 Reg7 reg7: u32, 32 bits, mask OpenVswitch, needs Prerequisite::None, "reg7",
        text [] Hexadecimal ReadWrite, place Reg7, key nicira(7) as "NXM_NX_REG7", nxm None,
        "Register 7 of Open vSwitch.";
    48 Reg8 reg8: u32, 32 bits, mask OpenVswitch, needs Prerequisite::None, "reg8",
        text [] Hexadecimal ReadWrite, place Reg8, key nicira(8) as "NXM_NX_REG8", nxm None,
        "Register 8 of Open vSwitch.";
    49 Reg9 reg9: u32, 32 bits, mask OpenVswitch, needs Prerequisite::None, "reg9",
        text [] Hexadecimal ReadWrite, place Reg9, key nicira(9) as "NXM_NX_REG9", nxm None,
        "Register 9 of Open vSwitch.";
    50 Reg10 reg10: u32, 32 bits, mask OpenVswitch, needs Prerequisite::None, "reg10",
        text [] Hexadecimal ReadWrite, place Reg10, key nicira(10) as "NXM_NX_REG10", nxm None,
        "Register 10 of Open vSwitch.";
    51 Reg11 reg11: u32, 32 bits, mask OpenVswitch, needs Prerequisite::None, "reg11",
        text [] Hexadecimal ReadWrite, place Reg11, key nicira(11) as "NXM_NX_REG11", nxm None,
        "Register 11 of Open vSwitch.";
    52 Reg12 reg12: u32, 32 bits, mask OpenVswitch, needs Prerequisite::None, "reg12",
        text [] Hexadecimal ReadWrite, place Reg12, key nicira(12) as "NXM_NX_REG12", nxm None,
        "Register 12 of Open vSwitch.";
    53 Reg13 reg13: u32, 32 bits, mask OpenVswitch, needs Prerequisite::None, "reg13",
        text [] Hexadecimal ReadWrite, place Reg13, key nicira(13) as "NXM_NX_REG13", nxm None,
        "Register 13 of Open vSwitch.";
    54 Reg14 reg14: u32, 32 bits, mask OpenVswitch, needs Prerequisite::None, "reg14",
        text [] Hexadecimal ReadWrite, place Reg14, key nicira(14) as "NXM_NX_REG14", nxm None,
        "Register 14 of Open vSwitch.";
    55 Reg15 reg15: u32, 32 bits, mask OpenVswitch, needs Prerequisite::None, "reg15",
        text [] Hexadecimal ReadWrite, place Reg15, key nicira(15) as "NXM_NX_REG15", nxm None,
        "Register 15 of Open vSwitch.";
    56 Xreg0 xreg0: u64, 64 bits, mask OpenVswitch, needs Prerequisite::None, "xreg0",
        text [] Hexadecimal ReadWrite, place Xreg0, key packet_register(0) as "OXM_OF_PKT_REG0", nxm None,
        "Registers 0 and 1 as one.";
    57 Xreg1 xreg1: u64, 64 bits, mask OpenVswitch, needs Prerequisite::None, "xreg1",
        text [] Hexadecimal ReadWrite, place Xreg1, key packet_register(1) as "OXM_OF_PKT_REG1", nxm None,
        "Registers 2 and 3 as one.";
    58 Xreg2 xreg2: u64, 64 bits, mask OpenVswitch, needs Prerequisite::None, "xreg2",
        text [] Hexadecimal ReadWrite, place Xreg2, key packet_register(2) as "OXM_OF_PKT_REG2", nxm None,
        "Registers 4 and 5 as one.";
    59 Xreg3 xreg3: u64, 64 bits, mask OpenVswitch, needs Prerequisite::None, "xreg3",
        text [] Hexadecimal ReadWrite, place Xreg3, key packet_register(3) as "OXM_OF_PKT_REG3", nxm None,
        "Registers 6 and 7 as one.";
    60 Xreg4 xreg4: u64, 64 bits, mask OpenVswitch, needs Prerequisite::None, "xreg4",
        text [] Hexadecimal ReadWrite, place Xreg4, key packet_register(4) as "OXM_OF_PKT_REG4", nxm None,
        "Registers 8 and 9 as one.";
    61 Xreg5 xreg5: u64, 64 bits, mask OpenVswitch, needs Prerequisite::None, "xreg5",
        text [] Hexadecimal ReadWrite, place Xreg5, key packet_register(5) as "OXM_OF_PKT_REG5", nxm None,
        "Registers 10 and 11 as one.";
    62 Xreg6 xreg6: u64, 64 bits, mask OpenVswitch, needs Prerequisite::None, "xreg6",
        text [] Hexadecimal ReadWrite, place Xreg6, key packet_register(6) as "OXM_OF_PKT_REG6", nxm None,
        "Registers 12 and 13 as one.";
    63 Xreg7 xreg7: u64, 64 bits, mask OpenVswitch, needs Prerequisite::None, "xreg7",
        text [] Hexadecimal ReadWrite, place Xreg7, key packet_register(7) as "OXM_OF_PKT_REG7", nxm None,
        "Registers 14 and 15 as one.";
    64 Xxreg0 xxreg0: Bits128, 128 bits, mask OpenVswitch, needs Prerequisite::None, "xxreg0",
        text [] Hexadecimal ReadWrite, place Xxreg0, key nicira(111) as "NXM_NX_XXREG0", nxm None,
        "Registers 0 to 3 as one.";
    65 Xxreg1 xxreg1: Bits128, 128 bits, mask OpenVswitch, needs Prerequisite::None, "xxreg1",
        text [] Hexadecimal ReadWrite, place Xxreg1, key nicira(112) as "NXM_NX_XXREG1", nxm None,
        "Registers 4 to 7 as one.";
    66 Xxreg2 xxreg2: Bits128, 128 bits, mask OpenVswitch, needs Prerequisite::None, "xxreg2",
        text [] Hexadecimal ReadWrite, place Xxreg2, key nicira(113) as "NXM_NX_XXREG2", nxm None,
        "Registers 8 to 11 as one.";
    67 Xxreg3 xxreg3: Bits128, 128 bits, mask OpenVswitch, needs Prerequisite::None, "xxreg3",
        text [] Hexadecimal ReadWrite, place Xxreg3, key nicira(114) as "NXM_NX_XXREG3", nxm None,
        "Registers 12 to 15 as one.";
    68 PacketType packet_type: u32, 32 bits, mask No, needs Prerequisite::None, "packet_type",
        text [] PacketType ReadOnly, place PacketType, key basic(44) as "OXM_OF_PACKET_TYPE", nxm None,
        "Namespace and type of the outermost header; 0 is Ethernet (OF 1.5.1 §7.2.3.11).";
    69 ActsetOutput actset_output: PortNo, 32 bits, mask No, needs Prerequisite::None, "actset_output",
        text [] Port ReadOnly, place ActsetOutput, key experimenter(ONF, 43) as "ONFOXM_ET_ACTSET_OUTPUT", nxm None,
        "Port of the output that stands in the action set (EXT-233).";
    70 DpHash dp_hash: u32, 32 bits, mask OpenVswitch, needs Prerequisite::None, "dp_hash",
        text [] Hexadecimal ReadOnly, place DpHash, key nicira(35) as "NXM_NX_DP_HASH", nxm None,
        "Hash that the datapath made of the packet.";
    71 RecircId recirc_id: u32, 32 bits, mask No, needs Prerequisite::None, "recirc_id",
        text [] Hexadecimal ReadOnly, place RecircId, key nicira(36) as "NXM_NX_RECIRC_ID", nxm None,
        "Id of the recirculation in the datapath.";
    72 ConjId conj_id: u32, 32 bits, mask No, needs Prerequisite::None, "conj_id",
        text [] Decimal ReadOnly, place ConjId, key nicira(37) as "NXM_NX_CONJ_ID", nxm None,
        "Conjunction of which all clauses fit.";
    73 PktMark pkt_mark: u32, 32 bits, mask OpenVswitch, needs Prerequisite::None, "pkt_mark",
        text [] Hexadecimal ReadWrite, place PktMark, key nicira(33) as "NXM_NX_PKT_MARK", nxm None,
        "Mark that the packet has in the kernel of the switch.";
    74 TunSrc tun_src: Ipv4Addr, 32 bits, mask OpenVswitch, needs Prerequisite::None, "tun_src",
        text [] Ipv4 ReadWrite, place TunSrc, key nicira(31) as "NXM_NX_TUN_IPV4_SRC", nxm None,
        "IPv4 source address of the tunnel.";
    75 TunDst tun_dst: Ipv4Addr, 32 bits, mask OpenVswitch, needs Prerequisite::None, "tun_dst",
        text [] Ipv4 ReadWrite, place TunDst, key nicira(32) as "NXM_NX_TUN_IPV4_DST", nxm None,
        "IPv4 destination address of the tunnel.";
    76 TunIpv6Src tun_ipv6_src: Ipv6Addr, 128 bits, mask OpenVswitch, needs Prerequisite::None, "tun_ipv6_src",
        text [] Ipv6 ReadWrite, place TunIpv6Src, key nicira(109) as "NXM_NX_TUN_IPV6_SRC", nxm None,
        "IPv6 source address of the tunnel.";
    77 TunIpv6Dst tun_ipv6_dst: Ipv6Addr, 128 bits, mask OpenVswitch, needs Prerequisite::None, "tun_ipv6_dst",
        text [] Ipv6 ReadWrite, place TunIpv6Dst, key nicira(110) as "NXM_NX_TUN_IPV6_DST", nxm None,
        "IPv6 destination address of the tunnel.";
    78 TunFlags tun_flags: u16, 1 bits, mask OpenVswitch, needs Prerequisite::None, "tun_flags",
        text [] TunnelFlags ReadWrite, place TunFlags, key nicira(104) as "NXM_NX_TUN_FLAGS", nxm None,
        "Flags of the tunnel: bit 0 is oam.";
    79 TunGbpId tun_gbp_id: u16, 16 bits, mask OpenVswitch, needs Prerequisite::None, "tun_gbp_id",
        text [] Decimal ReadWrite, place TunGbpId, key nicira(38) as "NXM_NX_TUN_GBP_ID", nxm None,
        "Group policy of VXLAN.";
    80 TunGbpFlags tun_gbp_flags: u8, 8 bits, mask OpenVswitch, needs Prerequisite::None, "tun_gbp_flags",
        text [] Hexadecimal ReadWrite, place TunGbpFlags, key nicira(39) as "NXM_NX_TUN_GBP_FLAGS", nxm None,
        "Flags of the group policy of VXLAN.";
    81 TunErspanIdx tun_erspan_idx: u32, 20 bits, mask OpenVswitch, needs Prerequisite::None, "tun_erspan_idx",
        text [] Hexadecimal ReadWrite, place TunErspanIdx, key experimenter(NICIRA, 11) as "NXOXM_ET_ERSPAN_IDX", nxm None,
        "Index of ERSPAN version 1, 20 bits.";
    82 TunErspanVer tun_erspan_ver: u8, 4 bits, mask OpenVswitch, needs Prerequisite::None, "tun_erspan_ver",
        text [] Decimal ReadWrite, place TunErspanVer, key experimenter(NICIRA, 12) as "NXOXM_ET_ERSPAN_VER", nxm None,
        "Version of ERSPAN.";
    83 TunErspanDir tun_erspan_dir: u8, 1 bits, mask OpenVswitch, needs Prerequisite::None, "tun_erspan_dir",
        text [] Decimal ReadWrite, place TunErspanDir, key experimenter(NICIRA, 13) as "NXOXM_ET_ERSPAN_DIR", nxm None,
        "Direction of ERSPAN version 2.";
    84 TunErspanHwid tun_erspan_hwid: u8, 6 bits, mask OpenVswitch, needs Prerequisite::None, "tun_erspan_hwid",
        text [] Hexadecimal ReadWrite, place TunErspanHwid, key experimenter(NICIRA, 14) as "NXOXM_ET_ERSPAN_HWID", nxm None,
        "Hardware id of ERSPAN version 2.";
    85 TunGtpuFlags tun_gtpu_flags: u8, 8 bits, mask OpenVswitch, needs Prerequisite::None, "tun_gtpu_flags",
        text [] Hexadecimal ReadOnly, place TunGtpuFlags, key experimenter(NICIRA, 15) as "NXOXM_ET_GTPU_FLAGS", nxm None,
        "Flags of GTP-U.";
    86 TunGtpuMsgtype tun_gtpu_msgtype: u8, 8 bits, mask OpenVswitch, needs Prerequisite::None, "tun_gtpu_msgtype",
        text [] Decimal ReadOnly, place TunGtpuMsgtype, key experimenter(NICIRA, 16) as "NXOXM_ET_GTPU_MSGTYPE", nxm None,
        "Message type of GTP-U.";
    87 CtState ct_state: u32, 8 bits, mask OpenVswitch, needs Prerequisite::None, "ct_state",
        text [] ConnectionState ReadOnly, place CtState, key nicira(105) as "NXM_NX_CT_STATE", nxm None,
        "State of the connection, as a set of flags: 1 new, 2 est, 4 rel, 8 rpl, 0x10 inv, 0x20 trk, 0x40 snat, 0x80 dnat.";
    88 CtZone ct_zone: u16, 16 bits, mask No, needs Prerequisite::None, "ct_zone",
        text [] Hexadecimal ReadOnly, place CtZone, key nicira(106) as "NXM_NX_CT_ZONE", nxm None,
        "Zone in which the connection is tracked.";
    89 CtMark ct_mark: u32, 32 bits, mask OpenVswitch, needs Prerequisite::None, "ct_mark",
        text [] Hexadecimal ReadWrite, place CtMark, key nicira(107) as "NXM_NX_CT_MARK", nxm None,
        "Mark of the connection.";
    90 CtLabel ct_label: Bits128, 128 bits, mask OpenVswitch, needs Prerequisite::None, "ct_label",
        text [] Hexadecimal ReadWrite, place CtLabel, key nicira(108) as "NXM_NX_CT_LABEL", nxm None,
        "Label of the connection.";
    91 CtNwProto ct_nw_proto: u8, 8 bits, mask No, needs Prerequisite::Connection(&[]), "ct_nw_proto",
        text [] Decimal ReadOnly, place CtNwProto, key nicira(119) as "NXM_NX_CT_NW_PROTO", nxm None,
        "Protocol of the packet that began the connection.";
    92 CtNwSrc ct_nw_src: Ipv4Addr, 32 bits, mask OpenVswitch, needs CT_IPV4, "ct_nw_src",
        text [] Ipv4 ReadOnly, place CtNwSrc, key nicira(120) as "NXM_NX_CT_NW_SRC", nxm None,
        "IPv4 source of the packet that began the connection.";
    93 CtNwDst ct_nw_dst: Ipv4Addr, 32 bits, mask OpenVswitch, needs CT_IPV4, "ct_nw_dst",
        text [] Ipv4 ReadOnly, place CtNwDst, key nicira(121) as "NXM_NX_CT_NW_DST", nxm None,
        "IPv4 destination of the packet that began the connection.";
    94 CtIpv6Src ct_ipv6_src: Ipv6Addr, 128 bits, mask OpenVswitch, needs CT_IPV6, "ct_ipv6_src",
        text [] Ipv6 ReadOnly, place CtIpv6Src, key nicira(122) as "NXM_NX_CT_IPV6_SRC", nxm None,
        "IPv6 source of the packet that began the connection.";
    95 CtIpv6Dst ct_ipv6_dst: Ipv6Addr, 128 bits, mask OpenVswitch, needs CT_IPV6, "ct_ipv6_dst",
        text [] Ipv6 ReadOnly, place CtIpv6Dst, key nicira(123) as "NXM_NX_CT_IPV6_DST", nxm None,
        "IPv6 destination of the packet that began the connection.";
    96 CtTpSrc ct_tp_src: u16, 16 bits, mask OpenVswitch, needs Prerequisite::ConnectionPorts, "ct_tp_src",
        text [] Decimal ReadOnly, place CtTpSrc, key nicira(124) as "NXM_NX_CT_TP_SRC", nxm None,
        "Source port of the packet that began the connection.";
    97 CtTpDst ct_tp_dst: u16, 16 bits, mask OpenVswitch, needs Prerequisite::ConnectionPorts, "ct_tp_dst",
        text [] Decimal ReadOnly, place CtTpDst, key nicira(125) as "NXM_NX_CT_TP_DST", nxm None,
        "Destination port of the packet that began the connection.";
    98 MplsTtl mpls_ttl: u8, 8 bits, mask No, needs MPLS, "mpls_ttl",
        text [] Decimal ReadWrite, place MplsTtl, key nicira(30) as "NXM_NX_MPLS_TTL", nxm None,
        "TTL of the outermost MPLS entry.";
    99 NwTtl nw_ttl: u8, 8 bits, mask No, needs IP, "nw_ttl",
        text [] Decimal ReadWrite, place NwTtl, key nicira(29) as "NXM_NX_IP_TTL", nxm None,
        "TTL of IPv4, or hop limit of IPv6.";
    100 IpFrag ip_frag: u8, 2 bits, mask OpenVswitch, needs IP, "ip_frag",
        text ["nw_frag"] Fragment ReadOnly, place IpFrag, key nicira(26) as "NXM_NX_IP_FRAG", nxm None,
        "Bit 0: a fragment; bit 1: not the first.";
    101 TcpFlags tcp_flags: u16, 12 bits, mask OpenVswitch, needs TCP, "tcp_flags",
        text [] TcpFlags ReadOnly, place TcpFlags, key experimenter(ONF, 42) as "NXM_NX_TCP_FLAGS", nxm Some((1, 34)),
        "Flags of TCP, 12 bits.";
    102 NdReserved nd_reserved: u32, 32 bits, mask No, needs Prerequisite::Icmpv6Type(&[135, 136]), "nd_reserved",
        text [] Decimal ReadWrite, place NdReserved, key ericsson(1) as "ERICOXM_OF_ICMPV6_ND_RESERVED", nxm None,
        "Reserved bits of neighbour discovery, flags of an advertisement.";
    103 NdOptionsType nd_options_type: u8, 8 bits, mask No, needs Prerequisite::Icmpv6Type(&[135, 136]), "nd_options_type",
        text [] Decimal ReadWrite, place NdOptionsType, key ericsson(2) as "ERICOXM_OF_ICMPV6_ND_OPTIONS_TYPE", nxm None,
        "Type of the option of neighbour discovery.";
    104 NshFlags nsh_flags: u8, 8 bits, mask OpenVswitch, needs NSH, "nsh_flags",
        text [] Decimal ReadWrite, place NshFlags, key experimenter(NSH_ID, 1) as "NXOXM_NSH_FLAGS", nxm None,
        "Flags of the network service header (RFC 8300).";
    105 NshMdtype nsh_mdtype: u8, 4 bits, mask No, needs NSH, "nsh_mdtype",
        text [] Decimal ReadOnly, place NshMdtype, key experimenter(NSH_ID, 2) as "NXOXM_NSH_MDTYPE", nxm None,
        "Type of the metadata of the network service header (RFC 8300).";
    106 NshNp nsh_np: u8, 8 bits, mask No, needs NSH, "nsh_np",
        text [] Decimal ReadOnly, place NshNp, key experimenter(NSH_ID, 3) as "NXOXM_NSH_NP", nxm None,
        "Protocol behind of the network service header (RFC 8300).";
    107 NshSpi nsh_spi: u32, 24 bits, mask No, needs NSH, "nsh_spi",
        text ["nsp"] Hexadecimal ReadWrite, place NshSpi, key experimenter(NSH_ID, 4) as "NXOXM_NSH_SPI", nxm None,
        "Service path, 24 bits, of the network service header (RFC 8300).";
    108 NshSi nsh_si: u8, 8 bits, mask No, needs NSH, "nsh_si",
        text ["nsi"] Decimal ReadWrite, place NshSi, key experimenter(NSH_ID, 5) as "NXOXM_NSH_SI", nxm None,
        "Service index of the network service header (RFC 8300).";
    109 NshC1 nsh_c1: u32, 32 bits, mask OpenVswitch, needs NSH, "nsh_c1",
        text ["nshc1"] Hexadecimal ReadWrite, place NshC1, key experimenter(NSH_ID, 6) as "NXOXM_NSH_C1", nxm None,
        "First word of the context of the network service header (RFC 8300).";
    110 NshC2 nsh_c2: u32, 32 bits, mask OpenVswitch, needs NSH, "nsh_c2",
        text ["nshc2"] Hexadecimal ReadWrite, place NshC2, key experimenter(NSH_ID, 7) as "NXOXM_NSH_C2", nxm None,
        "Second word of the context of the network service header (RFC 8300).";
    111 NshC3 nsh_c3: u32, 32 bits, mask OpenVswitch, needs NSH, "nsh_c3",
        text ["nshc3"] Hexadecimal ReadWrite, place NshC3, key experimenter(NSH_ID, 8) as "NXOXM_NSH_C3", nxm None,
        "Third word of the context of the network service header (RFC 8300).";
    112 NshC4 nsh_c4: u32, 32 bits, mask OpenVswitch, needs NSH, "nsh_c4",
        text ["nshc4"] Hexadecimal ReadWrite, place NshC4, key experimenter(NSH_ID, 9) as "NXOXM_NSH_C4", nxm None,
        "Fourth word of the context of the network service header (RFC 8300).";
    113 NshTtl nsh_ttl: u8, 6 bits, mask No, needs NSH, "nsh_ttl",
        text [] Decimal ReadWrite, place NshTtl, key experimenter(NSH_ID, 10) as "NXOXM_NSH_TTL", nxm None,
        "TTL of the network service header (RFC 8300).";
}
