//! What stands in front of a frame on a packet socket: what a host left undone (`struct
//! virtio_net_hdr` of `linux/virtio_net.h`, by `PACKET_VNET_HDR`, `packet(7)`).

use openflow::pipeline::{Cut, CutKind, Offload};

/// Bytes of the header.
pub(super) const HEADER: usize = 10;

const NEEDS_CHECKSUM: u8 = 1;
const GSO_TCP4: u8 = 1;
const GSO_TCP6: u8 = 4;
const GSO_UDP: u8 = 5;
/// Beside the kind: the segments may be marked by routers (RFC 3168).
const GSO_ECN: u8 = 0x80;

/// What a host left undone. Nothing, where its transport is one that cannot be told here.
pub(super) fn read(header: [u8; HEADER]) -> Option<Offload> {
    let [flags, kind, _, _, s0, s1, c0, c1, o0, o1] = header;
    if flags & NEEDS_CHECKSUM == 0 {
        return None;
    }
    let kind = match kind & !GSO_ECN {
        GSO_TCP4 => Some(CutKind::Tcp4),
        GSO_TCP6 => Some(CutKind::Tcp6),
        GSO_UDP => Some(CutKind::Udp),
        _ => None,
    };
    let size = u16::from_ne_bytes([s0, s1]);
    Some(Offload {
        start: u16::from_ne_bytes([c0, c1]).into(),
        checksum: u16::from_ne_bytes([o0, o1]).into(),
        cut: kind.map(|kind| Cut { kind, size }),
    })
}

/// The header that says it.
pub(super) fn write(offload: Option<Offload>) -> [u8; HEADER] {
    let Some(Offload { start, checksum, cut }) = offload else { return [0; HEADER] };
    // Both lie in the first kilobytes of a frame, whose length is 16 bits.
    let [c0, c1] = u16::try_from(start).unwrap_or(u16::MAX).to_ne_bytes();
    let [o0, o1] = u16::try_from(checksum).unwrap_or(u16::MAX).to_ne_bytes();
    let kind = match cut.map(|cut| cut.kind) {
        None => 0,
        Some(CutKind::Tcp4) => GSO_TCP4,
        Some(CutKind::Tcp6) => GSO_TCP6,
        Some(CutKind::Udp) => GSO_UDP,
    };
    // The kernel wants to know how far the headers go; what is more than that does no harm.
    let headers = u16::try_from(start + 60).unwrap_or(u16::MAX);
    let [h0, h1] = if kind == 0 { [0; 2] } else { headers.to_ne_bytes() };
    let [s0, s1] = cut.map_or(0, |cut| cut.size).to_ne_bytes();
    [NEEDS_CHECKSUM, kind, h0, h1, s0, s1, c0, c1, o0, o1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_undone_is_read_as_it_is_written() {
        let kinds = [None, Some(CutKind::Tcp4), Some(CutKind::Tcp6), Some(CutKind::Udp)];
        for cut in kinds.map(|kind| kind.map(|kind| Cut { kind, size: 1448 })) {
            let offload = Some(Offload { start: 34, checksum: 16, cut });
            assert_eq!(read(write(offload)), offload);
        }
        assert_eq!(read(write(None)), None);
        let marked = [1, GSO_TCP4 | GSO_ECN, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(read(marked).and_then(|it| it.cut).map(|cut| cut.kind), Some(CutKind::Tcp4));
    }
}
