//! The flow key: all that a flow can match of a packet, in twenty-five words.
//!
//! Every basic field has its place in the words. Fields that never come together share one, as in
//! Open vSwitch: the ports of TCP, UDP and SCTP and type and code of ICMP, the addresses of IPv4 and
//! ARP. Their prerequisites keep them apart: whoever matches `tcp_dst` matches `ip_proto` too.
//! Registers lie behind the headers; a wide one is the narrow ones that it consists of, the first the
//! highest (`ovs-fields(7)`, "Register Fields"). Behind them is `conj_id`, which is zero but for a lookup
//! that a conjunction leads to.

use crate::oxm::{FieldId, Match, OxmField};

/// Words of a key.
pub(crate) const WORDS: usize = 25;

/// The words before this one are not of the packet's headers: ports, metadata, tunnel.
const HEADERS: usize = 3;

/// From this word on there are Open vSwitch's registers.
const REGISTERS: usize = 16;

/// Where a field lies. Wider than 64 bits it fills two words, the first the higher.
#[derive(Clone, Copy)]
struct Slot {
    word: u8,
    shift: u8,
    /// 0: the field has no place.
    bits: u8,
}

const fn at(word: u8, shift: u8, bits: u8) -> Slot {
    Slot { word, shift, bits }
}

const PLACES: &[(FieldId, Slot)] = &[
    (FieldId::InPort, at(0, 32, 32)),
    (FieldId::InPhyPort, at(0, 0, 32)),
    (FieldId::Metadata, at(1, 0, 64)),
    (FieldId::TunnelId, at(2, 0, 64)),
    (FieldId::EthType, at(3, 48, 16)),
    (FieldId::IpProto, at(3, 32, 8)),
    (FieldId::ArpOp, at(3, 32, 16)),
    (FieldId::TcpSrc, at(3, 16, 16)),
    (FieldId::UdpSrc, at(3, 16, 16)),
    (FieldId::SctpSrc, at(3, 16, 16)),
    (FieldId::Icmpv4Type, at(3, 16, 8)),
    (FieldId::Icmpv6Type, at(3, 16, 8)),
    (FieldId::TcpDst, at(3, 0, 16)),
    (FieldId::UdpDst, at(3, 0, 16)),
    (FieldId::SctpDst, at(3, 0, 16)),
    (FieldId::Icmpv4Code, at(3, 0, 8)),
    (FieldId::Icmpv6Code, at(3, 0, 8)),
    (FieldId::Ipv4Src, at(4, 32, 32)),
    (FieldId::Ipv4Dst, at(4, 0, 32)),
    (FieldId::ArpSpa, at(4, 32, 32)),
    (FieldId::ArpTpa, at(4, 0, 32)),
    (FieldId::EthDst, at(5, 0, 48)),
    (FieldId::VlanVid, at(5, 48, 13)),
    (FieldId::EthSrc, at(6, 0, 48)),
    (FieldId::VlanPcp, at(6, 48, 3)),
    (FieldId::IpDscp, at(6, 51, 6)),
    (FieldId::IpEcn, at(6, 57, 2)),
    (FieldId::MplsTc, at(6, 59, 3)),
    (FieldId::MplsBos, at(6, 62, 1)),
    (FieldId::MplsLabel, at(7, 0, 20)),
    (FieldId::Ipv6Flabel, at(7, 20, 20)),
    (FieldId::PbbIsid, at(7, 40, 24)),
    (FieldId::Ipv6Src, at(8, 0, 128)),
    (FieldId::Ipv6Dst, at(10, 0, 128)),
    (FieldId::ArpSha, at(12, 0, 48)),
    (FieldId::Ipv6NdSll, at(12, 0, 48)),
    (FieldId::Ipv6Exthdr, at(12, 48, 9)),
    (FieldId::ArpTha, at(13, 0, 48)),
    (FieldId::Ipv6NdTll, at(13, 0, 48)),
    (FieldId::Ipv6NdTarget, at(14, 0, 128)),
    (FieldId::Reg0, at(16, 32, 32)),
    (FieldId::Reg1, at(16, 0, 32)),
    (FieldId::Reg2, at(17, 32, 32)),
    (FieldId::Reg3, at(17, 0, 32)),
    (FieldId::Reg4, at(18, 32, 32)),
    (FieldId::Reg5, at(18, 0, 32)),
    (FieldId::Reg6, at(19, 32, 32)),
    (FieldId::Reg7, at(19, 0, 32)),
    (FieldId::Reg8, at(20, 32, 32)),
    (FieldId::Reg9, at(20, 0, 32)),
    (FieldId::Reg10, at(21, 32, 32)),
    (FieldId::Reg11, at(21, 0, 32)),
    (FieldId::Reg12, at(22, 32, 32)),
    (FieldId::Reg13, at(22, 0, 32)),
    (FieldId::Reg14, at(23, 32, 32)),
    (FieldId::Reg15, at(23, 0, 32)),
    (FieldId::Xreg0, at(16, 0, 64)),
    (FieldId::Xreg1, at(17, 0, 64)),
    (FieldId::Xreg2, at(18, 0, 64)),
    (FieldId::Xreg3, at(19, 0, 64)),
    (FieldId::Xreg4, at(20, 0, 64)),
    (FieldId::Xreg5, at(21, 0, 64)),
    (FieldId::Xreg6, at(22, 0, 64)),
    (FieldId::Xreg7, at(23, 0, 64)),
    (FieldId::Xxreg0, at(16, 0, 128)),
    (FieldId::Xxreg1, at(18, 0, 128)),
    (FieldId::Xxreg2, at(20, 0, 128)),
    (FieldId::Xxreg3, at(22, 0, 128)),
    (FieldId::ConjId, at(24, 0, 32)),
];

const SLOTS: [Slot; FieldId::ALL.len()] = {
    let mut slots = [at(0, 0, 0); FieldId::ALL.len()];
    let mut i = 0;
    while i < PLACES.len() {
        slots[PLACES[i].0 as usize] = PLACES[i].1;
        i += 1;
    }
    slots
};

/// What a flow can match of a packet: its headers and the pipeline's fields (OF 1.3.5 §7.2.3.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Key([u64; WORDS]);

impl Key {
    /// Whether a field has a place here: what has none is matched and set by nobody.
    #[inline]
    pub(super) fn has(id: FieldId) -> bool {
        SLOTS[id as usize].bits != 0
    }

    /// The value of a field; 0 where the packet has none.
    #[inline]
    pub fn get(&self, id: FieldId) -> u128 {
        let Slot { word, shift, bits } = SLOTS[id as usize];
        let word = usize::from(word);
        match bits {
            0 => 0,
            128 => u128::from(self.0[word]) << 64 | u128::from(self.0[word + 1]),
            bits => u128::from(self.0[word] >> shift & ones(bits)),
        }
    }

    /// Sets a field; of `value` the bits that the field has.
    #[inline]
    pub fn set(&mut self, id: FieldId, value: u128) {
        let Slot { word, shift, bits } = SLOTS[id as usize];
        let word = usize::from(word);
        match bits {
            0 => {}
            128 => {
                self.0[word] = (value >> 64) as u64;
                self.0[word + 1] = value as u64;
            }
            bits => {
                let place = ones(bits) << shift;
                self.0[word] = self.0[word] & !place | (value as u64) << shift & place;
            }
        }
    }

    /// Like [`Key::set`] for a field that is zero and a value that fits.
    #[inline]
    pub(super) fn put(&mut self, id: FieldId, value: u64) {
        let Slot { word, shift, .. } = SLOTS[id as usize];
        self.0[usize::from(word)] |= value << shift;
    }

    /// Whether a field is the pipeline's alone: no byte of the packet holds it.
    #[inline]
    pub(super) fn keeps(id: FieldId) -> bool {
        let Slot { word, bits, .. } = SLOTS[id as usize];
        bits != 0 && !(HEADERS..REGISTERS).contains(&usize::from(word))
    }

    /// The registers of 32 bits that are not zero.
    pub(super) fn registers(&self) -> impl Iterator<Item = (FieldId, u32)> + '_ {
        let narrow = &FieldId::ALL[FieldId::Reg0 as usize..=FieldId::Reg15 as usize];
        let used = self.0[REGISTERS..REGISTERS + 8] != [0; 8];
        let all = narrow.iter().map(|id| (*id, self.get(*id) as u32));
        all.take(if used { narrow.len() } else { 0 }).filter(|(_, value)| *value != 0)
    }

    /// Forgets the packet's headers; the pipeline's fields stay.
    #[inline]
    pub(super) fn clear_headers(&mut self) {
        self.0[HEADERS..REGISTERS].fill(0);
    }

    #[inline]
    pub(super) fn words(&self) -> &[u64; WORDS] {
        &self.0
    }
}

#[inline]
const fn ones(bits: u8) -> u64 {
    u64::MAX >> (64 - bits as u32)
}

/// The bits of a key that a flow looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Mask(pub(super) [u64; WORDS]);

impl Mask {
    /// Whether `other` looks at nothing that this one does not look at.
    pub(super) fn covers(&self, other: &Mask) -> bool {
        self.0.iter().zip(&other.0).all(|(mine, theirs)| theirs & !mine == 0)
    }
}

/// A match in the form of a key: the bits that count, and their values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Pattern {
    pub(super) value: Key,
    pub(super) mask: Mask,
}

/// Why a match is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoPattern {
    /// It has a field without a place in a key.
    UnknownField,
    /// It speaks of a register twice, by names of different width.
    Twice,
}

impl Pattern {
    /// The pattern of a match; prerequisites are the caller's to check.
    pub(super) fn new(matched: &Match) -> Result<Pattern, NoPattern> {
        let mut pattern = Pattern::default();
        for field in matched.fields() {
            pattern.add(&field)?;
        }
        Ok(pattern)
    }

    fn add(&mut self, field: &OxmField) -> Result<(), NoPattern> {
        let id = field.id().filter(|id| Key::has(*id)).ok_or(NoPattern::UnknownField)?;
        let (value, mask) = field.to_bits().ok_or(NoPattern::UnknownField)?;
        if Key::keeps(id) && Key(self.mask.0).get(id) != 0 {
            return Err(NoPattern::Twice);
        }
        self.value.set(id, value & mask);
        let mut bits = Key::default();
        bits.set(id, mask);
        for (all, new) in self.mask.0.iter_mut().zip(bits.0) {
            *all |= new;
        }
        Ok(())
    }

    /// Whether a packet with this key fits.
    pub(super) fn fits(&self, key: &Key) -> bool {
        (0..WORDS).all(|i| key.0[i] & self.mask.0[i] == self.value.0[i])
    }

    /// Whether every packet that fits `narrow` fits this one.
    #[cfg(test)]
    pub(super) fn includes(&self, narrow: &Pattern) -> bool {
        narrow.mask.covers(&self.mask) && self.fits(&narrow.value)
    }

    /// Whether some packet fits both, as far as the bits alone tell.
    pub(super) fn overlaps(&self, other: &Pattern) -> bool {
        let both = self.mask.0.iter().zip(&other.mask.0);
        let values = self.value.0.iter().zip(&other.value.0);
        values.zip(both).all(|((a, b), (m, n))| (a ^ b) & m & n == 0)
    }

    /// Whether every packet fits.
    pub(super) fn is_empty(&self) -> bool {
        self.mask == Mask::default()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use super::*;
    use crate::ids::PortNo;
    use crate::oxm::{Masked, VlanVid};
    use std::net::Ipv4Addr;

    #[test]
    fn every_field_has_a_place_of_its_own_or_shares_one() {
        for id in FieldId::BASIC.iter().copied() {
            let bits = SLOTS[id as usize].bits;
            // The place of ip_proto is arp_op's, which is wider.
            assert_eq!(u32::from(bits), id.bits(), "{id:?}");
            let mut key = Key::default();
            key.set(id, u128::MAX);
            assert_eq!(key.get(id), u128::MAX >> (128 - id.bits()), "{id:?}");
            for other in FieldId::BASIC.iter().copied() {
                let shared = other.place() == id.place();
                assert_eq!(key.get(other) != 0, shared, "{id:?} {other:?}");
            }
            key.set(id, 0);
            assert_eq!(key, Key::default(), "{id:?}");
        }
    }

    #[test]
    fn a_wide_register_is_its_narrow_ones() {
        let mut key = Key::default();
        key.set(FieldId::Xxreg1, 0x4444_4444_5555_5555_6666_6666_7777_7777);
        assert_eq!(key.get(FieldId::Xreg2), 0x4444_4444_5555_5555);
        assert_eq!((key.get(FieldId::Reg4), key.get(FieldId::Reg7)), (0x4444_4444, 0x7777_7777));
        key.set(FieldId::Reg6, 0);
        key.clear_headers();
        let left: Vec<_> = key.registers().collect();
        let expected =
            [(FieldId::Reg4, 0x4444_4444), (FieldId::Reg5, 0x5555_5555), (FieldId::Reg7, 0x7777_7777)];
        assert_eq!(left, expected);
        let pattern = |fields: &[(FieldId, u128, u128)]| {
            let fields =
                fields.iter().map(|(id, value, mask)| OxmField::from_bits(*id, *value, Some(*mask)).unwrap());
            Pattern::new(&fields.collect())
        };
        let narrow = pattern(&[(FieldId::Reg0, 1, 0xffff_ffff), (FieldId::Reg1, 2, 0xff)]);
        assert_eq!(pattern(&[(FieldId::Xreg0, 1 << 32 | 2, 0xffff_ffff_0000_00ff)]), narrow);
        let twice = pattern(&[(FieldId::Reg0, 1, 1), (FieldId::Xreg0, 0, 1)]);
        assert_eq!(twice, Err(NoPattern::Twice));
    }

    #[test]
    fn patterns_fit_include_and_overlap() {
        let net = |text: &str| {
            let net: Masked<Ipv4Addr> = text.parse().unwrap();
            Pattern::new(&Match::new().eth_type(0x0800).ipv4_dst(net)).unwrap()
        };
        let (wide, narrow, other) = (net("10.0.0.0/8"), net("10.1.0.0/16"), net("11.0.0.0/8"));
        assert!(wide.includes(&narrow) && !narrow.includes(&wide) && wide.includes(&wide));
        assert!(wide.overlaps(&narrow) && narrow.overlaps(&wide) && !wide.overlaps(&other));
        let port = Pattern::new(&Match::new().in_port(PortNo(1))).unwrap();
        assert!(port.overlaps(&wide) && !port.includes(&wide));
        assert!(Pattern::default().includes(&wide) && Pattern::default().is_empty());
        let mut key = Key::default();
        key.set(FieldId::EthType, 0x0800);
        key.set(FieldId::Ipv4Dst, 0x0a01_0203);
        assert!(wide.fits(&key) && narrow.fits(&key) && !other.fits(&key) && !port.fits(&key));
    }

    #[test]
    fn no_tag_and_any_tag_are_told_apart() {
        let none = Pattern::new(&Match::new().vlan_vid(VlanVid::NONE)).unwrap();
        let any = Pattern::new(&Match::new().vlan_vid(VlanVid::ANY)).unwrap();
        let mut key = Key::default();
        assert!(none.fits(&key) && !any.fits(&key));
        key.set(FieldId::VlanVid, 0x1005);
        assert!(!none.fits(&key) && any.fits(&key));
    }
}
