//! LLDP frames that find links (IEEE 802.1AB): made and read.
//!
//! A probe carries the datapath id and port through which it left, and a seal over both under a key
//! that only this controller has, so that a host cannot make one up.

use std::hash::{BuildHasher, RandomState};

use bytes::{BufMut, Bytes, BytesMut};
use openflow::{DatapathId, MacAddr, PortNo};

use crate::network::PortRef;

/// Ethertype of LLDP.
pub(crate) const ETHERTYPE: u16 = 0x88cc;

/// Nearest-bridge group address, which bridges do not forward (IEEE 802.1AB §7.1).
const DESTINATION: MacAddr = MacAddr([0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e]);
const CHASSIS_ID: u8 = 1;
const PORT_ID: u8 = 2;
const TTL: u8 = 3;
const ORGANISATION: u8 = 127;
/// Subtype 7, "locally assigned", of both chassis and port id (IEEE 802.1AB §8.5.2, §8.5.3).
const LOCALLY_ASSIGNED: u8 = 7;
/// A locally administered identifier for our own TLV, and the subtype of the seal in it.
const SEAL: [u8; 4] = [0x02, 0xf1, 0x0b, 1];

/// The key of a controller's probes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Key(RandomState);

impl Key {
    fn seal(&self, from: PortRef) -> u64 {
        self.0.hash_one(from)
    }

    /// The frame that tells "this left through `from`", with the port's own address as its source.
    pub(crate) fn probe(&self, from: PortRef, source: MacAddr, ttl_s: u16) -> Bytes {
        let mut frame = BytesMut::with_capacity(64);
        frame.put_slice(&DESTINATION.0);
        frame.put_slice(&source.0);
        frame.put_u16(ETHERTYPE);
        tlv(&mut frame, CHASSIS_ID, &[&[LOCALLY_ASSIGNED], &from.switch.0.to_be_bytes()]);
        tlv(&mut frame, PORT_ID, &[&[LOCALLY_ASSIGNED], &from.port.0.to_be_bytes()]);
        tlv(&mut frame, TTL, &[&ttl_s.to_be_bytes()]);
        tlv(&mut frame, ORGANISATION, &[&SEAL, &self.seal(from).to_be_bytes()]);
        tlv(&mut frame, 0, &[]);
        frame.freeze()
    }

    /// The port through which the probe left; `None` for LLDP that is not a probe of ours. `payload` is
    /// what follows the Ethernet header.
    pub(crate) fn read(&self, mut payload: &[u8]) -> Option<PortRef> {
        let (mut switch, mut port, mut seal) = (None, None, None);
        while let Some((kind, value, rest)) = next_tlv(payload) {
            match (kind, value) {
                (0, _) => break,
                (CHASSIS_ID, [LOCALLY_ASSIGNED, id @ ..]) => {
                    switch = Some(u64::from_be_bytes(id.try_into().ok()?))
                }
                (PORT_ID, [LOCALLY_ASSIGNED, id @ ..]) => {
                    port = Some(u32::from_be_bytes(id.try_into().ok()?))
                }
                (ORGANISATION, value) if value.starts_with(&SEAL) => {
                    seal = Some(u64::from_be_bytes(value[SEAL.len()..].try_into().ok()?));
                }
                _ => {}
            }
            payload = rest;
        }
        let from = PortRef { switch: DatapathId(switch?), port: PortNo(port?) };
        (seal? == self.seal(from)).then_some(from)
    }
}

/// Seven bits of type, nine of length, then the value (IEEE 802.1AB §8.4).
fn tlv(out: &mut BytesMut, kind: u8, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    out.put_u16(u16::from(kind) << 9 | length as u16);
    for part in parts {
        out.put_slice(part);
    }
}

fn next_tlv(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let head = u16::from_be_bytes(*bytes.first_chunk()?);
    let (value, rest) = bytes[2..].split_at_checked(usize::from(head & 0x1ff))?;
    Some(((head >> 9) as u8, value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_is_read_back_only_under_its_key_and_whole() {
        let from = PortRef { switch: DatapathId(0x1122), port: PortNo(3) };
        let key = Key::default();
        let frame = key.probe(from, MacAddr([2, 0, 0, 0, 0, 9]), 15);
        assert_eq!(key.read(&frame[14..]), Some(from));
        assert_eq!(Key::default().read(&frame[14..]), None, "another controller's probe");
        for cut in 14..frame.len() - 2 {
            assert_eq!(key.read(&frame[14..cut]), None);
        }
        let mut forged = frame.to_vec();
        forged[14 + 2 + 8] ^= 1;
        assert_eq!(key.read(&forged[14..]), None, "another datapath id under the same seal");
    }
}
