//! Whether a match makes sense as a whole: prerequisites, ranges, doubles (OF 1.3.5 §7.2.3.6).

use super::{FieldId, Masked, Match, OxmField, Prerequisite, RawField};
use crate::error::{BadMatch, ErrorKind};

/// A match that no switch takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatchError {
    /// A field is matched without what makes it mean something.
    #[error("match field {field} needs {needs}; add it to the match")]
    Prerequisite {
        /// The field, in Open vSwitch's words.
        field: &'static str,
        /// What is missing, in Open vSwitch's words.
        needs: String,
    },
    /// A value has bits that the field has not.
    #[error("match field {field} has {bits} bits; the value has more")]
    Value {
        /// The field, in Open vSwitch's words.
        field: &'static str,
        /// How many bits the field has.
        bits: u32,
    },
    /// A value has bits where its mask has none.
    #[error("match field {field} has bits of the value outside its mask; clear them")]
    Wildcards {
        /// The field, in Open vSwitch's words.
        field: &'static str,
    },
    /// A field is there twice.
    #[error("match field {field} is there twice; leave one")]
    Duplicate {
        /// The field, in Open vSwitch's words.
        field: &'static str,
    },
}

impl MatchError {
    /// The error with which a switch refuses such a match.
    pub fn to_error_kind(&self) -> ErrorKind {
        ErrorKind::BadMatch(match self {
            MatchError::Prerequisite { .. } => BadMatch::BadPrereq,
            MatchError::Value { .. } => BadMatch::BadValue,
            MatchError::Wildcards { .. } => BadMatch::BadWildcards,
            MatchError::Duplicate { .. } => BadMatch::DupField,
        })
    }
}

impl Match {
    /// Whether every field has what it needs from another one (OF 1.3.5 §7.2.3.6). Fields that this
    /// crate does not know need nothing.
    ///
    /// # Errors
    /// The first field whose prerequisite is missing, and what is missing.
    pub fn check_prerequisites(&self) -> Result<(), MatchError> {
        for id in self.raw().filter_map(|raw| raw.id()) {
            if !self.satisfies(id.prerequisite()) {
                let later =
                    matches!(id.prerequisite(), Prerequisite::IpProto(_)) && self.takes_later_fragments();
                let needs = if later { NOT_LATER.to_owned() } else { describe(id.prerequisite()) };
                return Err(MatchError::Prerequisite { field: id.name(), needs });
            }
        }
        Ok(())
    }

    /// All that a switch checks: prerequisites, value ranges, bits outside masks, doubles.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), MatchError> {
        let mut seen = 0u128;
        for raw in self.raw() {
            let Some(id) = raw.id() else { continue };
            let bit = 1u128 << id as u32;
            if seen & bit != 0 {
                return Err(MatchError::Duplicate { field: id.name() });
            }
            seen |= bit;
            check_value(id, &raw)?;
        }
        self.check_prerequisites()
    }

    /// Whether it takes fragments that are not the first: they have no header of the transport.
    fn takes_later_fragments(&self) -> bool {
        match self.get(FieldId::IpFrag) {
            Some(OxmField::IpFrag(frag)) => frag.value & frag.mask_bits() & LATER != 0,
            _ => false,
        }
    }

    fn satisfies(&self, needs: Prerequisite) -> bool {
        match needs {
            Prerequisite::None => true,
            Prerequisite::InPort => self.ingress().is_some(),
            Prerequisite::VlanTag => matches!(
                self.get(FieldId::VlanVid),
                Some(OxmField::VlanVid(vid)) if vid.value.id().is_some()
            ),
            Prerequisite::EthType(types) => matches!(
                self.get(FieldId::EthType),
                Some(OxmField::EthType(it)) if types.contains(&it)
            ),
            Prerequisite::IpProto(proto) => {
                self.get(FieldId::IpProto) == Some(OxmField::IpProto(proto)) && !self.takes_later_fragments()
            }
            Prerequisite::Icmpv4 => {
                self.satisfies(Prerequisite::EthType(&[0x0800])) && self.satisfies(Prerequisite::IpProto(1))
            }
            Prerequisite::Icmpv6 => {
                self.satisfies(Prerequisite::EthType(&[0x86dd])) && self.satisfies(Prerequisite::IpProto(58))
            }
            Prerequisite::Icmpv6Type(types) => matches!(
                self.get(FieldId::Icmpv6Type),
                Some(OxmField::Icmpv6Type(it)) if types.contains(&it)
            ),
            Prerequisite::Connection(types) => {
                let of_connection = matches!(
                    self.get(FieldId::CtState),
                    Some(OxmField::CtState(state)) if is_of_connection(state)
                );
                of_connection && (types.is_empty() || self.satisfies(Prerequisite::EthType(types)))
            }
            Prerequisite::ConnectionPorts => {
                let has_ports = matches!(
                    self.get(FieldId::CtNwProto),
                    Some(OxmField::CtNwProto(proto)) if CONNECTION_PORTS.contains(&proto)
                );
                has_ports && self.satisfies(Prerequisite::Connection(&[]))
            }
        }
    }
}

/// The bit of `ip_frag` that says that a fragment is not the first.
pub(crate) const LATER: u8 = 2;

/// What fields of the transport need besides their protocol.
pub(crate) const NOT_LATER: &str = "packets that are no later fragments, such as nw_frag=not_later";

/// Protocols whose connections have ports: TCP, UDP, SCTP and UDP-Lite; ICMP's have types and codes.
pub(crate) const CONNECTION_PORTS: [u8; 6] = [1, 6, 17, 58, 132, 136];

/// Whether packets in these states have a connection: all that are tracked and not invalid.
pub(crate) fn is_of_connection(state: Masked<u32>) -> bool {
    /// New, established, related, reply, source and destination NAT.
    const SOME_CONNECTION: u32 = 0xcf;
    const INVALID: u32 = 0x10;
    const TRACKED: u32 = 0x20;
    let (value, mask) = (state.value & state.mask_bits(), state.mask_bits());
    value & SOME_CONNECTION != 0 || value & TRACKED != 0 && mask & INVALID != 0 && value & INVALID == 0
}

fn check_value(id: FieldId, raw: &RawField<'_>) -> Result<(), MatchError> {
    let bytes = raw.value();
    let (value, mask) = bytes.split_at(id.wire_len().min(bytes.len()));
    let spare = 8 * id.wire_len() as u32 - id.bits();
    // The bits above the field's own are the first: 13 of 16 bits, 20 of 32.
    let excess = value.iter().zip((0..spare).step_by(8)).any(|(byte, before)| {
        let here = (spare - before).min(8);
        u32::from(*byte) >> (8 - here) != 0
    });
    if excess {
        return Err(MatchError::Value { field: id.name(), bits: id.bits() });
    }
    if raw.has_mask && value.iter().zip(mask).any(|(v, m)| v & !m != 0) {
        return Err(MatchError::Wildcards { field: id.name() });
    }
    Ok(())
}

/// The states of packets that have a connection.
const CONNECTION: &str = "ct_state with +trk-inv, +new or +est";

/// A prerequisite in Open vSwitch's words.
pub(crate) fn describe(needs: Prerequisite) -> String {
    let list = |name: &str, values: Vec<String>| format!("{name}={}", values.join(" or "));
    match needs {
        Prerequisite::None => String::new(),
        Prerequisite::InPort => "in_port".to_owned(),
        Prerequisite::VlanTag => "vlan_vid with a tag".to_owned(),
        Prerequisite::EthType(types) => list("eth_type", types.iter().map(|t| format!("{t:#06x}")).collect()),
        Prerequisite::IpProto(proto) => list("ip_proto", vec![proto.to_string()]),
        Prerequisite::Icmpv4 => "eth_type=0x0800 and ip_proto=1".to_owned(),
        Prerequisite::Icmpv6 => "eth_type=0x86dd and ip_proto=58".to_owned(),
        Prerequisite::Icmpv6Type(types) => list("icmpv6_type", types.iter().map(u8::to_string).collect()),
        Prerequisite::Connection([]) => CONNECTION.to_owned(),
        Prerequisite::Connection(types) => {
            format!("{CONNECTION} and {}", describe(Prerequisite::EthType(types)))
        }
        Prerequisite::ConnectionPorts => format!("{CONNECTION} and ct_nw_proto=6 or 17"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::PortNo;
    use crate::oxm::VlanVid;

    #[test]
    fn the_missing_prerequisite_is_named() {
        for (matched, says) in [
            (Match::new().tcp_dst(80), "match field tcp_dst needs ip_proto=6; add it to the match"),
            (
                Match::new().ip_proto(6).tcp_dst(80),
                "match field nw_proto needs eth_type=0x0800 or 0x86dd; add it to the match",
            ),
            (
                Match::new().vlan_vid(VlanVid::NONE).vlan_pcp(3),
                "match field vlan_pcp needs vlan_vid with a tag; add it to the match",
            ),
            (
                Match::new().eth_type(0x86dd).ip_proto(1).icmpv4_type(8),
                "match field icmp_type needs eth_type=0x0800 and ip_proto=1; add it to the match",
            ),
        ] {
            let error = matched.check_prerequisites().expect_err("something is missing");
            assert_eq!(error.to_string(), says);
        }
        let sound = Match::new()
            .in_port(PortNo(1))
            .vlan_vid(VlanVid::ANY)
            .vlan_pcp(3)
            .eth_type(0x0800)
            .ip_proto(6)
            .tcp_dst(80);
        assert_eq!(sound.check(), Ok(()));
    }

    #[test]
    fn values_doubles_and_masks_are_checked() {
        let mut twice = Match::new().in_port(PortNo(1)).as_bytes().to_vec();
        twice.extend_from_within(..);
        let twice = Match::from_tlvs(&twice).expect("well formed");
        assert_eq!(twice.check(), Err(MatchError::Duplicate { field: "in_port" }));
        // vlan_vid 0x0064 with mask 0x1000: the id is outside the mask.
        let outside = [0x80, 0, 0x0d, 4, 0x00, 0x64, 0x10, 0x00];
        let outside = Match::from_tlvs(&outside).expect("well formed");
        assert_eq!(outside.check(), Err(MatchError::Wildcards { field: "vlan_vid" }));
        assert_eq!(outside.normalized().check(), Ok(()));
        for (matched, field, bits) in [
            (Match::new().eth_type(0x0800).ip_dscp(64), "ip_dscp", 6),
            (Match::new().vlan_vid(VlanVid(0x2000)), "vlan_vid", 13),
            (Match::new().ipv6_flabel(1 << 20), "ipv6_label", 20),
            (Match::new().mpls_bos(2), "mpls_bos", 1),
        ] {
            assert_eq!(matched.check(), Err(MatchError::Value { field, bits }));
        }
        let everything = Match::new().metadata(Masked::new(7, 0));
        assert!(everything.is_empty(), "what is masked out is left out");
    }
}
