//! Values whose bits have names: the state of a connection, the flags of TCP and of tunnels
//! (`ovs-fields(7)`).

use std::fmt;

/// The bits of a value, by name.
pub(super) struct FlagNames {
    /// Lowest bit first.
    pub(super) names: &'static [&'static str],
    /// How many bits the value has; those without a name are written as `[HEX]`.
    pub(super) bits: u32,
}

impl FlagNames {
    /// All bits that the value has.
    pub(super) fn all(&self) -> u64 {
        u64::MAX >> (u64::BITS - self.bits)
    }
}

/// `ct_state`.
pub(super) const CONNECTION_STATE: FlagNames =
    FlagNames { names: &["new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"], bits: 8 };

/// `tcp_flags` (RFC 9293 §3.1, RFC 3540).
pub(super) const TCP_FLAGS: FlagNames =
    FlagNames { names: &["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns"], bits: 12 };

/// `tun_flags`.
pub(super) const TUNNEL_FLAGS: FlagNames = FlagNames { names: &["oam"], bits: 1 };

/// The bits that are set, `trk|est`; none as `0`.
pub(super) struct Set<'n>(pub(super) u64, pub(super) &'n FlagNames);

impl fmt::Display for Set<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Set(value, names) = *self;
        if value == 0 {
            return f.write_str("0");
        }
        let mut between = "";
        for bit in (0..u64::BITS).filter(|bit| value >> bit & 1 != 0) {
            write!(f, "{between}{}", Name(bit, names))?;
            between = "|";
        }
        Ok(())
    }
}

/// The bits that count, each with whether it is set: `+trk-inv`.
pub(super) struct Signed<'n> {
    pub(super) value: u64,
    pub(super) mask: u64,
    pub(super) names: &'n FlagNames,
}

impl fmt::Display for Signed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for bit in (0..u64::BITS).filter(|bit| self.mask >> bit & 1 != 0) {
            let sign = if self.value >> bit & 1 != 0 { '+' } else { '-' };
            write!(f, "{sign}{}", Name(bit, self.names))?;
        }
        Ok(())
    }
}

/// One bit.
struct Name<'n>(u32, &'n FlagNames);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1.names.get(self.0 as usize) {
            Some(name) => f.write_str(name),
            None => write!(f, "[{:x}]", 1u64 << self.0),
        }
    }
}

/// Which part of a packet, as `ip_frag` tells it: value, mask, word.
pub(super) const FRAGMENTS: [(&str, u8, u8); 5] =
    [("no", 0, 3), ("yes", 1, 1), ("first", 1, 3), ("later", 3, 3), ("not_later", 0, 2)];
